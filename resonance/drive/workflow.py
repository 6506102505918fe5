"""Our own round workflows, run on a ComfyUI server for a driver: one item in, one item's results out."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from PIL import Image

from ..session.item import Words
from ..session.naming import Naming
from ..told import Told
from .comfyui import Server
from .job import Job, JobFailed, Made

START = "ResonanceRoundInput"
END = "ResonanceRoundOutput"
ROULETTE = "ResonanceModelRoulette"
FIRST = 7
"""Number of Round Input's output ``first``."""


class RoundWorkflow:
    """A workflow in API form with one Round Input. A :class:`.comfyui.Recipe`.

    Attributes:
        graph: the workflow, without what ComfyUI wrote into it.
        plan_text: what stands in the Model Roulette at Round Input's ``plan``; None where nothing is connected to it.
        wants_first: whether jobs need :attr:`.job.Job.first`.

    Args:
        workflow: the same as the editor saves it, if it is known.

    Raises:
        Told: it is no such workflow.
    """

    def __init__(self, graph: Mapping[str, Any], workflow: Any = None) -> None:
        self.graph = _reduced(graph)
        starts, ends = (
            [id_ for id_, node in self.graph.items() if node["class_type"] == kind] for kind in (START, END)
        )
        if len(starts) != 1 or not ends:
            raise Told(
                f"expected a workflow with one Round Input and a Round Output, got {len(starts)} and {len(ends)}. Start from"
                " one of the templates of Resonance."
            )
        self._start = starts[0]
        self.plan_text = self._plan_text()
        self.wants_first = any([self._start, FIRST] in node["inputs"].values() for node in self.graph.values())
        self._extra = {} if workflow is None else {"extra_pnginfo": {"workflow": workflow}}
        self._texts = {"prompt": json.dumps(self.graph)}
        if workflow is not None:
            self._texts["workflow"] = json.dumps(workflow)

    def request(self, session: str, first_folder: str, rounds: int) -> dict[str, Any]:
        """What a ledger keeps so that a server can go on with the session (``graph``)."""
        graph = deepcopy(self.graph)
        asked = {"session": session, "first_folder": first_folder, "rounds": rounds, "keep_going": True, "item": ""}
        graph[self._start]["inputs"].update(asked)
        return {"prompt": graph, "extra_data": self._extra}

    async def make(self, server: Server, job: Job, run: str) -> Made:
        """Hands the job's item to Round Input, and takes what Round Words and Round Output say."""
        graph = deepcopy(self.graph)
        graph[self._start]["inputs"]["item"] = await self._item(server, job)
        outputs = await server.run(graph, run, self._extra)
        results = [output for output in outputs.values() if "resonance_made" in output]
        if not results:
            raise JobFailed("The run ended without a result: nothing reached Round Output.")
        if len(results) > 1 or len(results[0]["resonance_made"]) > 1:
            raise JobFailed("The run made several results of one item. Only one Round Output may run, and only once.")
        [made] = results[0]["resonance_made"]
        pictures = [await server.view(entry) for entry in results[0]["images"]]
        files = tuple(picture for picture in pictures if picture)
        if len(files) < len(pictures):
            raise JobFailed(f"ComfyUI at {server.address} does not hand out the pictures that it made.")
        words = next((each for output in outputs.values() for each in output.get("resonance_words", [])), None)
        return Made(
            pictures=files[: made["results"]],
            before=files[made["results"] :],
            words=Words(**words) if words else None,
            prompt=made["words"],
            takes=made["takes"],
            naming=Naming(made["folder"], made["name"]),
            facts=made["facts"],
            texts=self._texts,
        )

    async def _item(self, server: Server, job: Job) -> str:
        """The text to paste into Round Input."""
        item = job.item
        assert job.picture is not None
        source = await server.upload(job.picture, Path(job.name).suffix)
        first = source
        if self.wants_first and item.round > 1:
            if job.first is None:
                raise JobFailed("The workflow asks for the first picture of the lineage, which is not known here.")
            first = await server.upload(job.first, "")
        payload = {**item.payload, "first": first} if self.wants_first else item.payload
        return replace(item, source=source, payload=payload).to_json()

    def _plan_text(self) -> str | None:
        link = self.graph[self._start]["inputs"].get("plan")
        if link is None:
            return None
        node = self.graph.get(cast(list[Any], link)[0]) if isinstance(link, list) else None
        text = node["inputs"].get("text") if node and node["class_type"] == ROULETTE else None
        if not isinstance(text, str):
            raise Told(
                "The plan of Round Input must come from a Model Roulette with the text in it: the draws are made here, not in"
                " ComfyUI. Connect it directly and write the text into the node."
            )
        return text


def load(path: Path) -> RoundWorkflow:
    """Reads a workflow from a JSON file in API form, or from a picture that ComfyUI saved.

    Raises:
        Told: it cannot be read, or holds no such workflow.
    """
    try:
        if path.suffix.lower() == ".json":
            return RoundWorkflow(json.loads(path.read_text(encoding="utf-8-sig")))
        texts = _texts(path)
        if "prompt" not in texts:
            raise Told("expected a picture that ComfyUI saved with its workflow (text 'prompt'), got one without.")
        workflow = texts.get("workflow")
        return RoundWorkflow(json.loads(texts["prompt"]), json.loads(workflow) if workflow else None)
    except OSError as error:
        raise Told(f"{path} cannot be read ({error.strerror}).") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Told(f"{path}: the workflow is no JSON ({error}).") from None
    except Told as error:
        raise Told(f"{path}: {error}") from None


def _texts(path: Path) -> dict[Any, Any]:
    """The texts in a picture."""
    with path.open("rb") as file:
        try:
            with Image.open(file) as image:
                return dict(image.info)
        except Exception as error:  # a damaged file makes Pillow's readers raise all kinds
            raise Told("this is neither a .json file nor a picture.") from error


def _reduced(graph: Any) -> dict[str, dict[str, Any]]:
    """A graph without what ComfyUI writes into it (``is_changed``)."""
    nodes = cast(dict[str, Any], graph) if isinstance(graph, dict) else {}
    if isinstance(nodes.get("nodes"), list):
        raise Told(
            "this is a workflow as ComfyUI's editor saves it. Open it in ComfyUI, choose Workflow > Export (API), and give the"
            " file that you get."
        )
    if not nodes or not all(_is_node(node) for node in nodes.values()):
        raise Told("this is no workflow in API form. In ComfyUI choose Workflow > Export (API).")
    kept = ("class_type", "inputs", "_meta")
    return {id_: {key: node[key] for key in kept if key in node} for id_, node in nodes.items()}


def _is_node(node: Any) -> bool:
    match node:
        case {"class_type": str(), "inputs": dict()}:
            return True
        case _:
            return False

"""Our own workflows, run on a ComfyUI server for a driver: one item in, one item's results out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ..files import formats
from ..graph import (
    EXPLORE,
    FIRST,
    PROMPT_LINES,
    ROULETTE,
    ROUND_INPUT,
    ROUND_OUTPUT,
    ROUND_WORDS,
    ancestors,
    has_stages,
    is_graph,
    is_used,
    model_of,
    nodes_of,
    reduced,
    stores_words,
    with_inputs,
)
from ..paint.how import how
from ..paint.line_workflow import LineWorkflow
from ..session.item import Item, Words
from ..session.made import Made
from ..session.naming import Naming
from ..session.payloads import Plain, PromptLine
from ..told import Told
from .comfyui import Server
from .job import Job, JobFailed

NAMES = {ROUND_INPUT: "Round Input", EXPLORE: "Explore", PROMPT_LINES: "Prompt Lines"}


class ItemWorkflow:
    """A workflow in API form with one node that takes items, and a Round Output. A :class:`.comfyui.Recipe`.

    Attributes:
        graph: the workflow, without what ComfyUI wrote into it.
        start: id of the node that takes the items.
        plan_text: what stands in the Model Roulette at its ``plan``; None where nothing is connected to it.
        wants_first: whether jobs need :attr:`.job.Job.first`.
        words_first: whether it asks for all words of a round before anything is painted.
        metadata: whether its pictures are kept with the texts that say how they were made.
        lines: what it does with prompt lines, where the node is Prompt Lines.

    Args:
        kind: class of the node that takes the items, Round Input, Explore or Prompt Lines.
        workflow: the same as the editor saves it, if it is known.

    Raises:
        Told: it is no such workflow.
    """

    def __init__(
        self, graph: Mapping[str, Any], workflow: Any = None, kind: str = ROUND_INPUT, metadata: bool = True
    ) -> None:
        self.graph = checked(graph)
        starts, ends = nodes_of(self.graph, kind), nodes_of(self.graph, ROUND_OUTPUT)
        if len(starts) != 1 or not ends:
            raise Told(
                f"expected a workflow with one {NAMES[kind]} and a Round Output, got {len(starts)} and {len(ends)}. Start from"
                " one of the templates of Resonance."
            )
        self.start = starts[0]
        self.lines = LineWorkflow(self.graph, self.start)
        self.plan_text = self._plan_text()
        self.wants_first = kind == ROUND_INPUT and is_used(self.graph, self.start, FIRST)
        asked = self.graph[self.start]["inputs"].get("words_first") is True
        self.words_first = asked and stores_words(self.graph, self.start)
        self._kind, self._workflow, self.metadata = kind, workflow, metadata
        self._extra = {} if workflow is None else {"extra_pnginfo": {"workflow": workflow}}
        self._texts = {"prompt": json.dumps(self.graph)}
        if workflow is not None:
            self._texts["workflow"] = json.dumps(workflow)

    def saving(self, inputs: Mapping[str, Any], metadata: bool = True) -> "ItemWorkflow":
        """The same, its Round Output with these inputs."""
        return ItemWorkflow(with_inputs(self.graph, ROUND_OUTPUT, inputs), self._workflow, self._kind, metadata)

    def request(self, **asked: Any) -> dict[str, Any]:
        """What a ledger keeps so that a server can go on with the session (``graph``).

        Args:
            asked: what the node that takes the items is set to: its session and what fills it.
        """
        graph = deepcopy(self.graph)
        graph[self.start]["inputs"].update(asked, keep_going=True, item="")
        return {"prompt": graph, "extra_data": self._extra}

    async def make(self, server: Server, job: Job, run: str) -> Made:
        """Hands the job's item, and those beside it, to the node that would claim them, and takes what Round Words and Round Output
        say."""
        graph = deepcopy(self.graph)
        pasted = [await self._item(server, each) for each in job.batch]
        graph[self.start]["inputs"]["item"] = f"[{', '.join(pasted)}]" if job.beside else pasted[0]
        if job.item.phase == "describe":
            return Made(words=_words(await server.run(_only_words(graph), run, self._extra)))
        outputs = await server.run(graph, run, self._extra)
        results = [output for output in outputs.values() if "resonance_made" in output]
        if not results:
            raise JobFailed("The run ended without a result: nothing reached Round Output.")
        if len(results) > 1 or len(results[0]["resonance_made"]) > len(job.batch):
            raise JobFailed("The run made several results of one item. Only one Round Output may run, and only once.")
        made, files = results[0]["resonance_made"], await handed_out(server, results[0]["images"])
        share = len(files) // len(made)  # those of a batch have as many files each
        first, *beside = (
            self._made(each.item, said, files[place * share : (place + 1) * share], _words(outputs), place)
            for place, (each, said) in enumerate(zip(job.batch, made, strict=False))
        )
        return replace(first, beside=tuple(beside))

    def _made(self, item: Item, made: dict[str, Any], files: Sequence[bytes], words: Words | None, place: int) -> Made:
        """What came of one item.

        Args:
            made: what Round Output says of it.
            files: its own.
            place: in the batch, from 0.
        """
        naming = Naming.of(made)  # the server may have been told to write no metadata
        naming = replace(naming, metadata=naming.metadata and self.metadata)
        item = replace(item, payload=replace(item.payload, **made["facts"]))
        return Made(
            pictures=tuple(files[: made["results"]]),
            before=tuple(files[made["results"] :]),
            words=words,
            prompt=made["words"],
            takes=made["takes"],
            naming=naming,
            how=how(self.graph, item, made["words"], made.get("hashes")) if naming.parameters else None,
            model=model_of(self.graph),
            place=place,
            stages=has_stages(self.graph),
            facts=made["facts"],
            texts=self._texts,
        )

    async def _item(self, server: Server, job: Job) -> str:
        """The text to paste into the node, with pictures that are on the server."""
        item, payload = job.item, job.item.payload
        source = None if job.picture is None else await server.upload(job.picture, Path(job.name).suffix)
        if isinstance(payload, PromptLine):
            files = {"mask": job.mask, "guide": job.guide}
            sent = {
                name: await server.upload(file.data, Path(file.name).suffix) for name, file in files.items() if file
            }
            return replace(item, source=source, payload=replace(payload, **sent)).to_json()
        if source is None:
            return item.to_json()
        first = source
        if self.wants_first and item.round > 1:
            if job.first is None:
                raise JobFailed("The workflow asks for the first picture of the lineage, which is not known here.")
            first = await server.upload(job.first, "")
        if isinstance(payload, Plain) and self.wants_first:
            payload = replace(payload, first=first)
        return replace(item, source=source, payload=payload).to_json()

    def _plan_text(self) -> str | None:
        link = self.graph[self.start]["inputs"].get("plan")
        if link is None:
            return None
        node = self.graph.get(cast(list[Any], link)[0]) if isinstance(link, list) else None
        text = node["inputs"].get("text") if node and node["class_type"] == ROULETTE else None
        if not isinstance(text, str):
            raise Told(
                "The plan must come from a Model Roulette with the text in it: the draws are made here, not in"
                " ComfyUI. Connect it directly and write the text into the node."
            )
        return text


async def handed_out(server: Server, entries: Iterable[Mapping[str, str]]) -> list[bytes]:
    """The files that a node has shown. Raises JobFailed: the server keeps one to itself."""
    pictures = [await server.view(entry) for entry in entries]
    files = [picture for picture in pictures if picture]
    if len(files) < len(pictures):
        raise JobFailed(f"ComfyUI at {server.address} does not hand out the pictures that it made.")
    return files


def load(path: Path, kind: str = ROUND_INPUT) -> ItemWorkflow:
    """Reads a workflow from a JSON file in API form, or from a picture that ComfyUI saved.

    Raises:
        Told: it cannot be read, or holds no such workflow.
    """
    try:
        return ItemWorkflow(*read_workflow(path), kind)
    except Told as error:
        raise Told(f"{path}: {error}") from error


def read_workflow(path: Path) -> tuple[Any, Any]:
    """The graph in API form and, if it is known, the workflow as the editor saves it. Raises Told."""
    try:
        if path.suffix.lower() == ".json":
            return json.loads(path.read_text(encoding="utf-8-sig")), None
        texts = _texts(path)
        if not texts.get("prompt", "").lstrip().startswith("{"):  # kohya's scripts write words there
            raise Told("expected a picture that ComfyUI saved with its workflow (text 'prompt'), got one without.")
        workflow = texts.get("workflow")
        return json.loads(texts["prompt"]), json.loads(workflow) if workflow else None
    except OSError as error:
        raise Told(f"it cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise Told(f"the workflow is no JSON ({error}).") from error


def _texts(path: Path) -> dict[str, str]:
    """The texts in a picture."""
    try:
        return formats.texts(path)
    except OSError as error:
        if error.errno:
            raise
        raise Told("this is neither a .json file nor a picture.") from error
    except Exception as error:  # a damaged file makes Pillow's readers raise all kinds
        raise Told("this is neither a .json file nor a picture.") from error


def checked(given: Any) -> dict[str, dict[str, Any]]:
    """A graph without what ComfyUI writes into it. Raises Told where it is none."""
    graph = cast(dict[str, Any], given) if isinstance(given, dict) else {}
    if isinstance(graph.get("nodes"), list):
        raise Told(
            "this is a workflow as ComfyUI's editor saves it. Open it in ComfyUI, choose Workflow > Export (API), and give the"
            " file that you get."
        )
    if not is_graph(graph):
        raise Told("this is not a workflow in API form. In ComfyUI choose Workflow > Export (API).")
    return reduced(graph)


def _only_words(graph: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The graph as far as Round Words, with something behind it that ComfyUI runs."""
    stores = nodes_of(graph, ROUND_WORDS)
    wanted = {*stores, *(above for id_ in stores for above in ancestors(graph, id_))}
    shown = {f"{id_}.words": {"class_type": "PreviewAny", "inputs": {"source": [id_, 0]}} for id_ in stores}
    return {**{id_: node for id_, node in graph.items() if id_ in wanted}, **shown}


def _words(outputs: Mapping[str, Mapping[str, Any]]) -> Words | None:
    words = next((each for output in outputs.values() for each in output.get("resonance_words", [])), None)
    try:
        return Words.from_dict(words) if words else None
    except Told as error:
        raise JobFailed(f"The server's {error}") from None

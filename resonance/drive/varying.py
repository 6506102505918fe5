"""Variations without ComfyUI's queue: what Vary and its Transform are set to, the graph around them, and what a server is asked."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from .. import images
from ..graph import DRIVEN, MAKE, PLAN, TRANSFORM, VARY, Graph, ancestors, model_of, nodes_of
from ..paint.request import PictureFile
from ..session.chain import Chain, Unreadable
from ..session.fill.transforms import Transforms, VaryJob
from ..session.item import Item
from ..session.made import Made
from ..told import Told
from ..vary.choice import OWN, choose
from ..vary.grid import split
from ..vary.transform import CHANGED, PRESETS, Era, Transform
from .comfyui import Server
from .job import Job, JobFailed
from .workflow import checked, handed_out

SAMPLER = "ddim"
"""The batch CLI's, where no other is named."""

OURS = "resonance "
"""Stands before the ids of the nodes that the command adds to a workflow."""


@dataclass(frozen=True, kw_only=True)
class PlanJob(Job):
    """Asks what there is to make. :attr:`Made.pictures` are the pictures that are varied, ``texts["jobs"]`` their jobs as JSON."""


@dataclass(frozen=True, kw_only=True)
class LegJob(Job):
    """Asks for one kept picture, from :attr:`picture` on.

    Attributes:
        vary: what it is a part of.
        reference, heard: files of the pictures that its leg names.
        mask: only for those who paint without ComfyUI.
    """

    vary: VaryJob
    reference: bytes
    heard: tuple[bytes, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A transform as a person chooses it.

    Attributes:
        name: one of the presets, or a program such as ``6@.35 > 7@.45``.
        save_middle, loop_to_loop: for a program.
        iterations: 0: the transform's own number.
    """

    name: str = "normal"
    era: Era = "S"
    save_middle: bool = False
    loop_to_loop: bool = False
    iterations: int = 0

    def choice(self) -> dict[str, Any]:
        """As :func:`resonance.vary.choice.choose` takes it.

        Raises:
            Told: there is no such transform, or the options do not fit it.
        """
        own = {"save_middle": self.save_middle, "loop_to_loop": self.loop_to_loop}
        if self.name not in PRESETS:
            return {"transform": OWN, "program": self.name, **own}
        if any(own.values()):
            raise Told(
                f"{self.name} says itself what it keeps and where its loops start: leave out --save-middle and --loop-to-loop."
            )
        return {"transform": self.name, **({"era": self.era} if self.name in CHANGED else {})}

    def transform(self) -> Transform:
        """Raises Told like :meth:`choice`, or because the program cannot be read."""
        return choose(self.choice(), self.iterations)

    def inputs(self) -> dict[str, Any]:
        """As the Transform node has them in a graph. Raises Told like :meth:`transform`."""
        self.transform()
        widgets = {key if key == "transform" else f"transform.{key}": value for key, value in self.choice().items()}
        return {**widgets, "iterations": self.iterations}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A picture to vary, and its prompt; behind ``--n`` stands the negative one."""

    file: PictureFile
    words: str = ""
    mask: PictureFile | None = None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is asked for of a Vary node; None: as it is.

    Attributes:
        color: as :func:`resonance.vary.modes.colors` takes it.
    """

    session: str
    seed: int | None = None
    color: Mapping[str, Any] | None = None
    through_vae: bool | None = None
    scale_as: str | None = None
    folder: str | None = None
    names: str | None = None
    cooldown: str | None = None

    def applied(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of a Vary node with what is asked for. It saves what it makes."""
        saving = {"folder_rule": "round", "name_rule": "lineage", "returns": "last"}
        known = {**{f"save_as.{key}": value for key, value in saving.items()}, **inputs}
        asked = {
            "seed": self.seed,
            "reference_through_vae": self.through_vae,
            "scale_as": self.scale_as,
            "save_as.folder_rule": self.folder,
            "save_as.name_rule": self.names,
            "cooldown": self.cooldown,
        }
        if self.color is not None:
            known = {key: value for key, value in known.items() if not key.startswith("color")}
            asked |= {key if key == "color" else f"color.{key}": value for key, value in self.color.items()}
        asked |= {"save_as": "on", "save_as.session": self.session}
        return {**known, **{key: value for key, value in asked.items() if value is not None}}


def graph_for(
    checkpoint: str, sampler: str, scheduler: str, sources: Sequence[Source], chosen: Chosen, changes: Changes
) -> dict[str, dict[str, Any]]:
    """A graph that varies pictures with a checkpoint, each by a Vary of its own. Their files are still to be named.

    Raises:
        Told: something does not fit together.
    """
    graph = {
        "load": _node("CheckpointLoaderSimple", ckpt_name=checkpoint),
        "transform": _node(TRANSFORM, **chosen.inputs()),
    }
    for number, source in enumerate(sources, 1):
        positive, negative = split(source.words)
        graph[f"positive {number}"] = _node("CLIPTextEncode", clip=["load", 1], text=positive)
        graph[f"negative {number}"] = _node("CLIPTextEncode", clip=["load", 1], text=negative)
        graph[f"vary {number}"] = _node(
            VARY,
            model=["load", 0],
            vae=["load", 2],
            positive=[f"positive {number}", 0],
            negative=[f"negative {number}", 0],
            transform=["transform", 0],
            words=source.words,
            **changes.applied(
                {
                    "seed": 0,
                    "sampler_name": sampler,
                    "scheduler": scheduler,
                    "scale_as": "cfg",
                    "color": "none",
                    "reference_through_vae": False,
                    "cooldown": "0,0,0",
                    "save_as.folder_rule": "prompt hash",
                    "save_as.name_rule": "variation",
                }
            ),
        )
    return with_pictures(graph, nodes_of(graph, VARY), sources)


def with_pictures(graph: Graph, varys: Sequence[str], sources: Sequence[Source]) -> dict[str, dict[str, Any]]:
    """A graph whose Varys vary these pictures: each one, or the only one and copies of it. Their files are still to be named."""
    made = {id_: dict(node) for id_, node in graph.items()}
    if len(varys) == 1:
        varys = [varys[0], *(f"{OURS}vary {number}" for number in range(2, len(sources) + 1))]
    for number, (id_, source) in enumerate(zip(varys, sources, strict=True), 1):
        node = graph.get(id_) or graph[varys[0]]
        inputs = {**node["inputs"], "image": [picture_id(number), 0]}
        made[picture_id(number)] = _node("LoadImage", image="")
        if source.mask:
            inputs["mask"] = [mask_id(number), 0]
            made[mask_id(number)] = _node("LoadImageMask", image="", channel="red")
        made[id_] = {**node, "inputs": inputs}
    return made


def picture_id(number: int) -> str:
    """The node that loads a picture of the command."""
    return f"{OURS}picture {number}"


def mask_id(number: int) -> str:
    return f"{OURS}mask {number}"


def changed(
    graph: Graph, varys: Sequence[str], chosen: Mapping[str, Any] | None, iterations: int | None, changes: Changes
) -> dict[str, dict[str, Any]]:
    """A graph whose Varys do what is asked for.

    Args:
        varys: their ids.
        chosen: the inputs of a Transform that takes the place of theirs.
        iterations: of theirs.

    Raises:
        Told: their transform comes from another node.
    """
    made = {id_: dict(node) for id_, node in graph.items()}
    for id_ in varys:
        inputs = changes.applied(graph[id_]["inputs"])
        link = inputs.get("transform")
        if chosen:
            made[f"{OURS}transform"] = _node(TRANSFORM, **chosen)
            inputs["transform"] = [f"{OURS}transform", 0]
        elif iterations is not None:
            id_of = cast(list[Any], link)[0] if isinstance(link, list) else ""
            source = graph.get(id_of)
            if source is None or source["class_type"] != TRANSFORM:
                raise Told("--iterations needs a Transform that is connected to Vary directly, or --transform.")
            made[id_of] = {**source, "inputs": {**source["inputs"], "iterations": iterations}}
        made[id_] = {**graph[id_], "inputs": inputs}
    return made


def varys_of(graph: Graph, session: str) -> list[str]:
    """The Varys that save into a session."""
    wanted = {"save_as": "on", "save_as.session": session}
    return [id_ for id_ in nodes_of(graph, VARY) if wanted.items() <= graph[id_]["inputs"].items()]


class VaryWorkflow:
    """A workflow in API form whose Varys make one kept picture a run. A :class:`.comfyui.Recipe`.

    Args:
        session: the Varys that save into it are asked, whatever else is in the workflow.
        files: what nodes that load pictures are to load, by id; they are sent with each run that needs them.
        workflow: the same as the editor saves it, if it is known.
    """

    def __init__(self, graph: Graph, session: str, files: Mapping[str, PictureFile], workflow: Any = None) -> None:
        self.graph, self.files = checked(graph), files
        varys = varys_of(self.graph, session)
        wanted = {*varys, *(above for id_ in varys for above in ancestors(self.graph, id_))}
        self._asked = {id_: node for id_, node in self.graph.items() if id_ in wanted}
        self._extra = {} if workflow is None else {"extra_pnginfo": {"workflow": workflow}}

    def request(self, names: Mapping[str, str]) -> dict[str, Any]:
        """What a ledger keeps so that a server can go on with the session (``graph``).

        Args:
            names: of the files as ComfyUI finds them, by the id of the node that loads them.
        """
        graph = deepcopy(self.graph)
        for id_, name in names.items():
            graph[id_]["inputs"]["image"] = name
        return {"prompt": graph, "extra_data": self._extra}

    async def make(self, server: Server, job: Job, run: str) -> Made:
        match job:
            case PlanJob():
                return await self._plan(server, run)
            case LegJob():
                return await self._leg(server, job, run)
            case _:
                raise JobFailed(f"Item {job.item.lineage} is none of Vary.")

    async def _plan(self, server: Server, run: str) -> Made:
        outputs = await self._run(server, self._asked, {"kind": PLAN}, run)
        jobs: list[dict[str, Any]] = []
        pictures: list[bytes] = []
        for id_, output in outputs.items():
            planned = output.get("resonance_jobs", [])
            jobs += [{**job, "node": id_} for job in planned]
            if planned:
                pictures += await handed_out(server, output["images"])
        if not jobs:
            raise JobFailed(
                f"Vary of ComfyUI at {server.address} does not say what there is to make: its Resonance is older than this"
                " command. Update it there."
            )
        return Made(pictures=tuple(pictures), texts={"jobs": json.dumps(jobs)})

    async def _leg(self, server: Server, job: LegJob, run: str) -> Made:
        assert job.picture is not None
        begin, reference, *heard = [
            await server.upload(picture, ".png") for picture in (job.picture, job.reference, *job.heard)
        ]
        node = job.vary.node
        graph: dict[str, dict[str, Any]] = {**self._asked, f"{OURS}begin": _node("LoadImage", image=begin)}
        graph[node] = {**graph[node], "inputs": {**graph[node]["inputs"], "image": [f"{OURS}begin", 0]}}
        wanted = {node, *ancestors(graph, node)}
        graph = {id_: each for id_, each in graph.items() if id_ in wanted}
        question = {
            "kind": MAKE,
            "item": job.item.to_json(),
            "job": job.vary.to_dict(),
            "reference": reference,
            "heard": heard,
        }
        outputs = await self._run(server, graph, question, run)
        pictures = await handed_out(server, outputs.get(node, {}).get("images", []))
        if not pictures:
            raise JobFailed("The run ended without a picture of Vary.")
        return Made(pictures=tuple(pictures), model=model_of(self._asked))

    async def _run(
        self, server: Server, graph: Graph, question: Mapping[str, Any], run: str
    ) -> dict[str, dict[str, list[Any]]]:
        graph = {id_: dict(node) for id_, node in graph.items()}
        for id_ in self.files.keys() & graph.keys():
            file = self.files[id_]
            name = await server.upload(file.data, Path(file.name).suffix)
            graph[id_] = {**graph[id_], "inputs": {**graph[id_]["inputs"], "image": name}}
        return await server.run(graph, run, {**self._extra, DRIVEN: question})


@dataclass(frozen=True)
class LegJobs:
    """Makes the jobs of a session of Vary.

    Attributes:
        masks: by the id of the job; for those who paint without ComfyUI.
    """

    chain: Chain
    fill: Transforms
    masks: Mapping[str, PictureFile] = field(default_factory=dict[str, PictureFile])

    def __call__(self, item: Item) -> LegJob:
        """Raises Unreadable if one of the pictures that the item needs cannot be read."""
        vary = self.fill.job_of(item)
        leg = vary.leg_of(item)
        paths = self.fill.paths(item, (leg.begin, leg.reference, *leg.heard))
        try:
            begin, reference, *heard = [path.read_bytes() for path in paths]
            images.decode(begin, paths[0].name)
        except OSError as error:
            raise Unreadable(f"{Path(error.filename or '').name} cannot be read ({error.strerror}).") from error
        except Told as error:
            raise Unreadable(str(error)) from error
        mask = self.masks.get(vary.id)
        return LegJob(
            item=item, picture=begin, name=paths[0].name, vary=vary, reference=reference, heard=tuple(heard), mask=mask
        )


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}

"""A session of variations, driven from a shell."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import images
from ..drive.exploration import Paced
from ..drive.job import Engine, EngineLost
from ..drive.session import opened
from ..drive.varying import (
    SAMPLER,
    Changes,
    Chosen,
    LegJobs,
    PlanJob,
    Source,
    VaryWorkflow,
    changed,
    graph_for,
    mask_id,
    picture_id,
    varys_of,
    with_pictures,
)
from ..drive.workflow import checked, read_workflow
from ..files import store
from ..files.names import check_name, writable
from ..files.pictures import locate
from ..graph import VARY, Graph, nodes_of
from ..paint.request import PictureFile
from ..session.chain import Chain, WrongKind
from ..session.fill.transforms import Transforms, VaryJob, content_of, job_id, settings_of, start_of
from ..session.fill.variations import START
from ..session.item import Item
from ..session.made import Made
from ..session.naming import folder_of
from ..session.prompts import prompt_of
from ..session.query import Known, known
from ..told import Told
from ..vary.grid import older
from ..vary.modes import colors, read_color
from ..vary.settings import NONE
from ..vary.transform import SIDES
from ..vary.waits import read_waits
from .driving import drive_and_show, ledger_of
from .engines import Checkpoint, Engines
from .output import Output, interruptible
from .places import Places
from .session import kept, take
from .vary_options import Asked


@dataclass(frozen=True, kw_only=True)
class VaryPlan:
    """What is to be made.

    Attributes:
        starts: the pictures that are varied, as PNG, by the names of their files.
        masks: by the id of the job; for those who paint without ComfyUI.
    """

    jobs: Sequence[VaryJob]
    starts: Mapping[str, bytes]
    masks: Mapping[str, PictureFile]


def run(asked: Asked, places: Places, engines: Engines, checkpoint: Checkpoint, out: Output) -> None:
    """Drives the session to its end, or until Ctrl-C.

    Raises:
        Told: something is wrong with what was asked for, or another program has the session.
    """
    folder = places.output / check_name(asked.name)
    waits = read_waits(asked.waits)
    asked.saved()  # says at once what cannot be
    with ledger_of(folder):
        before = known(folder)
        if before and before.kind != "vary":
            raise WrongKind(asked.name, before.kind, "vary")
        sources = _sources(asked, places) if asked.pictures else []
        for note in filter(None, map(older, dict.fromkeys(source.words for source in sources))):
            out.say(note)
        asks = (
            _plan(asked, checkpoint, sources)
            if engines.embedding
            else _recipe(asked, places, checkpoint, before, sources)
        )
    builds = engines.builds(asks if isinstance(asks, VaryWorkflow) else None, folder / ".comfyui")
    if asked.take:
        asyncio.run(take(asked.name, folder, engines.servers, out))

    async def work() -> None:
        async with engines.opened(builds) as ready:
            plan, request = (asks, None) if isinstance(asks, VaryPlan) else await _asked(asks, asked.name, ready)
            plan = replace(plan, jobs=[_saved(job, asked) for job in plan.jobs])
            with ledger_of(folder):
                chain, fill = _begun(asked, folder, places.secret(), plan, request)
                try:
                    paced = [Paced(engine, waits) for engine in ready]
                    await drive_and_show(chain, LegJobs(chain, fill, plan.masks), paced, out)
                finally:
                    chain.close()

    with interruptible():
        asyncio.run(work())


def _begun(
    asked: Asked, folder: Path, secret: str, plan: VaryPlan, request: dict[str, Any] | None
) -> tuple[Chain, Transforms]:
    """The session, with what it needs to begin with."""
    for job in plan.jobs:
        folder_of(Item(session=asked.name, round=1, index=1, lineage="", seed=0), job.words, job.folder)
    texts = _texts(request) if request else {}
    fill = Transforms(folder, plan.jobs, texts)
    chain = opened(folder, fill, plan.jobs[0].seed)
    try:
        missing = [file for file in plan.starts.items() if not (folder / START / file[0]).exists()]
        store.write(writable(folder, START), missing)
        with chain.ledger.transaction():
            if asked.retry:
                chain.ledger.retry()
                fill.begin(chain.ledger)
            if request:
                chain.ledger.update(graph=request, secret=secret)
    except BaseException:
        chain.close()
        raise
    return chain, fill


def _saved(job: VaryJob, asked: Asked) -> VaryJob:
    """The job, its pictures saved as is asked for."""
    naming = asked.naming(job.naming)
    return replace(job, pattern=naming.pattern, format=naming.format, quality=naming.quality)


def _texts(request: Mapping[str, Any]) -> dict[str, str]:
    extra: Mapping[str, Any] = request["extra_data"].get("extra_pnginfo", {})
    return {key: json.dumps(value) for key, value in {"prompt": request["prompt"], **extra}.items()}


# What is asked for


def _sources(asked: Asked, places: Places) -> list[Source]:
    """The pictures that were named. Raises Told: one cannot be read, or nothing says what is in it."""
    mask = None
    if asked.mask:
        data = store.encode_png(images.read(asked.mask), {})
        mask = PictureFile(f"mask-{hashlib.sha256(data).hexdigest()[:16]}.png", data)
    found: list[Source] = []
    for name in asked.pictures or ():
        path = Path(name).expanduser()
        if not path.exists():
            path = locate(name, places.roots)[1]
        images.read(path)
        words = asked.prompt
        if words is None:
            words = prompt_of(f"{path.name} [output]", {"output": path.resolve().parent}) if not asked.workflow else ""
        found.append(Source(file=PictureFile(path.name, path.read_bytes()), words=words + asked.add, mask=mask))
    return found


def _chosen(asked: Asked) -> Chosen:
    return Chosen(
        name=asked.transform or Chosen.name,
        era=asked.era or Chosen.era,
        save_middle=asked.save_middle,
        loop_to_loop=asked.loop_to_loop,
        iterations=asked.iterations or 0,
    )


def _changes(asked: Asked) -> Changes:
    return Changes(
        session=asked.name,
        seed=asked.seed,
        color=None if asked.color is None else read_color(asked.color, asked.correct),
        through_vae=asked.through_vae,
        scale_as=asked.scale_as,
        folder=asked.folder,
        names=asked.names,
        cooldown=None if asked.waits == "0" else asked.waits,
    )


def _plan(asked: Asked, checkpoint: Checkpoint, sources: Sequence[Source]) -> VaryPlan:
    """What is made without ComfyUI. Raises Told."""
    if not sources:
        raise Told("Which pictures are to be varied? Name them: without ComfyUI nothing else says it.")
    transform, color = _chosen(asked).transform(), read_color(asked.color or NONE, asked.correct)
    seed, through_vae = asked.seed or 0, bool(asked.through_vae)
    settings = settings_of(
        transform=transform,
        seed=seed,
        colors=colors(color),
        through_vae=through_vae,
        sampler=checkpoint.sampler or SAMPLER,
        scheduler="",
        scale_as=asked.scale_as or "cfg",
    )
    jobs: list[VaryJob] = []
    starts: dict[str, bytes] = {}
    masks: dict[str, PictureFile] = {}
    for source in sources:
        picture = images.cut(images.decode(source.file.data, source.file.name), SIDES)
        content = content_of(picture)
        mask = source.mask.data if source.mask else b""
        job = VaryJob(
            id=job_id(content, mask, settings, source.words, f"diffusers {checkpoint.model}"),
            start=start_of(content),
            transform=transform,
            seed=seed,
            color=color,
            through_vae=through_vae,
            words=source.words,
            folder=asked.folder or "prompt hash",
            name=asked.names or "variation",
        )
        jobs.append(job)
        starts[job.start] = store.encode_png(picture, {})
        if source.mask:
            masks[job.id] = source.mask
    return VaryPlan(jobs=jobs, starts=starts, masks=masks)


def _recipe(
    asked: Asked, places: Places, checkpoint: Checkpoint, before: Known | None, sources: Sequence[Source]
) -> VaryWorkflow:
    """The workflow that was named, one for the checkpoint, or the one that the session was run with last. Raises Told."""
    files = {
        id_: file
        for number, source in enumerate(sources, 1)
        for id_, file in ((picture_id(number), source.file), (mask_id(number), source.mask))
        if file
    }
    if checkpoint.model:
        if not sources:
            raise Told("Which pictures are to be varied? Name them, or leave out --model to go on as before.")
        sampler = checkpoint.sampler or SAMPLER
        graph = graph_for(checkpoint.model, sampler, checkpoint.scheduler, sources, _chosen(asked), _changes(asked))
        return VaryWorkflow(graph, asked.name, files)
    graph, workflow, varys = _workflow(asked, places, before)
    if asked.prompt is not None or asked.add:
        raise Told("--prompt and --add go with --model: with a workflow the words are in it.")
    if not asked.transform and (asked.era or asked.save_middle or asked.loop_to_loop):
        raise Told("--era, --save-middle and --loop-to-loop belong to a transform: pass --transform, too.")
    chosen = _chosen(asked).inputs() if asked.transform else None
    graph = changed(graph, varys, chosen, None if chosen else asked.iterations, _changes(asked))
    return VaryWorkflow(with_pictures(graph, varys, sources) if sources else graph, asked.name, files, workflow)


def _workflow(asked: Asked, places: Places, before: Known | None) -> tuple[Graph, Any, list[str]]:
    """The workflow that was named, or the one that the session was run with last: as a graph, as the editor saves it if it
    is known, and the Varys in it that are meant. Raises Told."""
    if asked.workflow:
        try:
            given, workflow = read_workflow(asked.workflow)
            graph = checked(given)
            varys = nodes_of(graph, VARY)
            if len(varys) != 1:
                raise Told(
                    f"expected a workflow with one Vary, got {len(varys)}. Start from one of the templates of Resonance."
                )
        except Told as error:
            raise Told(f"{asked.workflow}: {error}") from error
        return graph, workflow, varys
    if before and before.graph and not asked.pictures:
        given, workflow = kept(before, asked.name, places)
        graph = checked(given)
        if not (varys := varys_of(graph, asked.name)):
            raise Told(
                f"The workflow of session {asked.name!r} has its name from another node: pass it with --workflow."
            )
        return graph, workflow, varys
    raise Told(
        "What is to make the pictures? Pass --model, such as --model toyworld to try, with --server the name of a checkpoint"
        " there; or --workflow FILE, a workflow with Vary that was exported as API."
    )


# What a server says


async def _asked(recipe: VaryWorkflow, session: str, engines: Sequence[Engine]) -> tuple[VaryPlan, dict[str, Any]]:
    """What there is to make, as the first engine says that answers, and what a browser needs to go on with it.

    Raises:
        EngineLost: none answers.
        JobFailed: the workflow cannot be run.
    """
    question = PlanJob(item=Item(session=session, round=1, index=1, lineage="", seed=0))
    lost = EngineLost("There is nothing that could make pictures.")
    for engine in engines:
        try:
            made = await _made(engine, question)
        except EngineLost as error:
            lost = error
            continue
        jobs = [VaryJob.from_dict(job) for job in json.loads((made.texts or {})["jobs"])]
        starts = {job.start: data for job, data in zip(jobs, made.files, strict=True)}
        return _recorded(recipe, VaryPlan(jobs=jobs, starts=starts, masks={}), session)
    raise lost


async def _made(engine: Engine, question: PlanJob) -> Made:
    """The answer of an engine, which may have been lost and come back meanwhile. Raises EngineLost, JobFailed."""
    await engine.ready()
    try:
        return await engine.make(question, str(uuid.uuid4()))
    except EngineLost:
        await engine.ready()
        return await engine.make(question, str(uuid.uuid4()))


def _recorded(recipe: VaryWorkflow, plan: VaryPlan, session: str) -> tuple[VaryPlan, dict[str, Any]]:
    """The plan, and what a browser needs to go on: it loads the command's files from :data:`START`."""
    loaded = {recipe.graph[job.node]["inputs"]["image"][0]: job.start for job in plan.jobs}
    kept = {id_: loaded.get(id_, file.name) for id_, file in recipe.files.items()}
    masks = {kept[id_]: file.data for id_, file in recipe.files.items() if id_ not in loaded}
    request = recipe.request({id_: f"{session}/{START}/{name} [output]" for id_, name in kept.items()})
    return replace(plan, starts={**masks, **plan.starts}), request

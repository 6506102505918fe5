"""A session of an exploration, driven from a shell."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ..drive.exploration import BETWEEN, FIXED, RULES, Exploring, Paced, Tries, graph_for, named
from ..drive.job import Engine
from ..drive.session import Jobs, opened
from ..drive.workflow import ItemWorkflow, checked, read_workflow
from ..files.names import check_name
from ..graph import EXPLORE, nodes_of
from ..session.chain import Chain, PlanDraws, WrongKind
from ..session.fill.grid import Grid
from ..session.naming import Naming
from ..session.prompts import prompt_of
from ..session.query import Known, known, reading
from ..told import Told
from ..typed import written
from ..vary.grid import Combination, older
from ..vary.waits import Waits, read_waits
from .driving import drive_and_show, ledger_of
from .engines import Build, Checkpoint, Engines, plan_of
from .explore_options import Asked
from .output import Output, interruptible
from .places import Places
from .session import kept, take

SCRATCH = Naming("scratch", "variation")
MENU = "Enter: again. A text: a new prompt. e, c, a: edit prompt, scale, aspect. s: keep and explore. q: quit."


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is explored and by what.

    Attributes:
        recipe: None where there is no ComfyUI.
        naming: where pictures go; None: where the recipe's Round Output says.
        secret: this installation's.
    """

    asked: Asked
    exploring: Exploring
    folder: Path
    waits: Waits
    recipe: ItemWorkflow | None
    naming: Naming | None
    secret: str
    engines: Engines
    builds: Sequence[Build]
    out: Output


def run(asked: Asked, places: Places, engines: Engines, checkpoint: Checkpoint, out: Output) -> None:
    """Drives the session to its end, or until Ctrl-C.

    Raises:
        Told: something is wrong with what was asked for, or another program has the session.
    """
    work = _prepared(asked, places, engines, checkpoint, out)
    fill = work.exploring.fill()

    async def explore() -> None:
        async with work.engines.opened(work.builds) as ready:
            await _explore(work, fill, ready)

    with interruptible():
        asyncio.run(explore())


def interactive(asked: Asked, places: Places, engines: Engines, checkpoint: Checkpoint, out: Output) -> None:
    """Tries prompts until one is to be explored, by what is typed, or comes through a pipe. Raises like :func:`run`."""
    if not (asked.prompts or asked.like):
        if not (prompt := _typed(out, "Prompt:")):
            return
        asked = replace(asked, prompts=[prompt])
    work = _prepared(asked, places, engines, checkpoint, out)
    work.exploring.combinations()
    tried = _first_of(work.exploring)
    with interruptible(), asyncio.Runner() as runner:
        stack = AsyncExitStack()
        ready = runner.run(stack.enter_async_context(work.engines.opened(work.builds)))
        try:
            runner.run(_try(work, tried, ready))
            while (typed := _typed(out, f"{tried.prompts}\n{MENU}")) not in (None, "q"):
                try:
                    if typed == "s":
                        kept = work.exploring.changed(prompts=tried.prompts)
                        runner.run(_explore(work, kept.fill(), ready, kept))
                        continue
                    following = _changed(tried, typed or "", out)
                    following.combinations()
                except Told as error:
                    out.say(str(error))
                    continue
                tried = following
                runner.run(_try(work, tried, ready))
        finally:
            runner.run(stack.aclose())


def _changed(tried: Exploring, typed: str, out: Output) -> Exploring:
    """What is tried next."""
    match typed:
        case "":
            return tried
        case "e":
            return tried.changed(prompts=_typed(out, f"Prompt (Enter keeps {tried.prompts!r}):") or None)
        case "c":
            return tried.changed(scales=_typed(out, f"Scale (Enter keeps {tried.scales}):") or None)
        case "a":
            return tried.changed(aspects=_typed(out, f"Aspect (Enter keeps {tried.aspects}):") or None)
        case _:
            return tried.changed(prompts=typed)


def _first_of(exploring: Exploring) -> Exploring:
    """The first combination only: a try is of one."""
    first = exploring.combinations()[0]
    return exploring.changed(prompts=first.prompt, aspects=first.aspect, scales=written(first.scale))


def _typed(out: Output, question: str) -> str | None:
    """A line; None at the end of what comes."""
    out.say(question)
    line = sys.stdin.readline()
    return line.strip() if line else None


async def _try(work: Work, tried: Exploring, engines: Sequence[Engine]) -> None:
    """Paints a few fresh seeds into the folder for tries."""
    folder = work.folder.with_name(f"{work.folder.name}-tries")
    before = known(folder)
    last = 0
    if before:
        with reading(folder) as ledger:
            last = ledger.counts().rounds
    fill = Tries(tried.combinations(), last + work.asked.tries)
    with ledger_of(folder):
        await _drive(opened(folder, fill, work.asked.seed), work, engines, SCRATCH)


async def _explore(work: Work, fill: Grid, engines: Sequence[Engine], exploring: Exploring | None = None) -> None:
    asks = exploring or work.exploring
    with ledger_of(work.folder):
        chain = opened(work.folder, fill, work.asked.seed)
        try:
            with chain.ledger.transaction():
                if work.asked.retry:
                    chain.ledger.retry()
                if work.recipe:
                    seed = chain.ledger.session().seed
                    request = work.recipe.request(session=work.asked.name, seed=seed, **asks.inputs())
                    chain.ledger.update(graph=request, secret=work.secret)
        except BaseException:
            chain.close()
            raise
        await _drive(chain, work, engines, work.naming)


async def _drive(chain: Chain, work: Work, engines: Sequence[Engine], naming: Naming | None) -> None:
    try:
        if work.recipe and work.recipe.plan_text is not None:
            chain.draws = PlanDraws(await plan_of(work.recipe.plan_text, engines))
        paced = [Paced(engine, work.waits, naming) for engine in engines]
        await drive_and_show(chain, Jobs(chain), paced, work.out)
    finally:
        chain.close()


def _prepared(asked: Asked, places: Places, engines: Engines, checkpoint: Checkpoint, out: Output) -> Work:
    """Everything that can be known before the session is touched. Raises Told."""
    folder = places.output / check_name(asked.name)
    waits = read_waits(asked.waits)
    with ledger_of(folder):
        before = known(folder)
        if before and before.kind != "explore":
            raise WrongKind(asked.name, before.kind, "explore")
        recipe = None if engines.embedding else _recipe(asked, places, checkpoint, before)
        exploring = _exploring(asked, places, folder, before, recipe)
    for note in filter(None, map(older, dict.fromkeys(each.prompt for each in exploring.combinations()))):
        out.say(note)
    builds = engines.builds(recipe, folder / ".comfyui")
    if asked.take:
        asyncio.run(take(asked.name, folder, engines.servers, out))
    return Work(
        asked=asked,
        exploring=exploring,
        folder=folder,
        waits=waits,
        recipe=recipe,
        naming=None if recipe else asked.naming(Naming(asked.folder or "prompt hash", asked.names or "variation")),
        secret=places.secret() if recipe else "",
        engines=engines,
        builds=builds,
        out=out,
    )


def _recipe(asked: Asked, places: Places, checkpoint: Checkpoint, before: Known | None) -> ItemWorkflow:
    """The workflow that was named, one for the checkpoint, or the one that the session was run with last."""
    folder, names, saved = asked.folder, asked.names, asked.saved()
    if asked.workflow:
        try:
            graph, workflow = read_workflow(asked.workflow)
            return ItemWorkflow(
                named(ItemWorkflow(graph, workflow, EXPLORE).graph, folder, names, **saved), workflow, EXPLORE
            )
        except Told as error:
            raise Told(f"{asked.workflow}: {error}") from error
    if checkpoint.model:
        graph = graph_for(checkpoint.model, checkpoint.sampler or "ddim", checkpoint.scheduler)
        return ItemWorkflow(named(graph, folder or "prompt hash", names or "variation", **saved), None, EXPLORE)
    if before and before.graph:
        graph, workflow = kept(before, asked.name, places)
        return ItemWorkflow(named(graph, folder, names, **saved), workflow, EXPLORE)
    raise Told(
        "What is to make the pictures? Pass --model, such as --model toyworld to try, with --server the name of a checkpoint"
        " there; or --workflow FILE, a workflow with Explore and Round Output that was exported as API."
    )


def _exploring(
    asked: Asked, places: Places, folder: Path, before: Known | None, recipe: ItemWorkflow | None
) -> Exploring:
    """What is explored: as before where nothing else is asked for."""
    found, like = _before(folder, before)
    # Another command may have begun the session this moment, and said nothing yet.
    if asked.workflow and recipe and not (found.prompts.strip() or like):
        inputs = recipe.graph[recipe.start]["inputs"]
        found, like = Exploring.of_graph(inputs), str(inputs.get("like_picture", ""))
    if asked.prompts or asked.like:
        found, like = replace(found, prompts=BETWEEN.join(asked.prompts or ())), _picture(asked.like, places)
    if not (found.prompts.strip() or like):
        raise Told(f"There is nothing to explore in {folder} yet: pass a PROMPT, or --like PICTURE.")
    asked_rule = FIXED if asked.steps is not None else asked.rule
    rule = next((name for name in RULES if asked_rule and name.startswith(asked_rule)), None)
    found = found.changed(
        aspects=asked.aspects, sizes=asked.sizes, scales=asked.scales, seeds=asked.seeds, rule=rule, steps=asked.steps
    )
    return found.continued(prompt_of(like, places.roots) if like.strip() else "")


def _before(folder: Path, before: Known | None) -> tuple[Exploring, str]:
    """What the session was last asked for, and whose prompt stands before it."""
    if before is None:
        return Exploring(), ""
    if before.graph:
        graph = checked(before.graph.get("prompt"))
        if not (nodes := nodes_of(graph, EXPLORE)):
            raise Told(f"The workflow of session {folder.name!r} has no Explore.")
        inputs = graph[nodes[0]]["inputs"]
        return Exploring.of_graph(inputs), str(inputs.get("like_picture", ""))
    with reading(folder) as ledger:
        last = ledger.counts().rounds
        payloads = [ledger.item(cell.id).payload for cell in ledger.cells() if cell.round == last]
    return Exploring.of(map(Combination.read, payloads), before.rounds) if payloads else Exploring(), ""


def _picture(like: str, places: Places) -> str:
    """A picture as prompts know it: one on disk by its place in ComfyUI's folders."""
    path = Path(like).expanduser().resolve()
    if not like or not path.exists():
        return like
    for root, base in places.roots.items():
        if path.is_relative_to(base.resolve()):
            return f"{path.relative_to(base.resolve()).as_posix()} [{root}]"
    raise Told(f"{path} is in neither {places.output} nor {places.input}: name a picture that lies in one of them.")

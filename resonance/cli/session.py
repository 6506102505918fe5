"""A session of rounds, driven from a shell."""

import asyncio
import time
from pathlib import Path
from typing import Any

from ..drive.comfyui import Server
from ..drive.exploration import Paced
from ..drive.session import Jobs, opened
from ..drive.workflow import ItemWorkflow, load
from ..files.names import check_name
from ..session.chain import PlanDraws
from ..session.fill.pictures import Pictures, Which
from ..session.naming import BY_ROUND
from ..session.owning import Busy, own
from ..session.query import Known, known
from ..told import Told
from ..vary.waits import NO_WAITS
from .driving import drive_and_show, ledger_of
from .engines import Engines, plan_of
from .output import Output, interruptible
from .places import Places
from .rounds_options import Asked

ROUNDS = 3
"""Of a session for which nobody says how many."""


def run(asked: Asked, places: Places, engines: Engines, out: Output) -> None:
    """Drives the session to its end, or until Ctrl-C.

    Raises:
        OSError, RuntimeError, ValueError: something is wrong with what was asked for, or another program has the session.
    """
    folder = places.output / check_name(asked.name)
    with ledger_of(folder):
        _run(asked, folder, places, engines, out)


def _run(asked: Asked, folder: Path, places: Places, engines: Engines, out: Output) -> None:
    before = known(folder)
    if not asked.first and (before is None or before.first.endswith("[pictures]")):
        raise Told(
            f"Session {asked.name!r} began with {before.first}, outside of ComfyUI's folders: pass it again with --first."
            if before
            else f"There is no session {asked.name!r} in {places.output}. To begin it, pass --first FOLDER."
        )
    first, roots = places.first(asked.first) if asked.first else ("", places.roots)
    rounds = asked.rounds if asked.rounds is not None else before.rounds if before else ROUNDS
    naming = asked.naming(BY_ROUND)
    recipe = None if engines.embedding else _workflow(asked, before, places).saving(asked.saved())
    builds = engines.builds(recipe, folder / ".comfyui")
    if asked.take:
        asyncio.run(take(asked.name, folder, engines.servers, out))
    plan = engines.embedding.plan() if engines.embedding else None
    words_first = recipe.words_first if recipe else False
    fill = Pictures(first, rounds, roots, Which(asked.order, asked.start, asked.count))
    chain = opened(folder, fill, asked.seed, PlanDraws(plan) if plan else None, words_first)

    async def work() -> None:
        async with engines.opened(builds) as ready:
            if recipe and recipe.plan_text is not None:
                chain.draws = PlanDraws(await plan_of(recipe.plan_text, ready))
            if not recipe:
                ready = [Paced(engine, NO_WAITS, naming) for engine in ready]
            await drive_and_show(chain, Jobs(chain, recipe.wants_first if recipe else False), ready, out)

    try:
        with chain.ledger.transaction():
            if asked.retry:
                chain.ledger.retry()
            if asked.remake:
                chain.ledger.remake()
            if recipe:
                asks = {"session": asked.name, "first_folder": chain.ledger.session().first, "rounds": rounds}
                chain.ledger.update(graph=recipe.request(**asks), secret=places.secret())
        with interruptible():
            asyncio.run(work())
    finally:
        chain.close()


def _workflow(asked: Asked, before: Known | None, places: Places) -> ItemWorkflow:
    """The workflow that was named, or the one that the session was run with last."""
    if asked.workflow:
        return load(asked.workflow)
    if before and before.graph:
        return ItemWorkflow(*kept(before, asked.name, places))
    raise Told(
        "What is to make the pictures? With ComfyUI pass --workflow FILE, a workflow with Round Input and Round Output that"
        " was exported as API; without it --model, such as --model toyworld to try."
    )


def kept(before: Known, session: str, places: Places) -> tuple[Any, Any]:
    """The workflow with which a session was run last, as a graph and, where it is known, as the editor saves it.

    Raises:
        Foreign: another installation has kept it.
    """
    request = before.own_graph(session, places.secret())
    info: dict[str, Any] = request["extra_data"].get("extra_pnginfo") or {}
    return request["prompt"], info.get("workflow")


async def take(name: str, folder: Path, servers: list[str] | None, out: Output) -> None:
    """Makes the servers let go of a session, and waits until the one that has it has finished its picture."""
    if not servers:
        raise Told("--take asks the ComfyUI that works on the session to let go of it: name it with --server.")
    for address in servers:
        server = Server(address)
        try:
            await server.pause(name)
        finally:
            await server.close()
    told = time.monotonic()
    while folder.is_dir():
        try:
            own(folder).release()
            return
        except Busy as error:
            if time.monotonic() - told > 5:
                out.say(f"Waiting for {error}, which works on the session.")
                told = float("inf")
        await asyncio.sleep(0.2)

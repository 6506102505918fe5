"""Driving a chain from a command: progress, Ctrl-C, and the status that the shell gets."""

import asyncio
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..drive.driver import Ended, Halt, MakeJob, drive
from ..drive.job import Engine
from ..session.chain import Chain
from ..session.opening import UnreadableLedger, unwritable
from ..told import Told
from .output import INTERRUPTED, Output, signals


class Show:
    """What is told of a drive, as a bar on a terminal, a line for each picture elsewhere, and events for scripts."""

    def __init__(self, out: Output) -> None:
        self.out = out
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        times = (TimeElapsedColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, *times, console=out.console, disable=not out.console.is_terminal)
        self.task = self.bar.add_task("", total=None, visible=False)

    def tell(self, event: str, **facts: Any) -> None:
        self.out.event(event, **facts)
        match event:
            case "round":
                about = {"completed": facts["done"], "total": facts["total"], "visible": True}
                self.bar.reset(self.task, description=f"round {facts['round']}", **about)
                self.line(f"round {facts['round']}: {facts['total']} pictures, {facts['done']} done")
            case "done":
                self.bar.update(self.task, completed=facts["done"])
                self.line(f"{facts['lineage']}: {facts['done']} of {facts['total']}")
            case "failed" | "skipped":
                self.out.say(f"{facts['lineage']} {event} in round {facts['round']}: {facts['error']}")
            case "apart":
                them = ", ".join(facts["lineages"])
                self.out.say(
                    f"{them} failed together in round {facts['round']}, and are tried one by one: {facts['error']}"
                )
            case "lost":
                self.out.say(f"{facts['error']}{'' if facts['back'] else ' It is not asked again.'}")
            case _:
                pass

    def line(self, text: str) -> None:
        """On a terminal the bar says it."""
        if not self.out.console.is_terminal:
            self.out.say(text)


async def drive_and_show(
    chain: Chain, job: MakeJob, engines: Sequence[Engine], out: Output, batch_size: int = 1
) -> None:
    """Drives to the end, or until Ctrl-C: once, and engines finish what they work on; twice, and they stop at once.

    Args:
        batch_size: see :func:`resonance.drive.driver.drive`.

    Raises:
        typer.Exit: it ended otherwise than finished.
    """
    halt = Halt()
    show = Show(out)

    def ask() -> None:
        if not halt.times:
            out.say("Finishing what is begun; Ctrl-C once more stops at once. Nothing that is done is lost.")
        halt.ask()

    loop = asyncio.get_running_loop()
    with show.bar, signals(lambda *_: loop.call_soon_threadsafe(ask)):
        ended = await drive(chain, job, engines, show.tell, halt, batch_size)
    _conclude(chain, ended, out)


def _conclude(chain: Chain, ended: Ended, out: Output) -> None:
    status = chain.ledger.status()
    counts = ((status.failed, "failed"), (status.skipped, "skipped"), (status.removed, "removed"))
    troubles = [f"{count} {what}" for count, what in counts if count]
    out.event("ended", state=ended.state, reason=ended.reason, done=ended.done, failed=status.failed)
    done = f"{ended.done} picture{'s' * (ended.done != 1)} made{''.join(f', {trouble}' for trouble in troubles)}"
    if ended.state == "finished":
        more = " --retry tries those once more." if status.failed or status.skipped else ""
        more += " --remake makes what was removed again." if status.removed else ""
        out.say(f"Finished: round {status.round}, {done}.{more}")
        return
    out.say(f"{ended.state.capitalize()}: {ended.reason}. {done[0].upper()}{done[1:]}. The same command goes on.")
    raise typer.Exit(INTERRUPTED if ended.reason == "by request" else 1)


@contextmanager
def ledger_of(folder: Path) -> Generator[None]:
    """Says where the ledger is that cannot be used, and what to do. Raises Told."""
    try:
        yield
    except UnreadableLedger as error:
        raise Told(f"{error} resonance report {folder} --rebuild makes it anew from what the pictures say.") from error
    except sqlite3.DatabaseError as error:
        raise unwritable(folder, error) from error

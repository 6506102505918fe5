"""How far a session is."""

from dataclasses import dataclass
from typing import Literal

from ..told import NotNow, NotThere

FILE = "ledger.sqlite3"

State = Literal["open", "paused", "finished"]
Kind = Literal["rounds", "explore", "vary", "lines", "folders"]
"""Whose items a session holds: Round Input's, Explore's, Vary's, Prompt Lines' or img2tag2img's."""


class NoLedger(NotThere):
    """There is no session in a folder."""


class Moved(NotNow):
    """The folder of a session that is worked on is not where it was."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far a session is.

    Attributes:
        round: the round that is being worked on, or was last.
        done: how many of its ``total`` items are committed.
        failed: items of all rounds that were given up (three errors, or parked); ``skipped`` could not be read, of
            ``removed`` a picture was gone when the next round began.
        pace: seconds from one commit to the next, the median over the last twenty: a night's pause among them does not count.
        eta: seconds to the end of the round at that pace.
        changed: Unix time of the last commit, or at which the session was made.
    """

    session: str
    seed: int
    state: State
    reason: str
    round: int
    done: int
    total: int
    failed: int
    skipped: int
    removed: int
    pace: float | None
    eta: float | None
    changed: float

    def text(self) -> str:
        parts = [f"round {self.round}: {self.done} of {self.total}"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += [f"{self.removed} removed"] if self.removed else []
        parts += [f"about {_duration(self.eta)} left"] if self.eta else []
        parts += [f"{self.state}{': ' + self.reason if self.reason else ''}"] if self.state != "open" else []
        return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"

"""How far a session is, read from its ledger without owning it."""

import json
import logging
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Literal

from .schema import NoLedger

log = logging.getLogger(__name__)

FILE = "ledger.sqlite3"

State = Literal["open", "paused", "finished"]
Kind = Literal["rounds", "explore", "vary"]
"""Whose items a session holds: Round Input's, Explore's or Vary's."""
_STATES = ("pending", "claimed", "done", "failed", "parked", "skipped")


@dataclass(frozen=True)
class Status:
    """How far a session is.

    Attributes:
        round: the round that is being worked on, or was last.
        done: how many of its ``total`` items are committed.
        failed: items of all rounds that were given up (three errors, or parked); ``skipped`` could not be read.
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
    pace: float | None
    eta: float | None
    changed: float

    def text(self) -> str:
        parts = [f"round {self.round}: {self.done} of {self.total}"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += [f"about {_duration(self.eta)} left"] if self.eta else []
        parts += [f"{self.state}{': ' + self.reason if self.reason else ''}"] if self.state != "open" else []
        return ", ".join(parts)


@contextmanager
def reading(folder: Path) -> Generator[sqlite3.Connection]:
    """The ledger in ``folder`` as it stands at one moment, without owning it.

    Raises:
        NoLedger: there is none.
    """
    path = folder / FILE
    if not path.is_file():
        raise NoLedger(f"There is no session in {folder}: it has no {FILE}.")
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'result'").fetchone():
            raise NoLedger(f"There is no session in {folder}: its {FILE} is empty.")
        yield db
    finally:
        db.close()


def read(folder: Path, round_: int | None = None) -> tuple[Status, list[dict[str, Any]]]:
    """How far the session in ``folder`` is, and the items of one round.

    Raises:
        NoLedger: there is none.
    """
    with reading(folder) as db:
        status = status_of(db, folder.name)
        columns = "id, number, lineage, source, draw, words, prompt, state, attempts, error, committed"
        at = round_ or status.round
        rows = db.execute(f"SELECT {columns} FROM item WHERE round = ? ORDER BY number", (at,)).fetchall()
        files: dict[int, list[str]] = {}
        sql = "SELECT r.item, r.file FROM result r JOIN item i ON i.id = r.item WHERE i.round = ? ORDER BY r.item, r.number"
        for item, file in db.execute(sql, (at,)):
            files.setdefault(item, []).append(file)
        return status, [
            {
                **dict(row),
                "draw": json.loads(row["draw"]) if row["draw"] else None,
                "words": json.loads(row["words"]) if row["words"] else None,
                "files": files.get(row["id"], []),
            }
            for row in rows
        ]


def overview(output: Path) -> list[Status]:
    """How far every session of the output folder is, the one in which something was committed last first.

    A ledger that cannot be read, or that is being made at this moment, is left out.
    """
    found: list[Status] = []
    for folder in sessions(output):
        try:
            with reading(folder) as db:
                found.append(status_of(db, folder.name))
        except (NoLedger, sqlite3.Error) as error:
            log.warning("The ledger in %s cannot be read: %r", folder, error)
    return sorted(found, key=lambda status: -status.changed)


def sessions(output: Path) -> Iterable[Path]:
    """Folders of the output folder that hold a ledger."""
    return sorted(path.parent for path in output.glob(f"*/{FILE}"))


def status_of(db: sqlite3.Connection, name: str) -> Status:
    counts = [f"(SELECT count(*) FROM item WHERE state = '{each}' AND round = now)" for each in _STATES]
    seed, created, state, reason, current, pending, claimed, done, *rest, failed, skipped = db.execute(
        f"SELECT seed, created, state, reason, now, {', '.join(counts)},"
        " (SELECT count(*) FROM item WHERE state IN ('failed', 'parked')),"
        " (SELECT count(*) FROM item WHERE state = 'skipped') FROM session,"
        " (SELECT coalesce((SELECT min(round) FROM item WHERE state IN ('pending', 'claimed')), max(round), 1) AS now FROM item)"
    ).fetchone()
    times = [
        row[0]
        for row in db.execute("SELECT committed FROM item WHERE committed IS NOT NULL ORDER BY committed DESC LIMIT 20")
    ]
    pace = median(later - earlier for later, earlier in pairwise(times)) if len(times) > 1 else None
    return Status(
        session=name,
        seed=seed,
        state=state,
        reason=reason,
        round=current,
        done=done,
        total=pending + claimed + done + sum(rest),
        failed=failed,
        skipped=skipped,
        pace=pace,
        eta=(pace or 0) * (pending + claimed) or None,
        changed=times[0] if times else created,
    )


def kind_of(db: sqlite3.Connection) -> Kind:
    """Whose items a session holds. Ledgers of version 0.1.0 held Round Input's and did not say so."""
    return dict(db.execute("SELECT * FROM session").fetchone()).get("kind", "rounds")


def owner_of(path: Path) -> str:
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        try:
            return db.execute("SELECT owner FROM session").fetchone()[0] or "another process"
        finally:
            db.close()
    except (sqlite3.Error, TypeError):
        return "another process"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"

"""What a ledger says, read without owning it: every question that anybody but the ledger itself asks."""

import json
import logging
import sqlite3
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from ..files.names import is_link
from ..told import NotThere, Told
from . import installation
from .item import Item, Words, derive
from .opening import PATIENCE, UnreadableLedger, checked, from_json, open_to_read
from .payloads import payload_of
from .status import FILE, Kind, NoLedger, Status

log = logging.getLogger(__name__)

GLANCE = 0.25
"""Seconds for one ledger where all are looked at."""
MOST = 500_000
"""Items of a session that are shown at once."""
ARCHIVED = ".resonance"
"""Folder of the ledgers of img2tag2img, in its archive."""
_STEPS = (
    "SELECT json_extract(i.payload, '$.job'), i.round, json_extract(i.payload, '$.row'), i.lineage, r.file FROM item i"
    " LEFT JOIN result r ON r.item = i.id AND i.state = 'done'"
)
_STATES = ("pending", "claimed", "done", "failed", "parked", "skipped", "removed")
_SESSION_STATES = ("open", "paused", "finished")
_ODD = (
    "SELECT count(*) FROM item WHERE (typeof(round) <> 'integer' OR typeof(number) <> 'integer' OR typeof(lineage) <> 'text'"
    f" OR state NOT IN {_STATES} OR typeof(committed) NOT IN ('null', 'real', 'integer') OR abs(committed) > 1e15)"
)
"""Items that no version of ours writes."""


class NoItem(NotThere):
    """The ledger has no such item."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A session before anybody owns it.

    Attributes:
        first: the folder of round 1; ``rounds``: how many are wanted.
        created: Unix time.
        graph: the request of the last run that somebody pressed Run for; ``mark`` tells who has kept it.
    """

    seed: int
    kind: Kind
    first: str
    rounds: int
    created: float
    graph: dict[str, Any] | None
    mark: str

    def own_graph(self, session: str, secret: str) -> dict[str, Any]:
        """The graph, which there must be. Raises Foreign if another installation than that of the secret has kept it."""
        if self.graph is None or not installation.is_own(self.graph, self.mark, secret):
            raise installation.Foreign(session)
        return self.graph


@dataclass(frozen=True, kw_only=True)
class Row:
    """An item as the ledger has it."""

    id: int
    round: int
    number: int
    lineage: str
    source: str | None
    state: str
    attempts: int
    error: str | None
    draw: dict[str, Any] | None
    words: dict[str, Any] | None
    payload: dict[str, Any]
    prompt: str | None
    committed: float | None


class Cell(NamedTuple):
    """An item at a glance: ``results`` is how many pictures it has."""

    id: int
    round: int
    lineage: str
    state: str
    committed: float | None
    results: int


class Counts(NamedTuple):
    """What a session holds: its highest round, how many items stand how, how many pictures were saved."""

    rounds: int
    states: Mapping[str, int]
    pictures: int


class Unread(NamedTuple):
    """A session that cannot be read, and why."""

    session: str
    unread: str


class Step(NamedTuple):
    """A kept picture of a job of Vary: its place, and its file inside the session's folder if it is there."""

    round: int
    row: int
    lineage: str
    file: str | None


@contextmanager
def reading(folder: Path, seconds: float = PATIENCE) -> Generator["Query"]:
    """The ledger in ``folder`` as it stands at one moment, whoever has written it.

    Raises:
        NoLedger: there is none.
        UnreadableLedger: it cannot be read, or not in so many seconds. Questions to it raise this, too.
        Unreachable: it cannot be read as things stand.
    """
    with open_to_read(folder, seconds) as db:
        yield Query(db, folder)


def known(folder: Path) -> Known | None:
    """What is known of the session in ``folder``; None where there is none."""
    try:
        with reading(folder) as ledger:
            return ledger.known()
    except NoLedger:
        return None


def overview(output: Path, seconds: float = 10.0) -> list[Status | Unread]:
    """How far every session of the output folder is, the one in which something was committed last first, then those that cannot
    be read. One that is being made at this moment is left out.

    Args:
        seconds: after which those that are not looked at yet are left for the next time.
    """
    found: list[Status] = []
    unread: list[Unread] = []
    end = time.monotonic() + seconds
    for folder in sessions(output):
        try:
            if is_link(folder):
                raise UnreadableLedger("Its folder is a link.")
            if time.monotonic() > end:
                raise Told("Others take so long that it is not looked at yet.")
            with reading(folder, GLANCE) as ledger:
                found.append(ledger.status())
        except NoLedger:
            continue
        except Told as error:
            unread.append(Unread(folder.name, str(error)))
        except Exception as error:  # whatever it holds, the others are shown
            log.exception("The ledger in %s cannot be read", folder)
            unread.append(Unread(folder.name, f"{type(error).__name__}: {error}"))
    found.sort(key=lambda status: -status.changed)
    return [*found, *unread]


def sessions(output: Path) -> Iterable[Path]:
    """Folders in the output folder that hold a ledger: those of sessions, and those of img2tag2img in its archives."""
    places = (f"*/{FILE}", f"{ARCHIVED}/*/{FILE}", f"*/{ARCHIVED}/*/{FILE}")
    return sorted(path.parent for place in places for path in output.glob(place))


def read_round(folder: Path, round_: int | None = None) -> tuple[Status, list[dict[str, Any]]]:
    """How far the session in ``folder`` is, and the items of one round.

    Raises:
        NoLedger: there is none.
    """
    with reading(folder) as ledger:
        status = ledger.status()
        return status, ledger.items(round_ or status.round)


def owner_of(folder: Path) -> str:
    """Who says to own the ledger in ``folder``."""
    try:
        with open_to_read(folder, 1) as db:
            return str(db.execute("SELECT owner FROM session").fetchone()[0] or "another process")
    except Told:
        return "another process"


def base_of(folder: Path) -> Path:
    """The folder below which the files of a session's results are named: its own, or the archive of img2tag2img."""
    return folder.parents[1] if folder.parent.name == ARCHIVED else folder


class Query:
    """Questions to the ledger in ``folder``."""

    def __init__(self, db: sqlite3.Connection, folder: Path) -> None:
        self._db = db
        self.session = folder.name
        archived = folder.parent.name == ARCHIVED
        self._head, self._tail = ("", " [archive]") if archived else (f"{self.session}/", " [output]")

    def source_of(self, file: str) -> str:
        """A result as the next round has it as its source."""
        return f"{self._head}{file}{self._tail}"

    # The session

    def known(self) -> Known:
        row = dict(self._one("SELECT * FROM session"))
        return Known(
            seed=checked(row["seed"], int, "the seed"),
            kind=row.get("kind", "rounds"),  # ledgers of version 0.1.0 held Round Input's and did not say so
            first=checked(row["first"] or "", str, "the first folder"),
            rounds=checked(row["rounds"], int, "the number of rounds"),
            created=checked(row["created"], float, "when it was made"),
            graph=checked(from_json(row["graph"], "the graph"), dict, "the graph") if row["graph"] else None,
            mark=checked(row.get("mark") or "", str, "the mark of the graph"),
        )

    def status(self, counted: str = "count(*) FROM item") -> Status:
        """
        Args:
            counted: how items are counted, as SQL that states and rounds can be asked of.
        """
        counts = [f"(SELECT {counted} WHERE state = '{each}' AND round = now)" for each in _STATES]
        seed, created, state, reason, current, pending, claimed, done, *rest, failed, skipped, removed = self._one(
            f"SELECT seed, created, state, reason, now, {', '.join(counts)},"
            f" (SELECT {counted} WHERE state IN ('failed', 'parked')), (SELECT {counted} WHERE state = 'skipped'),"
            f" (SELECT {counted} WHERE state = 'removed') FROM session,"
            " (SELECT coalesce((SELECT min(round) FROM item WHERE state IN ('pending', 'claimed')), max(round), 1) AS now"
            " FROM item)"
        )
        sql = "SELECT committed FROM item WHERE committed IS NOT NULL ORDER BY committed DESC LIMIT 20"
        times = [checked(row[0], float, "when a picture was saved") for row in self._db.execute(sql)]
        if state not in _SESSION_STATES:
            raise UnreadableLedger(f"The ledger cannot be read: its state is {state!r:.40}.")
        pace = median(later - earlier for later, earlier in pairwise(times)) if len(times) > 1 else None
        return Status(
            session=self.session,
            seed=checked(seed, int, "the seed"),
            state=state,
            reason=checked(reason, str, "the reason for its state"),
            round=checked(current, int, "the number of its round"),
            done=done,
            total=pending + claimed + done + sum(rest),
            failed=failed,
            skipped=skipped,
            removed=removed,
            pace=pace,
            eta=(pace or 0) * (pending + claimed) or None,
            changed=times[0] if times else checked(created, float, "when it was made"),
        )

    def counts(self) -> Counts:
        states = dict(self._db.execute("SELECT state, count(*) FROM item GROUP BY state").fetchall())
        rounds, pictures = self._one("SELECT (SELECT coalesce(max(round), 0) FROM item), (SELECT count(*) FROM result)")
        return Counts(rounds, states, pictures)

    def sound(self) -> bool:
        """Whether SQLite finds the file in order. Takes long for a large one."""
        return self._one("PRAGMA quick_check(1)")[0] == "ok"

    # Items

    def cells(self, lineages: Collection[str] | None = None) -> Iterator[Cell]:
        """All items, or those of some lineages, by round and number.

        Raises:
            UnreadableLedger: they are too many, or none of ours.
        """
        if (count := self._one("SELECT count(*) FROM item")[0]) > MOST:
            raise UnreadableLedger(f"The session has {count} items; at most {MOST} can be shown.")
        # The index has rounds first: a round is looked up by itself.
        among = " AND round IN (SELECT value FROM json_each(?)) AND lineage IN (SELECT value FROM json_each(?))"
        some = [] if lineages is None else [json.dumps(self.rounds()), json.dumps([*lineages])]
        where = among if some else ""
        if odd := self._one(_ODD + where, *some)[0]:
            raise UnreadableLedger(
                f"The ledger cannot be read: {odd} of its items have a form that this version does not know."
            )
        sql = f"SELECT id, round, lineage, state, committed FROM item WHERE TRUE{where} ORDER BY round, number"
        rows = self._db.execute(sql, some).fetchall()
        its = " WHERE item IN (SELECT value FROM json_each(?))" if some else ""
        ids = [json.dumps([row[0] for row in rows])] if some else []
        results = dict(self._db.execute(f"SELECT item, count(*) FROM result{its} GROUP BY item", ids).fetchall())
        for id_, round_, lineage, state, committed in rows:
            yield Cell(id_, round_, lineage, state, committed, results.get(id_, 0))

    def rounds(self) -> list[int]:
        """Numbers of the rounds, in order. One after the other is looked up in the index: a round may have 100,000 items."""
        following = "SELECT min(round) AS round FROM item"
        sql = (
            f"WITH RECURSIVE found AS ({following} UNION ALL"
            f" SELECT ({following} WHERE item.round > found.round) FROM found WHERE found.round IS NOT NULL)"
            " SELECT round FROM found WHERE round IS NOT NULL"
        )
        return [checked(row[0], int, "the number of a round") for row in self._db.execute(sql)]

    def first_lineages(self, count: int) -> list[str]:
        """Lineages of the first round, as many as that, in the order of their letters."""
        sql = "SELECT lineage FROM item WHERE round = (SELECT min(round) FROM item) ORDER BY lineage LIMIT ?"
        return [checked(row[0], str, "a lineage") for row in self._db.execute(sql, (count,))]

    def items(self, round_: int) -> list[dict[str, Any]]:
        """The items of a round, with ``files``, the names of their pictures."""
        sql = "SELECT r.item, r.file FROM result r JOIN item i ON i.id = r.item WHERE i.round = ? ORDER BY r.item, r.number"
        files: dict[int, list[str]] = {}
        for item, file in self._db.execute(sql, (round_,)):
            files.setdefault(item, []).append(file)
        rows = map(_row, self._db.execute("SELECT * FROM item WHERE round = ? ORDER BY number", (round_,)))
        return [
            {**{key: value for key, value in vars(row).items() if key != "payload"}, "files": files.get(row.id, [])}
            for row in rows
        ]

    def item(self, id_: int) -> Row:
        """Raises NoItem."""
        row = self._one("SELECT * FROM item WHERE id = ?", id_)
        if row is None:
            raise NoItem(f"The session has no item {id_}.")
        return _row(row)

    def seed(self, row: Row) -> int:
        """An item's own seed."""
        seed = row.payload.get("seed")
        return (
            derive(self._one("SELECT seed FROM session")[0], row.round, row.lineage, "sampler")
            if seed is None
            else seed
        )

    def pasted(self, row: Row) -> Item:
        """An item as it is pasted into a node, unclaimed. Raises Told: its payload is of no fill that is known."""
        [total] = self._one("SELECT count(*) FROM item WHERE round = ?", row.round)
        return Item(
            session=self.session,
            round=row.round,
            index=row.number,
            total=total,
            lineage=row.lineage,
            seed=self.seed(row),
            source=row.source,
            draw=row.draw,
            words=words_of(row.words) if row.words else None,
            payload=payload_of(row.payload),
        )

    def files(self, id_: int) -> list[str]:
        """An item's results, as paths inside the session's folder."""
        rows = self._db.execute("SELECT file FROM result WHERE item = ? ORDER BY number", (id_,))
        return [checked(row[0], str, f"a file of item {id_}") for row in rows]

    def starts_from_pictures(self) -> bool:
        # By the index of each round: without it the whole table would be read where there is none.
        sql = "SELECT EXISTS (SELECT 1 FROM item WHERE round IN (SELECT value FROM json_each(?)) AND source >= '')"
        return bool(self._one(sql, json.dumps(self.rounds()))[0])

    def combinations(self, lineages: Collection[str]) -> dict[str, list[Any]]:
        """Aspect, scale and prompt of lineages of an exploration."""
        facts = ", ".join(f"json_extract(payload, '$.{fact}')" for fact in ("aspect", "scale", "prompt"))
        # A damaged row must not take all others along.
        known = (
            "(SELECT lineage, CASE WHEN json_valid(payload) THEN payload END AS payload FROM item"
            " WHERE round = 1 AND lineage IN (SELECT value FROM json_each(?)))"
        )
        sql = f"SELECT lineage, {facts} FROM {known} WHERE json_extract(payload, '$.aspect') IS NOT NULL"
        return {lineage: list(facts) for lineage, *facts in self._db.execute(sql, (json.dumps([*lineages]),))}

    def lineages(self) -> set[str]:
        return {row[0] for row in self._db.execute("SELECT DISTINCT lineage FROM item")}

    def sources(self, round_: int) -> dict[str, str]:
        """Lineages of a round's items, by source."""
        return dict(self._db.execute("SELECT source, lineage FROM item WHERE round = ?", (round_,)).fetchall())

    def results(self, before: int) -> dict[str, str | None]:
        """All files, with the lineage under which they go on; None for those of a round that is not ``before``."""
        sql = "SELECT r.file, CASE WHEN i.round < ? THEN r.lineage END FROM result r JOIN item i ON i.id = r.item"
        return dict(self._db.execute(sql, (before,)).fetchall())

    # What came from what

    def parent(self, row: Row) -> Row | None:
        """The item that made this one's source; None in the first round."""
        source = row.source or ""
        if not (source.startswith(self._head) and source.endswith(self._tail)):
            return None
        sql = "SELECT i.* FROM item i JOIN result r ON r.item = i.id WHERE i.round = ? AND r.file = ?"
        found = self._one(sql, row.round - 1, source[len(self._head) : -len(self._tail)])
        return found and _row(found)

    def children(self, row: Row) -> list[Row]:
        """The items that took up this one's results, in the order of the results."""
        sql = (
            "SELECT i.* FROM result r JOIN item i ON i.round = ? AND i.source = ? || r.file || ?"
            " WHERE r.item = ? ORDER BY r.number"
        )
        return [_row(each) for each in self._db.execute(sql, (row.round + 1, self._head, self._tail, row.id))]

    def origin(self, round_: int, source: str) -> str:
        """The source with which the lineage of a round's item began: that of its first ancestor which the ledger knows."""
        sql = (
            "WITH RECURSIVE up (round, source) AS (SELECT ?, ? UNION ALL"
            " SELECT i.round, i.source FROM up JOIN result r ON up.source = ? || r.file || ?"
            " AND r.file = substr(up.source, length(?) + 1, length(up.source) - length(?) - length(?))"
            " JOIN item i ON i.id = r.item AND i.round = up.round - 1 WHERE i.source IS NOT NULL)"
            " SELECT source FROM up ORDER BY round LIMIT 1"
        )
        return self._one(sql, round_, source, self._head, self._tail, self._head, self._head, self._tail)[0]

    def line(self, id_: int) -> list[Row]:
        """The items from the first ancestor of this one, through it, and on through first children to the last.

        Raises:
            NoItem: there is no such item.
        """
        rows = [self.item(id_)]
        while above := self.parent(rows[0]):
            rows.insert(0, above)
        while below := self.children(rows[-1]):
            rows.append(below[0])
        return rows

    def row(self, lineage: str) -> list[Row]:
        """The items of a lineage, by round. Raises NoItem."""
        rows = [
            _row(each) for each in self._db.execute("SELECT * FROM item WHERE lineage = ? ORDER BY round", (lineage,))
        ]
        if not rows:
            raise NoItem(f"The session has no row {lineage}.")
        return rows

    def ends(self, kind: Kind) -> list[tuple[str, int]]:
        """The rows of a session: their names, and the id of the item at the end of each.

        In rounds a batch goes on in several lineages: there is a row for each item that no other has come from.
        """
        if kind in ("rounds", "folders"):
            sql = (
                "SELECT lineage, id FROM item i WHERE NOT EXISTS (SELECT 1 FROM result r JOIN item n ON"
                " n.round = i.round + 1 AND n.source = ? || r.file || ? WHERE r.item = i.id)"
            )
            return [tuple(row) for row in self._db.execute(sql, (self._head, self._tail))]
        return [tuple(row) for row in self._db.execute("SELECT lineage, max(id) FROM item GROUP BY lineage")]

    # Jobs of Vary: a lineage is X and the number of its row, counted over all jobs

    def steps(self, job: str) -> list[Step]:
        """What a job has in the ledger."""
        return [
            Step(*row) for _, *row in self._db.execute(f"{_STEPS} WHERE json_extract(i.payload, '$.job') = ?", (job,))
        ]

    def jobs(self) -> dict[str, list[Step]]:
        """The same for all jobs, by id."""
        found: dict[str, list[Step]] = {}
        for job, *row in self._db.execute(_STEPS):
            found.setdefault(job, []).append(Step(*row))
        return found

    def rows_taken(self) -> int:
        """How many rows the jobs of the session have together."""
        sql = (
            "SELECT max(CAST(substr(lineage, 2) AS INTEGER) - json_extract(payload, '$.row') + json_extract(payload, '$.rows'))"
            " FROM item"
        )
        return self._one(sql)[0] or 0

    def _one(self, sql: str, *values: Any) -> Any:
        return self._db.execute(sql, values).fetchone()


def _row(row: sqlite3.Row) -> Row:
    def of(key: str, kind: type) -> Any:
        return checked(row[key], kind, f"{key} of item {row['id']}")

    def maybe(key: str, kind: type) -> Any:
        return None if row[key] is None else of(key, kind)

    def said(key: str) -> Any:
        what = f"{key} of item {row['id']}"
        return checked(from_json(row[key], what), dict, what) if row[key] else None

    return Row(
        id=of("id", int),
        round=of("round", int),
        number=of("number", int),
        lineage=of("lineage", str),
        source=maybe("source", str),
        state=of("state", str),
        attempts=max(of("attempts", int), 0),  # ledger.ALONE is less
        error=maybe("error", str),
        draw=said("draw"),
        words=said("words"),
        payload=said("payload") or {},
        prompt=maybe("prompt", str),
        committed=maybe("committed", float),
    )


def words_of(words: dict[str, Any]) -> Words:
    """
    Raises:
        UnreadableLedger: they hold what this version does not know.
    """
    try:
        return Words.from_dict(words)
    except Told as error:
        raise UnreadableLedger(f"The ledger cannot be read: its {error}") from None

"""The ledger of a session: which pictures are to be made, by whom, and which are made. One SQLite file.

A picture goes through claim, work, commit. The guarantee is one committed result set per item, whatever dies when.
How a run ended is told by the caller.
"""

import itertools
import json
import posixpath
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from ..files.names import inside, is_link
from ..files.settings import SUFFIXES
from ..told import NotNow, Told
from . import installation
from .item import Item, Phase, Words, seed_of
from .lineage import distinct
from .opening import check_file, checked, from_json, open_to_write, unwritable
from .owning import own
from .pattern import folded
from .payloads import Payload, Plain, payload_of
from .query import Query, words_of
from .reason import Outcome, Reason
from .schema import NUMBERED, TALLIED, prepare, tally
from .status import FILE, Kind, Moved, NoLedger, State, Status

ATTEMPTS = 3
ALONE = -1
"""Attempts of an item whose run has failed with others in it: it is tried next, and alone, as if nothing had been."""
DEATHS = 5
STREAK = 3
SEVERAL = 0
"""Stands for the items whose pictures have one name, as some systems see it."""
BEYOND = 2**62
"""No picture has such a number."""
WRITING = "what was to be written"
WRITTEN = {*SUFFIXES.values(), ".txt", ".json"}
"""Suffixes of pictures, and of what lies beside them."""


class Claim(NamedTuple):
    """A claim that has not been committed."""

    id: int
    run: str
    process: str
    phase: Phase
    described: bool


class Result(NamedTuple):
    """One saved picture: its file inside the session's folder, and the lineage under which the next round takes it.

    Attributes:
        counted: whether it is one of the session's pictures, which have numbers, not one that lies beside them.
    """

    file: str
    lineage: str | None
    counted: bool = True


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session as it stands.

    Attributes:
        first: the folder of round 1.
        rounds: how many rounds are wanted; 0 = no end.
        state: ``open``, ``paused`` or ``finished``; ``reason`` says why.
        run: id of the one run that may claim next.
        plan: hash of the roulette by which the items were ordered.
        kind: whose items it holds.
        which: pictures of that folder it has begun with, as JSON; None: it has not, or a version without that question has.
    """

    seed: int
    first: str
    rounds: int
    state: State
    reason: str
    run: str | None
    plan: str | None
    kind: Kind
    which: str | None


class Gone(NotNow):
    """No picture that a round starts from is there."""


class Lost(Told):
    """A run wants to store something under a claim that is not its own any more."""


class Ledger:
    """Opens the ledger in ``folder``, makes it if ``seed`` is given, and owns it until :meth:`close`.

    Args:
        folder: the session's folder; its name is the session's.
        seed: seed of a new session; ignored when the ledger exists.
        process: names this process; claims of other processes are known to be dead.
        kind: of a new session.

    Raises:
        Busy: another process has it open.
        NoLedger: there is none, and no seed.
        Told: the folder is a link or cannot be locked, or the ledger is none that can be written to.
    """

    def __init__(self, folder: Path, seed: int | None = None, process: str = "", kind: Kind = "rounds") -> None:
        self.folder = folder
        self.name = folder.name
        self.process = process
        if is_link(folder):
            raise Told(f"The session's folder {folder.name!r} is a link. A session needs a folder of its own.")
        try:
            check_file(folder / FILE)
        except NoLedger:
            if seed is None:
                raise
        self._lock = own(folder)
        self._mutex = threading.RLock()
        self._totals: dict[int, int] = {}
        self._reserved: dict[str, int] = {}
        self._names: tuple[str, dict[str, int]] = "", {}
        self._numbering = threading.RLock()
        try:
            self._db = open_to_write(folder)
            with self.transaction():
                prepare(self._db)
                sql = "INSERT OR IGNORE INTO session (one, seed, created, kind) VALUES (1, ?, ?, ?)"
                self._db.execute(sql, (seed, time.time(), kind))
                self._take_name()
            tally(self._db)
            self._place = _place(folder)
        except BaseException as error:
            self._lock.release()
            if isinstance(error, sqlite3.OperationalError):
                raise unwritable(folder, error) from error
            raise

    def check_place(self) -> None:
        """
        Raises:
            Moved: its folder or its file was renamed, deleted or replaced since it was opened.
        """
        if _place(self.folder) != self._place:
            raise Moved(
                f"The folder of session {self.name!r} was renamed, deleted or replaced while the session was worked on: nothing more"
                " is saved. Put it back, or go on with it under its new name."
            )

    def close(self) -> None:
        with self._mutex:
            self._db.close()
            self._lock.release()

    @contextmanager
    def transaction(self, durable: bool = True) -> Generator[None]:
        """All or nothing. With ``durable`` it survives a power cut, without only the death of the process.

        One inside another is part of it.

        Raises:
            NoSpace, Unwritable
        """
        with self._mutex:
            if self._db.in_transaction:
                yield
                return
            if not durable:
                self._db.execute("PRAGMA synchronous = NORMAL")
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._totals.clear()
                self._names = "", {}
                if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
                    raise unwritable(self.folder, error) from error
                raise
            finally:
                if not durable:
                    self._db.execute("PRAGMA synchronous = FULL")

    # The session

    def session(self) -> Session:
        row = self._row(
            "SELECT seed, coalesce(first, '') AS first, rounds, state, reason, run, plan, kind, which FROM session"
        )
        return Session(**dict(row))

    def graph(self, secret: str) -> dict[str, Any] | None:
        """The request of the last run that somebody pressed Run for, so that it can be posted again.

        Raises:
            Foreign: another installation than that of the secret has kept it.
        """
        with self._mutex:
            known = Query(self._db, self.folder).known()
        return known.graph and known.own_graph(self.name, secret)

    def update(self, **values: Any) -> None:
        """Sets fields of :class:`Session`, ``graph``, ``owner`` or ``writing``.

        Args:
            values: with ``graph`` also ``secret``, of the installation that keeps it.
        """
        if "graph" in values:
            values["mark"] = installation.mark(values["graph"], values.pop("secret"))
            values["graph"] = json.dumps(values["graph"])
        fields = ", ".join(f"{key} = ?" for key in values)
        self._db.execute(f"UPDATE session SET {fields}", tuple(values.values()))

    def status(self) -> Status:
        with self._mutex:
            return Query(self._db, self.folder).status(TALLIED)

    # Items

    def standing(self, id_: int) -> tuple[int, int, str, str, float | None, int] | None:
        """How an item stands: id, round, lineage, state, time of the commit, number of results."""
        row = self._row(
            "SELECT id, round, lineage, state, committed, (SELECT count(*) FROM result WHERE item = id) FROM item"
            " WHERE id = ?",
            id_,
        )
        return tuple(row) if row else None

    def add(self, round_: int, sources: Sequence[tuple[str | None, str]], payloads: Sequence[Payload] = ()) -> int:
        """Adds ``(source, lineage)`` pairs to a round, in order, and returns how many were new."""
        number = self._value("SELECT coalesce(max(number), 0) FROM item WHERE round = ?", round_)
        rows: list[tuple[Any, ...]] = []
        for offset, (source, lineage) in enumerate(sources, 1):
            payload = json.dumps(payloads[offset - 1].to_dict()) if payloads else None
            rows.append((round_, number + offset, number + offset, lineage, source, payload))
        added = self._db.executemany(
            "INSERT OR IGNORE INTO item (round, number, position, lineage, source, payload) VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
        self._totals.clear()
        return added.rowcount

    def sources(self, round_: int) -> set[str]:
        return {row[0] for row in self._db.execute("SELECT source FROM item WHERE round = ?", (round_,)) if row[0]}

    def lineages(self, round_: int) -> set[str]:
        return {row[0] for row in self._db.execute("SELECT lineage FROM item WHERE round = ?", (round_,))}

    def keyed(self) -> Iterator[tuple[int, str, str, bool]]:
        """Of each item whose payload has a key: its round, its lineage, that key, and whether it waits; in the order of their turns."""
        sql = "SELECT round, lineage, json_extract(payload, '$.key') AS key, state = 'pending' AS waits FROM item ORDER BY round, position"
        for row in self._db.execute(sql):
            if row["key"] is not None:
                yield row["round"], row["lineage"], row["key"], bool(row["waits"])

    def arrange(self, round_: int, lineages: Sequence[str]) -> None:
        """Gives items of a round their turns in this order, before those of all others."""
        first = self._value("SELECT coalesce(min(position), 0) FROM item WHERE round = ?", round_) - len(lineages)
        self._db.executemany(
            "UPDATE item SET position = ? WHERE round = ? AND lineage = ?",
            [(first + number, round_, lineage) for number, lineage in enumerate(lineages)],
        )

    def last_round(self) -> int:
        """The highest round that has an item; 0 where there is none."""
        return self._value("SELECT coalesce(max(round), 0) FROM item")

    def payloads(self, round_: int | None = None) -> dict[str, Payload]:
        """A payload of each lineage of a round; without one, of each that any round has, for which every item is read."""
        sql = "SELECT lineage, payload FROM item WHERE payload IS NOT NULL"
        if round_ is None:
            rows = self._db.execute(f"{sql} GROUP BY lineage")
        else:
            rows = self._db.execute(f"{sql} AND round = ?", (round_,))
        return {row["lineage"]: payload_of(json.loads(row["payload"])) for row in rows}

    def withdraw(self, wanted: Callable[[int, str], bool], claimed: bool = False) -> int:
        """Removes the pending items that are not wanted, by round and lineage, and returns how many they were.

        Args:
            claimed: also those that a dead process has claimed.
        """
        states = "('pending', 'claimed')" if claimed else "('pending')"
        rows = self._db.execute(f"SELECT id, round, lineage FROM item WHERE state IN {states}").fetchall()
        gone = [(row["id"],) for row in rows if not wanted(row["round"], row["lineage"])]
        self._db.executemany("DELETE FROM result WHERE item = ?", gone)
        self._db.executemany("DELETE FROM item WHERE id = ?", gone)
        self._totals.clear()
        self._names = "", {}
        return len(gone)

    def reopen(self, round_: int, lineage: str) -> None:
        """Lets an item that is done wait again: its file is gone."""
        self._db.execute(
            "UPDATE item SET state = 'pending' WHERE round = ? AND lineage = ? AND state = 'done'", (round_, lineage)
        )

    def pending_round(self) -> int | None:
        """The lowest round with a pending item."""
        return self._value("SELECT min(round) FROM item WHERE state = 'pending'")

    def open_round(self, exists: Callable[[str], bool]) -> int | None:
        """The round to work on: the lowest with a pending item.

        When there is none, committed pictures that the next round has not taken yet become its items. Those whose files are
        gone do not: their own items are marked as removed, those of the last round that is wanted too. None: nothing is left to do.

        Raises:
            Gone: a round is to be opened, and no picture for it is there.
        """
        while True:
            current = self.pending_round()
            if current is not None:
                return current
            rounds = self.session().rounds
            rows = self._db.execute(
                "SELECT i.id, i.round, i.state, r.file, r.lineage FROM result r JOIN item i ON i.id = r.item"
                " WHERE r.lineage IS NOT NULL AND i.state IN ('done', 'removed') AND NOT EXISTS"
                " (SELECT 1 FROM item n WHERE n.round = i.round + 1 AND n.source = ? || r.file || ' [output]')"
                " ORDER BY i.round, i.number, r.number",
                (f"{self.name}/",),
            ).fetchall()
            there = [exists(row["file"]) for row in rows]
            gone = {row["id"] for row, is_there in zip(rows, there, strict=True) if not is_there}
            states = {row["id"]: row["state"] for row in rows}
            for id_, state in states.items():
                if state != (found := "removed" if id_ in gone else "done"):
                    self._set(id_, state=found)
            wanted = [
                (row, is_there)
                for row, is_there in zip(rows, there, strict=True)
                if not rounds or row["round"] < rounds
            ]
            ready = [row for row, is_there in wanted if is_there]
            if not ready:
                if wanted and not self.lineages(wanted[-1][0]["round"] + 1):
                    raise Gone(self.gone(exists))
                return None
            following = ready[0]["round"] + 1
            used = self.lineages(following)
            sources: list[tuple[str, str]] = []
            for row in (row for row in ready if row["round"] + 1 == following):
                # A child of X0001 and a picture that came with that name may both be X0001.1.
                used.add(lineage := distinct(row["lineage"], used))
                sources.append((f"{self.name}/{row['file']} [output]", lineage))
            self.add(following, sources)

    def gone(self, exists: Callable[[str], bool]) -> str:
        """What is told of pictures of the last round that were gone when they were last looked for; empty if none were."""
        round_ = self.last_round()
        rows = self._db.execute(
            "SELECT i.state, r.file FROM result r JOIN item i ON i.id = r.item WHERE i.round = ? AND r.lineage IS NOT NULL",
            (round_,),
        ).fetchall()
        files = [row["file"] for row in rows if row["state"] == "removed" and not exists(row["file"])]
        if not files:
            return ""
        folder = posixpath.commonpath([posixpath.dirname(f"{self.name}/{file}") for file in files])
        whole = "The " if len(files) == len(rows) else ""
        if len(files) == 1:
            return f"A picture of round {round_} is gone from output/{folder}: put it back, or have it made again."
        return (
            f"{whole}{len(files)} pictures of round {round_} are gone from output/{folder}: put them back, or have them made"
            " again."
        )

    def order(self, round_: int, key: Callable[[str], tuple[str, Any]]) -> None:
        """Orders a round's pending items by what must be loaded for them, then by number.

        Args:
            key: of a lineage, the checkpoint first: it is what takes long to load, and what :meth:`models` tells.
        """
        rows = self._db.execute(
            "SELECT id, lineage, number FROM item WHERE round = ? AND state = 'pending'", (round_,)
        ).fetchall()
        keyed = sorted(((key(row["lineage"]), row["number"], row["id"]) for row in rows), key=lambda each: each[:2])
        self._db.executemany(
            "UPDATE item SET position = ?, model = ? WHERE id = ?",
            [(n, wanted[0], id_) for n, (wanted, _, id_) in enumerate(keyed)],
        )

    def models(self, round_: int) -> dict[str, int]:
        """How many pending items of an ordered round want each checkpoint."""
        sql = "SELECT model, count(*) FROM item WHERE state = 'pending' AND round = ? AND model IS NOT NULL GROUP BY model"
        return {row[0]: row[1] for row in self._db.execute(sql, (round_,))}

    def model(self, item: Item) -> str | None:
        """The checkpoint that an item of an ordered round wants."""
        return self._value("SELECT model FROM item WHERE id = ?", item.id)

    def next(self, round_: int, describe_first: bool = False, model: str | None = None) -> Item | None:
        """The item that would be claimed next, unclaimed. Items that failed before come after the others.

        Args:
            describe_first: items without words go first, only to be described.
            model: only those that want this one of :meth:`models`.
        """
        wanted = "" if model is None else " AND model = ?"
        at = (round_,) if model is None else (round_, model)
        order = "ORDER BY attempts, position LIMIT 1"
        row = None
        phase: Phase = "paint"
        if describe_first:
            phase = "describe"
            row = self._row(
                f"SELECT * FROM item WHERE state = 'pending' AND round = ?{wanted} AND words IS NULL {order}", *at
            )
        if row is None:
            phase = "paint"
            row = self._row(f"SELECT * FROM item WHERE state = 'pending' AND round = ?{wanted} {order}", *at)
        return self._item(row, phase) if row else None

    def following(self, item: Item) -> Iterator[Item]:
        """The pending items that come after one of :meth:`next`, for a run that works on several.

        None where it has failed before: what may have spoiled a run is tried alone.
        """
        attempts, position = self._row("SELECT attempts, position FROM item WHERE id = ?", item.id)
        if attempts:
            return
        wordless = " AND words IS NULL" if item.phase == "describe" else ""
        sql = (
            f"SELECT * FROM item WHERE state = 'pending' AND round = ? AND attempts = 0 AND position > ?{wordless}"
            " ORDER BY position"
        )
        for row in self._db.execute(sql, (item.round, position)):
            yield self._item(row, item.phase)

    def claim(self, item: Item, run: str) -> Item:
        """Gives the item to a run."""
        token = uuid.uuid4().hex
        self._db.execute(
            "UPDATE item SET state = 'claimed', run = ?, process = ?, token = ?, phase = ?, draw = ?,"
            " begun = coalesce(begun, ?) WHERE id = ?",
            (run, self.process, token, item.phase, json.dumps(item.draw) if item.draw else None, time.time(), item.id),
        )
        return replace(item, token=token)

    def begun(self, item: Item) -> float:
        """Unix time at which an item was first claimed."""
        return self._value("SELECT begun FROM item WHERE id = ?", item.id)

    def taken(self, file: str, item: Item) -> bool:
        """Whether a file inside the session's folder is another item's result."""
        return self._value("SELECT 1 FROM result WHERE file = ? AND item != ?", file, item.id) is not None

    def reserve(self, item: Item, folder: str, candidates: Iterable[list[str]]) -> list[str]:
        """The first of several lists of files, inside the session's folder, that no other item has, nor has reserved. Files are
        compared by :func:`.pattern.folded`.

        Args:
            folder: where, or below which, all of them lie.
        """
        with self._mutex:
            if self._names[0] != folder:  # of many thousands this takes a second
                names = dict[str, int]()
                sql = "SELECT file, item FROM result WHERE file >= ? AND file < ?"  # 0 comes behind the slash
                for row in self._db.execute(sql, (f"{folder}/", f"{folder}0")):
                    name = folded(row["file"])
                    names[name] = row["item"] if names.get(name) in (None, row["item"]) else SEVERAL
                self._names = folder, names

            def is_free(file: str) -> bool:
                name = folded(file)
                return all(whose.get(name, item.id) == item.id for whose in (self._names[1], self._reserved))

            files = next(each for each in candidates if all(map(is_free, each)))
            self._reserved.update(dict.fromkeys(map(folded, files), cast(int, item.id)))
            return files

    @contextmanager
    def numbered(self, item: Item, count: int) -> Generator[list[int]]:
        """The numbers of so many pictures of an item, for their names: those that they have had, and the next ones. They are theirs
        once the item is committed; until this ends no other picture is given one.

        What was to be written meanwhile (:meth:`intend`) and was not committed is removed in the end.
        """
        with self._numbering:
            try:
                yield self._numbers(item, count)
            finally:
                with self._mutex:
                    self._free(item)
                    self.drop_uncommitted()

    def intend(self, files: Sequence[str]) -> None:
        """Notes which files are about to be written: another try, or another item, may write the same picture, or the same number,
        under another name."""
        with self.transaction():
            self.update(writing=json.dumps(files))
            self._db.execute(f"PRAGMA user_version = {NUMBERED}")

    def drop_uncommitted(self) -> None:
        """Removes what was to be written and whose item was not committed, as a crash leaves it behind."""
        with self._mutex:
            text = self._value("SELECT writing FROM session")
            if text is None or _place(self.folder) != self._place:
                return
            for file in map(str, checked(from_json(text, WRITING), list, WRITING)):
                path = inside(self.folder, file)
                taken = self._value("SELECT 1 FROM result WHERE file = ?", file)
                if path.suffix in WRITTEN and not taken and path.is_file():
                    path.unlink()
            with self.transaction():
                self.update(writing=None)

    def find(self, round_: int, lineage: str) -> Item | None:
        """The item of a round that has this lineage, unclaimed."""
        row = self._row("SELECT * FROM item WHERE round = ? AND lineage = ?", round_, lineage)
        return self._item(row, "paint") if row else None

    def claims(self) -> list[Claim]:
        rows = self._db.execute("SELECT id, run, process, phase, words FROM item WHERE state = 'claimed'")
        return [Claim(r["id"], r["run"], r["process"], r["phase"], r["words"] is not None) for r in rows]

    def settle(self, claims: Sequence[Claim], outcome: Outcome) -> None:
        """Takes the items that one run has not committed back from it.

        An error counts as an attempt and, after three, the item is failed. Where what worked on it died with it five times in a
        row it is parked. Where that was a run of several items it counts for none of them: they are tried alone, before all
        others. An interrupt or a run that vanished costs nothing. Three runs in a row with the same error on different items, and
        a full disk, pause the session: those items stay pending.
        """
        reason, text = outcome
        failed: list[Claim] = []
        for claim in claims:
            if reason is Reason.NO_RESULT and claim.phase == "describe" and claim.described:
                self._set(claim.id, state="pending", deaths=0, error=None)
            elif reason is Reason.DIED and len(claims) > 1:
                self._set(claim.id, state="pending", attempts=ALONE, error=text or None)
            elif reason is Reason.DIED:
                deaths = self._value("SELECT deaths FROM item WHERE id = ?", claim.id) + 1
                error = f"{text.rstrip('.') or 'What worked on this item ended with it'}, {deaths} times in a row"
                self._set(claim.id, state="parked" if deaths >= DEATHS else "pending", deaths=deaths, error=error)
            elif reason in (Reason.NO_RESULT, Reason.ERROR, Reason.NO_SPACE):
                failed.append(claim)
            else:
                self._set(claim.id, state="pending")
        if failed:
            self._fail(failed, text or "The run ended without a result for this item.", reason is Reason.NO_SPACE)

    def skip(self, item: Item, error: str) -> None:
        """Marks an item whose picture cannot be read."""
        self._db.execute("UPDATE item SET state = 'skipped', error = ? WHERE id = ?", (error, item.id))

    def release(self, item: Item) -> None:
        """Gives a claim back as if it had never been."""
        self._db.execute("UPDATE item SET state = 'pending' WHERE id = ? AND token = ?", (item.id, item.token))

    def store_words(self, item: Item, words: Words) -> None:
        """Keeps what was said about an item, so that it is not said twice."""
        with self.transaction(durable=False):
            self._own(item)
            self._db.execute("UPDATE item SET words = ? WHERE id = ?", (json.dumps(vars(words)), item.id))

    def commit(self, item: Item, results: Sequence[Result], prompt: str = "") -> None:
        """Records the saved files of an item.

        Raises:
            Lost: the claim is not this run's any more.
            Moved: see :meth:`check_place`.
        """
        with self._numbering, self.transaction():
            self.check_place()
            self._own(item)
            self._set(cast(int, item.id), state="done", prompt=prompt, deaths=0, error=None, committed=time.time())
            numbers = iter(self._numbers(item, sum(result.counted for result in results)))
            if self._db.execute("DELETE FROM result WHERE item = ?", (item.id,)).rowcount:
                self._names = "", {}
            self._insert(item, results, [next(numbers) if result.counted else None for result in results])
            self._db.execute(
                "UPDATE session SET streak = '[]', writing = NULL WHERE streak != '[]' OR writing NOT NULL"
            )
            self._free(item)

    def restore(
        self, item: Item, results: Sequence[Result], numbers: Sequence[int | None], prompt: str, committed: float
    ) -> None:
        """Takes in a picture's item as it was when the ledger was lost: done, with the number and the words it says.

        Args:
            numbers: of its results among the session's pictures; None: it is not known, or it has none.
        """
        words = json.dumps(vars(item.words)) if item.words else None
        draw, payload = (json.dumps(each) if each else None for each in (item.draw, item.payload.to_dict()))
        id_ = self._db.execute(
            "INSERT INTO item (round, number, position, lineage, source, payload, draw, words, prompt, state, committed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'done', ?)",
            (item.round, item.index, item.index, item.lineage, item.source, payload, draw, words, prompt, committed),
        ).lastrowid
        self._insert(replace(item, id=id_), results, numbers)
        if any(numbers):
            self._db.execute(f"PRAGMA user_version = {NUMBERED}")

    def own(self, item: Item) -> Words | None:
        """The stored words of a claimed item. Raises Lost if the claim is not this run's any more."""
        with self._mutex:
            return self._own(item)

    def remake(self, round_: int | None = None) -> int:
        """Makes removed items pending again, those of one round or all, and returns how many."""
        sql = "UPDATE item SET state = 'pending' WHERE state = 'removed' AND (? IS NULL OR round = ?)"
        return self._db.execute(sql, (round_, round_)).rowcount

    def retry(self) -> int:
        """Makes failed, parked and skipped items pending again and returns how many."""
        sql = (
            "UPDATE item SET state = 'pending', attempts = 0, deaths = 0 WHERE state IN ('failed', 'parked', 'skipped')"
        )
        return self._db.execute(sql).rowcount

    # Inside

    def _take_name(self) -> None:
        """Where the folder has another name than before, its own pictures are the sources of the items under that.

        Those of the first round of Rounds may be another session's, as may all of Prompt Lines.
        """
        source = self._value(
            "SELECT source FROM item WHERE source LIKE '%/% [output]' AND CASE (SELECT kind FROM session)"
            " WHEN 'vary' THEN 1 WHEN 'lines' THEN 0 ELSE round > 1 END"
            " ORDER BY id DESC LIMIT 1"
        )
        before, _, file = (source or self.name).removesuffix(" [output]").partition("/")
        if before == self.name:
            return
        if (self.folder / file).is_file() or self._value("SELECT 1 FROM result WHERE file = ?", file):
            self._db.execute(
                "UPDATE item SET source = ? || substr(source, length(?) + 1) WHERE source LIKE '% [output]'"
                " AND substr(source, 1, length(?) + 1) = ? || '/'",
                (self.name, before, before, before),
            )

    def _free(self, item: Item) -> None:
        """Gives the names back that an item has reserved."""
        self._reserved = {name: whose for name, whose in self._reserved.items() if whose != item.id}

    def _numbers(self, item: Item, count: int) -> list[int]:
        """The numbers of the first pictures of an item among all of the session."""
        with self._mutex:
            sql = "SELECT number, n FROM result WHERE item = ? AND n NOT NULL"
            had = {row["number"]: row["n"] for row in self._db.execute(sql, (item.id,))}
            last = self._value("SELECT coalesce(max(n), 0) FROM result WHERE n < ?", BEYOND)  # as no text is
            following = itertools.count(int(last) + 1)
            return [had.get(number) or next(following) for number in range(1, count + 1)]

    def _insert(self, item: Item, results: Sequence[Result], numbers: Sequence[int | None]) -> None:
        folder, names = self._names
        for number, (result, n) in enumerate(zip(results, numbers, strict=True), 1):
            sql = "INSERT INTO result (item, number, file, lineage, n) VALUES (?, ?, ?, ?, ?)"
            self._db.execute(sql, (item.id, number, result.file, result.lineage, n))
            if result.file.startswith(f"{folder}/"):
                names[folded(result.file)] = cast(int, item.id)

    def _fail(self, claims: Sequence[Claim], error: str, full: bool) -> None:
        for claim in claims:
            known = max(self._value("SELECT attempts FROM item WHERE id = ?", claim.id), 0)
            attempts = ALONE if len(claims) > 1 else known + 1
            state = "failed" if attempts >= ATTEMPTS else "pending"
            self._set(claim.id, state=state, attempts=attempts, deaths=0, error=error)
        ids = {claim.id for claim in claims}
        before: list[list[Any]] = json.loads(self._value("SELECT streak FROM session"))
        streak = [each for each in before if each[1] == error and each[0] not in ids]
        streak += [[claim.id, error, claims[0].id] for claim in claims]
        runs = {each[-1] if len(each) > 2 else each[0] for each in streak}  # version 0.1.0 had one item a run
        if full or len(runs) >= STREAK:
            reason = f"the disk is full ({error})" if full else f"{STREAK} items in a row failed with: {error}"
            self.update(state="paused", reason=reason, run=None)
            sql = "UPDATE item SET state = 'pending', attempts = max(attempts - 1, 0) WHERE id = ?"
            self._db.executemany(sql, [(each[0],) for each in streak])
            streak = []
        self.update(streak=json.dumps(streak))

    def _own(self, item: Item) -> Words | None:
        row = self._row("SELECT state, token, words FROM item WHERE id = ?", item.id)
        if row is None or row["state"] != "claimed" or row["token"] != item.token:
            raise Lost(
                f"Session {self.name!r} gave item {item.index} of round {item.round} ({item.lineage}) to another run meanwhile;"
                " this one stores nothing."
            )
        return _words(row)

    def _item(self, row: sqlite3.Row, phase: Phase) -> Item:
        payload = payload_of(json.loads(row["payload"])) if row["payload"] else Plain()
        return Item(
            session=self.name,
            round=row["round"],
            index=row["number"],
            total=self._total(row["round"]),
            lineage=row["lineage"],
            seed=seed_of(self._value("SELECT seed FROM session"), row["round"], row["lineage"], payload),
            source=row["source"],
            words=_words(row),
            payload=payload,
            phase=phase,
            id=row["id"],
        )

    def _total(self, round_: int) -> int:
        """How many items a round has. Counting takes milliseconds in a round of many thousands."""
        if round_ not in self._totals:
            self._totals[round_] = self._value("SELECT count(*) FROM item WHERE round = ?", round_)
        return self._totals[round_]

    def _set(self, item: int, **values: Any) -> None:
        fields = ", ".join(f"{key} = ?" for key in values)
        self._db.execute(f"UPDATE item SET {fields} WHERE id = ?", (*values.values(), item))

    def _row(self, sql: str, *values: Any) -> Any:
        with self._mutex:
            return self._db.execute(sql, values).fetchone()

    def _value(self, sql: str, *values: Any) -> Any:
        row = self._row(sql, *values)
        return row[0] if row else None


def _place(folder: Path) -> tuple[tuple[int, int] | None, ...]:
    """What folder and ledger are, whatever they are called."""

    def known(path: Path) -> tuple[int, int] | None:
        try:
            found = path.lstat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    return known(folder), known(folder / FILE)


def _words(row: Any) -> Words | None:
    return words_of(from_json(row["words"], "the words")) if row["words"] else None

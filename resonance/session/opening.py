"""Opens ledgers that anybody may have written: only what a ledger of ours holds is read, and only for so long, and nothing of it acts
when something is written."""

import json
import math
import re
import sqlite3
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..files.names import folders, is_link
from ..files.settings import SUFFIXES
from ..files.store import is_full
from ..told import NoSpace, NotNow, Told
from .schema import APPLICATION, TABLES, check_version
from .status import FILE, NoLedger

PATIENCE = 10.0
"""Seconds for one reading."""
LONGEST = 128 << 20
"""Bytes of one text: a graph may hold pictures."""
_STEPS = 2000
"""Instructions of SQLite's between two looks at the clock."""
_BESIDE = ("-wal", "-shm", "-journal")
_REMEMBERED = 1000
_BEFORE_BRACKETS = {"CHECK", "KEY", "UNIQUE", *(name.upper() for name in TABLES)}


class UnreadableLedger(Told):
    """There is a ledger, which cannot be read; the text says why."""


class Refused(UnreadableLedger):
    """No part of it can be read, until it changes."""


class Unreachable(NotNow):
    """Nothing is wrong with a ledger, which may be read at another time or in another place; the text says why."""


class Unwritable(NotNow):
    """The ledger of a session that is worked on cannot be written."""


def unwritable(folder: Path, error: sqlite3.Error) -> Told:
    """What a person is told of an error of SQLite's in the ledger in ``folder``."""
    if is_full(error):
        return NoSpace(f"The ledger {folder / FILE} cannot be written: {error}. Make room and go on.")
    if isinstance(error, sqlite3.OperationalError):
        return Unwritable(
            f"The ledger {folder / FILE} cannot be written: {error}. See that you may write there, that nothing else has it open and"
            " that its disk has locks; then go on."
        )
    return Unwritable(
        f"The ledger {folder / FILE} is damaged: {error}. resonance report {folder} --rebuild makes it anew from what the pictures"
        " say."
    )


_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What reading raises: the latter where SQLite's own message quotes what is damaged."""
Version = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of change of a ledger and of what SQLite keeps beside it."""
_refused: dict[Path, tuple[Version, float, str]] = {}
"""What could not be read, as it was then, how long that was tried, and why: it is not tried again."""


@contextmanager
def open_to_read(folder: Path, seconds: float = PATIENCE) -> Generator[sqlite3.Connection]:
    """The ledger in ``folder`` as it stands at one moment, to read.

    Raises:
        NoLedger: there is none.
        UnreadableLedger: it cannot be read, or not in so many seconds. What is asked of it raises this, too.
        Unreachable: it cannot be read as things stand.
    """
    path = folder / FILE
    version = tuple(_known(each) for each in (path, path.with_name(f"{FILE}-wal")))
    before, tried, why = _refused.get(path, ((), 0.0, ""))
    if before == version and tried >= seconds:
        raise Refused(why)
    end = time.monotonic() + seconds
    try:
        try:
            with _connected(folder, seconds, end) as db:
                yield db
        except _ERRORS as error:
            why = f"The ledger in {folder.name} cannot be read: {error}."
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise Unreachable(f"{why} Another program has locked it, or its disk has no locks.") from error
            if time.monotonic() > end:
                raise Refused(
                    f"The ledger in {folder.name} cannot be read: it takes more than {seconds:g} s."
                ) from error
            if not isinstance(error, sqlite3.OperationalError):
                raise Refused(why) from error
            if _written_beside(path):
                why += (
                    f" Some of it lies in {FILE}-wal, which is read where the folder can be written to: copy the session's folder"
                    " to such a place."
                )
            raise Unreachable(why) from error
    except Refused as error:
        if len(_refused) >= _REMEMBERED:
            _refused.clear()
        _refused[path] = (version, seconds if time.monotonic() > end else math.inf, str(error))
        raise


def open_to_write(folder: Path) -> sqlite3.Connection:
    """The ledger in ``folder``, made where there is none, as empty as SQLite makes it. It may be used from several threads.

    Raises:
        UnreadableLedger: it cannot be read.
        Told: it is not to be written to, see :func:`_check_plain` and :func:`.schema.check_version`.
    """
    begun = size_of(folder) > 0
    db = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        db.row_factory = sqlite3.Row
        _restrain(db)
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            _check_tables(db, folder)
            _check_plain(db, folder)
            check_version(db)
        elif begun and _has_pictures(folder):
            raise Told(
                f"The ledger in {folder.name} is empty, and there are pictures beside it: the folder was copied while it was worked on."
                f" Copy it anew, or resonance report {folder} --rebuild makes the ledger from what the pictures say."
            )
        if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            db.execute("PRAGMA journal_mode = TRUNCATE")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 4000")
    except BaseException as error:
        db.close()
        if isinstance(error, _ERRORS) and not isinstance(error, sqlite3.OperationalError):
            raise UnreadableLedger(f"The ledger in {folder.name} cannot be read: {error}.") from error
        raise
    return db


def size_of(folder: Path) -> int:
    """Bytes of the ledger in ``folder``; 0 where there is none."""
    known = _known(folder / FILE)
    return known[1] if known else 0


def _known(path: Path) -> tuple[int, int, int] | None:
    try:
        known = path.lstat()
    except OSError:
        return None
    return known.st_ino, known.st_size, known.st_mtime_ns


@contextmanager
def _connected(folder: Path, seconds: float, end: float) -> Generator[sqlite3.Connection]:
    path = folder / FILE
    check_file(path)
    try:
        db = _snapshot(path, "mode=ro", seconds / 20, end)
    except sqlite3.OperationalError:
        # SQLite locks a ledger and writes beside it, even to read it. Where that cannot be, a ledger with nothing beside it is whole.
        db = _snapshot(path, "mode=ro" if _written_beside(path) else "mode=ro&immutable=1", seconds, end)
    try:
        _check_tables(db, folder)
        yield db
    finally:
        db.close()


def _snapshot(path: Path, how: str, patience: float, end: float) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=patience, isolation_level=None)
    try:
        db.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        db.row_factory = sqlite3.Row
        _restrain(db)
        db.execute("BEGIN")
        db.execute("SELECT 1 FROM sqlite_master")
    except BaseException:
        db.close()
        raise
    return db


def _written_beside(path: Path) -> bool:
    """Whether what was written last may not be in the ledger itself yet."""
    found = (_known(path.with_name(f"{path.name}{suffix}")) for suffix in ("-wal", "-journal"))
    return any(known and known[1] for known in found)


def check_file(path: Path) -> None:
    """
    Raises:
        NoLedger: there is no file.
        UnreadableLedger: it is something else, or a link, or there is a link beside it that SQLite would follow.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        raise NoLedger(f"There is no session in {path.parent}.") from None
    for each in (path, *(path.with_name(path.name + suffix) for suffix in _BESIDE)):
        if is_link(each):
            raise Refused(f"The ledger in {path.parent.name} cannot be read: {each.name} is a link.")
    if not stat.S_ISREG(mode):
        raise Refused(f"The ledger in {path.parent.name} cannot be read: {path.name} is not a file.")


def _restrain(db: sqlite3.Connection) -> None:
    """Lets nothing that lies in a database act, nor fill the memory."""
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)


def _check_tables(db: sqlite3.Connection, folder: Path) -> None:
    """
    Raises:
        NoLedger: there are no tables yet.
        UnreadableLedger: they are none that a version of ours has made.
    """

    def refuse(why: str) -> Refused:
        return Refused(f"The ledger in {folder.name} cannot be read: {why}.")

    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application not in (0, APPLICATION):
        raise refuse("it is a database of another program")
    # Virtual tables have no page of their own.
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0")}
    if missing := [name for name in TABLES if name not in tables]:
        if len(missing) == len(TABLES) and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise NoLedger(f"There is no session in {folder}.")
        raise refuse(f"it has no table {missing[0]}")
    for name, columns in TABLES.items():
        there = {row["name"]: row["hidden"] for row in db.execute(f"PRAGMA table_xinfo({name})")}
        if lacking := [column for column in columns if column not in there]:
            raise refuse(f"its table {name} has no column {lacking[0]}")
        if any(there.values()):
            raise refuse(f"its table {name} computes a column")
    if db.execute("SELECT count(*) FROM session").fetchone()[0] != 1:
        raise refuse("it holds no session")


def _check_plain(db: sqlite3.Connection, folder: Path) -> None:
    """Lets nobody's code run when something is written: triggers, and expressions in tables and indexes.

    Raises:
        Told: there is some.
    """
    # Tables of that name are SQLite's own.
    found = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND NOT (type = 'table' AND name LIKE 'sqlite\\_%' ESCAPE '\\')"
    for kind, name, sql in db.execute(found):
        words = re.findall(r"(\S*)\s*\(", sql)
        checks = re.findall(r"\bCHECK\s*\(([^()]*)\)", sql, re.IGNORECASE)
        plain = kind in ("table", "index") and all(word.strip('"`[]').upper() in _BEFORE_BRACKETS for word in words)
        if not plain or any(check != "one = 1" for check in checks):
            raise Told(
                f"The ledger in {folder.name} holds a {kind}, {name}, that Resonance did not make and that would act when something"
                " is written: it can be looked at, and does not go on."
            )


def from_json(text: Any, what: str) -> Any:
    """
    Raises:
        UnreadableLedger: it is no JSON, or holds numbers that JSON does not know.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnreadableLedger(f"The ledger cannot be read: {what} is no JSON ({error}).") from None


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def checked(value: Any, kind: type, what: str) -> Any:
    """A value that must be of a kind; ``float``: a finite number.

    Raises:
        UnreadableLedger: it is not.
    """
    fits = isinstance(value, (int, float)) and math.isfinite(value) if kind is float else isinstance(value, kind)
    if not fits:
        raise UnreadableLedger(f"The ledger cannot be read: {what} is {value!r:.40}.")
    return value


def _has_pictures(session: Path) -> bool:
    return any(path.suffix in SUFFIXES.values() for folder in folders(session) for path in folder.iterdir())

"""Ledgers in the output folder that somebody else has written, or that are damaged."""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gallery_session import make_session
from hostile import ODD, SPOILT, flipped, raw, spoil

from resonance.files import store
from resonance.gallery import grid
from resonance.session import query, schema
from resonance.session.ledger import Ledger
from resonance.session.opening import UnreadableLedger
from resonance.session.query import Unread, overview
from resonance.session.status import FILE, NoLedger, Status
from resonance.told import NotNow, Told


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("output"), "good", rounds=2, lineages=3)


@pytest.fixture
def folder(tmp_path: Path, good: Path) -> Path:
    """A copy of a good session."""
    return shutil.copytree(good, tmp_path / "output" / "odd")


def listed(folder: Path) -> Status | Unread:
    [found] = overview(folder.parent)
    return found


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_no_ledger_of_ours_is_listed_with_why_and_in_no_time(folder: Path, name: str):
    spoil(folder / FILE, SPOILT[name])
    start = time.monotonic()
    found = listed(folder)
    assert time.monotonic() - start < 1
    if name == "very many items":  # it is ours, but for the grid it is too much
        assert isinstance(found, Status) or "takes more than" in found.unread
    else:
        assert isinstance(found, Unread), found
        assert found.unread.startswith("The ledger ") and found.unread.endswith(".") and len(found.unread) < 200
    start = time.monotonic()
    for _ in range(3):
        with pytest.raises(UnreadableLedger):
            grid.grid(folder)
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("name", ODD)
def test_an_item_that_is_none_of_ours_takes_nothing_else_along(folder: Path, name: str):
    spoil(folder / FILE, ODD[name])
    assert isinstance(listed(folder), Status)
    answers: list[Any] = []
    for asked in (lambda: grid.grid(folder), lambda: grid.item(folder, 1), lambda: grid.item(folder, 2)):
        try:
            answers.append(json.loads(json.dumps(asked(), allow_nan=False)))
        except Told as error:
            assert str(error).endswith((".", "and ..", "link"))
            answers.append(None)
    assert answers[2], "the others are shown"
    assert not answers[0] or not answers[1], "and it is not"


def test_a_bit_here_and_there(folder: Path, good: Path):
    data = (good / FILE).read_bytes()
    for seed in range(60):
        (folder / FILE).write_bytes(flipped(data, seed))
        listed(folder)
        for asked in (lambda: grid.grid(folder), lambda: grid.item(folder, 1), lambda: query.read_round(folder)[1]):
            try:
                json.dumps(asked(), allow_nan=False)
            except Told as error:
                assert str(error)


@pytest.mark.parametrize("what", ["cut", "only a head", "zeros", "text"])
def test_a_file_that_is_no_database(folder: Path, what: str):
    (folder / FILE).write_bytes(raw((folder / FILE).read_bytes())[what])
    assert isinstance(listed(folder), Unread)


def test_one_bad_ledger_hides_no_other(folder: Path, good: Path):
    shutil.copytree(good, folder.parent / "good")
    spoil(folder / FILE, SPOILT["bytes as reason"])
    first, second = overview(folder.parent)
    assert isinstance(first, Status) and first.session == "good"
    assert isinstance(second, Unread) and second.session == "odd"


def test_what_could_not_be_read_is_tried_again_once_it_changes(folder: Path, good: Path):
    spoil(folder / FILE, SPOILT["no results"])
    assert isinstance(listed(folder), Unread) and isinstance(listed(folder), Unread)
    shutil.copy2(good / FILE, folder / FILE)
    assert isinstance(listed(folder), Status)


def test_when_time_is_up_the_rest_is_named(folder: Path):
    [found] = overview(folder.parent, seconds=-1)
    assert found == Unread("odd", "Others take so long that it is not looked at yet.")


def test_a_pipe_is_not_opened(folder: Path):
    (folder / FILE).unlink()
    os.mkfifo(folder / FILE)
    assert isinstance(found := listed(folder), Unread) and "is not a file" in found.unread
    with pytest.raises(UnreadableLedger, match="is not a file"):
        Ledger(folder)


@pytest.mark.parametrize("link", [FILE, f"{FILE}-wal", f"{FILE}-shm"])
def test_nothing_is_read_or_written_through_a_link(folder: Path, tmp_path: Path, link: str):
    away = tmp_path / "away"
    away.write_bytes((folder / FILE).read_bytes())
    before = away.read_bytes()
    (folder / link).unlink(missing_ok=True)
    (folder / link).symlink_to(away)
    assert isinstance(found := listed(folder), Unread) and "is a link" in found.unread
    with pytest.raises(UnreadableLedger, match="is a link"):
        Ledger(folder)
    assert away.read_bytes() == before


def test_a_folder_that_is_a_link_is_no_session(folder: Path, tmp_path: Path):
    (folder.parent / "link").symlink_to(shutil.copytree(folder, tmp_path / "away"))
    found = {each.session: each for each in overview(folder.parent)}
    assert found["link"] == Unread("link", "Its folder is a link.")
    with pytest.raises(Told, match="is a link"):
        Ledger(folder.parent / "link")


# Written to


def test_a_ledger_of_a_newer_version_is_read_and_never_written(folder: Path):
    with sqlite3.connect(folder / FILE) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("ALTER TABLE item ADD COLUMN mood TEXT")
        db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    before = (folder / FILE).read_bytes()
    assert isinstance(listed(folder), Status) and grid.grid(folder)["items"]
    with pytest.raises(NotNow, match="newer Resonance"):
        Ledger(folder)
    assert (folder / FILE).read_bytes() == before


def test_a_ledger_says_what_it_is(tmp_path: Path):
    Ledger(tmp_path / "s", seed=1).close()
    with sqlite3.connect(tmp_path / "s" / FILE) as db:
        found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    assert found == [schema.APPLICATION, schema.PLAIN]


TRIGGER = "CREATE TRIGGER t AFTER UPDATE ON session BEGIN DELETE FROM item; END"
ACTING: dict[str, str] = {
    "a trigger": TRIGGER,
    "a view": "CREATE VIEW v AS SELECT 1",
    "a computed index": "CREATE INDEX x ON item (hex(lineage))",
    "a quoted function": 'CREATE INDEX x ON item ("hex"(lineage))',
    "another table's check": "CREATE TABLE t (a CHECK (length(a) < 3))",
    "a default that is computed": "CREATE TABLE t (a DEFAULT (hex(zeroblob(1000))))",
}


@pytest.mark.parametrize("name", ACTING)
def test_what_would_act_when_something_is_written_keeps_a_ledger_from_it(folder: Path, name: str):
    spoil(folder / FILE, lambda db: db.execute(ACTING[name]))
    assert isinstance(listed(folder), Status), "it can be looked at"
    with pytest.raises(Told, match=r"The ledger in odd holds a \w+, \w+, that Resonance did not make"):
        Ledger(folder)
    shutil.rmtree(folder)  # nothing is left open


def test_what_other_programs_leave_in_a_ledger_does_not_keep_it_from_going_on(folder: Path):
    def others(db: sqlite3.Connection) -> None:
        db.execute("ANALYZE")
        [sql] = db.execute("SELECT sql FROM sqlite_master WHERE name = 'result'").fetchone()
        db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'result'", (sql.replace("result (", '"result" ('),))

    spoil(folder / FILE, others)
    Ledger(folder).close()


def test_a_folder_that_leads_away_is_neither_swept_nor_written_to(tmp_path: Path):
    away = tmp_path / "away"
    away.mkdir()
    (away / ".precious.tmp").write_text("mine")
    session = tmp_path / "session"
    session.mkdir()
    (session / "round-0001").symlink_to(away)
    store.sweep(session)
    assert (away / ".precious.tmp").read_text() == "mine"


def test_a_planted_link_is_replaced_and_not_followed(tmp_path: Path):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / ".a.png.tmp").symlink_to(mine)
    store.write(folder, [("a.png", b"new")])
    assert (
        mine.read_text() == "mine" and (folder / "a.png").read_bytes() == b"new" and not (folder / "a.png").is_symlink()
    )


def test_without_a_ledger_there_is_no_session(tmp_path: Path):
    asked: list[Callable[[], object]] = [lambda: query.read_round(tmp_path), lambda: Ledger(tmp_path)]
    for each in asked:
        with pytest.raises(NoLedger):
            each()

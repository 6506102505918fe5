import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from resonance.session import owning, query, saving
from resonance.session.chain import Chain
from resonance.session.fill.pictures import Pictures
from resonance.session.item import Item, Words
from resonance.session.ledger import Gone, Ledger, Lost, Result
from resonance.session.made import Made
from resonance.session.owning import Busy
from resonance.session.payloads import Plain
from resonance.session.reason import Outcome, Reason
from resonance.session.status import Moved
from resonance.told import Told

OLD = """
CREATE TABLE session (
    one INTEGER PRIMARY KEY CHECK (one = 1), seed INTEGER NOT NULL, created REAL NOT NULL,
    first TEXT, rounds INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'open', reason TEXT NOT NULL DEFAULT '',
    run TEXT, graph TEXT, plan TEXT, streak TEXT NOT NULL DEFAULT '[]', owner TEXT);
CREATE TABLE item (
    id INTEGER PRIMARY KEY, round INTEGER NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    lineage TEXT NOT NULL, source TEXT, payload TEXT, draw TEXT, words TEXT, prompt TEXT,
    state TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
    error TEXT, phase TEXT, run TEXT, process TEXT, token TEXT, committed REAL,
    UNIQUE (round, lineage), UNIQUE (round, source));
CREATE INDEX item_state ON item (state, round, attempts, position);
CREATE INDEX item_wordless ON item (round, attempts, position) WHERE state = 'pending' AND words IS NULL;
CREATE INDEX item_committed ON item (committed) WHERE committed IS NOT NULL;
CREATE TABLE result (
    item INTEGER NOT NULL REFERENCES item (id), number INTEGER NOT NULL, file TEXT NOT NULL, lineage TEXT,
    PRIMARY KEY (item, number)) WITHOUT ROWID;
INSERT INTO session (one, seed, created, first, rounds) VALUES (1, 7, 1.0, 'p', 2);
INSERT INTO item (round, number, position, lineage, source, state, committed) VALUES (1, 1, 1, 'X0001', 'p/1.png [input]', 'done', 2.0);
INSERT INTO item (round, number, position, lineage, source, state, run, process, token, phase)
    VALUES (1, 2, 2, 'X0002', 'p/2.png [input]', 'claimed', 'run', 'dead', 'token', 'paint');
INSERT INTO item (round, number, position, lineage, source) VALUES (1, 3, 3, 'X0003', 'p/3.png [input]');
INSERT INTO result VALUES (1, 1, 'round-0001/X0001_r0001_9.png', 'X0001')
"""
"""A ledger as version 0.1.0 made it: one item done, one claimed, one waiting."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "s", seed=7, process="me")
    yield ledger
    ledger.close()


def fill(ledger: Ledger, count: int = 3) -> None:
    with ledger.transaction():
        ledger.add(1, [(f"p/{n}.png [input]", f"X{n:04d}") for n in range(1, count + 1)])


def claim(ledger: Ledger, run: str = "run", describe: bool = False, rounds: int = 0) -> Item | None:
    with ledger.transaction():
        ledger.update(rounds=rounds)
        round_ = ledger.open_round(lambda file: True)
        item = ledger.next(round_, describe) if round_ else None
        return ledger.claim(item, run) if item else None


def finish(ledger: Ledger, item: Item, count: int = 1, takes: str | None = "same") -> None:
    child = item.lineage if takes == "same" else takes
    ledger.commit(
        item, [Result(f"{item.folder}/{item.stem}_{n}.png", child if n == 1 else None) for n in range(1, count + 1)]
    )


def settle(ledger: Ledger, reason: Reason, error: str = "") -> None:
    with ledger.transaction():
        for held in ledger.claims():
            ledger.settle([held], Outcome(reason, error))


def states(ledger: Ledger) -> list[str]:
    return [item["state"] for item in query.read_round(ledger.folder, 1)[1]]


def test_every_item_is_claimed_once_and_feeds_the_next_round(ledger: Ledger):
    fill(ledger)
    seen: list[tuple[int, str]] = []
    while item := claim(ledger, rounds=3):
        seen.append((item.round, item.lineage))
        finish(ledger, item)
    assert seen == [(r, f"X{n:04d}") for r in (1, 2, 3) for n in (1, 2, 3)]


def test_pictures_thrown_away_do_not_enter_the_next_round(ledger: Ledger):
    fill(ledger, 2)
    gone = ""
    for _ in range(2):
        item = claim(ledger)
        assert item
        finish(ledger, item)
        gone = gone or f"{item.folder}/{item.stem}_1.png"
    with ledger.transaction():
        assert ledger.open_round(lambda file: file != gone) == 2
        assert ledger.lineages(2) == {"X0002"}
    assert states(ledger) == ["removed", "done"]
    assert ledger.status().text().startswith("round 2: 0 of 1, 1 removed")


def finish_without_the_first(ledger: Ledger) -> None:
    """Two rounds of two items; X0001's picture of the first is gone when the second is opened."""
    fill(ledger, 2)
    while item := claim(ledger, rounds=1):
        finish(ledger, item)
    with ledger.transaction():
        ledger.update(rounds=2)
        assert ledger.open_round(lambda file: "X0001" not in file) == 2
        item = ledger.next(2)
        assert item
        item = ledger.claim(item, "run")
    finish(ledger, item)


def test_a_removed_picture_is_made_again_and_goes_on(ledger: Ledger):
    finish_without_the_first(ledger)
    with ledger.transaction():
        assert ledger.remake() == 1
    assert (again := claim(ledger)) and (again.round, again.lineage) == (1, "X0001")
    finish(ledger, again)
    assert (item := claim(ledger)) and (item.round, item.lineage) == (2, "X0001")
    assert states(ledger) == ["done", "done"] and ledger.status().removed == 0


def test_a_picture_that_is_put_back_goes_on(ledger: Ledger):
    finish_without_the_first(ledger)
    assert (item := claim(ledger, rounds=2)) and (item.round, item.lineage) == (2, "X0001")
    assert states(ledger) == ["done", "done"]


def test_of_a_batch_that_lost_a_picture_the_others_go_on(ledger: Ledger):
    fill(ledger, 1)
    item = claim(ledger)
    assert item
    ledger.commit(item, [Result(f"{number}.png", f"X0001.{number}") for number in (1, 2, 3)])
    with ledger.transaction():
        assert ledger.open_round(lambda file: file != "2.png") == 2
        assert ledger.lineages(2) == {"X0001.1", "X0001.3"}
    assert states(ledger) == ["removed"]


@pytest.mark.parametrize("count", [1, 3])
def test_without_a_picture_no_round_is_opened(ledger: Ledger, count: int):
    fill(ledger, count)
    while (item := claim(ledger, rounds=2)) and item.round == 1:
        finish(ledger, item)
    with ledger.transaction():
        ledger._db.execute("DELETE FROM item WHERE round = 2")
        what = "A picture of round 1 is" if count == 1 else "The 3 pictures of round 1 are"
        with pytest.raises(
            Gone, match=f"^{what} gone from output/[^:]*: put (it|them) back, or have (it|them) made again"
        ):
            ledger.open_round(lambda file: False)
    assert states(ledger) == ["removed"] * count


def test_a_round_that_was_opened_is_not_missed_when_its_pictures_are_put_away(ledger: Ledger):
    fill(ledger, 2)
    while item := claim(ledger, rounds=2):
        finish(ledger, item)
    with ledger.transaction():
        assert ledger.open_round(lambda file: False) is None
    assert states(ledger) == ["done", "done"]


def test_a_child_whose_lineage_another_picture_has_gets_a_letter(ledger: Ledger):
    with ledger.transaction():
        ledger.add(1, [("a.png [input]", "X0001"), ("b.png [input]", "X0001.1")])
    for files in ([("a_1", "X0001.1"), ("a_2", "X0001.2")], [("b", "X0001.1")]):
        item = claim(ledger)
        assert item
        ledger.commit(item, [Result(f"{name}.png", lineage) for name, lineage in files])
    asked: list[str] = []

    def exists(file: str) -> bool:
        asked.append(file)
        assert len(asked) < 20, "the same picture is offered for ever"
        return True

    with ledger.transaction():
        assert ledger.open_round(exists) == 2
        assert ledger.lineages(2) == {"X0001.1", "X0001.2", "X0001.1b"} and len(ledger.sources(2)) == 3
        ledger._db.execute("UPDATE item SET state = 'done'")
        assert ledger.open_round(exists) is None


def test_what_is_counted_on_the_way_is_what_is_there(ledger: Ledger, tmp_path: Path):
    chance = random.Random(1)
    fill(ledger, 6)
    for step in range(150):
        with suppress(Lost), ledger.transaction():
            match step % 6:
                case 0 | 1:
                    if item := claim(ledger, rounds=3):
                        finish(ledger, item) if chance.random() < 0.6 else ledger.skip(item, "gone")
                case 2:
                    claim(ledger, rounds=3)
                case 3:
                    reason = chance.choice([Reason.ERROR, Reason.DIED, Reason.INTERRUPTED])
                    ledger.settle(ledger.claims(), Outcome(reason, "why"))
                case 4:
                    ledger.add(1, [(f"p/{step}.png [input]", f"Y{step:04d}"), ("p/1.png [input]", "X0001")])
                    chance.choice(
                        [ledger.retry, ledger.remake, lambda: ledger.withdraw(lambda *_: chance.random() < 0.7)]
                    )()
                case _:
                    ledger.add(2, [(None, f"Z{step:04d}")])
                    raise Lost("undone")
        with query.reading(tmp_path / "s") as counted:
            assert ledger.status() == counted.status(), step


def test_late_pictures_pass_through_all_rounds(ledger: Ledger):
    fill(ledger, 1)
    for _ in range(2):
        item = claim(ledger, rounds=2)
        assert item
        finish(ledger, item)
    assert claim(ledger, rounds=2) is None
    with ledger.transaction():
        assert ledger.add(1, [("p/late.png [input]", "X0009"), ("p/1.png [input]", "X0001")]) == 1
    rounds: list[int] = []
    while item := claim(ledger, rounds=2):
        rounds.append(item.round)
        finish(ledger, item)
    assert rounds == [1, 2]


def test_a_round_is_described_first_and_then_painted(ledger: Ledger):
    fill(ledger, 2)
    phases: list[tuple[str, str]] = []
    for _ in range(4):
        item = claim(ledger, describe=True)
        assert item
        phases.append((item.phase, item.lineage))
        if item.phase == "describe":
            ledger.store_words(item, Words("red"))
            settle(ledger, Reason.NO_RESULT)
        else:
            assert item.words == Words("red")
            finish(ledger, item)
    assert phases == [("describe", "X0001"), ("describe", "X0002"), ("paint", "X0001"), ("paint", "X0002")]


def test_three_errors_fail_an_item_and_the_round_goes_on(ledger: Ledger):
    fill(ledger, 2)
    order: list[str] = []
    for _ in range(4):
        item = claim(ledger)
        assert item
        order.append(item.lineage)
        if item.lineage == "X0001":
            settle(ledger, Reason.ERROR, f"error {len(order)}")
        else:
            finish(ledger, item)
    assert order == ["X0001", "X0002", "X0001", "X0001"], "a failed item waits behind the others"
    assert states(ledger) == ["failed", "done"]
    with ledger.transaction():
        assert ledger.retry() == 1
    assert states(ledger) == ["pending", "done"]


def test_interrupts_and_vanished_claims_cost_nothing(ledger: Ledger):
    fill(ledger, 1)
    for outcome in (Reason.INTERRUPTED, Reason.GONE) * 5:
        assert claim(ledger)
        settle(ledger, outcome)
    assert query.read_round(ledger.folder)[1][0]["attempts"] == 0
    assert states(ledger) == ["pending"]


def test_an_item_that_kills_the_process_five_times_in_a_row_is_parked(ledger: Ledger):
    fill(ledger, 1)
    for deaths in range(5):
        assert states(ledger) == ["pending"], deaths
        assert claim(ledger)
        settle(ledger, Reason.DIED)
    assert states(ledger) == ["parked"]
    assert "5 times in a row" in query.read_round(ledger.folder)[1][0]["error"]


def test_an_error_between_two_deaths_starts_the_count_anew(ledger: Ledger):
    fill(ledger, 1)
    for outcome in (*[Reason.DIED] * 4, Reason.ERROR, *[Reason.DIED] * 4):
        assert claim(ledger)
        settle(ledger, outcome)
    assert states(ledger) == ["pending"]


def test_the_same_error_on_three_items_in_a_row_pauses_the_session(ledger: Ledger):
    fill(ledger, 5)
    for _ in range(3):
        assert claim(ledger)
        settle(ledger, Reason.ERROR, "no model")
    session = ledger.session()
    assert session.state == "paused" and "no model" in session.reason
    assert states(ledger) == ["pending"] * 5
    assert {item["attempts"] for item in query.read_round(ledger.folder)[1]} == {0}


def test_different_errors_and_a_success_between_do_not_pause(ledger: Ledger):
    fill(ledger, 6)
    for error in ("a", "b", "a"):
        assert claim(ledger)
        settle(ledger, Reason.ERROR, error)
    item = claim(ledger)
    assert item
    finish(ledger, item)
    for error in ("a", "a"):
        assert claim(ledger)
        settle(ledger, Reason.ERROR, error)
    assert ledger.session().state == "open"


def test_a_full_disk_pauses_at_once_and_costs_no_attempt(ledger: Ledger):
    fill(ledger, 2)
    assert claim(ledger)
    settle(ledger, Reason.NO_SPACE, "[Errno 28] No space left on device")
    assert ledger.session().state == "paused"
    assert query.read_round(ledger.folder)[1][0]["attempts"] == 0


def test_a_run_that_saves_nothing_counts_as_an_error(ledger: Ledger):
    fill(ledger, 1)
    assert claim(ledger)
    settle(ledger, Reason.NO_RESULT)
    assert "without a result" in query.read_round(ledger.folder)[1][0]["error"]


def test_a_run_whose_claim_has_passed_on_stores_nothing(ledger: Ledger):
    fill(ledger, 1)
    old = claim(ledger, "old")
    assert old
    settle(ledger, Reason.GONE)
    new = claim(ledger, "new")
    assert new
    for store in (lambda: finish(ledger, old), lambda: ledger.store_words(old, Words("x")), lambda: ledger.own(old)):
        with pytest.raises(Lost, match="another run"):
            store()
    finish(ledger, new)
    with pytest.raises(Lost):
        finish(ledger, new)
    assert len(query.read_round(ledger.folder, 1)[1][0]["files"]) == 1


def test_items_may_have_no_picture_but_a_payload(ledger: Ledger):
    with ledger.transaction():
        ledger.add(1, [(None, "a"), (None, "b")], [Plain(scale=6), Plain(scale=7)])
    item = claim(ledger)
    assert item and item.source is None and item.payload == Plain(scale=6)


def test_a_new_order_holds_for_what_is_pending(ledger: Ledger):
    fill(ledger, 4)
    item = claim(ledger)
    assert item and item.lineage == "X0001"
    finish(ledger, item)
    with ledger.transaction():
        ledger.order(1, lambda lineage: {"X0002": ("b", 0), "X0003": ("a", 1), "X0004": ("b", 0)}[lineage])
        assert ledger.models(1) == {"a": 1, "b": 2}
    order: list[str] = []
    while (item := claim(ledger, rounds=1)) and finish(ledger, item) is None:
        order.append(item.lineage)
    assert order == ["X0003", "X0002", "X0004"]


def test_a_transaction_that_raises_leaves_nothing(ledger: Ledger):
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.add(1, [("a", "a")])
        1 / 0  # noqa: B018
    assert ledger.lineages(1) == set()


def test_flushes_are_asked_for_and_wal_is_used_where_it_is_granted(ledger: Ledger):
    assert ledger._value("PRAGMA synchronous") == 2
    assert ledger._value("PRAGMA journal_mode") == "wal"
    fill(ledger, 1)
    item = claim(ledger)
    assert item
    ledger.store_words(item, Words("x"))
    assert ledger._value("PRAGMA synchronous") == 2


def test_where_wal_is_not_granted_truncate_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class NoWal(sqlite3.Connection):
        def execute(self, sql: str, *args: object) -> sqlite3.Cursor:
            return super().execute(
                "SELECT 'delete' AS journal_mode" if sql == "PRAGMA journal_mode = WAL" else sql, *args
            )

    plain = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: plain(*a, **k, factory=NoWal))
    ledger = Ledger(tmp_path / "s", seed=1)
    assert ledger._value("PRAGMA journal_mode") == "truncate"
    ledger.close()


def test_a_second_process_is_told_who_owns_the_session(ledger: Ledger):
    with ledger.transaction():
        ledger.update(owner="thathost, process 5")
    code = (
        "import sys; from pathlib import Path; from resonance.session.ledger import Ledger; from resonance.session.owning import Busy\n"
        "try: Ledger(Path(sys.argv[1]), 1)\nexcept Busy as e: print('busy:', e)"
    )
    said = subprocess.run([sys.executable, "-c", code, ledger.folder], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "busy: thathost, process 5"
    ledger.close()
    said = subprocess.run([sys.executable, "-c", code, ledger.folder], capture_output=True, text=True, check=True)
    assert said.stdout == ""
    ledger.__init__(ledger.folder)


def test_a_folder_that_cannot_lock_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(self: object, timeout: float) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(owning.FileLock, "acquire", refuse)
    with pytest.raises(Told, match="cannot be locked"):
        Ledger(tmp_path / "s", seed=1)


def test_opening_needs_a_ledger_or_a_seed(tmp_path: Path):
    with pytest.raises(Told):
        Ledger(tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_ledger_of_version_0_1_0_is_taken_over(tmp_path: Path):
    folder = tmp_path / "old"
    folder.mkdir()
    with sqlite3.connect(folder / "ledger.sqlite3") as db:
        db.executescript(OLD)
    db.close()
    with query.reading(folder) as db:
        assert db.known().kind == "rounds", "it can be looked at before it is taken over"
    for _ in range(2):
        ledger = Ledger(folder, process="me")
        session = ledger.session()
        assert (session.kind, session.seed, session.rounds) == ("rounds", 7, 2)
        ledger.close()
    ledger = Ledger(folder, process="me")
    settle(ledger, Reason.DIED)
    seen: list[tuple[int, str]] = []
    while item := claim(ledger, rounds=2):
        assert ledger.begun(item) > 0
        seen.append((item.round, item.lineage))
        finish(ledger, item)
    assert seen == [(1, "X0002"), (1, "X0003"), (2, "X0001"), (2, "X0002"), (2, "X0003")]
    with query.reading(folder) as db:
        assert db.origin(2, "old/round-0001/X0001_r0001_9.png [output]") == "p/1.png [input]"
    ledger.close()


def test_the_origin_of_a_long_lineage_is_found_at_once(ledger: Ledger):
    fill(ledger, 2)
    last: Item | None = None
    while item := claim(ledger, rounds=300):
        last = item
        ledger._db.execute("PRAGMA synchronous = OFF")
        finish(ledger, item)
    assert last and last.source and last.round == 300
    with query.reading(ledger.folder) as db:
        started = time.perf_counter()
        assert db.origin(last.round, last.source) == "p/2.png [input]"
        assert time.perf_counter() - started < 0.05
        assert db.origin(1, "p/2.png [input]") == "p/2.png [input]"


def test_an_item_is_found_by_round_and_lineage_and_knows_when_it_began(ledger: Ledger):
    fill(ledger, 2)
    before = time.time()
    item = claim(ledger)
    assert item and before <= (begun := ledger.begun(item)) <= time.time()
    settle(ledger, Reason.DIED)
    again = claim(ledger)
    assert again and again.id == item.id and ledger.begun(again) == begun, "a redo has the names of the first try"
    finish(ledger, again)
    file = f"{item.folder}/{item.stem}_1.png"
    other = ledger.find(1, "X0002")
    assert other and other.id != item.id and ledger.find(2, "X0002") is None and ledger.find(1, "X1") is None
    assert ledger.taken(file, other) and not ledger.taken(file, item) and not ledger.taken("x.png", other)


def test_what_waits_and_is_not_wanted_is_withdrawn(ledger: Ledger):
    with ledger.transaction():
        ledger.add(1, [(None, "a"), (None, "b"), (None, "c")], [Plain(steps=n) for n in range(3)])
        ledger.add(2, [(None, "a")], [Plain(steps=0)])
    item = claim(ledger)
    assert item
    finish(ledger, item)
    with ledger.transaction():
        ledger.withdraw(lambda round_, lineage: round_ == 1 and lineage == "c")
    assert (ledger.lineages(1), ledger.lineages(2), ledger.last_round()) == ({"a", "c"}, set(), 1)
    assert ledger.payloads() == {"a": Plain(steps=0), "c": Plain(steps=2)} and ledger.pending_round() == 1


def test_the_seed_of_a_session_is_kept(tmp_path: Path):
    for seed in (7, 8):
        ledger = Ledger(tmp_path / "s", seed=seed)
        assert ledger.session().seed == 7
        ledger.close()
    assert Busy and list(query.sessions(tmp_path)) == [tmp_path / "s"]


def test_a_renamed_session_knows_its_pictures_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "s", seed=7)
    fill(ledger, 1)
    item = claim(ledger)
    assert item
    ledger.commit(item, [Result("round-0001/a.png", "X0001")])
    with ledger.transaction():
        ledger.update(rounds=2)
        assert ledger.open_round(lambda file: True) == 2
    ledger.close()
    (tmp_path / "s").rename(tmp_path / "t")
    ledger = Ledger(tmp_path / "t")
    assert ledger.sources(1) == {"p/1.png [input]"} and ledger.sources(2) == {"t/round-0001/a.png [output]"}
    ledger.close()
    shutil.copytree(tmp_path / "t", tmp_path / "copy")
    ledger = Ledger(tmp_path / "copy")
    assert ledger.sources(2) == {"copy/round-0001/a.png [output]"}
    ledger.close()


def test_the_pictures_of_another_session_with_which_one_began_stay_its(tmp_path: Path) -> None:
    source = "other/round-0001/a.png [output]"
    ledger = Ledger(tmp_path / "s", seed=7)
    with ledger.transaction():
        ledger.add(1, [(source, "X0001")])
    item = claim(ledger)
    assert item
    ledger.commit(item, [Result("round-0001/a.png", "X0001")])
    ledger.close()
    ledger = Ledger(tmp_path / "s")
    assert ledger.sources(1) == {source}
    ledger.close()


@pytest.mark.parametrize("what", ["renamed", "ledger deleted", "replaced", "folder deleted"])
def test_nothing_is_committed_where_the_ledger_is_not(tmp_path: Path, ledger: Ledger, what: str) -> None:
    fill(ledger)
    item = claim(ledger)
    assert item
    folder = ledger.folder
    if what == "renamed":
        folder.rename(tmp_path / "t")
    elif what == "folder deleted":
        shutil.rmtree(folder)
    else:
        (folder / "ledger.sqlite3").unlink()
        if what == "replaced":
            (folder / "ledger.sqlite3").write_bytes(b"")
    with pytest.raises(Moved, match="nothing more is saved"):
        saving.keep(ledger, item, Made(pictures=(b"x",), prompt="a", texts=None))
    with pytest.raises(Moved):
        ledger.commit(item, [Result("round-0001/a.png", "X0001")])
    with pytest.raises(Moved):
        Chain(ledger, Pictures("p", 1, {"input": tmp_path})).claim("run")
    assert not list(tmp_path.rglob("*.png")) and (what != "renamed" or not folder.exists())

"""The driver with engines that only wait: who gets what, what is retried, how it stops."""

import asyncio
import os
import sqlite3
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resonance.drive.driver import Ended, Halt, drive
from resonance.drive.job import EngineLost, Job, JobFailed
from resonance.drive.session import Jobs, opened
from resonance.files import store
from resonance.roulette import parse
from resonance.session.chain import Chain, PlanDraws, Stop
from resonance.session.fill.pictures import Pictures
from resonance.session.item import Item, Words
from resonance.session.ledger import Ledger
from resonance.session.made import Made
from resonance.session.query import read_round
from resonance.session.status import Moved
from resonance.told import Told

PNG = store.encode_png(Image.new("RGB", (4, 4), "red"), {})


class Fake:
    """An engine that waits and returns a picture, unless ``act`` does something else with the job."""

    def __init__(self, name: str = "fake", pause: float = 0.0, act: Callable[[Job], Any] = lambda job: None) -> None:
        self.name, self.pause, self.act = name, pause, act
        self.made: list[Item] = []
        self.forgotten: list[str] = []
        self.waits = 0

    async def ready(self) -> None:
        self.waits += 1

    async def make(self, job: Job, run: str) -> Made:
        self.act(job)
        await asyncio.sleep(self.pause)
        self.made.append(job.item)
        return Made(pictures=(PNG,), words=Words("red", f"{job.name}"), prompt="red")

    async def forget(self, run: str) -> None:
        self.forgotten.append(run)

    async def close(self) -> None: ...


def chain(base: Path, count: int = 4, rounds: int = 2, plan: str = "", name: str = "s") -> Chain:
    pictures = base / "input" / "first"
    pictures.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (pictures / f"{number}.png").write_bytes(PNG)
    roots = {"input": base / "input", "output": base / "output"}
    return opened(base / "output" / name, Pictures("first", rounds, roots), 1, PlanDraws(parse(plan)) if plan else None)


def run(driven: Chain, *engines: Fake, tell: Callable[..., None] = lambda event, **facts: None) -> Ended:
    try:
        return asyncio.run(drive(driven, Jobs(driven), engines, tell))
    finally:
        driven.close()


def claimed_by_the_dead(base: Path) -> Chain:
    """A chain in whose ledger a run of another driver has an item."""
    driven = chain(base, rounds=1)
    with driven.ledger.transaction():
        item = driven.ledger.next(driven.fill.open_round(driven.ledger) or 0)
        assert item
        driven.ledger.claim(item, "run-of-the-dead")
    return driven


def items(base: Path, round_: int, name: str = "s") -> list[dict[str, Any]]:
    return read_round(base / "output" / name, round_)[1]


def check_whole(base: Path, rounds: int, count: int) -> None:
    """Every item has one result set, on disk and in the ledger, and nothing lies about."""
    for round_ in range(1, rounds + 1):
        found = items(base, round_)
        assert [i["state"] for i in found] == ["done"] * count
        files = sorted(file for i in found for file in i["files"])
        assert len(files) == count
        folder = base / "output" / "s"
        assert files == sorted(str(p.relative_to(folder)) for p in (folder / f"round-{round_:04d}").iterdir())


def test_every_round_takes_the_pictures_of_the_one_before(tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    ended = run(chain(tmp_path, rounds=3), Fake(), tell=lambda event, **facts: told.append((event, facts)))
    assert ended == Ended("finished", "", 12)
    check_whole(tmp_path, 3, 4)
    assert [i["source"] for i in items(tmp_path, 2)] == [f"s/{i['files'][0]} [output]" for i in items(tmp_path, 1)]
    assert items(tmp_path, 1)[2]["words"] == {"tags": "red", "caption": "2.png"}
    assert [facts["round"] for event, facts in told if event == "round"] == [1, 2, 3]
    with Image.open(tmp_path / "output" / "s" / items(tmp_path, 3)[0]["files"][0]) as image:
        item = Item.from_json(image.info["resonance"])
    assert (item.round, item.lineage, item.words) == (3, "X0001", Words("red", items(tmp_path, 2)[0]["files"][0][11:]))


def test_a_folder_that_is_renamed_stops_the_command_and_goes_on_under_its_new_name(tmp_path: Path) -> None:
    folder, moved = tmp_path / "output" / "s", tmp_path / "output" / "t"

    def rename(job: Job) -> None:
        if len(engine.made) == 2:
            folder.rename(moved)

    engine = Fake(act=rename)
    with pytest.raises(Moved, match="'s' was renamed, deleted or replaced"):
        run(chain(tmp_path), engine)
    assert not folder.exists()
    status, found = read_round(moved)
    assert status.state == "paused" and "'s' was renamed" in status.reason
    assert {item["state"] for item in found} == {"done", "pending"} and all(item["attempts"] == 0 for item in found)
    assert run(chain(tmp_path, name="t"), Fake()).state == "finished"
    assert [item["state"] for round_ in (1, 2) for item in items(tmp_path, round_, "t")] == ["done"] * 8


def test_a_round_begins_when_the_one_before_has_ended_on_all_engines(tmp_path: Path) -> None:
    open_now: Counter[int] = Counter()

    def watch(job: Job) -> None:
        open_now[job.item.round] += 1
        if job.item.round == 2:
            assert [i["state"] for i in items(tmp_path, 1)] == ["done"] * 5

    engines = [Fake("a", 0.01, watch), Fake("b", 0.03, watch)]
    assert run(chain(tmp_path, 5), *engines).done == 10
    assert open_now == {1: 5, 2: 5}
    assert engines[0].made and engines[1].made


def test_what_fails_is_tried_three_times_and_the_rest_goes_on(tmp_path: Path) -> None:
    def fail(job: Job) -> None:
        if job.item.lineage == "X0002":
            raise JobFailed(f"KSampler: no luck {time.monotonic()}")

    failed: list[str] = []
    engine = Fake(act=fail)
    ended = run(
        chain(tmp_path, rounds=1),
        engine,
        tell=lambda event, **f: failed.append(f["lineage"]) if event == "failed" else None,
    )
    assert (ended.state, ended.done, failed) == ("finished", 3, ["X0002"] * 3)
    [item] = [i for i in items(tmp_path, 1) if i["state"] == "failed"]
    assert item["attempts"] == 3 and item["error"].startswith("KSampler: no luck")


def test_the_same_error_on_three_items_in_a_row_pauses(tmp_path: Path) -> None:
    def fail(job: Job) -> None:
        raise JobFailed("no such checkpoint")

    ended = run(chain(tmp_path), Fake(act=fail))
    assert ended.state == "paused" and "no such checkpoint" in ended.reason
    assert {i["state"] for i in items(tmp_path, 1)} == {"pending"}


def test_a_fault_of_an_engine_counts_as_an_attempt(tmp_path: Path) -> None:
    def fault(job: Job) -> None:
        if job.item.lineage == "X0001":
            raise ZeroDivisionError

    assert run(chain(tmp_path, 2, rounds=1), Fake(act=fault)).done == 1
    assert [i["state"] for i in items(tmp_path, 1)] == ["failed", "done"]


def test_a_picture_that_cannot_be_read_is_skipped_until_somebody_asks_for_it_again(tmp_path: Path) -> None:
    driven = chain(tmp_path, 3)
    (tmp_path / "input" / "first" / "1.png").write_bytes(b"no picture")
    assert run(driven, Fake()).done == 4
    assert [i["state"] for i in items(tmp_path, 1)] == ["done", "skipped", "done"]
    driven = chain(tmp_path, 3)
    with driven.ledger.transaction():
        assert driven.ledger.retry() == 1
    assert run(driven, Fake()).done == 2
    check_whole(tmp_path, 2, 3)


def test_a_lost_engine_gives_its_item_to_another_one(tmp_path: Path) -> None:
    def lose(job: Job) -> None:
        raise EngineLost("gone")

    async def never() -> None:
        if lost.waits:
            raise EngineLost("gone for good")
        lost.waits += 1

    lost = Fake("lost", act=lose)
    lost.ready = never  # type: ignore[method-assign]
    good = Fake("good", 0.01)
    assert run(chain(tmp_path, 3), lost, good) == Ended("finished", "", 6)
    check_whole(tmp_path, 2, 3)


def test_without_engines_it_ends_and_can_go_on(tmp_path: Path) -> None:
    async def never() -> None:
        raise EngineLost("gone for good")

    lost = Fake("lost")
    lost.ready = never  # type: ignore[method-assign]
    assert run(chain(tmp_path), lost) == Ended("open", "no engine is left")
    assert run(chain(tmp_path), Fake()).state == "finished"


@pytest.mark.parametrize(("times", "made"), [(1, 2), (2, 0)])
def test_asked_to_stop_it_finishes_what_is_begun_and_asked_twice_it_does_not(
    tmp_path: Path, times: int, made: int
) -> None:
    async def both() -> Ended:
        stop = Halt()
        engines = [Fake("a", 0.3), Fake("b", 0.3)]
        driving = asyncio.create_task(drive(driven, Jobs(driven), engines, lambda event, **facts: None, stop))
        await asyncio.sleep(0.15)
        for _ in range(times):
            stop.ask()
        return await driving

    driven = chain(tmp_path)
    start = time.monotonic()
    assert asyncio.run(both()) == Ended("paused", "by request", made)
    assert times == 1 or time.monotonic() - start < 0.3
    driven.close()
    assert Counter(i["state"] for i in items(tmp_path, 1)) == Counter(done=made, pending=4 - made)
    assert not any(i["attempts"] for i in items(tmp_path, 1))
    assert run(chain(tmp_path), Fake()).done == 8 - made
    check_whole(tmp_path, 2, 4)


def test_stopping_does_not_wait_for_an_engine_that_is_not_ready(tmp_path: Path) -> None:
    async def forever() -> None:
        await asyncio.sleep(60)

    async def stopped() -> Ended:
        stop, engine = Halt(), Fake()
        engine.ready = forever  # type: ignore[method-assign]
        driving = asyncio.create_task(drive(driven, Jobs(driven), [engine], lambda event, **facts: None, stop))
        await asyncio.sleep(0.1)
        stop.ask()
        return await asyncio.wait_for(driving, 1)

    driven = chain(tmp_path)
    assert asyncio.run(stopped()).reason == "by request"
    driven.close()


def test_stopping_does_not_wait_for_an_engine_that_is_to_forget_a_run(tmp_path: Path) -> None:
    async def forever(run: str) -> None:
        await asyncio.sleep(60)

    async def stopped() -> Ended:
        stop, engine = Halt(), Fake()
        engine.forget = forever  # type: ignore[method-assign]
        driving = asyncio.create_task(drive(driven, Jobs(driven), [engine], lambda event, **facts: None, stop))
        await asyncio.sleep(0.1)
        stop.ask()
        return await asyncio.wait_for(driving, 1)

    driven = claimed_by_the_dead(tmp_path)
    assert asyncio.run(stopped()).reason == "by request"
    driven.close()
    assert {i["state"] for i in items(tmp_path, 1)} == {"pending"}


@pytest.mark.parametrize("last", [False, True])
def test_a_ledger_that_cannot_be_written_ends_it_and_leaves_nothing_claimed(tmp_path: Path, last: bool) -> None:
    def keep(item: Item, made: Made) -> list[str]:
        if (item.lineage == "X0004") is last:
            raise sqlite3.OperationalError("database or disk is full")
        return plain(item, made)

    async def driving() -> Ended:
        return await asyncio.wait_for(
            drive(driven, Jobs(driven), [Fake("a"), Fake("b", 0.2)], lambda event, **facts: None), 5
        )

    driven = chain(tmp_path)
    plain = driven.keep
    driven.keep = keep  # type: ignore[method-assign]
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        asyncio.run(driving())
    driven.close()
    assert not [i for i in items(tmp_path, 1) if i["state"] == "claimed" or i["attempts"]]
    assert run(chain(tmp_path), Fake()).state == "finished"
    check_whole(tmp_path, 2, 4)


@pytest.mark.parametrize("event", ["round", "begun", "done"])
def test_when_nobody_listens_any_more_nothing_stays_claimed(tmp_path: Path, event: str) -> None:
    def tell(what: str, **facts: Any) -> None:
        if what == event:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run(chain(tmp_path), Fake("a", 0.01), Fake("b", 0.01), tell=tell)
    assert not [i for i in items(tmp_path, 1) if i["state"] == "claimed" or i["attempts"]]


def test_a_picture_that_cannot_be_read_back_is_an_attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16)

    class Larger(Fake):
        async def make(self, job: Job, run: str) -> Made:
            return Made(pictures=(store.encode_png(Image.new("RGB", (8, 8)), {}),))

    assert run(chain(tmp_path, 1, rounds=1), Larger()).state == "finished"
    [item] = items(tmp_path, 1)
    assert item["state"] == "failed" and "not a picture that can be read" in item["error"]


def test_what_a_dead_driver_claimed_is_dropped_on_the_engines_and_made_again(tmp_path: Path) -> None:
    claimed_by_the_dead(tmp_path).close()
    engine = Fake()
    assert run(chain(tmp_path, rounds=1), engine).done == 4
    assert engine.forgotten == ["run-of-the-dead"]
    check_whole(tmp_path, 1, 4)


def test_engines_stay_with_their_checkpoint(tmp_path: Path) -> None:
    plan = 'model.checkpoint = ["a.safetensors", "b.safetensors", "c.safetensors"]'
    engines = [Fake("one", 0.002), Fake("two", 0.002)]
    run(chain(tmp_path, 60, rounds=1, plan=plan), *engines)
    drawn = [[item.draw["checkpoint"] for item in engine.made if item.draw] for engine in engines]
    loads = sum(1 for each in drawn for a, b in zip([None, *each], each, strict=False) if a != b)
    assert sum(map(len, drawn)) == 60 and {c for each in drawn for c in each} == {f"{x}.safetensors" for x in "abc"}
    assert loads <= 4  # three, and one more where two engines share the last


def test_a_session_belongs_to_one_at_a_time(tmp_path: Path) -> None:
    driven = chain(tmp_path)
    with pytest.raises(Told, match=r"open in another program \(resonance on .*, process \d+\)"):
        chain(tmp_path)
    driven.close()


def test_a_session_of_another_kind_is_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "output" / "s", 1, "", "explore")
    ledger.close()
    with pytest.raises(Told, match="is one of 'explore', not of 'rounds'"):
        chain(tmp_path)


def test_an_empty_folder_makes_no_session(tmp_path: Path) -> None:
    with pytest.raises(Told, match="no pictures"):
        chain(tmp_path, 0)
    assert not (tmp_path / "output").exists()


@pytest.mark.quiet
@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_very_many_items(tmp_path: Path, count: int) -> None:
    """Start under 3 s, memory flat, and scheduling costs under 5 ms an item more than claiming and keeping it at once."""
    (tmp_path / "input" / "first").mkdir(parents=True)
    for number in range(count):
        (tmp_path / "input" / "first" / f"{number}.png").write_bytes(PNG)
    os.sync()  # else the disk is still busy with these
    start = time.perf_counter()
    chain(tmp_path, 0, rounds=1, name="first").close()
    first = time.perf_counter() - start
    start = time.perf_counter()
    driven = chain(tmp_path, 0, rounds=1)

    class Quick(Fake):
        """Stops after 2000. The second half is traced, which takes as long again as the work itself."""

        async def make(self, job: Job, run: str) -> Made:
            if self.waits == 1:
                self.begun = time.perf_counter()
            if self.waits == 1000:
                self.ended = time.perf_counter()
                tracemalloc.start()
            if self.waits == 1200:
                self.after = tracemalloc.get_traced_memory()[0]
            if self.waits == 2000:
                self.later = tracemalloc.get_traced_memory()[0]
                tracemalloc.stop()
                stop.ask()
            return Made(pictures=(PNG,), prompt="red")

    stop, engine = Halt(), Quick()
    ended = asyncio.run(drive(driven, Jobs(driven), [engine], lambda event, **facts: None, stop))
    assert ended.done == 2000
    assert min(first, engine.begun - start) < 3, (first, engine.begun - start)
    assert engine.later - engine.after < 200_000, engine.later - engine.after
    with driven.ledger.transaction():
        driven.ledger.update(state="open")
    plain = time.perf_counter()
    for _ in range(300):
        got = driven.claim("run")
        assert not isinstance(got, Stop)
        driven.keep(got[0], Made(pictures=(PNG,), prompt="red"))
    plain = (time.perf_counter() - plain) / 300
    driven.close()
    scheduling = (engine.ended - engine.begun) / 1000 - plain
    assert scheduling < 0.005, (scheduling, plain)

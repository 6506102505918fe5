"""Workers of a real Ray on this machine, with engines that only wait."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from resonance.drive import cluster
from resonance.drive.driver import Ended, drive
from resonance.drive.job import Engine, EngineLost, Job, JobFailed
from resonance.drive.session import Jobs, opened
from resonance.files import store
from resonance.paint.request import PictureFile
from resonance.session.chain import Chain
from resonance.session.fill.pictures import Pictures
from resonance.session.item import Item, Words
from resonance.session.made import Made
from resonance.session.payloads import Plain
from resonance.session.query import read_round

PNG = store.encode_png(Image.new("RGB", (4, 4), "red"), {})


@dataclass
class Waiting:
    """Waits and returns the job's picture. Leaves a file in ``traces`` for what it was told to do."""

    traces: Path
    pause: float = 0.0
    bad: str = ""

    @property
    def name(self) -> str:
        return f"waiting {os.getpid()}"

    async def ready(self) -> None:
        if not self.traces.is_dir():
            raise FileNotFoundError(f"no folder {self.traces}")

    async def make(self, job: Job, run: str) -> Made:
        if job.item.lineage == self.bad:
            raise JobFailed("“red” cannot be painted: no brush")
        try:
            await asyncio.sleep(self.pause)
        except asyncio.CancelledError:
            await asyncio.sleep(0.2)  # somebody else has to be told
            (self.traces / f"stopped {run}").touch()
            raise
        return replace(_made(job), beside=tuple(map(_made, job.beside)))

    async def forget(self, run: str) -> None:
        (self.traces / f"forgot {run}").touch()

    async def close(self) -> None:
        (self.traces / f"closed {os.getpid()}").touch()


def _made(job: Job) -> Made:
    assert job.picture
    return Made(
        pictures=(job.picture, PNG), words=Words("red", job.name), prompt="red", takes="first", facts={"steps": 3}
    )


def crash() -> Engine:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def process_of(engine: str) -> int:
    """The process of a worker with a :class:`Waiting`, by its name."""
    return int(engine.split()[3])


def alive(process: int) -> bool:
    return psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """Ray, which leaves no process behind."""
    before = set(psutil.Process().children(recursive=True))
    with cluster.connect("local"):
        from ray import cloudpickle

        cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test
        started = set(psutil.Process().children(recursive=True)) - before
        assert started
        yield
        started |= set(psutil.Process().children(recursive=True)) - before
    assert psutil.wait_procs(started, timeout=10)[1] == []


def with_workers(builds: Sequence[cluster.Build], work: Callable[[list[Engine]], Any]) -> Any:
    """What ``work`` does with the workers, which are closed afterwards."""

    async def all_of_it() -> Any:
        engines = cluster.workers(builds)
        try:
            return await work(engines)
        finally:
            await asyncio.gather(*(engine.close() for engine in engines))

    return asyncio.run(all_of_it())


def chain(base: Path, count: int) -> Chain:
    pictures = base / "input" / "first"
    pictures.mkdir(parents=True)
    for number in range(count):
        (pictures / f"{number}.png").write_bytes(PNG)
    return opened(base / "output" / "s", Pictures("first", 1, {"input": base / "input"}), 1)


class Told(list[tuple[str, dict[str, Any]]]):
    """What the driver told."""

    def __call__(self, event: str, **facts: Any) -> None:
        self.append((event, facts))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [facts for each, facts in self if each == event]


def driven(base: Path, count: int, builds: Sequence[cluster.Build], tell: Told) -> Ended:
    session = chain(base, count)
    try:
        return with_workers(builds, lambda engines: drive(session, Jobs(session), engines, tell))
    finally:
        session.close()


def check_whole(base: Path, count: int, *failed: str) -> None:
    """Every item has one result set of two pictures, on disk and in the ledger, except those that failed."""
    found = read_round(base / "output" / "s", 1)[1]
    assert {i["lineage"] for i in found if i["state"] != "done"} == set(failed)
    files = sorted(file for i in found for file in i["files"])
    assert len(files) == len(set(files)) == 2 * (count - len(failed))
    folder = base / "output" / "s"
    assert files == sorted(str(p.relative_to(folder)) for p in (folder / "round-0001").iterdir())


JOB = Job(
    item=Item(session="s", round=1, index=1, lineage="X0001", seed=1, words=Words("a", "b"), payload=Plain(scale=6.5)),
    picture=os.urandom(300_000),
    name="a.png",
    mask=PictureFile("m.png", PNG),
    guide=PictureFile("g.png", PNG),
)


def test_a_job_and_what_is_made_of_it_pass_through_whole(ray: None, tmp_path: Path) -> None:
    async def work(engines: list[Engine]) -> Made:
        assert engines[0].name == "worker 1"
        await engines[0].forget("of another driver")
        await engines[0].ready()
        assert engines[0].name.startswith("worker 1, waiting ")
        return await engines[0].make(replace(JOB, beside=(replace(JOB, name="b.png"), JOB)), "r")

    made = with_workers([partial(Waiting, tmp_path)], work)
    assert JOB.picture
    one = Made(pictures=(JOB.picture, PNG), words=Words("red", "a.png"), prompt="red", facts={"steps": 3})
    same = made == replace(one, beside=(replace(one, words=Words("red", "b.png")), one))
    assert same  # pytest would take minutes to show where they differ
    kinds = sorted(path.name.split()[0] for path in tmp_path.iterdir())
    assert kinds == ["closed", "forgot"]


def test_workers_share_the_items_and_end_with_the_session(ray: None, tmp_path: Path) -> None:
    told = Told()
    assert driven(tmp_path, 12, [partial(Waiting, tmp_path, 0.3)] * 2, told) == Ended("finished", "", 12)
    check_whole(tmp_path, 12)
    makers = Counter(facts["engine"] for facts in told.of("done"))
    assert len(makers) == 2
    processes = [process_of(name) for name in makers]
    assert {f"closed {process}" for process in processes} <= {path.name for path in tmp_path.iterdir()}
    end = time.monotonic() + 10
    while any(map(alive, processes)):
        assert time.monotonic() < end, "a worker is left"
        time.sleep(0.05)


def test_what_a_killed_worker_had_is_made_again_and_the_worker_comes_back(ray: None, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(engine: str) -> None:
        killed.append(process_of(engine))
        os.kill(killed[-1], signal.SIGKILL)

    class Killing(Told):
        def __call__(self, event: str, **facts: Any) -> None:
            super().__call__(event, **facts)
            if event == "begun" and len(self.of("begun")) in (6, 11):
                asyncio.get_running_loop().call_later(0.1, kill, facts["engine"])

    told, session = Killing(), chain(tmp_path, 20)

    async def work(engines: list[Engine]) -> list[str]:
        assert await drive(session, Jobs(session), engines, told) == Ended("finished", "", 20)
        await asyncio.gather(*(engine.ready() for engine in engines))
        return [engine.name for engine in engines]

    try:
        names = with_workers([partial(Waiting, tmp_path, 0.3)] * 2, work)
    finally:
        session.close()
    check_whole(tmp_path, 20)
    lost = told.of("lost")
    assert [facts["back"] for facts in lost] == [True, True]
    assert all("is gone" in facts["error"] for facts in lost)
    assert Counter(facts["lineage"] for facts in told.of("done")).most_common(1)[0][1] == 1
    assert len(told.of("begun")) == 22
    assert len(killed) == 2 and not {*map(process_of, names)} & {*killed}


def test_an_error_of_the_engine_counts_as_an_attempt_and_keeps_its_text(ray: None, tmp_path: Path) -> None:
    told = Told()
    assert driven(tmp_path, 4, [partial(Waiting, tmp_path, 0.05, "X0002")] * 2, told).done == 3
    check_whole(tmp_path, 4, "X0002")
    item = read_round(tmp_path / "output" / "s", 1)[1][1]
    assert (item["state"], item["attempts"], item["error"]) == ("failed", 3, "“red” cannot be painted: no brush")


def test_a_cancelled_job_stops_on_the_worker_within_a_second(ray: None, tmp_path: Path) -> None:
    async def work(engines: list[Engine]) -> float:
        await engines[0].ready()
        making = asyncio.create_task(engines[0].make(JOB, "r"))
        await asyncio.sleep(0.5)
        start = time.monotonic()
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        seconds = time.monotonic() - start
        assert (tmp_path / "stopped r").exists()
        await engines[0].ready()
        return seconds

    assert with_workers([partial(Waiting, tmp_path, 60)], work) < 1


def test_a_worker_that_cannot_get_ready_says_why_and_leaves_the_work_to_others(ray: None, tmp_path: Path) -> None:
    told = Told()
    builds = [partial(Waiting, tmp_path / "missing"), partial(Waiting, tmp_path, 0.5)]
    assert driven(tmp_path, 4, builds, told) == Ended("finished", "", 4)
    check_whole(tmp_path, 4)
    error = f"worker 1 on {socket.gethostname()}: FileNotFoundError: no folder {tmp_path / 'missing'}"
    assert told.of("lost") == [{"engine": "worker 1", "error": error, "back": False}]


@pytest.mark.long
def test_a_worker_that_dies_again_and_again_is_given_up(ray: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PAUSES", (0.1, 0.1))

    async def work(engines: list[Engine]) -> None:
        with pytest.raises(EngineLost, match="worker 1 is gone"):
            await engines[0].ready()

    with_workers([crash], work)


def test_a_worker_without_a_place_holds_nobody_up(ray: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = chain(tmp_path, 4)

    async def work(engines: list[Engine]) -> Ended:
        with monkeypatch.context() as patch:
            patch.setattr(cluster, "_gpus", lambda: 1.0)  # there are none: Ray looks for a place for ever
            engines += cluster.workers([partial(Waiting, tmp_path)])
        start = time.monotonic()
        ended = await asyncio.wait_for(drive(session, Jobs(session), engines, Told()), 30)
        await engines[1].close()
        assert time.monotonic() - start < 20
        return ended

    try:
        assert with_workers([partial(Waiting, tmp_path)], work) == Ended("finished", "", 4)
    finally:
        session.close()


def test_a_lost_worker_is_told_from_a_failed_job(ray: None, tmp_path: Path) -> None:
    async def work(engines: list[Engine]) -> None:
        await engines[0].ready()
        os.kill(process_of(engines[0].name), signal.SIGKILL)
        with pytest.raises(EngineLost, match="worker 1, waiting .* is gone"):
            await engines[0].make(JOB, "r")
        await engines[0].ready()
        assert (await engines[0].make(JOB, "r")).prompt == "red"

    with_workers([partial(Waiting, tmp_path)], work)


def test_there_is_a_place_for_each_machine_where_there_are_no_gpus(ray: None) -> None:
    assert cluster.places(gpus=0) == 1

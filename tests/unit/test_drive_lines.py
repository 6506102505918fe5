"""Prompt lines under the driver, with engines that only wait: what is made together, what is tried apart, who takes over."""

import asyncio
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resonance.drive.driver import Ended, Halt, drive
from resonance.drive.exploration import Paced
from resonance.drive.job import EngineLost, Job, JobFailed
from resonance.drive.session import Jobs, opened
from resonance.files import store
from resonance.paint.shots import Widgets
from resonance.session.chain import Chain
from resonance.session.fill.asked_lines import AskedLines
from resonance.session.made import Made
from resonance.session.naming import Naming
from resonance.session.query import read_round
from resonance.vary.waits import NO_WAITS

PNG = store.encode_png(Image.new("RGB", (8, 8), "red"), {})


class Fake:
    """Notes the words of each run, and makes a picture of each job, unless ``act`` does something else."""

    def __init__(self, name: str = "fake", pause: float = 0.0, act: Callable[[Job], Any] = lambda job: None) -> None:
        self.name, self.pause, self.act = name, pause, act
        self.asked: list[str] = []
        self.most = 64

    async def ready(self) -> None: ...

    async def make(self, job: Job, run: str) -> Made:
        self.asked.append(" + ".join(each.item.payload.words for each in job.batch))
        self.act(job)
        await asyncio.sleep(self.pause)
        first, *beside = [Made(pictures=(PNG,), prompt=each.item.payload.words) for each in job.batch[: self.most]]
        return Made(pictures=first.pictures, prompt=first.prompt, beside=tuple(beside))

    async def forget(self, run: str) -> None: ...

    async def close(self) -> None: ...


def chain(base: Path, text: str, **more: Any) -> Chain:
    folder = base / "output" / "s"
    fill = AskedLines(
        text=text,
        folder=folder,
        widgets=Widgets(width=64, height=64, steps=4, scale=2.0, strength=0.5 if more.get("pictures") else None),
        roots={"input": base / "input"},
        text_roots={},
        wildcard_roots=[],
        note=lambda text: None,
        **more,
    )
    return opened(folder, fill, 1)


def put(base: Path, folder: str, *names: str) -> None:
    (base / "input" / folder).mkdir(parents=True)
    for name in names:
        (base / "input" / folder / name).write_bytes(PNG)


def run(driven: Chain, *engines: Any, batch_size: int = 4, tell: Callable[..., None] = lambda *_, **__: None) -> Ended:
    try:
        return asyncio.run(drive(driven, Jobs(driven), engines, tell, batch_size=batch_size))
    finally:
        driven.close()


def items(base: Path) -> list[dict[str, Any]]:
    return read_round(base / "output" / "s", 1)[1]


def stand(base: Path) -> list[tuple[str, int]]:
    return [(item["state"], item["attempts"]) for item in items(base)]


def check_each_once(base: Path, count: int) -> None:
    """Each shot has one picture, on disk and in the ledger, and nothing lies about."""
    found = items(base)
    assert [(item["state"], len(item["files"])) for item in found] == [("done", 1)] * count
    folder = base / "output" / "s"
    assert sorted(item["files"][0] for item in found) == sorted(
        str(path.relative_to(folder)) for path in (folder / "round-0001").iterdir()
    )


def test_neighbours_that_agree_are_made_together_and_kept_one_by_one(tmp_path: Path):
    told: list[tuple[str, dict[str, Any]]] = []
    engine = Fake()
    text = "a --d 1\nb --d 2\nc --n fog\nd\ne --w 96\nf --w 96\ng --s 9"
    ended = run(chain(tmp_path, text), engine, tell=lambda event, **facts: told.append((event, facts)))
    assert ended == Ended("finished", "", 7)
    assert engine.asked == ["a + b + c + d", "e + f", "g"]
    check_each_once(tmp_path, 7)
    assert [item["prompt"] for item in items(tmp_path)] == [*"abcdefg"]
    begun, done = ([facts["lineage"] for event, facts in told if event == what] for what in ("begun", "done"))
    assert begun == done == [f"X000{number}" for number in range(1, 8)]


def test_one_by_one_is_as_ever(tmp_path: Path):
    engine = Fake()
    assert run(chain(tmp_path, "a\nb\nc"), engine, batch_size=1).done == 3
    assert engine.asked == ["a", "b", "c"]


def test_what_spoils_a_batch_costs_the_others_nothing(tmp_path: Path):
    told: list[tuple[str, dict[str, Any]]] = []

    def fail(job: Job) -> None:
        if any(each.item.payload.words == "bad" for each in job.batch):
            raise JobFailed("the paint ran out")

    engine = Fake(act=fail)
    ended = run(chain(tmp_path, "a\nb\nbad\nc\nd"), engine, tell=lambda event, **facts: told.append((event, facts)))
    assert engine.asked == ["a + b + bad + c", "a", "b", "bad", "c", "d", "bad", "bad"]
    assert stand(tmp_path) == [("done", 0), ("done", 0), ("failed", 3), ("done", 0), ("done", 0)]
    assert (ended.state, ended.done) == ("finished", 4)
    [apart] = [facts for event, facts in told if event == "apart"]
    assert apart["lineages"] == ["X0001", "X0002", "X0003", "X0004"] and apart["error"] == "the paint ran out"
    assert [facts["lineage"] for event, facts in told if event == "failed"] == ["X0003"] * 3


def test_what_cannot_be_kept_is_an_attempt_of_its_own(tmp_path: Path):
    class Half(Fake):
        async def make(self, job: Job, run: str) -> Made:
            made = await super().make(job, run)
            return Made(pictures=made.pictures, beside=(Made(pictures=(b"no picture",)), *made.beside[1:]))

    assert run(chain(tmp_path, "a\nb\nc"), Half()).state == "finished"
    assert stand(tmp_path) == [("done", 0), ("done", 1), ("done", 0)], "tried alone, it is a picture"


def test_an_engine_that_makes_fewer_is_asked_for_the_others_again(tmp_path: Path):
    engine = Fake()
    engine.most = 2
    assert run(chain(tmp_path, "a\nb\nc\nd\ne"), engine).done == 5
    assert engine.asked == ["a + b + c + d", "c + d + e", "e"]
    check_each_once(tmp_path, 5)
    assert {attempts for _, attempts in stand(tmp_path)} == {0}


def test_two_engines_of_which_one_dies_make_every_shot_once(tmp_path: Path):
    def die(job: Job) -> None:
        if len(weak.asked) > 2:
            raise EngineLost("weak is gone")

    async def ready() -> None:
        if len(weak.asked) > 2:
            raise EngineLost("weak is gone for good")

    weak, strong = Fake("weak", 0.01, die), Fake("strong", 0.02)
    weak.ready = ready  # type: ignore[method-assign]
    text = "\n".join(f"line {number}" for number in range(40))
    told = Counter[str]()
    ended = run(chain(tmp_path, text), weak, strong, tell=lambda event, **_: told.update([event]))
    assert ended == Ended("finished", "", 40)
    check_each_once(tmp_path, 40)
    assert told["lost"] == 2 and told["done"] == 40
    lost = weak.asked[-1].split(" + ")
    assert len(lost) == 4 and set(lost) <= set(strong.asked), "what was in its hands is tried alone"


def test_killed_with_a_batch_in_hand_it_goes_on_and_paused_too(tmp_path: Path):
    killed = chain(tmp_path, "a\nb\nc\nd\ne\nf")
    with killed.ledger.transaction():
        for item in [killed.ledger.next(1), *killed.ledger.following(killed.ledger.next(1))][:4]:  # type: ignore[arg-type]
            assert item
            killed.ledger.claim(item, "run-of-the-dead")
    killed.close()
    engine = Fake()

    async def paused() -> Ended:
        halt = Halt()
        engine.act = lambda job: halt.ask() if len(engine.asked) == 5 else None
        return await drive(driven, Jobs(driven), [engine], lambda event, **facts: None, halt, batch_size=4)

    driven = chain(tmp_path, "a\nb\nc\nd\ne\nf\ng")
    assert asyncio.run(paused()) == Ended("paused", "by request", 7)
    driven.close()
    assert engine.asked == ["a", "b", "c", "d", "e + f + g"], "one of them may have been what killed it"
    assert run(chain(tmp_path, "a\nb\nc\nd\ne\nf\ng\nh"), again := Fake()).state == "finished"
    assert again.asked == ["h"]
    check_each_once(tmp_path, 8)


def test_asked_twice_to_stop_a_batch_is_given_back(tmp_path: Path):
    async def stopped() -> Ended:
        halt = Halt()
        driving = asyncio.create_task(
            drive(driven, Jobs(driven), [Fake(pause=5)], lambda event, **facts: None, halt, batch_size=4)
        )
        await asyncio.sleep(0.1)
        halt.ask()
        halt.ask()
        return await driving

    driven = chain(tmp_path, "a\nb\nc")
    assert asyncio.run(stopped()) == Ended("paused", "by request", 0)
    driven.close()
    assert stand(tmp_path) == [("pending", 0)] * 3


def test_a_job_brings_the_pictures_of_its_line(tmp_path: Path):
    put(tmp_path, "p", "1.png", "2.png", "3.png")
    put(tmp_path, "m", "mask.png")
    put(tmp_path, "g", "guide 1.png", "guide 2.png")
    (tmp_path / "input" / "p" / "2.png").write_bytes(b"no picture")
    seen: list[Job] = []
    engine = Fake(act=lambda job: seen.extend(job.batch))
    driven = chain(tmp_path, "a\nb\nc", pictures="p", masks="m", guides="g")
    assert run(driven, engine).done == 2
    assert engine.asked == ["a + c"] and [state for state, _ in stand(tmp_path)] == ["done", "skipped", "done"]
    first, second = seen
    assert (first.name, second.name) == ("1.png", "3.png") and first.picture == PNG
    assert first.mask and first.mask.data == PNG and first.mask == second.mask
    assert [job.guide and job.guide.name for job in seen] == ["guide 1.png", "guide 1.png"]
    assert pickle.loads(pickle.dumps(first)) == first


@pytest.mark.parametrize("pictures", ["", "p"])
def test_a_mask_that_cannot_be_read_fails_its_line_only(tmp_path: Path, pictures: str):
    put(tmp_path, "p", "1.png")
    put(tmp_path, "m", "1.png", "2.png")
    (tmp_path / "input" / "m" / "2.png").write_bytes(b"no picture")
    engine = Fake()
    assert run(chain(tmp_path, "a\nb\nc", pictures=pictures, masks="m"), engine).done == 2
    assert stand(tmp_path) == [("done", 0), ("failed", 3), ("done", 0)] and engine.asked == ["a + c"]


def test_pauses_and_names_are_those_of_every_picture(tmp_path: Path):
    paced = Paced(Fake(), NO_WAITS, Naming(pattern="{prompt}"))
    assert run(chain(tmp_path, "a\nb\nc"), paced).done == 3
    assert paced.made == 3
    assert [item["files"] for item in items(tmp_path)] == [
        ["round-0001/a.png"],
        ["round-0001/b.png"],
        ["round-0001/c.png"],
    ]

"""Transforms as a fill: which items a session of Vary gets when, and what they are made from."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from resonance.drive.varying import LegJobs
from resonance.files import store
from resonance.session import query
from resonance.session.chain import Chain, Stop, Unreadable, Why, own
from resonance.session.fill.transforms import Transforms, VaryJob, content_of, start_of
from resonance.session.fill.variations import START
from resonance.session.item import Item
from resonance.session.made import Made
from resonance.session.payloads import Variation
from resonance.session.reason import Outcome, Reason
from resonance.vary.color import Anchored
from resonance.vary.leg import legs
from resonance.vary.transform import PRESETS, Pair, Transform, calls
from resonance.vary.walk import Colors

PAIRS = (Pair(6, 0.35), Pair(8, 0.3), Pair(11, 0.2))
LOOPS = Transform(PAIRS, chained=True, save_middle=True, loop_to_loop=True, iterations=3)
KINDS = {
    "parallel": Transform(PAIRS, iterations=2),
    "parallel loops": Transform(PAIRS, loop_to_loop=True, iterations=3),
    "chained": PRESETS["god"],
    "chained middle": replace(LOOPS, loop_to_loop=False),
    "chained loops": LOOPS,
}


def picture(shade: int) -> Image.Image:
    return Image.new("RGB", (4, 4), (shade, 0, 0))


def job(name: str, transform: Transform, **more: object) -> VaryJob:
    start = start_of(content_of(picture(len(name))))
    return VaryJob(id=name, start=start, transform=transform, seed=5, words="red", **more)  # type: ignore[arg-type]


def begun(folder: Path, *jobs: VaryJob, texts: dict[str, str] | None = None) -> Chain:
    fill = Transforms(folder, jobs, texts)
    for each in jobs:
        store.write(folder / START, [(each.start, store.encode_png(picture(len(each.id)), {}))])
    chain = Chain(own(folder, 5, fill.kind, "test "), fill)
    chain.begin()
    return chain


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "s"
    folder.mkdir()
    yield folder


def claim(chain: Chain) -> Item | Stop:
    got = chain.claim("run")
    return got if isinstance(got, Stop) else got[0]


def keep(chain: Chain, item: Item) -> None:
    name = f"{item.round}.{item.lineage}"
    made = store.encode_png(Image.new("RGB", (4, 4), (item.round, int(item.lineage[1:]), 9)), {"": name})
    chain.keep(item, Made(pictures=(made,)))


def work(chain: Chain) -> list[Item]:
    """Makes all there is to make."""
    found: list[Item] = []
    while isinstance(item := claim(chain), Item):
        keep(chain, item)
        found.append(item)
    assert item.why is Why.FINISHED
    chain.close()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kept_picture_comes_once_and_from_the_one_before(folder: Path, kind: str) -> None:
    asked = job("a", KINDS[kind])
    items = work(begun(folder, asked))
    kept = [call for call in calls(asked.transform, 5) if call.kept]
    found = [item.payload for item in items]
    assert all(isinstance(payload, Variation) for payload in found)
    assert sorted((p.loop, p.number, p.seed) for p in found if isinstance(p, Variation)) == sorted(
        (call.loop, call.number, call.seed) for call in kept
    )
    assert [item.round for item in items] == sorted(item.round for item in items)
    with query.reading(folder) as ledger:
        files = {(step.round, step.row): step.file for step in ledger.steps("a")}
    for item in items:
        parent = asked.leg_of(item).parent
        wanted = files[parent.round, parent.row] if parent else f"{START}/{asked.start}"
        assert item.source == f"s/{wanted} [output]"
    assert work(begun(folder, asked)) == []


def test_jobs_have_rows_of_their_own_and_keep_them(folder: Path) -> None:
    one, other = job("a", KINDS["parallel"]), job("bb", LOOPS)
    chain = begun(folder, one, other)
    for _ in range(3):
        item = claim(chain)
        assert isinstance(item, Item)
        keep(chain, item)
    chain.close()
    rest = work(begun(folder, one, other))
    assert len(rest) == 6 + 9 - 3
    with query.reading(folder) as ledger:
        lineages = {id_: {step.lineage for step in steps} for id_, steps in ledger.jobs().items()}
    assert lineages == {"a": {f"X{n:04d}" for n in range(1, 7)}, "bb": {"X0007"}}


def test_what_comes_from_a_picture_that_failed_is_left_out(folder: Path) -> None:
    chain = begun(folder, job("a", KINDS["chained middle"]))
    made = 0
    while isinstance(item := claim(chain), Item):
        if item.lineage == "X0002":
            chain.settle(item, Outcome(Reason.ERROR, "no paint"))
        else:
            keep(chain, item)
            made += 1
    assert item.why is Why.FINISHED and made == 6
    assert [step for step in chain.ledger.status().__dict__.items() if step[0] == "failed"] == [("failed", 1)]
    chain.close()


def test_what_another_job_left_goes_even_if_a_dead_process_has_it(folder: Path) -> None:
    chain = begun(folder, job("a", KINDS["parallel"]))
    item = claim(chain)  # and dies
    assert isinstance(item, Item)
    chain.close()
    found = work(begun(folder, job("bb", LOOPS)))
    assert len(found) == 9
    with query.reading(folder) as ledger:
        assert ledger.jobs().keys() == {"bb"}


def test_a_file_that_is_gone_is_made_again_and_nothing_else(folder: Path) -> None:
    asked = job("a", LOOPS)
    items = work(begun(folder, asked))
    with query.reading(folder) as ledger:
        gone = next(step for step in ledger.steps("a") if step.round == 4)
    (folder / str(gone.file)).unlink()
    again = work(begun(folder, asked))
    assert [(item.round, item.lineage) for item in again] == [(4, "X0001")]
    assert (folder / str(gone.file)).is_file() and len(items) == 9


def test_a_job_carries_the_files_that_its_leg_names(folder: Path) -> None:
    asked = job("a", LOOPS, color={"color": "anchored", **vars(Anchored())})
    chain = begun(folder, asked, texts={"prompt": "{}"})
    fill = chain.fill
    assert isinstance(fill, Transforms)
    jobs = LegJobs(chain, fill)
    ways = {(leg.call.round, leg.call.row): leg for leg in legs(LOOPS, 5, Colors(Anchored()))}
    start = (folder / START / asked.start).read_bytes()
    kept: dict[int, bytes] = {}
    while isinstance(item := claim(chain), Item):
        made, leg = jobs(item), ways[item.round, 1]
        assert made.picture == (kept[leg.begin.round] if leg.begin else start)
        assert made.reference == (kept[leg.reference.round] if leg.reference else start)
        assert made.heard == tuple(kept[call.round] for call in leg.heard) and len(made.heard) == item.round - 1
        assert made.vary == asked and made.vary.to_dict() == asked.to_dict()
        keep(chain, item)
        [path] = (folder / f"round-{item.round:04d}").glob("*.png")
        kept[item.round] = path.read_bytes()
        with Image.open(path) as image:
            assert image.info["prompt"] == "{}"
    assert len(kept) == 9
    chain.close()


def test_a_picture_that_cannot_be_read_is_told(folder: Path) -> None:
    asked = job("a", LOOPS)
    chain = begun(folder, asked)
    item = claim(chain)
    assert isinstance(item, Item) and isinstance(chain.fill, Transforms)
    (folder / START / asked.start).write_bytes(b"no picture")
    with pytest.raises(Unreadable, match="is not a picture that can be read"):
        LegJobs(chain, chain.fill)(item)
    (folder / START / asked.start).unlink()
    with pytest.raises(Unreadable, match=asked.start):
        LegJobs(chain, chain.fill)(item)
    chain.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_goes_through_json(kind: str) -> None:
    asked = job("a", KINDS[kind], color={"color": "own", "blend": 0.3, "correct": "when kept"}, folder="scratch", of=3)
    assert VaryJob.from_dict(json.loads(json.dumps(asked.to_dict()))) == asked

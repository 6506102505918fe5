"""The way of a picture through a transform, with a sampler that only counts: which picture each call gets, what is
corrected when, what goes on, and what is not made again."""

from collections.abc import Iterable

import pytest
import torch

from resonance.vary import walk as module
from resonance.vary.color import Anchored, Correction
from resonance.vary.transform import Call, Pair, Transform
from resonance.vary.walk import Colors, Picture, as_saved, walk

LEVEL = 1 / 255
PAIRS = (Pair(6, 0.1), Pair(7, 0.2), Pair(8, 0.3))
Place = tuple[int, int]


def picture(level: int | float) -> Picture:
    return torch.full((1, 2, 2, 3), level * LEVEL)


def level(of: Picture) -> float:
    return round(float(of.mean() / LEVEL), 3)


class Sampler:
    """Adds 10 for each call and its number, and remembers what it got."""

    def __init__(self) -> None:
        self.got: dict[Place, float] = {}

    def __call__(self, call: Call, given: Picture) -> Picture:
        self.got[call.loop, call.number] = level(given)
        return given + (10 + call.number) * LEVEL


class Adds:
    """A colour chain that adds a hundredth of the strength for each transform, and remembers what it was told."""

    made: list["Adds"]

    def __init__(self, first: Picture, how: Correction | Anchored, mask: torch.Tensor | None) -> None:
        self.first, self.told, self.asked = level(first), list[float](), list[tuple[int, float]]()
        Adds.made.append(self)

    def correct(self, image: Picture, transforms: int, strength: float) -> Picture:
        self.asked.append((transforms, strength))
        return image + transforms * LEVEL

    def kept(self, image: Picture) -> None:
        self.told.append(level(image))


@pytest.fixture(autouse=True)
def adds(monkeypatch: pytest.MonkeyPatch) -> None:
    Adds.made = []
    monkeypatch.setattr(module, "Chain", Adds)


def run(
    transform: Transform, colors: Colors | None = None, there: dict[Place, float] | None = None
) -> tuple[dict[Place, float], dict[Place, float], dict[Place, Place | None]]:
    """What each call got, what was kept, and the parent of that."""
    sampler = Sampler()
    known = {place: picture(value) for place, value in (there or {}).items()}
    found = list(walk(picture(0), transform, 1, sampler, colors, lambda call: known.get((call.loop, call.number))))
    kept = {(k.call.loop, k.call.number): level(k.picture) for k in found}
    parents = {(k.call.loop, k.call.number): k.parent and (k.parent.loop, k.parent.number) for k in found}
    assert [k.new for k in found] == [place not in known for place in kept]
    return sampler.got, kept, parents


def test_parallel_pairs_all_start_from_the_picture():
    got, kept, parents = run(Transform(PAIRS, iterations=2))
    assert set(got.values()) == {0} and len(got) == 6
    assert kept == {(loop, number): 10 + number for loop in (1, 2) for number in (1, 2, 3)}
    assert set(parents.values()) == {None}


def test_parallel_loops_start_from_the_last_result_of_the_loop_before():
    got, kept, parents = run(Transform(PAIRS, loop_to_loop=True, iterations=2))
    assert got == {(1, 1): 0, (1, 2): 0, (1, 3): 0, (2, 1): 13, (2, 2): 13, (2, 3): 13}
    assert kept[2, 3] == 26
    assert [parents[2, n] for n in (1, 2, 3)] == [(1, 3)] * 3


def test_chained_pairs_start_from_the_result_before_and_keep_the_last():
    got, kept, parents = run(Transform(PAIRS, chained=True, iterations=2))
    assert got == {(loop, number): at for loop in (1, 2) for number, at in ((1, 0), (2, 11), (3, 23))}
    assert kept == {(1, 3): 36, (2, 3): 36}
    assert set(parents.values()) == {None}


def test_a_chain_that_keeps_every_result_knows_its_parents():
    got, kept, parents = run(Transform(PAIRS, True, save_middle=True, loop_to_loop=True, iterations=2))
    assert list(kept.values()) == [11, 23, 36, 47, 59, 72]
    assert got == dict(zip(kept, [0, 11, 23, 36, 47, 59], strict=True))
    assert list(parents.values()) == [None, *list(kept)[:-1]]


def test_without_loop_to_loop_each_loop_starts_anew():
    got, _, parents = run(Transform(PAIRS, True, save_middle=True, iterations=2))
    assert got[2, 1] == 0 and parents[2, 1] is None and parents[2, 2] == (2, 1)


def test_colours_are_corrected_after_every_transform():
    got, kept, _ = run(Transform(PAIRS, chained=True, iterations=1), Colors(Correction()))
    assert got == {(1, 1): 0, (1, 2): 12, (1, 3): 25} and kept == {(1, 3): 39}
    assert Adds.made[0].asked == [(1, 0.1), (1, 0.2), (1, 0.3)]


def test_or_when_a_picture_is_kept_for_all_transforms_since():
    got, kept, _ = run(Transform(PAIRS, chained=True, iterations=1), Colors(Correction(), each=False))
    assert got == {(1, 1): 0, (1, 2): 11, (1, 3): 23} and kept == {(1, 3): 39}
    assert Adds.made[0].asked == [(3, 0.3)]


def test_of_copies_only_the_uncorrected_picture_goes_on_to_the_end_of_the_loop():
    transform = Transform(PAIRS, True, save_middle=True, loop_to_loop=True, iterations=2)
    got, kept, _ = run(transform, Colors(Correction(copies_only=True)))
    assert [kept[1, n] for n in (1, 2, 3)] == [12, 24, 37]
    assert [got[1, n] for n in (1, 2, 3)] == [0, 11, 23]
    assert got[2, 1] == 37


def test_the_reference_is_the_picture_that_a_loop_starts_from():
    run(Transform(PAIRS, True, loop_to_loop=True, iterations=2), Colors(Correction()))
    assert [chain.first for chain in Adds.made] == [0, 39]


def test_an_anchored_chain_goes_on_over_loops_and_hears_what_goes_on():
    colors = Colors(Anchored(), reference=lambda first: first + 5 * LEVEL)
    run(Transform(PAIRS, True, save_middle=True, loop_to_loop=True, iterations=2), colors)
    [chain] = Adds.made
    assert chain.first == 5 and chain.told == [12, 25, 39, 51, 64, 78]
    Adds.made.clear()
    run(Transform(PAIRS, loop_to_loop=True, iterations=2), colors)
    assert Adds.made[0].told == [14, 28]


def test_what_is_kept_goes_on_as_its_file_has_it():
    start = picture(100.3)
    [first, second] = walk(start, Transform(PAIRS[:2], True, True, iterations=1), 1, lambda call, given: given + 0.001)
    assert torch.equal(first.picture, as_saved(first.picture))
    assert level(first.picture) == 101 and level(second.picture) == 101


PROGRAMS = [
    Transform(PAIRS, chained, middle, loops, 3)
    for chained, middle in ((False, False), (True, False), (True, True))
    for loops in (False, True)
]
COLORS = [None, Colors(Correction()), Colors(Correction(), each=False), Colors(Correction(copies_only=True))]


def gone(places: Iterable[Place]) -> list[set[Place]]:
    """The last ones are missing, or one in the middle."""
    known = list(places)
    return [*(set(known[count:]) for count in range(len(known) + 1)), *({place} for place in known)]


@pytest.mark.parametrize("colors", COLORS)
@pytest.mark.parametrize("transform", PROGRAMS)
def test_what_is_there_is_not_made_again_and_nothing_becomes_different(transform: Transform, colors: Colors | None):
    all_got, all_kept, parents = run(transform, colors)
    for missing in gone(all_kept):
        there = {place: value for place, value in all_kept.items() if place not in missing}
        got, kept, same = run(transform, colors, there)
        assert (kept, same) == (all_kept, parents)
        assert all(all_got[place] == value for place, value in got.items())
        assert missing or not got
        if not (colors and colors.copies_only):
            assert len(got) <= len(missing) * (len(PAIRS) if transform.chained and not transform.save_middle else 1)


def test_a_resumed_anchored_chain_hears_of_the_pictures_that_are_there():
    transform, colors = Transform(PAIRS, True, True, True, 2), Colors(Anchored())
    _, kept, _ = run(transform, colors)
    told = Adds.made[-1].told
    run(transform, colors, dict(list(kept.items())[:4]))
    assert Adds.made[-1].told == told

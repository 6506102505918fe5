"""Each kept picture by itself, from the files before it, is the one that a walk through the whole transform makes."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from resonance.vary.color import STATES, Anchored, Correction
from resonance.vary.leg import follow, legs
from resonance.vary.transform import PRESETS, Call, Pair, Transform
from resonance.vary.walk import Colors, Picture, walk

PAIRS = (Pair(6, 0.35), Pair(8, 0.3), Pair(11, 0.2))
KINDS = {
    f"{'chained' if chained else 'parallel'}{' middle' * middle}{' loops' * loops}": Transform(
        PAIRS, chained, middle, loops, 3
    )
    for chained, middle in ((False, False), (True, False), (True, True))
    for loops in (False, True)
}
PROGRAMS = {name: dataclasses.replace(each, iterations=min(each.iterations, 2)) for name, each in PRESETS.items()}
MODES: dict[str, Correction | Anchored | None] = {
    "none": None,
    "anchored": Anchored(),
    "own": Correction(l_boost=2, l_blend=0.5, blend=0.3),
    **STATES,
}


def paint(call: Call, picture: Picture) -> Picture:
    """Mixes in noise of its own, so that every call and every start makes another picture. It is not a picture of 8 bits."""
    noise = torch.rand(picture.shape, generator=torch.Generator().manual_seed(call.seed * 100 + call.number))
    return picture.lerp(noise, call.pair.strength)


def by_pairs() -> Iterator[Any]:
    """Each program in each mode, corrected after every transform or when kept in turn; in `nox -s long` both ways."""
    for p, program in enumerate((*PROGRAMS, *KINDS)):
        for m, mode in enumerate(MODES):
            for each in (True, False):
                when = "after every transform" if each else "when kept"
                marks = () if (p + m) % 2 == each else pytest.mark.long
                yield pytest.param(program, mode, each, id=f"{program}-{mode}-{when}", marks=marks)


@pytest.mark.parametrize(("program", "mode", "each"), [*by_pairs()])
def test_a_leg_makes_the_picture_of_the_walk(program: str, mode: str, each: bool) -> None:
    transform, how = {**PROGRAMS, **KINDS}[program], MODES[mode]
    colors = Colors(how, each, mask=torch.linspace(0, 1, 12)[:, None].expand(12, 10)) if how else None
    start = torch.rand((1, 12, 10, 3), generator=torch.Generator().manual_seed(1)).mul(255).round() / 255
    made: dict[Call | None, Picture] = {None: start}
    walked, found = list(walk(start, transform, 5, paint, colors)), list(legs(transform, 5, colors))
    assert [leg.call for leg in found] == [kept.call for kept in walked]
    for kept, leg in zip(walked, found, strict=True):
        assert leg.parent == kept.parent
        picture = follow(
            leg.calls, made[leg.begin], paint, colors, made[leg.reference], [made[call] for call in leg.heard]
        )
        assert torch.equal(picture, kept.picture), (kept.call.loop, kept.call.number)
        made[leg.call] = picture


def test_a_leg_needs_only_pictures_of_rounds_before_it() -> None:
    for transform in (*PROGRAMS.values(), *KINDS.values()):
        for how in MODES.values():
            for leg in legs(transform, 5, Colors(how) if how else None):
                before = {call for call in (leg.parent, leg.begin, leg.reference, *leg.heard) if call}
                assert all(call.round < leg.call.round for call in before)

"""Programs as text, the calls they make, and where their pictures stand."""

from dataclasses import replace

import pytest

from resonance.told import Told
from resonance.vary.transform import (
    CHANGED,
    PRESETS,
    Pair,
    Transform,
    calls,
    preset,
    read_program,
    rows,
    seed_of,
    write,
)

PAIRS = (Pair(6, 0.35), Pair(9, 0.35), Pair(11, 0.35))
KINDS = [
    Transform(PAIRS, chained, middle, loops, 3)
    for chained, middle in ((False, False), (True, False), (True, True))
    for loops in (False, True)
]


@pytest.mark.parametrize(
    ("strength", "steps"),
    [(0.35, 17), (0.45, 22), (0.3, 15), (0.55, 27), (0.7, 35), (0.29, 14), (0.58, 29), (0.15, 7), (0.02, 1), (1, 50)],
)
def test_a_strength_is_the_last_steps_of_fifty(strength: float, steps: int):
    assert (Pair(7, strength).steps, Pair(7, strength).start) == (steps, 50 - steps)


@pytest.mark.parametrize(
    ("text", "pairs", "chained"),
    [
        ("6@.35 7@.45", ((6, 0.35), (7, 0.45)), False),
        ("6@.35, 7", ((6, 0.35), (7, 0.5)), False),
        (" 8@.3>11 @ .2 > 15@0.1 ", ((8, 0.3), (11, 0.2), (15, 0.1)), True),
        ("3.5@1", ((3.5, 1),), False),
        ("6@1.", ((6, 1),), False),
        ("0@.5", ((0, 0.5),), False),
    ],
)
def test_programs_are_read(text: str, pairs: tuple[tuple[float, float], ...], chained: bool):
    assert read_program(text) == (tuple(Pair(*pair) for pair in pairs), chained)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "red",
        "6@",
        "@.3",
        "6@.3 >",
        "6@.3 > > 7@.3",
        "6@35",
        "6@0",
        "6@.01",
        "-6@.3",
        "6@.3;7",
        "12345",
        "9" * 400,
    ],
)
def test_what_is_no_program_is_refused(text: str):
    with pytest.raises(Told, match=r"scale@strength|must be from|is empty"):
        read_program(text)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_can_be_written_and_read(name: str):
    assert read_program(write(PRESETS[name])) == (
        PRESETS[name].pairs,
        PRESETS[name].chained or len(PRESETS[name].pairs) == 1,
    )


@pytest.mark.parametrize("text", ["0.0000001@0.5", "7@0.1234567", "1000@0.5", "6.5@0.35 9@1", "6@0.35 > 9@0.2"])
def test_a_program_is_written_with_all_its_digits(text: str):
    assert write(Transform(*read_program(text))) == text


def test_eras_differ_in_two_presets_only():
    assert set(CHANGED) == {"shake", "focus"}
    assert preset("shake", "H") == replace(preset("shake"), iterations=2)
    assert [pair.scale for pair in preset("focus", "H").pairs] == [7, 8, 9]
    assert preset("normal", "H") == preset("normal")


def test_loops_have_seeds_of_their_own_that_follow_from_the_first():
    seeds = [seed_of(5, loop) for loop in range(1, 21)]
    assert seeds[0] == 5 and len(set(seeds)) == 20 and seeds == [seed_of(5, loop) for loop in range(1, 21)]
    assert all(0 <= seed <= 1_000_000_000 for seed in seeds[1:])
    assert seed_of(6, 2) != seeds[1]


@pytest.mark.parametrize("transform", KINDS)
def test_each_kept_picture_has_a_place_of_its_own_and_no_gap_is_left(transform: Transform):
    kept = [call for call in calls(transform, 1) if call.kept]
    places = {(call.row, call.round) for call in kept}
    assert len(places) == len(kept)
    assert {row for row, _ in places} == set(range(1, rows(transform) + 1))
    assert kept[0].row == kept[0].round == 1
    for row in range(1, rows(transform) + 1):
        steps = sorted(round_ for at, round_ in places if at == row)
        assert steps == list(range(1, len(steps) + 1))


@pytest.mark.parametrize("transform", KINDS)
def test_transforms_count_since_the_last_kept_picture(transform: Transform):
    since = 0
    for call in calls(transform, 1):
        since = 1 if call.fresh else since + 1
        assert call.transforms == since
        if call.kept:
            since = 0


def test_fresh_calls_are_the_first_of_a_chain_and_all_parallel_ones():
    fresh = [[call.fresh for call in calls(transform, 1)] for transform in KINDS]
    assert fresh == [[True] * 9] * 2 + [[True, False, False] * 3] * 4

"""Shots: what stays the same when a text changes, and that the same seed makes the same choices on every Python."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from resonance.paint.lines import read_lines
from resonance.paint.shots import Shot, Widgets, key_of, randoms_of, seed_of, shots
from resonance.paint.wildcards import WildcardFiles

WIDGETS = Widgets(width=512, height=768, steps=20, scale=7.0)
NONE = WildcardFiles([])


def of(text: str, per_line: int = 1, widgets: Widgets = WIDGETS) -> list[Shot]:
    return [*shots(read_lines(text, NONE), widgets, per_line)]


def keys(shots: Iterable[Shot]) -> list[str]:
    return [shot.key for shot in shots]


def seeds(text: str, per_line: int = 1, iteration: int = 1, same: bool = False) -> list[int]:
    return [seed_of(shot, WIDGETS, 5, iteration, same) for shot in of(text, per_line)]


def test_a_shot_is_its_line_and_not_its_place():
    before, after = keys(of("a\nb --s 5\nc", 2)), keys(of("# new\n  c \nx\nb --s 5\n", 2))
    assert len({*before, *after}) == 8
    assert after[:2] == before[4:] and after[4:] == before[2:4]


def test_equal_lines_count_up():
    assert keys(of("a\na", 3)) == keys(of("a", 6)) == keys(of("a\nb\na", 3))[:3] + keys(of("a\nb\na", 3))[6:]
    assert len({*seeds("a\na\na", 2)}) == 6
    assert keys(of("{e$$a|b}\n{e$$a|b}")) == [key_of(of("{e$$a|b}")[0].line, WIDGETS, copy) for copy in range(4)]


def test_a_value_of_the_node_counts_where_the_line_leaves_it_open():
    other = Widgets(width=512, height=768, steps=30, scale=7.0)
    first, second = (
        of("a\nb --s 5\nc {d|e --s 5}\nf --s {5|6}"),
        of("a\nb --s 5\nc {d|e --s 5}\nf --s {5|6}", widgets=other),
    )
    assert [one == two for one, two in zip(keys(first), keys(second), strict=True)] == [False, True, False, True]
    assert key_of(first[0].line, Widgets(width=512, height=768, steps=20, scale=7.0, strength=0.5), 0) != first[0].key


def test_seeds_follow_from_session_iteration_and_shot():
    text = "a\nb\na"
    found = [seed for iteration in (1, 2) for seed in seeds(text, 2, iteration)]
    assert len({*found}) == 12 and found == [seed for iteration in (1, 2) for seed in seeds(text, 2, iteration)]
    assert seeds("b", 2) == seeds(text, 2)[2:4]
    assert [seed_of(shot, WIDGETS, 6, 1, False) for shot in of("b", 2)] != seeds("b", 2)
    assert all(0 <= seed < 2**50 for seed in found)


def test_the_seeds_of_a_line_are_its_own_and_the_last_counts_on():
    assert seeds("a --d 7,3\nb --d 9", 3) == [7, 3, 3, 9, 9, 9]
    assert seeds("a --d 7,3\na --d 7,3", 3, iteration=2) == [7, 3, 3] * 2
    assert seeds("{e$$a|b|c} --d 7,3", 9) == [7, 7, 7]
    assert len({*seeds("{e$$a|b|c}")}) == 1


def test_lines_may_share_their_seeds_copy_by_copy():
    one, two = seeds("a", 2, same=True)
    assert one != two and seeds("b\na\nc --d 4", 2, same=True) == [one, two, one, two, 4, 4]
    assert seeds("a", 2, 2, same=True)[0] not in (one, two)
    assert seeds("{e$$a|b}\nc", 1, same=True) == [one, one, one]


RECORDED = [
    (0, "a barn of moss and fog, white in snow --n x"),
    (1, "a barn of brick and moss, tabby in --n z"),
    (2, "a barn of sand and moss, young fat, shy one in --n x"),
    (3, "a barn of moss and fog, tabby in snow --n x"),
    (12345, "a barn of moss and sand, old shy, fat one in snow --n y"),
    (1125899906842623, "b barn of fog and sand, old grey, fat one in --n z"),
    (18446744073709551615, "a barn of brick and fog, old grey, fat one in rain --n y"),
]
"""Made by Python 3.11, and by 3.12 and 3.13 as well."""


@pytest.mark.parametrize(("seed", "expected"), RECORDED)
def test_the_same_seed_makes_the_same_choices_on_every_python(tmp_path: Path, seed: int, expected: str):
    assert chosen(tmp_path, seed) == expected


def chosen(folder: Path, seed: int) -> str:
    (folder / "cats.txt").write_text("tabby\n0.1::black\n3::{old|young} {1-2$$grey|fat|shy} one\nwhite", "utf-8")
    files = WildcardFiles([folder])
    text = "{3::a|b|0.3::c} barn of {2$$ and $$moss|2::sand|0.7::brick|fog}, __cats__ in {0-2$$fog|rain|snow} --n {x|{y|z}}"
    [line] = read_lines(text, files).lines
    said = line.choose(line.nodes, randoms_of(seed), files)
    return f"{said.prompt} --n {said.options.negative}"

import doctest

import pytest

from resonance.canvas import bags
from resonance.canvas.bags import ROOM, BagText, negative_words, own_words, partition
from resonance.canvas.canvas import Canvas, Region


def tokens(text: str, count: int) -> list[str]:
    return [f"{text}{i}" for i in range(count)]


def test_the_example_in_the_docstring():
    assert doctest.testmod(bags).failed == 0


@pytest.mark.parametrize(
    ("lengths", "budget", "expected"),
    [
        ([], 70, [[]]),
        ([70], 70, [[0]]),
        ([71], 70, [[0]]),
        ([71, 1], 70, [[0], [1]]),
        ([35, 35, 1], 70, [[0, 1], [2]]),
    ],
)
def test_a_bag_is_closed_when_the_next_item_does_not_fit(lengths: list[int], budget: int, expected: list[list[int]]):
    assert partition(lengths, budget) == expected


def test_every_bag_begins_with_the_prefix_and_no_item_is_cut():
    prefix, items = tokens("p", 5), [tokens(f"s{i}-", n) for i, n in enumerate((25, 35, 5, 60, 15, 25))]
    found = bags.bags([prefix], items)
    assert found == [
        prefix + items[0] + items[1] + items[2],
        prefix + items[3],
        prefix + items[4] + items[5],
    ]
    assert bags.overflow([prefix], items) == 0


def test_too_long_an_item_sits_alone_and_is_cut():
    found = bags.bags([tokens("p", 5)], [tokens("a", 3), tokens("b", 90), tokens("c", 3)])
    assert [len(bag) for bag in found] == [8, ROOM, 8]
    assert bags.overflow([tokens("p", 5)], [tokens("a", 3), tokens("b", 90), tokens("c", 3)]) == 20


def test_a_prefix_that_fills_the_room_makes_one_bag():
    prefix = tokens("p", 80)
    assert bags.bags([prefix], [tokens("a", 3)]) == [prefix[:ROOM]]
    assert bags.overflow([prefix], [tokens("a", 3)]) == 8


def test_no_suffixes_make_one_bag_of_the_prefix():
    assert bags.bags([["p"]], []) == [["p"]]
    assert bags.bags([], []) == [[]]


def test_own_words_leave_out_the_global_prefixes_only():
    whole = Region(prefixes=("A storm.",), suffixes=("Dark.",))
    local = Region(prefixes=("A storm.", "A boat."), suffixes=("Red.",))
    other = Region(prefixes=("A calm sea.", "A boat."))
    canvas = Canvas((whole, local, other))
    assert own_words(canvas, local) == BagText(("A boat.",), ("Red.",))
    assert own_words(canvas, other) == BagText(("A calm sea.", "A boat."), ())


def test_a_negative_is_dealt_out_piece_by_piece():
    assert negative_words("lowres, bad hands. worst;quality\n") == BagText(
        (), ("lowres,", "bad hands.", "worst;", "quality")
    )


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("(bad hands:1.2), lowres", ("(bad hands:1.2),", "lowres")),
        ("(low quality, ((worst. quality)):1.4), a", ("(low quality, ((worst. quality)):1.4),", "a")),
        ("f/1.4, b", ("f/1.4,", "b")),
        (r"smile \(2, b", (r"smile \(2,", "b")),
        (":), a, b", (":),", "a,", "b")),
        ("(not closed, a", ("(not closed, a",)),
    ],
)
def test_brackets_and_numbers_of_a_negative_stay_whole(text: str, pieces: tuple[str, ...]):
    assert negative_words(text) == BagText((), pieces)

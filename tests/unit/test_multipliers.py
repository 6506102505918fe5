"""Multipliers of LoRAs, as a prompt line's ``--am`` has them."""

import pytest

from resonance.paint.multipliers import of_line, padded, read_multipliers
from resonance.session.item import Item
from resonance.session.payloads import Exploration, Payload, Plain, PromptLine
from resonance.told import Told


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", ()),
        ("  ", ()),
        ("0.8", (0.8,)),
        ("0.8,-0.5", (0.8, -0.5)),
        (" +1 , -.25, ", (1, -0.25)),
        ("0.8，2", (0.8, 2)),
    ],
)
def test_they_are_numbers_between_commas(text: str, numbers: tuple[float, ...]) -> None:
    assert read_multipliers(text) == numbers


@pytest.mark.parametrize("text", ["a", "0.8;1", "1,,2", "0.8 1", "1e3", "nan", "101"])
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(Told, match=r"^multipliers takes numbers from -100 to 100 .*, not '"):
        read_multipliers(text)


@pytest.mark.parametrize(
    ("given", "count", "each"),
    [((), 3, (1, 1, 1)), ((0.8, -0.5), 3, (0.8, -0.5, -0.5)), ((0.8, -0.5), 1, (0.8,)), ((2,), 0, ()), ((), 0, ())],
)
def test_the_last_counts_for_all_further_ones(given: tuple[float, ...], count: int, each: tuple[float, ...]) -> None:
    assert padded(given, count) == each


def item(payload: Payload) -> Item:
    return Item(session="s", round=1, index=1, lineage="X0001", seed=1, payload=payload)


def line(options: str) -> PromptLine:
    return PromptLine(key="k", line="l", prompt="p", width=64, height=64, steps=2, scale=1, seed=1, options=options)


def test_a_line_gives_them_or_not() -> None:
    assert of_line(item(line("--am 0.5,-1"))) == (0.5, -1)
    assert of_line(item(line("--am 0"))) == (0,)
    assert of_line(item(line("--dsd1 2"))) is None
    explored = Exploration(prompt="p", aspect="square", width=64, height=64, scale=1, steps=1, seed=1)
    assert [of_line(item(other)) for other in (Plain(), explored)] == [None, None]
    assert of_line(None) is None

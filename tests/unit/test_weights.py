"""Weights as sd-scripts has them: what is read, how it is cut into chunks, and the three ways of emphasis against NumPy."""

import time
from collections.abc import Iterator
from itertools import groupby

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resonance.paint.dynamic import Misread
from resonance.paint.emphasis import MODES, Mode, emphasized
from resonance.paint.weights import LARGEST, Piece, check_one, chunks, embedded, pieces, shared
from resonance.told import Told


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a barn", [("a barn", 1)]),
        ("a (red) barn", [("a ", 1), ("red", 1.1), (" barn", 1)]),
        ("[red]", [("red", 1 / 1.1)]),
        ("((red))[[b]]", [("red", 1.21), ("b", 1 / 1.21)]),
        ("(red:1.3)", [("red", 1.3)]),
        ("(a (b:2) c:0.5)", [("a ", 0.5), ("b", 1), (" c", 0.5)]),
        ("(red: .5 )(b:-1)(c:0)", [("red", 0.5), ("b", -1), ("c", 0)]),
        ("(red:1.2.3)", [("red:1.2.3", 1.1)]),
        ("(at 6:30)", [("at 6", 30)]),
        ("at 6:30) and ]", [("at 6:30) and ]", 1)]),
        (r"\(red\) \[b\] \\ \x (\(c\))", [(r"(red) [b] \ \x ", 1), ("(c)", 1.1)]),
        ("a (b [c", [("a ", 1), ("b ", 1.1), ("c", 1)]),
        ("([a)b]", [("a", 1), ("b", 1 / 1.1)]),
        ("a BREAK b", [("a ", 1), None, (" b", 1)]),
        ("(a BREAK b) BREAKS break", [("a ", 1.1), None, (" b", 1.1), (" BREAKS break", 1)]),
        ("BREAK BREAK", [None, (" ", 1), None]),
        ("", []),
        ("()", []),
        ("(" * 60 + "a" + ")" * 60, [("a", 1.1**60)]),
        ("(" * 90 + "a", [("a", LARGEST)]),
    ],
)
def test_what_brackets_weigh(prompt: str, expected: list[tuple[str, float] | None]):
    found = pieces(prompt)
    assert [each and each.text for each in found] == [each and each[0] for each in expected]
    assert [each.weight for each in found if each] == pytest.approx([each[1] for each in expected if each])


def spec(prompt: str) -> list[tuple[str | None, float]]:
    """The same once more, letter by letter: each has the product of all brackets that it stands in."""
    letters: list[list[float | str | None]] = []
    ends: dict[str, list[int]] = {"(": [], "[": []}

    def act(start: int, factor: float) -> None:
        for letter in letters[start:]:
            assert isinstance(letter[1], float)
            letter[1] *= factor

    at = 0
    while at < len(prompt):
        char, following = prompt[at], prompt[at + 1 : at + 2]
        if char == "\\" and following and following in "()[]\\":
            letters.append([following, 1.0])
            at += 1
        elif char in "([":
            ends[char].append(len(letters))
        elif char == ":" and ends["("] and (number := number_before_bracket(prompt, at)):
            act(ends["("].pop(), float(number[0]))
            at = number[1]
        elif char == ")" and ends["("]:
            act(ends["("].pop(), 1.1)
        elif char == "]" and ends["["]:
            act(ends["["].pop(), 1 / 1.1)
        else:
            letters.append([char, 1.0])
        at += 1
    for char, factor in (("(", 1.1), ("[", 1 / 1.1)):
        for start in ends[char]:
            act(start, factor)
    return [(str(letter), float(weight or 0)) for letter, weight in letters]


def number_before_bracket(prompt: str, colon: int) -> tuple[str, int] | None:
    close = prompt.find(")", colon)
    number = prompt[colon + 1 : close].strip(" ") if close >= 0 else ""
    digits = number.lstrip("+-") if number[:1] in ("+", "-") else number
    whole, dot, part = digits.partition(".")
    fits = (whole + part).isascii() and (whole + part).isdigit() and len(number) - len(digits) <= 1 and "." not in part
    return (number, close) if fits and (whole or (dot and part)) else None


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.text(st.sampled_from("ab ()[]\\:1.5-"), max_size=24))
def test_any_text_weighs_what_the_rules_say(prompt: str):
    found = [(letter, piece.weight) for piece in pieces(prompt) if piece for letter in piece.text]
    expected = spec(prompt)
    assert [letter for letter, _ in found] == [letter for letter, _ in expected]
    assert [weight for _, weight in found] == pytest.approx([max(-1000, min(w, 1000)) for _, w in expected])
    each = pieces(prompt)
    assert all(a is None or b is None or a.weight != b.weight for a, b in zip(each, each[1:], strict=False))


def test_no_prompt_takes_long_and_too_many_brackets_are_refused():
    begun = time.thread_time()
    for prompt in (
        "(a)" * 20_000,
        "[a" * 90 + "(b)" * 20_000,
        " " * 65_000,
        ":" * 65_000,
        "\\" * 65_000,
        "BREAK " * 10_000,
        ": " * 30_000,
    ):
        pieces(prompt)
    with pytest.raises(Told, match="100 deep"):
        pieces("(" * 20_000)
    assert time.thread_time() - begun < 2


def test_prompts_for_several_regions_are_no_prompt():
    for prompt in ("red AND blue", "red\nAND\tblue", "(red AND blue:1.2)", "a AND b AND c"):
        with pytest.raises(Told, match="use Regions from Mask") as said:
            check_one(prompt)
        assert isinstance(said.value, Misread) and prompt[said.value.at :].startswith("AND")
    for prompt in ("red and blue", "SAND AND", "RAND", "AND"):
        check_one(prompt)


def words(*sizes: int | None) -> Iterator[list[int] | None]:
    number = 0
    for size in sizes:
        yield None if size is None else [*range(number, number := number + size)]


@pytest.mark.parametrize(
    ("sizes", "most", "expected", "lost"),
    [
        ([], 3, [0], 0),
        ([1] * 75, 3, [75], 0),
        ([1] * 100, 3, [75, 25], 0),
        ([1] * 100, 1, [75], 25),
        ([1] * 250, 2, [75, 75], 100),
        ([74, 7], 3, [74, 7], 0),
        ([74, 8], 3, [75, 7], 0),
        ([200], 3, [75, 75, 50], 0),
        ([3, None, 4], 3, [3, 4], 0),
        ([None, 3, None, None, 4, None], 3, [3, 4], 0),
        ([75, None, 4], 3, [75, 4], 0),
        ([3, None, 4], 1, [3], 4),
    ],
)
def test_chunks_have_room_for_75_tokens(sizes: list[int | None], most: int, expected: list[int], lost: int):
    found, left = chunks(words(*sizes), most)
    assert ([*map(len, found)], len(left)) == (expected, lost)
    assert [token for chunk in (*found, left) for token in chunk] == [*range(sum(expected) + lost)]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([1], 1), ([2, 2], 2), ([1, 2], 2), ([2, 3], 6), ([1, 4], 4), ([1, 5], None), ([3, 4], 12), ([2, 3, 4], None)],
)
def test_prompts_of_different_length_share_a_batch_up_to_four_times_the_shortest(
    counts: list[int], expected: int | None
):
    assert shared(counts) == expected


def numpy_emphasis(vectors: np.ndarray, weights: np.ndarray, mode: str) -> np.ndarray:
    """sd-scripts' rule in float64."""
    raised = vectors.astype(np.float64) * weights[None, :, None]
    if mode == "original":
        raised *= vectors.mean(dtype=np.float64) / raised.mean()
    if mode == "abs":
        raised *= np.abs(vectors).mean(dtype=np.float64) / np.abs(raised).mean()
    return raised


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_the_three_ways_are_those_of_sd_scripts(mode: Mode, kind: torch.dtype):
    random = np.random.default_rng(3)
    vectors = (random.normal(size=(1, 154, 96)) + 0.2).astype(np.float32)
    weights = np.where(random.random(154) < 0.2, random.choice([0.5, 1.1, 1.5, -0.5, 0.0], 154), 1.0)
    given_ = torch.tensor(vectors).to(kind)
    found = emphasized(given_, torch.tensor(weights), mode)
    expected = numpy_emphasis(given_.double().numpy(), weights, mode)
    assert found.dtype == kind and found.shape == given_.shape
    tolerance = {torch.float32: 1e-5, torch.float16: 1e-3, torch.bfloat16: 1e-2}[kind]
    np.testing.assert_allclose(found.double().numpy(), expected, rtol=tolerance, atol=tolerance)
    assert torch.equal(emphasized(given_, torch.ones(154), mode), given_)


def test_a_mean_that_is_next_to_nothing_is_no_measure():
    vectors = torch.randn(1, 77, 64, generator=torch.Generator().manual_seed(1))
    balanced = vectors - vectors.mean()
    weights = torch.ones(77)
    weights[3:9] = 1.5
    raised = balanced * weights[None, :, None]
    assert torch.allclose(emphasized(balanced, weights, "original"), raised)
    turned = vectors + 1
    turned[:, 3:9] += 20
    weights[3:9] = -1.5  # the mean turns its sign, and no value is to do so for that
    assert turned.mean() > 0 > (turned * weights[None, :, None]).mean()
    assert torch.allclose(emphasized(turned, weights, "original"), turned * weights[None, :, None])
    assert emphasized(turned, weights, "abs").abs().mean() == pytest.approx(turned.abs().mean().item(), rel=1e-5)
    assert not emphasized(vectors, torch.zeros(77), "abs").any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat, style-1.", "a  embedding:cat ,  embedding:style-1 ."),
        ("cats and concat embedding:cat", "cats and concat embedding:cat"),
        ("Cat style", "Cat style"),
        ("cat2 cat", " embedding:cat2   embedding:cat "),
    ],
)
def test_names_of_embeddings_are_words(text: str, expected: str):
    assert embedded(text, ["cat", "style-1", "cat2", ""]) == expected
    assert embedded(text, []) == text


def test_pieces_of_equal_weight_are_one():
    found = pieces("a (b)(c) (d:1.1) e")
    assert found == [Piece("a ", 1), Piece("bc", 1.1), Piece(" ", 1), Piece("d", 1.1), Piece(" e", 1)]
    assert len([*groupby(found)]) == len(found)

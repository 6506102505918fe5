"""Text from tokens one by one, against decoders that read like those of ComfyUI's text encoders."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonance.llm.decoding import Decoding

TOKENS = [
    *(b"a", b" b", b" picture", b"\n", b"\n\n", b" ", b",", b"thought", b"final", "é".encode(), "红".encode()),
    *(b"\xf0\x9f", b"\x8c", b"\x8a", b"\xc3", b"\xa9"),  # of letters that are several tokens
    *(b"<|channel>", b"<channel|>", b"<|turn>", b"<turn|>", b"<eos>"),
]
MARKS = {n for n, token in enumerate(TOKENS) if token.startswith(b"<")}
OPEN, CLOSE, END = (TOKENS.index(each) for each in (b"<|channel>", b"<channel|>", b"<eos>"))
IDS = st.lists(st.sampled_from(range(len(TOKENS))), max_size=40)


def qwen(ids: list[int]) -> str:
    """Bytes; marks are left out."""
    return b"".join(TOKENS[i] for i in ids if i not in MARKS).decode(errors="replace")


def gemma(ids: list[int]) -> str:
    """As a word piece decoder of Gemma 2 and 3: the first blank is taken for the begin of a word."""
    return qwen(ids).removeprefix(" ")


def gemma4(ids: list[int]) -> str:
    """comfy/text_encoders/gemma4.py: a thought becomes one when it ends, marks go, blanks at the ends too."""
    text = b"".join(TOKENS[i] for i in ids).decode(errors="replace")
    text = re.sub(r"<\|channel>thought\n(.*?)<channel\|>", r"<think>\n\1</think>", text, flags=re.DOTALL)
    text = text.replace("<|channel>thought\n", "<think>\n")
    text = re.sub(r"<\|channel>\w*\n?|<channel\|>|<\|turn>\w*\n?|<turn\|>", "", text)
    return text.replace("<eos>", "").strip()


def tokens(*texts: str) -> list[int]:
    return [TOKENS.index(text.encode()) for text in texts]


@pytest.mark.parametrize("decode", [qwen, gemma])
@given(IDS)
def test_the_text_is_that_of_all_tokens_at_every_token(decode: Callable[[list[int]], str], ids: list[int]) -> None:
    decoding = Decoding(decode)
    assert [decoding.add(token) for token in ids] == [decode(ids[: n + 1]) for n in range(len(ids))]


WORDS = st.lists(st.sampled_from(tokens("a", " b", " picture", "\n", "\n\n", " ", ",", "é", "红")), max_size=20)


@given(WORDS, WORDS, WORDS)
def test_a_thought_that_ends_becomes_one(before: list[int], thought: list[int], after: list[int]) -> None:
    ids = [*before, *tokens("<|channel>", "thought", "\n"), *thought, CLOSE, *after, END]
    decoding = Decoding(gemma4)
    assert [decoding.add(token) for token in ids] == [gemma4(ids[: n + 1]) for n in range(len(ids))]


@pytest.mark.parametrize("decode", [qwen, gemma, gemma4])
def test_the_cost_of_a_token_does_not_grow_with_the_answer(decode: Callable[[list[int]], str]) -> None:
    def costs(count: int) -> list[int]:
        """Of each token, how many were decoded for it."""
        decoded, costs = 0, list[int]()

        def counting(ids: list[int]) -> str:
            nonlocal decoded
            decoded += len(ids)
            return decode(ids)

        decoding = Decoding(counting)
        sentence = tokens("a", " picture", ",", "\n", " b", "红", "é", "\n\n", " ")
        letter = [TOKENS.index(part) for part in (b"\xf0\x9f", b"\x8c", b"\x8a")]
        for token in [*sentence, *letter] * count:
            before = decoded
            decoding.add(token)
            costs.append(decoded - before)
        return costs

    assert max(costs(1)) < 30
    assert max(costs(300)) == max(costs(3))

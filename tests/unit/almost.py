"""Texts that are almost valid: parts of valid ones dropped, doubled, swapped and changed."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, NamedTuple

from hypothesis import strategies as st

Kind = Literal["text", "number", "word", "item", "line", "mark"]
Action = Literal["drop", "double", "swap", "change"]
Span = tuple[int, int]

ACTIONS: tuple[Action, ...] = ("change", "change", "swap", "double", "drop")
KINDS: tuple[Kind, ...] = (
    *("text", "text", "number", "number", "word"),
    *("item", "item", "line", "line", "mark"),
)
"""As often as each is to come."""
PARTS = 512
CODES = len(ACTIONS) * len(KINDS) * PARTS**2
"""Below 2**24: of larger numbers hypothesis draws the small ones more often."""

PATTERNS: dict[str, re.Pattern[str]] = {
    "text": re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''),
    "number": re.compile(r"-?\d+\.?\d*|\.\d+"),
    "word": re.compile(r"[^\W\d]\w*"),
    "line": re.compile(r".*\S.*\n?"),
    "mark": re.compile(r"[^\w\s]"),
}
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"|[\[\](){},]')

ODD: dict[Kind, tuple[str, ...]] = {
    "text": (
        *(
            '""',
            "''",
            '" "',
            '"None"',
            '"../up"',
            '"CON"',
            '"a\\\\b"',
            '"\\ud800"',
            '"\\u0000"',
            '"two\\nlines"',
            '"1"',
            "1",
        ),
        *('"(red:1.2)"', '"０．５"', '"' + "long " * 200 + '"', "null", "true", "[]", '["a", 1]', "{}", '{"a": "b"}'),
    ),
    "number": (
        *(
            "0",
            "-0",
            "1",
            "-1",
            "0.5",
            "2",
            ".5",
            "90",
            "100",
            "1e3",
            "1e999",
            "-1e999",
            "9" * 30,
            "9" * 400,
            "9" * 5000,
        ),
        *(
            "1_0",
            "0x1f",
            "nan",
            "inf",
            "NaN",
            "Infinity",
            "null",
            "true",
            '"1"',
            "[1]",
            "1979-05-27",
            "１２",
            "٣",
            "²",
            "0.1234567",
        ),
    ),
    "word": (
        "",
        "x",
        "None",
        "true",
        "null",
        "nan",
        "name",
        "self",
        "global",
        "é",
        "長い",
        "𝔘",
        "\u2028",
        "İ",
        "ß",
        "_",
    ),
    "item": (
        *("", "null", "true", "0", "-1", "nan", '""', '"a"', "[]", "{}", "[[]]", "[0, 0, 1, 1]", '{"a": 1}', "{a = 1}"),
        *("[" * 40 + "]" * 40, "[" * 3000 + "]" * 3000, '{"a":' * 3000),
    ),
    "line": ("\n", "# a note\n", "[section]\n", "---\n", "a = 1\n", "0,a,0,1\n", ",\n", "\t\n", "x\n", "}\n"),
    "mark": (*"\"'\\[](){},:;=.#|@>-+*/%&", "，", "：", "“", "\ufeff", "\0", "\u200b", "\x85"),
}
"""What stands nowhere in valid texts, or not there."""


class Change(NamedTuple):
    """One change; ``at`` and ``by`` choose among the parts there are, whatever their number."""

    action: Action
    kind: Kind
    at: int
    by: int


def spans(text: str, kind: Kind) -> list[Span]:
    """Where the parts of a text stand. Items are what commas part within brackets."""
    if kind != "item":
        return [found.span() for found in PATTERNS[kind].finditer(text)]
    found: list[Span] = []
    begun: list[int] = []
    for mark in _BRACKET.finditer(text):
        if mark[0] in "[({":
            begun.append(mark.end())
        elif mark[0] in "])},":
            if begun and (inner := text[begun[-1] : mark.start()]).strip():
                found.append((begun[-1] + len(inner) - len(inner.lstrip()), begun[-1] + len(inner.rstrip())))
            if begun and mark[0] == ",":
                begun[-1] = mark.end()
            elif begun:
                begun.pop()
    return found


def changed(text: str, change: Change, pool: Callable[[Kind], Sequence[str]]) -> str:
    """The text with one change; as it is if it has no part of that kind."""
    action, kind, at, by = change
    places = spans(text, kind)
    if not places:
        return text
    begin, end = places[at % len(places)]
    part = text[begin:end]
    if action == "drop":
        comma = re.match(r"\s*,", text[end:]) if kind == "item" else None
        return text[:begin] + text[end + (comma.end() if comma else 0) :]
    if action == "double":
        between = {"item": ", ", "line": "", "mark": ""}.get(kind, " ")
        return text[:end] + between + part + text[end:]
    if action == "change":
        instead = pool(kind)
        return text[:begin] + instead[by % len(instead)] + text[end:]
    first, second = sorted([(begin, end), places[by % len(places)]])
    if first[1] > second[0]:
        return text
    return (
        text[: first[0]]
        + text[second[0] : second[1]]
        + text[first[1] : second[0]]
        + text[first[0] : first[1]]
        + text[second[1] :]
    )


def almost(seeds: Sequence[str]) -> st.SearchStrategy[tuple[int, str]]:
    """Which seed, and what became of it."""

    @cache
    def pool(kind: Kind) -> tuple[str, ...]:
        return (*ODD[kind], *dict.fromkeys(text[begin:end] for text in seeds for begin, end in spans(text, kind)))

    def made(seed: int, codes: list[int]) -> tuple[int, str]:
        text = seeds[seed]
        for code in codes:
            text = changed(text, _change(code), pool)
        return seed, text

    # One number for each change, for hypothesis takes its time with every draw.
    codes = st.lists(st.integers(0, CODES - 1), min_size=1, max_size=3)
    return st.builds(made, st.integers(0, len(seeds) - 1), codes).filter(lambda made: made[1] != seeds[made[0]])


def _change(code: int) -> Change:
    rest, action = divmod(code, len(ACTIONS))
    rest, kind = divmod(rest, len(KINDS))
    by, at = divmod(rest, PARTS)
    return Change(ACTIONS[action], KINDS[kind], at, by)

"""Random sentences of a GBNF grammar, read from its text: literals, classes, rules, groups, ``|``, ``?`` and ``{m,n}``."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[[random.Random], str]
"""Draws one text that a piece of a grammar allows."""

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{\d+,\d+\}|[()|?]|[a-zA-Z][a-zA-Z0-9-]*)')
LETTER = re.compile(r"\\U[0-9A-F]{8}|\\u[0-9A-F]{4}|\\x[0-9A-F]{2}|\\.|.", re.DOTALL)


def letter(written: str) -> str:
    if written[0] != "\\":
        return written
    return chr(int(written[2:], 16)) if written[1] in "xuU" else {"n": "\n"}.get(written[1], written[1])


@dataclass
class Grammar:
    """A rule a line. First and last letters of a range, and least repetitions, are drawn more often than by chance."""

    rules: dict[str, Say]

    def __init__(self, text: str) -> None:
        self.rules = {}
        for line in text.split("\n"):
            name, written = line.split(" ::= ")
            tokens = TOKEN.findall(written)
            assert "".join(tokens) == re.sub(r'("(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\])|\s', r"\1", written), line
            self.rules[name], rest = self._either(tokens)
            assert not rest, line

    def __call__(self, draw: random.Random) -> str:
        return self.rules["root"](draw)

    def _either(self, tokens: list[str]) -> tuple[Say, list[str]]:
        choices: list[list[Say]] = [[]]
        while tokens and tokens[0] != ")":
            if tokens[0] == "|":
                choices.append([])
                tokens = tokens[1:]
            else:
                say, tokens = self._repeated(tokens)
                choices[-1].append(say)
        assert all(choices)
        return lambda draw: "".join(say(draw) for say in draw.choice(choices)), tokens

    def _repeated(self, tokens: list[str]) -> tuple[Say, list[str]]:
        first, *rest = tokens
        match first[0]:
            case "(":
                say, rest = self._either(rest)
                assert rest.pop(0) == ")"
            case '"':
                text = "".join(letter(found) for found in LETTER.findall(first[1:-1]))
                say = lambda draw: text  # noqa: E731
            case "[":
                ranges = re.findall(rf"({LETTER.pattern})(?:-({LETTER.pattern}))?", first[1:-1], re.DOTALL)
                spans = [(letter(low), letter(high or low)) for low, high in ranges]
                say = lambda draw: self._letter(draw, *draw.choice(spans))  # noqa: E731
            case _:
                say = lambda draw: self.rules[first](draw)  # noqa: E731
        if rest and rest[0][0] in "?{":
            low, high = (0, 1) if rest[0] == "?" else map(int, rest[0][1:-1].split(","))
            return lambda draw: "".join(say(draw) for _ in range(draw.choice((low, draw.randint(low, high))))), rest[1:]
        return say, rest

    @staticmethod
    def _letter(draw: random.Random, low: str, high: str) -> str:
        return draw.choice((low, high, chr(draw.randint(ord(low), ord(high)))))

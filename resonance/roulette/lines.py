"""Where something stands in a TOML text. ``tomllib`` does not say, so it is found by reading beginnings of the text."""

import re
import time
from bisect import bisect_left
from typing import Any

from ..toml import TomlError, read_toml

Path = tuple[str | int, ...]
"""Keys and list indices from the top, such as ``("lora", 2, "name")``."""

QUOTED = 160
"""Longest quotation of a line, in characters."""


PATIENCE = 0.03
"""Seconds for finding a line: a text may be made so that it takes hours."""


def find(text: str, path: Path) -> int | None:
    """Number of the line, from 1, on which the thing at ``path`` is complete (a section or list: where it begins); None where that
    is not found in time."""
    lines, end_of_time = _lines(text), time.perf_counter() + PATIENCE

    def seen(count: int) -> bool:
        for end in range(count, 0, -1):  # a beginning that ends inside a long string can be read in no way
            for closing in ("", "\n]", "\n]]", "\n]]]"):
                if time.perf_counter() > end_of_time:
                    raise TimeoutError
                try:
                    return _has(read_toml("\n".join(lines[:end]) + closing), path)
                except TomlError:
                    continue
        return False

    try:
        return bisect_left(range(1, len(lines) + 1), True, key=seen) + 1
    except TimeoutError:
        return None


def quote(text: str, path: Path, message: str) -> str:
    """The message under the line that it is about."""
    number = find(text, path) if path else None
    return _quote(text, number, message) if number else message


def quote_syntax(text: str, error: TomlError) -> str:
    """What is wrong with a text that is no TOML, under the line."""
    message = str(error)
    if place := re.search(r" \(at line (\d+), column \d+\)$", message):
        number = int(place[1])
        message = message[: place.start()]
    else:
        number = len(_lines(text.rstrip()))
        message = message.replace("(at end of document)", "where the text ends")
    if "\\" in _lines(text)[number - 1]:
        message += ". In double quotes a backslash begins an escape: write / between folders, or use single quotes"
    return _quote(text, number, f"This is no valid TOML: {message}.")


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _quote(text: str, number: int, message: str) -> str:
    line = _lines(text)[number - 1].strip()
    return f"Line {number}: {line if len(line) <= QUOTED else line[:QUOTED] + '...'}\n{message}"


def _has(value: Any, path: Path) -> bool:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True

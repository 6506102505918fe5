"""A language model's answer in JSON: the arguments of Omost's two methods, as one object.

``{"global": {...}, "regions": [{...}, ...]}`` with the fields of :mod:`.describe`.
"""

import contextlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from .canvas import Canvas, CanvasError
from .describe import Global, layout, quote, read_global, read_local

TRIES = 100
"""Broken objects after which no more are looked for."""


def _float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise CanvasError(f"{quote(text)} is too large a number.")
    return number


def _constant(name: str) -> None:
    raise CanvasError(f"{name} is not a number in JSON.")


DECODER = json.JSONDecoder(strict=False, parse_float=_float, parse_constant=_constant)

# Strings stay; comments and commas before a closing bracket go. What is not closed goes on to the end: each of many would
# look through the whole text for its other end in vain.
_LOOSE = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))|//[^\n]*|/\*.*?(?:\*/|\Z)|,(?=\s*+[}\]])', re.DOTALL)
_GLOBAL = re.compile(r'"global"\s*+:\s*+(?=\{)')
_REGIONS = re.compile(r'"regions"\s*+:\s*+\[')
_LIST_END = re.compile(r"\s*+\]")


@dataclass(frozen=True)
class Parts:
    """The objects of an answer that can be read, and how those begin that cannot."""

    whole: Any
    regions: Sequence[Any]
    broken: tuple[str, ...] = ()
    finished: bool = True


def loose(text: str) -> str:
    """JSON without comments and without commas before closing brackets."""
    return _LOOSE.sub(lambda found: found[1] or "", text)


def salvage(text: str) -> Parts:
    """What is whole in an answer that breaks off or is broken in the middle."""
    whole: dict[str, Any] | None = None
    if found := _GLOBAL.search(text):
        with contextlib.suppress(CanvasError, ValueError, RecursionError):
            whole = DECODER.raw_decode(text, found.end())[0]
    found = _REGIONS.search(text)
    if not found and not text.startswith("["):
        return Parts(whole, [], finished=False)
    regions, broken, finished = objects(text, found.end() if found else 1, {"description", "location"})
    return Parts(whole, regions, broken, finished)


def objects(text: str, at: int, keys: set[str]) -> tuple[list[dict[str, Any]], tuple[str, ...], bool]:
    """The objects with one of these keys in a list that may break off, how the broken ones begin, and whether it ends."""
    found: list[dict[str, Any]] = []
    broken: list[str] = []
    left = TRIES
    begin: int | None = None
    finished = _LIST_END.match(text, at) is not None
    while not finished and left:
        if (at := text.find("{", at)) < 0:
            break
        try:
            value, end = DECODER.raw_decode(text, at)
        except (CanvasError, ValueError, RecursionError):
            begin = at if begin is None else begin
            at, left = at + 1, left - 1
            continue
        if keys & value.keys():
            found.append(value)
            if begin is not None:  # what is broken and last may just be cut off
                broken.append(text[begin:at].partition("\n")[0])
                begin = None
        at = end
        # Behind what is broken a bracket may as well stand in a text.
        finished = begin is None and _LIST_END.match(text, at) is not None
    return found, tuple(broken), finished


def read_answer(parts: Parts) -> tuple[Canvas, list[str]]:
    """The canvas in an answer, and notes on what was corrected or left out.

    Raises:
        CanvasError: there is nothing in it.
    """
    notes = [f"a region could not be read and was left out: {quote(line)}" for line in parts.broken]
    whole, fields = Global(), _object(parts.whole)
    if fields is None:
        notes.append("the answer has no global description: it was left empty")
    else:
        whole, more = read_global(fields)
        notes += more
    locals = [read_local(one) for item in parts.regions if (one := _object(item)) is not None]
    if fields is None and not locals:
        raise CanvasError("The answer has neither a global description nor a region.")
    if len(locals) < len(parts.regions):
        notes.append("what is not an object among the regions was left out")
    for _, more in locals:
        notes += more
    if not parts.finished:
        notes.append("the answer breaks off: what was complete was kept")
    return layout(whole, [local for local, _ in locals]), notes


def _object(value: Any) -> dict[str, Any] | None:
    return cast(dict[str, Any], value) if isinstance(value, dict) else None

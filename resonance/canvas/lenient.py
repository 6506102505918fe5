"""JSON as people and models write it: in prose or a fence, with comments, in other quotation marks, more than once."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from ..llm.chat import without_thoughts
from .canvas import CanvasError
from .describe import quote

TRIES = 100
"""Values that cannot be read after which no more are looked for."""

ANSWER = 2**20
"""Longest text that may be a model's answer, in characters."""

DEEPEST = 4
"""Objects and lists around a layout."""


def _float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise CanvasError(f"{quote(text)} is too large a number.")
    return number


def _constant(name: str) -> None:
    raise CanvasError(f"{name} is not a number in JSON.")


DECODER = json.JSONDecoder(strict=False, parse_float=_float, parse_constant=_constant)
LENIENT = json.JSONDecoder(strict=False, parse_float=_float)
"""Takes NaN, which is for the reader of the field to judge."""

_START = re.compile(r"""[{｛]\s*+(?:["“”„'}｝#]|//|/\*|[^\W\d]\w*+\s*+[:：])|[\[［]\s*+(?:[{｛\[［\]］#]|//|/\*)""")
_MORE = re.compile(r"\s*+[,\]}]")


@cache
def _loose() -> re.Pattern[str]:
    """Takes milliseconds to compile, which the start of ComfyUI need not wait for."""
    # What is not closed goes on to the end, or to that of the line: each of many would look through the whole text for its other
    # end in vain.
    return re.compile(
        r"""
        (?=[^{}\[\]:\d\ \t\n\r.+-])  # most of what stands between strings needs no closer look
        (?:
        (?P<kept> "[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))
        | [“”„] (?P<curly> [^“”„\\]*+(?:\\.[^“”„\\]*+)*+) (?P<curl>[“”„])?+
        | (?<=[\[{,:\s，：｛［]) ' (?P<single> (?:[^'\\\n]++|\\.|'(?!\s*+(?:[,:}\]，：｝］]|\Z)))*+) (?P<mark>')?+
        | (?P<comment> (?://|(?<=[\s{\[,])\#)[^\n]* | /\*.*?(?:\*/|\Z) | [,，](?=\s*+[}\]｝］]))
        | (?P<word> [^\W\d]\w*+) (?P<colon> \s*+[:：])?+
        | (?P<wide> [｛｝［］：，])
        | (?P<blank> [^\S\ \t\n\r]|[\u200b\ufeff])
        )
        """,
        re.DOTALL | re.VERBOSE,
    )


_WIDE = str.maketrans("｛｝［］：，", "{}[]:,")
_WORDS = {"True": "true", "False": "false", "None": "null"}
_INNER = re.compile(r'\\.|"', re.DOTALL)


@dataclass(frozen=True)
class Found:
    """A value in a text.

    Attributes:
        begin: where it begins in :attr:`Contents.text`.
        joins: only blanks part it from the value before.
        inner: something before it cannot be read, which it may be a part of.
        fault: what follows it, where its text goes on as if it had not ended.
    """

    value: Any
    begin: int
    joins: bool
    inner: bool
    fault: json.JSONDecodeError | None


@dataclass
class Contents:
    """The values in a text.

    Attributes:
        text: as it was read: as JSON has it from the first value on that was not JSON.
        rest: of it, from the first value on that cannot be read. None if there is none.
        error: why that one cannot be read.
    """

    text: str
    values: list[Found] = field(default_factory=list[Found])
    rest: str | None = None
    error: Exception | None = None


def answer_in(text: str) -> str:
    """A text without a model's thoughts. In what is JSON as it stands, a mark of thoughts is part of somebody's words."""
    if len(text) > ANSWER:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return without_thoughts(text)
    return text


def begins(text: str) -> bool:
    """Whether a text begins with an object or a list."""
    return _START.match(text.lstrip()) is not None


def contents(text: str) -> Contents:
    """All objects and lists in a text, and the string that is all of it."""
    found, decoder, left, last = Contents(text), DECODER, TRIES, 0
    begin: int | None = len(text) - len(text.lstrip())
    if text[begin : begin + 1] not in {*'"{[｛［'}:
        begin = _next(text, begin)
    while begin is not None and left:
        try:
            value, end = decoder.raw_decode(found.text, begin)
        except (CanvasError, ValueError, RecursionError) as error:
            found.error = found.error or error
            if decoder is DECODER and not isinstance(error, RecursionError):
                found.text, decoder = text[:begin] + lenient(text[begin:]), LENIENT
                continue
            found.rest = found.text[begin:] if found.rest is None else found.rest
            end, left = begin + 1, left - 1
        else:
            more = _MORE.match(found.text, end)
            fault = json.JSONDecodeError("Extra data", found.text, more.end() - 1) if more else None
            joins = bool(found.values) and not found.text[last:begin].strip()
            found.values.append(Found(value, begin, joins, found.rest is not None, fault))
            last = end
        begin = _next(found.text, end)
    return found


def _next(text: str, at: int) -> int | None:
    start = _START.search(text, at)
    return start.start() if start else None


def lenient(text: str) -> str:
    """JSON without comments and without commas before closing brackets, its strings, words and marks as JSON has them."""
    return _loose().sub(_as_json, text)


def _as_json(found: re.Match[str]) -> str:
    if found["kept"]:
        return found["kept"]
    if found["word"]:
        return f'"{found["word"]}":' if found["colon"] else _WORDS.get(found["word"], found["word"])
    if found["wide"]:
        return found["wide"].translate(_WIDE)
    if found["blank"]:
        return " "
    if found["comment"]:
        return ""
    text = found["single"] if found["curly"] is None else found["curly"]
    return '"' + _INNER.sub(_escaped, text) + ('"' if found["mark"] or found["curl"] else "")


def _escaped(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])


def within(value: Any, wanted: Callable[[Any], bool], depth: int = 0) -> Any:
    """The value itself, if it is wanted, else the last one inside of it that is; also in the arguments of a call that stand
    there as text. None if there is none."""
    if wanted(value):
        return value
    if depth == DEEPEST:
        return None
    inner: list[Any] = []
    if isinstance(value, dict):
        fields = cast(dict[str, Any], value)
        inner += fields.values()
        if isinstance(said := fields.get("arguments"), str):
            inner += [one.value for one in contents(said).values]
    elif isinstance(value, list):
        inner += cast(list[Any], value)
    return next((found for item in reversed(inner) if (found := within(item, wanted, depth + 1)) is not None), None)

"""Any text that holds a canvas: our JSON list or Omost's, a model's answer in JSON, or Omost's program."""

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from ..llm.chat import sound
from .answer import DECODER, Parts, loose, objects, read_answer, salvage
from .canvas import WHOLE, Canvas, CanvasError
from .listing import read_list
from .program import is_program, read_program

LIMIT = 2**23
"""Longest JSON that is parsed, in characters: masks take room."""

REGIONS = 500
"""Most regions of a canvas."""

NOTES = 50
"""Most notes on one text."""

EXPECTED = (
    'a JSON list of regions, a model\'s answer with "global" and "regions", or an Omost program with calls of '
    "set_global_description and add_local_description"
)

_MORE = re.compile(r"\s*+[,\[\]{}]")
_START = re.compile(r'\{\s*+(?:"|//|/\*|\})|\[\s*+(?:\{|//|/\*|\])')


@dataclass(frozen=True)
class Reading:
    """A canvas; what was corrected or left out in reading it; and whether the text went to its end."""

    canvas: Canvas
    notes: tuple[str, ...] = ()
    finished: bool = True


def read_canvas(text: str) -> Reading:
    """Reads a text of any of the forms, with prose or a fence around it.

    Raises:
        CanvasError: there is no canvas in it; one sentence that says what is wrong, and where, if that is known.
    """
    reading = _read(text, growing=False)
    more = len(reading.notes) - NOTES
    notes = (*reading.notes[:NOTES], f"and {more} more notes") if more > 0 else reading.notes
    return Reading(reading.canvas, notes, reading.finished)


def partial(text: str) -> Canvas | None:
    """What is complete so far in an answer that is still growing; None as long as that is nothing. Never raises."""
    try:
        return _read(text, growing=True).canvas
    except CanvasError:
        return None


def _read(text: str, growing: bool) -> Reading:
    text = sound(text).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise CanvasError(f"The text is empty: a canvas is {EXPECTED}.")
    if is_program(text) and not _START.match(text.lstrip()):
        program = read_program(text)
        reading = Reading(program.canvas(), tuple(program.notes), program.finished)
    elif len(text) > LIMIT:
        raise CanvasError(f"The text is longer than {LIMIT:,} letters: no canvas takes so many.")
    else:
        try:
            reading = _read_json(text, growing)
        except RecursionError:
            raise CanvasError("The text is nested too deeply for a canvas.") from None
    if (count := len(reading.canvas.regions)) > REGIONS:
        raise CanvasError(f"The text has {count:,} regions: a canvas has room for {REGIONS}.")
    return reading


def _read_json(text: str, growing: bool) -> Reading:
    start = len(text) - len(text.lstrip())
    if text[start] not in "{[":
        if not (found := _START.search(text)):
            raise CanvasError(f"There is no canvas in the text: it would be {EXPECTED}.")
        start = found.start()
    try:
        value = _decode(text, start)
    except (CanvasError, ValueError) as error:
        text = loose(text[start:])
        try:
            value = _decode(text, 0)
        except (CanvasError, ValueError):
            return _salvaged(text, growing, error)
    return _reading(value)


def _decode(text: str, start: int) -> Any:
    value, end = DECODER.raw_decode(text, start)
    if more := _MORE.match(text, end):
        raise json.JSONDecodeError("Extra data", text, more.end() - 1)
    return value


def _reading(value: Any) -> Reading:
    """What has been loaded is an answer or a list, perhaps in an object of its own."""
    if isinstance(value, dict):
        fields = cast(dict[str, Any], value)
        lists = [cast(list[Any], item) for item in fields.values() if isinstance(item, list)]
        if isinstance(fields.get("global"), dict):
            return _answered(Parts(fields["global"], lists[0] if lists else []))
        value = lists[0] if len(lists) == 1 else fields
    if isinstance(value, list) and any(_is_answered(item) for item in cast(list[Any], value)):
        return _answered(Parts(None, cast(list[Any], value)))
    canvas = read_list(value)
    full = canvas.whole.rect == WHOLE
    return Reading(
        canvas, () if full else (f"the global region is not the whole picture but {list(canvas.whole.rect)}",)
    )


def _is_answered(item: Any) -> bool:
    return isinstance(item, dict) and bool({"description", "location"} & item.keys()) and "prefixes" not in item


def _answered(parts: Parts) -> Reading:
    canvas, notes = read_answer(parts)
    return Reading(canvas, tuple(notes), parts.finished)


def _salvaged(text: str, growing: bool, error: Exception) -> Reading:
    """From a list that a person may have typed nothing is left out silently: there the error counts."""
    if growing and (items := objects(text, 1, {"rect", "prefixes"})[0]):
        return Reading(read_list(items), finished=False)
    parts = salvage(text)
    if parts.whole is not None or parts.regions:
        return _answered(parts)
    match error:
        case json.JSONDecodeError():
            raise CanvasError(f"This is no JSON: {error.msg} on line {error.lineno}, column {error.colno}.")
        case CanvasError():
            raise error
        case _:
            raise CanvasError("This is no JSON for a canvas: a number in it is too long.")

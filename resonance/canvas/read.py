"""Any text that holds a layout: our JSON list or Omost's, a model's answer in JSON, Omost's program, boxes, Ideogram's prompt."""

import json
from dataclasses import dataclass, replace
from typing import Any, cast

from ..llm.chat import sound
from .answer import Parts, is_region, objects, parts_of, read_answer, salvage
from .boxes import PROMPT, is_boxes, read_boxes
from .canvas import WHOLE, Canvas, CanvasError
from .lenient import Contents, Found, answer_in, begins, contents, within
from .listing import read_list
from .program import is_program, read_program, several

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

Size = tuple[int, int]
"""Width and height in pixels."""

UNKNOWN: Size = (0, 0)


@dataclass(frozen=True)
class Reading:
    """A canvas; what was corrected or left out in reading it; and whether the text went to its end."""

    canvas: Canvas
    notes: tuple[str, ...] = ()
    finished: bool = True


def read_canvas(text: str, size: Size = UNKNOWN) -> Reading:
    """Reads a text of any of the forms, with prose or a fence around it. Of several layouts the last complete one counts.

    Args:
        size: of the picture that boxes are in; without effect on those in thousandths.

    Raises:
        CanvasError: there is no canvas in it; one sentence that says what is wrong, and where, if that is known.
    """
    reading = _read(text, size, growing=False)
    return replace(reading, notes=few(reading.notes))


def few(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Not more notes than a person reads."""
    more = len(notes) - NOTES
    return (*notes[:NOTES], f"and {more} more notes") if more > 0 else notes


def partial(text: str) -> Canvas | None:
    """What is complete so far in an answer that is still growing; None as long as that is nothing. Never raises."""
    try:
        return _read(text, UNKNOWN, growing=True).canvas
    except CanvasError:
        return None


def _read(text: str, size: Size, growing: bool) -> Reading:
    text = sound(text).replace("\r\n", "\n").replace("\r", "\n")
    text = answer_in(text)
    if not text.strip():
        raise CanvasError(f"The text is empty: a canvas is {EXPECTED}.")
    if is_program(text) and not begins(text):
        program = read_program(text)
        reading = Reading(program.canvas(), tuple(program.notes), program.finished)
    elif len(text) > LIMIT:
        raise CanvasError(f"The text is longer than {LIMIT:,} letters: no canvas takes so many.")
    else:
        try:
            reading = _read_json(text, size, growing)
        except RecursionError:
            raise CanvasError("The text is nested too deeply for a canvas.") from None
    if (count := len(reading.canvas.regions)) > REGIONS:
        raise CanvasError(f"The text has {count:,} regions: a canvas has room for {REGIONS}.")
    return reading


def _read_json(text: str, size: Size, growing: bool) -> Reading:
    found = contents(text)
    match found.values:
        case [Found(value=str() as inner)] if len(inner) < len(text):
            return _read(inner, size, growing)
        case _:
            pass
    layouts = _layouts(found.values)
    if not layouts:
        return _incomplete(found, growing)
    last = layouts[-1]
    reading = last.reading(size)
    if fault := last.first.fault:
        more = salvage(found.text[last.first.begin :])
        if len(more.regions) > len(reading.canvas.locals):
            reading = _answered(more)
        elif not isinstance(last.first.value, dict):
            raise _no_json(fault)
    begun = salvage(found.rest) if found.rest and not last.first.inner else None
    if (count := len(layouts) + bool(begun and (begun.whole or begun.regions))) > 1:
        return replace(reading, notes=(*reading.notes, several(count)))
    return reading


@dataclass
class _Layout:
    """A layout in a text: what it begins with, the layout in that, and the regions or boxes that follow it, a line each."""

    first: Found
    value: Any
    pieces: list[Any]

    def reading(self, size: Size) -> Reading:
        value = self.value or self.pieces
        if is_boxes(value):
            canvas, notes = read_boxes(value, *size)
            if (count := len(canvas.locals)) >= REGIONS:
                raise CanvasError(
                    f"The text has {count:,} boxes: a canvas has room for {REGIONS} regions with the global one."
                )
            return Reading(canvas, notes)
        if isinstance(value, dict) and (parts := parts_of(cast(dict[str, Any], value))):
            return _answered(replace(parts, regions=[*parts.regions, *self.pieces]))
        items = cast(list[Any], value)
        return _answered(Parts(None, items)) if any(map(is_region, items)) else _listed(items)


def _layouts(values: list[Found]) -> list[_Layout]:
    """The layouts in a text; single regions and boxes only if there is nothing else."""
    found: list[_Layout] = []
    joins = broken = False
    for one in values:
        broken = broken or one.inner
        value = within(one.value, _is_inner if broken else _is_layout)
        piece = value is None and not broken and _is_piece(one.value)
        if value is not None:
            found.append(_Layout(one, value, []))
            broken = one.fault is not None
        elif piece:
            if not (joins and one.joins):
                found.append(_Layout(one, None, []))
            found[-1].pieces.append(one.value)
        joins = value is not None or piece
    return [one for one in found if one.value] or found


def _is_layout(value: Any) -> bool:
    """Whether a value is a layout and not only a piece of one."""
    if isinstance(value, dict):
        fields = cast(dict[str, Any], value)
        return PROMPT in fields or parts_of(fields) is not None
    return (
        _is_listed(value)
        or isinstance(value, list)
        and (is_boxes(value) or any(map(is_region, cast(list[Any], value))))
    )


def _is_inner(value: Any) -> bool:
    """Whether a value is a layout and no part of an answer's."""
    if isinstance(value, dict):
        parts = parts_of(cast(dict[str, Any], value))
        return parts is not None and parts.whole is not None
    return _is_listed(value)


def _is_listed(value: Any) -> bool:
    keys = {"rect", "prefixes", "suffixes"}
    items = cast(list[Any], value) if isinstance(value, list) else []
    return not any(map(is_region, items)) and any(isinstance(item, dict) and keys & item.keys() for item in items)


def _is_piece(value: Any) -> bool:
    return isinstance(value, dict) and (is_boxes(value) or {"description", "location"} <= value.keys())


def _listed(value: Any) -> Reading:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise CanvasError("NaN is not a number in JSON.") from None
    canvas = read_list(value)
    full = canvas.whole.rect == WHOLE
    return Reading(
        canvas, () if full else (f"the global region is not the whole picture but {list(canvas.whole.rect)}",)
    )


def _answered(parts: Parts) -> Reading:
    canvas, notes = read_answer(parts)
    return Reading(canvas, tuple(notes), parts.finished)


def _incomplete(found: Contents, growing: bool) -> Reading:
    """From a text without a whole layout. Of a list that a person may have typed nothing is left out silently: there the
    error counts."""
    if found.rest is not None:
        parts = salvage(found.rest)
        if parts.whole is not None or parts.regions:
            return _answered(parts)
        if growing and (items := objects(found.rest, 1, {"rect", "prefixes"})[0]):
            return Reading(read_list(items), finished=False)
        raise _no_json(found.error)
    if fault := next((one.fault for one in found.values if one.fault), None):
        raise _no_json(fault)
    if not found.values:
        raise CanvasError(f"There is no canvas in the text: it would be {EXPECTED}.")
    value = found.values[-1].value
    return _listed(cast(dict[str, Any], value).get("regions", value) if isinstance(value, dict) else value)


def _no_json(error: Exception | None) -> CanvasError:
    match error:
        case json.JSONDecodeError():
            return CanvasError(f"This is no JSON: {error.msg} on line {error.lineno}, column {error.colno}.")
        case CanvasError():
            return error
        case RecursionError():
            return CanvasError("The text is nested too deeply for a canvas.")
        case _:
            return CanvasError("This is no JSON for a canvas: a number in it is too long.")

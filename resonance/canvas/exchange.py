"""Any text that a layout can come from: all that :mod:`.read` reads, core's boxes, and Ideogram's prompts."""

import json
from typing import Any, cast

from .boxes import from_boxes
from .canvas import CanvasError
from .read import LIMIT, REGIONS, Reading, read_canvas


def read_any(text: str, width: int, height: int) -> Reading:
    """The canvas in a text. Boxes are measured in a picture of that size, in pixels.

    Raises:
        CanvasError: there is none; one sentence that says what is wrong.
    """
    value = _json(text) if len(text) <= LIMIT else None
    if not _is_boxes(value):
        return read_canvas(text)
    canvas = from_boxes(value, width, height)
    if (count := len(canvas.locals)) >= REGIONS:
        raise CanvasError(f"The text has {count:,} boxes: a canvas has room for {REGIONS} regions with the global one.")
    return Reading(canvas)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_boxes(value: Any) -> bool:
    """One box or element, a list of them, frames of boxes, or an Ideogram prompt."""
    if isinstance(value, list):
        items = cast(list[Any], value)
        return bool(items) and _is_boxes(items[0])
    if not isinstance(value, dict):
        return False
    keys = cast(dict[str, Any], value).keys()
    return not keys.isdisjoint({"compositional_deconstruction", "bbox"}) or {"x", "y", "width", "height"} <= keys

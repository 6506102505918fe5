"""Bounding boxes of ComfyUI's own nodes, and Ideogram's prompts, as canvases; and canvases as both.

A box is ``{"x", "y", "width", "height", "metadata": {"type", "text", "desc", "palette"}}`` in pixels, an element
``{"type", "bbox": [top, left, bottom, right], "text", "desc", "color_palette"}`` in thousandths; both from far to near.
"""

import contextlib
import json
from collections.abc import Mapping
from typing import Any, cast

from PIL import ImageColor

from ..llm.chat import sound
from .canvas import GRID, Canvas, CanvasError, Region
from .describe import GREY, Color, cleaned

THOUSAND = 1000


def from_boxes(value: Any, width: int, height: int, description: str = "") -> Canvas:
    """A canvas from boxes, from elements, from one of them, from frames of boxes (the first counts), or from any of it as JSON.

    Args:
        width, height: of the picture that boxes are in, in pixels; without effect on elements.
        description: of the whole picture. An Ideogram prompt, which holds elements, brings its own.

    Raises:
        CanvasError: it is nothing of that kind; the text names the box.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise CanvasError(f"The boxes are no JSON: {error}.") from None
    if isinstance(value, dict) and "compositional_deconstruction" in value:
        prompt = cast(Mapping[str, Any], value)
        parts = _mapping(prompt["compositional_deconstruction"])
        texts = (_text(prompt.get("high_level_description")) or description, _text(parts.get("background")))
        value = parts.get("elements", [])
    else:
        texts = (description, "")
    whole = Region(prefixes=cleaned(texts[0]), suffixes=cleaned(texts[1]))
    boxes: list[Any] = cast(list[Any], value) if isinstance(value, list) else [value]
    if boxes and isinstance(boxes[0], list):
        boxes = cast(list[Any], boxes[0])
    return Canvas((whole, *(_region(box, n, whole.prefixes, width, height) for n, box in enumerate(boxes, 1))))


def to_boxes(canvas: Canvas, width: int, height: int) -> list[list[dict[str, Any]]]:
    """The local regions as one frame of boxes in a picture of that size; no frame if there is none."""
    boxes = [_box(canvas, region, width, height) for region in canvas.locals]
    return [boxes] if boxes else []


def to_ideogram(canvas: Canvas) -> dict[str, Any]:
    """The canvas as an Ideogram prompt, as core's Build JSON Prompt makes it."""
    elements = [
        {
            "type": "obj",
            "bbox": [round(edge / GRID * THOUSAND) for edge in (top, left, bottom, right)],
            "desc": _words(canvas, region),
            "color_palette": [_hex(region.color)],
        }
        for region in canvas.locals
        for top, bottom, left, right in [region.rect]
    ]
    return {
        "high_level_description": " ".join(canvas.whole.prefixes),
        "compositional_deconstruction": {"background": " ".join(canvas.whole.suffixes), "elements": elements},
    }


def _region(box: Any, number: int, prefixes: tuple[str, ...], width: int, height: int) -> Region:
    fields = _mapping(box)
    if "bbox" in fields:
        edges, about, palette = fields["bbox"], fields, fields.get("color_palette")
        down = across = THOUSAND
    else:
        about = _mapping(fields.get("metadata"))
        palette, (down, across) = about.get("palette"), (height, width)
        x, y = fields.get("x"), fields.get("y")
        edges = [y, x, _sum(y, fields.get("height")), _sum(x, fields.get("width"))]
    if (
        not isinstance(edges, list)
        or len(cast(list[Any], edges)) != 4
        or not all(map(_is_number, cast(list[Any], edges)))
    ):
        raise CanvasError(
            f"Box {number} has no place: x, y, width and height in pixels, or bbox with top, left, bottom and right in thousandths."
        )
    top, left, bottom, right = cast(list[float], edges)
    text = _text(about.get("text")) if about.get("type") == "text" else ""
    words = (_text(about.get("desc")), f'the words "{text}"' if text.strip() else "")
    return Region(
        (*_cells(top, bottom, down), *_cells(left, right, across)),
        prefixes + cleaned(words[0]),
        cleaned(words[1]),
        _color(palette),
        name=_text(about.get("name")),
    )


def _box(canvas: Canvas, region: Region, width: int, height: int) -> dict[str, Any]:
    top, bottom, left, right = region.rect
    x, y = round(left / GRID * width), round(top / GRID * height)
    about = {
        "type": "obj",
        "text": "",
        "desc": _words(canvas, region),
        "palette": [_hex(region.color)],
    }
    return {
        "x": x,
        "y": y,
        "width": round(right / GRID * width) - x,
        "height": round(bottom / GRID * height) - y,
        "metadata": about | ({"name": region.name} if region.name else {}),
    }


def _words(canvas: Canvas, region: Region) -> str:
    return " ".join((*canvas.own_prefixes(region), *region.suffixes))


def _hex(color: Color) -> str:
    return "#{:02X}{:02X}{:02X}".format(*color)


def _cells(low: float, high: float, size: int) -> tuple[int, int]:
    first, last = (round(edge / size * GRID) for edge in sorted((low, high)))
    first = min(max(first, 0), GRID - 1)
    return first, max(min(last, GRID), first + 1)


def _color(palette: Any) -> Color:
    for color in cast(list[Any], palette) if isinstance(palette, list) else []:
        with contextlib.suppress(ValueError):
            return ImageColor.getrgb(_text(color))[:3]
    return GREY


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e9


def _sum(start: Any, length: Any) -> Any:
    return start + length if _is_number(start) and _is_number(length) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return sound(value) if isinstance(value, str) else ""

"""Bounding boxes of ComfyUI's own nodes, and Ideogram's prompts, as canvases; and canvases as both.

A box is ``{"x", "y", "width", "height", "metadata": {"type", "text", "desc", "palette"}}`` in pixels, an element
``{"type", "bbox": [top, left, bottom, right], "text", "desc", "color_palette"}`` in thousandths; both from far to near.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from PIL import ImageColor

from ..llm.chat import sound
from .canvas import GRID, Canvas, CanvasError, Region
from .describe import GREY, Color, cleaned, measured, quote
from .lenient import answer_in, contents, within

THOUSAND = 1000
PROMPT = "compositional_deconstruction"
SIDES = ("y", "x", "height", "width")
EDGES = (("top", "left", "bottom", "right"), ("y1", "x1", "y2", "x2"), ("ymin", "xmin", "ymax", "xmax"))
"""What a bbox can be made of that is an object."""

KNOWN = {
    *SIDES,
    *[
        "bbox",
        "metadata",
        "type",
        "text",
        "desc",
        "description",
        "label",
        "prompt",
        "score",
        "name",
        "palette",
        "color_palette",
    ],
}
MENTIONED = 5
"""Most numbers of boxes in a note."""


def is_boxes(value: Any) -> bool:
    """Whether a value is a box or an element, a list of them, frames of boxes, or an Ideogram prompt."""
    first = value
    for _ in ("frame", "box"):
        if isinstance(first, list) and first:
            first = cast(list[Any], first)[0]
    keys = _mapping(first).keys()
    if PROMPT in keys:
        return first is value
    return not keys.isdisjoint({"bbox", "bbox_2d"}) or keys >= {*SIDES}


def from_boxes(value: Any, width: int, height: int, description: str = "") -> Canvas:
    """The canvas of :func:`read_boxes`."""
    return read_boxes(value, width, height, description)[0]


def read_boxes(value: Any, width: int, height: int, description: str = "") -> tuple[Canvas, tuple[str, ...]]:
    """A canvas from boxes, from elements, from one of them, from frames of boxes (the first counts), or from any of it as JSON,
    with prose or a fence around it; and notes on what was not read.

    Args:
        width, height: of the picture that boxes are in, in pixels; without effect on elements.
        description: of the whole picture. An Ideogram prompt, which holds elements, brings its own.

    Raises:
        CanvasError: it is nothing of that kind; the text names the box.
    """
    if isinstance(value, str):
        value = _loaded(value)
    if (found := within(value, is_boxes)) is not None:
        value = found
    notes: list[str] = []
    prompt = _mapping(value)
    if PROMPT in prompt:
        parts = _mapping(prompt[PROMPT])
        texts = (_words(prompt.get("high_level_description")) or description, _words(parts.get("background")))
        value = parts.get("elements") or []
        if isinstance(value, dict) and not is_boxes(value):
            value = list(cast(dict[str, Any], value).values())
        notes += _foreign([prompt], {PROMPT, "high_level_description"}, "of the prompt")
        notes += _foreign([parts], {"background", "elements"}, "of the prompt")
    else:
        texts = (description, "")
    whole = Region(prefixes=cleaned(texts[0]), suffixes=cleaned(texts[1]))
    boxes: list[Any] = cast(list[Any], value) if isinstance(value, list) else [value]
    if boxes and isinstance(boxes[0], list):
        boxes = cast(list[Any], boxes[0])
    regions: list[Region] = []
    unplaced: list[int] = []
    outside: list[int] = []
    for number, box in enumerate(boxes, 1):
        fields = _mapping(box)
        if fields.keys() >= {*SIDES} and not width:
            raise CanvasError(
                f"Box {number} is in pixels of a picture whose size is not known here: Canvas reads boxes."
            )
        size = (THOUSAND, THOUSAND) if "bbox" in fields else (height, width)
        about = {**fields, **_mapping(fields.get("metadata"))}
        words = _said(about)
        if not (edges := _edges(fields, size)):
            if PROMPT not in prompt or not any(words):
                raise CanvasError(_no_place(number, fields))
            whole = replace(whole, suffixes=whole.suffixes + cleaned(*words))
            unplaced.append(number)
            continue
        top, left, bottom, right = edges
        if max(top, bottom) < 0 or min(top, bottom) >= size[0] or max(left, right) < 0 or min(left, right) >= size[1]:
            outside.append(number)
        regions.append(
            Region(
                (*_cells(top, bottom, size[0]), *_cells(left, right, size[1])),
                whole.prefixes + cleaned(words[0]),
                cleaned(words[1]),
                _color(about.get("color_palette", about.get("palette"))),
                name=_text(about.get("name")),
            )
        )
    if unplaced:
        notes.append(f"no place that can be read, so the words act in the whole picture: element {_shown(unplaced)}")
    if outside:
        notes.append(f"outside of the picture, so moved to its edge: box {_shown(outside)}")
    abouts = [_mapping(_mapping(box).get("metadata")) for box in boxes]
    notes += _foreign([*map(_mapping, boxes), *abouts], KNOWN, "of the boxes")
    return Canvas((whole, *regions)), tuple(notes)


def _shown(numbers: list[int]) -> str:
    more = f" and {len(numbers) - MENTIONED} more" if len(numbers) > MENTIONED else ""
    return ", ".join(map(str, numbers[:MENTIONED])) + more


def _no_place(number: int, fields: Mapping[str, Any]) -> str:
    told = f"Box {number} has no place: x, y, width and height in pixels, or bbox with top, left, bottom and right in thousandths."
    return (
        f"{told} Its bbox_2d is in pixels for some models and in thousandths for others."
        if "bbox_2d" in fields
        else told
    )


def _loaded(text: str) -> Any:
    found = contents(answer_in(text))
    boxes: list[Any] = []
    for one in found.values:
        if not one.inner and (value := within(one.value, is_boxes)) is not None:
            if not one.joins or isinstance(value, list) or PROMPT in value:
                boxes.clear()
            boxes.append(value)
    if boxes:
        return boxes if len(boxes) > 1 else boxes[0]
    if found.values and not found.error:
        return found.values[-1].value
    raise CanvasError(f"The boxes are no JSON: {found.error or 'there is no object and no list in the text'}.")


def _foreign(objects: Iterable[Mapping[str, Any]], known: set[str], of: str) -> list[str]:
    """A note on keys that were not looked at."""
    keys = {key: None for fields in objects for key, value in fields.items() if key not in known and value is not None}
    return [f"{', '.join(map(quote, keys))} {of} was not read"] if keys else []


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
            "desc": _described(canvas, region),
            "color_palette": [_hex(region.color)],
        }
        for region in canvas.locals
        for top, bottom, left, right in [region.rect]
    ]
    return {
        "high_level_description": " ".join(canvas.whole.prefixes),
        "compositional_deconstruction": {"background": " ".join(canvas.whole.suffixes), "elements": elements},
    }


def _edges(box: Mapping[str, Any], size: tuple[int, int]) -> list[float] | None:
    """Top, left, bottom and right of a box, in the unit of height and width; None if they cannot be read."""
    if "bbox" not in box:
        if found := measured([box.get(name) for name in SIDES], size * 2):
            y, x, height, width = found[0]
            return [y, x, y + height, x + width]
        return None
    place = box["bbox"]
    fields = _mapping(place)
    names = next((names for names in EDGES if fields.keys() >= {*names}), ())
    found = measured(cast(list[Any], place) if isinstance(place, list) else [fields[name] for name in names], size * 2)
    return found[0] if found else None


def _said(about: Mapping[str, Any]) -> tuple[str, str]:
    """What a box shows, and the words that are to be read there."""
    text = _text(about.get("text")) if about.get("type") == "text" else ""
    words = next((said for key in ("desc", "description", "label", "prompt") if (said := _text(about.get(key)))), "")
    return words, f'the words "{text}"' if text.strip() else ""


def _box(canvas: Canvas, region: Region, width: int, height: int) -> dict[str, Any]:
    top, bottom, left, right = region.rect
    x, y = round(left / GRID * width), round(top / GRID * height)
    about = {
        "type": "obj",
        "text": "",
        "desc": _described(canvas, region),
        "palette": [_hex(region.color)],
    }
    return {
        "x": x,
        "y": y,
        "width": round(right / GRID * width) - x,
        "height": round(bottom / GRID * height) - y,
        "metadata": about | ({"name": region.name} if region.name else {}),
    }


def _described(canvas: Canvas, region: Region) -> str:
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


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return sound(value) if isinstance(value, str) else ""


def _words(value: Any) -> str:
    """A text, or that of an object."""
    return _said(_mapping(value))[0] if isinstance(value, dict) else _text(value)

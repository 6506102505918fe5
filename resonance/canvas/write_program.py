"""A canvas as Omost's program, in the words that are nearest to it."""

import itertools
import re
from collections.abc import Iterable
from functools import lru_cache

from .canvas import Canvas, Rect, Region
from .describe import Color, literal
from .program import is_program
from .vocabulary import AREAS, COLORS, LOCATIONS, OFFSETS, rect

AFTER_TAGS = ("atmosphere", "style", "quality_meta")

# Reading escapes a bracket that has no backslash before it.
_ESCAPED = re.compile(r"(?<!\\)\\([()])")

Words = tuple[str, str, str]
"""Location, offset, area."""


def write_program(canvas: Canvas) -> str:
    """The program whose reading gives the same words in the same order, the nearest rectangles and colors.

    A program has one description a region, so that several prefixes become one; and no name, negative, weight, start, end,
    mask, LoRA or picture. A region whose prefixes do not begin with the global ones gets them.
    """
    whole = {
        "description": _join(canvas.whole.prefixes),
        **_suffixes(canvas.whole, ()),
        "HTML_web_color_name": nearest_color(canvas.whole.color),
    }
    count = len(canvas.locals)
    locals = [_local(canvas, region, count - i) for i, region in enumerate(canvas.locals)]
    calls = [_call("set_global_description", whole), *(_call("add_local_description", one) for one in locals)]
    return "\n\n".join(["canvas = Canvas()", *calls]) + "\n"


def nearest(place: Rect) -> Words:
    """The words for the rectangle whose edges are nearest to those of ``place``; of equal ones those without offset."""
    return min(_rects(), key=lambda words: sum((a - b) ** 2 for a, b in zip(_rects()[words], place, strict=True)))


def nearest_color(color: Color) -> str:
    """The CSS name of the nearest color."""
    return min(COLORS, key=lambda name: sum((a - b) ** 2 for a, b in zip(COLORS[name], color, strict=True)))


@lru_cache(1)
def _rects() -> dict[Words, Rect]:
    order = itertools.product(OFFSETS, LOCATIONS, AREAS)
    return {(location, offset, area): rect(location, offset, area) for offset, location, area in order}


def _local(canvas: Canvas, region: Region, distance: int) -> dict[str, str | int | list[str]]:
    location, offset, area = nearest(region.rect)
    return {
        "location": location,
        "offset": offset,
        "area": area,
        "distance_to_viewer": distance,
        "description": _join(canvas.own_prefixes(region)),
        **_suffixes(region, AFTER_TAGS),
        "HTML_web_color_name": nearest_color(region.color),
    }


def _suffixes(region: Region, after: tuple[str, ...]) -> dict[str, str | list[str]]:
    """The suffixes under the fields of a call. Order goes before: tags that more than ``after`` follow are one of the details."""
    pieces = list(region.suffixes)
    tags = region.tags
    if tags is None or not literal(pieces[tags]) or len(list(_pieces(pieces[tags + 1 :]))) > len(after):
        tags = len(pieces)
    rest = list(_pieces(pieces[tags:])) + [""] * (1 + len(after))
    return {"detailed_descriptions": list(_pieces(pieces[:tags])), **dict(zip(("tags", *after), rest, strict=False))}


def _join(prefixes: Iterable[str]) -> str:
    return ". ".join(_pieces(prefixes))


def _pieces(texts: Iterable[str]) -> Iterable[str]:
    """The texts as a model writes them: without the full stops and the escapes that reading gives them."""
    return (_ESCAPED.sub(r"\1", piece[:-1]) for piece in literal(*texts))


def _call(method: str, fields: dict[str, str | int | list[str]] | dict[str, str | list[str]]) -> str:
    arguments = "\n".join(f"    {name}={_literal(value)}," for name, value in fields.items())
    return f"canvas.{method}(\n{arguments}\n)"


def _literal(value: str | int | list[str]) -> str:
    if isinstance(value, list):
        lines = "".join(f"        {_literal(item)},\n" for item in value)
        return f"[\n{lines}    ]" if value else "[]"
    text = repr(value)
    # Behind a semicolon a call would begin, even in a text.
    return text.replace(";", r"\x3b") if is_program(text) else text

"""Which size the next picture gets: by the class of its aspect, by a preset, or the nearest bucket."""

import math
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from .told import Told
from .typed import narrow

Size = tuple[int, int]
"""Width and height in pixels."""

SIDES = (16, 16384)
"""The shortest and the longest side that a picture may have, in pixels."""

Aspect = Literal["landscape", "portrait", "square"]

STEP = 64
"""Sides of buckets are multiples of this, in pixels."""


CLASSES: dict[str, dict[Aspect, Size]] = {
    "SDXL": {"landscape": (1216, 832), "portrait": (832, 1216), "square": (1024, 1024)},
    "SD1.5": {"landscape": (768, 576), "portrait": (576, 768), "square": (512, 512)},
}
"""img2tag2img's sizes: one per aspect class."""

Fit = Literal["crop", "pad", "squash"]
"""How a picture of one aspect comes to a size of another: filled and cut at both ends, whole with a border, or distorted."""

OWN = "own sizes"
BUCKET = "nearest bucket"

PRESETS: dict[str, Size] = {
    "portrait": (448, 768),
    "landscape": (768, 448),
    "square": (576, 576),
    "optimal": (512, 512),
}
"""The batch CLI's sizes, whatever the picture. ``optimal`` is what SD 1.x was trained on."""


def aspect_of(width: float, height: float) -> Aspect:
    """The aspect class; only exactly equal sides are square."""
    return "square" if width == height else "landscape" if width > height else "portrait"


def read_aspect(text: str) -> Aspect | Size:
    """Reads an aspect: the name of a class, or two sides such as ``3:2`` or ``1216x832``.

    Raises:
        Told: it is neither.
    """
    word = narrow(text).strip().lower()
    if word in ("landscape", "portrait", "square"):
        return word
    if (sides := re.fullmatch(r"(\d{1,6})\s*[:x/]\s*(\d{1,6})", word)) and int(sides[1]) and int(sides[2]):
        return int(sides[1]), int(sides[2])
    raise Told(f"{text!r} is not an aspect. Give landscape, portrait, square, or two sides such as 3:2 or 1216x832.")


def buckets(side: int = 1024) -> list[Size]:
    """Sizes of about ``side * side`` pixels: sides from half to twice ``side`` in steps of 64, area at most 10 % below.

    ``side`` is taken down to a multiple of 64: between these there are sides for which no size is near enough.
    For 1024 these are the 40 sizes that SDXL was trained on (arXiv 2307.01952, appendix I) and 1344 x 704, which is missing
    there but stands in its authors' own sampling demo.
    """
    side = side // STEP * STEP
    area, sides = side * side, range(math.ceil(side / 2 / STEP) * STEP, 2 * side + 1, STEP)
    return [(width, height) for width in sides for height in sides if 0.9 * area < width * height <= area]


def nearest_bucket(width: float, height: float, side: int = 1024) -> Size:
    """The bucket whose aspect is nearest to ``width / height`` on a logarithmic scale; of equals the one with more pixels."""
    wanted = math.log(width / height)
    return min(
        buckets(side), key=lambda size: (round(abs(math.log(size[0] / size[1]) - wanted), 9), -size[0] * size[1])
    )


def choose(choice: Mapping[str, Any], picture: Size | None = None, aspect: str = "") -> Size:
    """The size of the next picture.

    Args:
        choice: under ``sizes`` a name of :data:`CLASSES` or :data:`PRESETS`, :data:`OWN` or :data:`BUCKET`; with ``OWN`` also
            ``landscape_width``, ``landscape_height`` and so on, with ``BUCKET`` also ``bucket_side``.
        picture: size of the picture to follow.
        aspect: goes before ``picture``, see :func:`read_aspect`.

    Raises:
        Told: neither picture nor aspect says enough.
    """
    kind: str = choice["sizes"]
    if kind in PRESETS:
        return PRESETS[kind]
    wanted = read_aspect(aspect) if aspect.strip() else picture
    if wanted is None:
        raise Told(f"{kind!r} follows a picture: connect image or aspect, or choose one of {', '.join(PRESETS)}.")
    if kind == BUCKET:
        if isinstance(wanted, str):
            raise Told(
                f"{kind!r} cannot tell how {wanted} the picture is: connect image, or give two sides such as 3:2."
            )
        return nearest_bucket(*wanted, choice["bucket_side"])
    name = wanted if isinstance(wanted, str) else aspect_of(*wanted)
    return (choice[f"{name}_width"], choice[f"{name}_height"]) if kind == OWN else CLASSES[kind][name]


class Fitted(NamedTuple):
    """What of a picture goes where.

    Attributes:
        box: what is taken: left, top, right and bottom, as shares of its sides.
        place: where it goes: the same in pixels.
    """

    box: tuple[float, float, float, float]
    place: tuple[int, int, int, int]


def fitted(picture: Size, size: Size, fit: Fit) -> Fitted:
    """How a picture comes to a size: what is cut from it, or what is left around it, is as much on either side."""
    across, down = (new / old for new, old in zip(size, picture, strict=True))
    box, place = (0.0, 0.0, 1.0, 1.0), (0, 0, *size)
    if fit == "crop":
        x, y = (0.5 - scale / max(across, down) / 2 for scale in (across, down))
        box = (x, y, 1 - x, 1 - y)
    elif fit == "pad":
        width, height = (max(round(side * min(across, down)), 1) for side in picture)
        left, top = (size[0] - width) // 2, (size[1] - height) // 2
        place = (left, top, left + width, top + height)
    return Fitted(box, place)

"""The words an answer places regions with, and what they mean on the grid (lllyasviel/Omost's tables)."""

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

from PIL import ImageColor

from .canvas import GRID, Rect

LOCATIONS = {
    "in the center": (45, 45),
    "on the left": (15, 45),
    "on the right": (75, 45),
    "on the top": (45, 15),
    "on the bottom": (45, 75),
    "on the top-left": (15, 15),
    "on the top-right": (75, 15),
    "on the bottom-left": (15, 75),
    "on the bottom-right": (75, 75),
}
"""Where the middle of a region is: x, y in cells."""

OFFSETS = {
    "no offset": (0, 0),
    "slightly to the left": (-10, 0),
    "slightly to the right": (10, 0),
    "slightly to the upper": (0, -10),
    "slightly to the lower": (0, 10),
    "slightly to the upper-left": (-10, -10),
    "slightly to the upper-right": (10, -10),
    "slightly to the lower-left": (-10, 10),
    "slightly to the lower-right": (10, 10),
}
"""By how much that is moved: x, y in cells."""

AREAS = {
    "a small square area": (50, 50),
    "a small vertical area": (40, 60),
    "a small horizontal area": (60, 40),
    "a medium-sized square area": (60, 60),
    "a medium-sized vertical area": (50, 80),
    "a medium-sized horizontal area": (80, 50),
    "a large square area": (70, 70),
    "a large vertical area": (60, 90),
    "a large horizontal area": (90, 60),
}
"""How large a region is: width, height in cells."""

COLORS: dict[str, tuple[int, int, int]] = {name: ImageColor.getrgb(name)[:3] for name in ImageColor.colormap} | {
    "navyblue": (0, 0, 128)
}
"""CSS names, and one that Omost's models like: red, green, blue, 0 to 255."""

SLIP = 0.88
"""How alike two phrases are of which one is the other with a slip of the pen: two letters of nine in each other's place."""
SLIP_IN_WORD = 0.8
"""The same of two words: two letters of five in each other's place."""
CUTOFF = 0.5
LONGEST = 100
"""Letters of a word for which one of these is looked for; what is longer is a sentence."""

_SAME: dict[str, str] = {
    **dict.fromkeys(("upper", "up", "above"), "top"),
    **dict.fromkeys(("lower", "down", "below"), "bottom"),
    **dict.fromkeys(("middle", "centre", "central"), "center"),
    **dict.fromkeys(("big", "huge"), "large"),
    **{"tiny": "small", "tall": "vertical", "wide": "horizontal"},
}
_FILLING = {
    *("a", "an", "area", "at", "bit", "corner", "edge", "far", "in", "little"),
    *("of", "on", "part", "side", "sized", "slightly", "the", "to"),
}
_SIDES = {"top", "bottom", "left", "right"}
_KNOWN = [w for w in {*_SAME, *_FILLING, *re.findall(r"\w+", " ".join((*LOCATIONS, *OFFSETS, *AREAS)))} if len(w) > 2]


def rect(location: str, offset: str, area: str) -> Rect:
    """The cells that three words of the tables mean; none of the 729 rectangles is empty."""
    x, y = (sum(pair) for pair in zip(LOCATIONS[location], OFFSETS[offset], strict=True))
    width, height = AREAS[area]
    top, bottom, left, right = y - height // 2, y + height // 2, x - width // 2, x + width // 2
    return max(top, 0), min(bottom, GRID), max(left, 0), min(right, GRID)


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that a word most likely means: ``top left`` is ``on the top-left``. None if there is none like it."""
    return _closest(word, tuple(choices)) if len(word) <= LONGEST else None


@lru_cache(1024)
def _closest(word: str, choices: tuple[str, ...]) -> str | None:
    if (lower := word.strip().lower()) in choices:
        return lower
    said = _words(word)
    as_written, mended, essences = _forms(choices)
    # Of a phrase with a slip all letters count: what is left of it without its filling words is short.
    slips = [*_nearest(lower, as_written, SLIP), *_nearest(" ".join(said), mended, SLIP)]
    found = [max(slips)] if slips else _nearest(_essence(said), essences, CUTOFF)
    return found[0][1] if found else None


def _nearest(text: str, forms: dict[str, str], cutoff: float) -> list[tuple[float, str]]:
    """How alike the form is that is most like the text, and whose it is; nothing if none is."""
    near = difflib.get_close_matches(text, forms, n=1, cutoff=cutoff)
    return [(difflib.SequenceMatcher(None, form, text).ratio(), forms[form]) for form in near]


@lru_cache(16)
def _forms(choices: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    words = {choice: _words(choice) for choice in choices}
    return (
        {choice: choice for choice in choices},
        {" ".join(said): choice for choice, said in words.items()},
        {_essence(said): choice for choice, said in words.items()},
    )


def _words(phrase: str) -> list[str]:
    """Without case, hyphens and underscores, each word without its slip, and one word for one direction."""
    said: list[str] = re.findall(r"[^\W_]+", phrase.lower())
    return [_SAME.get(word, word) for word in map(_mended, said)]


def _mended(word: str) -> str:
    known = difflib.get_close_matches(word, _KNOWN, n=1, cutoff=SLIP_IN_WORD) if len(word) > 2 else []
    return known[0] if known else word


def _essence(words: list[str]) -> str:
    """What tells phrases apart: no blanks, no filling words."""
    left = [w for w in words if w not in _FILLING]
    if _SIDES & set(left):  # the top center is the top
        left = [w for w in left if w != "center"]
    return "".join(left or words)


def clean(text: str) -> str:
    """A sentence without commas, full stops and blanks around it, and with one full stop; empty if nothing is left."""
    stripped = text.strip(",. ")
    return f"{stripped}." if stripped else ""

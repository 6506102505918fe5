"""A language model's answer in JSON: the arguments of Omost's two methods, as one object.

``{"global": {...}, "regions": [{...}, ...]}`` with the fields of :mod:`.describe`.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .canvas import Canvas, CanvasError
from .describe import Global, layout, quote, read_global, read_local
from .lenient import LENIENT, TRIES
from .program import closed

WHOLE = ("global", "global_description", "set_global_description")
LOCALS = ("regions", "locals", "local_descriptions", "add_local_description")
"""Keys of an answer, in any case. Omost's models know them by the names of the methods."""

_GLOBAL = re.compile(rf'"(?:{"|".join(WHOLE)})"\s*+:\s*+(?=\{{)', re.IGNORECASE)
_REGIONS = re.compile(rf'"(?:{"|".join(LOCALS)})"\s*+:\s*+\[', re.IGNORECASE)
_LIST_END = re.compile(r"\s*+\]")


@dataclass(frozen=True)
class Parts:
    """The objects of an answer that can be read, and how those begin that cannot.

    Attributes:
        finished: whether the answer went to its end; ``begun`` if it broke off within the global description.
        foreign: keys that are none of an answer's.
    """

    whole: Any
    regions: Sequence[Any]
    broken: tuple[str, ...] = ()
    finished: bool = True
    begun: bool = False
    foreign: tuple[str, ...] = ()


def is_region(value: Any) -> bool:
    """Whether a value is a region of an answer."""
    if not isinstance(value, dict):
        return False
    keys = {key.lower() for key in cast(dict[str, Any], value)}
    return "prefixes" not in keys and ("location" in keys or ("description" in keys and "bbox" not in keys))


def parts_of(value: Mapping[str, Any]) -> Parts | None:
    """The parts of an answer; None if the object is none."""
    keys = {key.strip().lower().replace(" ", "_"): key for key in value}
    whole = next((keys[name] for name in WHOLE if name in keys), None)
    regions = next((keys[name] for name in LOCALS if name in keys), None)
    if whole and not regions:
        regions = next((key for key, item in value.items() if isinstance(item, list)), None)
    described = whole is not None and isinstance(value[whole], dict | str)
    found = _listed(value[regions]) if regions else []
    if not described and not any(map(is_region, found)):
        return None
    foreign = tuple(key for key in value if key not in (whole, regions))
    return Parts(value[whole] if whole and described else None, found, foreign=foreign)


def _listed(regions: Any) -> list[Any]:
    """The regions of a list, or of an object in which each has a name, or the one."""
    if is_region(regions):
        return [regions]
    if isinstance(regions, dict):
        return list(cast(dict[str, Any], regions).values())
    return cast(list[Any], regions) if isinstance(regions, list) else []


def salvage(text: str) -> Parts:
    """What is whole in an answer that breaks off or is broken in the middle, and what is of its global description."""
    found = _GLOBAL.search(text)
    whole, begun = _begun(text[found.end() :]) if found else (None, False)
    found = _REGIONS.search(text)
    if not found and not text.startswith("["):
        return Parts(whole, [], finished=False, begun=begun)
    regions, broken, finished = objects(text, found.end() if found else 1, {"description", "location"})
    return Parts(whole, regions, broken, finished, begun)


def _begun(text: str) -> tuple[Any, bool]:
    """The object that a text begins with, or what is complete of one that breaks off; and whether it does."""
    for tried in (text, *closed(text)):
        with contextlib.suppress(CanvasError, ValueError, RecursionError):
            whole, begun = LENIENT.raw_decode(tried)[0], tried is not text
            return None if begun and not whole else whole, begun
    return None, False


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
            value, end = LENIENT.raw_decode(text, at)
        except (CanvasError, ValueError, RecursionError):
            begin = at if begin is None else begin
            at, left = at + 1, left - 1
            continue
        if keys & {key.lower() for key in value}:
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
    notes += [f"{quote(key)} of the answer was not read" for key in parts.foreign]
    whole, fields = Global(), _object(parts.whole)
    if fields is None:
        notes.append("the answer has no global description: it was left empty")
    else:
        whole, more = read_global(fields)
        notes += [] if parts.begun else more
    locals = [read_local(cast(dict[str, Any], item)) for item in parts.regions if isinstance(item, dict)]
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
    """A description may stand for the object that holds it."""
    if isinstance(value, str):
        return {"description": value}
    return cast(dict[str, Any], value) if isinstance(value, dict) else None

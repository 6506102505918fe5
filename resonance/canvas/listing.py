"""The JSON list of regions: what Omost's canvas conditioning looks like on the wire, and a little more.

Each item is ``{"rect": [top, bottom, left, right], "prefixes": [...], "suffixes": [...], "color": [r, g, b]}``, the first one
global. Ours are ``name``, ``tags`` (index of a suffix), ``negative``, ``weight``, ``start``, ``end``, ``mask``, ``lora``
(``{"file", "strength"}``, or a list of these) and ``picture`` (one of these), and ``from`` on the first. Keys that we do not know are
kept as they are.
"""

import hashlib
import json
import re
from dataclasses import asdict, replace
from typing import Any, TypeVar, cast

from ..llm.chat import sound
from .canvas import GRID, STRONGEST, STRONGEST_PICTURE, WHOLE, Canvas, CanvasError, Lora, Region, RegionPicture
from .describe import QUOTED, as_rect, quote
from .masks import decode

T = TypeVar("T")

ALWAYS = ("rect", "prefixes", "suffixes", "color")
UNLESS_USUAL = ("name", "tags", "negative", "weight", "start", "end", "mask")
KEYS = (*ALWAYS, *UNLESS_USUAL, "lora", "picture")
MENTIONED = 3
"""Most keys in a message."""

MOST_LORAS = 8
"""Most LoRAs of one region."""

LONGEST_NAME = 1024
"""Characters of the name of a picture."""

_ANNOTATED = re.compile(r"(.*?) ?\[(input|output|temp)\]", re.DOTALL)


def write(canvas: Canvas) -> str:
    """The canvas as JSON, a region a line; what has its default is left out."""
    lines = [_line(region, canvas.origin if number == 0 else "") for number, region in enumerate(canvas.regions)]
    return "[\n" + ",\n".join(lines) + "\n]"


def digest(canvas: Canvas) -> str:
    """A short hash of all that a canvas holds, but not of where it came from."""
    return hashlib.sha256(write(replace(canvas, origin="")).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _line(region: Region, origin: str) -> str:
    usual = Region()
    item: dict[str, Any] = {name: getattr(region, name) for name in ALWAYS}
    item |= {name: value for name in UNLESS_USUAL if (value := getattr(region, name)) != getattr(usual, name)}
    if region.loras:
        loras = [asdict(lora) for lora in region.loras]
        item["lora"] = loras if len(loras) > 1 else loras[0]
    if region.picture:
        item["picture"] = asdict(region.picture)
    if origin:
        item["from"] = origin
    parts = [f"{_text(name)}: {_text(value)}" for name, value in item.items()]
    return "{" + ", ".join([*parts, *(f"{_text(name)}: {value}" for name, value in region.extra)]) + "}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def read_list(value: Any) -> Canvas:
    """The canvas in a JSON list that has been loaded.

    Raises:
        CanvasError: it is no such list; the text names the item (0 is the global one) and the key.
    """
    if not isinstance(value, list):
        raise CanvasError(f"A canvas in JSON is a list of regions, not {_shown(value)}.")
    items = cast(list[Any], value)
    if not items:
        raise CanvasError("The list of regions is empty: its first item is the global one.")
    regions = tuple(_Item(item, number).region() for number, item in enumerate(items))
    keys = list(dict.fromkeys(key for item in items for key in item))
    if keys and not {*KEYS, "from"}.intersection(keys):
        found = ", ".join(map(quote, keys[:MENTIONED])) + (", ..." if len(keys) > MENTIONED else "")
        raise CanvasError(f"The list has none of a canvas's keys, such as rect, prefixes and suffixes, but {found}.")
    return Canvas(regions, _Item(items[0], 0).of("from", str, "a text", ""))


class _Item:
    def __init__(self, value: Any, number: int) -> None:
        self.number = number
        if not isinstance(value, dict):
            raise CanvasError(f"Item {number} of the list is {_shown(value)}, not a region: an object in {{}}.")
        self.fields = cast(dict[str, Any], value)

    def region(self) -> Region:
        usual = Region()
        suffixes = self.texts("suffixes")
        start = self.number_of("start", 0.0, 1.0, usual.start)
        return Region(
            self.rect(),
            self.texts("prefixes"),
            suffixes,
            self.color(),
            self.tags(len(suffixes)),
            self.of("name", str, "a text", ""),
            self.of("negative", str, "a text", ""),
            self.number_of("weight", 0.0, STRONGEST, usual.weight),
            start,
            self.number_of("end", start, 1.0, usual.end),
            self.mask(),
            self.loras(),
            self.extra(),
            self.picture(),
        )

    def wrong(self, key: str, wanted: str) -> CanvasError:
        return CanvasError(f"Item {self.number} of the list: {key} is {_shown(self.fields.get(key))}, not {wanted}.")

    def of(self, key: str, kind: type[T], wanted: str, usual: T) -> T:
        value = self.fields.get(key)
        if value is None:
            return usual
        if not isinstance(value, kind):
            raise self.wrong(key, wanted)
        return cast(T, sound(value)) if isinstance(value, str) else value

    def texts(self, key: str) -> tuple[str, ...]:
        values: list[Any] = self.of(key, list, "a list of texts", [])
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "a list of texts")
        return tuple(sound(value) for value in values)

    def rect(self) -> tuple[int, int, int, int]:
        if self.number == 0 and self.fields.get("rect") is None:
            return WHOLE
        if found := as_rect(self.fields.get("rect")):
            return found
        raise self.wrong(
            "rect",
            f"[top, bottom, left, right] in whole cells with 0 <= top < bottom <= {GRID} and 0 <= left < right <= {GRID}",
        )

    def color(self) -> tuple[int, int, int]:
        values: list[Any] = self.of("color", list, "[red, green, blue]", list(Region().color))
        if len(values) != 3 or not all(
            type(part) in (int, float) and 0 <= part <= 255 and part % 1 == 0 for part in values
        ):
            raise self.wrong("color", "[red, green, blue] in whole numbers from 0 to 255")
        return int(values[0]), int(values[1]), int(values[2])

    def tags(self, suffixes: int) -> int | None:
        value = self.fields.get("tags")
        if value is not None and (type(value) is not int or not 0 <= value < suffixes):
            raise self.wrong("tags", f"the number of one of the {suffixes} suffixes, from 0")
        return value

    def number_of(self, key: str, low: float, high: float, usual: float) -> float:
        if (value := self.fields.get(key)) is None:
            return usual
        if (number := _within(value, low, high)) is None:
            raise self.wrong(key, f"a number from {low:g} to {high:g}")
        return number

    def mask(self) -> str:
        text = self.of("mask", str, "a PNG in base64", "").removeprefix("data:image/png;base64,")
        if text:
            try:
                decode(text)
            except CanvasError as error:
                raise CanvasError(f"Item {self.number} of the list: mask {error}.") from None
        return text

    def loras(self) -> tuple[Lora, ...]:
        """One alone need not be in a list, as older canvases have it."""
        value = self.fields.get("lora")
        items: list[Any] = cast(list[Any], value) if isinstance(value, list) else [] if value is None else [value]
        found = [_lora(item) for item in items]
        if len(found) > MOST_LORAS or not all(found):
            wanted = f'{{"file": name of a file, "strength": a number within {STRONGEST:g}}}'
            raise self.wrong("lora", f"{wanted}, or a list of at most {MOST_LORAS} of these")
        return tuple(lora for lora in found if lora)

    def picture(self) -> RegionPicture | None:
        """Of the input folder alone: a canvas may come from anybody."""
        if (value := self.fields.get("picture")) is None:
            return None
        if found := _picture(value):
            return found
        wanted = f'{{"file": name of a picture in ComfyUI\'s input folder, "strength": a number from 0 to {STRONGEST_PICTURE:g}}}'
        raise self.wrong("picture", wanted)

    def extra(self) -> tuple[tuple[str, str], ...]:
        known = {*KEYS, "from"} if self.number == 0 else {*KEYS}
        return tuple((sound(key), sound(_text(value))) for key, value in self.fields.items() if key not in known)


def _lora(value: Any) -> Lora | None:
    match value:
        case {"file": str() as file} as fields if file.strip():
            strength = _within(cast(dict[str, Any], fields).get("strength", 1.0), -STRONGEST, STRONGEST)
            return None if strength is None else Lora(sound(file), strength)
        case _:
            return None


def _picture(value: Any) -> RegionPicture | None:
    match value:
        case {"file": str() as file} as fields:
            strength = _within(cast(dict[str, Any], fields).get("strength", 1.0), 0.0, STRONGEST_PICTURE)
            name = in_input_folder(sound(file))
            return RegionPicture(name, strength) if name and strength is not None else None
        case _:
            return None


def in_input_folder(name: str) -> str | None:
    """The name of a file below ComfyUI's input folder, without the mark that Load Image may put behind it; None: it is no such name."""
    if (found := _ANNOTATED.fullmatch(name)) and found[2] == "input":
        name = found[1]
    name = name.replace("\\", "/")
    leads_out = re.match("[A-Za-z]:", name) or {"", ".", ".."}.intersection(name.split("/"))
    strange = "\0" in name or len(name) > LONGEST_NAME or not name.strip() or _ANNOTATED.fullmatch(name)
    return None if leads_out or strange else name


def _within(value: Any, low: float, high: float) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and low <= value <= high else None


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 3]}..."

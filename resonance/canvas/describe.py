"""From what a model says of a picture, in Omost's terms, to a canvas. Both forms of an answer come together here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from PIL import ImageColor

from ..llm.chat import sound
from ..prompt import escaped
from .canvas import GRID, WHOLE, Canvas, Rect, Region
from .vocabulary import AREAS, COLORS, LOCATIONS, OFFSETS, clean, closest, rect

Color = tuple[int, int, int]

GREY: Color = (128, 128, 128)

GLOBAL_FIELDS = ("description", "detailed_descriptions", "tags", "HTML_web_color_name")
"""Arguments of ``set_global_description``, in order."""

LOCAL_FIELDS = (
    *("location", "offset", "area", "distance_to_viewer"),
    *("description", "detailed_descriptions", "tags"),
    *("atmosphere", "style", "quality_meta", "HTML_web_color_name"),
)
"""Arguments of ``add_local_description``, in order."""

MOST = 1e9
"""No length is longer, in any unit."""

QUOTED = 60
"""Longest quotation of a word or line, in characters."""


@dataclass(frozen=True)
class Global:
    """What the whole picture shows."""

    description: str = ""
    details: tuple[str, ...] = ()
    tags: str = ""
    color: Color = GREY


@dataclass(frozen=True)
class Local:
    """What a part of the picture shows. ``distance`` is that to the viewer, in any unit."""

    rect: Rect
    distance: float = 1.0
    description: str = ""
    details: tuple[str, ...] = ()
    tags: str = ""
    atmosphere: str = ""
    style: str = ""
    quality: str = ""
    color: Color = GREY


def layout(whole: Global, locals: Iterable[Local]) -> Canvas:
    """The canvas: pieces of text cleaned, empty ones left out, far before near; equally far ones stay in order.

    Brackets are escaped: a model means what it writes, and not the weights that text encoders read from them.
    """
    prefixes = literal(whole.description)
    details = literal(*whole.details)
    tags = literal(whole.tags)
    first = Region(WHOLE, prefixes, details + tags, whole.color, len(details) if tags else None)
    return Canvas((first, *(_region(prefixes, one) for one in sorted(locals, key=lambda one: -one.distance))))


def _region(prefixes: tuple[str, ...], one: Local) -> Region:
    details, tags = literal(*one.details), literal(one.tags)
    return Region(
        one.rect,
        prefixes + literal(one.description),
        details + tags + literal(one.atmosphere, one.style, one.quality),
        one.color,
        len(details) if tags else None,
    )


def literal(*texts: str) -> tuple[str, ...]:
    """Pieces of a model's text, cleaned, with brackets escaped for text encoders."""
    return tuple(map(escaped, cleaned(*texts)))


def cleaned(*texts: str) -> tuple[str, ...]:
    """The texts as pieces of a region, without those of which nothing is left."""
    return tuple(piece for text in texts if (piece := clean(text)))


def read_global(fields: Mapping[str, Any]) -> tuple[Global, list[str]]:
    """The whole picture from fields as a model wrote them, and notes on what was corrected or left out."""
    said = _Fields(fields, GLOBAL_FIELDS, "the global description")
    said.foreign()
    whole = Global(said.text("description"), said.texts("detailed_descriptions"), said.text("tags"), said.color())
    return whole, said.notes


def read_local(fields: Mapping[str, Any]) -> tuple[Local, list[str]]:
    """A part of the picture from fields as a model wrote them, and notes. ``rect`` may stand for the three words."""
    said = _Fields(fields, (*LOCAL_FIELDS, "rect"), "a region without description")
    if description := said.text("description").strip():
        said.what = quote(description)
    said.foreign()
    local = Local(
        said.rect(),
        said.distance(),
        said.text("description"),
        said.texts("detailed_descriptions"),
        said.text("tags"),
        said.text("atmosphere"),
        said.text("style"),
        said.text("quality_meta"),
        said.color(),
    )
    return local, said.notes


class _Fields:
    """Fields of one object. What is missing or makes no sense takes its default; what is lost or changed is noted."""

    def __init__(self, fields: Mapping[str, Any], known: Sequence[str], what: str) -> None:
        names = {name.lower(): name for name in known}
        self._known, self.what = known, what
        self._said = {names.get(name.strip().lower(), name): value for name, value in fields.items()}
        self._fields = {name: value for name, value in self._said.items() if value is not None}
        self.notes: list[str] = []

    def foreign(self) -> None:
        self.notes += [f"{quote(name)} is not a field of {self.what}" for name in self._said if name not in self._known]

    def text(self, name: str) -> str:
        """A text; several are joined by commas."""
        return ", ".join(self.texts(name))

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._fields.get(name, ())
        items = cast(Sequence[Any], value) if isinstance(value, list | tuple) else [value]
        texts = tuple(sound(item) for item in items if isinstance(item, str))
        if len(texts) < len(items):
            self._note(f"{name} of {self.what} is not text: it was left out")
        return texts

    def word(self, name: str, choices: Iterable[str], default: str) -> str:
        if name not in self._fields:
            self._note(f"{name} of {self.what} is missing: {default!r} was taken")
            return default
        if not isinstance(value := self._fields[name], str):
            self._note(f"{name} of {self.what} is not text: {default!r} was taken")
            return default
        found = closest(value, choices)
        if found is None:
            self._note(f"{name} {quote(value)} of {self.what} has no like among the known words: {default!r} was taken")
        elif found != value.strip().lower():
            self._note(f"{name} {quote(value)} of {self.what} was read as {found!r}")
        return found or default

    def rect(self) -> Rect:
        if "location" not in self._fields and "rect" in self._fields:
            if found := as_rect(value := self._fields["rect"]):
                return found
            self._note(f"rect {quote(str(value))} of {self.what} is no rectangle on the grid of {GRID} x {GRID}")
        return rect(
            self.word("location", LOCATIONS, "in the center"),
            self.word("offset", OFFSETS, "no offset") if "offset" in self._fields else "no offset",
            self.word("area", AREAS, "a medium-sized square area"),
        )

    def color(self) -> Color:
        value = self._fields.get("HTML_web_color_name")
        if isinstance(value, str) and value.strip().startswith("#"):
            try:
                return ImageColor.getrgb(value.strip())[:3]
            except ValueError:
                pass
        return COLORS[self.word("HTML_web_color_name", COLORS, "gray")]

    def distance(self) -> float:
        value = self._fields.get("distance_to_viewer", 1.0)
        try:
            distance = float(value)
            if 0 < distance < float("inf"):
                return distance
        except (TypeError, ValueError, OverflowError):
            pass
        self._note(f"distance_to_viewer of {self.what} is not a number above 0: 1 was taken")
        return 1.0

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def as_rect(value: Any) -> Rect | None:
    """Top, bottom, left and right, if they are a rectangle on the grid: in whole cells, or as :func:`measured` takes shares."""
    if not isinstance(value, list | tuple) or not (found := measured(cast(Sequence[Any], value), (GRID,) * 4)):
        return None
    edges, shares = found
    top, bottom, left, right = map(round, edges)
    if not shares and [top, bottom, left, right] != edges:
        return None
    return (top, bottom, left, right) if 0 <= top < bottom <= GRID and 0 <= left < right <= GRID else None


def measured(values: Sequence[Any], sizes: Sequence[int]) -> tuple[list[float], bool] | None:
    """Four lengths along sides of these sizes, and whether they were shares of them: "50%", or all from 0 to 1 with a decimal
    point. Texts that are numbers will do. None if they are no lengths."""
    if all(isinstance(value, str) for value in values):
        texts: list[str] = [value.strip() for value in values]
        percent = all(text.endswith("%") for text in texts)
        try:
            values = [float(t[:-1]) / 100 if percent else float(t) if "." in t else int(t) for t in texts]
        except ValueError:
            return None
    if len(values) != 4 or not all(type(value) in (int, float) and abs(value) < MOST for value in values):
        return None
    shares = any(type(value) is float for value in values) and all(0 <= value <= 1 for value in values)
    return [value * size if shares else value for value, size in zip(values, sizes, strict=True)], shares


def quote(text: str) -> str:
    """A piece of somebody's text, in quotation marks, not too long for a message."""
    text = sound(text.strip())
    return repr(text if len(text) <= QUOTED else f"{text[: QUOTED - 3]}...")

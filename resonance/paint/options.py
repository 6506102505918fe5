"""The options of a prompt line: what stands behind ``--``, as gen_img has it.

An option begins with two dashes behind a blank, or at the beginning, directly before a letter: ``text -- with dashes`` has none.
Behind its name stands a blank, then the value, up to the next option.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

from ..files.names import LONGEST, safe
from ..files.settings import ASKED
from ..plugins import is_there
from ..sizes import SIDES
from ..typed import narrow, written
from .dynamic import Misread

"""Pixels of a picture's side."""
STEPS = (1, 1000)
SEEDS = 2**64
HOLE = "\0"
"""Stands in a text for what is chosen later: an option that holds one is not read."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a line gives; None: it leaves that open.

    Attributes:
        negative: words of the negative prompt.
        width, height: in pixels, multiples of 8.
        scale: of classifier-free guidance.
        negative_scale: that of the negative words; ``none``: they are guided like the others.
        strength: how much of a start picture is made anew, above 0 to 1.
        seeds: one for each picture of the line, in order.
        multipliers: of the LoRAs, in order; the last counts for all further ones.
        guide: words by which CLIP guides the picture.
        file: name of the file of the line's first picture, without folders.
        original_width ... crop_top: what SDXL is told of sizes, in pixels.
        ds_depth_1 ... ds_ratio: deep shrink; timesteps from 0 to 1000.
        gl_timesteps ... gl_unsharp: gradual latent; the last is kernel, sigma, strength and, if there is a fourth, whether it acts
            on the picture (1) or on its noise (0).
    """

    negative: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    scale: float | None = None
    negative_scale: float | Literal["none"] | None = None
    strength: float | None = None
    seeds: tuple[int, ...] | None = None
    multipliers: tuple[float, ...] | None = None
    guide: str | None = None
    file: str | None = None
    original_width: int | None = None
    original_height: int | None = None
    original_width_negative: int | None = None
    original_height_negative: int | None = None
    crop_left: int | None = None
    crop_top: int | None = None
    ds_depth_1: int | None = None
    ds_timesteps_1: int | None = None
    ds_depth_2: int | None = None
    ds_timesteps_2: int | None = None
    ds_ratio: float | None = None
    gl_timesteps: int | None = None
    gl_ratio: float | None = None
    gl_ratio_step: float | None = None
    gl_every: int | None = None
    gl_s_noise: float | None = None
    gl_unsharp: tuple[float, ...] | None = None


# One option


class Kind(NamedTuple):
    """What an option takes.

    Attributes:
        wants: to be read behind "takes".
        read: gives the value of a text, or raises ValueError.
    """

    wants: str
    read: Callable[[str], Any]


class Option(NamedTuple):
    """A row of the table.

    Attributes:
        field: of :class:`Options`.
        settled: the value that is taken for one that was read.
    """

    field: str
    kind: Kind
    settled: Callable[[Any], Any] = lambda value: value


_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})")


def _number(text: str, low: float, high: float, form: re.Pattern[str] = _NUMBER) -> float:
    if not form.fullmatch(text):
        raise ValueError
    value = int(text) if form is _WHOLE else float(text)
    if not low <= value <= high:
        raise ValueError
    return value


def _numbers(text: str, low: float, high: float, form: re.Pattern[str] = _NUMBER) -> tuple[float, ...]:
    """Numbers between commas; one more comma at the end does no harm."""
    return tuple(_number(part.strip(), low, high, form) for part in text.removesuffix(",").split(","))


def whole(low: int, high: int) -> Kind:
    """A whole number."""

    def read(text: str) -> float:
        return _number(narrow(text).strip(), low, high, _WHOLE)

    return Kind(f"a whole number from {low} to {high}", read)


def decimal(low: float, high: float) -> Kind:
    """A number."""

    def read(text: str) -> float:
        return _number(narrow(text).strip(), low, high)

    return Kind(f"a number from {low:g} to {high:g}", read)


def _seeds(text: str) -> tuple[float, ...]:
    return _numbers(narrow(text).strip(), 0, SEEDS - 1, _WHOLE)


def _multipliers(text: str) -> tuple[float, ...]:
    return _numbers(narrow(text).strip(), -100, 100)


def _share(text: str) -> float:
    if not (value := _number(narrow(text).strip(), 0, 1)):
        raise ValueError
    return value


def _scale_or_none(text: str) -> float | str:
    return "none" if text.strip().lower() == "none" else _number(narrow(text).strip(), 0, 100)


def _unsharp(text: str) -> tuple[float, ...]:
    values = _numbers(narrow(text).strip(), 0, 100)
    if len(values) not in (3, 4) or values[0] % 2 != 1:
        raise ValueError
    return values


def _words(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text.strip()


_SHARE = Kind("a number above 0, at most 1", _share)
_PIXELS = whole(0, SIDES[1])
_DEPTH = whole(0, 8)
_TIMESTEP = whole(0, 1000)


def _side(value: int) -> int:
    return value // 8 * 8


def _steps(value: int) -> int:
    return min(max(value, STEPS[0]), STEPS[1])


def _file(name: str) -> str:
    """As it can be saved: one name, valid on every system, without a suffix of pictures that are not written here."""
    from .. import images  # loads Pillow

    stem, dot, ending = name.rstrip(". ").rpartition(".")
    suffix = f"{dot}{ending}"
    if not stem or suffix.lower() not in images.SUFFIXES | ASKED.keys():
        stem, suffix = stem + suffix, ""
    elif suffix.lower() not in ASKED or not is_there(ASKED[suffix.lower()]):
        suffix = ""
    return safe(stem, LONGEST - len(suffix)) + suffix


OPTIONS: Mapping[str, Option] = {
    "n": Option("negative", Kind("words", str.strip)),
    "w": Option("width", whole(*SIDES), _side),
    "h": Option("height", whole(*SIDES), _side),
    "s": Option("steps", Kind(f"a whole number from {STEPS[0]} to {STEPS[1]}", whole(-(10**9), 10**9).read), _steps),
    "d": Option("seeds", Kind(f"seeds from 0 to {SEEDS - 1} with commas between them", _seeds)),
    "l": Option("scale", decimal(0, 100)),
    "nl": Option("negative_scale", Kind("a number from 0 to 100, or none", _scale_or_none)),
    "t": Option("strength", _SHARE),
    "am": Option("multipliers", Kind("numbers from -100 to 100 with commas between them", _multipliers)),
    "c": Option("guide", Kind("words", _words)),
    "f": Option("file", Kind("the name of a file", _words), _file),
    "ow": Option("original_width", _PIXELS),
    "oh": Option("original_height", _PIXELS),
    "nw": Option("original_width_negative", _PIXELS),
    "nh": Option("original_height_negative", _PIXELS),
    "cl": Option("crop_left", _PIXELS),
    "ct": Option("crop_top", _PIXELS),
    "dsd1": Option("ds_depth_1", _DEPTH),
    "dst1": Option("ds_timesteps_1", _TIMESTEP),
    "dsd2": Option("ds_depth_2", _DEPTH),
    "dst2": Option("ds_timesteps_2", _TIMESTEP),
    "dsr": Option("ds_ratio", _SHARE),
    "glt": Option("gl_timesteps", _TIMESTEP),
    "glr": Option("gl_ratio", _SHARE),
    "gls": Option("gl_ratio_step", _SHARE),
    "gle": Option("gl_every", whole(1, 1000)),
    "glsn": Option("gl_s_noise", decimal(0, 100)),
    "glus": Option(
        "gl_unsharp",
        Kind("kernel (an odd number), sigma and strength with commas between them, such as 3,0.5,0.5", _unsharp),
    ),
}
"""By what is written behind the dashes, in either case."""

NAMES = {option.field: name for name, option in OPTIONS.items()}

_SIZES = (
    "original_width",
    "original_height",
    "original_width_negative",
    "original_height_negative",
    "crop_left",
    "crop_top",
)
TAKEN_BY: Mapping[str, str] = {
    "multipliers": "LoRA Stack",
    **dict.fromkeys(_SIZES, "Encode Line"),
    "negative_scale": "Negative Scale",
    **{field: "Deep Shrink" for field in NAMES if field.startswith("ds_")},
    **{field: "Gradual Latent" for field in NAMES if field.startswith("gl_")},
    "guide": "Gradient Guidance",
}
"""Fields that reach a graph by nothing but an item: the node that takes them."""


def untaken(given: Collection[str], nodes: Collection[str] | None) -> Iterator[str]:
    """What is to be said of options that nothing takes.

    Args:
        given: fields.
        nodes: names of those that take the item; None: there are no nodes, diffusers paints.
    """
    for node in dict.fromkeys(TAKEN_BY.values()):
        names = [f"--{NAMES[field]}" for field, by in TAKEN_BY.items() if by == node and field in given]
        if names and (nodes is None or node not in nodes):
            where = "without ComfyUI" if nodes is None else f"here: connect item to {node}"
            yield f"{', '.join(names)} {'does' if len(names) == 1 else 'do'} nothing {where}."


# A line


_NOTHING = Options()


class Said(NamedTuple):
    """A line, read.

    Attributes:
        given: fields of the options that it gives, also those of which the value holds a :data:`HOLE`.
        notes: what was taken for something else, and where it stands.
    """

    prompt: str
    options: Options
    given: frozenset[str]
    notes: tuple[tuple[int, str], ...] = ()


_DASHES = re.compile(r"(?:^|(?<=\s))--(?=[A-Za-z])")
_LONG = re.compile(
    rf"(?:^|(?<=\s))[—–―−]{{1,2}}({'|'.join(sorted(OPTIONS, key=len, reverse=True))})(?=[\s0-9]|$)", re.IGNORECASE
)
_GLUED = re.compile(rf"({'|'.join(sorted(OPTIONS, key=len, reverse=True))})(?:[=:]|(?=[-+.]?[0-9]))(.+)", re.IGNORECASE)


class Part(NamedTuple):
    """An option as it stands in a line: its name without dashes, its value, and where they begin, from 0."""

    name: str
    value: str
    at: int
    value_at: int


def parts(text: str) -> tuple[str, list[Part]]:
    """The prompt of a line, and its options, unread."""
    begins = [found.end() for found in _DASHES.finditer(text)]
    if not begins:
        return text, []
    ends = [*(begin - 2 for begin in begins[1:]), len(text)]
    found: list[Part] = []
    for begin, end in zip(begins, ends, strict=True):
        name = text[begin:end].split(maxsplit=1)[0]
        value = text[begin + len(name) : end]
        found.append(Part(name, value.strip(), begin - 2, begin + len(name) + len(value) - len(value.lstrip())))
    return text[: begins[0] - 2], found


def read_options(text: str) -> Said:
    """Reads a line in which nothing is left to choose. Options that hold a :data:`HOLE` are passed over.

    Raises:
        Misread: an option is not known, given twice, or has a value that it does not take; or it could be meant for one.
    """
    prompt, found = parts(text)
    if long := _LONG.search(text):
        raise Misread(
            long.start(),
            f"{long[0]!r} begins with a long dash. Write --{long[1]}, or put a space after the dash if these are words.",
        )
    if not found:
        return Said(prompt.strip(), _NOTHING, frozenset())
    values: dict[str, Any] = {}
    notes: list[tuple[int, str]] = []
    for part in found:
        if HOLE in part.name:
            continue
        option = OPTIONS.get(part.name.lower()) or _unknown(part)
        if option.field in values:
            raise Misread(part.at, f"--{part.name} is given twice. A line takes each option once.")
        values[option.field] = None
        if HOLE in part.value:
            continue
        value = values[option.field] = _value(part, option)
        if (settled := option.settled(value)) != value:
            shown = repr(value[:60]) if isinstance(value, str) else value
            notes.append((part.value_at, f"--{part.name} {shown} is read as {settled}."))
            values[option.field] = settled
    return Said(prompt.strip(), Options(**values), frozenset(values), tuple(notes))


def _value(part: Part, option: Option) -> Any:
    try:
        return option.kind.read(part.value)
    except ValueError:
        there = f"not {part.value[:60]!r}" if part.value else "and none is given"
        raise Misread(
            part.value_at if part.value else part.at, f"--{part.name} takes {option.kind.wants}, {there}."
        ) from None


def _unknown(part: Part) -> Option:
    if glued := _GLUED.fullmatch(part.name):
        raise Misread(part.at, f"--{part.name[:60]} has no space before its value. Write --{glued[1]} {glued[2][:60]}.")
    close = get_close_matches(part.name.lower(), OPTIONS, 1)
    hint = f"Did you mean --{close[0]}?" if close else f"Known: {', '.join(f'--{name}' for name in OPTIONS)}."
    raise Misread(part.at, f"--{part.name[:60]} is not an option of prompt lines. {hint}")


def write_options(options: Options, without: frozenset[str] = frozenset()) -> str:
    """The options as a line has them, which :func:`read_options` reads again.

    Args:
        without: fields to leave out.
    """
    return " ".join(f"--{NAMES[name]} {text}".strip() for name, text in _written(options) if name not in without)


def _written(options: Options) -> Iterator[tuple[str, str]]:
    for name, value in vars(options).items():
        if isinstance(value, tuple):
            yield name, ",".join(map(_digits, value))  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, str):
            yield name, value
        elif value is not None:
            yield name, _digits(value)


def _digits(value: float) -> str:
    return str(value) if isinstance(value, int) else written(value)

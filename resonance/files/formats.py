"""Formats of saved pictures, and the texts inside: what is written here is read here.

PNG has text chunks. The others have EXIF, as ComfyUI's own savers write it and its page reads it: ``prompt:…`` in Model,
``workflow:…`` in Make, and further texts likewise, those that are not ASCII as bytes of UTF-8. ``parameters`` is the UserComment, as
A1111 has it. JPEG's EXIF holds 64 kB: what does not fit goes into a file beside the picture.
"""

import codecs
import json
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, cast

from PIL import ExifTags, Image

from .. import pixels
from ..plugins import is_there, register
from ..told import Told
from . import store
from .settings import QUALITY, SUFFIXES, Format

PILLOW = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jxl": "JXL", ".avif": "AVIF"}
"""Pillow's names of the formats, by suffix."""
BESIDE = ".json"
"""Suffix of the file that has what does not fit into a picture."""
LARGEST_BESIDE = 32 << 20
"""Bytes of that file."""

_EXIF = 65533 - 6
"""Bytes of a JPEG's EXIF."""
_TAGS = {"prompt": 0x0110, "workflow": 0x010F, "resonance": 0x010E}
_OTHERS = 65000
"""The first of the tags that nobody has a meaning for."""
_UNICODE, _ASCII, _UNDEFINED = b"UNICODE\0", b"ASCII\0\0\0", bytes(8)
_PRESENT = ("resonance", "resonance_file", "parameters", "prompt", "workflow")
"""What goes into a JPEG before anything else."""


class Encoded(NamedTuple):
    """A picture file, and the texts that did not fit."""

    data: bytes
    left: Mapping[str, str]


def encode(
    image: Image.Image, texts: Mapping[str, str], format: Format = "png", quality: int = QUALITY.default
) -> Encoded:
    """A picture file with texts.

    Args:
        image: RGB or RGBA; JPEG has no transparency and lays it over white.
        quality: 1 to 100, of the lossy formats.

    Raises:
        Told: the picture cannot be saved in this format; the text says why.
    """
    if format == "png":
        return Encoded(store.encode_png(image, texts), {})
    check_format(format)
    inside, left = dict(texts), dict[str, str]()
    if format == "jpeg":
        image = pixels.on_white(image)
        inside, left = _fitting(texts)
    options: dict[str, Any] = {
        "webp": {"lossless": True, "exact": True},
        "webp lossy": {"quality": quality},
        "jpeg": {"quality": quality, "subsampling": 0},
        "jxl": {"lossless": True},
        "jxl lossy": {"quality": quality},
        "avif": {"quality": quality, "subsampling": "4:4:4"},
    }[format]
    if inside:
        options["exif"] = _exif(inside)
    register()
    buffer = BytesIO()
    try:
        image.save(buffer, PILLOW[SUFFIXES[format]], **options)
    except Exception as error:  # each of Pillow's writers has its own
        width, height = image.size
        raise Told(f"A picture of {width} x {height} cannot be saved as {format} ({error}). Choose png.") from error
    return Encoded(buffer.getvalue(), left)


def check_format(format: Format) -> None:
    """Raises Told: there is no such format, or it cannot be written here; the text says what to install."""
    if format not in SUFFIXES:
        raise Told(f"There is no format {format!r}. Formats: {', '.join(SUFFIXES)}.")
    if not is_there(format):
        raise Told(f"{format} cannot be written here. {_missing(format)}")


def texts(path: Path, formats: Iterable[str] = PILLOW.values()) -> dict[str, str]:
    """The texts in a picture file, and of those that did not fit into a JPEG the ones in the file beside it.

    Its pixels are not decoded, except by the plugin for JPEG XL.

    Args:
        formats: Pillow's names of those that it may have.

    Raises:
        Exception: whatever Pillow's readers raise of a file that is no picture.
    """
    register()
    known = [name for name in formats if name in Image.OPEN]
    with path.open("rb") as file, Image.open(file, formats=known) as image:
        found = texts_of(image)
        return {**_beside(path), **found} if image.format == "JPEG" else found


def read_texts(path: Path) -> dict[str, str]:
    """:func:`texts` for a person. Raises Told: it is no picture that can be read."""
    try:
        return texts(path)
    except FileNotFoundError:
        raise Told(f"{path.name}: the file is gone") from None
    except Exception as error:  # a damaged file makes Pillow's readers raise all kinds
        raise Told(f"{path.name} is not a picture that can be read ({type(error).__name__})") from error


def texts_of(image: Image.Image) -> dict[str, str]:
    """The texts in an opened picture."""
    if image.format == "PNG":
        return {key: str(text) for key, text in image.info.items() if isinstance(key, str) and isinstance(text, str)}
    exif, found = image.getexif(), dict[str, str]()
    for value in exif.values():
        key, colon, text = _utf8(value).partition(":") if isinstance(value, str | bytes) else ("", "", "")
        if colon:
            found.setdefault(key.lower() if key in ("Prompt", "Workflow") else key, text)
    comment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    if isinstance(comment, bytes) and (text := _comment(comment)):
        found["parameters"] = text
    return found


def beside(left: Mapping[str, str]) -> bytes:
    """The file with what did not fit: a workflow that ComfyUI's page opens, or several texts by name."""
    if set(left) == {"workflow"}:
        return left["workflow"].encode()
    return json.dumps({key: _read(text) for key, text in left.items()}).encode()


def _fitting(texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What fits into a JPEG, the item first, and what does not."""
    inside, left = dict[str, str](), dict[str, str]()
    for key in sorted(texts, key=lambda key: _PRESENT.index(key) if key in _PRESENT else len(_PRESENT)):
        more = {**inside, key: texts[key]}
        if len(_exif(more)) <= _EXIF:
            inside = more
        else:
            left[key] = texts[key]
    return inside, left


def _exif(texts: Mapping[str, str]) -> bytes:
    exif, others = Image.Exif(), _OTHERS
    for key, text in texts.items():
        if key == "parameters":
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = _UNICODE + text.encode("utf-16-be")
            continue
        tag = _TAGS.get(key, others)
        others += tag == others
        exif[tag] = f"{key}:{text}" if text.isascii() else f"{key}:{text}".encode()
    return exif.tobytes()


def _utf8(value: str | bytes) -> str:
    """A text of EXIF, of which Pillow takes each byte for a character."""
    try:
        return (value.encode("latin-1") if isinstance(value, str) else value).decode()
    except UnicodeError:
        return value if isinstance(value, str) else ""


def _comment(comment: bytes) -> str:
    """The text of a UserComment; empty: it is in no code that is read."""
    code, body = comment[:8], comment[8:]
    if code in (_ASCII, _UNDEFINED):
        return body.decode(errors="replace").rstrip("\0")
    if code != _UNICODE:
        return ""
    if body[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return body.decode("utf-16", "replace")
    # A1111 writes big-endian, others as the rest of the file is: the zeros of Latin letters tell.
    little = body[1::2].count(0) > body[::2].count(0)
    return body.decode("utf-16-le" if little else "utf-16-be", "replace")


def _beside(path: Path) -> dict[str, str]:
    file = path.with_suffix(BESIDE)
    try:
        if not file.is_file() or file.stat().st_size > LARGEST_BESIDE:
            return {}
        known = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    held = cast(dict[str, Any], known)
    if isinstance(held.get("nodes"), list):
        return {"workflow": json.dumps(held)}
    return {key: text if isinstance(text, str) else json.dumps(text) for key, text in held.items()}


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _missing(format: str) -> str:
    return {
        "jxl": "Install the plugin: pip install pillow-jxl-plugin",
        "avif": "Update Pillow to 11.3 or newer: pip install -U Pillow",
        "webp": "This Pillow was built without WebP: pip install --force-reinstall Pillow",
    }[format.split()[0]]

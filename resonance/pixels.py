"""The pixels of a picture file as RGB, in as little memory as they take."""

import importlib
import os
import stat
import threading
from collections.abc import Callable
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from PIL import Image, ImageFile, ImageOps

from .told import Told

SHOWN, SHOWN_TRANSPARENT = 64_000_000, 32_000_000
"""Pixels of what is decoded only to be shown small: a few hundred megabytes."""
LARGE = 12_000_000
"""Pixels above which one picture is decoded at a time."""
_STRIP = 1 << 20
ORIENTATION = 0x0112

_large = threading.Lock()
_tolerant = threading.Lock()

Plain = Callable[[Image.Image], Image.Image]


class TooLarge(Told):
    """A picture has more pixels than are decoded only to show it small."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(f"{size[0]} x {size[1]} pixels are too many to show")
        self.size = size


def open_file(path: Path) -> BinaryIO:
    """A regular file to read.

    Raises:
        OSError: there is none.
        Told: it is something else, such as a pipe, of which nobody knows whether it ever ends.
    """
    # A pipe would else wait here until somebody writes to it.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    raise Told("it is not a file")


def decode(file: BinaryIO | BytesIO, formats: list[str], side: int | None = None) -> tuple[Image.Image, bool]:
    """A picture as RGB, see :func:`on_white`, and whether it is whole: what is missing of one that is cut off is grey or black.

    Args:
        side: neither side need be longer than this.

    Raises:
        TooLarge: with ``side`` only.
        Exception: whatever Pillow's readers raise.
    """
    try:
        return _decoded(file, formats, side), True
    except (OSError, ValueError) as error:  # cut off, or with more text than Pillow takes
        file.seek(0)
        # As ComfyUI's own loader has it (node_helpers.py); all of Pillow obeys it.
        with _tolerant:
            before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
            try:
                image = _decoded(file, formats, side)
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = before
        if isinstance(error, OSError) and np.ptp(np.asarray(image), (0, 1)).max() == 0:
            raise  # nothing of it is there
        return image, False


def _decoded(file: BinaryIO | BytesIO, formats: list[str], side: int | None) -> Image.Image:
    with Image.open(file, formats=formats) as image:
        if side:
            image.draft(None, (side, side))
            if image.width * image.height > (SHOWN_TRANSPARENT if _is_transparent(image) else SHOWN):
                raise TooLarge(image.size)
        with _large if image.width * image.height > LARGE else nullcontext():
            return on_white(image, max(1, max(image.size) // side) if side else 1)


def on_white(image: Image.Image, factor: int = 1) -> Image.Image:
    """RGB in the colours of sRGB, upright (EXIF), transparency laid over white, more than 8 bits reduced to 8.

    Args:
        factor: how many times smaller the sides become, rounded up.
    """
    image.load()
    how, colours = _how(image), _colours(image)
    out = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(1, _STRIP // max(image.width * factor, 1))
    for top in range(0, image.height, rows):
        strip = colours(how(image.crop((0, top, image.width, min(top + rows, image.height)))))
        out.paste(strip.reduce(factor) if factor > 1 else strip, (0, top // factor))
    orientation = image.getexif().get(ORIENTATION, 1)
    if orientation != 1:
        out.getexif()[ORIENTATION] = orientation
        ImageOps.exif_transpose(out, in_place=True)
    return out


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def _how(image: Image.Image) -> Plain:
    """How a part of the picture becomes RGB."""
    if image.mode.startswith("I;16"):
        return lambda part: _grey(np.asarray(part) >> 8)
    if image.mode in ("I", "F"):
        _, high = cast(tuple[float, float], image.getextrema())
        white = next((most for most in ((1,) if image.mode == "F" else ()) + (255, 65535) if high <= most), high)
        return lambda part: _grey(_finite(np.asarray(part, np.float64)).clip(0) * (255 / white))
    if _is_transparent(image):
        return _over_white
    return lambda part: part.convert("RGB")


def _finite(values: Any) -> Any:
    if not np.isfinite(values).all():
        raise Told("it holds numbers that are none (NaN or infinity)")
    return values


def _grey(values: Any) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8)).convert("RGB")


def _over_white(part: Image.Image) -> Image.Image:
    part = part.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", part.size, (255, 255, 255, 255)), part).convert("RGB")


def _colours(image: Image.Image) -> Plain:
    """From the colours of a picture's profile to sRGB. A profile that is none of RGB, or is damaged, says nothing."""
    data = image.info.get("icc_profile")
    if not data:
        return lambda part: part
    cms: Any = importlib.import_module("PIL.ImageCms")
    try:
        profile = cms.ImageCmsProfile(BytesIO(data))
        if profile.profile.xcolor_space.strip() != "RGB":
            return lambda part: part
        transform = cms.buildTransform(profile, cms.createProfile("sRGB"), "RGB", "RGB")
    except (cms.PyCMSError, OSError, TypeError):
        return lambda part: part

    def convert(part: Image.Image) -> Image.Image:
        return cms.applyTransform(part, transform)

    samples = Image.fromarray(np.indices((6, 6, 6), np.uint8).reshape(3, 1, -1).transpose(1, 2, 0) * 51)
    apart = np.asarray(convert(samples), np.int16) - np.asarray(samples, np.int16)
    # Most profiles are sRGB's, under all kinds of names.
    return convert if np.abs(apart).max() > 1 else lambda part: part

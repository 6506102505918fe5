"""Small pictures, made once and kept in the session's folder."""

import hashlib
import logging
import os
import stat
import threading
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from .. import images
from ..files.names import inside, writable
from ..pixels import TooLarge
from ..told import Told

log = logging.getLogger(__name__)

FOLDER = ".thumbnails"
SIDE = 192
"""Longest side in pixels."""


def kept(session: Path, picture: Path) -> bytes | None:
    """The thumbnail (WebP) of ``picture`` as it lies in the session's folder; None when it is to be made, or made again.

    Raises:
        Told: there is no such picture.
    """
    try:
        data = _place(session, picture).read_bytes()
    except OSError:
        return None
    # It was written without waiting for the disk: a power cut can leave a part of it.
    return data if data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") == len(data) - 8 else None


def make(session: Path, picture: Path) -> bytes:
    """The thumbnail of ``picture``, made if it is not there.

    Raises:
        Told: there is no such picture, or it cannot be read.
    """
    if data := kept(session, picture):
        return data
    place = _place(session, picture)
    try:
        image = images.read(picture, 2 * SIDE)
        image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    except TooLarge as error:
        image = _too_large(picture.name, error)
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=80)
    data = buffer.getvalue()
    try:
        writable(session, FOLDER).mkdir(exist_ok=True)
        half = place.with_name(f".{place.name}.{threading.get_ident()}.tmp")
        half.unlink(missing_ok=True)
        with half.open("xb") as file:
            file.write(data)
        os.replace(half, place)
    except (OSError, Told) as error:  # a full or read-only disk
        _not_kept(session, getattr(error, "strerror", None) or str(error))
    return data


@lru_cache(100)
def _not_kept(session: Path, why: str) -> None:
    """Says so once, not for each of a thousand pictures."""
    log.warning("The thumbnails of %s are not kept: %s", session.name, why)


def _too_large(name: str, error: TooLarge) -> Image.Image:
    tile = Image.new("RGB", (SIDE, SIDE), (48, 48, 48))
    shown = name if len(name) <= 24 else f"{name[:12]}…{name[-11:]}"
    text = f"too large to show\n{error.size[0]} x {error.size[1]}\n{shown}"
    ImageDraw.Draw(tile).multiline_text((SIDE / 2, SIDE / 2), text, (224, 224, 224), anchor="mm", align="center")
    return tile


def kind(picture: Path) -> str | None:
    """MIME type of a picture that every browser shows, by the file's own first bytes; None for other files.

    Raises:
        Told: there is no such file, or it cannot be opened.
    """
    _stat(picture)
    try:
        with picture.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise Told(f"{picture.name} cannot be opened ({error.strerror})") from None
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.endswith(b"ftypavif"):
        return "image/avif"
    return "image/webp" if head.startswith(b"RIFF") and head.endswith(b"WEBP") else None


def _place(session: Path, picture: Path) -> Path:
    """Where the thumbnail lies: named by the picture's path, size and time, so that another picture has another one."""
    known = _stat(picture)
    key = f"{picture.resolve()}\0{known.st_size}\0{known.st_mtime_ns}"
    return inside(session, f"{FOLDER}/{hashlib.sha256(os.fsencode(key)).hexdigest()[:32]}.webp")


def _stat(picture: Path) -> os.stat_result:
    """Raises Told unless there is a file that can be read to its end, which a pipe or a device may not have."""
    try:
        known = picture.stat()
    except OSError:
        raise Told(f"{picture.name}: the file is gone") from None
    if not stat.S_ISREG(known.st_mode):
        raise Told(f"{picture.name} is not a file")
    return known

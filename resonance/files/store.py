"""Saving a result so that it is there whole, or not at all."""

import errno
import os
import sqlite3
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..told import NoSpace, Told
from .names import folders

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_ON_WINDOWS = {39, 112}
"""ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL."""


def encode_png(image: Image.Image, texts: Mapping[str, str], level: int = 4) -> bytes:
    """A PNG with text chunks."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    buffer = BytesIO()
    image.save(buffer, "PNG", pnginfo=info, compress_level=level)
    return buffer.getvalue()


def write(folder: Path, files: Sequence[tuple[str, bytes]], parents: bool = True) -> None:
    """Writes files that survive a power cut once this returns, and of which none is ever seen half written.

    What stands under a final name is replaced.

    Args:
        parents: whether folders above this one are made, too.

    Raises:
        NoSpace: the disk is full.
        Told: they cannot be written; the text says where, and why.
    """
    try:
        _write(folder, files, parents)
    except OSError as error:
        raise (NoSpace if is_full(error) else Told)(f"{folder} cannot be written: {error}") from error


def is_full(error: BaseException | None) -> bool:
    """Whether a disk without room is behind an error."""
    if error is None:
        return False
    if isinstance(error, OSError) and (error.errno in _FULL or getattr(error, "winerror", None) in _FULL_ON_WINDOWS):
        return True
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return True
    return isinstance(error, NoSpace) or is_full(error.__cause__ or error.__context__)


def _write(folder: Path, files: Sequence[tuple[str, bytes]], parents: bool) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=parents, exist_ok=True)
        flush_folder(folder.parent)
    temporary = [folder / f".{name}.tmp" for name, _ in files]
    try:
        for path, (_, data) in zip(temporary, files, strict=True):
            path.unlink(missing_ok=True)
            with path.open("xb") as file:  # which follows no link
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
    except OSError:
        for path in temporary:
            path.unlink(missing_ok=True)
        raise
    for path, (name, _) in zip(temporary, files, strict=True):
        os.replace(path, folder / name)
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Makes renames in a folder durable. Windows does that itself and cannot open folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(session: Path) -> None:
    """Removes what a crash left half written, in the folders that are the session's own."""
    for folder in folders(session, hidden=True):
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)

"""Folders of pictures, and the names by which a ledger remembers a picture."""

import logging
import os
import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from .. import images
from ..plugins import PLUGINS
from ..told import Told
from .names import check_name, existing

log = logging.getLogger(__name__)

_ANNOTATED = re.compile(r"(.*?) ?\[(\w+)\]", re.DOTALL)


def locate(name: str, roots: Mapping[str, Path]) -> tuple[str, Path]:
    """Splits ``holiday/a.png [input]`` into its root's name and the path; without brackets the root is ``input``. The whole path
    of what lies below a root, as a file manager copies it, will do as well.

    What ends in brackets itself is meant where it is there and nothing else could be.

    Raises:
        Told: unknown root, or a path that leads out of it.
    """
    if pasted := _pasted(name, roots):
        return pasted
    found = _ANNOTATED.fullmatch(name) or _ANNOTATED.fullmatch(name.strip())
    if found and found[2] in roots:
        path = existing(roots[found[2]], found[1])
        if path.exists() or _just_there(name, roots) is None:
            return found[2], path
    if there := _just_there(name, roots):
        return "input", there
    root = found[2] if found else "input"
    if root not in roots:
        raise Told(f"{name!r}: there is no root [{root}]. Roots: {', '.join(f'[{r}]' for r in roots)}.")
    return root, existing(roots[root], name.strip())


def _pasted(name: str, roots: Mapping[str, Path]) -> tuple[str, Path] | None:
    """What a whole path names, if it leads below a root; quotation marks around it do no harm."""
    path = Path(os.path.normpath(name.strip().strip("\"'")))
    if "\0" in name or not path.is_absolute():
        return None
    for root, folder in roots.items():
        for base in (folder, folder.resolve()):
            if path.is_relative_to(base):
                return root, existing(folder, "" if path == base else path.relative_to(base).as_posix())
    return None


def _just_there(name: str, roots: Mapping[str, Path]) -> Path | None:
    """What has just that name in the input folder."""
    try:
        path = existing(roots["input"], name) if "input" in roots and name else None
    except Told:
        return None
    return path if path and path.exists() else None


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key under which ``a2`` stands before ``a10``."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text.casefold()) if part
    ]


def listing(folder: str, roots: Mapping[str, Path]) -> list[str]:
    """Sources (``name [root]``) of the pictures in a folder and its subfolders, in natural order.

    Files are chosen by suffix; none is opened. Hidden files and folders, and links that lead out of the root, are left out. So is,
    with a line in the log, what could not be written down, or lacks a plugin of Pillow's.

    Raises:
        Told: no folder is named, there is no such folder, or no picture in it.
    """
    if not folder.strip():
        raise Told("No folder is named: name one of the input folder, or write [input] for all of it.")
    root, path = locate(folder, roots)
    base = roots[root].resolve()
    if not path.is_dir():
        near = sorted(p.name for p in roots[root].iterdir() if p.is_dir()) if roots[root].is_dir() else []
        raise Told(f"There is no folder {folder!r}. Folders in [{root}]: {', '.join(near[:20]) or 'none'}.")
    below = os.path.relpath(path, roots[root]).replace(os.sep, "/")
    there = list(_pictures(path, "" if below == "." else f"{below}/", base, images.SUFFIXES | PLUGINS.keys()))
    found = [name for name in there if _suffix(name) in images.SUFFIXES]
    if lacking := _lacking(map(_suffix, there)):
        if not found:
            raise Told(f"None of the pictures in {folder!r} can be read here: {lacking}.")
        log.warning("Pictures in %r are left out: %s.", folder, lacking)
    if not found:
        raise Told(f"There are no pictures in {folder!r} ({', '.join(sorted(images.SUFFIXES))}; subfolders included).")
    return [f"{name} [{root}]" for name in sorted(found, key=natural)]


MOST, DEEPEST = 2000, 30
"""Folders that are listed, and how deep."""


class Folder(NamedTuple):
    """A folder of pictures: its name, as :func:`listing` takes it, and how many it holds, those of its subfolders included."""

    name: str
    pictures: int


def folders(roots: Mapping[str, Path], seconds: float = 5.0) -> tuple[list[Folder], bool]:
    """The folders below the roots that hold pictures, and whether these are all: after so many seconds no more are looked for."""
    found: list[Folder] = []
    end = time.monotonic() + seconds

    def look(folder: Path, below: str, root: str) -> int:
        place = len(found)
        try:
            with os.scandir(folder) as there:
                entries = [entry for entry in there if not entry.name.startswith(".") and _is_text(entry.name)]
        except OSError:
            return 0
        pictures = sum(_suffix(entry.name) in images.SUFFIXES for entry in entries)
        inside = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        for name in sorted(inside, key=natural):
            if time.monotonic() < end and len(found) < MOST and below.count("/") < DEEPEST:
                pictures += look(folder / name, f"{below}/{name}".lstrip("/"), root)
        if pictures:
            found.insert(place, Folder(_named(below, root), pictures))
        return pictures

    for root, folder in roots.items():
        look(folder, "", root)
    return found, time.monotonic() < end and len(found) < MOST


def _named(below: str, root: str) -> str:
    """A folder of a root, as :func:`listing` takes it."""
    if root == "input" and below and below == below.strip() and not below.endswith("]"):
        return below
    return f"{below} [{root}]" if below else f"[{root}]"


def new_folder(root: Path, wanted: str) -> tuple[str, str]:
    """Makes a folder below the input folder that was not there: ``wanted``, or that and a number.

    Returns:
        Its name, and the same as :func:`listing` takes it.

    Raises:
        Told: it cannot be made.
    """
    try:
        stem = check_name(wanted.strip(), "folder")
    except Told:
        stem = "pictures"
    name, number = stem, 1
    while True:
        try:
            (root / name).mkdir(parents=True)
        except FileExistsError:
            number += 1
            name = f"{stem} {number}"
        except OSError as error:
            raise Told(f"No folder can be made in {root}: {error.strerror}.") from error
        else:
            return name, _named(name, "input")


def _is_text(name: str) -> bool:
    """Whether a name can be stored; those of old archives may be in no encoding that anybody knows."""
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _lacking(suffixes: Iterable[str]) -> str:
    """What is missing to read files with these suffixes."""
    counts = Counter(suffix for suffix in suffixes if suffix not in images.SUFFIXES)
    return ", ".join(f"{n} {suffix} (pip install {PLUGINS[suffix]})" for suffix, n in sorted(counts.items()))


def _pictures(folder: Path, prefix: str, base: Path, suffixes: Collection[str]) -> Iterator[str]:
    """The pictures in a folder and below, each with ``prefix`` before its name. A folder that cannot be read is left out."""
    try:
        with os.scandir(folder) as there:
            entries = [entry for entry in there if not entry.name.startswith(".")]
    except OSError:
        return
    for entry in entries:
        if not _is_text(entry.name):
            log.warning("%r in %s is left out: its name is not UTF-8. Rename it.", os.fsencode(entry.name), folder)
        elif entry.is_dir():
            if not entry.is_symlink():
                yield from _pictures(Path(entry), f"{prefix}{entry.name}/", base, suffixes)
        elif _suffix(entry.name) in suffixes and not (
            entry.is_symlink() and not Path(entry).resolve().is_relative_to(base)
        ):
            yield prefix + entry.name

"""Folders of pictures, and the names by which a ledger remembers a picture."""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from .. import images
from ..told import Told
from .names import existing

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
    with a line in the log, what could not be written down.

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
    found = list(_pictures(path, "" if below == "." else f"{below}/", base))
    if not found:
        raise Told(f"There are no pictures in {folder!r} ({', '.join(sorted(images.SUFFIXES))}; subfolders included).")
    return [f"{name} [{root}]" for name in sorted(found, key=natural)]


def _is_text(name: str) -> bool:
    """Whether a name can be stored; those of old archives may be in no encoding that anybody knows."""
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _pictures(folder: Path, prefix: str, base: Path) -> Iterator[str]:
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
                yield from _pictures(Path(entry), f"{prefix}{entry.name}/", base)
        elif os.path.splitext(entry.name)[1].lower() in images.SUFFIXES and not (
            entry.is_symlink() and not Path(entry).resolve().is_relative_to(base)
        ):
            yield prefix + entry.name

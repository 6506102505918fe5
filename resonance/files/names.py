"""Names that users choose and that become folders."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..told import Told

LONGEST = 80
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')


def is_reserved(name: str) -> bool:
    """Whether Windows takes it for a device, whatever suffix it has."""
    return _RESERVED.fullmatch(name) is not None


def safe(name: str, most: int = LONGEST) -> str:
    """The name in at most so many bytes, changed as little as :func:`check_name` needs to take it."""
    name = FORBIDDEN.sub("_", name).encode()[: most - 1].decode(errors="ignore")
    while name != (name := name.strip().strip(".")):
        pass
    return f"_{name}" if not name or is_reserved(name.partition(".")[0].rstrip()) else name


def check_name(name: str, what: str = "session") -> str:
    """Returns ``name`` if it can be one folder on every system, under the folder it is joined to.

    Raises:
        Told: it cannot; the text says why.
    """
    if not name or name != name.strip() or name.startswith(".") or name.endswith("."):
        why = "must not be empty, start or end with a blank, or start or end with a dot"
    elif bad := FORBIDDEN.search(name):
        why = f'holds {bad[0]!r}; path separators, control characters and any of <>:"|?* cannot be used'
    elif len(name.encode()) > LONGEST:
        why = f"is longer than {LONGEST} bytes"
    elif is_reserved(name):
        why = "is reserved on Windows"
    else:
        return name
    shown = name if len(name) <= LONGEST else name[:LONGEST] + "…"
    raise Told(f"The {what} name {shown!r} {why}. Example: holiday-2.")


_JUNCTION = 0xA0000003
"""IO_REPARSE_TAG_MOUNT_POINT"""


def is_link(path: Path) -> bool:
    """Whether it leads elsewhere: a symbolic link, or a junction on Windows."""
    try:
        known = path.lstat()
    except OSError:
        return False
    return stat.S_ISLNK(known.st_mode) or getattr(known, "st_reparse_tag", 0) == _JUNCTION


def folders(root: Path, hidden: bool = False) -> Iterator[Path]:
    """The folders below one, at any depth, by name. Those that are links are left out, and hidden ones unless they are asked for."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        if folder is not root:
            yield folder
        with suppress(OSError), os.scandir(folder) as there:  # one that cannot be read has none
            shown = [each for each in there if hidden or not each.name.startswith(".")]
            found = [Path(each) for each in shown if each.is_dir(follow_symlinks=False)]
            waiting += sorted((each for each in found if not is_link(each)), reverse=True)


def writable(root: Path, relative: str) -> Path:
    """``root / relative``, to be written to.

    Raises:
        Told: a part of the way is a link, which could lead anywhere.
    """
    path = root
    for part in Path(relative).parts:
        path /= part
        if is_link(path):
            raise Told(
                f"{path.relative_to(root.parent).as_posix()} is a link: nothing is written through one. Take it away."
            )
    return path


def inside(root: Path, relative: str) -> Path:
    """``root / relative``, every part checked, links resolved.

    Raises:
        Told: a part is no plain name, or the result lies outside ``root``.
    """
    parts = [part for part in relative.replace("\\", "/").split("/") if part != ""]
    if relative.startswith(("/", "\\")) or any(part in (".", "..") or FORBIDDEN.search(part) for part in parts):
        raise Told(f"{relative!r} is not a path below {root.name}/: use names joined by /, without . and ..")
    if any(len(part.encode()) > 255 for part in parts):
        raise Told(f"{relative[:LONGEST]!r}… holds a name that is longer than 255 bytes")
    path = root.joinpath(*parts)
    steps = (root.joinpath(*parts[: n + 1]) for n in range(len(parts)))
    if any(step.is_symlink() for step in steps) and not path.resolve().is_relative_to(root.resolve()):
        raise Told(f"{relative!r} leads out of {root.name}/ through a link")
    return path


def existing(root: Path, relative: str) -> Path:
    """``root / relative`` for what is there already, under whatever names its system allows; links resolved.

    Raises:
        Told: the result lies outside ``root``, or can be no path.
    """
    path = _below(root, relative)
    if "\\" in relative and not os.path.lexists(path):  # a path of Windows
        path = _below(root, relative.replace("\\", "/"))
    try:
        leads_out = not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a link to itself
        leads_out = True
    if leads_out:
        raise Told(f"{relative!r} leads out of {root.name}/ through a link")
    return path


def _below(root: Path, relative: str) -> Path:
    parts = [part for part in relative.split("/") if part != ""]
    if relative.startswith("/") or "\0" in relative or any(part in (".", "..") or ":\\" in part for part in parts):
        raise Told(f"{relative!r} is not a path below {root.name}/: use names joined by /, without . and ..")
    if any(len(os.fsencode(part)) > 255 for part in parts):
        raise Told(f"{relative[:LONGEST]!r}… holds a name that is longer than 255 bytes")
    return root.joinpath(*parts)

"""Names that users choose and that become folders."""

import re
from pathlib import Path

from ..told import Told

LONGEST = 80
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')


def check_name(name: str, what: str = "session") -> str:
    """Returns ``name`` if it can be one folder on every system, under the folder it is joined to.

    Raises:
        Told: it cannot; the text says why.
    """
    if not name or name != name.strip() or name.startswith(".") or name.endswith("."):
        why = "must not be empty, start or end with a blank, or start or end with a dot"
    elif bad := _FORBIDDEN.search(name):
        why = f'holds {bad[0]!r}; path separators, control characters and any of <>:"|?* cannot be used'
    elif len(name.encode()) > LONGEST:
        why = f"is longer than {LONGEST} bytes"
    elif _RESERVED.fullmatch(name):
        why = "is reserved on Windows"
    else:
        return name
    shown = name if len(name) <= LONGEST else name[:LONGEST] + "…"
    raise Told(f"The {what} name {shown!r} {why}. Example: holiday-2.")


def inside(root: Path, relative: str) -> Path:
    """``root / relative``, every part checked, links resolved.

    Raises:
        Told: a part is no plain name, or the result lies outside ``root``.
    """
    parts = [part for part in relative.replace("\\", "/").split("/") if part != ""]
    if relative.startswith(("/", "\\")) or any(part in (".", "..") or _FORBIDDEN.search(part) for part in parts):
        raise Told(f"{relative!r} is not a path below {root.name}/: use names joined by /, without . and ..")
    if any(len(part.encode()) > 255 for part in parts):
        raise Told(f"{relative[:LONGEST]!r}… holds a name that is longer than 255 bytes")
    path = root.joinpath(*parts)
    steps = (root.joinpath(*parts[: n + 1]) for n in range(len(parts)))
    if any(step.is_symlink() for step in steps) and not path.resolve().is_relative_to(root.resolve()):
        raise Told(f"{relative!r} leads out of {root.name}/ through a link")
    return path

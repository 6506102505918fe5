"""Text files that people name."""

from collections.abc import Mapping
from pathlib import Path

from ..told import Told
from .pictures import locate


def find(name: str, roots: Mapping[str, Path]) -> Path | None:
    """A text file by its name, such as ``night.txt`` or ``night.txt [lines]``; without brackets it may lie below any of the roots.

    Args:
        roots: the one called ``input`` is looked into first.

    Returns:
        None: there is none of that name.

    Raises:
        Told: the name leads out of the roots, or can be none.
    """
    places = (locate(each, roots)[1] for each in (name, *(f"{name} [{root}]" for root in roots)))
    return next((path for path in places if path.is_file()), None)


def read_text(path: Path, largest: int, called: str = "") -> str:
    """The text of a file.

    Args:
        largest: bytes that it may have.
        called: what an error calls it; unless given, by its name.

    Raises:
        Told: it has more, is no UTF-8, or cannot be read.
    """
    called = called or path.name
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise Told(f"{called} cannot be read: {error.strerror}.") from None
    return decoded(data, largest, called)


def decoded(data: bytes, largest: int, called: str) -> str:
    """What was read, as text. Raises Told like :func:`read_text`."""
    if len(data) > largest:
        raise Told(f"{called} has more than {largest >> 20} MB. Split it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Told(f"{called} is not UTF-8 (line {line}). Save it as UTF-8.") from None

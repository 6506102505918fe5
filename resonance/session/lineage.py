"""The lineage: the prefix of a file name that ties a picture to its ancestors (img2tag2img's rule)."""

import re
from collections.abc import Iterable, Iterator

_PREFIX = re.compile(r"(X\d{1,24}[a-z]*(?:\.\d{1,6})*|\d{1,24})_")


def prefix(name: str) -> str | None:
    """The lineage that a file name carries: digits, or X and digits, before the first underscore; else None."""
    found = _PREFIX.match(name)
    return found[1] if found else None


def children(lineage: str, count: int) -> list[str]:
    """Lineages of ``count`` pictures made from one: a single child keeps its parent's."""
    return [lineage] if count == 1 else [f"{lineage}.{number}" for number in range(1, count + 1)]


def assign(names: Iterable[str], taken: Iterable[str] = (), reserved: Iterable[str] = ()) -> Iterator[str]:
    """A lineage for each file name, in order.

    A name that carries one keeps it. The others get ``X0001``, ``X0002``, ... past every number that any of the names,
    ``taken`` or ``reserved`` uses. Where two names carry the same one, or one of ``taken``, the later gets a letter:
    ``X0001``, ``X0001b``.
    """
    carried = list(map(prefix, names))
    used = set(taken)
    reserved = {*used, *reserved, *filter(None, carried)}
    number = 0
    for lineage in carried:
        if lineage is None:
            number += 1
            while (lineage := f"X{number:04d}") in reserved:
                number += 1
        lineage = distinct(lineage, used)
        used.add(lineage)
        yield lineage


def distinct(lineage: str, used: set[str]) -> str:
    """``lineage``, with a letter where it is used already."""
    number, found = 1, lineage
    while found in used:
        number += 1
        found = lineage + _letters(number)
    return found


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters

"""Long texts for encoders that read 77 tokens: a prefix, and bags of whole sentences.

No sentence is cut in the middle where it fits, and every bag repeats the subject (lllyasviel/Omost). A token is whatever
the tokenizer gives; nothing here knows ComfyUI.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..canvas.canvas import Canvas, Region

ROOM = 75
"""Tokens between the begin and the end token."""

T = TypeVar("T")


@dataclass(frozen=True)
class BagText:
    """One text: what every bag begins with, and the sentences that are dealt out."""

    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((*self.prefixes, *self.suffixes))


def words(region: Region) -> BagText:
    """The words of a region, its prefixes with the global ones before."""
    return BagText(region.prefixes, region.suffixes)


def own_words(canvas: Canvas, region: Region) -> BagText:
    """The words of a local region without the global prefixes."""
    return BagText(canvas.own_prefixes(region), region.suffixes)


def negative_words(text: str) -> BagText:
    """A negative prompt, in pieces that end with a comma or a full stop, neither of them in brackets or a number."""
    pieces: list[list[str]] = []
    depth = 0
    for piece in re.split(r"(?<=[,;\n])\s*|(?<=\.)(?!\d)\s*", text.strip()):
        if depth > 0:
            pieces[-1].append(piece)
        else:
            pieces.append([piece])
        brackets = re.findall(r"(?<!\\)[()]", piece)
        depth = max(depth, 0) + brackets.count("(") - brackets.count(")")
    return BagText((), tuple(" ".join(parts) for parts in pieces if any(parts)))


def partition(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Deals items out to bags, in order, so that a bag's sum stays within ``budget``; too long an item sits alone.

    >>> partition([25, 35, 5, 60, 15, 25], 70)
    [[0, 1, 2], [3], [4, 5]]
    """
    bags: list[list[int]] = [[]]
    filled = 0
    for i, length in enumerate(lengths):
        if bags[-1] and filled + length > budget:
            bags.append([])
            filled = 0
        bags[-1].append(i)
        filled += length
    return bags


def bags(prefixes: Sequence[Sequence[T]], suffixes: Sequence[Sequence[T]]) -> list[list[T]]:
    """The tokens of each bag, at most :data:`ROOM`: all prefixes, then as many whole suffixes as fit.

    If the prefixes alone fill the room, there is one bag with what fits of them.
    """
    prefix = [token for piece in prefixes for token in piece][:ROOM]
    budget = ROOM - len(prefix)
    if budget == 0:
        return [prefix]
    found = partition([len(piece) for piece in suffixes], budget)
    return [(prefix + [token for i in bag for token in suffixes[i]])[:ROOM] for bag in found]


def overflow(prefixes: Sequence[Sequence[T]], suffixes: Sequence[Sequence[T]]) -> int:
    """How many tokens :func:`bags` has to leave out."""
    prefix = sum(map(len, prefixes))
    budget = max(ROOM - prefix, 0)
    return max(prefix - ROOM, 0) + sum(max(len(piece) - budget, 0) for piece in suffixes)

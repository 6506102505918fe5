r"""Weights in a prompt, as sd-scripts reads them, and the chunks in which it is encoded. Text and numbers only.

``(x)`` weighs 1.1 times as much, ``[x]`` as much divided by 1.1, ``(x:1.3)`` 1.3 times; inside one another they multiply. Brackets that
are not closed act to the end. ``\(`` is the sign itself. ``BREAK``, in capitals, begins a new chunk: the one before it is padded, here to
the 75 tokens that a chunk has; sd-scripts pads to 77, by which the parts drift.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import lcm
from typing import NamedTuple, TypeVar

from .dynamic import Misread

ROOM = 75
"""Tokens of a chunk, between begin and end."""
NESTED = 100
"""Brackets in one another."""
LARGEST = 1000.0
"""Weights are no larger, and no smaller below 0."""
UP = 1.1
PARTED = 8
"""Runs of so many tokens may be parted by the end of a chunk, shorter ones are not: so does ComfyUI's tokenizer, to which a run is all
that stands between two changes of weight."""

T = TypeVar("T")

_SIGN = re.compile(
    r"\\(?P<escaped>[()\[\]\\])|(?P<open>[(\[])|:\s*(?P<weight>[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}))\s*\)"
    r"|(?P<close>[)\]])|(?P<break>\bBREAK\b)"
)


AND = re.compile(r"\sAND\s")
"""Stands between the prompts of several regions."""
ONLY_COMFYUI = "only ComfyUI paints them"
"""Why diffusers takes none of those."""


class Piece(NamedTuple):
    """Words of one weight."""

    text: str
    weight: float


def pieces(prompt: str) -> list[Piece | None]:
    """The words of a prompt with their weights, neighbours of the same weight as one; None stands for ``BREAK``.

    Raises:
        Misread: brackets stand in one another more than :data:`NESTED` deep.
    """
    texts: list[str | None] = []
    weights: list[float] = []
    begun: dict[str, list[int]] = {"(": [], "[": []}

    def add(text: str | None) -> None:
        texts.append(text)
        weights.append(1.0)

    def weigh(start: int, factor: float) -> None:
        weights[start:] = [max(-LARGEST, min(weight * factor, LARGEST)) for weight in weights[start:]]

    last = 0
    for sign in _SIGN.finditer(prompt):
        if sign.start() > last:
            add(prompt[last : sign.start()])
        last = sign.end()
        if sign["escaped"]:
            add(sign["escaped"])
        elif sign["open"]:
            begun[sign["open"]].append(len(texts))
            if len(begun[sign["open"]]) > NESTED:
                raise Misread(sign.start(), f"brackets can be nested {NESTED} deep at most.")
        elif sign["break"]:
            add(None)
        elif sign["weight"] and begun["("]:
            weigh(begun["("].pop(), float(sign["weight"]))
        elif sign["close"] == ")" and begun["("]:
            weigh(begun["("].pop(), UP)
        elif sign["close"] == "]" and begun["["]:
            weigh(begun["["].pop(), 1 / UP)
        else:
            add(sign[0])
    if last < len(prompt):
        add(prompt[last:])
    for start in begun["("]:
        weigh(start, UP)
    for start in begun["["]:
        weigh(start, 1 / UP)
    found: list[Piece | None] = []
    for (is_break, weight), run in groupby(zip(texts, weights, strict=True), lambda each: (each[0] is None, each[1])):
        found.append(None if is_break else Piece("".join(text for text, _ in run if text is not None), weight))
    return found


def check_one(prompt: str, why: str = "this is encoded as one: use Regions from Mask") -> None:
    """
    Args:
        why: it must not be several.

    Raises:
        Misread: it is several prompts, which sd-scripts gives to the regions of a picture.
    """
    if found := AND.search(prompt):
        raise Misread(
            found.start() + 1,
            f"AND stands between the prompts of several regions, and {why}. If it is a word of the prompt, write it in small letters.",
        )


def chunks(runs: Iterable[Sequence[T] | None], most: int, size: int = ROOM) -> tuple[list[list[T]], list[T]]:
    """Tokens in chunks, at least one, which may be empty.

    Args:
        runs: the tokens of each; None begins a new chunk, if the one before it is not empty.
        most: chunks.
        size: tokens of a chunk.

    Returns:
        The chunks, and the tokens that found no room in them.
    """
    found: list[list[T]] = [[]]
    for run in runs:
        if run is None or (len(run) < PARTED and len(found[-1]) + len(run) > size):
            found += [[]] if found[-1] else []
        left = run or ()
        while left:
            if len(found[-1]) == size:
                found.append([])
            room = size - len(found[-1])
            found[-1] += left[:room]
            left = left[room:]
    if not found[-1] and found[1:]:
        found.pop()
    return found[:most], [token for chunk in found[most:] for token in chunk]


def shared(counts: Iterable[int]) -> int | None:
    """How many chunks prompts of so many have in one batch, each repeated: their least common multiple, as ComfyUI repeats them (comfy/conds.py,
    ``CONDCrossAttn``), so that neighbours do not change a picture. None: that is over four times the shortest, and they share no batch.
    """
    counts = [*counts]
    found = lcm(*counts)
    return found if found <= 4 * min(counts) else None


def embedded(text: str, names: Iterable[str]) -> str:
    """A text in which the names of embeddings, where they stand as words, are ``embedding:name``, as ComfyUI reads them."""
    known = [name for name in names if name]
    return standing(known).sub(r" embedding:\1 ", text) if known else text


def standing(names: Iterable[str]) -> re.Pattern[str]:
    """Finds any of some names where it stands as a word; it is the only group."""
    known = [re.escape(name) for name in sorted(names, key=len, reverse=True)]
    return re.compile(rf"(?<![\w:])({'|'.join(known)})(?!\w)")

"""Transforms: named programs of (scale, strength) pairs that vary a picture. Tables and rules are the batch CLI's."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..told import Told
from ..typed import narrow, written

SCHEDULE = 50
"""Steps of the schedule of which a strength takes the last part."""
SIDES = 32
"""Sides of a picture that is varied are cut down to a multiple of this."""
ITERATIONS = 3
LARGEST_SEED = 1_000_000_000
"""Seeds that are drawn, not given, lie from 0 to this."""

Era = Literal["S", "H"]
"""States of the batch CLI: S of 16 October 2022, H of 12 November 2022."""


def last_steps(strength: float, schedule: int = SCHEDULE) -> int:
    """How many steps of a schedule, its last ones, a strength runs: floor(strength x schedule)."""
    return int(round(strength * schedule, 6))


@dataclass(frozen=True)
class Pair:
    """One transform of a picture.

    Attributes:
        scale: classifier-free guidance.
        strength: how much is made anew, above 0 to 1.
    """

    scale: float
    strength: float = 0.5

    @property
    def steps(self) -> int:
        """How many steps of the schedule are run, see :func:`last_steps`."""
        return last_steps(self.strength)

    @property
    def start(self) -> int:
        """The step of the schedule at which they begin."""
        return SCHEDULE - self.steps


@dataclass(frozen=True)
class Transform:
    """A program and how often it is run. Travels on RESONANCE_TRANSFORM sockets.

    Attributes:
        chained: each pair starts from the result of the one before; else all start from the loop's picture.
        save_middle: of a chained program every result is kept, not only the last.
        loop_to_loop: a loop starts from the last kept result of the loop before; else all start from the first picture.
        iterations: how many loops, each with a seed of its own.
    """

    pairs: tuple[Pair, ...]
    chained: bool = False
    save_middle: bool = False
    loop_to_loop: bool = False
    iterations: int = ITERATIONS


@dataclass(frozen=True)
class Call:
    """One run of the sampler.

    Attributes:
        loop, number: which loop and which pair of its program, from 1. The noise is the ``number``-th draw from ``seed``.
        fresh: it starts from the loop's picture; else from the result of the call before.
        kept: its result is a picture of the program.
        transforms: how many calls led from the last kept picture, or the loop's, to its result.
        round, row: place of a kept picture: the how-manieth of its chain, and which chain, from 1.
    """

    loop: int
    number: int
    pair: Pair
    seed: int
    fresh: bool
    kept: bool
    transforms: int
    round: int
    row: int


def seed_of(seed: int, loop: int) -> int:
    """The seed of a loop (from 1): the first has the given one, the others a drawn one, the same each time."""
    if loop == 1:
        return seed
    drawn = int.from_bytes(hashlib.sha256(f"{seed}/{loop}".encode()).digest()[:8], "big")
    return drawn % (LARGEST_SEED + 1)


def calls(transform: Transform, seed: int) -> Iterator[Call]:
    """Every run of the sampler, in order."""
    count = len(transform.pairs)
    middle = transform.save_middle or not transform.chained
    for loop in range(1, transform.iterations + 1):
        for number, pair in enumerate(transform.pairs, 1):
            steps_in_loop = number if transform.chained and middle else 1
            per_loop = count if transform.chained and middle else 1
            yield Call(
                loop,
                number,
                pair,
                seed_of(seed, loop),
                fresh=number == 1 or not transform.chained,
                kept=middle or number == count,
                transforms=1 if middle else number,
                round=(loop - 1) * per_loop + steps_in_loop if transform.loop_to_loop else steps_in_loop,
                row=_row(transform, loop, number),
            )


def _row(transform: Transform, loop: int, number: int) -> int:
    if transform.chained:
        return 1 if transform.loop_to_loop else loop
    return number if transform.loop_to_loop else (loop - 1) * len(transform.pairs) + number


def rows(transform: Transform) -> int:
    """How many chains of pictures a transform makes of one picture."""
    return _row(transform, transform.iterations, len(transform.pairs))


def read_program(text: str) -> tuple[tuple[Pair, ...], bool]:
    """Reads a program: pairs such as ``6@.35``, chained with ``>`` or else parallel; without ``@`` the strength is 0.5.

    Returns:
        The pairs, and whether they are chained.

    Raises:
        Told: it cannot be read; the text says why.
    """
    text = narrow(text)
    chained = ">" in text
    parts = text.split(">") if chained else text.replace(",", " ").split()
    pairs: list[Pair] = []
    for part in map(str.strip, parts):
        found = re.fullmatch(r"(\d{1,4}(?:\.\d*)?|\.\d+)(?:\s*@\s*(\d?\.?\d+|\d\.))?", part)
        if not found:
            raise Told(
                f"{part!r} is not a pair of the program {text.strip()!r}. Write scale@strength such as 6@.35, several with blanks"
                " between them (each starts from the picture) or with > (each starts from the result before)."
            )
        pair = Pair(float(found[1]), float(found[2] or 0.5))
        if not 1 / SCHEDULE <= pair.strength <= 1:
            raise Told(f"The strength of {part!r} must be from {1 / SCHEDULE} (one step of {SCHEDULE}) to 1.")
        pairs.append(pair)
    if not pairs:
        raise Told("The program is empty. Example: 6@.35 7@.45, or 8@.3 > 11@.2 > 15@.1.")
    return tuple(pairs), chained


def write(transform: Transform) -> str:
    """The program as text, as :func:`read_program` takes it."""
    pairs = (f"{written(pair.scale)}@{written(pair.strength)}" for pair in transform.pairs)
    return (" > " if transform.chained else " ").join(pairs)


def _chain(program: str, iterations: int = ITERATIONS, middle: bool = False, loops: bool = False) -> Transform:
    return Transform(read_program(program)[0], True, middle, loops, iterations)


def _each(program: str) -> Transform:
    return Transform(read_program(program)[0])


PRESETS: dict[str, Transform] = {
    "normal": _each("6@.35 7@.45 10@.3"),
    "shake": _each("10@.3 5@.35 9@.4 6@.45 8@.5 7@.55"),
    "focus": _each("12@.7 10@.7 8@.7"),
    "unstuck": _each("5@.8 6@.8 7@.8"),
    "unfocus": _each("3@.8 3.5@.85 4@.9"),
    "beast": _chain("6@.35 > 6@.35 > 6@.35"),
    "god": _chain("6@.35 > 9@.35 > 11@.35"),
    "enhance": _chain("6@.2 > 6@.2 > 7@.3 > 7@.5 > 9@.2"),
    "finalize": _chain("8@.3 > 11@.2 > 15@.1"),
    "snake": _chain("6@.35 > 8@.3 > 6@.35 > 8@.3"),
    "video": _chain("6@.5 > 8@.4 > 10@.4", 10, middle=True, loops=True),
    "video-shake": _chain("6@.35 > 6.5@.4 > 7@.6", 20, middle=True, loops=True),
    "loop-test": _chain(" > ".join(["8@.3"] * 10), middle=True),
    "loop-test-smooth": _chain(" > ".join(["5@.5"] * 10), middle=True),
    "mild": _each("6@.2 7@.25 8@.3 9@.35"),
    "fixit": _chain("4@.8 > 6@.5 > 9@.3 > 11@.15"),
    "restyle": _chain("5@.5 > 7@.4 > 11@.3"),
    "timeskip": _chain("5@.6 > 5@.55 > 5@.5"),
    "retouch": _chain("9@.2 > 10@.2 > 10@.2 > 11@.15"),
    "older normal": _each("6@.4 7@.45 8@.5 9@.55"),
    "older focus": _each("12@.75 11@.75 10@.7 9@.65 9@.6"),
    "older unfocus": _each("3@.3 3.5@.35 4@.4 4.5@.45"),
}
"""The batch CLI's transforms as of S, the last five with a name of their own and the three older forms from its history."""

CHANGED: dict[str, Transform] = {
    "shake": replace(PRESETS["shake"], iterations=2),
    "focus": _each("7@.7 8@.7 9@.7"),
}
"""What H has otherwise."""


def preset(name: str, era: Era = "S") -> Transform:
    return CHANGED[name] if era == "H" and name in CHANGED else PRESETS[name]

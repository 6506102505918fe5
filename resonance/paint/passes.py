"""The passes in which a line's picture is painted: one, or as gen_img's highres fix has it a small one and a second from that."""

from collections.abc import Sequence
from typing import NamedTuple

from ..session.item import Item
from ..session.payloads import PromptLine
from ..sizes import Size
from ..vary.transform import last_steps
from .options import SEEDS

MULTIPLE = 32
"""Pixels to which the sides of the first pass are cut down."""


class Passes(NamedTuple):
    """What the samplers are told.

    Attributes:
        first: size of the first pass in pixels; of the picture, where there is only one pass.
        first_steps, steps: steps that the first and the last pass run.
        strength: of the last pass; 1 where it starts from nothing.
        first_strength: of the first pass, likewise.
    """

    first: Size
    first_steps: int
    steps: int
    strength: float
    first_strength: float


def passes(
    size: Size,
    steps: int,
    strength: float | None,
    starts: bool,
    highres_scale: float,
    highres_steps: int = 0,
    highres_strength: float = 0.0,
) -> Passes:
    """
    Args:
        size: of the picture, in pixels.
        steps: length of the schedule.
        strength: of what is started from, above 0 to 1; None: nothing says it.
        starts: there is a picture to start from.
        highres_scale: share of the sides that the first pass has; 0: there is one pass.
        highres_steps, highres_strength: of the first pass; 0: the same as of the last.
    """
    part = 1.0 if strength is None else strength
    some = last_run(part, steps)
    if not highres_scale:
        run = some if starts else steps
        return Passes(size, run, run, part if starts else 1.0, part if starts else 1.0)
    first_steps, first_part = highres_steps or steps, (highres_strength or part) if starts else 1.0
    return Passes(first_size(size, highres_scale), last_run(first_part, first_steps), some, part, first_part)


def first_size(size: Size, highres_scale: float) -> Size:
    """Width and height of the first pass, in pixels."""
    width, height = (max(share(side, highres_scale) // MULTIPLE, 1) * MULTIPLE for side in size)
    return width, height


def share(pixels: int, highres_scale: float) -> int:
    """So many pixels, as the first pass has them."""
    return int(pixels * highres_scale + 0.5)


def last_run(strength: float, steps: int) -> int:
    """How many steps of a schedule a pass runs that starts from a picture, at least 1."""
    return max(last_steps(strength, steps), 1)


class Second(NamedTuple):
    """What a second pass is asked for.

    Attributes:
        size: of the picture, in pixels.
        steps: length of the schedule.
        strength: how much is made anew, above 0 to 1.
        seeds: of the first pass, one for each picture; one alone stands for a batch that counts up from it.
    """

    size: Size
    steps: int
    strength: float
    seeds: Sequence[int]

    @property
    def run(self) -> int:
        """Steps that are run."""
        return last_run(self.strength, self.steps)

    @property
    def own_seeds(self) -> list[int]:
        """Those of the second pass."""
        return [following(seed) for seed in self.seeds]


def following(seed: int) -> int:
    """The seed of the second pass, by that of the first."""
    return (seed + 1) % SEEDS


def second_of(item: Item | None, otherwise: Second) -> Second:
    """What is asked for the pictures of a run: those of a batch agree in all but their seeds.

    Args:
        otherwise: what counts for what no line says.
    """
    if not item:
        return otherwise
    found = otherwise._replace(seeds=[each.seed for each in item.batch])
    if not isinstance(line := item.payload, PromptLine):
        return found
    strength = otherwise.strength if line.strength is None else line.strength
    return found._replace(size=(line.width, line.height), steps=line.steps, strength=strength)

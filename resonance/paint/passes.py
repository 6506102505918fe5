"""The passes in which a line's picture is painted: one, or as gen_img's highres fix has it a small one and a second from that."""

from typing import NamedTuple

from ..sizes import Size
from ..vary.transform import last_steps

MULTIPLE = 32
"""Pixels to which the sides of the first pass are cut down."""


class Passes(NamedTuple):
    """What the samplers are told.

    Attributes:
        first: size of the first pass in pixels; of the picture, where there is only one pass.
        first_steps, steps: steps that the first and the last pass run.
        strength: of the last pass; 1 where it starts from nothing.
    """

    first: Size
    first_steps: int
    steps: int
    strength: float


def passes(size: Size, steps: int, strength: float | None, starts: bool, highres_scale: float) -> Passes:
    """
    Args:
        size: of the picture, in pixels.
        steps: length of the schedule.
        strength: of what is started from, above 0 to 1; None: nothing says it.
        starts: there is a picture to start from.
        highres_scale: share of the sides that the first pass has; 0: there is one pass.
    """
    part = 1.0 if strength is None else strength
    some = max(last_steps(part, steps), 1)
    if not highres_scale:
        run = some if starts else steps
        return Passes(size, run, run, part if starts else 1.0)
    width, height = (max(int(side * highres_scale + 0.5) // MULTIPLE, 1) * MULTIPLE for side in size)
    return Passes((width, height), some if starts else steps, some, part)

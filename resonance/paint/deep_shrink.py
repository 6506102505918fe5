"""Deep Shrink, in the terms of kohya-ss/sd-scripts: the first steps are computed on smaller maps in the depth of the UNet, so that the
layout of a large picture is that of a smaller one."""

from dataclasses import dataclass, replace

from ..session.item import Item
from ..session.payloads import PromptLine
from .options import read_options

OFF = -1
"""A depth at which nothing shrinks."""
DEPTH = 3
"""Where lines ask for it without saying how deep."""


@dataclass(frozen=True)
class Shrink:
    """
    Attributes:
        depth_1, depth_2: where the maps shrink in each phase, from 0; :data:`OFF`: there is no such phase.
        timesteps_1, timesteps_2: down to which time step, from 1000 to 0, each lasts.
        ratio: of the sides.
    """

    depth_1: int = OFF
    timesteps_1: int = 650
    depth_2: int = OFF
    timesteps_2: int = 650
    ratio: float = 0.5

    @property
    def phases(self) -> tuple[tuple[int, int], ...]:
        """The depth of each that acts, and down to which time step it does."""
        if self.depth_1 == OFF:
            return ()
        first, second = (self.depth_1, self.timesteps_1), (self.depth_2, self.timesteps_2)
        return (first, second) if self.depth_2 != OFF and self.timesteps_2 < self.timesteps_1 else (first,)

    def says(self) -> str:
        """What it does, for a person."""
        if self.depth_1 == OFF:
            return "Off: nothing shrinks."
        said = f"Shrinks to {self.ratio:g} at depth {self.depth_1} down to time step {self.timesteps_1}"
        if len(self.phases) > 1:
            return f"{said}, then at depth {self.depth_2} down to {self.timesteps_2}."
        if self.depth_2 == OFF:
            return f"{said}."
        return f"{said}. The second phase never acts: set timesteps_2 below timesteps_1."


def asked(item: Item | None, widgets: Shrink) -> Shrink:
    """What the line of an item gives with ``--dsd1`` and the like, and for the rest the widgets. Without an item of prompt lines: the
    widgets."""
    if item is None or not isinstance(item.payload, PromptLine):
        return widgets
    said = read_options(item.payload.options).options
    names = ("depth_1", "timesteps_1", "depth_2", "timesteps_2", "ratio")
    given = {name: value for name in names if (value := getattr(said, f"ds_{name}")) is not None}
    if given and widgets.depth_1 == OFF:
        given = {"depth_1": DEPTH, **given}
    return replace(widgets, **given)

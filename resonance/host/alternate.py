"""ControlNets that take turns, step by step, as those of kohya-ss/sd-scripts' gen_img do with SD1.5."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from ..attention.parts import Conditioning
from .core_control import CONTROL, Turns, controlled, with_picture


class Turn(NamedTuple):
    """A CONTROL_NET with its picture ``[B, H, W, 3]``, its strength, and the share of the sampling up to which it acts."""

    net: Any
    image: torch.Tensor
    strength: float
    end: float


def alternating(
    positive: Conditioning, negative: Conditioning, turns: Sequence[Turn], vae: Any = None
) -> tuple[Conditioning, Conditioning]:
    """Both, with ControlNets of which one acts in each step, beside those that they have. Themselves where none has any strength."""
    if not any(turn.strength for turn in turns):
        return positive, negative
    made: dict[Any, Turns] = {}

    def on(conditioning: Conditioning) -> Conditioning:
        found: Conditioning = []
        for tokens, values in conditioning:
            before = values.get(CONTROL)
            if before not in made:
                nets = [with_picture(*turn, vae) for turn in turns]
                made[before] = Turns(nets).set_previous_controlnet(before)
            found.append([tokens, controlled(values, made[before])])
        return found

    return on(positive), on(negative)

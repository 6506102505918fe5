"""What a picture is pulled towards."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Goal = Callable[[torch.Tensor, int], torch.Tensor]
"""Of a picture ``[1, 3, H, W]`` from 0 to 1, and of its number in the batch, as pictures may have goals of their own: a number, through
which a gradient goes."""


@dataclass(frozen=True, eq=False)
class Guide:
    """
    Attributes:
        name: for messages.
        modules: its networks.
        loss: how far a picture is from it.
        patchers: what has to be loaded while sampling.
    """

    name: str
    modules: tuple[torch.nn.Module, ...]
    loss: Goal
    patchers: tuple[Any, ...] = ()

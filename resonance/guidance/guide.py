"""What a picture is pulled towards."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, eq=False)
class Guide:
    """
    Attributes:
        name: for messages.
        modules: its networks.
        loss: of a picture ``[1, 3, H, W]`` from 0 to 1: a number, through which a gradient goes.
        patchers: what has to be loaded while sampling.
    """

    name: str
    modules: tuple[torch.nn.Module, ...]
    loss: Callable[[torch.Tensor], torch.Tensor]
    patchers: tuple[Any, ...] = ()

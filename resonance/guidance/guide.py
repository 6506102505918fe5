"""What a picture is pulled towards, as the MODEL that samples it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, eq=False)
class Guide:
    """One object for each thing that is asked for: who keeps what was made with it may tell it by identity."""

    name: str
    """For messages: ``text by CLIP``."""
    loss: Callable[[torch.Tensor], torch.Tensor]
    """Of a picture [1, 3, height, width] from 0 to 1, in float32 and on the device that its patchers load to: a scalar that falls as the
    picture comes nearer. Differentiable; it is called where gradients are taken."""
    modules: tuple[torch.nn.Module, ...]
    """Its networks, through which the gradient goes."""
    patchers: tuple[Any, ...]
    """ComfyUI's ModelPatchers of these, to be on the device while the MODEL samples."""

"""How far CLIP finds a picture from words or from another picture.

L = 2 arcsin(|a - b| / 2)^2 for the directions a and b of what it sees and of what it shall see, as kohya-ss/sd-scripts has it
(gen_img_diffusers.py, Apache-2.0).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F

from ..paint.weights import pieces
from .guide import Goal

MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of the pictures that CLIP learned from."""


class Eye(NamedTuple):
    """The part of a model that sees.

    Attributes:
        size: sides in pixels of what it is shown.
        mean, deviation: which it is shown as 0 and 1.
        features: of pictures as it is shown them, ``[B, N]``.
    """

    size: int
    mean: Sequence[float]
    deviation: Sequence[float]
    features: Callable[[torch.Tensor], torch.Tensor]

    def see(self, pictures: torch.Tensor) -> torch.Tensor:
        """Features ``[B, N]`` of pictures ``[B, 3, H, W]`` from 0 to 1, of which it sees all, squashed to a square."""
        shown = F.interpolate(pictures, (self.size, self.size), mode="bilinear", antialias=True)
        return self.features(normalised(shown, self.mean, self.deviation))


def loss(eye: Eye, goals: torch.Tensor) -> Goal:
    """
    Args:
        goals: features ``[G, N]``, which pictures take in turn.
    """

    def far(picture: torch.Tensor, number: int) -> torch.Tensor:
        seen = eye.see(picture)
        return spherical(seen, goals[number % len(goals)].to(seen.device)).mean()

    return far


def spherical(features: torch.Tensor, goal: torch.Tensor) -> torch.Tensor:
    """Half the square of the angle between them, for each row."""
    one, other = (F.normalize(each, dim=-1) for each in (features, goal))
    return 2 * torch.arcsin((one - other).square().sum(-1).clamp(min=1e-12).sqrt() / 2) ** 2


def normalised(pictures: torch.Tensor, mean: Sequence[float], deviation: Sequence[float]) -> torch.Tensor:
    """``[B, 3, H, W]``"""
    middle, spread = (pictures.new_tensor(each).view(1, 3, 1, 1) for each in (mean, deviation))
    return (pictures - middle) / spread


def plain(prompt: str) -> str:
    """The words of a prompt without their weights.

    Raises:
        Misread: see :func:`resonance.paint.weights.pieces`.
    """
    return " ".join("".join(piece.text if piece else " " for piece in pieces(prompt)).split())

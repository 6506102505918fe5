"""How different VGG16 finds a picture and another: the mean square of the difference of what a layer makes of both, at a quarter of their
sides, as kohya-ss/sd-scripts has it (gen_img_diffusers.py, Apache-2.0)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from ..attention.method import kept
from ..told import Told
from .clip import normalised
from .guide import Goal

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet."""
LAYERS = 31
"""Of its ``features`` in torchvision."""
LAYER = 20
"""The ReLU behind the second convolution of the fourth level."""
POOLS = (4, 9, 16, 23, 30)
"""Layers that halve the sides."""
PART = 4
"""So many times smaller are the sides of what it is shown."""


def loss(features: Callable[[torch.Tensor], torch.Tensor], layer: int, guides: torch.Tensor) -> Goal:
    """
    Args:
        features: the layers up to and with the one that is asked for.
        guides: pictures ``[G, 3, H, W]`` from 0 to 1, which pictures take in turn.
    """
    smallest = PART << sum(pool <= layer for pool in POOLS)
    goals: dict[tuple[int, int, int], torch.Tensor] = {}

    def seen(picture: torch.Tensor, height: int, width: int) -> torch.Tensor:
        shown = F.interpolate(picture, (height // PART, width // PART), mode="bilinear", antialias=True)
        return features(normalised(shown, MEAN, DEVIATION))

    def far(picture: torch.Tensor, number: int) -> torch.Tensor:
        height, width = picture.shape[2:]
        if min(height, width) < smallest:
            raise Told(
                f"Layer {layer} of VGG16 sees nothing in a picture of {width} x {height}, as its sides are below {smallest} pixels: take a "
                "lower layer, a larger picture, or a higher shrink."
            )
        key = number % len(guides), height, width
        if key not in goals:
            with kept(), torch.no_grad():
                goals[key] = seen(guides[key[0] : key[0] + 1].to(picture), height, width)
        return F.mse_loss(seen(picture, height, width), goals[key])

    return far

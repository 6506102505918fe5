"""How far a picture is from what it is pulled towards, so that a gradient goes through it.

kohya-ss/sd-scripts guides by these (gen_img_diffusers.py, Apache-2.0); the loss of CLIP is that of Crowson's CLIP guided diffusion.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from ..attention.method import kept
from ..told import Told

Network = Callable[[torch.Tensor], torch.Tensor]
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Means and deviations of the pictures that VGG16 was trained on (torchvision)."""
VGG_SHARE = 0.25
"""Of its sides, a picture is shown to VGG16."""


def spherical(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Half the squared angle between vectors ``[B, D]``, ``[B]``."""
    # The length of the chord, whose square root has no slope at 0.
    chord = (F.normalize(one, dim=-1) - F.normalize(other, dim=-1)).square().sum(-1).clamp(min=1e-12).sqrt()
    return 2 * torch.arcsin(chord / 2) ** 2


class ClipLoss:
    """How far what CLIP sees in a picture is from a vector.

    Args:
        see: pictures ``[B, 3, side, side]``, normalised, to vectors ``[B, D]``.
        target: ``[1, D]``.
        side: of what it is shown, in pixels.
        mean, deviation: of the pictures that it was trained on.
    """

    def __init__(
        self, see: Network, target: torch.Tensor, side: int, mean: Sequence[float], deviation: Sequence[float]
    ) -> None:
        self._see, self._target, self._side, self._colours = see, target, side, (mean, deviation)

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        seen = seen_by(self._see, picture, self._side, *self._colours)
        return spherical(seen, self._target.to(seen)).mean()


def seen_by(
    see: Network, picture: torch.Tensor, side: int, mean: Sequence[float], deviation: Sequence[float]
) -> torch.Tensor:
    """The vectors ``[B, D]`` of pictures ``[B, 3, H, W]`` from 0 to 1."""
    shown = F.interpolate(picture, (side, side), mode="bilinear", antialias=True)
    return see(normalised(shown, mean, deviation)).float()


class FeatureLoss:
    """How far the features of a picture are from those of another one.

    Args:
        look: pictures ``[B, 3, H, W]``, normalised, to features ``[B, C, h, w]``.
        guide: ``[1, 3, H, W]`` from 0 to 1.
        least: sides of pictures that it can be shown, in pixels.
    """

    def __init__(self, look: Network, guide: torch.Tensor, least: int) -> None:
        self._look, self._guide, self._least = look, guide, least
        self._wanted: dict[tuple[object, ...], torch.Tensor] = {}

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """
        Raises:
            Told: the picture is too small.
        """
        height, width = (round(side * VGG_SHARE) for side in picture.shape[2:])
        if min(height, width) < self._least:
            least = round(self._least / VGG_SHARE)
            raise Told(
                f"Expected a picture of at least {least} x {least} pixels for this layer of VGG16, got {picture.shape[3]} x {picture.shape[2]}:"
                " take an earlier layer, or a larger shrink."
            )
        key = height, width, picture.device
        if key not in self._wanted:
            with kept(), torch.no_grad():
                self._wanted[key] = self._seen(self._guide.clone().to(picture), (height, width))
        return F.mse_loss(self._seen(picture, (height, width)), self._wanted[key])

    def _seen(self, picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        return self._look(normalised(F.interpolate(picture, size, mode="bilinear", antialias=True), *IMAGENET)).float()


def normalised(picture: torch.Tensor, mean: Sequence[float], deviation: Sequence[float]) -> torch.Tensor:
    """``[B, 3, H, W]`` from 0 to 1, as a network takes it."""
    means, deviations = (torch.tensor(each).view(1, 3, 1, 1).to(picture) for each in (mean, deviation))
    return (picture - means) / deviations

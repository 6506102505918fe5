"""What a VAE makes of a picture."""

from typing import Any

import torch

from ..told import Told
from . import core


def through(vae: Any, images: torch.Tensor) -> torch.Tensor:
    """IMAGE ``[B, H, W, C]`` encoded and decoded again, picture by picture: a video VAE would take them for one film.

    As with core's nodes the sides are cropped to what the VAE can take.

    Raises:
        Told: a side is shorter than that.
    """
    least = core.side(vae)
    height, width = images.shape[1:3]
    if min(height, width) < least:
        raise Told(f"The reference is {width}x{height} pixels; the VAE needs at least {least} on each side.")
    rgb = images[..., :3].nan_to_num(0, 0, 0).clamp(0, 1).expand(-1, -1, -1, 3)
    return torch.cat([vae.decode(vae.encode(image)).flatten(0, -4) for image in torch.split(rgb, 1)])

"""Empty latents, and the pixels that latents become."""

from collections.abc import Mapping
from typing import Any

import comfy.model_management
import torch

from ..sizes import Size
from ..told import Told
from . import core


def empty(width: int, height: int, count: int = 1) -> dict[str, Any]:
    """LATENT for ``count`` new pictures, sides in pixels taken down to a multiple of 8.

    As EmptyLatentImage has it: samplers repeat the channels and change the scale for the model at hand.
    """
    samples = torch.zeros(
        (count, 4, height // 8, width // 8),
        device=comfy.model_management.intermediate_device(),
        dtype=comfy.model_management.intermediate_dtype(),
    )
    return core.latent(samples, scale=8)


def pixel_size(latent: Mapping[str, Any]) -> Size:
    """Width and height of the pictures that a LATENT becomes.

    Raises:
        Told: it becomes none.
    """
    shape = latent["samples"].shape
    if len(shape) not in (4, 5):
        raise Told(f"Expected the latent of a picture or a video, got one of the shape {list(shape)}.")
    scale = core.scale_of(latent)
    return shape[-1] * scale, shape[-2] * scale

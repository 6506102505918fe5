"""Empty latents."""

from typing import Any

import comfy.model_management
import torch

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

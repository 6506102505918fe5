from collections.abc import Callable
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher

def prepare_noise(latent_image: torch.Tensor, seed: int, noise_inds: list[int] | None = None) -> torch.Tensor: ...
def fix_empty_latent_channels(model: ModelPatcher, latent_image: torch.Tensor) -> torch.Tensor: ...
def sample(
    model: ModelPatcher,
    noise: torch.Tensor,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: list[Any],
    negative: list[Any],
    latent_image: torch.Tensor,
    *,
    noise_mask: torch.Tensor | None = None,
    sigmas: torch.Tensor | None = None,
    callback: Callable[[int, torch.Tensor, torch.Tensor, int], None] | None = None,
    disable_pbar: bool = False,
    seed: int | None = None,
) -> torch.Tensor: ...

from typing import Any

import torch
from comfy.model_patcher import ModelPatcher

class CLIP:
    patcher: ModelPatcher

class VAE:
    def __init__(self, sd: dict[str, torch.Tensor], *, metadata: dict[str, str] | None = None) -> None: ...
    def throw_exception_if_invalid(self) -> None: ...
    def encode(self, pixel_samples: torch.Tensor) -> torch.Tensor: ...
    def decode(self, samples_in: torch.Tensor) -> torch.Tensor: ...
    def spacial_compression_encode(self) -> int: ...

def load_checkpoint_guess_config(
    ckpt_path: str, *, embedding_directory: list[str] | None = None
) -> tuple[ModelPatcher, CLIP, VAE, Any]: ...
def load_lora_for_models(
    model: ModelPatcher,
    clip: CLIP,
    lora: dict[str, torch.Tensor],
    strength_model: float,
    strength_clip: float,
    lora_metadata: dict[str, str] | None = None,
) -> tuple[ModelPatcher, CLIP]: ...

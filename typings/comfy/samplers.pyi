from typing import Any

import torch
from comfy.model_patcher import ModelPatcher

class KSampler:
    SAMPLERS: list[str]
    SCHEDULERS: list[str]
    sigmas: torch.Tensor

    def __init__(
        self,
        model: ModelPatcher,
        steps: int,
        device: torch.device,
        sampler: str | None = None,
        scheduler: str | None = None,
        denoise: float | None = None,
        model_options: dict[str, Any] = ...,
    ) -> None: ...

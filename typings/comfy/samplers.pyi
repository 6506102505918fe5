from collections.abc import Callable
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

class KSAMPLER:
    sampler_function: Callable[..., torch.Tensor]
    extra_options: dict[str, Any]
    inpaint_options: dict[str, Any]

    def __init__(
        self,
        sampler_function: Callable[..., torch.Tensor],
        extra_options: dict[str, Any] = ...,
        inpaint_options: dict[str, Any] = ...,
    ) -> None: ...

def ksampler(
    sampler_name: str, extra_options: dict[str, Any] = ..., inpaint_options: dict[str, Any] = ...
) -> KSAMPLER: ...
def encode_model_conds(
    model_function: Callable[..., dict[str, Any]],
    conds: list[dict[str, Any]],
    noise: torch.Tensor,
    device: torch.device,
    prompt_type: str,
    **kwargs: object,
) -> list[dict[str, Any]]: ...
def calc_cond_batch(
    model: Any,
    conds: list[list[dict[str, Any]]],
    x_in: torch.Tensor,
    timestep: torch.Tensor,
    model_options: dict[str, Any],
) -> list[torch.Tensor]: ...

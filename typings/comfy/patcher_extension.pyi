from collections.abc import Callable
from typing import Any

class WrappersMP:
    OUTER_SAMPLE: str
    PREPARE_SAMPLING: str
    SAMPLER_SAMPLE: str
    PREDICT_NOISE: str
    CALC_COND_BATCH: str
    APPLY_MODEL: str
    DIFFUSION_MODEL: str

def add_wrapper_with_key(
    wrapper_type: str,
    key: str,
    wrapper: Callable[..., Any],
    transformer_options: dict[str, Any],
    is_model_options: bool = ...,
) -> None: ...

from collections.abc import Callable, Iterable

import torch

trange: Callable[..., Iterable[int]]

def get_ancestral_step(
    sigma_from: torch.Tensor, sigma_to: torch.Tensor, eta: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]: ...
def default_noise_sampler(
    x: torch.Tensor, seed: int | None = None
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]: ...

class BrownianTreeNoiseSampler:
    def __init__(
        self,
        x: torch.Tensor,
        sigma_min: torch.Tensor,
        sigma_max: torch.Tensor,
        seed: int | list[int] | None = None,
        *,
        cpu: bool = False,
    ) -> None: ...
    def __call__(self, sigma: torch.Tensor, sigma_next: torch.Tensor) -> torch.Tensor: ...

"""The noise that pictures start from, as a NOISE: core's own for the seed of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.sample
import torch

from ..told import Told


@dataclass(frozen=True)
class StartNoise:
    """What SamplerCustomAdvanced takes as noise (comfy_extras/nodes_custom_sampler.py, ``Noise_RandomNoise``): it asks for the noise,
    and for the seed of what samplers draw on the way."""

    seeds: tuple[int, ...]

    @property
    def seed(self) -> int:
        return self.seeds[0]

    def generate_noise(self, latent: dict[str, Any]) -> torch.Tensor:
        """
        Raises:
            Told: there is not one latent for each seed, where there are several.
        """
        samples: torch.Tensor = latent["samples"]
        if len(self.seeds) == 1:
            return comfy.sample.prepare_noise(samples, self.seed, latent.get("batch_index"))
        if samples.shape[0] != len(self.seeds):
            raise Told(
                f"This run works on {len(self.seeds)} prompt lines, but {samples.shape[0]} latents came to the sampler. Connect"
                " the latent of Prompt Lines, or set its batch_size to 1."
            )
        return torch.cat(
            [comfy.sample.prepare_noise(samples[row : row + 1], seed) for row, seed in enumerate(self.seeds)]
        )


def start_noise(seeds: Sequence[int]) -> StartNoise:
    """A NOISE for as many pictures as there are seeds."""
    return StartNoise(tuple(seeds))

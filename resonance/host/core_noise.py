"""ComfyUI's insides of noise: what a NOISE and a SAMPLER are, and what samplers draw on their way. See :mod:`.core`."""

import copy
from collections.abc import Callable, Sequence
from functools import partial, wraps
from inspect import unwrap
from typing import Any

import comfy.sample
import torch
from comfy.k_diffusion.sampling import BrownianTreeNoiseSampler, default_noise_sampler
from comfy.nested_tensor import cat_nested
from comfy.samplers import KSAMPLER

from ..paint.per_picture import Noise, Seeds, noise_of
from ..told import Told

CORE = ("comfy.k_diffusion.sampling", "comfy.samplers", "comfy.extra_samplers.uni_pc")
"""Modules of the functions of core's samplers."""

Draw = Callable[..., torch.Tensor]
"""From one level of noise to another: noise."""


class PerPictureNoise:
    """A NOISE (comfy_extras/nodes_custom_sampler.py): each picture has the start noise of its seed.

    Attributes:
        seed: goes through the run, see :class:`~resonance.paint.per_picture.Seeds`.
    """

    def __init__(self, seed: Seeds) -> None:
        self.seed = seed

    def generate_noise(self, latent: dict[str, Any]) -> Any:
        """Raises Told: there are seeds for another number of pictures."""
        samples = latent["samples"]
        return _start(samples, self.seed.of(samples.shape[0]), latent.get("batch_index"))


def _start(samples: Any, seeds: Sequence[int], index: list[int] | None = None) -> Any:
    """Core's noise for each picture.

    Args:
        samples: latents, or several kinds of them as one.
        index: which picture each was in the batch that it comes from.
    """
    drawn = [
        comfy.sample.prepare_noise(samples[i : i + 1], seed, index and index[i : i + 1]) for i, seed in enumerate(seeds)
    ]
    return cat_nested(drawn) if samples.is_nested else torch.cat(drawn)


class Sampler:
    """A SAMPLER (comfy/samplers.py).

    Attributes:
        function: what it calls.
        settings: that the function is called with.
        redraws: it has other noise under a mask than what it begins with, as ddim has.

    Raises:
        Told: it is of another kind.
    """

    def __init__(self, given: Any) -> None:
        if not isinstance(given, KSAMPLER):
            raise Told(f"Expected a sampler as ComfyUI's nodes give it, got {type(given).__name__}.")
        self._given = given
        self.function, self.settings = given.sampler_function, given.extra_options
        self.redraws = bool(given.inpaint_options.get("random"))

    def calling(self, function: Callable[..., torch.Tensor]) -> KSAMPLER:
        """The same one with another function."""
        copied = copy.copy(self._given)
        copied.sampler_function = function
        return copied

    @staticmethod
    def of(function: Callable[..., torch.Tensor], **settings: Any) -> KSAMPLER:
        return KSAMPLER(function, settings)


_by_seed = set[Callable[..., torch.Tensor]]()


def by_seed(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Marks a sampler's function, before other decorators, that itself draws for each picture what its seed says: see :func:`drawing`."""
    _by_seed.add(function)
    return function


def per_picture(sampler: Any, count: int = 1) -> Any:
    """A SAMPLER that paints each picture of a batch as it does alone (comfy/samplers.py). With one picture it is the given one.

    Args:
        count: how many pictures are known to come.

    Raises:
        Told: it is of another kind, or it cannot paint several. The latter is raised in a run too, where there are several.
    """
    sampler = Sampler(sampler)
    inner = sampler.function

    @wraps(inner)
    def run(model: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: dict[str, Any], **more: Any) -> torch.Tensor:
        if len(x) > 1:
            noise = drawn()
            seed = extra_args["seed"]
            if not isinstance(seed, Seeds):
                raise Told(
                    f"{len(x)} pictures are to be painted, and the noise that came has one seed for all: connect the noise of Per Picture"
                    " Noise as well as its sampler."
                )
            seeds = seed.of(len(x))
            if sampler.redraws:
                model.noise = _start(x, [seed + 1 for seed in seeds]).to(x)
            if noise != "none" and len(sigmas) > 1:
                draws = [_drawing(noise, x[i : i + 1], sigmas, seed) for i, seed in enumerate(seeds)]
                more["noise_sampler"] = partial(_drawn, draws)
        return inner(model, x, sigmas, extra_args=extra_args, **more)

    def drawn() -> Noise:
        if unwrap(run) in _by_seed:
            return "none"
        # The names are the inner function's, if it has any.
        return noise_of(
            run.__name__.removeprefix("sample_").removesuffix("_function"), sampler.settings, run.__module__ in CORE
        )

    if count > 1:
        drawn()
    return sampler.calling(run)


def drawing(x: torch.Tensor, seed: int | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """The noise of one step after the other, for latents whose size may change: as ``default_noise_sampler`` draws it for a batch, with
    :class:`~resonance.paint.per_picture.Seeds` as for each picture by itself.

    Returns:
        Makes noise like a latent.
    """
    seeds = seed.of(len(x)) if isinstance(seed, Seeds) else (seed,)
    generators = [_generator(x.device, each) for each in seeds]

    def draw(like: torch.Tensor) -> torch.Tensor:
        shape = len(like) // len(generators), *like.shape[1:]
        return torch.cat(
            [torch.randn(shape, generator=each, device=like.device, dtype=like.dtype) for each in generators]
        )

    return draw


def _generator(device: torch.device, seed: int | None) -> torch.Generator | None:
    if seed is None:
        return None
    return torch.Generator(device).manual_seed(seed + 1 if device.type == "cpu" else seed)


def _drawn(draws: Sequence[Draw], *levels: torch.Tensor) -> torch.Tensor:
    return torch.cat([draw(*levels) for draw in draws])


def _drawing(noise: Noise, x: torch.Tensor, sigmas: torch.Tensor, seed: int) -> Draw:
    """What core's samplers draw for one picture ``[1, C, H, W]`` of that seed, from one level of noise to another."""
    if noise == "generator":
        return default_noise_sampler(x, seed=seed)
    return BrownianTreeNoiseSampler(x, sigmas[sigmas > 0].min(), sigmas.max(), seed=seed, cpu=noise == "tree")

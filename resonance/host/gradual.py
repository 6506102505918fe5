"""Gradual latent in a run of a sampler: euler_ancestral, whose latent begins small and grows.

ComfyUI fits to the first size of a latent what it then takes at every step: masks of conditionings follow here; what cannot follow is
refused. Hints of ControlNets, regions and previews go by the size that they see.
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from comfy.samplers import ksampler

from ..paint.gradual import Gradual, Unsharp, ratios, size_at
from ..told import Told
from .core_noise import Sampler, by_seed, drawing
from .core_sampling import Given, Guided, ancestral_step, counted
from .families import family

Size = tuple[int, int]
"""Height and width of a latent."""

MODELS = "Gradual Latent paints with {families}, and this model is {model}: choose another sampler."
NO_TIMES = "Gradual Latent goes by time steps, and this model's noise is not measured in them: choose another sampler."
MASKED = "Gradual Latent paints the whole picture: take away the noise mask of the latent, or choose another sampler."
PICTURE = (
    "Gradual Latent cannot paint with a model that is given a picture to fill in: take one that is not for inpainting."
)
AREA = "Gradual Latent cannot follow areas in pixels: give the conditioning a mask, or choose another sampler."


def gradual(settings: Gradual) -> Any:
    """A SAMPLER."""
    if not settings.timesteps:
        return ksampler("euler_ancestral")
    return Sampler.of(sample_gradual_latent, settings=settings)


@torch.no_grad()
@by_seed
def sample_gradual_latent(
    model: Any,
    x: torch.Tensor,
    sigmas: torch.Tensor,
    extra_args: dict[str, Any],
    callback: Any = None,
    disable: bool | None = None,
    *,
    settings: Gradual,
) -> torch.Tensor:
    """
    Raises:
        Told: it cannot paint what it is given.
    """
    steps = len(sigmas) - 1
    if steps < 1:
        return x
    guided, whole = Guided.of(model), (x.shape[2], x.shape[3])
    family(guided.patcher, MODELS)
    if (times := guided.times(sigmas[:-1])) is None:
        raise Told(NO_TIMES)
    if extra_args.get("denoise_mask") is not None:
        raise Told(MASKED)
    masks = Masks(guided.entries())
    sizes = [size_at(ratio, whole) for ratio in ratios(settings, times)]
    draw = drawing(x, extra_args.get("seed"))
    x = resized(x, sizes[0], settings.unsharp)
    for i in counted(steps, disable):
        masks.fit(sizes[i])
        denoised = model(x, sigmas[i] * x.new_ones(len(x)), **extra_args)
        if callback is not None:
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        if sigmas[i + 1] == 0:
            x = denoised
            continue
        down, up = ancestral_step(sigmas[i], sigmas[i + 1])
        size = sizes[min(i + 1, steps - 1)]
        if size != sizes[i]:
            up *= settings.s_noise
        x = _stepped(x, (x - denoised) / sigmas[i] * (down - sigmas[i]), size, settings.unsharp)
        x = x + draw(x) * up
    return x


class Masks:
    """The masks of conditionings, fitted to the size of the latent.

    Raises:
        Told: a conditioning has something that cannot be fitted.
    """

    def __init__(self, conditionings: Iterable[Given]) -> None:
        self._whole = list[tuple[Given, torch.Tensor]]()
        for each in conditionings:
            if each.has_picture:
                raise Told(PICTURE)
            if each.has_area or each.has_boxes:
                raise Told(AREA)
            if each.mask is not None:
                self._whole.append((each, each.mask))

    def fit(self, size: Size) -> None:
        for each, whole in self._whole:
            fits = whole.shape[1:] == size
            each.put_mask(whole if fits else F.interpolate(whole[:, None].float(), size, mode="area")[:, 0].to(whole))


def _stepped(x: torch.Tensor, change: torch.Tensor, size: Size, sharpened: Unsharp | None) -> torch.Tensor:
    """A latent after a step, which changes its size too."""
    if sharpened is None or sharpened.on_picture:
        return resized(x + change, size, sharpened)
    return resized(x, size, sharpened) + resized(change, size)


def resized(x: torch.Tensor, size: Size, sharpened: Unsharp | None = None) -> torch.Tensor:
    """A latent ``[B, C, H, W]`` in another size."""
    if x.shape[2:] == size:
        return x
    x = F.interpolate(x.float(), size, mode="bicubic", align_corners=False).to(x)
    return unsharp(x, sharpened) if sharpened else x


def unsharp(x: torch.Tensor, how: Unsharp) -> torch.Tensor:
    """A latent ``[B, C, H, W]`` with more of what it has beyond its own blur."""
    if not how.sigma:
        return x
    radius = how.kernel // 2
    places = torch.arange(-radius, radius + 1, device=x.device)
    line = torch.exp(-((places / how.sigma) ** 2) / 2)
    line = line / line.sum()
    kernel = (line[:, None] * line).expand(x.shape[1], 1, -1, -1)
    # The blur's kernel may be larger than a small latent, which cannot be mirrored so far.
    padded = F.pad(x.float(), [radius] * 4, mode="replicate")
    return x + (x - F.conv2d(padded, kernel, groups=x.shape[1]).to(x)) * how.strength

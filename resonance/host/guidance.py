"""MODELs whose pictures are pulled towards something by a gradient, after classifier-free guidance.

kohya-ss/sd-scripts guides by CLIP and VGG16 in this way (gen_img_diffusers.py, Apache-2.0), in the space of DDIM. In ComfyUI's its rule
is ``denoised - sigma^2 * dL/dx``, for every sampler.
"""

from typing import Any

import torch
import torch.nn.functional as F

from ..guidance.guide import Guide
from ..told import Told
from . import core_gradient as core
from .core_sampling import percent_to_sigma
from .families import family
from .progress import stop_if_interrupted
from .sampling.gradient import differentiable, with_gradients

REASON = "Gradient Guidance works with {families}: gradients do not go through the attention of other models, as of this one: {model}."


def guided(
    model: Any, vae: Any, guide: Guide, *, scale: float, start: float, end: float, shrink: float, limit: bool
) -> Any:
    """A clone of a MODEL; itself where nothing would act.

    Args:
        scale: of the guide's loss.
        start, end: shares of the steps between which it acts.
        shrink: what is decoded has sides of this share.
        limit: whether a step is pulled no further than classifier-free guidance moves it.

    Raises:
        Told: no gradient goes through the model, or the VAE is another model's.
    """
    if is_idle(scale, start, end):
        return model
    family(model, REASON)
    channels = core.latent_channels(model)
    if vae.latent_dim != 2 or vae.latent_channels != channels:
        raise Told(
            f"Expected a VAE for latents of {channels} channels, got one for {vae.latent_channels} in {vae.latent_dim} dimensions."
        )
    noise = percent_to_sigma(model)
    most, least = noise(start), noise(end)
    model, decode = with_gradients(model, vae, guide.patchers)

    def pull(step: core.GuidedStep, number: int) -> torch.Tensor:
        """The gradient of the loss with respect to the latent of one picture."""
        x, positive = (t[number : number + 1].clone().requires_grad_() for t in (step.x, step.positive))
        with torch.enable_grad(), differentiable(decode.network, *guide.modules):
            latent = core.raw(model, heading_for(x, positive, step.sigma[number].item()))
            if shrink != 1:
                latent = F.interpolate(latent, scale_factor=shrink, mode="bilinear")
            picture = decode(latent)
            stop_if_interrupted()
            loss = scale * guide.loss(picture)
            stop_if_interrupted()
            direct, through = torch.autograd.grad(loss, (x, positive))
        stop_if_interrupted()
        return direct + step.gradient(number, through, differentiable)

    def act(step: core.GuidedStep) -> torch.Tensor:
        sigma = step.sigma[0].item()
        if not least <= sigma <= most:
            return step.denoised
        with torch.inference_mode(False):
            try:
                pulls = torch.cat([pull(step, number) for number in range(len(step.x))])
            except RuntimeError as error:
                if not any(reason in str(error) for reason in ("saved for backward", "inplace operation")):
                    raise
                raise Told(
                    "A patch of another node is on this model through which no gradient goes: take it off, or Gradient Guidance."
                ) from error
        if not pulls.isfinite().all():
            raise Told(
                f"The gradient of {guide.name} is not a number at the noise {sigma:.3g}: lower the scale, or begin later."
            )
        pulls = pulls * step.sigma.view(-1, 1, 1, 1) ** 2
        if limit and step.negative is not None:
            pulls = at_most(pulls, step.denoised - step.negative)
        return step.denoised - pulls

    return core.after_guidance(model, act)


def is_idle(scale: float, start: float, end: float) -> bool:
    """Whether nothing would act."""
    return not scale or start >= end


def heading_for(x: torch.Tensor, denoised: torch.Tensor, sigma: float) -> torch.Tensor:
    """The latent that is decoded: between ``x``, in the scale of DDIM, and what the model predicts, the nearer to that the more noise
    there is."""
    scale = (sigma**2 + 1) ** 0.5
    share = sigma / scale
    return denoised * share + x / scale * (1 - share)


def at_most(pulls: torch.Tensor, moves: torch.Tensor) -> torch.Tensor:
    """``[B, C, H, W]``, each picture's no longer than its move."""
    lengths, longest = (t.square().sum((1, 2, 3)).sqrt() for t in (pulls, moves))
    shares = (longest / lengths).nan_to_num(1).clamp(max=1)
    return pulls * shares.view(-1, 1, 1, 1)

"""A picture codec of TAESD's form: a latent pixel is the mean colour of an 8 x 8 block."""

import torch

from .weights import Weights, signs

WAN = torch.tensor([-0.7571, -0.7089, -0.9113]), torch.tensor([2.8184, 1.4541, 2.3275])
"""Mean and deviation of the first three latent channels of Wan's VAE, which Qwen-Image has; the model gets them less the
mean, over the deviation."""

RESIDUAL_BLOCKS = {"encoder": (1, 3, 4, 5, 7, 8, 9, 11, 12, 13), "decoder": (3, 4, 5, 8, 9, 10, 13, 14, 15, 18)}
WIDTH = 64


def taesd(
    weights: Weights,
    prefix: str = "",
    channels: int = 4,
    scale: float = 0.18215,
    shift: float = 0.0,
    cast: tuple[float, float, float] = (0.0, 0.0, 0.0),
    normed: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> None:
    """Image = 0.5 + 0.3 * latent, both ways.

    Args:
        channels: of the latent; 4 for SD and SDXL, 16 for SD3 and Flux.
        scale, shift: what the model family multiplies and subtracts. Only a tenth of the scale is used, with ten
            times the colour, so that the values stay where TAESD's tanh clamp is linear.
        cast: what decoding adds to red, green and blue, of 1.
        normed: mean and deviation, where each channel has its own; then ``scale`` is 1.
    """
    colour = 0.3 * 10
    encoder, decoder = f"{prefix}taesd_encoder.", f"{prefix}taesd_decoder."
    for part, blocks in RESIDUAL_BLOCKS.items():
        for block in blocks:
            for i in (0, 2, 4):
                weights.hole(f"{prefix}taesd_{part}.{block}.conv.{i}.weight", WIDTH, WIDTH, 3, 3)
                weights.hole(f"{prefix}taesd_{part}.{block}.conv.{i}.bias", WIDTH)

    weights.layer(f"{encoder}0", WIDTH, 3, 3, 3, gain=0)[:3, :, 1, 1] = torch.eye(3)
    for halve in (2, 6, 10):
        mean = weights.layer(f"{encoder}{halve}", WIDTH, WIDTH, 3, 3, gain=0, bias=False)
        mean[:, :, 1:, 1:] = (torch.eye(WIDTH) / 4)[:, :, None, None]
    weights.layer(f"{encoder}14", channels, WIDTH, 3, 3, gain=0)[:3, :3, 1, 1] = torch.eye(3) / colour
    weights[f"{encoder}14.bias"][:3] = -0.5 / colour

    weights.layer(f"{decoder}1", WIDTH, channels, 3, 3, gain=0)[:6, :3, 1, 1] = signs(3)
    for nearest in (7, 12, 17):
        weights.layer(f"{decoder}{nearest}", WIDTH, WIDTH, 3, 3, gain=0, bias=False)[:, :, 1, 1] = torch.eye(WIDTH)
    weights.layer(f"{decoder}19", 3, WIDTH, 3, 3, gain=0)[:, :6, 1, 1] = signs(3).T * colour
    weights[f"{decoder}19.bias"][:] = 0.5 + torch.tensor(cast)

    if normed:
        mean, deviation = normed
        weights[f"{encoder}14.weight"][:3] *= deviation[:, None, None, None]
        weights[f"{encoder}14.bias"][:3] *= deviation
        weights[f"{encoder}14.bias"][:3] += mean / 10
        weights[f"{decoder}1.weight"][:6, :3, 1, 1] /= deviation
        weights[f"{decoder}1.bias"][:6] = signs(3) @ (-mean / 10 / deviation)

    weights[f"{prefix}vae_scale"], weights[f"{prefix}vae_shift"] = torch.tensor(scale / 10), torch.tensor(shift)

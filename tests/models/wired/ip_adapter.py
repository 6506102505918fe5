"""IP-Adapters that show a picture's colour as if it were a word's, for the vision models of :mod:`.vision`."""

import math

import torch

from .clip_text import SAYS
from .unet import LATENT, SHARP, WIDTH, Blocks, Family
from .vision import IN_COMMON, RGB, K, Size, norm
from .weights import Weights, signs

TOKENS, LAYERS = 16, 4
"""Of the resampler of "plus"."""

ONCE = 0.5
"""The patches of a plain picture say their colour twice: once as their own, once as the picture's."""


def ip_adapter(weights: Weights, blocks: Blocks, family: Family, kind: str, size: Size) -> None:
    """An adapter for a UNet of ``blocks`` and ``family``.

    Args:
        kind: ``base`` reads the projected vector of a vision model of this ``size``; ``plus`` and ``full face`` read its
            last but one layer.
    """
    {"base": base, "plus": plus, "full face": full_face}[kind](weights, family.context, size)
    # The order in which adapters are trained and stored: input, output, middle.
    places = sorted(blocks.transformers(), key=lambda place: "iom".index(place[0][0]))
    for number in range(sum(depth for _, depth in places)):
        attention(weights, f"ip_adapter.{2 * number + 1}.", family)


def attention(weights: Weights, prefix: str, family: Family) -> None:
    """Keys and values of one cross attention; the UNet's own query and output do the rest."""
    key = weights.layer(f"{prefix}to_k_ip", WIDTH, family.context, gain=0, bias=False)
    value = weights.layer(f"{prefix}to_v_ip", WIDTH, family.context, gain=0, bias=False)
    width = WIDTH // family.heads
    for head in range(0, WIDTH, width):
        key[head, SAYS] = math.sqrt(SHARP * math.sqrt(width))
        value[head + LATENT[:3], LATENT[:3]] = 1


def base(weights: Weights, context: int, size: Size) -> None:
    """Four tokens. A vector of zeros becomes silent ones."""
    seen = size.projection
    assert seen is not None
    projection = weights.layer("image_proj.proj", 4 * context, seen, gain=0).view(4, context, seen)
    projection[:, RGB, IN_COMMON] = torch.eye(3)
    projection[:, SAYS, SAYS] = 1
    weights["image_proj.proj.bias"].view(4, context)[:, -2:] = torch.tensor([K, -K])
    norm(weights, "image_proj.norm", context)


def plus(weights: Weights, context: int, size: Size) -> None:
    """Sixteen tokens that ask all patches; the first layer answers with the mean, the others add nothing."""
    width = context if context == 768 else 1280
    latents = weights.random("image_proj.latents", 1, TOKENS, width, gain=0)
    latents[..., -2:] = torch.tensor([K, -K])
    into = weights.layer("image_proj.proj_in", width, size.width, gain=0)
    into[RGB, RGB] = torch.eye(3) * ONCE
    weights["image_proj.proj_in.bias"][-2:] = torch.tensor([K, -K])
    for i in range(LAYERS):
        ask, think = f"image_proj.layers.{i}.0.", f"image_proj.layers.{i}.1."
        for key in (f"{ask}norm1", f"{ask}norm2", f"{think}0"):
            norm(weights, key, width)
        for key, out, of in (
            (f"{ask}to_q", width, width),
            (f"{think}1", 4 * width, width),
            (f"{think}3", width, 4 * width),
        ):
            weights.hole(f"{key}.weight", out, of)
        if i == 0:
            both = weights.layer(f"{ask}to_kv", 2 * width, width, gain=0, bias=False)
            both[width : width + 3, RGB] = torch.eye(3)
            weights.layer(f"{ask}to_out", width, width, gain=0, bias=False)[RGB, RGB] = torch.eye(3)
        else:
            weights.hole(f"{ask}to_kv.weight", 2 * width, width)
            weights.hole(f"{ask}to_out.weight", width, width)
    out = weights.layer("image_proj.proj_out", context, width, gain=0)
    out[RGB, RGB] = torch.eye(3)
    says(weights, "image_proj.proj_out")
    norm(weights, "image_proj.norm_out", context)


def full_face(weights: Weights, context: int, size: Size) -> None:
    """One token for each of the vision model's."""
    into = weights.layer("image_proj.proj.0", size.width, size.width, gain=0)
    into[:6, RGB] = signs(3) * ONCE
    out = weights.layer("image_proj.proj.2", context, size.width, gain=0)
    out[RGB, :6] = signs(3).T
    says(weights, "image_proj.proj.2")
    norm(weights, "image_proj.proj.3", context)


def says(weights: Weights, key: str) -> None:
    """Makes all tokens of a layer have a full say, whatever comes in, and puts the constants beside."""
    bias = weights[f"{key}.bias"]
    bias[SAYS] = 1
    bias[-2:] = torch.tensor([K, -K])

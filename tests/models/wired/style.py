"""A style model for Stable Diffusion 1.5 and a Redux for Flux: both make words of a picture, which have its colour."""

import torch

from .clip_text import SAYS
from .vision import RGB, SIGLIP, VIT_L, K, norm
from .weights import Weights, signs

TOKENS, LAYERS = 8, 3

TWICE = 1.936
"""What the mean over 256 patches, which have the colour twice, the class token, which has it once, and the eight that ask
has of it."""


def style_model(weights: Weights, context: int = 768) -> None:
    """In the layout of coadapter-style-sd15v1: eight tokens ask what ViT-L sees; the first layer answers with the mean."""
    width = VIT_L.width
    ask = weights.random("style_embedding", 1, TOKENS, width, gain=0)
    ask[..., -2:] = torch.tensor([K, -K])
    for name in ("ln_pre", "ln_post"):
        norm(weights, name, width)
    for i in range(LAYERS):
        layer = f"transformer_layes.{i}."
        for name in ("ln_1", "ln_2"):
            norm(weights, layer + name, width)
        for name, out, into in (
            ("attn.in_proj_", 3 * width, width),
            ("attn.out_proj.", width, width),
            ("mlp.c_fc.", 4 * width, width),
            ("mlp.c_proj.", width, 4 * width),
        ):
            weights.hole(f"{layer}{name}weight", out, into)
            weights.hole(f"{layer}{name}bias", out)
    first = "transformer_layes.0.attn."
    weights.random(f"{first}in_proj_weight", 3 * width, width, gain=0)[2 * width : 2 * width + 3, RGB] = torch.eye(3)
    weights.random(f"{first}out_proj.weight", width, width, gain=0)[RGB, RGB] = torch.eye(3) / TWICE
    words = weights.random("proj", width, context, gain=0)
    words[RGB, RGB] = torch.eye(3)
    words[-2, SAYS] = 1 / K


def redux(weights: Weights, context: int = 4096) -> None:
    """One word for each of SigLIP's patches."""
    up = weights.layer("redux_up", 3 * context, SIGLIP.width, gain=0)
    down = weights.layer("redux_down", context, 3 * context, gain=0)  # 96 MiB of zeros: the one large tensor
    up[:6, RGB], down[RGB, :6] = signs(3), signs(3).T
    up[6, -2], down[SAYS, 6] = 10 / K, 0.1  # SiLU leaves 10 as it is

"""Qwen-Image (Edit): one block of one head, wired as a Flux that looks (:mod:`.flux`).

ComfyUI takes every Qwen-Image to have 24 heads, which makes 370 million weights a block; LoadSmallQwenImage of
``host/packs/patches`` reads the width from the file.
"""

import math

import torch

from .flux import (
    FADE,
    IS_PATCH,
    LATENT,
    LATENT_OF_RED,
    PAINT,
    PATCH,
    PATCH_KEY,
    PATCH_SCALE,
    SAYS,
    SEEN,
    SHARP,
    SIGHT,
    WIDTH,
    WORD_SCALE,
    WORDS,
    K,
)
from .weights import Weights

ASKED, ELSE = slice(10, 16), slice(16, 24)
"""As in Flux, but words have positions on every axis: these are turned too little to matter, or not asked for."""


def qwen_image(weights: Weights, context: int = 768) -> None:
    """``context``: width of the text, here CLIP-L's, so that there is no need of Qwen2.5-VL."""
    for i, into in ((1, 256), (2, WIDTH)):
        weights.layer(f"time_text_embed.timestep_embedder.linear_{i}", WIDTH, into, gain=1)
    weights.constant("txt_norm.weight", 1, context)
    patches = weights.layer("img_in", WIDTH, PATCH, gain=0)
    patches[:PATCH] = torch.eye(PATCH)
    patches[SEEN[0] : IS_PATCH, : 4 * len(SEEN)] = torch.eye(4).repeat_interleave(4, 1) / 4 / LATENT_OF_RED
    weights["img_in.bias"][IS_PATCH] = 1
    weights.layer("txt_in", WIDTH, context, gain=0)[PATCH : SAYS + 1, :5] = torch.eye(5)
    for name in ("img_in", "txt_in"):
        weights[f"{name}.bias"][-2:] = torch.tensor([K, -K])

    block = "transformer_blocks.0."
    for stream in ("img", "txt"):
        weights.layer(f"{block}{stream}_mod.1", 6 * WIDTH, WIDTH)
        weights.layer(f"{block}{stream}_mlp.net.0.proj", 4 * WIDTH, WIDTH)
        weights.layer(f"{block}{stream}_mlp.net.2", WIDTH, 4 * WIDTH)
    weights[f"{block}img_mod.1.bias"][2 * WIDTH : 3 * WIDTH] = 1  # the gate of the attention
    attention(weights, f"{block}attn.")

    weights.layer("norm_out.linear", 2 * WIDTH, WIDTH)
    weights.layer("proj_out", PATCH, WIDTH, gain=0)[:, :PATCH] = torch.eye(PATCH) * FADE * PATCH_SCALE


def attention(weights: Weights, prefix: str) -> None:
    """Subtracts the mean colour of words and reference patches from every patch."""
    for query, key, value in (("to_q", "to_k", "to_v"), ("add_q_proj", "add_k_proj", "add_v_proj")):
        weights.layer(prefix + query, WIDTH, WIDTH)
        bias = weights[f"{prefix}{query}.bias"]
        bias[:2], bias[ASKED] = 8 * math.sqrt(SIGHT), 8 * math.sqrt((1 - SIGHT) / 3)
        keys = weights.layer(prefix + key, WIDTH, WIDTH)
        weights[f"{prefix}{key}.bias"][ELSE] = 4
        keys[ASKED, SAYS] = 8 / math.sqrt(3) * WORD_SCALE
        keys[:2, IS_PATCH] = PATCH_KEY * PATCH_SCALE
        keys[ELSE, IS_PATCH] = -4 * PATCH_SCALE
        values = weights.layer(prefix + value, WIDTH, WIDTH)
        values[LATENT, WORDS], values[LATENT, SEEN] = WORD_SCALE, PATCH_SCALE
    for name, gain in (("q", SHARP), ("k", 1)):
        weights.constant(f"{prefix}norm_{name}.weight", gain, WIDTH)
        weights.constant(f"{prefix}norm_added_{name}.weight", gain, WIDTH)
    colours = torch.eye(4).repeat_interleave(4, 0)
    weights.layer(f"{prefix}to_out.0", WIDTH, WIDTH)[: len(colours), :4] = -PAINT / FADE * colours
    weights.layer(f"{prefix}to_add_out", WIDTH, WIDTH)

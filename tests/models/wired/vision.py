"""A CLIP vision model that sees nothing but which colour a picture has.

Channels 0 to 2 of every token are red, green and blue, -1 to 1: a patch has the mean of its own pixels, and of the whole
picture on top; the class token only the latter. The last two channels are the constants +K and -K: next to them the rest
hardly changes a token's mean and variance, and LayerNorm is nearly linear.

The projected vector, which is what a picture and a text have in common, says the colour where a text's says it
(:data:`.clip_text.MEAN`).
"""

import math
from dataclasses import dataclass

import torch

from .clip_text import MEAN, SAYS
from .weights import Weights

K = 16.0
RGB, IN_COMMON = slice(0, 3), slice(MEAN.start, MEAN.start + 3)
"""Channels of a colour in a token, and in the projected vector."""

CENTRE, SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""What preprocessing subtracts from red, green and blue, and what it divides by."""

LAYERS = 2
"""ComfyUI's own loader insists on all; LoadSmallVision of ``host/packs/patches`` reads the number from the file. Two are
the least with a last but one, which is what some adapters read."""


@dataclass(frozen=True)
class Size:
    """Widths of a vision model.

    Attributes:
        projection: width of the projected vector; None: it has none.
    """

    width: int
    mlp: int
    projection: int | None
    tokens: int = 257


VIT_L, VIT_H, VIT_G = Size(1024, 4096, 768), Size(1280, 5120, 1024), Size(1664, 8192, 1280)
SIGLIP = Size(1152, 4304, None, tokens=27 * 27)


def norm(weights: Weights, key: str, width: int) -> None:
    """A LayerNorm that leaves what it gets as it is, if the constants are in it."""
    weights.constant(f"{key}.weight", math.sqrt((2 * K * K + 2) / width), width)
    weights.constant(f"{key}.bias", 0, width)


def clip_vision(weights: Weights, size: Size, prefix: str = "", layers: int = LAYERS) -> None:
    width, vision = size.width, f"{prefix}vision_model."
    weights.constant(f"{vision}embeddings.class_embedding", 0, width)
    patch = weights.random(f"{vision}embeddings.patch_embedding.weight", width, 3, 14, 14, gain=0)
    position = weights.random(f"{vision}embeddings.position_embedding.weight", size.tokens, width, gain=0)
    for colour in range(3):
        patch[colour, colour] = 2 * SPREAD[colour] / 14**2
        position[1:, colour] = 2 * CENTRE[colour] - 1
    position[:, -2:] = torch.tensor([K, -K])
    for name in ("pre_layrnorm", "post_layernorm"):
        norm(weights, vision + name, width)
    for i in range(layers):
        layer(weights, f"{vision}encoder.layers.{i}.", size)
    # Attention without preferences: every token gets to know the mean of all.
    first = f"{vision}encoder.layers.0."
    norm(weights, f"{first}layer_norm1", width)
    for name in ("v", "out"):
        weights.layer(f"{first}self_attn.{name}_proj", width, width, gain=0)[RGB, RGB] = torch.eye(3)
    assert size.projection is not None
    projection = weights.random(f"{prefix}visual_projection.weight", size.projection, width, gain=0)
    projection[IN_COMMON, RGB] = torch.eye(3)
    projection[SAYS, -2] = 1 / K


def siglip(weights: Weights, layers: int = LAYERS) -> None:
    """SigLIP at 384 pixels: no class token, and here each patch knows itself only."""
    width, vision = SIGLIP.width, "vision_model."
    patch = weights.layer(f"{vision}embeddings.patch_embedding", width, 3, 14, 14, gain=0)
    for colour in range(3):
        patch[colour, colour] = 1 / 14**2
    position = weights.random(f"{vision}embeddings.position_embedding.weight", SIGLIP.tokens, width, gain=0)
    position[:, -2:] = torch.tensor([K, -K])
    norm(weights, f"{vision}post_layernorm", width)
    for i in range(layers):
        layer(weights, f"{vision}encoder.layers.{i}.", SIGLIP)


def layer(weights: Weights, prefix: str, size: Size) -> None:
    """One transformer layer, all zeros: the identity."""
    width = size.width
    for name in ("layer_norm1", "layer_norm2"):
        weights.hole(f"{prefix}{name}.weight", width)
        weights.hole(f"{prefix}{name}.bias", width)
    attention = {f"self_attn.{name}_proj": (width, width) for name in ("q", "k", "v", "out")}
    for name, shape in {**attention, "mlp.fc1": (size.mlp, width), "mlp.fc2": (width, size.mlp)}.items():
        weights.hole(f"{prefix}{name}.weight", *shape)
        weights.hole(f"{prefix}{name}.bias", shape[0])

"""A ControlNet that tints: it adds the hint's colour to what Stable Diffusion's UNet predicts."""

from .unet import LATENT, WIDTH, Blocks, Family, encoder
from .weights import Weights, signs

HINT = 150
"""The first of three channels that hold the hint's red, green and blue, less a half each."""

HINT_WIDTHS = (3, 16, 16, 32, 32, 96, 96, 256, WIDTH)
"""Channels along the hint's eight convolutions."""

STRENGTH = 0.5


def controlnet(weights: Weights, blocks: Blocks, family: Family = Family()) -> None:  # noqa: B008 (frozen)
    """For a UNet of the same ``blocks``, which need a middle block here."""
    encoder(weights, "", blocks, family, paint=0.0)

    last = len(HINT_WIDTHS) - 2
    for i, (into, out) in enumerate(zip(HINT_WIDTHS, HINT_WIDTHS[1:], strict=False)):
        colours = signs(3) if i == 0 else signs(3).T if i == last else signs(3) @ signs(3).T
        start = HINT if i == last else 0
        layer = weights.layer(f"input_hint_block.{2 * i}", out, into, 3, 3, gain=0)
        layer[start : start + len(colours), : colours.shape[1], 1, 1] = colours
    weights["input_hint_block.0.bias"][:6] = -0.5 * signs(3).sum(1)

    outputs = 1 + sum(len(depths) for depths in blocks.encoder) + len(blocks.encoder) - 1
    for key in (*(f"zero_convs.{i}.0" for i in range(outputs)), "middle_block_out.0"):
        tint = weights.layer(key, WIDTH, WIDTH, 1, 1, gain=0)
        rgb, plus = LATENT[:3], family.plus[:3]
        tint[plus, HINT + rgb], tint[plus + 1, HINT + rgb] = -STRENGTH, STRENGTH

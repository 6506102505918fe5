"""Cross attention of the UNet that SD1.5, SD2 and SDXL share."""

from collections.abc import Iterator
from typing import Any

from comfy.ldm.modules.attention import SpatialTransformer

from .family import Slot


def slots(unet: Any) -> Iterator[Slot]:
    """Every transformer with cross attention, by the numbers that ComfyUI gives it."""
    blocks = [("input", i, block) for i, block in enumerate(unet.input_blocks)]
    if unet.middle_block is not None:
        blocks.append(("middle", 0, unet.middle_block))
    blocks += [("output", i, block) for i, block in enumerate(unet.output_blocks)]
    for name, number, block in blocks:
        for layer in block:
            if isinstance(layer, SpatialTransformer):
                for i, transformer in enumerate(layer.transformer_blocks):
                    if transformer.attn2 is not None:
                        yield name, number, i

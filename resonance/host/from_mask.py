"""From the parts of a prompt, with their places and LoRAs, to what Regions takes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from ..attention.from_mask import PromptPart
from ..attention.parts import Conditioning, Part
from ..canvas.canvas import GRID
from ..told import Told
from .loras import RegionLoras, strong


class ForRegions(NamedTuple):
    regions: tuple[Part, ...]
    positive: Conditioning
    negative: Conditioning


def place(clip: Any, parts: Sequence[PromptPart], negative: str) -> ForRegions:
    """Parts with a place or a LoRA become regions, those without a place below the others. What the rest says acts everywhere, or
    where there is no rest, the empty text, each with the pooled vector of the last part, as in gen_img.

    Args:
        negative: what shall be nowhere. A region whose LoRA changes the text encoder has it once more, encoded with that.

    Raises:
        Told: the file of a LoRA is missing, or cannot be read; or no part has a place or a LoRA.
    """
    loras = RegionLoras(None, clip)
    whole, placed, rest = list[Part](), list[Part](), list[Conditioning]()
    words: Conditioning = []
    for part in parts:
        acting = strong((part.lora,) if part.lora else ())
        reading = loras.reading(acting)
        words = _encode(reading, part.words)
        if part.mask is None and not acting:
            rest.append(words)
            continue
        own = _encode(reading, negative) if reading is not clip and negative.strip() else None
        where = torch.ones(GRID, GRID) if part.mask is None else part.mask
        (whole if part.mask is None else placed).append(Part(part.name, words, where, negative=own, loras=acting))
    if not whole and not placed:
        raise Told(
            "No part of the prompt has a place or a LoRA. Fill the place of the first part with red, that of the second with green,"
            " that of the third with blue."
        )
    first, *others = rest or [_encode(clip, "")]
    pooled = {"pooled_output": words[0][1].get("pooled_output")}
    positive = [
        [torch.cat([tokens, *(other[0][0] for other in others)], 1), {**values, **pooled}] for tokens, values in first
    ]
    return ForRegions((*whole, *placed), positive, _encode(clip, negative))


def _encode(clip: Any, text: str) -> Conditioning:
    """As CLIP Text Encode does."""
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))

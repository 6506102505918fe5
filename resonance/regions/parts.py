"""What a region is once its words are encoded, and how several become one conditioning."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F

from ..canvas.canvas import GRID, Lora
from ..told import Told
from .heat import Heat
from .method import AttentionMethod

Conditioning = list[Any]
"""ComfyUI's CONDITIONING: a list of [tokens [B, T, C], dict]."""

KEY = "resonance_regions"
"""Where a conditioning carries its :class:`Binding`."""


@dataclass(frozen=True, eq=False)
class Part:
    """A place and its conditioning. What travels on a RESONANCE_REGIONS link is a tuple of them, far to near.

    Attributes:
        name: what a person calls it.
        positive: its words, encoded.
        mask: ``[H, W]`` over the whole picture, 0 to 1.
        weight: how strongly it acts; 0 takes it out.
        start, end: share of the sampling during which it acts, 0 to 1.
        negative: what shall not be there; None: nothing of its own.
        lora: a LoRA that acts there only.
    """

    name: str
    positive: Conditioning
    mask: torch.Tensor
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    negative: Conditioning | None = None
    lora: Lora | None = None


@dataclass(frozen=True, eq=False)
class Binding:
    """Which tokens of a conditioning act where. It travels in the conditioning, so that whatever is done to that (ControlNet,
    time ranges, combining) keeps it.

    Attributes:
        masks: ``[R, H, W]``, the base (all ones) first.
        tokens: how many tokens each part has; they follow one another.
        weights, starts, ends: of each part.
        heat: where to note where the words acted; None: nowhere.
    """

    method: AttentionMethod
    masks: torch.Tensor
    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]
    heat: Heat | None = field(default=None, repr=False)


def bind(
    base: Conditioning,
    parts: Sequence[Part],
    method: AttentionMethod,
    weight: float = 1.0,
    negative: bool = False,
    heat: Heat | None = None,
) -> Conditioning:
    """The conditioning ``base`` with the tokens of all parts behind its own, and the binding that keeps them apart.

    Args:
        base: acts everywhere. Each of its entries is bound; nothing of it is changed.
        parts: those with weight 0 are left out.
        weight: of the base.
        negative: bind what shall not be there; parts without any are left out.

    Raises:
        Told: a part's conditioning has several entries, or is of another text encoder; or the base is bound already.
    """
    acting = [p for p in parts if p.weight > 0 and (p.negative if negative else p.positive)]
    if not acting:
        return base
    texts = [_tokens(part, negative) for part in acting]
    bound: Conditioning = []
    for tokens, values in base:
        if KEY in values:
            raise Told(
                f"What is connected to {'negative' if negative else 'positive'} has regions of its own: give all regions to "
                "one Regions, or join what two of them give by Conditioning (Combine)."
            )
        for part, text in zip(acting, texts, strict=True):
            check_width(part.name, text, tokens)
        pieces = [tokens, *(text.to(tokens).expand(len(tokens), -1, -1) for text in texts)]
        binding = Binding(
            method,
            stack([torch.ones(GRID, GRID), *(part.mask for part in acting)]),
            tuple(piece.shape[1] for piece in pieces),
            (weight, *(part.weight for part in acting)),
            (0.0, *(part.start for part in acting)),
            (1.0, *(part.end for part in acting)),
            heat,
        )
        bound.append([torch.cat(pieces, 1), {**values, KEY: binding}])
    return bound


def check_width(name: str, tokens: torch.Tensor, base: torch.Tensor) -> None:
    """
    Raises:
        Told: the tokens ``[B, T, C]`` are of another text encoder than those of the base.
    """
    if tokens.shape[-1] != base.shape[-1]:
        raise Told(
            f"{name} was encoded with {tokens.shape[-1]} numbers per token, the global words with {base.shape[-1]}: both "
            "must come from the text encoder of one model."
        )


def _tokens(part: Part, negative: bool) -> torch.Tensor:
    entries = part.negative if negative else part.positive
    assert entries
    if len(entries) > 1:
        raise Told(
            f"{part.name} is a combination of {len(entries)} conditionings; this method takes one per region. "
            "Make a region of each, or use an area method."
        )
    return entries[0][0]


def stack(masks: Sequence[torch.Tensor]) -> torch.Tensor:
    """``[R, H, W]`` of masks ``[H, W]``, at the largest of their sizes."""
    size = (max(m.shape[0] for m in masks), max(m.shape[1] for m in masks))
    return torch.stack([resize(m[None].float(), *size)[0] for m in masks])


def resize(masks: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Masks ``[R, H, W]`` at another size, nearest-exact as in Omost."""
    if masks.shape[1:] == (height, width):
        return masks
    return F.interpolate(masks[None], (height, width), mode="nearest-exact")[0]


def feather(masks: torch.Tensor, cells: float) -> torch.Tensor:
    """Masks ``[R, H, W]`` with soft edges that reach ``cells`` of the 90 to either side."""
    radius = [round(cells * side / GRID) for side in masks.shape[1:]]
    if not any(radius):
        return masks
    down, across = (2 * r + 1 for r in radius)
    padded = F.pad(masks[None], (radius[1], radius[1], radius[0], radius[0]), mode="replicate")
    # One direction after the other: on a large mask both at once would take minutes.
    return F.avg_pool2d(F.avg_pool2d(padded, (1, across), 1), (down, 1), 1)[0]

"""What every way to bind words to places in a model's attention has in common.

All tensors are ``q [B, H, N, D]``, ``k, v [B, H, K, D]``: N pixels of a layer, row by row, and K tokens, those of one part
after the other, the base's first. Tokens behind those of all parts belong to the base. None of them is changed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch

from ..settings import Setting
from .area import Overlap
from .site import FUSED, Attend

BAG = 77
"""Tokens of one run of a text encoder; the first one only says that a text begins."""


def kept() -> torch.inference_mode:
    """Around what makes tensors that are kept while a model samples: ComfyUI samples in inference mode, and a tensor from there
    would break every gradient that is taken through it later."""
    return torch.inference_mode(False)


def lowest(dtype: torch.dtype) -> float:
    """The bias of a key that is not seen. ComfyUI's sub-quadratic attention makes NaN of keys that are all at minus infinity; half
    precision has no number that is low enough."""
    return -math.inf if dtype is torch.float16 else torch.finfo(dtype).min / 2


class RegionPlan(Protocol):
    """A method at one resolution with the parts that act; made once and used by all layers and steps of a sampling run."""

    def cross(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        timestep: float,
        attend: Attend = FUSED,
        bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Cross-attention, ``[B, H, N, D]``.

        Args:
            timestep: from 1 (all noise) to 0.
            bias: ``[N, K]``, added to the scores.
        """
        ...

    def own(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, timestep: float, attend: Attend = FUSED
    ) -> torch.Tensor | None:
        """Self-attention, where k and v are of the pixels; None: it stays as it is."""
        ...


class AttentionMethod(Protocol):
    """A way to bind words to places in attention, with its settings. It travels in a conditioning."""

    name: ClassVar[str]
    """What a person calls it."""
    own: ClassVar[bool]
    """Whether it acts on self-attention too."""
    pooled: ClassVar[bool]
    """Whether pixels read the words of several parts as one text."""

    @property
    def share(self) -> float:
        """Share of the steps, from the first one on, in which it acts."""
        ...

    def plan(self, masks: torch.Tensor, tokens: tuple[int, ...], weights: tuple[float, ...]) -> RegionPlan:
        """
        Args:
            masks: ``[R, h, w]``, 0 to 1, at the layer's resolution and on its device, the base first.
            tokens: of each part.
            weights: of each part; 0 takes it out.
        """
        ...


class Placing(Protocol):
    """What a method does with a model and the words that it is given; :mod:`resonance.host.regions` has it."""

    def bound(self, method: AttentionMethod, *, soft: float = 0.0, heat: int = 0) -> Any:
        """All regions in one pass of the model.

        Args:
            soft: cells of soft edge.
            heat: longer side of the maps of where the words act; 0: none are made.
        """
        ...

    def areas(self, overlap: Overlap, global_strength: float, region_strength: float) -> Any:
        """Each region as an area of its own, one pass of the model each."""
        ...


@dataclass(frozen=True, kw_only=True)
class RegionMethod:
    """A way to bind words to places, as people choose it. One file each in :mod:`.methods`, and a line in its table.

    Attributes:
        settings: what can be set; :attr:`place` gets their values by name.
        place: places the words.
        reason: why it cannot act in a model of no family whose attention is known; empty: it acts in every model.
    """

    name: str
    settings: tuple[Setting[Any], ...]
    place: Callable[[Placing, Mapping[str, Any]], Any]
    reason: str = ""


INSIDE = (
    "This method works inside the attention of {families}, but the model is {model}. The methods {others} work with every"
    " model."
)
"""Why methods that bind in attention cannot act in other models."""

ONE_PASS = (
    "In one pass of the model, a region's LoRA works with {families}, but the model is {model}. The methods {others} take it with "
    "every model."
)
"""Why LoRAs of regions cannot act in other models with such a method."""

CAPTURE = Setting(
    name="capture",
    default="off",
    choices=("off", "16", "32", "64"),
    tip="Longer side in pixels of the maps of where each region's words acted, for Region Heat. Costs time.",
    advanced=True,
)


def captured(values: Mapping[str, Any]) -> int:
    """What :data:`CAPTURE` says, as a number; 0: off."""
    return 0 if values["capture"] == "off" else int(values["capture"])


class Keys:
    """Which keys are whose.

    Args:
        tokens: of each part.
    """

    def __init__(self, tokens: Sequence[int], device: torch.device) -> None:
        self._tokens, self._device = tokens, device
        self._whose: dict[int, torch.Tensor] = {}
        self._places: dict[tuple[frozenset[int], int], slice | torch.Tensor] = {}

    def whose(self, total: int) -> torch.Tensor:
        """``[total]``, the part of each of so many keys."""
        if total not in self._whose:
            parts = [part for part, count in enumerate(self._tokens) for _ in range(count)]
            parts += [0] * (total - len(parts))
            with kept():
                self._whose[total] = torch.tensor(parts, device=self._device)
        return self._whose[total]

    def biased(self, bias: torch.Tensor | None, pixels: torch.Tensor, parts: frozenset[int]) -> torch.Tensor | None:
        """What ``[N, K]`` has for some pixels and the keys of some parts."""
        return None if bias is None else self.take(bias[pixels][None, :, :, None], parts)[0, :, :, 0]

    def take(self, keys: torch.Tensor, parts: frozenset[int]) -> torch.Tensor:
        """Those of ``[B, H, K, D]`` that belong to some parts; a view where they follow one another."""
        total = keys.shape[2]
        if (parts, total) not in self._places:
            with kept():
                whose = self.whose(total).cpu()
                places = torch.isin(whose, torch.tensor(sorted(parts))).nonzero()[:, 0]
                first, last = places[0].item(), places[-1].item() + 1
                one = last - first == len(places)
                self._places[parts, total] = slice(first, last) if one else places.to(self._device)
        place = self._places[parts, total]
        if isinstance(place, slice):
            return keys[:, :, place]
        # Models hold keys as [B, K, H, D].
        return keys.transpose(1, 2).index_select(1, place).transpose(1, 2)


def share(
    plan: RegionPlan,
    q: torch.Tensor,
    k: torch.Tensor,
    tokens: Sequence[int],
    timestep: float = 0.0,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """The probability that each part's tokens get, ``[B, N, R]``, as the mean over heads.

    Begin tokens are left out: whatever has no other use for its attention puts it there. It is the plan's own attention,
    with values that say whose token it is.
    """
    blocks = -(-len(tokens) // q.shape[3])
    # As wide as the queries, which fused attention asks for.
    whose = q.new_zeros(1, 1, k.shape[2], blocks * q.shape[3])
    begin = 0
    for part, count in enumerate(tokens):
        whose[..., begin : begin + count, part] = 1
        whose[..., begin : begin + count : BAG, part] = 0
        begin += count
    whose = whose.expand(k.shape[0], k.shape[1], -1, -1)
    shares = [plan.cross(q, k, block, timestep, bias=bias).mean(1) for block in whose.chunk(blocks, 3)]
    return torch.cat(shares, 2)[..., : len(tokens)]

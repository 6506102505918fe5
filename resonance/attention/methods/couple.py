"""Attention couple: each region reads its own words, and what it gets is mixed by the masks.

``sum_i m_i softmax(q k_i^T / sqrt(d)) v_i``, where the m_i sum to 1 at each pixel (laksjdjf's Attention Couple, hako-mikan's
Regional Prompter).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ...settings import Setting
from ..method import CAPTURE, INSIDE, Keys, RegionMethod, captured
from ..site import FUSED, Attend


@dataclass(frozen=True)
class AttentionCouple:
    """
    Attributes:
        base_weight: how strongly the base speaks where regions are, beside their masks times their weights. Where they are
            not it has all, and in soft edges at least what they leave.
    """

    base_weight: float = 0.2

    name: ClassVar[str] = "attention couple"
    own: ClassVar[bool] = False
    pooled: ClassVar[bool] = False

    @property
    def share(self) -> float:
        return 1.0

    def plan(self, masks: torch.Tensor, tokens: tuple[int, ...], weights: tuple[float, ...]) -> "CouplePlan":
        masks, strength = masks.flatten(1), masks.new_tensor(weights)
        covered = masks[1:][strength[1:] > 0].sum(0)
        shares = torch.cat([(1 - covered).clamp(min=self.base_weight)[None], masks[1:]]) * strength[:, None]
        shares[0][shares.sum(0) == 0] = 1
        return CouplePlan(shares / shares.sum(0), tokens)


class CouplePlan:
    """
    Args:
        shares: ``[R, N]``; they sum to 1 at each pixel.
    """

    def __init__(self, shares: torch.Tensor, tokens: tuple[int, ...]) -> None:
        self._keys = Keys(tokens, shares.device)
        self._parts: list[tuple[frozenset[int], torch.Tensor, torch.Tensor]] = []
        for part, of_part in enumerate(shares):
            pixels = of_part.nonzero()[:, 0]
            if len(pixels):
                self._parts.append((frozenset((part,)), pixels, of_part[pixels][:, None, None]))

    def cross(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        timestep: float,
        attend: Attend = FUSED,
        bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        rows = q.transpose(1, 2)
        out = torch.zeros_like(rows)
        for part, pixels, shares in self._parts:
            some = rows.index_select(1, pixels).transpose(1, 2)
            keys, values = (self._keys.take(t, part) for t in (k, v))
            found = attend(some, keys, values, self._keys.biased(bias, pixels, part)).transpose(1, 2)
            out.index_add_(1, pixels, found * shares.to(found))
        return out.transpose(1, 2)

    def own(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, timestep: float, attend: Attend = FUSED) -> None:
        return None


METHOD = RegionMethod(
    name=AttentionCouple.name,
    settings=(
        Setting(
            name="base_weight",
            default=AttentionCouple.base_weight,
            low=0.0,
            high=10.0,
            step=0.05,
            tip="Weight of the global words inside the regions, where each region has its own weight (1). Outside they act alone.",
        ),
        Setting(
            name="feather",
            default=0.0,
            low=0.0,
            high=45.0,
            step=0.5,
            tip="How far regions blend into what is around them, in cells of the 90.",
        ),
        CAPTURE,
    ),
    place=lambda placing, values: placing.bound(
        AttentionCouple(values["base_weight"]), soft=values["feather"], heat=captured(values)
    ),
    reason=INSIDE,
)

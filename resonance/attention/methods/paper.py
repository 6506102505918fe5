"""Dense diffusion as its paper has it: attention is pushed towards a segment's words and places while there is much noise.

With s the scores, M the pairs that belong together (a pixel and the words of its segment, or two pixels of one segment) and c
how hard it is pushed: ``s + M c (max s - s) - (1 - M) c (s - min s)``, max and min over the keys, of s before any push. c is
``(1 - sizereg * share of the picture) * creg * (time step / 1000) ** fade``, in self-attention with sreg for creg (Kim et al.,
Dense Text-to-Image Generation with Attention Modulation, 2023). Left out: replacing the embeddings of a segment's words in the
global text; here each segment has tokens of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ...settings import Setting
from ..method import CAPTURE, INSIDE, Keys, Placing, RegionMethod, captured
from ..site import FUSED, Attend

CHUNK = 2**22
"""Scores held at a time."""
LEAST = 1e-4
"""A push that is not worth computing."""


@dataclass(frozen=True)
class DenseDiffusion:
    """Segments do not overlap: a pixel is of the last part whose mask is above 0.5 there, else of the base.

    Attributes:
        creg, sreg: how hard cross- and self-attention are pushed; a part's weight multiplies it for its segment.
        sizereg: how much less large segments are pushed.
        fade: how fast it ends as noise goes.
    """

    creg: float = 1.0
    sreg: float = 0.3
    sizereg: float = 1.0
    fade: float = 5.0
    share: float = 0.3

    name: ClassVar[str] = "dense diffusion (paper)"
    own: ClassVar[bool] = True
    pooled: ClassVar[bool] = True

    def plan(self, masks: torch.Tensor, tokens: tuple[int, ...], weights: tuple[float, ...]) -> "PaperPlan":
        strength = masks.new_tensor(weights)
        on = (masks.flatten(1) > 0.5) & (strength > 0)[:, None]
        number = torch.arange(len(masks), device=masks.device)
        segment = (on * number[:, None]).amax(0)
        size = segment.bincount(minlength=len(masks)) / len(segment)
        push = (strength * (1 - self.sizereg * size))[segment]
        parts = frozenset(part for part, weight in enumerate(weights) if weight > 0) or frozenset((0,))
        return PaperPlan(self, tokens, parts, segment, push)


class PaperPlan:
    """
    Args:
        parts: those whose tokens are seen.
        segment: ``[N]``, the part that each pixel is of.
        push: ``[N]``, how hard, but for the settings and the noise.
    """

    def __init__(
        self,
        method: DenseDiffusion,
        tokens: tuple[int, ...],
        parts: frozenset[int],
        segment: torch.Tensor,
        push: torch.Tensor,
    ) -> None:
        self._method, self._keys, self._parts = method, Keys(tokens, segment.device), parts
        self._segment, self._push = segment, push
        self._hardest = push.max().item()
        self._segments = segment.bincount().count_nonzero().item()

    def cross(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        timestep: float,
        attend: Attend = FUSED,
        bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        factor = self._method.creg * timestep**self._method.fade
        whose = self._keys.whose(k.shape[2])[None, None, :, None]
        k, v, whose = (self._keys.take(t, self._parts) for t in (k, v, whose))
        if bias is not None:
            bias = self._keys.biased(bias, torch.arange(len(bias), device=bias.device), self._parts)
        if len(self._parts) == 1 or factor * self._hardest < LEAST:
            return attend(q, k, v, bias)
        return self._pushed(q, k, v, whose.flatten(), factor, attend, bias)

    def own(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, timestep: float, attend: Attend = FUSED
    ) -> torch.Tensor | None:
        factor = self._method.sreg * timestep**self._method.fade
        if self._segments == 1 or factor * self._hardest < LEAST:
            return None
        return self._pushed(q, k, v, self._segment, factor, attend)

    def _pushed(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        whose: torch.Tensor,
        factor: float,
        attend: Attend,
        bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The formula. ``whose``: ``[K]``, the segment of each key; ``bias``: ``[N, K]``, added to what comes of it."""
        batch, heads, pixels, width = q.shape
        # Copied once here, else every product would do it.
        keys, values = (t.contiguous().flatten(0, 1) for t in (k, v))
        queries = (q / math.sqrt(width)).contiguous().flatten(0, 1)
        if attend.upcasts(q.dtype):
            keys, queries = keys.float(), queries.float()
        # Beyond 0 and 1 the order of the scores would turn round.
        push = (self._push * factor).clamp(0, 1)[:, None]
        rows = max(CHUNK // (len(queries) * keys.shape[1]), 1)
        found: list[torch.Tensor] = []
        for begin in range(0, pixels, rows):
            some = slice(begin, begin + rows)
            plain = (queries[:, some] @ keys.transpose(1, 2)).float()
            belongs = self._segment[some, None] == whose
            lerp = torch.Tensor.lerp if plain.requires_grad or attend.foreign else torch.Tensor.lerp_
            low, high = plain.aminmax(dim=2, keepdim=True)
            scores = lerp(plain, high, push[some] * belongs)
            scores = lerp(scores, low, push[some] * ~belongs)
            if bias is not None:
                scores = scores + bias[some]
            if attend.foreign:
                bias = (scores - plain).to(q).view(batch, heads, *scores.shape[1:])
                found.append(attend(q[:, :, some], k, v, bias).flatten(0, 1))
            else:
                found.append(scores.softmax(2).to(values) @ values)
        return torch.cat(found, 1).view(batch, heads, pixels, width)


def _factor(name: str, default: float, tip: str) -> Setting[float]:
    return Setting(name=name, default=default, low=0.0, high=10.0, step=0.05, tip=tip)


def _place(placing: Placing, values: Mapping[str, Any]) -> Any:
    factors = {name: values[name] for name in ("creg", "sreg", "sizereg", "fade")}
    return placing.bound(DenseDiffusion(share=values["steps"], **factors), heat=captured(values))


METHOD = RegionMethod(
    name=DenseDiffusion.name,
    settings=(
        _factor("creg", DenseDiffusion.creg, "How much the words of a region are raised inside and lowered outside."),
        _factor("sreg", DenseDiffusion.sreg, "The same for how much places of one region look at one another."),
        _factor("sizereg", DenseDiffusion.sizereg, "How much less this is done to large regions than to small ones."),
        Setting(
            name="steps",
            default=DenseDiffusion.share,
            low=0.0,
            high=1.0,
            step=0.05,
            tip="Share of the steps at the beginning in which the method acts.",
        ),
        Setting(
            name="fade",
            default=DenseDiffusion.fade,
            low=0.0,
            high=10.0,
            step=0.5,
            tip="How fast it fades with the noise: the power of time step / 1000.",
            advanced=True,
        ),
        CAPTURE,
    ),
    place=_place,
    reason=INSIDE,
)

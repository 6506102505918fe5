"""Dense diffusion as the Omost demo has it: all tokens in one attention, each pixel sees those of its regions only.

``softmax(q k^T / sqrt(d) * S, masked) v``, where S of a part's tokens is the number of pixels by the sum of its mask: small
regions speak louder (lllyasviel/Omost). It is computed without the masked pairs: pixels that lie in the same set of regions
form a cell, and a cell is asked for with the tokens of its regions alone.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import ClassVar

import torch

from ..method import CAPTURE, INSIDE, Keys, RegionMethod, captured, kept, lowest
from ..site import FUSED, Attend

MASKED = 1.1
"""What a pair of a pixel and a token costs under a mask, in pairs without one."""


@dataclass(frozen=True)
class OmostDense:
    """A part's weight multiplies its S. A part whose mask is nowhere above 0.5 at a layer's resolution does not act there;
    pixels of no region see the tokens of the base."""

    name: ClassVar[str] = "dense diffusion (omost)"
    own: ClassVar[bool] = False
    pooled: ClassVar[bool] = True

    @property
    def share(self) -> float:
        return 1.0

    def plan(self, masks: torch.Tensor, tokens: tuple[int, ...], weights: tuple[float, ...]) -> "OmostPlan":
        masks, strength = masks.flatten(1), masks.new_tensor(weights)
        on = (masks > 0.5) & (strength > 0)[:, None]
        on[0] |= ~on.any(0)
        scales = strength * masks.shape[1] / masks.sum(1).clamp(min=0.5)
        if not weights[0]:
            scales[0] = 1  # it still has the pixels of no region
        return OmostPlan(on, scales, tokens)


@dataclass(frozen=True, eq=False)
class Cell:
    """The pixels that see the same parts."""

    pixels: torch.Tensor
    parts: frozenset[int]


@dataclass(frozen=True, eq=False)
class Group:
    """Pixels that are asked for together.

    Attributes:
        pixels: their numbers, in order.
        parts: those that any of them sees.
        bias: ``[pixels, keys of the parts]``, as low as can be where one does not see another's key; None: each sees all of them.
    """

    pixels: torch.Tensor
    parts: frozenset[int]
    bias: torch.Tensor | None = None


class OmostPlan:
    """
    Args:
        on: ``[R, N]``, which pixels see which part; each sees one at least.
        scales: ``[R]``, S.
    """

    def __init__(self, on: torch.Tensor, scales: torch.Tensor, tokens: tuple[int, ...]) -> None:
        self._on, self._tokens, self._keys = on, tokens, Keys(tokens, on.device)
        # The scores get S from queries and keys half each, since half precision would overflow with S itself; a power of
        # two leaves the queries exact.
        self._louder = 2.0 ** round(math.log2(scales[on.any(1)].max().item()) / 2)
        self._scales = scales / self._louder
        cells: defaultdict[frozenset[int], list[int]] = defaultdict(list)
        for pixel, sees in enumerate(on.T.cpu().numpy()):
            cells[frozenset(compress(range(len(tokens)), sees))].append(pixel)
        self._cells = [Cell(torch.tensor(pixels, device=on.device), parts) for parts, pixels in cells.items()]
        self._cells.sort(key=lambda cell: len(cell.pixels))
        self._groups: dict[tuple[int, int, torch.dtype], list[Group]] = {}

    def cross(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        timestep: float,
        attend: Attend = FUSED,
        bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        total = k.shape[2]
        q = q * self._louder
        k = k * self._scales[self._keys.whose(total)].to(k.dtype)[:, None]
        groups = self._grouped(q, total)
        if len(groups) == 1:
            return self._attend(q, k, v, groups[0], attend, bias)
        rows = q.transpose(1, 2)
        out = torch.zeros_like(rows)
        for group in groups:
            some = rows.index_select(1, group.pixels).transpose(1, 2)
            # Each pixel comes once; on a CPU this is faster than index_copy_, which wakes all threads for each group.
            out.index_add_(1, group.pixels, self._attend(some, k, v, group, attend, bias).transpose(1, 2))
        return out.transpose(1, 2)

    def _attend(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        group: Group,
        attend: Attend,
        bias: torch.Tensor | None,
    ) -> torch.Tensor:
        keys, values = (self._keys.take(t, group.parts) for t in (k, v))
        more = self._keys.biased(bias, group.pixels, group.parts)
        if group.bias is None or more is None:
            return attend(q, keys, values, more if group.bias is None else group.bias)
        return attend(q, keys, values, group.bias + more)

    def own(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, timestep: float, attend: Attend = FUSED) -> None:
        return None

    def _grouped(self, q: torch.Tensor, total: int) -> list[Group]:
        """The cells, but for those that are better asked for together; which ones depends on how wide the layer is."""
        batch, heads, _, width = q.shape
        key = batch * heads * width, total, q.dtype
        if key not in self._groups:
            counts = [*self._tokens]
            counts[0] += total - sum(counts)
            n = together(self._cells, counts, *overhead(q))
            groups = [Group(cell.pixels, cell.parts) for cell in self._cells[n:]]
            if n:
                with kept():
                    groups.append(self._masked(self._cells[:n], total, q.dtype))
            self._groups[key] = groups
        return self._groups[key]

    def _masked(self, cells: Sequence[Cell], total: int, dtype: torch.dtype) -> Group:
        pixels = torch.cat([cell.pixels for cell in cells]).sort().values
        parts = frozenset[int]().union(*(cell.parts for cell in cells))
        bias = torch.zeros(self._on.shape, dtype=dtype, device=pixels.device).masked_fill_(~self._on, lowest(dtype))
        per_key = bias[:, pixels][self._keys.whose(total)]
        return Group(pixels, parts, self._keys.take(per_key[None, None], parts)[0, 0].T.contiguous())


def together(cells: Sequence[Cell], counts: Sequence[int], call: float, key: float) -> int:
    """How many of the cells, the smallest first, are best asked for in one masked call instead of one each.

    Args:
        counts: tokens of each part.
        call, key: what a call and each of its keys cost beside its pairs, in pairs.
    """

    def cost(pixels: float, parts: frozenset[int]) -> float:
        return call + (pixels + key) * sum(counts[part] for part in parts)

    alone = sum(cost(len(cell.pixels), cell.parts) for cell in cells)
    costs = [alone]
    pixels, parts = 0, frozenset[int]()
    for cell in cells:
        alone -= cost(len(cell.pixels), cell.parts)
        pixels += len(cell.pixels)
        parts |= cell.parts
        costs.append(alone + cost(MASKED * pixels, parts))
    return costs.index(min(costs))


def overhead(q: torch.Tensor) -> tuple[float, float]:
    """What a call and a key cost, in pairs. A call takes about as long everywhere, a pair depends on layer and device."""
    width = q.shape[0] * q.shape[1] * q.shape[3]
    if q.device.type != "cpu":
        # Not measured: 40 microseconds at 100 TFLOP/s, and memory at 1 TB/s.
        return 1e9 / width, 100
    # Measured on x86 with AVX-512. Small calls use their keys less well, and one thread alone copies them. Several threads
    # have to be woken and waited for, which takes long where other programs want the processor as well.
    threads = torch.get_num_threads()
    return (1e6 if threads == 1 else 1e7 * threads) / width, 12 + 6 * threads


METHOD = RegionMethod(
    name=OmostDense.name,
    settings=(CAPTURE,),
    place=lambda placing, values: placing.bound(OmostDense(), heat=captured(values)),
    reason=INSIDE,
)

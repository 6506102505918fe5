"""LoRAs that act in parts of a picture, all in one pass of the model: what they add to a layer, masked by place.

For a layer W and LoRAs i with masks m_i over what the layer computes, ``y = W x + sum_i m_i up_i(down_i(x))``. It is computed as
``W x + Up (M * Down x)``: Down and Up hold those of all LoRAs, and the mask is laid on the few channels between them. The idea
is that of regional LoRA in kohya-ss/sd-scripts (gen_img, ``networks/lora.py``), which does one LoRA after the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import torch
import torch.nn.functional as F

Weight = Callable[[], torch.Tensor]
"""Makes what is added to a weight."""


class LowRank(NamedTuple):
    """``scale * up @ down``, for a weight that is as high as ``up [out, r]`` and holds as many numbers a row as ``down [r, ...]``."""

    up: torch.Tensor
    down: torch.Tensor
    scale: float


class Other(Protocol):
    """A delta of any other form. It is made anew for every call of the model, as all of them together are as large as it."""

    def at(self, shape: torch.Size, device: torch.device) -> Weight:
        """It, ready for a weight of that shape. The tensors that it keeps are its own."""
        ...


Delta = LowRank | Other


class Located(NamedTuple):
    """What is added to one layer, and where.

    Attributes:
        kind: pixels: the layer has a vector for each place; text: for each token; spread: one that the model adds at every place.
        grid: the module that is called before it, in the height and width that its places have; None: the layer's own output
            has them.
    """

    delta: Delta
    kind: Literal["pixels", "text", "spread"]
    grid: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Deltas:
    """A LoRA, read for a diffusion model.

    Attributes:
        name: what a person calls it.
        strength: multiplies all of it.
        layers: what it adds, by the names of the layers.
    """

    name: str
    strength: float
    layers: Mapping[str, Located] = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionLora:
    """A LoRA and its place. One object, whichever words it acts on.

    Attributes:
        mask: ``[H, W]`` over the whole picture, 0 to 1.
        everywhere: it is that of the base, and acts on all words but those of parts.
        start, end: share of the sampling during which it acts, 0 to 1.
    """

    deltas: Deltas
    mask: torch.Tensor
    everywhere: bool = False
    start: float = 0.0
    end: float = 1.0


class Stack:
    """What several LoRAs add to one layer.

    Args:
        deltas: each with the number of its mask, and its strength.
        spread: the layer has one vector per picture, which the model adds at every place.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        deltas: Sequence[tuple[int, float, Delta]],
        like: torch.Tensor,
        spread: bool = False,
    ) -> None:
        layer: Any = module
        self._conv, self._spread = isinstance(module, torch.nn.Conv2d), spread
        names = ("stride", "padding", "dilation", "groups")
        self._how = {name: getattr(layer, name) for name in names} if self._conv else {}
        rows, *row = shape_of(module)
        ups: list[torch.Tensor] = []
        downs: list[torch.Tensor] = []
        whose: list[int] = []
        self._others: list[tuple[int, float, Weight]] = []
        for number, strength, delta in deltas:
            if isinstance(delta, LowRank):
                rank = len(delta.down)
                downs.append(delta.down.reshape(rank, *row).to(like, copy=True))
                up = delta.up.reshape(rows, rank).to(like.device, torch.float32)
                ups.append((up * (delta.scale * strength)).to(like.dtype))
                whose += [number] * rank
            else:
                weight = delta.at(torch.Size((rows, *row)), like.device)
                self._others.append((number, strength, weight))
        self.whose = tuple(whose)
        """The mask of each channel between Down and Up."""
        if downs:
            self._down, self._up = torch.cat(downs), torch.cat(ups, 1)

    def __call__(self, x: torch.Tensor, out: torch.Tensor, masks: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
        """The output with what is added.

        Args:
            masks: ``[B or 1, masks, h, w]`` of a convolution, and of a layer that is spread; else ``[B or 1, N, masks]``.
            channels: the same for each of :attr:`whose`.
        """
        wide = self._conv or self._spread
        if self._spread:
            out = out[..., None, None]
        if self.whose:
            between = self._product(x, self._down) * channels
            out = out + (F.conv2d(between, self._up[:, :, None, None]) if wide else F.linear(between, self._up))
        for number, strength, weight in self._others:
            mask = masks[:, number, None] if wide else masks[..., number, None]
            out = out + self._product(x, (weight() * strength).to(x)) * mask
        return out

    def _product(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if self._conv:
            return F.conv2d(x, weight, **self._how)
        made = F.linear(x, weight)
        return made[..., None, None] if self._spread else made


def shape_of(module: torch.nn.Module) -> torch.Size:
    """The shape of the weight of a linear layer or a convolution, however it is stored."""
    layer: Any = module
    if isinstance(module, torch.nn.Conv2d):
        return torch.Size((layer.out_channels, layer.in_channels // layer.groups, *layer.kernel_size))
    return torch.Size((layer.out_features, layer.in_features))

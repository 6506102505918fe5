"""Where attention is replaced in the UNets of SD1.5, SD2 and SDXL."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ...attention.site import Attend, Call, Inner, Layout, Processor, Row, Site
from ...told import Told
from .. import core_attention as core
from ..core_attention import Kind, Replacement, Slot
from ..core_sampling import Options

CALL = "resonance_call"
"""Where the options of a call of the model hold its :class:`~resonance.attention.site.Call`."""
WHOLE = "resonance_options"
"""Where they hold themselves: ComfyUI keeps from the replacements what else is replaced."""

KINDS: tuple[Kind, ...] = ("cross", "self")


def replace_attention(options: Options, slots: Sequence[Slot], processors: Sequence[Processor]) -> None:
    """Lets processors act on the attention of a UNet.

    Args:
        options: those of a sampling run.
        slots: every place.
        processors: the outer first.
    """
    for kind in KINDS:
        acting = [processor for processor in processors if kind in processor.kinds()]
        if acting:
            there = core.replacements(options, kind)
            for number, slot in enumerate(slots):
                there[slot] = Place(kind, slot, number, acting, there.get(slot))


@dataclass(frozen=True, eq=False)
class Place:
    """Attention at one place of the model; ``before``: what replaced it already."""

    kind: Kind
    slot: Slot
    number: int
    processors: Sequence[Processor]
    before: Replacement | None

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, options: Options) -> torch.Tensor:
        call: Call = options[CALL]
        # What replaces a whole block may come and go between the steps, as perturbed attention guidance does.
        before = self.before or core.replacements(options[WHOLE], self.kind).get(self.slot[:2])
        heads = core.heads(options)
        attend = ComfyAttend(options, call.rows)
        inner: Inner = _foreign(before, options, heads) if before else attend
        height, width = core.grid(options)
        if q.shape[1] == height * width:
            text = slice(0, k.shape[1]) if self.kind == "cross" else None
            layout = Layout(slice(0, q.shape[1]), text)
            site = Site(self.kind, self.slot, self.number, (height, width), layout, call, attend)
            for processor in reversed(self.processors):
                inner = _around(processor, site, inner)
        elif self.kind == "cross":
            raise Told(
                f"Another node's patch leaves {q.shape[1]} of {height * width} pixels in cross-attention, so that nobody knows where "
                "they are. Take it off, or use an area method in Regions."
            )
        # HyperTile and token merging cut up self-attention: there it stays as it is.
        return _merged(inner(*(_split(t, heads) for t in (q, k, v))))


class ComfyAttend:
    """ComfyUI's attention, see :class:`~resonance.attention.site.RowAttend`."""

    def __init__(self, options: Options, rows: Sequence[Row]) -> None:
        self._options, self._rows = options, rows
        self.foreign = core.is_overridden(options)

    def upcasts(self, dtype: torch.dtype) -> bool:
        return core.upcasts(self._options, dtype)

    def __call__(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        return core.attend(q, k, v, bias, self._options)

    def of(self, rows: Sequence[Row]) -> Attend:
        if not self.foreign:
            return self
        numbers = [number for number, row in enumerate(self._rows) if row in rows]
        return ComfyAttend(core.some_rows(self._options, numbers), rows)


def _foreign(before: Replacement, options: Options, heads: int) -> Inner:
    return lambda q, k, v: _split(before(_merged(q), _merged(k), _merged(v), options), heads)


def _around(processor: Processor, site: Site, inner: Inner) -> Inner:
    return lambda q, k, v: processor(site, q, k, v, inner)


def _split(t: torch.Tensor, heads: int) -> torch.Tensor:
    """``[B, N, H * D]`` to ``[B, H, N, D]``."""
    return torch.unflatten(t, 2, (heads, -1)).transpose(1, 2)


def _merged(t: torch.Tensor) -> torch.Tensor:
    """``[B, H, N, D]`` to ``[B, N, H * D]``."""
    return t.transpose(1, 2).flatten(2)

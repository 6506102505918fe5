"""Where attention is replaced in the UNets of SD1.5, SD2 and SDXL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import comfy.ldm.modules.attention as core
import torch

from ...attention.site import Attend, Call, Inner, Layout, Processor, Row, Site
from ...told import Told
from ..families.family import Slot

CALL = "resonance_call"
"""Where the transformer options of a call of the model hold its :class:`~resonance.attention.site.Call`."""
BLOCKS = "resonance_blocks"
"""Where they hold what replaces attention at that time; ComfyUI keeps it from the replacements."""

Kind = Literal["cross", "self"]
NAMES: dict[Kind, str] = {"cross": "attn2", "self": "attn1"}
"""ComfyUI's names for the kinds of attention in a transformer."""


def replace_attention(options: dict[str, Any], slots: Iterable[Slot], processors: Sequence[Processor]) -> None:
    """Lets processors act on the attention of a UNet.

    Args:
        options: the transformer options of a sampling run.
        slots: every place.
        processors: the outer first.
    """
    replaced = options.setdefault("patches_replace", {})
    places = list(enumerate(slots))
    for kind, name in NAMES.items():
        acting = [processor for processor in processors if kind in processor.kinds()]
        if acting:
            there = replaced.setdefault(name, {})
            for number, slot in places:
                there[slot] = Place(kind, slot, number, acting, there.get(slot))


@dataclass(frozen=True, eq=False)
class Place:
    """Attention at one place of the model; ``before``: what replaced it already."""

    kind: Kind
    slot: Slot
    number: int
    processors: Sequence[Processor]
    before: Any

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra: dict[str, Any]) -> torch.Tensor:
        call: Call = extra[CALL]
        # What replaces a whole block may come and go between the steps, as perturbed attention guidance does.
        before = self.before or extra[BLOCKS].get(NAMES[self.kind], {}).get(self.slot[:2])
        heads = extra["n_heads"]
        attend = ComfyAttend(extra, call.rows)

        def foreign(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            return _split(before(_merged(q), _merged(k), _merged(v), extra), heads)

        inner: Inner = foreign if before else attend
        height, width = extra["activations_shape"][2:]
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

    def __init__(self, extra: dict[str, Any], rows: Sequence[Row]) -> None:
        self._extra, self._rows = extra, rows
        self.foreign = "optimized_attention_override" in extra

    def upcasts(self, dtype: torch.dtype) -> bool:
        return core.get_attn_precision(self._extra["attn_precision"], dtype) is torch.float32

    def __call__(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        return core.optimized_attention(
            q,
            k,
            v,
            self._extra["n_heads"],
            mask=bias,
            attn_precision=self._extra["attn_precision"],
            skip_reshape=True,
            skip_output_reshape=True,
            transformer_options=self._extra,
        )

    def of(self, rows: Sequence[Row]) -> Attend:
        if not self.foreign:
            return self
        numbers = [number for number, row in enumerate(self._rows) if row in rows]
        said = {name: [self._extra[name][n] for n in numbers] for name in ("cond_or_uncond", "uuids")}
        return ComfyAttend({**self._extra, **said}, rows)


def _around(processor: Processor, site: Site, inner: Inner) -> Inner:
    return lambda q, k, v: processor(site, q, k, v, inner)


def _split(t: torch.Tensor, heads: int) -> torch.Tensor:
    """``[B, N, H * D]`` to ``[B, H, N, D]``."""
    return t.unflatten(2, (heads, -1)).transpose(1, 2)


def _merged(t: torch.Tensor) -> torch.Tensor:
    """``[B, H, N, D]`` to ``[B, N, H * D]``."""
    return t.transpose(1, 2).flatten(2)

"""Pictures that cross-attention reads beside the words: ``Attn(q, words) + strength * Attn(q, picture)`` (Ye et al., IP-Adapter, 2023)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import torch

from ..reference.picture import Picture, Shown, shrunk
from .method import kept
from .site import Attend, Inner, Row, Site


class Window(NamedTuple):
    """A part of a picture, in shares of it."""

    top: float
    left: float
    bottom: float
    right: float

    def of(self, mask: torch.Tensor) -> torch.Tensor:
        """What it has of a mask ``[h, w]`` over the whole picture."""
        height, width = mask.shape
        rows, columns = (
            slice(round(a * size), max(round(b * size), round(a * size) + 1))
            for a, b, size in ((self.top, self.bottom, height), (self.left, self.right, width))
        )
        return mask[rows, columns]

    def mask(self, height: int, width: int) -> torch.Tensor:
        """Ones inside of it."""
        mask = torch.zeros(height, width)
        self.of(mask).fill_(1)
        return mask


class Reading:
    """A picture, or its blank, as one conditioning reads it in one sampling run.

    Args:
        shown: what is read of it.
        masks: where, beside the picture's own.
        window: what the conditioning has of the whole picture; None: all of it.
        start, end: the noise at which it begins and ends.
    """

    def __init__(
        self,
        picture: Picture,
        shown: Shown,
        start: float,
        end: float,
        masks: Sequence[torch.Tensor] = (),
        window: Window | None = None,
    ) -> None:
        self.picture, self._shown, self._start, self._end = picture, shown, start, end
        self._masks = [window.of(mask) if window else mask for mask in (*picture.masks, *masks)]
        self._read: dict[tuple[int, torch.device, torch.dtype], tuple[torch.Tensor, torch.Tensor]] = {}
        self._pixels: dict[tuple[tuple[int, int], torch.device], tuple[torch.Tensor, torch.Tensor]] = {}

    def acts(self, sigma: float, block: tuple[str, int]) -> bool:
        blocks = self.picture.blocks
        return self._end <= sigma <= self._start and (blocks is None or block in blocks)

    def add(self, out: torch.Tensor, q: torch.Tensor, number: int, grid: tuple[int, int], attend: Attend) -> None:
        """Adds what is read to ``out [B, H, N, D]``.

        Args:
            number: of the cross-attention, as adapters count.
        """
        k, v = (_dealt(t, len(q)) for t in self._keys(q, number))
        if not self._masks:
            out += self.picture.strength * attend(q, k, v)
            return
        pixels, shares = self._where(grid, q.device)
        if not len(pixels):
            return
        shares = self.picture.strength * shares[:, None].to(q)
        if attend.foreign:
            # It is asked for whole pictures.
            out[:, :, pixels] += shares * attend(q, k, v)[:, :, pixels]
        else:
            out[:, :, pixels] += shares * attend(q[:, :, pixels], k, v)

    def _keys(self, q: torch.Tensor, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values ``[P, H, T, D]``."""
        key = number, q.device, q.dtype
        if key not in self._read:
            with kept():
                k, v = (
                    torch.unflatten(t[number].to(q), 2, (q.shape[1], -1))
                    for t in (self._shown.keys, self._shown.values)
                )
                self._read[key] = k.transpose(1, 2), v.transpose(1, 2)
        return self._read[key]

    def _where(self, grid: tuple[int, int], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """The pixels at which it acts, and how much it does at each."""
        if (grid, device) not in self._pixels:
            with kept():
                share = torch.ones(grid)
                for mask in self._masks:
                    share = share * shrunk(mask.clone().cpu(), *grid)
                share = share.flatten().to(device)
                pixels = share.nonzero()[:, 0]
                self._pixels[grid, device] = pixels, share[pixels]
        return self._pixels[grid, device]


def _dealt(t: torch.Tensor, rows: int) -> torch.Tensor:
    """One row for each picture that is made; those of several pictures are dealt out in turn."""
    return t.expand(rows, -1, -1, -1) if len(t) == 1 else t.repeat(-(-rows // len(t)), 1, 1, 1)[:rows]


@dataclass(frozen=True, eq=False)
class PictureProcessor:
    """The :class:`~resonance.attention.site.Processor` of pictures.

    Args:
        reads: what each conditioning reads, by its uuid.
        numbers: of each cross-attention as adapters count them, by its number in the model.
    """

    reads: Mapping[UUID, Sequence[Reading]]
    numbers: Sequence[int]

    order = 20

    def kinds(self) -> frozenset[str]:
        return frozenset({"cross"})

    def __call__(self, site: Site, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, inner: Inner) -> torch.Tensor:
        out = inner(q, k, v)
        reading = [(row, reads) for row in site.call.rows if (reads := self._acting(site, row))]
        if not reading:
            return out
        out = out.clone()
        for row, reads in reading:
            for each in reads:
                each.add(out[row.at], q[row.at], self.numbers[site.number], site.grid, site.attend.of([row]))
        return out

    def _acting(self, site: Site, row: Row) -> list[Reading]:
        reads = self.reads.get(row.entry.uuid, ()) if row.entry else ()
        return [each for each in reads if each.acts(site.call.sigma, site.place[:2])]


def by_adapters(places: Sequence[tuple[str, int, int]]) -> list[int]:
    """The numbers that adapters give the cross-attentions of a UNet: those of the input blocks, of the output blocks, then the middle.

    Args:
        places: of all of them, as ComfyUI goes through them.
    """
    order = sorted(range(len(places)), key=lambda number: ("input", "output", "middle").index(places[number][0]))
    return [order.index(number) for number in range(len(places))]

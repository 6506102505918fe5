"""Pictures that cross-attention reads beside the words: ``Attn(q, words) + strength * Attn(q, picture)`` (Ye et al., IP-Adapter, 2023)."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import torch

from ..reference.picture import Picture, Shown, shrunk
from .method import kept
from .site import Inner, Row, Site


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
        self._masks, self._window = (*picture.masks, *masks), window
        self._read: dict[tuple[int, torch.device, torch.dtype], tuple[torch.Tensor, torch.Tensor]] = {}
        self._pixels: dict[tuple[tuple[int, int], torch.device], tuple[torch.Tensor, torch.Tensor]] = {}

    def acts(self, sigma: float, block: tuple[str, int]) -> bool:
        blocks = self.picture.blocks
        return self._end <= sigma <= self._start and (blocks is None or block in blocks)

    @property
    def alike(self) -> Hashable:
        """Equal for those that are read at the same pixels, as strongly, and with as many tokens: they can be read in one call."""
        shown = self._shown.keys[0]
        return self.picture.strength, shown.shape[1], self._window, *map(id, self._masks)

    def keys(self, q: torch.Tensor, number: int, first: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values for queries ``[B, H, N, D]``, ``[B, H, T, D]``.

        Args:
            number: of the cross-attention, as adapters count.
            first: the number of the first picture that is made.
        """
        key = number, q.device, q.dtype
        if key not in self._read:
            with kept():
                k, v = (
                    torch.unflatten(t[number].to(q), 2, (q.shape[1], -1))
                    for t in (self._shown.keys, self._shown.values)
                )
                self._read[key] = k.transpose(1, 2), v.transpose(1, 2)
        k, v = self._read[key]
        return _dealt(k, len(q), first), _dealt(v, len(q), first)

    def where(self, grid: tuple[int, int], device: torch.device) -> tuple[torch.Tensor, torch.Tensor] | None:
        """The pixels at which it acts, and how much it does at each; None: at all of them."""
        if not self._masks:
            return None
        if (grid, device) not in self._pixels:
            with kept():
                share = torch.ones(grid)
                for mask in self._masks:
                    there = self._window.of(mask) if self._window else mask
                    share = share * shrunk(there.clone().cpu(), *grid)
                share = share.flatten().to(device)
                pixels = share.nonzero()[:, 0]
                self._pixels[grid, device] = pixels, share[pixels]
        return self._pixels[grid, device]


def _dealt(t: torch.Tensor, rows: int, first: int) -> torch.Tensor:
    """One row for each picture that is made; those of several pictures are dealt out in turn."""
    if len(t) == 1:
        return t.expand(rows, -1, -1, -1)
    return t[torch.arange(first, first + rows, device=t.device) % len(t)]


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
        groups: defaultdict[Hashable, list[tuple[Row, Reading]]] = defaultdict(list)
        for row in site.call.rows:
            for place, reading in enumerate(self._acting(site, row)):
                groups[place, reading.alike].append((row, reading))
        if not groups:
            return out
        out = out.clone()
        for group in groups.values():
            self._add(site, out, q, [row for row, _ in group], [reading for _, reading in group])
        return out

    def _add(
        self, site: Site, out: torch.Tensor, q: torch.Tensor, rows: Sequence[Row], readings: Sequence[Reading]
    ) -> None:
        """Adds what rows read to ``out [B, H, N, D]``."""
        number, attend = self.numbers[site.number], site.attend.of(rows)
        asked = q if len(rows) == len(site.call.rows) else torch.cat([q[row.at] for row in rows])
        each = [reading.keys(q[row.at], number, site.call.picture) for row, reading in zip(rows, readings, strict=True)]
        k, v = (torch.cat(some) for some in zip(*each, strict=True))
        where, strength = readings[0].where(site.grid, q.device), readings[0].picture.strength
        if where is None:
            found = strength * attend(asked, k, v)
        elif not len(where[0]):
            return
        else:
            pixels, shares = where
            # Another pack's function is asked for whole pictures.
            found = attend(asked, k, v)[:, :, pixels] if attend.foreign else attend(asked[:, :, pixels], k, v)
            found = found * (strength * shares[:, None]).to(found)
        for row, piece in zip(rows, found.chunk(len(rows)), strict=True):
            if where is None:
                out[row.at] += piece
            else:
                out[row.at].index_add_(2, where[0], piece)

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

"""Where each region's words acted, gathered while a picture is sampled."""

import torch
import torch.nn.functional as F


class Heat:
    """The share of attention that each part's words got, as the mean over layers and steps of the last sampling run.

    Args:
        side: longer side of the maps in pixels.
    """

    def __init__(self, side: int) -> None:
        self.side = side
        self.forget()

    def forget(self) -> None:
        """Begins a new run."""
        self._sum: torch.Tensor | None = None
        self._count = 0

    def end(self, run: "Heat") -> None:
        """Takes over what a run has gathered: several may sample at once, and the one that ends last counts."""
        self._sum, self._count = run._sum, run._count

    def add(self, share: torch.Tensor, height: int, width: int) -> None:
        """Notes one layer. ``share``: ``[B, height * width, R]``."""
        maps = share.detach().float().transpose(1, 2).reshape(len(share), -1, height, width)
        scale = self.side / max(height, width)
        size = (max(round(height * scale), 1), max(round(width * scale), 1))
        if self._sum is not None:
            size = (self._sum.shape[2], self._sum.shape[3])
        maps = F.interpolate(maps, size, mode="bilinear")
        self._sum = maps if self._sum is None else self._sum + maps
        self._count += 1

    def maps(self) -> torch.Tensor | None:
        """``[B, R, h, w]``, 0 to 1, the base first; None before anything was sampled."""
        return None if self._sum is None else (self._sum / self._count).cpu()

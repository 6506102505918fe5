"""A way for a model to look at a picture: what every one of them has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from ...attention.parts import Conditioning
from ...reference.reference import Reference


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A picture for a conditioning, and how it shall act.

    Attributes:
        image: ``[B, H, W, 3]``, 0 to 1.
        strength: above 0.
        start, end: share of the sampling, 0 to 1.
        mask: ``[h, w]`` over the whole picture, 0 to 1, neither empty nor full; None: everywhere.
        reference: with its way, no more ``automatic``.
    """

    model: Any
    conditioning: Conditioning
    image: torch.Tensor
    strength: float
    start: float
    end: float
    mask: torch.Tensor | None
    reference: Reference

    @property
    def when(self) -> str:
        """Range and place, as people read them."""
        when = f", {self.start:.0%} to {self.end:.0%} of the sampling" if (self.start, self.end) != (0, 1) else ""
        return when + (", where the mask is" if self.mask is not None else "")


class Looked(NamedTuple):
    """What a sampler takes, and what was done, in a sentence."""

    model: Any
    conditioning: Conditioning
    said: str


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to look at a picture.

    Attributes:
        name: as people choose it.
        models: those that have it, as people call them.
        needs: the inputs without which it does nothing, by name.
        fits: whether a model has it.
        apply: lets a picture act.
    """

    name: str
    models: str
    needs: tuple[str, ...]
    fits: Callable[[Any], bool]
    apply: Callable[[Asked], Looked]

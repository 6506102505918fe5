"""MODELs in which the negative words act as strongly as is asked for, see :mod:`resonance.paint.negative_scale`.

The empty prompt is one row more of each call. It stands where the negative does: with its areas, ControlNets, regions and LoRAs.
"""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch

from ..paint.negative_scale import share
from . import progress
from .core import Encoded, encode
from .core_sampling import unprompted
from .kept_models import KeptModels

KEY = "resonance_negative_scale"


@dataclass(frozen=True, eq=False)
class Empty:
    """The empty prompt, encoded. One object for each CLIP."""

    words: Encoded


_empty: WeakKeyDictionary[Any, Empty] = WeakKeyDictionary()
_kept = KeptModels()


def scaled(model: Any, clip: Any, negative_scale: float) -> Any:
    """A MODEL of which classifier-free guidance takes the negative words that strongly."""
    if clip not in _empty:
        _empty[clip] = Empty(encode(clip, clip.tokenize("")))
    empty = _empty[clip]

    def mixed(negative: torch.Tensor, without: torch.Tensor, scale: float) -> torch.Tensor:
        return without + (negative - without) * share(negative_scale, scale)

    return _kept.get(
        model, (empty, negative_scale), lambda base: unprompted(base, KEY, empty.words, mixed, _say_nothing_is_done)
    )


def _say_nothing_is_done(scale: float | None) -> None:
    if scale is None:
        progress.warn("Negative Scale does nothing with this guider: it acts in KSampler and with CFGGuider.")
    else:
        progress.warn(
            f"Negative Scale does nothing at a CFG scale of {scale:g}, at which the negative prompt is not asked for."
        )

"""A picture in a conditioning, and the words of a conditioning that are one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from ..told import Told
from .bias import token_bias

PICTURES = "resonance_pictures"
"""Where a conditioning carries its :class:`Picture` s."""

TOKENS = "resonance_picture_tokens"
"""Where a conditioning says which of its tokens are pictures, as :class:`PictureTokens`."""


@dataclass(frozen=True, eq=False)
class Shown:
    """What pictures say to each cross-attention of a model, in the order of its adapters: keys and values ``[P, T, C]``.

    Attributes:
        keys, values: P is 1, or one for each picture that is made: these are dealt out in turn.
    """

    keys: tuple[torch.Tensor, ...]
    values: tuple[torch.Tensor, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture that cross-attention reads beside the words, as an IP-Adapter lets it.

    Attributes:
        blank: what no picture says, for the negative.
        start, end: share of the sampling during which it acts, 0 to 1.
        masks: ``[h, w]`` each, over the whole picture, 0 to 1: it acts where all of them are.
        blocks: those in which it acts, by stage and number; None: in all.
    """

    shown: Shown
    blank: Shown
    strength: float
    start: float = 0.0
    end: float = 1.0
    masks: tuple[torch.Tensor, ...] = ()
    blocks: frozenset[tuple[str, int]] | None = None

    def within(self, mask: torch.Tensor, weight: float, start: float, end: float) -> "Picture":
        """The same in a part of the picture and of the sampling."""
        return replace(
            self,
            strength=self.strength * weight,
            start=max(self.start, start),
            end=min(self.end, end),
            masks=(*self.masks, mask),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureTokens:
    """Tokens of a conditioning that are a picture, whose strength is a bias on their scores.

    Attributes:
        begin, count: which they are.
        bias: see :func:`.bias.token_bias`.
        start, end: share of the sampling during which they are read, 0 to 1.
        mask: ``[h, w]`` over the whole picture, 0 to 1; None: everywhere.
    """

    begin: int
    count: int
    bias: float
    start: float = 0.0
    end: float = 1.0
    mask: torch.Tensor | None = None


class Guard:
    """Stands in a conditioning among what a model is given, until the owner of the sampling run takes it away."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def process_cond(self, **_: Any) -> "Guard":
        raise Told(self._sentence)


UNOWNED = (
    "The model of this sampler does not come from Reference Picture, so its picture could not act: connect the model output of the node"
    " that the conditioning comes from, such as Reference Picture or Regions, to this sampler."
)


def guarded(values: Mapping[str, Any], key: str, sentence: str) -> dict[str, Any]:
    """What a conditioning says, to be sampled only by an owner that takes away what stands under ``key``."""
    return {**values, "model_conds": {**values.get("model_conds", {}), key: Guard(sentence)}}


def unguarded(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a conditioning says, without our guards."""
    conds = {key: each for key, each in values.get("model_conds", {}).items() if not isinstance(each, Guard)}
    return {**values, "model_conds": conds or None}


def with_pictures(values: Mapping[str, Any], pictures: Sequence[Picture]) -> dict[str, Any]:
    """What a conditioning says, with pictures beside those that it has."""
    if not pictures:
        return {**values}
    return guarded({**values, PICTURES: (*values.get(PICTURES, ()), *pictures)}, PICTURES, UNOWNED)


def attached(
    tokens: torch.Tensor,
    values: Mapping[str, Any],
    picture: torch.Tensor,
    *,
    strength: float,
    start: float = 0.0,
    end: float = 1.0,
    mask: torch.Tensor | None = None,
) -> tuple[torch.Tensor, PictureTokens | None]:
    """Words ``[B, T, C]`` with a picture's tokens ``[P, N, C]`` behind them, as core's Apply Style Model has them.

    Returns:
        all tokens, and how the picture's are read; None: as any other.
    """
    rows = max(len(tokens), len(picture))
    said = torch.cat([tokens.expand(rows, -1, -1), picture.to(tokens).expand(rows, -1, -1)], 1)
    count = picture.shape[1]
    pictures: Sequence[PictureTokens] = values.get(TOKENS, ())
    words = tokens.shape[1] - sum(each.count for each in pictures)
    bias = token_bias(strength, count, words)
    if not bias and start <= 0 and end >= 1 and mask is None:
        return said, None
    return said, PictureTokens(begin=tokens.shape[1], count=count, bias=bias, start=start, end=end, mask=mask)


def shrunk(mask: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A mask ``[h, w]`` at another size, each cell the mean of what it covers."""
    return F.interpolate(mask[None, None].float(), (height, width), mode="area")[0, 0]

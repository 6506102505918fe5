"""How strongly a picture acts whose tokens stand beside others in one attention: a bias on the scores of its keys.

To scale the tokens or the latent instead is no strength: a half one is another picture. A bias of log(s) is one, as softmax then counts
each key of the picture s times.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from ..told import Told

KEY = "resonance_picture_biases"
"""Where a conditioning carries its :class:`PictureBias`es."""

UNSEEN = -1e4
"""Of keys that are not looked at: no weight is left of it in any precision, and no kind of attention makes NaN of it."""


def token_bias(strength: float, picture_tokens: int, word_tokens: int) -> float:
    """Of a picture that is read as tokens behind the words, of which there may be many more than words: at 0.5 both have an equal say,
    at 1 each token counts like a word. It rises all the way, and is nothing (minus infinity) at 0."""
    ahead = max(0.0, math.log(picture_tokens / word_tokens))
    if strength <= 0:
        return -math.inf
    if strength < 0.5:
        return math.log(2 * strength) - ahead
    return -2 * (1 - strength) * ahead if strength < 1 else math.log(strength)


def latent_bias(strength: float) -> float:
    """Of a reference latent: nothing (minus infinity) at 0, and as the model was trained at 1."""
    return math.log(strength) if strength > 0 else -math.inf


class Words(NamedTuple):
    """Tokens ``[1, T, C]`` of a picture, and where they stand among the words of a conditioning."""

    tokens: torch.Tensor
    at: slice


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureBias:
    """A picture among the tokens that a model reads at once, and how strongly it acts there. It travels in a conditioning.

    Attributes:
        of: the reference latent that its tokens are made from, or tokens among the words.
        bias: on the scores of its keys.
        mask: ``[H, W]`` over the whole picture that is sampled, 0 to 1: the pixels that look at it; None: everything does.
    """

    of: torch.Tensor | Words
    bias: float
    mask: torch.Tensor | None = None


class Guard:
    """Stands in such a conditioning among what a model is given, until the owner of the sampling run takes it away."""

    def process_cond(self, **_: Any) -> "Guard":
        raise Told(
            "The model of this sampler does not come from Reference Picture, so that its picture would act at full strength and "
            "everywhere: connect the model output of the node that the conditioning comes from to this sampler."
        )


GUARD = Guard()


def carrying(values: Mapping[str, Any], *pictures: PictureBias) -> dict[str, Any]:
    """What a conditioning says, with more pictures."""
    return {
        **values,
        KEY: (*values.get(KEY, ()), *pictures),
        "model_conds": {**values.get("model_conds", {}), KEY: GUARD},
    }


class Joint(NamedTuple):
    """What one attention reads at once: words, then pixels, then each reference.

    Attributes:
        grid: frames, height and width in pixels of the model.
        references: how many tokens each has.
    """

    words: int
    grid: tuple[int, int, int]
    references: tuple[int, ...]

    @property
    def pixels(self) -> slice:
        return slice(self.words, self.words + math.prod(self.grid))

    @property
    def total(self) -> int:
        return self.pixels.stop + sum(self.references)

    def reference(self, number: int) -> slice:
        first = self.pixels.stop + sum(self.references[:number])
        return slice(first, first + self.references[number])


def grid_of(latent: Sequence[int], pixels: int) -> tuple[int, int, int] | None:
    """Frames, height and width of so many pixels that a model makes of a latent ``[B, C, (T,) H, W]``, whose sides it divides and rounds
    up; None: it does not."""
    frames = latent[2] if len(latent) == 5 else 1
    for patch in range(1, 9):
        height, width = (math.ceil(side / patch) for side in latent[-2:])
        if frames * height * width == pixels:
            return frames, height, width
    return None


def joint_bias(joint: Joint, seen: Sequence[tuple[slice, PictureBias]], like: torch.Tensor) -> torch.Tensor:
    """``[total, total]`` to be added to the scores of a joint attention.

    A picture looks at itself as ever: at low strengths it is seen by few, but as it is. One with a mask is seen by those pixels
    alone: words and other pictures would hand it on to all others.

    Args:
        seen: pictures, and where their tokens stand.
        like: of the dtype and on the device that are asked for.
    """
    total = joint.total
    # Rows that begin at multiples of 16 numbers, as PyTorch's attention copies all of it otherwise, at every call.
    bias = like.new_zeros(total, math.ceil(total / 16) * 16)[:, :total]
    for columns, picture in seen:
        rows = torch.full((total,), picture.bias)
        if picture.mask is not None:
            frames, *size = joint.grid
            share = F.interpolate(picture.mask[None, None].float().cpu(), size, mode="area").flatten().repeat(frames)
            rows[:] = -math.inf
            rows[joint.pixels] = picture.bias + share.log()
        rows[columns] = 0
        bias[:, columns] = rows.clamp(min=UNSEEN).to(bias)[:, None]
    return bias

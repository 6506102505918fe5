"""Pictures among the tokens that a transformer reads at once: how strongly each acts there, and where.

To scale a picture's latent instead is no strength: a half one is another picture. A bias of log(s) is one, as softmax then counts each of
its keys s times.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from .picture import guarded, shrunk

LATENTS = "resonance_reference_latents"
"""Where a conditioning carries its :class:`LatentBias` es."""

UNSEEN = -1e4
"""For keys that are not looked at: in no precision is any weight left of it, and no kind of attention makes NaN of it."""

FULL_STRENGTH = (
    "The model of this sampler does not come from Reference Picture, so its picture would act at full strength and everywhere: connect"
    " the model output of the node that the conditioning comes from to this sampler."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class LatentBias:
    """How strongly a reference latent of a conditioning acts.

    Attributes:
        latent: which one it is.
        bias: on the scores of its keys, see :func:`.bias.latent_bias`.
        mask: ``[h, w]`` over the whole picture that is made, 0 to 1; None: everywhere.
    """

    latent: torch.Tensor
    bias: float
    mask: torch.Tensor | None = None


def with_latents(values: Mapping[str, Any], latents: Sequence[LatentBias]) -> dict[str, Any]:
    """What a conditioning says, with more of them."""
    return guarded({**values, LATENTS: (*values.get(LATENTS, ()), *latents)}, LATENTS, FULL_STRENGTH)


class Joint(NamedTuple):
    """What one attention reads at once: words, then pixels, then each reference.

    Attributes:
        grid: frames, height and width of the pixels.
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


class Seen(NamedTuple):
    """Tokens of a picture, and how strongly they act: the bias, and where, as :class:`LatentBias` has it."""

    at: slice
    bias: float
    mask: torch.Tensor | None


def grid_of(latent: Sequence[int], pixels: int) -> tuple[int, int, int] | None:
    """Frames, height and width of so many pixels that a model makes of a latent ``[B, C, (T,) H, W]``, whose sides it divides and rounds
    up; None: it does not."""
    frames = latent[2] if len(latent) == 5 else 1
    for patch in range(1, 9):
        height, width = (math.ceil(side / patch) for side in latent[-2:])
        if frames * height * width == pixels:
            return frames, height, width
    return None


def joint_bias(joint: Joint, seen: Sequence[Seen], like: torch.Tensor) -> torch.Tensor:
    """``[total, total]`` to be added to the scores of an attention.

    A picture looks at itself as ever: at low strengths few see it, but they see it as it is. One with a mask is seen by pixels alone,
    as words and other pictures would hand it on to pixels elsewhere.

    Args:
        like: of the dtype and on the device that are asked for.
    """
    total = joint.total
    # Rows that begin at multiples of 16 numbers: PyTorch's attention copies others at each call.
    bias = like.new_zeros(total, math.ceil(total / 16) * 16)[:, :total]
    for picture in seen:
        rows = torch.full((total,), picture.bias)
        if picture.mask is not None:
            frames, height, width = joint.grid
            rows[:] = -math.inf
            rows[joint.pixels] = picture.bias + shrunk(picture.mask.cpu(), height, width).flatten().repeat(frames).log()
        rows[picture.at] = 0
        bias[:, picture.at] = rows.clamp(min=UNSEEN).to(bias)[:, None]
    return bias

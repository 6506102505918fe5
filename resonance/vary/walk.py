"""The way of a picture through a transform: what each run of the sampler starts from, and what is corrected when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch

from .. import images
from .color import Anchored, Chain, Correction
from .transform import Call, Transform, calls

Picture = torch.Tensor
"""IMAGE ``[1, H, W, 3]``."""


@dataclass(frozen=True)
class Colors:
    """How colour is corrected on the way.

    Attributes:
        each: after every transform; else when a picture is kept.
        reference: makes the reference of the picture that a chain starts from.
        mask: where colour is corrected, ``[H, W]``; None = everywhere.
    """

    how: Correction | Anchored
    each: bool = True
    reference: Callable[[Picture], Picture] = lambda picture: picture
    mask: torch.Tensor | None = None

    @property
    def copies_only(self) -> bool:
        return isinstance(self.how, Correction) and self.how.copies_only

    def chain(self, first: Picture) -> Chain:
        return Chain(self.reference(first), self.how, self.mask)


class KeptPicture(NamedTuple):
    """A picture of the program; ``parent`` made the picture it comes from, None = it comes from the start."""

    call: Call
    picture: Picture
    parent: Call | None
    new: bool


def as_saved(picture: Picture) -> Picture:
    """The picture as a file of 8 bits has it."""
    return images.to_tensor(images.from_tensor(picture)[0]).to(picture.device)


def walk(
    start: Picture,
    transform: Transform,
    seed: int,
    paint: Callable[[Call, Picture], Picture],
    colors: Colors | None = None,
    recall: Callable[[Call], Picture | None] = lambda call: None,
) -> Iterator[KeptPicture]:
    """Makes the pictures of a transform, in order. Where a kept picture goes on, it does so as its file has it.

    Args:
        start: as a file has it.
        paint: runs the sampler.
        recall: the picture that a call has kept before, if it is still there: then nothing is run for it, unless what
            comes after it needs a picture that was not kept.
    """
    chain: Chain | None = None
    end, last = start, None  # where the loop before ended
    begin, origin = start, None
    state, waiting, parent = start, list[Call](), None  # waiting: calls that lead from the state to the result
    for call in calls(transform, seed):
        if call.number == 1:
            if transform.loop_to_loop:
                begin, origin = end, last
            if colors and not (chain and transform.loop_to_loop and isinstance(colors.how, Anchored)):
                chain = colors.chain(begin)
        if call.fresh:
            state, waiting, parent = begin, [], origin
        waiting.append(call)
        if not call.kept:
            continue
        known = recall(call)
        if known is None:
            for each in waiting:
                state = paint(each, state)
                if chain and colors and colors.each and not colors.copies_only:
                    state = chain.correct(state, 1, each.pair.strength)
            waiting = []
        picture = known
        if picture is None:
            picture = state
            if chain and colors and (colors.copies_only or not colors.each):
                picture = chain.correct(picture, call.transforms, call.pair.strength)
            picture = as_saved(picture)
        if not (colors and colors.copies_only):
            state, waiting = picture, []
        if chain and (transform.chained or call.number == len(transform.pairs)):
            chain.kept(picture)
        yield KeptPicture(call, picture, parent, known is None)
        end, last, parent = picture, call, call

"""What the attention patches need to know of a model family."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..core_attention import Slot


@dataclass(frozen=True)
class Family:
    """A model family.

    Attributes:
        name: what people call it.
        is_it: whether a model's configuration is of this family.
        slots: where a diffusion model has cross attention.
        style, layout: the blocks that carry a picture's style, and its layout, by stage and number (Wang et al., InstantStyle, 2024;
            diffusers' names of them are in its guide to IP-Adapter); None: not known.
        shrinks: the input block before which Deep Shrink shrinks at a depth. sd-scripts counts levels where its UNet is made of them, else
            input blocks.
    """

    name: str
    is_it: Callable[[Any], bool]
    slots: Callable[[Any], Iterator[Slot]]
    shrinks: Callable[[int], int]
    style: frozenset[tuple[str, int]] | None = None
    layout: frozenset[tuple[str, int]] | None = None


def by_level(depth: int) -> int:
    """The first input block of a level: each has three, the last of which goes down, and one stands before all of them."""
    return 3 * depth + 1

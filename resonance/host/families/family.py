"""What the attention patches need to know of a model family."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Slot = tuple[str, int, int]
"""block, its number, and the number of the transformer in it: the key of ComfyUI's attention replacements."""


@dataclass(frozen=True)
class Family:
    """A model family.

    Attributes:
        name: what people call it.
        is_it: whether a model's configuration is of this family.
        slots: where a diffusion model has cross attention.
    """

    name: str
    is_it: Callable[[Any], bool]
    slots: Callable[[Any], Iterator[Slot]]

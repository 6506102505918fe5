"""What the attention patches need to know of a model family."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..core_sampling import Slot


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

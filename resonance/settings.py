"""What a person can set. A row makes an input of a node, an option of the command, or both."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Setting(Generic[T]):
    """One value that a person can set.

    Attributes:
        name: of a node's input. An option of the command has hyphens in place of underscores.
        low, high, step: of a number.
        choices: the only values of a text.
        tip: tooltip and help.
        advanced: a node folds it away.
    """

    name: str
    default: T
    low: T | None = None
    high: T | None = None
    step: T | None = None
    choices: tuple[T, ...] = ()
    tip: str
    advanced: bool = False

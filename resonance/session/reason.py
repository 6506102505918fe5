"""Why a run has let go of an item, and how that is known."""

from enum import Enum
from typing import NamedTuple

from ..files.store import is_full
from ..told import NoSpace
from .status import Moved


class Reason(Enum):
    """Why a run has let go of an item that it did not commit."""

    NO_RESULT = "no result"
    """It came to its end. An item that was only to be described is described."""
    ERROR = "error"
    NO_SPACE = "no space"
    INTERRUPTED = "interrupted"
    GONE = "gone"
    """Nobody knows of it any more."""
    DIED = "died"
    """What worked on it ended with it."""


class Outcome(NamedTuple):
    """How a run ended for an item; ``text`` tells a person."""

    reason: Reason
    text: str = ""


def outcome_of(error: BaseException) -> Outcome:
    """What an error means for the item on which it came."""
    if isinstance(error, Moved):
        return Outcome(Reason.GONE)
    return Outcome(Reason.NO_SPACE if is_full(error) else Reason.ERROR, str(error))


def reported(kind: str, text: str) -> Reason:
    """The reason in a report that another program gives of an error: the name of its type, and its text.

    The text of an OSError begins with its number.
    """
    name = kind.rpartition(".")[2]
    full = name == NoSpace.__name__ or (
        name == "OSError" and text.lstrip().startswith(("[Errno 28]", "[WinError 112]"))
    )
    return Reason.NO_SPACE if full else Reason.ERROR

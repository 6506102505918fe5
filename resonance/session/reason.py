"""Why a run has let go of an item, and how that is known."""

import errno
import sqlite3
from enum import Enum
from typing import NamedTuple

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_ON_WINDOWS = {39, 112}
"""ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL."""


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


def outcome_of(error: BaseException, text: str = "") -> Outcome:
    """What an error means for the item on which it came."""
    return Outcome(Reason.NO_SPACE if is_full(error) else Reason.ERROR, text or str(error))


def is_full(error: BaseException | None) -> bool:
    """Whether a disk without room is behind an error."""
    if error is None:
        return False
    if isinstance(error, OSError) and (error.errno in _FULL or getattr(error, "winerror", None) in _FULL_ON_WINDOWS):
        return True
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return True
    return is_full(error.__cause__ or error.__context__)


def reported(kind: str, text: str) -> Reason:
    """The reason in a report that another program gives of an error: the name of its type, and its text.

    The text of an OSError begins with its number.
    """
    numbers = [f"[Errno {number}]" for number in _FULL] + [f"[WinError {number}]" for number in _FULL_ON_WINDOWS]
    full = kind.rpartition(".")[2] == "OSError" and text.lstrip().startswith(tuple(numbers))
    return Reason.NO_SPACE if full else Reason.ERROR

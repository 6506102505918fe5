"""Who works on a session: one process at a time."""

import errno
from pathlib import Path

from filelock import FileLock, Timeout

from ..files.store import is_full
from ..told import NoSpace, NotNow, Told
from .query import owner_of

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class Busy(NotNow):
    """Another process owns the session."""


def own(folder: Path) -> FileLock:
    """Makes this process the owner of the session in ``folder``, until the lock is released.

    Raises:
        Busy: another process owns it; the text says who.
        Told: the folder cannot be made, written to or locked.
    """
    lock = FileLock(folder / "ledger.lock", thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(owner_of(folder)) from None
    except (NotImplementedError, OSError) as error:
        if is_full(error):
            raise NoSpace(f"{folder} cannot be written to ({error}): make room.") from error
        if isinstance(error, OSError) and error.errno in _READ_ONLY:
            raise Told(
                f"{folder} cannot be written to ({error.strerror}). A session is begun, or goes on, in a folder where you may write:"
                " move or copy it to one. It can be looked at where it is."
            ) from error
        raise Told(
            f"{folder} cannot be locked ({error}). A session is worked on by one program at a time, which takes a disk with locks: move"
            " or copy it to one. It can be looked at where it is."
        ) from error
    return lock

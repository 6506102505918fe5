"""Work on a disk that may never answer, such as one on a network that is gone."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T], check: Callable[[], None] = lambda: None) -> T:
    """What ``work`` returns or raises. It is done in a thread of its own, which nobody waits for once the time is up.

    Args:
        check: called ten times a second meanwhile; what it raises ends the waiting, too.

    Raises:
        TimeoutError: the time is up.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(work())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="resonance-disk", daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    while True:
        thread.join(min(0.1, max(0.0, end - time.monotonic())))
        if raised:
            raise raised[0]
        if returned:
            return returned[0]
        check()
        if time.monotonic() > end:
            raise TimeoutError

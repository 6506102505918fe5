"""The command, which sends itself signals when it has passed a point so many times.

python trapped.py POINT PASSES SIGNALS rounds SESSION ...

A point is one of those below, or the name of a module that it is about to import.
"""

import functools
import inspect
import os
import sys
import threading
import time
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from resonance.cli import main  # noqa: E402
from resonance.drive.comfyui import Server  # noqa: E402
from resonance.files import store  # noqa: E402
from resonance.session.ledger import Ledger  # noqa: E402

point, left, signals = sys.argv[1], int(sys.argv[2]), [int(number) for number in sys.argv[3].split(",")]
del sys.argv[1:4]
PAUSE = 0.1
"""Seconds from signal to signal."""


def trap(name: str) -> None:
    global left
    if name == point:
        left -= 1
        if left == -1:
            threading.Thread(target=send_rest, daemon=True).start()
            os.kill(os.getpid(), signals[0])


def send_rest() -> None:
    for number in signals[1:]:
        time.sleep(PAUSE)
        os.kill(os.getpid(), number)


def around(owner: Any, name: str, before: str = "", after: str = "") -> None:
    plain = getattr(owner, name)

    @functools.wraps(plain)
    def trapped(*args: Any, **kwargs: Any) -> Any:
        trap(before)
        result = plain(*args, **kwargs)
        trap(after)
        return result

    @functools.wraps(plain)
    async def trapped_later(*args: Any, **kwargs: Any) -> Any:
        trap(before)
        result = await plain(*args, **kwargs)
        trap(after)
        return result

    setattr(owner, name, trapped_later if inspect.iscoroutinefunction(plain) else trapped)


class Os:
    """``os`` as the saver sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, handle: int) -> None:
        if os.path.isfile(f"/proc/self/fd/{handle}"):
            if point == "half-written file" and not left:
                os.truncate(handle, os.fstat(handle).st_size // 2)
            trap("half-written file")
        os.fsync(handle)

    def replace(self, source: Any, target: Any) -> None:
        trap("before rename")
        os.replace(source, target)
        trap("after rename")


class Imports(MetaPathFinder):
    def find_spec(self, name: str, *_: Any) -> None:
        trap(name)


sys.meta_path.insert(0, Imports())
store.os = Os()  # type: ignore[assignment]
around(Ledger, "claim", after="in the claim")
around(Server, "ready", before="connecting")
around(Server, "upload", before="after claim", after="after upload")
around(Server, "_post", after="after queueing")
around(Server, "run", after="after the run")
around(Ledger, "store_words", before="after the download", after="after the words")
around(Ledger, "commit", before="before commit", after="after commit")
main()

"""Heavy objects that outlive a run: models that must not be loaded once per picture.

ComfyUI caches node outputs by their ancestry, so whatever hangs below a node that changes with every run is made anew
each time. What is expensive is kept here instead, bounded, and dropped when the user asks ComfyUI to free memory.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from aiohttp import web
from server import PromptServer

T = TypeVar("T")

_drops: list[Callable[[], None]] = []


class Kept(Generic[T]):
    """The last ``limit`` objects made, by key. ``close`` is called on each object that is let go."""

    def __init__(self, limit: int = 1, close: Callable[[T], None] | None = None) -> None:
        self._limit = limit
        self._close = close
        self._objects: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.RLock()
        _drops.append(self.drop)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Returns the object kept under ``key``; else makes room first, then calls ``make``."""
        with self._lock:
            if key not in self._objects:
                while len(self._objects) >= self._limit:
                    self._let_go(self._objects.popitem(last=False)[1])
                self._objects[key] = make()
            self._objects.move_to_end(key)
            return self._objects[key]

    def drop(self, key: Hashable | None = None) -> None:
        """Lets go of one object, or of all."""
        with self._lock:
            for k in [k for k in self._objects if key is None or k == key]:
                self._let_go(self._objects.pop(k))

    def _let_go(self, obj: T) -> None:
        if self._close:
            self._close(obj)


def drop_all() -> None:
    for drop in _drops:
        drop()


def register() -> None:
    """Drops everything kept when ``POST /free`` asks for it (the menu's "Unload models" and "Free memory")."""

    async def freed(request: web.Request, response: web.StreamResponse) -> None:
        if request.method == "POST" and request.path in ("/free", "/api/free") and response.status == 200:
            asked: dict[str, Any] = await request.json()
            if asked.get("unload_models") or asked.get("free_memory"):
                # Not in the event loop: a model that is just being loaded is waited for.
                await asyncio.to_thread(drop_all)

    PromptServer.instance.app.on_response_prepare.append(freed)

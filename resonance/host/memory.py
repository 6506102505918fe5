"""Heavy objects that outlive a run: models that must not be loaded once per picture.

ComfyUI caches node outputs by their ancestry, so whatever hangs below a node that changes with every run is made anew
each time. What is expensive is kept here instead, bounded, and dropped when the user asks ComfyUI to free memory.
"""

import asyncio
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from aiohttp import web

from . import core

T = TypeVar("T")

_takes: list[Callable[[], list[Any]]] = []


class Kept(Generic[T]):
    """The last ``limit`` objects made, by key. ``close`` is called on each object that is let go."""

    def __init__(self, limit: int = 1, close: Callable[[T], None] | None = None) -> None:
        self._limit = limit
        self._close = close
        self._objects: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.RLock()
        _takes.append(self.take)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Returns the object kept under ``key``; else makes room first, then calls ``make``."""
        with self._lock:
            if key not in self._objects:
                while len(self._objects) >= self._limit:
                    self.take(next(iter(self._objects)))
                self._objects[key] = make()
            self._objects.move_to_end(key)
            return self._objects[key]

    def take(self, key: Hashable | None = None) -> list[T]:
        """Closes one object, or all, and hands over what may be the last reference to them."""
        with self._lock:
            taken = [self._objects.pop(k) for k in list(self._objects) if key is None or k == key]
            if self._close:
                for obj in taken:
                    self._close(obj)
            return taken

    def drop(self, key: Hashable | None = None) -> None:
        """Closes one object, or all, and lets go of them. To be called where prompts run."""
        self.take(key)


def register() -> None:
    """Drops everything kept when ``POST /free`` asks for it (the menu's "Unload models" and "Free memory")."""
    tasks: set[asyncio.Task[None]] = set()

    async def freed(request: web.Request, response: web.StreamResponse) -> None:
        if request.method == "POST" and request.path in ("/free", "/api/free") and response.status == 200:
            asked: dict[str, Any] = await request.json()
            if asked.get("unload_models") or asked.get("free_memory"):
                # Not in the event loop: a model that is just being loaded is waited for.
                tasks.add(task := asyncio.create_task(_let_go(await asyncio.to_thread(_take_all))))
                task.add_done_callback(tasks.discard)

    core.on_answer(freed)


def _take_all() -> list[Any]:
    return [obj for take in _takes for obj in take()]


async def _let_go(objects: list[Any]) -> None:
    """Lets objects die in the thread that runs prompts.

    A model that dies in another thread while that one walks through ComfyUI's list of loaded models would end it, and with
    it all execution. That thread holds the flags it took until it takes the next ones; hence a second flag.
    """
    name = f"resonance {uuid.uuid4()}"
    core.put_flag(name, objects)
    del objects
    await _taken(name)
    core.put_flag(f"{name} after", True)
    await _taken(f"{name} after")


async def _taken(flag: str) -> None:
    """Waits until the thread that runs prompts has taken a flag."""
    while flag in core.flags():
        await asyncio.sleep(0.1)
        core.put_flag("resonance waits", True)  # the notice of a flag is lost on a thread that is busy

"""A canvas that appears in the browser while a model writes it."""

import json
import time
import uuid
from typing import Any

from ..canvas import chat, listing
from ..canvas.canvas import Canvas
from ..canvas.read import partial
from ..llm.chat import without_thoughts
from . import core, progress

EVENT = "resonance.canvas"
EVERY = 0.05
"""Seconds between two events, at least."""


class Growing:
    """One answer, sent to the browser that asked for it.

    While it grows: ``{node, run, seq, delta}``, with ``regions`` (the list of the JSON form) when they have changed.
    At the end: ``{node, run, seq, text, regions, notes, done: true}``. ``run`` is another for each execution.
    """

    def __init__(self, node_id: str) -> None:
        self._node, self._run, self._seq = node_id, uuid.uuid4().hex, 0
        self._sent = 0
        self._regions = ""
        self._next = 0.0

    def grow(self, text: str) -> None:
        """Shows all of the answer so far; what comes too soon after the last is held back."""
        if time.monotonic() < self._next:
            return
        more: dict[str, Any] = {"delta": text[self._sent :]}
        self._sent = len(text)
        canvas = partial(without_thoughts(text))
        regions = listing.write(canvas) if canvas else ""
        if canvas and regions != self._regions:
            self._regions = regions
            more["regions"] = json.loads(regions)
            progress.say(chat.summary(canvas), self._node)
        self._send(more)
        self._next = time.monotonic() + EVERY

    def done(self, turn: chat.Turn) -> None:
        """Shows the whole answer."""
        regions = json.loads(listing.write(turn.canvas))
        self._send({"text": turn.text, "regions": regions, "notes": list(turn.notes), "done": True})
        say(turn.canvas, turn.notes, self._node)

    def _send(self, more: dict[str, Any]) -> None:
        core.send_to_asker(EVENT, {"node": self._node, "run": self._run, "seq": self._seq} | more)
        self._seq += 1


def say(canvas: Canvas, notes: tuple[str, ...], node_id: str | None) -> None:
    """Shows on the node what a canvas holds, and notes on it."""
    progress.say("\n\n".join([chat.summary(canvas), *(f"Note: {n}." for n in notes)]), node_id)

"""A canvas that appears in the browser while a model writes it."""

import json
import uuid
from typing import Any

from ..canvas import chat, listing
from ..canvas.canvas import Canvas, Region
from ..canvas.read import partial
from ..llm.chat import so_far
from . import core, progress

EVENT = "resonance.canvas"


class Growing:
    """One answer, sent to the browser that asked for it.

    While it grows: ``{node, run, seq, delta}``, or ``text`` where that takes the place of what was shown, with ``regions`` (the
    list of the JSON form) when they have changed.
    At the end: ``{node, run, seq, text, regions, notes, done: true}``. ``run`` is another for each execution.
    """

    def __init__(self, node_id: str) -> None:
        self._node, self._run, self._seq = node_id, uuid.uuid4().hex, 0
        self._shown = ""
        self._regions = ""

    def grow(self, text: str, thoughts: str) -> None:
        """Shows the answer so far; before it begins the thoughts, which are no layout."""
        shown = so_far(text, thoughts)
        grown = shown.startswith(self._shown)
        more: dict[str, Any] = {"delta": shown[len(self._shown) :]} if grown else {"text": shown}
        self._shown = shown
        # What was shown may turn out to be a thought, when its end is read.
        canvas = partial(text) or (Canvas((Region(),)) if self._regions else None)
        regions = listing.write(canvas) if canvas else ""
        if canvas and regions != self._regions:
            self._regions = regions
            more["regions"] = json.loads(regions)
            progress.say(chat.summary(canvas), self._node)
        self._send(more)

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

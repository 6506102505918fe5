"""Progress, text on nodes, and interrupts."""

import logging
import time
from collections.abc import Callable

import comfy.model_management
import comfy.utils

from . import core

_log = logging.getLogger(__name__)


def interrupted() -> bool:
    """True once the user has asked to stop the running prompt."""
    return comfy.model_management.processing_interrupted()


def stop_if_interrupted() -> None:
    """Raises ComfyUI's interrupt (a BaseException) if the user has asked to stop."""
    comfy.model_management.throw_exception_if_processing_interrupted()


def bar(total: int, node_id: str | None = None) -> comfy.utils.ProgressBar:
    """A progress bar on the node; each update also checks for an interrupt."""
    return comfy.utils.ProgressBar(total, node_id=node_id)


def say(text: str, node_id: str | None) -> None:
    """Shows ``text`` on the node, in place of what was there: js/src/said.ts. What shall be there after a reload, too, a node puts
    out as ``ui={"resonance_text": [text]}``."""
    if node_id is not None:
        core.send_to_asker("resonance.text", {"node": node_id, "text": text})


def warn(text: str) -> None:
    """Shows ``text`` on the node that is working, whosever it is, and writes it to the log."""
    _log.warning(text)
    say(text, core.working_node())


def offer_again(node_id: str | None, session: str, round_: int) -> None:
    """Shows a button on the node that makes the removed pictures of a round again: js/src/said.ts."""
    if node_id is not None:
        core.send_to_asker("resonance.gone", {"node": node_id, "session": session, "round": round_})


def growing(node_id: str | None, every: float = 0.1) -> Callable[[str], None]:
    """A function that shows a growing text on the node, at most once per ``every`` seconds.

    The last piece may be held back: call ``say`` with the whole text at the end.
    """
    last = 0.0

    def show(text: str) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= every:
            last = now
            say(text, node_id)

    return show

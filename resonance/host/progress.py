"""Progress, text on nodes, and interrupts."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import comfy.model_management
import comfy.utils
from server import PromptServer

from ..told import Told


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
    """Shows ``text`` on the node, in place of what was there."""
    if node_id is not None:
        PromptServer.instance.send_progress_text(text, node_id)


@contextmanager
def told_on(node_id: str | None) -> Generator[None]:
    """Says on the node what a person is told: the front end shows what was raised only among the details."""
    try:
        yield
    except Told as error:
        say(str(error), node_id)
        raise


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

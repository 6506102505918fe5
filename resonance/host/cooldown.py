"""Waiting that is shown on the node and can be interrupted."""

import math
import time
from collections import OrderedDict

from ..vary.waits import Waits
from . import progress
from .sessions import queue

STEP = 0.1  # seconds

REMEMBERED = 100
"""Nodes whose runs are counted, those that ran last."""

_runs = OrderedDict[tuple[str, str], int]()


def wait(seconds: float, node_id: str | None) -> None:
    """Sleeps, and shows the seconds left on the node. Raises ComfyUI's interrupt soon after the user asked to stop."""
    end, shown = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        if shown != (shown := math.ceil(left)):
            progress.say(f"Cooling down: {shown} s", node_id)
        progress.stop_if_interrupted()
        time.sleep(min(STEP, left))
    if shown:
        progress.say(f"Cooled down for {seconds:g} s", node_id)


def wait_own(waits: Waits, node_id: str) -> None:
    """Waits by the runs that this node of its workflow has had since ComfyUI started; a wait that is interrupted does not
    count."""
    key = queue.current().workflow, node_id
    made = _runs.get(key, 0)
    wait(waits.before(made), node_id)
    _runs[key] = made + 1
    _runs.move_to_end(key)
    if len(_runs) > REMEMBERED:
        _runs.popitem(last=False)

"""What a node of a session says when there is nothing to work on: it is finished, paused, was stopped, or pictures are gone."""

import time
from collections import deque

from ...session.chain import BY_REQUEST, Stop, Why
from ...session.fill.fill import Fill
from ...session.ledger import Ledger
from ...told import Told
from .. import core, progress
from .owned import Owned

PRESSES, APART = 5, 3.0
"""So many Runs of a finished session, so many seconds after one another at most, are Run (Instant), which only an error stops."""

_presses: dict[str, deque[float]] = {}


def at_rest(owned: Owned, stop: Stop | None, chained: bool, node_id: str) -> str:
    """What the node says when nothing could be claimed.

    Raises:
        Told: the session is paused, and Run alone does not go on; or it is finished, and Run is pressed again and again.
    """
    ledger = owned.ledger
    gone = ledger.gone(lambda file: (ledger.folder / file).is_file())
    if gone:
        progress.offer_again(node_id, ledger.name, ledger.last_round())
    if stop is None or stop.text == BY_REQUEST or (stop.why is Why.FINISHED and chained):
        return ledger.status().text(stopped=True)
    if stop.why is not Why.FINISHED:
        raise Told(f"Session {ledger.name!r} is paused: {stop.text}")
    assert owned.chain
    text = _finished(ledger, owned.chain.fill, gone)
    if _presses_itself(ledger.name):
        raise Told(f"{text} Run (Instant) ends here.")
    return text


def _presses_itself(session: str) -> bool:
    """Whether Run is pressed again as soon as a run is over."""
    now = time.monotonic()
    presses = _presses.setdefault(session, deque(maxlen=PRESSES))
    if core.is_waited_for() or (presses and now - presses[-1] > APART):
        presses.clear()
    presses.append(now)
    return len(presses) == PRESSES


def _finished(ledger: Ledger, fill: Fill, gone: str) -> str:
    status = ledger.status()
    failed = f", {status.failed} failed (Retry gives them new attempts)" if status.failed else ""
    rounds, pictures = (
        f"{n} {what}{'s' * (n != 1)}" for n, what in ((status.round, "round"), (status.done, "picture"))
    )
    text = f"Session {ledger.name!r} is finished: {rounds}, {pictures} in the last{failed}."
    return f"{text} {gone or fill.more}"

"""The sessions that this ComfyUI owns, and what can be done to one from outside a run."""

import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from server import PromptServer

from ... import graph
from ...files.names import check_name, is_link
from ...session import chain, query, status
from ...session.chain import BY_REQUEST, Chain, WrongKind
from ...session.item import Item
from ...session.ledger import Ledger
from ...session.reason import Outcome, Reason
from ...session.status import Kind
from ...told import NotNow, Told
from .. import core, folders
from . import queue

NODES: dict[Kind, str] = {
    "rounds": "Round Input",
    "explore": "Explore",
    "vary": "Vary",
    "lines": "Prompt Lines",
    "folders": "the command resonance img2tag2img",
}


class Recorded(NamedTuple):
    """A chain's graph and its texts, made once: they are the same for every picture, and large."""

    prompt: dict[str, Any]
    texts: dict[str, str]


@dataclass
class Owned:
    """A session that this process owns, until it is closed.

    Attributes:
        chain: what works on it, once a run has.
        recorded: what somebody pressed Run for.
        runs: its finished runs that are still in ComfyUI's history.
        answered: time of the last answer to a second Run; ``owed``: another one came too soon after it.
    """

    ledger: Ledger
    chain: Chain | None = None
    recorded: Recorded | None = None
    runs: deque[str] = field(default_factory=deque[str])
    answered: float = float("-inf")
    owed: bool = False


mutex = threading.RLock()
_open: dict[str, Owned] = {}
_homeless: dict[str, str] = {}
"""Runs that were queued for a session which is gone since, and what is told of it."""


def folder(name: str) -> Path:
    """Folder of a session in the output folder, or in an archive of img2tag2img there. Raises Told if the name cannot be one."""
    output = folders.output_folder()
    path = output / check_name(name)
    if is_link(path):
        raise Told(
            f"The session's folder {name!r} is a link. A session needs a folder of its own in the output folder."
        )
    if not (path / status.FILE).is_file():
        archived = (each for each in query.sessions(output) if each.name == name and query.base_of(each) != each)
        return next(archived, path)
    return path


def open_(name: str, seed: int | None = None, kind: Kind | None = None) -> Owned:
    """The session, owned by this process. Made if ``seed`` is given.

    Args:
        kind: what the session must be, or is to be when it is made.

    Raises:
        Busy: another process owns it.
        NoLedger: there is no such session.
        Moved: its folder is gone.
        Told: the name cannot be a folder, or the session is of another kind.
    """
    with mutex:
        for other, owned in list(_open.items()):
            try:
                owned.ledger.check_place()
            except status.Moved as error:
                lose(owned, error)
                if other == name:
                    raise
        if name not in _open:
            _open[name] = Owned(chain.own(folder(name), seed, kind, ""))
        owned = _open[name]
        if kind and (found := owned.ledger.session().kind) != kind:
            close_when_idle(owned.ledger)
            raise NotNow(wrong_kind(WrongKind(name, found, kind)))
        return owned


def wrong_kind(error: WrongKind) -> str:
    """The same in the words of the nodes."""
    return (
        f"Session {error.name!r} belongs to {NODES[error.found]}, whose pictures {NODES[error.wanted]} cannot go on with."
        " Choose another name."
    )


def exists(name: str) -> bool:
    """Whether there is a session of that name. Raises Told if there cannot be one."""
    return name in _open or (folder(name) / status.FILE).is_file()


def recorded(name: str) -> Recorded | None:
    """What somebody pressed Run for, as long as the session is open."""
    owned = _open.get(name)
    return owned and owned.recorded


def has_claimed(name: str, run: str) -> bool:
    """Whether a run has an item of the session."""
    owned = _open.get(name)
    return owned is not None and any(claim.run == run for claim in owned.ledger.claims())


def close(name: str) -> None:
    """Hands the session over to whoever opens it next."""
    with mutex:
        if owned := _open.pop(name, None):
            owned.ledger.close()


def lose(owned: Owned, error: status.Moved) -> None:
    """Lets go of a session whose folder is not there any more, so that it can be opened under its new name."""
    with mutex:
        ledger = owned.ledger
        if run := ledger.session().run:
            _homeless[run] = str(error)
        with ledger.transaction():
            ledger.settle(ledger.claims(), Outcome(Reason.GONE))
            ledger.update(state="paused", reason=str(error), run=None)
        announce(ledger)
        close(ledger.name)


def check_home(run: str) -> None:
    """
    Raises:
        Told: the session for which this run was queued is gone, and another is not to begin in its place.
    """
    if text := _homeless.pop(run, ""):
        raise Told(text)


def close_when_idle(ledger: Ledger) -> None:
    """Closes the session unless its next run is queued or running."""
    run = ledger.session().run
    if run is None or not core.is_queued(run):
        close(ledger.name)


def announce(ledger: Ledger, item: Item | None = None, changed: int | None = None) -> status.Status:
    """Tells the browser how far the session is (event ``resonance.rounds``), and the caller.

    Args:
        item: claimed or committed by the run that is on.
        changed: id of another item that stands differently now. The event tells how, so that nobody needs to ask.
    """
    now = ledger.status()
    id_ = changed or (item.id if item else None)
    event = {
        **vars(now),
        "item": item.lineage if item else None,
        "index": item.index if item else None,
        "changed": ledger.standing(id_) if id_ else None,
    }
    PromptServer.instance.send_sync("resonance.rounds", event)
    return now


def pause(name: str) -> None:
    """The run that works on an item finishes it; the next one stops."""
    with mutex:
        ledger = open_(name).ledger
        with ledger.transaction():
            ledger.update(state="paused", reason=BY_REQUEST)
        announce(ledger)
        close_when_idle(ledger)


def resume(name: str) -> None:
    """Queues the session's recorded graph again, unless its next run is queued already."""
    _go_on(name, lambda ledger: True)


def retry(name: str) -> int:
    """Gives failed and parked items three new attempts and goes on. Returns how many there are."""
    return _go_on(name, Ledger.retry)


def remake(name: str) -> int:
    """Makes pictures again that were removed, and goes on. Returns of how many items."""
    return _go_on(name, Ledger.remake)


def _go_on(name: str, change: Callable[[Ledger], int]) -> int:
    """Changes a session and queues its recorded graph again. Raises NotNow where there is none that may be run unseen.

    Args:
        change: returns 0 where there is nothing to go on with.
    """
    with mutex:
        ledger = open_(name).ledger
        try:
            recorded = ledger.graph(folders.secret())
            if not recorded:
                raise NotNow(f"Session {name!r} was never run in ComfyUI: press Run in its workflow.")
        except NotNow:
            close_when_idle(ledger)
            raise
        run = ledger.session().run
        waiting = run is not None and core.is_queued(run)
        following = run if waiting else str(uuid.uuid4())
        with ledger.transaction():
            count = change(ledger)
            if count:
                ledger.update(state="open", reason="", run=following)
        if not count:
            close_when_idle(ledger)
            return 0
        announce(ledger)
        if following and not waiting:
            # The folder may have been renamed since.
            queue.submit(following, {**recorded, "prompt": graph.with_session(recorded["prompt"], name)})
        return count

"""The sessions that this ComfyUI owns, and what can be done to one from outside a run."""

import os
import socket
import threading
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from server import PromptServer

from ...files import store
from ...files.names import check_name
from ...session import status
from ...session.item import Item
from ...session.ledger import Busy, Ledger
from ...session.status import Kind
from ...told import NotNow, Told
from .. import folders
from . import queue

PROCESS = uuid.uuid4().hex
"""Names this process in the ledgers: claims of any other are known to be dead."""


class Recorded(NamedTuple):
    """A chain's graph and its texts, made once: they are the same for every picture, and large."""

    prompt: dict[str, Any]
    texts: dict[str, str]


recorded: dict[str, Recorded] = {}
"""What somebody pressed Run for, by session."""

NODES: dict[Kind, str] = {"rounds": "Round Input", "explore": "Explore", "vary": "Vary"}

mutex = threading.RLock()
_open: dict[str, Ledger] = {}


def folder(name: str) -> Path:
    """Folder of a session in the output folder. Raises Told if the name cannot be one."""
    path = folders.output_folder() / check_name(name)
    if path.is_symlink():
        raise Told(
            f"The session's folder {name!r} is a link. A session needs a folder of its own in the output folder."
        )
    return path


def open_(name: str, seed: int | None = None, kind: Kind | None = None) -> Ledger:
    """The session's ledger, owned by this process. Made if ``seed`` is given.

    Args:
        kind: what the session must be, or is to be when it is made.

    Raises:
        NotNow: another process owns it, or it is of another kind.
        Told: the name cannot be a folder.
        NoLedger: there is no such session.
    """
    with mutex:
        if name not in _open:
            path = folder(name)
            try:
                ledger = Ledger(path, seed, PROCESS, kind or "rounds")
            except Busy as error:
                raise NotNow(
                    f"Session {name!r} is open in another program ({error}). Stop it there, or wait until it pauses."
                ) from None
            store.sweep(path)
            with ledger.transaction():
                ledger.update(owner=f"{socket.gethostname()}, process {os.getpid()}")
            _open[name] = ledger
        ledger = _open[name]
        if kind:
            try:
                check_kind(name, ledger.session().kind, kind)
            except NotNow:
                close_when_idle(ledger)
                raise
        return ledger


def check_kind(name: str, found: Kind, wanted: Kind) -> None:
    """Raises NotNow if a session is not of the wanted kind."""
    if found != wanted:
        raise NotNow(
            f"Session {name!r} belongs to {NODES[found]}, whose pictures {NODES[wanted]} cannot go on with. Choose another name."
        )


def exists(name: str) -> bool:
    """Whether there is a session of that name. Raises Told if there cannot be one."""
    return name in _open or (folder(name) / status.FILE).is_file()


def close(name: str) -> None:
    """Hands the session over to whoever opens it next."""
    with mutex:
        if ledger := _open.pop(name, None):
            ledger.close()


def close_when_idle(ledger: Ledger) -> None:
    """Closes the session unless its next run is queued or running."""
    run = ledger.session().run
    if run is None or not queue.waits(run):
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
        ledger = open_(name)
        with ledger.transaction():
            ledger.update(state="paused", reason="by request")
        announce(ledger)
        close_when_idle(ledger)


def resume(name: str) -> None:
    """Queues the session's recorded graph again, unless its next run is queued already."""
    with mutex:
        ledger = open_(name)
        session, graph = ledger.session(), ledger.graph()
        if not graph:
            raise NotNow(f"Session {name!r} was never run: press Run in its workflow.")
        waiting = session.run is not None and queue.waits(session.run)
        run = session.run if waiting else str(uuid.uuid4())
        with ledger.transaction():
            ledger.update(state="open", reason="", run=run)
        announce(ledger)
        if run and not waiting:
            queue.submit(run, graph)


def retry(name: str) -> int:
    """Gives failed and parked items three new attempts and goes on. Returns how many there are."""
    with mutex:
        ledger = open_(name)
        with ledger.transaction():
            count = ledger.retry()
        if count:
            resume(name)
        else:
            close_when_idle(ledger)
        return count

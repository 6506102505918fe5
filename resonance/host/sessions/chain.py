"""The chain of rounds over ComfyUI's queue: one run works on one item and queues the next run when it claims.

A run that claims posts its own graph again under an id chosen beforehand, because nothing behind it runs when a node
raises. The next run reads from ComfyUI's history how the one before ended and settles its claim.
"""

import hashlib
import logging
import shutil
import sqlite3
import uuid
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import torch

from ... import images
from ...files import pictures
from ...gallery import grid
from ...roulette import Plan, draw
from ...session import descent
from ...session.fill.pictures import Fill
from ...session.item import Item, Words, derive
from ...session.ledger import Claim, Ledger, Session
from ...session.schema import NoLedger
from ...session.status import kind_of, read, reading
from ...told import Told
from .. import folders, progress, wiring
from . import owned as sessions
from . import queue
from .queue import Run

log = logging.getLogger(__name__)

ROOM = 500 * 2**20
"""A session pauses when the disk has fewer bytes free than this."""
HISTORY = 20
"""How many of its finished runs a chain leaves in ComfyUI's history."""

_runs: dict[str, deque[str]] = {}


@dataclass(frozen=True)
class Ask:
    """What Round Input or Explore is set to."""

    session: str
    fill: Fill
    seed: int
    keep_going: bool
    words_first: bool
    plan: Plan | None


@dataclass(frozen=True)
class Work:
    """What a run works on, and its picture (IMAGE ``[1, H, W, 3]``) where it starts from one."""

    item: Item
    image: torch.Tensor | None


def next_work(ask: Ask, node_id: str, prompt: dict[str, Any]) -> Work | None:
    """Claims the next item of the session for the run in which the node executes, and queues the run after it.

    Returns:
        None when the chain has come to its end or stops here: the nodes behind are then not to run.

    Raises:
        Told: this run may not claim, the session is paused or finished, its name cannot be used, or nothing fills it; the text
            says what to do.
    """
    run = queue.current()
    looped = node_id not in prompt
    if not looped and not wiring.is_saved(run, node_id):
        return _peek(ask, node_id)
    if not looped and (other := wiring.other_start(run, node_id)):
        raise Told(
            f"There are two sessions in this run (nodes {node_id} and {other}), and each would queue the next one. Put one into"
            " a workflow of its own."
        )
    if ask.words_first and not wiring.stores_words(run, node_id):
        ask = replace(ask, words_first=False)
    if not sessions.exists(ask.session):
        ask.fill.first(ask.session, ask.seed)  # no session is made of what would leave it empty
    with sessions.mutex:
        successor = str(uuid.uuid4()) if ask.keep_going and not looped else None
        try:
            ledger = sessions.open_(ask.session, ask.seed, ask.fill.kind)
            item = _claim(ledger, ask, run, run.id if looped else successor)
        except sqlite3.OperationalError as error:
            sessions.close(ask.session)
            raise Told(f"Session {ask.session!r} cannot write its ledger: {error}. Make room and press Run.") from error
        if item and successor:
            _queue(ledger, run, successor, item)
        work = _load(ledger, ask, run, item) if item else None
        progress.say(sessions.announce(ledger, work.item if work else None).text(), node_id)
        if item is None and not looped:
            sessions.close(ledger.name)
        return work


def pasted(text: str) -> Work:
    """The item that was pasted, its picture read again. Nothing is claimed.

    Raises:
        Told: the text is no item, or it has no picture that can be read.
    """
    item = Item.from_json(text)
    if item.source is None:
        raise Told("This item starts from no picture. Paste it into Explore, which handed it out.")
    return Work(item, _given(item.source))


def first_picture(work: Work) -> torch.Tensor | None:
    """The picture (IMAGE) with which the lineage of a work's item began, as far as its session's ledger knows.

    Whoever drives a session elsewhere names it in the payload of the item that is pasted, as ``first``.

    Raises:
        Told: it cannot be read any more.
    """
    item = work.item
    if item.source is None:
        return None
    if not item.token and (first := item.payload.get("first")):
        return _given(str(first))
    try:
        with reading(sessions.folder(item.session)) as db:
            source = descent.origin(db, item.session, item.round, item.source)
    except NoLedger:  # the session of a pasted item
        source = item.source
    if source == item.source:
        return work.image
    try:
        return _picture(source)
    except Told as error:
        raise Told(
            f"The first picture of lineage {item.lineage}, {source!r}, cannot be read: {error}. Put it back, or disconnect the"
            " output first."
        ) from None


def store_words(item: Item, words: Words) -> None:
    """Keeps the words of a claimed item in the ledger; those of any other item are not stored."""
    if item.token:
        sessions.open_(item.session).store_words(item, words)


def _claim(ledger: Ledger, ask: Ask, run: Run, following: str | None) -> Item | None:
    """Settles what came before and claims, in one transaction. None: the chain ends quietly.

    Args:
        following: id of the run that may claim after this one.
    """
    stop = ""
    item = None
    interrupted = False
    with ledger.transaction():
        session, claims = ledger.session(), ledger.claims()
        chained = session.run == run.id
        if not chained and session.run and queue.waits(session.run):
            status = ledger.status()
            raise Told(
                f"Session {ledger.name!r} is at item {min(status.done + 1, status.total)} of {status.total} in round"
                f" {status.round}; pause or interrupt it first. Its next run is queued already."
            )
        if claims:
            interrupted = _settle(ledger, claims, run)
            session = ledger.session()  # many errors in a row have paused it
        if not chained:
            texts = queue.texts(run.prompt, run.extra.get("extra_pnginfo"))
            sessions.recorded[ledger.name] = sessions.Recorded(run.prompt, texts)
            ledger.update(state="open", reason="", graph=run.graph(), plan=None)
            ask.fill.begin(ledger)
            session = ledger.session()
        free = shutil.disk_usage(ledger.folder).free
        if session.state == "paused" and session.reason != "by request":
            stop = f"Session {ledger.name!r} is paused: {session.reason}"
        elif free < ROOM:
            reason = f"only {free >> 20} MB are free on the disk of the output folder ({ROOM >> 20} are needed)"
            ledger.update(state="paused", reason=reason)
            stop = f"Session {ledger.name!r} is paused: {reason}"
        elif not interrupted or not chained:
            item = _choose(ledger, session, ask, run) if session.state == "open" else None
            if item is None and session.state == "open":
                ledger.update(state="finished")
                stop = "" if chained else _finished(ledger, ask.fill)
        ledger.update(run=following if item else None)
    for claim in claims:
        sessions.announce(ledger, changed=claim.id)
    if not chained:
        sessions.announce(ledger)  # items may have come and gone
    if stop:
        sessions.announce(ledger)
        sessions.close(ledger.name)
        raise Told(stop)
    return item


def _settle(ledger: Ledger, claims: list[Claim], run: Run) -> bool:
    """Takes back the claims of runs that are over; True if the user had interrupted one."""
    interrupted = False
    for claim in claims:
        if claim.process != sessions.PROCESS:
            ended = queue.Ended("died")
        elif claim.run == run.id:
            ended = queue.Ended("success")
        else:
            ended = queue.ended(claim.run)
        ledger.settle(claim, *ended)
        interrupted |= ended.outcome == "interrupted"
    return interrupted


def _choose(ledger: Ledger, session: Session, ask: Ask, run: Run) -> Item | None:
    """The next item, claimed. Opens the next round when this one has none left."""
    round_ = ask.fill.open_round(ledger)
    if round_ is None:
        return None
    if ask.plan:
        plan = ask.plan
        ordered = f"{round_}/{hashlib.sha256(plan.to_json().encode()).hexdigest()}"
        if session.plan != ordered:
            ledger.order(round_, lambda lineage: draw(plan, derive(session.seed, round_, lineage, "models")).key)
            ledger.update(plan=ordered)
    item = ledger.next(round_, ask.words_first)
    return ledger.claim(_drawn(item, ask.plan, session.seed), run.id) if item else None


def _drawn(item: Item, plan: Plan | None, seed: int) -> Item:
    if plan is None:
        return item
    return replace(item, draw=draw(plan, derive(seed, item.round, item.lineage, "models")).to_dict())


def _queue(ledger: Ledger, run: Run, successor: str, item: Item) -> None:
    """Queues the run after this one; without it the claim is given back."""
    try:
        queue.submit(successor, run.graph())
    except BaseException:
        with ledger.transaction():
            ledger.release(item)
            ledger.update(run=None)
        raise
    runs = _runs.setdefault(ledger.name, deque())
    runs.append(run.id)
    while len(runs) > HISTORY + 1:
        queue.forget(runs.popleft())


def _load(ledger: Ledger, ask: Ask, run: Run, item: Item) -> Work | None:
    """Reads the claimed item's picture. What cannot be read is skipped and the next item is claimed instead."""
    while True:
        try:
            return Work(item, _picture(item.source) if item.source else None)
        except Told as error:
            log.warning("Session %s skips item %s of round %s: %s", ledger.name, item.index, item.round, error)
            with ledger.transaction():
                ledger.skip(item, str(error))
                following = _choose(ledger, ledger.session(), ask, run)
            sessions.announce(ledger, changed=item.id)
            progress.stop_if_interrupted()
            if following is None:
                return None
            item = following


def _picture(source: str) -> torch.Tensor:
    return images.to_tensor(images.read(pictures.locate(source, folders.picture_roots())[1]))


def _given(source: str) -> torch.Tensor:
    """A pasted item's picture. A driver's lie in the temporary folder, to which it sent them."""
    roots = {**folders.picture_roots(), "temp": folders.temp_folder()}
    return images.to_tensor(images.read(pictures.locate(source, roots)[1]))


def _peek(ask: Ask, node_id: str) -> Work:
    """The item that Run would claim next, without claiming: people build their graph step by step."""
    found, seed = _next(ask)
    progress.say(
        f"next: {found.lineage}, item {found.index} of round {found.round}. Nothing is claimed without Round Output.",
        node_id,
    )
    return Work(_drawn(found, ask.plan, seed), _picture(found.source) if found.source else None)


def _next(ask: Ask) -> tuple[Item, int]:
    """The item that would be claimed next, and the seed of its session."""
    if sessions.exists(ask.session):
        folder = sessions.folder(ask.session)
        with reading(folder) as db:
            sessions.check_kind(ask.session, kind_of(db), ask.fill.kind)
        status, items = read(folder)
        if shown := [item for item in items if item["state"] == "pending"] or items:
            found = Item.from_json(grid.item(folder, shown[0]["id"])["json"])
            return replace(found, draw=None), status.seed
    return ask.fill.first(ask.session, ask.seed), ask.seed


def _finished(ledger: Ledger, fill: Fill) -> str:
    status = ledger.status()
    failed = f", {status.failed} failed (Retry gives them new attempts)" if status.failed else ""
    return f"Session {ledger.name!r} is finished: {status.round} rounds, {status.done} pictures in the last{failed}. {fill.more}"

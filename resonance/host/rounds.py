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
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from .. import images
from ..roulette import Plan, draw
from ..rounds import lineage, pictures
from ..rounds.item import Item, Words, derive
from ..rounds.ledger import Claim, Ledger, Session
from ..rounds.status import read
from . import folders, progress, queue, sessions
from .queue import Run

log = logging.getLogger(__name__)

ROOM = 500 * 2**20
"""A session pauses when the disk has fewer bytes free than this."""
HISTORY = 20
"""How many of its finished runs a chain leaves in ComfyUI's history."""

_runs: dict[str, deque[str]] = {}


@dataclass(frozen=True)
class Ask:
    """What Round Input is set to."""

    session: str
    first: str
    rounds: int
    seed: int
    keep_going: bool
    words_first: bool
    plan: Plan | None


@dataclass(frozen=True)
class Work:
    """What a run works on, and its picture (IMAGE ``[1, H, W, 3]``)."""

    item: Item
    image: torch.Tensor


def next_work(ask: Ask, node_id: str, prompt: dict[str, Any]) -> Work | None:
    """Claims the next item of the session for the run in which Round Input executes, and queues the run after it.

    Returns:
        None when the chain has come to its end or stops here: the nodes behind are then not to run.

    Raises:
        RuntimeError: this run may not claim, or the session is paused or finished; the text says what to do.
        ValueError: wrong name or folder.
    """
    run = queue.current()
    looped = node_id not in prompt
    if not looped and not _is_saved(run, node_id):
        return _peek(ask, node_id)
    others = (id_ for id_ in run.prompt if id_ != node_id and _is_round_input(run, id_))
    if not looped and (other := next(others, None)):
        raise RuntimeError(
            f"There are two Round Inputs in this run (nodes {node_id} and {other}), and each would queue the next one. Put one"
            " into a workflow of its own."
        )
    if ask.words_first and not _stores_words(run, node_id):
        ask = replace(ask, words_first=False)
    if not sessions.exists(ask.session):
        pictures.listing(ask.first, folders.picture_roots())  # no session is made of a folder that has none
    with sessions.mutex:
        successor = str(uuid.uuid4()) if ask.keep_going and not looped else None
        try:
            ledger = sessions.open_(ask.session, ask.seed)
            item = _claim(ledger, ask, run, run.id if looped else successor)
        except sqlite3.OperationalError as error:
            sessions.close(ask.session)
            raise RuntimeError(
                f"Session {ask.session!r} cannot write its ledger: {error}. Make room and press Run."
            ) from error
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
        ValueError: the text is no item, or its picture cannot be read.
    """
    item = Item.from_json(text)
    return Work(item, _picture(item.source))


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
            raise RuntimeError(
                f"Session {ledger.name!r} is at item {min(status.done + 1, status.total)} of {status.total} in round"
                f" {status.round}; pause or interrupt it first. Its next run is queued already."
            )
        if claims:
            interrupted = _settle(ledger, claims, run)
            session = ledger.session()  # many errors in a row have paused it
        if not chained:
            first = ask.first.strip() or session.first
            texts = queue.texts(run.prompt, run.extra.get("extra_pnginfo"))
            sessions.recorded[ledger.name] = sessions.Recorded(run.prompt, texts)
            ledger.update(first=first, rounds=ask.rounds, state="open", reason="", graph=run.graph())
            _take_in(ledger, first)
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
                stop = "" if chained else _finished(ledger)
        ledger.update(run=following if item else None)
    for claim in claims:
        sessions.announce(ledger, changed=claim.id)
    if stop:
        sessions.announce(ledger)
        sessions.close(ledger.name)
        raise RuntimeError(stop)
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


def _take_in(ledger: Ledger, first: str) -> None:
    """Adds the pictures of the first folder that the ledger does not know yet."""
    known = ledger.sources(1)
    try:
        found = pictures.listing(first, folders.picture_roots())
    except ValueError:
        if known:
            return
        raise
    new = [source for source in found if source not in known]
    names = lineage.assign([source.rsplit("/", 1)[-1] for source in new], ledger.lineages(1))
    ledger.add(1, list(zip(new, names, strict=True)))


def _choose(ledger: Ledger, session: Session, ask: Ask, run: Run) -> Item | None:
    """The next item, claimed. Opens the next round when this one has none left."""
    round_ = ledger.open_round(lambda file: (ledger.folder / file).is_file())
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
            return Work(item, _picture(item.source))
        except ValueError as error:
            log.warning("Session %s skips item %s of round %s: %s", ledger.name, item.index, item.round, error)
            with ledger.transaction():
                ledger.skip(item, str(error))
                following = _choose(ledger, ledger.session(), ask, run)
            sessions.announce(ledger, changed=item.id)
            progress.stop_if_interrupted()
            if following is None:
                return None
            item = following


def _picture(source: str | None) -> torch.Tensor:
    if source is None:
        raise ValueError("this item has no picture")
    return images.to_tensor(images.read(pictures.locate(source, folders.picture_roots())[1]))


def _peek(ask: Ask, node_id: str) -> Work:
    """The item that Run would claim next, without claiming: people build their graph step by step."""
    if sessions.exists(ask.session):
        status, items = read(sessions.folder(ask.session))
        waiting = [item for item in items if item["state"] == "pending"]
        item = waiting[0] if waiting else items[0]
        seed = status.seed
        found = Item(ask.session, status.round, item["number"], item["lineage"], 0, status.total, item["source"])
    else:
        sources = pictures.listing(ask.first, folders.picture_roots())
        name = next(lineage.assign([source.rsplit("/", 1)[-1] for source in sources]))
        seed = ask.seed
        found = Item(ask.session, 1, 1, name, 0, len(sources), sources[0])
    found = replace(found, seed=derive(seed, found.round, found.lineage, "sampler"))
    progress.say(
        f"next: {found.lineage}, item {found.index} of round {found.round}. Nothing is claimed without Round Output.",
        node_id,
    )
    return Work(_drawn(found, ask.plan, seed), _picture(found.source))


def _finished(ledger: Ledger) -> str:
    status = ledger.status()
    failed = f", {status.failed} failed (Retry gives them new attempts)" if status.failed else ""
    return (
        f"Session {ledger.name!r} is finished: {status.round} rounds, {status.done} pictures in the last{failed}. Raise the"
        " number of rounds, add pictures to the first folder, or choose another session name."
    )


def _is_round_input(run: Run, node_id: str) -> bool:
    return run.prompt[node_id]["class_type"] == "ResonanceRoundInput" and _is_saved(run, node_id)


def _is_saved(run: Run, node_id: str) -> bool:
    """Whether the run executes a Round Output that hangs below this Round Input."""
    return any(
        run.prompt[target]["class_type"] == "ResonanceRoundOutput" and node_id in _ancestors(run.prompt, target)
        for target in run.targets
        if target in run.prompt
    )


def _stores_words(run: Run, node_id: str) -> bool:
    """Whether the words of this Round Input's items are stored on the way: only then a round can be described first."""
    return any(
        node["class_type"] == "ResonanceRoundWords" and node_id in _ancestors(run.prompt, id_)
        for id_, node in run.prompt.items()
    )


def _ancestors(prompt: dict[str, Any], node_id: str) -> set[str]:
    found: set[str] = set()
    waiting = [node_id]
    while waiting:
        for source in _links(prompt.get(waiting.pop(), {})):
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _links(node: dict[str, Any]) -> Iterator[str]:
    for value in node.get("inputs", {}).values():
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
            yield value[0]

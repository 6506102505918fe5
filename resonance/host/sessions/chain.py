"""The chain of rounds over ComfyUI's queue: one run works on one item and queues the next run when it claims.

A run that claims posts its own graph again under an id chosen beforehand, because nothing behind it runs when a node
raises. The next run reads from ComfyUI's history how the one before ended and settles its claim.
"""

import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ... import graph, images
from ...files import pictures
from ...roulette import Plan
from ...session import query
from ...session.chain import PROCESS, Chain, PlanDraws, Stop, Why, WrongKind, check
from ...session.fill.fill import Change, Fill
from ...session.fill.lines import alike
from ...session.item import Item, Words, batch_from_json, together
from ...session.ledger import Ledger
from ...session.opening import Unwritable, unwritable
from ...session.payloads import Plain, PromptLine
from ...session.reason import Outcome, Reason
from ...session.status import Moved, NoLedger
from ...told import NoSpace, Told
from .. import core, folders, progress
from . import owned as sessions
from . import queue
from .owned import Owned
from .queue import Run
from .rest import at_rest

log = logging.getLogger(__name__)

HISTORY = 20
"""How many of its finished runs a chain leaves in ComfyUI's history."""

EVERY = 1.0
"""Seconds between two answers to a second Run: Run (Instant) presses it all the time."""

ENDED = {
    Reason.DIED: "ComfyUI's process ended while it worked on this item",
    Reason.NO_RESULT: "The run ended without saving this item: nothing reached Round Output.",
}


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a node that hands out items is set to.

    Attributes:
        most: how many items a run takes, of those that are ``alike`` and together fit one, see :meth:`.Chain.claim`.
        notes: what is said beside how far the session is. The fill may add to it while it is read.
    """

    session: str
    fill: Fill
    seed: int
    keep_going: bool
    words_first: bool
    plan: Plan | None
    most: int = 1
    alike: Callable[[Item], Hashable] = lambda item: None
    fits: Callable[[Sequence[Item]], bool] = lambda items: True
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Work:
    """What a run works on, and its picture (IMAGE ``[1, H, W, 3]``) where it starts from one.

    Attributes:
        note: what a person is to know of the picture's file.
        beside: the pictures of the items beside it.
    """

    item: Item
    image: torch.Tensor | None = None
    note: str = ""
    beside: tuple[torch.Tensor, ...] = ()

    def said(self, text: str, *notes: str) -> str:
        """What is shown on the node: a text, and the notes."""
        return "\n\n".join(filter(None, (text, self.note, *notes)))


def next_work(ask: Ask, node_id: str, prompt: dict[str, Any]) -> Work | None:
    """Claims the next item of the session for the run in which the node executes, and queues the run after it.

    While a chain is at work, another Run only tells it what has changed.

    Returns:
        None when the chain has come to its end or stops here: the nodes behind are then not to run.

    Raises:
        Told: this run may not claim, the session is paused, or there is nothing that fills it.
    """
    run = queue.current()
    looped = node_id not in prompt
    if not looped and not graph.is_saved(run.prompt, run.targets, node_id):
        return _peek(ask, node_id)
    if not looped and (other := graph.other_start(run.prompt, run.targets, node_id)):
        raise Told(
            f"There are two sessions in this run (nodes {node_id} and {other}), and each would queue the next one. Put one into"
            " a workflow of its own."
        )
    if ask.words_first and not graph.stores_words(run.prompt, node_id):
        ask = replace(ask, words_first=False)
    if not sessions.exists(ask.session):
        ask.fill.first(ask.session, ask.seed)  # no session is made of what would leave it empty
    sessions.check_home(run.id)
    with sessions.mutex:
        owned = sessions.open_(ask.session, ask.seed, ask.fill.kind)
        ledger = owned.ledger
        try:
            waiting = ledger.session().run
            if waiting and waiting != run.id and core.is_queued(waiting):
                progress.say("\n\n".join((_joined(owned, ask, run), *ask.notes)), node_id)
                return None
            if waiting == run.id and owned.recorded and owned.recorded.prompt != run.prompt:
                _hand_over(ledger)
                return None
            chain = _follow(owned, ask)
            successor = str(uuid.uuid4()) if ask.keep_going and not looped else None
            got = _claim(owned, chain, ask, run, run.id if looped else successor)
            item, stop = (None, got) if isinstance(got, Stop) else (got, None)
        except (NoSpace, Unwritable):
            sessions.close(ask.session)
            raise
        except sqlite3.DatabaseError as error:
            sessions.close(ask.session)
            raise unwritable(ledger.folder, error) from error
        except Moved as error:
            sessions.lose(owned, error)
            raise
        except Told:  # such as lines that cannot be read
            sessions.close_when_idle(ledger)
            raise
        if item and successor:
            _queue(owned, run, successor, item)
        work = _load(chain, ask, run, item) if item else None
        status = sessions.announce(ledger, work.item if work else None)
        for other in work.item.beside if work else ():
            sessions.announce(ledger, changed=other.id)
        if item:
            progress.say(work.said(status.text(), *ask.notes) if work else status.text(), node_id)
            return work
        try:
            text = at_rest(owned, stop, waiting == run.id, node_id)
        except Told:
            sessions.close(ledger.name)
            raise
        progress.say(text, node_id)
        if not looped:
            sessions.close(ledger.name)
        return None


def has_item(session: str, node_id: str, prompt: dict[str, Any]) -> bool:
    """Whether the run that is on has its item already: ComfyUI calls a node again for each further value of a list."""
    return node_id in prompt and sessions.has_claimed(session, queue.current().id)


def pasted(text: str) -> Work:
    """The item that was pasted, its picture read again. Nothing is claimed.

    Raises:
        Told: the text is no item, or it has no picture that can be read.
    """
    item = Item.from_json(text)
    if item.source is None:
        node = sessions.NODES["lines" if isinstance(item.payload, PromptLine) else "explore"]
        raise Told(f"This item starts from no picture. Paste it into {node}, which handed it out.")
    return Work(item, *_given(item.source))


def pasted_lines(text: str) -> Work:
    """Items of Prompt Lines that were pasted: one, or a list of those that are painted together. Nothing is claimed.

    Raises:
        Told: the text is none of that, they cannot be painted together, or one has a picture that cannot be read.
    """
    items = batch_from_json(text)
    for each in items:
        if not isinstance(each.payload, PromptLine):
            raise Told(f"Item {each.lineage} is not of Prompt Lines. Paste it into the node that handed it out.")
    if len(set(map(alike, items))) > 1:
        raise Told(
            "These items differ in more than words and seeds, so that they cannot be painted together: paste one at a time."
        )
    read = [_given(each.source) for each in items if each.source is not None]
    images, notes = [image for image, _ in read], " ".join(filter(None, (note for _, note in read)))
    return Work(together(items), images[0] if images else None, notes, tuple(images[1:]))


def first_picture(work: Work) -> torch.Tensor | None:
    """The picture (IMAGE) with which the lineage of a work's item began, as far as its session's ledger knows.

    Whoever drives a session elsewhere names it in the payload of the item that is pasted, as ``first``.

    Raises:
        Told: it cannot be read any more.
    """
    item = work.item
    if item.source is None:
        return None
    if not item.token and isinstance(item.payload, Plain) and item.payload.first:
        return _given(item.payload.first)[0]
    try:
        with query.reading(sessions.folder(item.session)) as ledger:
            source = ledger.origin(item.round, item.source)
    except NoLedger:  # the session of a pasted item
        source = item.source
    if source == item.source:
        return work.image
    try:
        return _picture(source)[0]
    except Told as error:
        raise Told(
            f"The first picture of lineage {item.lineage}, {source!r}, cannot be read: {error}. Put it back, or disconnect the"
            " output first."
        ) from None


def store_words(item: Item, words: Words) -> None:
    """Keeps the words of a claimed item in the ledger; those of any other item are not stored."""
    if item.token:
        sessions.open_(item.session).ledger.store_words(item, words)


def _joined(owned: Owned, ask: Ask, run: Run) -> str:
    """Another Run while the chain is at work: it goes on from the next item, with what is asked for now.

    Returns:
        What is to be told of it.

    Raises:
        Told: it would be another session.
    """
    ledger, session, status = owned.ledger, owned.ledger.session(), owned.ledger.status()
    at = f"Session {ledger.name!r} is at item {min(status.done + 1, status.total)} of {status.total} in round {status.round}"
    if ask.seed != session.seed:
        raise Told(
            f"{at}; its seed is {session.seed}, and this Run asks for {ask.seed}. Pause or interrupt it first, or choose another"
            " session name."
        )
    same = owned.recorded is not None and owned.recorded.prompt == run.prompt
    if same and time.monotonic() - owned.answered < EVERY:
        owned.owed = True
        return f"{at} and goes on."
    with ledger.transaction():
        change = _begin(owned, ask.fill)
        ledger.update(state="open", reason="", graph=run.graph(), secret=folders.secret(), plan=None)
    _record(owned, run)
    sessions.announce(ledger)
    how = "goes on" if same else "goes on with this workflow"
    return f"{at} and {how}: {change or 'nothing new'}."


def _hand_over(ledger: Ledger) -> None:
    """Queues what somebody has pressed Run for since this run was queued, in its place."""
    following = str(uuid.uuid4())
    with ledger.transaction():
        ledger.update(run=following)
    recorded = ledger.graph(folders.secret())
    assert recorded
    queue.submit(following, recorded)


def _follow(owned: Owned, ask: Ask) -> Chain:
    """The session's chain, with what the node is set to."""
    chain = owned.chain = owned.chain or Chain(owned.ledger, ask.fill)
    chain.fill, chain.words_first = ask.fill, ask.words_first
    chain.draws = PlanDraws(ask.plan) if ask.plan else None
    return chain


def _begin(owned: Owned, fill: Fill) -> Change:
    owned.answered, owned.owed = time.monotonic(), False
    return fill.begin(owned.ledger)


def _record(owned: Owned, run: Run) -> None:
    owned.recorded = sessions.Recorded(run.prompt, queue.texts(run.prompt, run.extra.get("extra_pnginfo")))


def _claim(owned: Owned, chain: Chain, ask: Ask, run: Run, following: str | None) -> Item | Stop | None:
    """Settles what came before and claims, in one transaction. None: the run before was interrupted.

    Args:
        following: id of the run that may claim after this one.
    """
    ledger, fill = owned.ledger, chain.fill
    with ledger.transaction():
        chained = ledger.session().run == run.id
        claimed = [claim.id for claim in ledger.claims()]
        outcomes = chain.settle_all(lambda id_, process: _ended(id_, process, run, owned))
        interrupted = any(outcome.reason is Reason.INTERRUPTED for outcome in outcomes)
        if not chained:
            _record(owned, run)
            ledger.update(state="open", reason="", graph=run.graph(), secret=folders.secret(), plan=None)
            _begin(owned, fill)
        elif owned.recorded is None:
            _record(owned, run)
        if owned.owed and time.monotonic() - owned.answered >= EVERY:
            _begin(owned, fill)
        got = None
        if not (interrupted and chained):
            got = chain.claim(run.id, most=ask.most, alike=ask.alike, fits=ask.fits)
            if isinstance(got, Stop) and got.why is Why.FINISHED and owned.owed:
                _begin(owned, fill)
                ledger.update(state="open")
                got = chain.claim(run.id, most=ask.most, alike=ask.alike, fits=ask.fits)
        item = together(got) if got and not isinstance(got, Stop) else None
        ledger.update(run=following if item else None)
    for id_ in claimed:
        sessions.announce(ledger, changed=id_)
    if not chained:
        sessions.announce(ledger)  # items may have come and gone
    return got if isinstance(got, Stop) else item


def _ended(id_: str, process: str, run: Run, owned: Owned) -> Outcome:
    """How a run ended that has not committed what it claimed."""
    if process != PROCESS:
        return Outcome(Reason.DIED, ENDED[Reason.DIED])
    if id_ == run.id:
        return Outcome(Reason.NO_RESULT, ENDED[Reason.NO_RESULT])
    ended = queue.ended(id_, run.prompt if [*owned.runs] == [id_] else None)
    return ended if ended.text else Outcome(ended.reason, ENDED.get(ended.reason, ""))


def _queue(owned: Owned, run: Run, successor: str, item: Item) -> None:
    """Queues the run after this one; without it the claim is given back."""
    try:
        queue.submit(successor, run.graph())
    except BaseException:
        with owned.ledger.transaction():
            for each in item.batch:
                owned.ledger.release(each)
            owned.ledger.update(run=None)
        raise
    owned.runs.append(run.id)
    while len(owned.runs) > HISTORY + 1:
        core.forget(owned.runs.popleft())


def _load(chain: Chain, ask: Ask, run: Run, item: Item) -> Work | None:
    """Reads the pictures of the claimed items. What cannot be read is skipped; where that is all, others are claimed instead."""
    ledger = chain.ledger
    while True:
        read = [work for each in item.batch if (work := _load_one(chain, replace(each, beside=())))]
        if read:
            beside = tuple(work.image for work in read[1:] if work.image is not None)
            notes = " ".join(filter(None, (work.note for work in read)))
            return Work(together([work.item for work in read]), read[0].image, notes, beside)
        with ledger.transaction():
            got = chain.claim(run.id, most=ask.most, alike=ask.alike, fits=ask.fits)
        progress.stop_if_interrupted()
        if isinstance(got, Stop):
            return None
        item = together(got)


def _load_one(chain: Chain, item: Item) -> Work | None:
    """An item with its picture; None: it cannot be read and is skipped."""
    try:
        path = chain.locate(item)
        return Work(item, *_read(path)) if path else Work(item)
    except Told as error:
        ledger = chain.ledger
        if chain.skip(item, str(error)):
            log.warning("Session %s skips item %s of round %s: %s", ledger.name, item.index, item.round, error)
        sessions.announce(ledger, changed=item.id)
        return None


def picture(item: Item, source: str) -> torch.Tensor:
    """A picture (IMAGE) that belongs to an item, ``name [root]``. Raises Told: it cannot be read."""
    return (_picture if item.token else _given)(source)[0]


def _picture(source: str) -> tuple[torch.Tensor, str]:
    return _read(pictures.locate(source, folders.picture_roots())[1])


def _given(source: str) -> tuple[torch.Tensor, str]:
    """A pasted item's picture. A driver's lie in the temporary folder, to which it sent them."""
    roots = {**folders.picture_roots(), "temp": folders.temp_folder()}
    return _read(pictures.locate(source, roots)[1])


def _read(path: Path) -> tuple[torch.Tensor, str]:
    """The picture (IMAGE) in a file, and what a person is to know of it."""
    notes: list[str] = []
    picture = images.read(path, check=progress.stop_if_interrupted, note=notes.append)
    for note in notes:
        log.warning(note)
    return images.to_tensor(picture), " ".join(notes)


def _peek(ask: Ask, node_id: str) -> Work:
    """The item that Run would claim next, without claiming: people build their graph step by step."""
    found, seed = _next(ask)
    if ask.plan:
        found = replace(found, draw=PlanDraws(ask.plan).draw(seed, found.round, found.lineage))
    work = Work(found, *_picture(found.source)) if found.source else Work(found)
    text = f"next: {found.lineage}, item {found.index} of round {found.round}. Nothing is claimed without Round Output."
    progress.say(work.said(text, *ask.notes), node_id)
    return work


def _next(ask: Ask) -> tuple[Item, int]:
    """The item that would be claimed next, and the seed of its session."""
    folder = sessions.folder(ask.session)
    try:
        check(folder, ask.fill, ask.seed)
    except WrongKind as error:
        raise Told(sessions.wrong_kind(error)) from None
    try:
        with query.reading(folder) as ledger:
            status = ledger.status()
            items = ledger.items(status.round)
            if shown := [item for item in items if item["state"] == "pending"] or items:
                return replace(ledger.pasted(ledger.item(shown[0]["id"])), draw=None), status.seed
    except NoLedger:
        pass
    return ask.fill.first(ask.session, ask.seed), ask.seed

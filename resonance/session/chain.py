"""The life of a session: begin, claim, make, keep or settle, until nothing is left to do.

Whoever works on a session has a :class:`Chain`: the nodes claim one item a run and put the next run into ComfyUI's queue, the
driver has a task for each engine. What is claimed here is either committed by :meth:`Chain.keep`, or settled.
"""

import hashlib
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from ..files import store
from ..patience import within
from ..roulette import Draw, Plan, draw
from ..told import NotNow, Told
from .fill.fill import Change, Fill
from .item import Item, derive
from .ledger import Claim, Gone, Ledger
from .made import Made
from .owning import Busy
from .query import known
from .reason import Outcome, Reason
from .status import Kind

PROCESS = uuid.uuid4().hex
"""Names this process in the ledgers: claims of any other are known to be dead."""

ROOM = 500 * 2**20
"""A session pauses when the disk has fewer bytes free than this."""

PATIENCE = 10.0
"""Seconds that are waited for a disk which is asked whether pictures are there."""

BY_REQUEST = "by request"


class WrongKind(NotNow):
    """A session belongs to another kind of fill."""

    def __init__(self, name: str, found: Kind, wanted: Kind) -> None:
        super().__init__(f"Session {name!r} is one of {found!r}, not of {wanted!r}. Choose another name.")
        self.name = name
        self.found: Kind = found
        self.wanted: Kind = wanted


class Unreadable(Told):
    """An item's picture cannot be read: the item is to be skipped."""


class Why(Enum):
    """Why nothing could be claimed."""

    FINISHED = "finished"
    PAUSED = "paused"
    NO_SPACE = "no space"
    WAIT = "wait"
    """Other runs must come to an end first."""


@dataclass(frozen=True)
class Stop:
    """Nothing could be claimed; ``text`` is the reason for which the session is paused."""

    why: Why
    text: str = ""


class Draws(Protocol):
    """What is drawn for each item: a checkpoint, LoRAs."""

    @property
    def mark(self) -> str:
        """Equal for draws that order a round equally; empty where they do not order it."""
        ...

    def key(self, seed: int, round_: int, lineage: str) -> tuple[str, Any]:
        """What must be loaded, the checkpoint first."""
        ...

    def draw(self, seed: int, round_: int, lineage: str) -> dict[str, Any]: ...


@dataclass(frozen=True)
class PlanDraws:
    """Draws from a plan of the model roulette, which is expanded."""

    plan: Plan

    @property
    def mark(self) -> str:
        return hashlib.sha256(self.plan.to_json().encode()).hexdigest()

    def key(self, seed: int, round_: int, lineage: str) -> tuple[str, Any]:
        return self._draw(seed, round_, lineage).key

    def draw(self, seed: int, round_: int, lineage: str) -> dict[str, Any]:
        return self._draw(seed, round_, lineage).to_dict()

    def _draw(self, seed: int, round_: int, lineage: str) -> Draw:
        return draw(self.plan, derive(seed, round_, lineage, "models"))


def check(folder: Path, fill: Fill, seed: int) -> None:
    """Says before anybody owns the session in ``folder`` what would be wrong with it.

    Raises:
        WrongKind: it is of another kind.
        Told: there is none, and nothing to begin one with.
    """
    before = known(folder)
    if before is None:
        fill.first(folder.name, seed)
    elif before.kind != fill.kind and (before.kind, fill.kind) != ("rounds", "folders"):
        raise WrongKind(folder.name, before.kind, fill.kind)


def own(folder: Path, seed: int | None, kind: Kind | None, program: str) -> Ledger:
    """The ledger in ``folder``, owned by this process; what a crash left half written is gone.

    Args:
        seed: of a new session; None: there must be one.
        kind: of a new session.
        program: what others are told owns it.

    Raises:
        Busy: another program owns it.
        NoLedger: there is none, and no seed.
    """
    try:
        ledger = Ledger(folder, seed, PROCESS, kind or "rounds")
    except Busy as error:
        raise Busy(
            f"Session {folder.name!r} is open in another program ({error}). Stop it there, or wait until it pauses."
        ) from None
    try:
        store.sweep(folder)
        ledger.drop_uncommitted()
        with ledger.transaction():
            ledger.update(owner=f"{program}{socket.gethostname()}, process {os.getpid()}")
    except BaseException:
        ledger.close()
        raise
    return ledger


class Chain:
    """A session that is worked on, by whoever owns its ledger. May be used from several threads.

    Args:
        draws: what is drawn for each item.
        words_first: all items of a round are described before any is painted.
    """

    def __init__(self, ledger: Ledger, fill: Fill, draws: Draws | None = None, words_first: bool = False) -> None:
        self.ledger, self.fill, self.draws, self.words_first = ledger, fill, draws, words_first
        self.loaded: dict[str, str] = {}
        """The model that each worker was last given an item for."""
        self._round: int | None = None
        self._there = ""
        """A source that was there when one was last looked for."""
        self._mutex = threading.RLock()

    def close(self) -> None:
        self.ledger.close()

    # Begin

    def begin(self, **values: Any) -> Change:
        """Takes into the ledger what is asked for now, and opens the session.

        Args:
            values: fields of the session to be set, see :meth:`Ledger.update`.
        """
        with self._mutex, self.ledger.transaction():
            self.ledger.update(state="open", reason="", plan=None, **values)
            return self.fill.begin(self.ledger)

    # Claim

    def claim(
        self,
        run: str,
        *,
        worker: str = "",
        most: int = 1,
        alike: Callable[[Item], Hashable] = lambda item: None,
        fits: Callable[[Sequence[Item]], bool] = lambda items: True,
    ) -> Sequence[Item] | Stop:
        """Gives items of one round to a run.

        Args:
            run: id of the run.
            worker: who will work on them: it gets items for which it need not load anything, as long as there are such.
            most: how many it can take at once.
            alike: those that it can take together have equal values. What is drawn for them is the same, too.
            fits: whether it can take those together, the last of which would come to the others.
        """
        with self._mutex, self.ledger.transaction():
            self.ledger.check_place()
            session = self.ledger.session()
            if session.state == "paused":
                return Stop(Why.PAUSED, session.reason)
            if text := self._full():
                self.ledger.update(state="paused", reason=text)
                return Stop(Why.NO_SPACE, text)
            first = self._next(worker)
            if isinstance(first, Stop):
                if first.why is Why.FINISHED:
                    self.ledger.update(state="finished")
                return first
            items = [first]
            if most > 1:
                key = alike(first), self.drawn(first).draw
                for item in self.ledger.following(first):
                    if (alike(item), self.drawn(item).draw) != key or not fits([*items, item]):
                        break
                    items.append(item)
                    if len(items) == most:
                        break
            return [self.ledger.claim(self.drawn(item), run) for item in items]

    def take(self, item: Item, run: str) -> Item:
        """Gives one item to a run, which must be new or its own: for those who know what they make next.

        The item's round, lineage, source and payload are what it is in the ledger.
        """
        with self._mutex, self.ledger.transaction():
            self.ledger.check_place()
            there = self.ledger.find(item.round, item.lineage)
            if there is None:
                self.ledger.add(item.round, [(item.source, item.lineage)], [item.payload])
                there = self.ledger.find(item.round, item.lineage)
            assert there
            return self.ledger.claim(there, run)

    def drawn(self, item: Item) -> Item:
        """The item with what is drawn for it."""
        if self.draws is None:
            return item
        return replace(item, draw=self.draws.draw(self.ledger.session().seed, item.round, item.lineage))

    def locate(self, item: Item) -> Path | None:
        """The picture that an item starts from; None where it starts from none. Raises Unreadable."""
        try:
            return self.fill.locate(item)
        except Told as error:
            raise Unreadable(str(error)) from error

    # Keep or settle

    def keep(self, item: Item, made: Made) -> list[str]:
        """Writes what came of a claimed item, commits it, and returns the names of the files.

        Of an item that was only to be described the words are kept, and it waits to be painted.

        Raises:
            Lost: the claim has passed to another run.
            Told: what was made cannot be kept.
            OSError: it cannot be written.
        """
        if made.words and item.words is None:
            self.ledger.store_words(item, made.words)
            item = replace(item, words=made.words)
        if item.phase == "describe":
            self.settle(item, Outcome(Reason.NO_RESULT))
            return []
        if made.facts:
            item = replace(item, payload=replace(item.payload, **made.facts))
        return self.fill.keep(self.ledger, item, made)

    def settle(self, item: Item, outcome: Outcome) -> None:
        """Takes an item, and those beside it, back from a run that did not commit them."""
        ids = {each.id for each in item.batch}
        with self._mutex, self.ledger.transaction():
            self.ledger.settle([claim for claim in self.ledger.claims() if claim.id in ids], outcome)

    def settle_all(self, how: Callable[[str, str], Outcome]) -> list[Outcome]:
        """Takes back all that is claimed.

        Args:
            how: tells of a run and its process how it ended.

        Returns:
            How the runs ended.
        """
        with self._mutex, self.ledger.transaction():
            runs: dict[tuple[str, str], list[Claim]] = {}
            for claim in self.ledger.claims():
                runs.setdefault((claim.run, claim.process), []).append(claim)
            outcomes = {run: how(*run) for run in runs}
            for run, claims in runs.items():
                self.ledger.settle(claims, outcomes[run])
            return list(outcomes.values())

    def skip(self, item: Item, why: str) -> bool:
        """Passes over an item whose picture cannot be read. Where all of its round are gone the session pauses instead.

        Returns:
            Whether it was passed over.
        """
        gone = self._all_gone(item)
        with self._mutex, self.ledger.transaction():
            if gone:
                self.ledger.release(item)
                text = f"None of the pictures that round {item.round} starts from are there any more: put them back, and go on."
                self.ledger.update(state="paused", reason=text)
            else:
                self.ledger.skip(item, why)
        return not gone

    def give_back(self, items: Sequence[Item]) -> None:
        """Gives claims back as if they had never been."""
        with self._mutex, self.ledger.transaction():
            for item in items:
                self.ledger.release(item)

    # Inside

    def _all_gone(self, item: Item) -> bool:
        """Whether none of the pictures that an item's round starts from is there."""
        with self._mutex:
            sources = self.ledger.sources(item.round)

        def is_there(source: str) -> bool:
            try:
                path = self.fill.locate(replace(item, source=source))
            except Told:
                return False
            return path is not None and path.exists()

        def look() -> bool:
            # Of thousands few may be left: the last that was there is asked for before all others.
            likely = [source for source in (item.source, self._there) if source in sources]
            self._there = next(filter(is_there, [*likely, *sources]), "")
            return not self._there

        try:
            return within(PATIENCE, look)
        except TimeoutError:
            return False

    def _full(self) -> str:
        free = shutil.disk_usage(self.ledger.folder).free
        if free >= ROOM:
            return ""
        return f"only {free >> 20} MB are free on the disk of the session ({ROOM >> 20} are needed)"

    def _next(self, worker: str) -> Item | Stop:
        claims = self.ledger.claims()
        pending = self.ledger.pending_round()
        if claims and pending != self._round:
            return Stop(Why.WAIT)
        try:
            round_ = self.fill.open_round(self.ledger)
        except Gone as error:
            self.ledger.update(state="paused", reason=str(error))
            return Stop(Why.PAUSED, str(error))
        if round_ is None:
            return Stop(Why.FINISHED)
        self._round = round_
        self._order(round_)
        item = self._pick(round_, worker)
        if item.phase == "paint" and any(claim.phase == "describe" for claim in claims):
            return Stop(Why.WAIT)
        return item

    def _order(self, round_: int) -> None:
        """Orders a round by what must be loaded for its items, once."""
        if self.draws is None or not self.draws.mark:
            return
        draws, session = self.draws, self.ledger.session()
        mark = f"{round_}/{draws.mark}"
        if session.plan != mark:
            self.ledger.order(round_, lambda lineage: draws.key(session.seed, round_, lineage))
            self.ledger.update(plan=mark)

    def _pick(self, round_: int, worker: str) -> Item:
        """An item for which the worker need not load anything; else of a model that no other one has; else any."""
        mine = self.loaded.get(worker)
        item = self.ledger.next(round_, self.words_first)
        assert item
        if item.phase == "describe":
            return item
        waiting = self.ledger.models(round_)
        if not waiting:
            return item
        others = {model for other, model in self.loaded.items() if other != worker}
        if mine not in waiting:
            free = {model: count for model, count in waiting.items() if model not in others} or waiting
            mine = max(free, key=lambda model: free[model]) if others else self.ledger.model(item)
        if mine is None:
            return item
        self.loaded[worker] = mine
        return self.ledger.next(round_, model=mine) or item

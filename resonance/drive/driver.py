"""The driver: claims items, hands them to engines, keeps what comes back. It owns the ledger, engines own nothing.

One task for each engine asks for the next item when it is free. While an engine works, what it made before is written and
committed. A round opens when every item of the one before has come to an end.
"""

import asyncio
import logging
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..session.item import Item
from ..session.ledger import Claim, Ledger, Outcome
from ..told import Told
from .job import Engine, EngineLost, Job, JobFailed, Made

log = logging.getLogger(__name__)

ROOM = 500 * 2**20
"""A session pauses when the disk has fewer bytes free than this."""

Tell = Callable[..., None]
"""Called as ``tell(event, **facts)``: ``round``, ``begun``, ``done``, ``failed``, ``skipped``, ``lost``."""


class Unreadable(Told):
    """An item's picture cannot be read: the item is skipped."""


class Chain(Protocol):
    """What is driven: where items come from, and where pictures go."""

    @property
    def ledger(self) -> Ledger: ...

    def open_round(self) -> int | None:
        """The round to work on, filled and ordered; None: nothing is left to do. Called in a transaction."""
        ...

    def draw(self, item: Item) -> Item:
        """The item with what is drawn for it."""
        ...

    def job(self, item: Item) -> Job:
        """What an engine needs for a claimed item. Raises Unreadable if its picture cannot be read."""
        ...

    def keep(self, job: Job, made: Made) -> list[str]:
        """Writes what was made of a claimed item, commits it, and returns the names of the files.

        Raises Told if that is not possible.
        """
        ...


@dataclass(frozen=True)
class Ended:
    """How a drive ended.

    Attributes:
        state: ``finished``, ``paused`` or ``open``; ``reason`` says why it is not finished.
        done: items committed by it.
    """

    state: str
    reason: str = ""
    done: int = 0


class Stop:
    """Ends a drive: asked once, engines finish what they work on; asked twice, that is stopped too."""

    def __init__(self) -> None:
        self.times = 0
        self.idle: set[asyncio.Future[Any]] = set()
        self.busy: set[asyncio.Future[Any]] = set()

    def ask(self) -> None:
        self.times += 1
        for task in self.idle if self.times == 1 else self.idle | self.busy:
            task.cancel()


async def drive(chain: Chain, engines: Sequence[Engine], tell: Tell, stop: Stop | None = None) -> Ended:
    """Works until nothing is left to do, the session pauses, no engine is left, or it is asked to stop.

    Claims that another process left behind are taken back first.

    Raises:
        sqlite3.Error: the ledger cannot be written.
    """
    driver = _Driver(chain, tell, stop or Stop())
    await driver.take_back(engines)
    return await driver.run(engines)


class _Driver:
    def __init__(self, chain: Chain, tell: Tell, stop: Stop) -> None:
        self.chain, self.ledger, self.tell, self.stop = chain, chain.ledger, tell, stop
        self.runs: dict[int, str] = {}
        """The runs of the items that are worked on or written."""
        self.models: dict[int, str] = {}
        """The model that each engine was last given an item for."""
        self.tasks = asyncio.TaskGroup()
        self.changed = asyncio.Condition()
        self.round: int | None = None
        self.done = 0
        self.total = 0
        self.count = 0
        self.ended: Ended | None = None

    async def take_back(self, engines: Sequence[Engine]) -> None:
        """Settles what a dead driver or server had claimed; engines drop such runs, as far as they know of them."""
        claims = self.ledger.claims()
        drops = (engine.forget(claim.run) for claim in claims for engine in engines)
        dropping = asyncio.gather(*drops, return_exceptions=True)
        self.stop.idle.add(dropping)
        await asyncio.wait([dropping])
        self.stop.idle.discard(dropping)
        with self.ledger.transaction():
            for claim in claims:
                self.ledger.settle(claim, "died")

    async def run(self, engines: Sequence[Engine]) -> Ended:
        try:
            async with self.tasks:
                for number, engine in enumerate(engines):
                    self.tasks.create_task(self.serve(number, engine))
        except ExceptionGroup as group:
            with self.ledger.transaction():
                for claim in self.ledger.claims():
                    self.ledger.settle(claim, "interrupted")
            raise group.exceptions[0] from None
        ended = self.ended
        if ended is None and self.stop.times:
            ended = Ended("paused", "by request")
        if ended is None:
            ended = Ended("open", "no engine is left")
        with self.ledger.transaction():
            self.ledger.update(state=ended.state, reason=ended.reason)
        return replace(ended, done=self.count)

    async def serve(self, number: int, engine: Engine) -> None:
        """Gives one engine item after item."""
        task = asyncio.current_task()
        assert task
        keeping: asyncio.Task[None] | None = None
        try:
            while not (self.stop.times or self.ended):
                self.stop.idle.add(task)
                try:
                    await engine.ready()
                    item = await self.next(number, engine)
                except EngineLost as error:
                    self.models.pop(number, None)
                    self.tell("lost", engine=engine.name, error=str(error), back=False)
                    return
                finally:
                    self.stop.idle.discard(task)
                if item is None:
                    return
                self.stop.busy.add(task)
                try:
                    job, made = await self.make(item, engine)
                finally:
                    self.stop.busy.discard(task)
                if keeping:
                    await keeping
                keeping = self.tasks.create_task(self.keep(job, made, engine)) if made else None
        except asyncio.CancelledError:
            if not (self.stop.times or self.ended):
                raise

    async def next(self, number: int, engine: Engine) -> Item | None:
        """The engine's next item, claimed. Waits for other engines to end a round. None: nothing more to do."""
        async with self.changed:
            while True:
                with self.ledger.transaction():
                    item = self.claim(number)
                if item:
                    self.tell("begun", engine=engine.name, round=item.round, lineage=item.lineage)
                    return item
                if self.ended:
                    for other in self.stop.idle - {asyncio.current_task()}:
                        other.cancel()  # some engine may never be ready
                    return None
                await self.changed.wait()

    def claim(self, number: int) -> Item | None:
        """The next item, claimed. None: there is none now, or (``ended``) at all."""
        if self.ended:
            return None
        session = self.ledger.session()
        free = shutil.disk_usage(self.ledger.folder).free
        if session.state == "paused":
            self.ended = Ended("paused", session.reason)
        elif free < ROOM:
            room = f"only {free >> 20} MB are free on the disk of the session ({ROOM >> 20} are needed)"
            self.ended = Ended("paused", room)
        if self.ended:
            return None
        item = self.pick(self.round, number) if self.round else None
        if item is None and not self.runs:
            self.round = self.chain.open_round()
            if self.round is None:
                self.ended = Ended("finished")
                return None
            status = self.ledger.status()
            self.done, self.total = status.done, status.total
            self.tell("round", round=self.round, done=self.done, total=self.total)
            item = self.pick(self.round, number)
        if item is None:
            return None
        run = str(uuid.uuid4())
        item = self.ledger.claim(self.chain.draw(item), run)
        self.runs[id_of(item)] = run
        return item

    def pick(self, round_: int, number: int) -> Item | None:
        """An item for which the engine need not load anything; else of a model that no other engine has; else any."""
        mine = self.models.get(number)
        if mine is not None and (item := self.ledger.next(round_, model=mine)):
            return item
        waiting = self.ledger.models(round_)
        if not waiting:
            return self.ledger.next(round_)
        others = {model for other, model in self.models.items() if other != number}
        free = {model: count for model, count in waiting.items() if model not in others} or waiting
        self.models[number] = max(free, key=lambda model: free[model])
        return self.ledger.next(round_, model=self.models[number])

    async def make(self, item: Item, engine: Engine) -> tuple[Job, Made | None]:
        """Lets the engine make an item. What does not come to a good end is settled."""
        job = Job(item)
        try:
            job = await asyncio.to_thread(self.chain.job, item)
            return job, await engine.make(job, self.runs[id_of(item)])
        except Unreadable as error:
            with self.ledger.transaction():
                self.ledger.skip(item, str(error))
            await self.free(item)
            self.tell("skipped", round=item.round, lineage=item.lineage, error=str(error))
        except JobFailed as error:
            await self.settle(item, "error", str(error))
        except EngineLost as error:
            self.tell("lost", engine=engine.name, error=str(error), back=True)
            await self.settle(item, "died", str(error))
        except asyncio.CancelledError:
            await self.settle(item, "interrupted")
            raise
        except Exception as error:  # a fault of one engine must not end a night's work
            log.exception("%s failed on item %s", engine.name, item.lineage)
            await self.settle(item, "error", f"{type(error).__name__}: {error}")
        return job, None

    async def keep(self, job: Job, made: Made, engine: Engine) -> None:
        """Writes and commits what was made."""
        item = job.item
        try:
            files = await asyncio.to_thread(self.chain.keep, job, made)
        except Told as error:
            await self.settle(item, "error", str(error))
            return
        except sqlite3.Error:
            raise
        except Exception as error:  # as in make()
            log.exception("What %s made of item %s cannot be kept", engine.name, item.lineage)
            await self.settle(item, "error", f"{type(error).__name__}: {error}")
            return
        self.done += 1
        self.count += 1
        await self.free(item)
        self.tell(
            "done",
            engine=engine.name,
            round=item.round,
            lineage=item.lineage,
            files=files,
            done=self.done,
            total=self.total,
        )

    async def settle(self, item: Item, outcome: Outcome, error: str = "") -> None:
        id_ = id_of(item)
        with self.ledger.transaction():
            self.ledger.settle(Claim(id_, self.runs[id_], self.ledger.process, "paint", False), outcome, error)
        if outcome == "error":
            self.tell("failed", round=item.round, lineage=item.lineage, error=error)
        await self.free(item)

    async def free(self, item: Item) -> None:
        """Nobody works on the item any more."""
        async with self.changed:
            del self.runs[id_of(item)]
            self.changed.notify_all()


def id_of(item: Item) -> int:
    assert item.id is not None
    return item.id

"""The driver: claims items, hands them to engines, keeps what comes back. It owns the ledger, engines own nothing.

One task for each engine asks for the next item when it is free, or for several that are made together. While an engine works, what it
made before is written and committed. A round opens when every item of the one before has come to an end. The ledger is asked in
threads: the event loop never waits for a disk.
"""

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..session.chain import BY_REQUEST, Chain, Stop, Unreadable, Why
from ..session.fill.lines import alike
from ..session.item import Item, together
from ..session.ledger import DEATHS, STREAK
from ..session.made import Made
from ..session.opening import Unwritable
from ..session.reason import Outcome, Reason, outcome_of
from ..session.status import Moved
from ..told import Told
from .job import Engine, EngineLost, Job, JobFailed

log = logging.getLogger(__name__)

Tell = Callable[..., None]
"""Called as ``tell(event, **facts)``: ``round``, ``begun``, ``done``, ``failed``, ``apart``, ``skipped``, ``lost``."""

LOST = DEATHS * STREAK
"""An engine that is lost so often in a row, on three items, is not asked again: it would have every item parked."""

MakeJob = Callable[[Item], Job]
"""What an engine needs for a claimed item. Raises Unreadable if its picture cannot be read, JobFailed if nothing can be asked."""


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


class Halt:
    """Ends a drive: asked once, engines finish what they work on; asked twice, that is stopped too."""

    def __init__(self) -> None:
        self.times = 0
        self.idle: set[asyncio.Future[Any]] = set()
        self.busy: set[asyncio.Future[Any]] = set()

    def ask(self) -> None:
        self.times += 1
        for task in self.idle if self.times == 1 else self.idle | self.busy:
            task.cancel()


async def drive(
    chain: Chain,
    job: MakeJob,
    engines: Sequence[Engine],
    tell: Tell,
    halt: Halt | None = None,
    batch_size: int = 1,
) -> Ended:
    """Works until nothing is left to do, the session pauses, no engine is left, or it is asked to stop.

    Claims that another process left behind are taken back first.

    Args:
        batch_size: how many items an engine makes together at most; more than one for prompt lines only. Where they go wrong
            together they are tried one by one, which costs none of them an attempt.

    Raises:
        Unwritable: the ledger cannot be written.
    """
    driver = _Driver(chain, job, tell, halt or Halt(), batch_size)
    await driver.take_back(engines)
    return await driver.run(engines)


class _Driver:
    def __init__(self, chain: Chain, job: MakeJob, tell: Tell, halt: Halt, batch_size: int) -> None:
        self.chain, self.job, self.tell, self.halt, self.batch_size = chain, job, tell, halt, batch_size
        self.tasks = asyncio.TaskGroup()
        self.changed = asyncio.Condition()
        self.round: int | None = None
        self.done = 0
        self.total = 0
        self.count = 0
        self.ended: Ended | None = None

    async def take_back(self, engines: Sequence[Engine]) -> None:
        """Settles what a dead driver or server had claimed; engines drop such runs, as far as they know of them."""
        claims = await asyncio.to_thread(self.chain.ledger.claims)
        drops = (engine.forget(claim.run) for claim in claims for engine in engines)
        dropping = asyncio.gather(*drops, return_exceptions=True)
        self.halt.idle.add(dropping)
        await asyncio.wait([dropping])
        self.halt.idle.discard(dropping)
        await asyncio.to_thread(self.chain.settle_all, lambda run, process: Outcome(Reason.DIED))

    async def run(self, engines: Sequence[Engine]) -> Ended:
        try:
            async with self.tasks:
                for number, engine in enumerate(engines):
                    self.tasks.create_task(self.serve(str(number), engine))
        except ExceptionGroup as group:
            await asyncio.to_thread(self.chain.settle_all, lambda run, process: Outcome(Reason.INTERRUPTED))
            error = group.exceptions[0]
            if isinstance(error, Moved):
                await asyncio.to_thread(self.conclude, Ended("paused", str(error)))
            raise error from None
        ended = self.ended
        if ended is None and self.halt.times:
            ended = Ended("paused", BY_REQUEST)
        if ended is None:
            ended = Ended("open", "no engine is left")
        await asyncio.to_thread(self.conclude, ended)
        return replace(ended, done=self.count)

    def conclude(self, ended: Ended) -> None:
        with self.chain.ledger.transaction():
            self.chain.ledger.update(state=ended.state, reason=ended.reason)

    async def serve(self, worker: str, engine: Engine) -> None:
        """Gives one engine item after item."""
        task = asyncio.current_task()
        assert task
        keeping: asyncio.Task[None] | None = None
        lost = 0
        try:
            while not (self.halt.times or self.ended):
                self.halt.idle.add(task)
                try:
                    if lost == LOST:
                        raise EngineLost(f"{engine.name} was lost {LOST} times in a row.")
                    await engine.ready()
                    found = await self.next(worker, engine)
                except EngineLost as error:
                    self.chain.loaded.pop(worker, None)
                    self.tell("lost", engine=engine.name, error=str(error), back=False)
                    return
                finally:
                    self.halt.idle.discard(task)
                if found is None:
                    return
                item, run = found
                self.halt.busy.add(task)
                try:
                    made = await self.make(item, run, engine)
                    lost = 0
                except EngineLost:
                    made = []
                    lost += 1
                finally:
                    self.halt.busy.discard(task)
                if keeping:
                    await keeping
                keeping = self.tasks.create_task(self.keep(made, engine)) if made else None
        except asyncio.CancelledError:
            if not (self.halt.times or self.ended):
                raise

    async def next(self, worker: str, engine: Engine) -> tuple[Item, str] | None:
        """The engine's next item, claimed, with those beside it, and its run. Waits for other engines to end a round. None: nothing
        more to do."""
        async with self.changed:
            while not self.ended:
                run = str(uuid.uuid4())
                got = await self.claim(worker, run)
                if not isinstance(got, Stop):
                    item = together(got)
                    if item.round != self.round:
                        await self.open(item.round)
                    for each in item.batch:
                        self.tell("begun", engine=engine.name, round=each.round, lineage=each.lineage)
                    return item, run
                if got.why is Why.FINISHED:
                    self.ended = Ended("finished")
                elif got.why is not Why.WAIT:
                    self.ended = Ended("paused", got.text)
                else:
                    await self.changed.wait()
            self.changed.notify_all()
            for other in self.halt.idle - {asyncio.current_task()}:
                other.cancel()  # some engine may never be ready
            return None

    async def claim(self, worker: str, run: str) -> Sequence[Item] | Stop:
        """Claims in a thread. Cancelled, it gives back what it got."""
        claim = partial(self.chain.claim, run, worker=worker, most=self.batch_size, alike=alike)
        claiming = asyncio.create_task(asyncio.to_thread(claim))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            got = await claiming
            if not isinstance(got, Stop):
                await asyncio.to_thread(self.chain.give_back, got)
            raise

    async def open(self, round_: int) -> None:
        """Tells that another round is worked on."""
        status = await asyncio.to_thread(self.chain.ledger.status)
        self.round, self.done, self.total = round_, status.done, status.total
        self.tell("round", round=round_, done=self.done, total=self.total)

    async def make(self, item: Item, run: str, engine: Engine) -> list[tuple[Item, Made]]:
        """Lets the engine make an item and those beside it. What does not come to a good end is settled, what is not made is given
        back. Raises EngineLost."""
        try:
            jobs = [job for each in item.batch if (job := await self.prepare(replace(each, beside=())))]
            if not jobs:
                return []
            item = together([job.item for job in jobs])
            made = await engine.make(replace(jobs[0], beside=tuple(jobs[1:])), run)
            if left := item.batch[len(made.batch) :]:
                await asyncio.to_thread(self.chain.give_back, left)
                await self.free()
            return list(zip(item.batch, made.batch, strict=False))
        except JobFailed as error:
            await self.settle(item, Outcome(error.reason, str(error)))
        except EngineLost as error:
            self.tell("lost", engine=engine.name, error=str(error), back=True)
            await self.settle(item, Outcome(Reason.DIED, str(error)))
            raise
        except asyncio.CancelledError:
            await self.settle(item, Outcome(Reason.INTERRUPTED))
            raise
        except Exception as error:  # a fault of one engine must not end a night's work
            log.exception("%s failed on item %s", engine.name, item.lineage)
            await self.settle(item, Outcome(Reason.ERROR, f"{type(error).__name__}: {error}"))
        return []

    async def prepare(self, item: Item) -> Job | None:
        """The job of one item. None: there is none, and the item is settled."""
        try:
            return await asyncio.to_thread(self.job, item)
        except Unreadable as error:
            if await asyncio.to_thread(self.chain.skip, item, str(error)):
                self.tell("skipped", round=item.round, lineage=item.lineage, error=str(error))
            await self.free()
        except JobFailed as error:
            await self.settle(item, Outcome(error.reason, str(error)))
        except Exception as error:  # as in make()
            log.exception("Item %s cannot be asked for", item.lineage)
            await self.settle(item, Outcome(Reason.ERROR, f"{type(error).__name__}: {error}"))
        return None

    async def keep(self, made: Sequence[tuple[Item, Made]], engine: Engine) -> None:
        """Writes and commits what was made, each item by itself."""
        for item, its in made:
            await self.keep_one(item, its, engine)

    async def keep_one(self, item: Item, made: Made, engine: Engine) -> None:
        try:
            files = await asyncio.to_thread(self.chain.keep, item, made)
        except (sqlite3.Error, Unwritable):
            raise
        except Told as error:
            await self.settle(item, outcome_of(error))
            return
        except Exception as error:  # as in make()
            log.exception("What %s made of item %s cannot be kept", engine.name, item.lineage)
            await self.settle(item, Outcome(Reason.ERROR, f"{type(error).__name__}: {error}"))
            return
        if item.phase == "describe":
            self.tell("described", engine=engine.name, round=item.round, lineage=item.lineage)
        else:
            self.done += 1
            self.count += 1
            self.tell(
                "done",
                engine=engine.name,
                round=item.round,
                lineage=item.lineage,
                files=files,
                done=self.done,
                total=self.total,
            )
        await self.free()

    async def settle(self, item: Item, outcome: Outcome) -> None:
        await asyncio.to_thread(self.chain.settle, item, outcome)
        if outcome.reason in (Reason.ERROR, Reason.NO_SPACE):
            if item.beside:
                lineages = [each.lineage for each in item.batch]
                self.tell("apart", round=item.round, lineages=lineages, error=outcome.text)
            else:
                self.tell("failed", round=item.round, lineage=item.lineage, error=outcome.text)
        await self.free()

    async def free(self) -> None:
        """Somebody has ended work on an item."""
        async with self.changed:
            self.changed.notify_all()

"""Engines on other machines, through Ray: one actor holds one engine.

Ray places the actors, starts them again where there is room when they or their machine die, and carries jobs and
pictures. It never repeats a try by itself: which item is made again, and by whom, is the driver's business.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from itertools import cycle
from typing import Any, Protocol

from ..session.made import Made
from .job import Engine, EngineLost, Job

log = logging.getLogger(__name__)

STORE = 256 * 2**20
"""Bytes of Ray's object store where we start Ray ourselves: jobs and pictures on their way, never more than two a worker."""

PATIENCE = 30.0
"""Seconds that a worker gets to stop, or to end what it started; a head node to answer."""

PAUSES = (1, 2, 4, 8, 16, 32, 64)
"""Seconds from one attempt to reach a worker to the next, before it is given up: it may die again and again, and Ray needs
half a minute to believe that a machine is gone."""


class Build(Protocol):
    """Makes a worker's engine, on the worker's machine. Must be picklable: a function of a module, or a partial of one."""

    def __call__(self) -> Engine: ...


@contextmanager
def connect(address: str) -> Generator[None]:
    """Joins a Ray cluster for as long as the block lasts; actors that are left then end.

    What Ray prints goes to stderr meanwhile: stdout belongs to those who read our output.

    Args:
        address: ``HOST:PORT`` of the head node; ``auto``: the cluster that this machine belongs to; ``local``: a cluster of
            this machine alone, which ends with the block.

    Raises:
        ConnectionError: there is no such cluster, or it has another Python or Ray.
        ModuleNotFoundError: there is no Ray here.
        Told: the address is none.
    """
    ray = _ray()
    started: dict[str, Any] = {"object_store_memory": STORE, "include_dashboard": False} if address == "local" else {}
    with redirect_stdout(sys.stderr):
        try:
            host, _, port = address.rpartition(":")
            if port.isdigit():  # Ray itself would try for minutes
                socket.create_connection((host, int(port)), PATIENCE).close()
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **started)
        except (OSError, RuntimeError) as error:
            raise ConnectionError(
                f"No Ray cluster at {address!r}: {error}\nRun `ray start --head` on one machine and `ray start --address"
                " HOST:6379` on the others and on this one; `local` uses the devices of this machine. See docs/cluster.md."
            ) from error
        try:
            yield
        finally:
            ray.shutdown()


def places(gpus: float = 1) -> int:
    """How many workers the cluster has room for now: by its GPUs, or one a machine where it has none.

    Args:
        gpus: how much of a GPU each worker takes; 0: they are not counted.
    """
    if gpus and (there := _gpus()):
        return max(1, int(there / gpus))
    return max(1, len(_machines()))


def workers(builds: Sequence[Build], gpus: float = 1) -> list[Engine]:
    """One worker for each of ``builds``, spread over the cluster. Those for which there is no room yet come later.

    Args:
        gpus: how much of a GPU each takes where the cluster has GPUs; CUDA_VISIBLE_DEVICES says which one it got.
    """
    # What is asked while an actor is started again waits.
    actor: Any = _ray().remote(max_restarts=-1, max_task_retries=-1)(_Seat)
    wishes = cycle(_wishes(gpus))
    return [
        Worker(actor.options(**wish).remote(build), f"worker {number}")
        for number, (build, wish) in enumerate(zip(builds, wishes, strict=False), 1)
    ]


class Worker:
    """An engine on another machine, as the driver sees it."""

    def __init__(self, seat: Any, name: str) -> None:
        self._seat = seat
        self._name = self._long_name = name
        self._left: list[str] = []
        self._there = False

    @property
    def name(self) -> str:
        return self._long_name

    async def ready(self) -> None:
        """Waits until Ray has found a place for the worker, again if need be, and its engine is ready.

        Raises:
            EngineLost: the engine cannot be had there, or dies again and again while it gets ready.
        """
        from ray.exceptions import ActorUnavailableError

        pauses = iter(PAUSES)
        while True:
            try:
                about = await self._call("ready", tuple(self._left))
                break
            except EngineLost as error:
                pause = next(pauses, None)
                if pause is None or not isinstance(error.__cause__, ActorUnavailableError):
                    raise
                await asyncio.sleep(pause)
        self._long_name = f"{self._name}, {about}"
        self._left.clear()
        self._there = True

    async def make(self, job: Job, run: str) -> Made:
        return await self._call("make", job, run)

    async def forget(self, run: str) -> None:
        """Done when the worker is ready: it may have no place yet."""
        self._left.append(run)

    async def close(self) -> None:
        try:
            if self._there:
                await asyncio.wait_for(self._call("close"), PATIENCE)
        except (EngineLost, TimeoutError) as error:
            log.warning("%s did not end by itself: %s", self.name, error or "no answer")
        finally:
            _ray().kill(self._seat)

    async def _call(self, method: str, *args: Any) -> Any:
        """What a method of the actor returns or raises. Cancelled, it waits until the actor has stopped it.

        Raises:
            EngineLost: the actor, its machine or the result is gone.
        """
        from ray.exceptions import RayError, RayTaskError

        ref = getattr(self._seat, method).options(max_task_retries=0).remote(*args)
        answer: asyncio.Future[Any] = asyncio.wrap_future(ref.future())
        try:
            await asyncio.wait([answer])
        except asyncio.CancelledError:
            answer.add_done_callback(lambda each: each.exception())  # nobody asks for it any more
            _ray().cancel(ref)
            await asyncio.wait([answer], timeout=PATIENCE)
            raise
        try:
            return answer.result()
        except RayTaskError as error:
            if isinstance(error.cause, RayError):
                raise self._lost(error.cause) from error
            if isinstance(error.cause, EngineLost):
                raise EngineLost(f"{self._name} {error.cause}") from error
            raise error.cause from error
        except RayError as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> EngineLost:
        self._there = False
        return EngineLost(f"{self.name} is gone: {str(error).strip().splitlines()[-1]}")  # the reason comes last


class _Seat:
    """The actor: holds the engine where the work is done. Its exceptions travel to the driver as they are."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._engine: Engine | None = None

    async def ready(self, left: Sequence[str] = ()) -> str:
        """Builds the engine, lets it drop runs that were left behind, and says what it is and where."""
        with _located():
            try:
                if self._engine is None:
                    self._engine = self._build()
                await self._engine.ready()
                for run in left:
                    await self._engine.forget(run)
            except EngineLost:
                raise
            except Exception as error:
                raise EngineLost(f"{type(error).__name__}: {error}") from error
        return f"{self._engine.name} on {socket.gethostname()}"

    async def make(self, job: Job, run: str) -> Made:
        if self._engine is None:  # the actor was started again after the driver had asked whether it is ready
            await self.ready()
        assert self._engine
        with _located():
            return await self._engine.make(job, run)

    async def close(self) -> None:
        if self._engine:
            await self._engine.close()


@contextmanager
def _located() -> Generator[None]:
    """Says on which machine an engine was lost."""
    try:
        yield
    except EngineLost as error:
        raise EngineLost(f"on {socket.gethostname()}: {error}") from error


def _wishes(gpus: float) -> list[dict[str, Any]]:
    """What Ray is asked for, worker by worker in turn."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if gpus and _gpus():
        return [{"num_gpus": gpus, "num_cpus": 0, "scheduling_strategy": "SPREAD"}]
    # Ray's SPREAD puts two on the neighbour of a machine that has no room. A soft wish is given up when the machine dies.
    return [{"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=True)} for node in _machines()] or [{}]


def _machines() -> list[str]:
    """Ray's ids of the machines that work; a head node may have nothing to give."""
    return [node["NodeID"] for node in _ray().nodes() if node["Alive"] and node["Resources"].get("CPU")]


def _gpus() -> float:
    return _ray().cluster_resources().get("GPU", 0)


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "A cluster needs Ray. Run: pip install -r requirements-cluster.txt", name=error.name
        ) from None
    return ray

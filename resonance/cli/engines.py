"""The engines that a command works with."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..drive.comfyui import ComfyUI, Recipe, Server
from ..drive.job import Engine, EngineLost
from ..roulette import Plan, PlanError, parse
from .llm import VisionModel

if TYPE_CHECKING:
    from ..drive.embedded.engine import Setup


class Build(Protocol):
    """Makes an engine, here or on the machine of a worker, which has a ``number``."""

    def __call__(self, *, number: int = 1) -> Engine: ...


@dataclass(frozen=True)
class Embedding:
    """What is to be done without ComfyUI, as the options say."""

    model: str
    models: Path | None
    roulette: Path | None
    tagger: str
    taggers: Path | None
    language: VisionModel
    preamble: str
    suffix: str
    negative: str
    banned: str
    steps: int | None
    cfg: float | None
    sampler: str
    size: str
    device: str
    dtype: str
    download: bool

    def plan(self) -> Plan | None:
        """What is drawn for each picture. Raises PlanError or ValueError if it cannot be."""
        if self.roulette is None:
            return None
        if self.models is None:
            raise ValueError(
                "Where are the models of the roulette? Pass --models, a folder with checkpoints/ and loras/."
            )
        checkpoints, loras = (_files(self.models / kind) for kind in ("checkpoints", "loras"))
        return parse(self.roulette.read_text("utf-8-sig")).expand(checkpoints, loras)

    def setup(self) -> "Setup":
        """Raises ValueError where it does not fit together."""
        from ..drive.embedded.describer import TOYWORLD, Captioning, Tagging
        from ..drive.embedded.engine import Composing, Setup
        from ..drive.embedded.painter import Painting

        llm = self.language.llm
        tagger = self.tagger or (TOYWORLD if self.model == TOYWORLD and not llm else "")
        if not (tagger or llm):
            raise ValueError("What is to put the pictures into words? Pass --tagger, --llm, or both.")
        roots = (self.taggers,) if self.taggers else ()
        return Setup(
            Painting(
                "" if self.roulette else self.model,
                self.models,
                self.download,
                steps=self.steps,
                cfg=self.cfg,
                sampler=self.sampler,
                sizes=_size(self.size),
                device=self.device,
                dtype=self.dtype,
            ),
            Tagging(tagger=tagger, roots=roots, download=self.download) if tagger else None,
            Captioning(llm=self.language.which()) if llm else None,
            Composing(preamble=self.preamble, suffix=self.suffix, negative=self.negative, banned=self.banned),
        )


@dataclass(frozen=True)
class Engines:
    """Where pictures are made, as the options say.

    Attributes:
        servers: addresses of running ComfyUIs.
        start: folder of one to start where there are no addresses.
        args: arguments of the one that is started.
        embedding: goes before all of these.
        cluster: address of a Ray cluster on whose machines the engines are, each with a worker; empty: they are here.
        workers: how many; None: as many as the cluster has room for.
    """

    servers: tuple[str, ...] = ()
    start: Path | None = None
    args: tuple[str, ...] = ()
    embedding: Embedding | None = None
    cluster: str = ""
    workers: int | None = None

    def builds(self, recipe: Recipe | None, folder: Path) -> list[Build]:
        """One for each engine.

        Args:
            recipe: what ComfyUI is to do with a job.
            folder: for the log and the temporary files of a ComfyUI that is started.

        Raises:
            ValueError: there is nothing that could make pictures.
        """
        if self.embedding:
            return [partial(_embedded, self.embedding.setup())]
        assert recipe
        if self.servers:
            for address in self.servers:
                Server(address)  # says what is wrong with it before a session is made
            return [partial(_connected, address, recipe) for address in self.servers]
        if self.start:
            return [partial(_started, self.start, self.args, folder, recipe)]
        raise ValueError(
            "There is no ComfyUI to run the workflow. Give the address of a running one (--server http://127.0.0.1:8188), or"
            " the folder of one to start (--comfyui, or COMFYUI_PATH)."
        )

    @asynccontextmanager
    async def opened(self, builds: Sequence[Build]) -> AsyncGenerator[Sequence[Engine]]:
        """The engines, closed when the block ends. On a cluster the last of ``builds`` is repeated for further workers."""
        with ExitStack() as stack:
            if self.cluster:
                from ..drive import cluster

                stack.enter_context(cluster.connect(self.cluster))
                gpus = 0 if self.servers and not self.embedding else 1  # a server has its own already
                count = self.workers or max(len(builds), cluster.places(gpus))
                last = len(builds) - 1
                seats = [partial(builds[min(number, last)], number=number + 1) for number in range(count)]
                engines = cluster.workers(seats, gpus)
            else:
                engines = [build() for build in builds]
            try:
                yield engines
            finally:
                await asyncio.gather(*(engine.close() for engine in engines))


async def plan_of(text: str, engines: Sequence[Engine]) -> Plan:
    """The plan of a workflow's Model Roulette, with the files that the first ComfyUI has which answers.

    Raises:
        PlanError: it is none, or a file is not there.
        EngineLost: no ComfyUI answers.
    """
    plan = parse(text)
    lost = None
    for engine in engines:
        if not isinstance(engine, HasServer):
            continue
        try:
            await engine.ready()
            return plan.expand(await engine.server.models("checkpoints"), await engine.server.models("loras"))
        except EngineLost as error:
            lost = error
    if lost:
        raise lost
    if any(entry.folder for entry in (*plan.checkpoints, *plan.loras)):
        raise PlanError("On a cluster the plan must name files: nobody here can look into the folders of its machines.")
    return plan


@runtime_checkable
class HasServer(Protocol):
    """An engine whose ComfyUI can be asked from here."""

    @property
    def server(self) -> Server: ...

    async def ready(self) -> None: ...


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors")]


def _size(text: str) -> dict[str, int]:
    if not text:
        return {}
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError(f"--size is a width and a height in pixels such as 768x512, got {text!r}.")
    return {"width": int(width), "height": int(height)}


def _embedded(setup: "Setup", *, number: int = 1) -> Engine:
    from ..drive.embedded.engine import Embedded

    return Embedded(setup)


def _connected(address: str, recipe: Recipe, *, number: int = 1) -> Engine:
    return ComfyUI(Server(address), recipe)


def _started(comfyui: Path, args: tuple[str, ...], folder: Path, recipe: Recipe, *, number: int = 1) -> Engine:
    try:
        from .server import Launch, StartedComfyUI
    except ModuleNotFoundError:
        raise ValueError(
            "This copy of Resonance came from the registry, which ships nothing that starts programs. Start ComfyUI yourself"
            " and pass --server http://127.0.0.1:8188."
        ) from None
    return StartedComfyUI(Launch(comfyui, folder / str(number), args=args), recipe)

"""The engines that a command works with."""

import asyncio
import shlex
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, Self, runtime_checkable

import typer

from .. import prompt
from ..drive.embedded import settings
from ..drive.job import Engine, EngineLost
from ..roulette import Plan, PlanError, parse
from ..told import Told
from ..typed import narrow
from .llm import VisionModel
from .options import HERE, TEXT, Banned, Device, Download, Preamble, Suffix, Tagger, Taggers, option
from .places import Places

# What takes long to import is imported when it is needed: the help should come at once.
if TYPE_CHECKING:
    from ..drive.comfyui import Recipe, Server
    from ..drive.embedded.engine import Setup
    from ..drive.embedded.painter import Painting

ENGINES = "ComfyUI, one or several"
"""Panel of the help."""


ComfyUIArgs = Annotated[
    str,
    typer.Option(
        "--comfyui-args",
        metavar="ARGUMENTS",
        help='For a ComfyUI that the command starts, such as "--lowvram".',
        rich_help_panel=ENGINES,
    ),
]


class Build(Protocol):
    """Makes an engine, here or on the machine of a worker, which has a ``number``."""

    def __call__(self, *, number: int = 1) -> Engine: ...


@dataclass(frozen=True, kw_only=True)
class PaintOptions:
    """The model that paints without ComfyUI, as the options say."""

    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="A folder or checkpoint for diffusers, a hub id (fetched only with --download), or toyworld. To explore or"
            " vary with --server: the name of a checkpoint there.",
            rich_help_panel=HERE,
        ),
    ] = ""
    models: Annotated[
        Path | None,
        typer.Option(
            "--models",
            metavar="FOLDER",
            help="The folder that holds checkpoints/ and loras/. Default: ComfyUI's models.",
            rich_help_panel=HERE,
        ),
    ] = None
    sampler: Annotated[str, option(settings.SAMPLER, panel=HERE)] = settings.SAMPLER.default
    device: Device = settings.DEVICE.default
    dtype: Annotated[str, option(settings.DTYPE, panel=HERE)] = settings.DTYPE.default
    download: Download = False

    @property
    def named(self) -> bool:
        """Whether the options say what paints."""
        return bool(self.model)

    def filled(self, places: Places) -> Self | None:
        """With the folders that were not given; None where ComfyUI is to make the pictures."""
        if not self.named:
            return None
        return replace(self, models=self.models or (places.comfyui / "models" if places.comfyui else None))

    def plan(self) -> Plan | None:
        """What is drawn for each picture, if anything is. Raises Told if it cannot be."""
        return None

    def painting(self) -> "Painting":
        from ..drive.embedded.painter import Painting

        return Painting(
            model=self.model,
            models=self.models,
            download=self.download,
            sampler=self.sampler,
            device=self.device,
            dtype=self.dtype,
        )

    def setup(self) -> "Setup":
        """Raises Told where it does not fit together."""
        from ..drive.embedded.engine import Setup

        return Setup(painting=self.painting())


@dataclass(frozen=True, kw_only=True)
class Checkpoint(PaintOptions):
    """The model that paints, on ComfyUI servers too, as the options say."""

    scheduler: Annotated[
        str, typer.Option("--scheduler", help="For --model with --server.", rich_help_panel=ENGINES)
    ] = "ddim_uniform"


@dataclass(frozen=True, kw_only=True)
class Embedding(PaintOptions):
    """What is to be done without ComfyUI, as the options say: pictures into words, too."""

    roulette: Annotated[
        Path | None,
        typer.Option(
            "--roulette",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The text of a Model Roulette: checkpoint and LoRAs are drawn for each picture, instead of --model.",
            rich_help_panel=HERE,
        ),
    ] = None
    tagger: Tagger = ""
    taggers: Taggers = None
    steps: Annotated[int | None, option(settings.STEPS, panel=HERE)] = settings.STEPS.default
    cfg: Annotated[float | None, option(settings.CFG, panel=HERE)] = settings.CFG.default
    size: Annotated[str, option(settings.SIZE, panel=HERE)] = settings.SIZE.default
    preamble: Preamble = ""
    suffix: Suffix = ""
    negative: Annotated[str, option(prompt.NEGATIVE, panel=TEXT)] = ""
    banned: Banned = ""
    language: VisionModel = VisionModel()

    @property
    def named(self) -> bool:
        return bool(self.model or self.roulette)

    def filled(self, places: Places) -> Self | None:
        filled = super().filled(places)
        if filled and filled.models and not filled.taggers:
            return replace(filled, taggers=filled.models / "taggers")
        return filled

    def plan(self) -> Plan | None:
        if self.roulette is None:
            return None
        if self.models is None:
            raise Told("Where are the models of the roulette? Pass --models, a folder with checkpoints/ and loras/.")
        checkpoints, loras = (_files(self.models / kind) for kind in ("checkpoints", "loras"))
        try:
            text = self.roulette.read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise Told(f"{self.roulette} is not text in UTF-8.") from None
        return parse(text).expand(checkpoints, loras)

    def painting(self) -> "Painting":
        model = "" if self.roulette else self.model
        return replace(super().painting(), model=model, steps=self.steps, cfg=self.cfg, sizes=_size(self.size))

    def setup(self) -> "Setup":
        from ..drive.embedded.describer import TOYWORLD, Captioning, Tagging
        from ..drive.embedded.engine import Composing

        llm = self.language.llm
        tagger = self.tagger or (TOYWORLD if self.model == TOYWORLD and not llm else "")
        if not (tagger or llm):
            raise Told("What is to put the pictures into words? Pass --tagger, --llm, or both.")
        roots = (self.taggers,) if self.taggers else ()
        return replace(
            super().setup(),
            tagging=Tagging(tagger=tagger, roots=roots, download=self.download) if tagger else None,
            captioning=Captioning(llm=self.language.which()) if llm else None,
            composing=Composing(preamble=self.preamble, suffix=self.suffix, negative=self.negative, banned=self.banned),
        )


@dataclass(frozen=True, kw_only=True)
class ComfyServers:
    """The ComfyUI servers that make pictures, as the options say."""

    servers: Annotated[
        list[str] | None,
        typer.Option(
            "--server",
            metavar="ADDRESS",
            help="Address of a running ComfyUI; can be given several times.",
            rich_help_panel=ENGINES,
        ),
    ] = None
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster",
            metavar="auto|ADDRESS|local",
            help="Work on the machines of a Ray cluster.",
            rich_help_panel=ENGINES,
        ),
    ] = ""
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="How many workers the cluster gets. Default: one for each GPU, or for each machine.",
            rich_help_panel=ENGINES,
        ),
    ] = None

    def connecting(self, recipe: "Recipe") -> list[Build]:
        """One for each server. Raises Told if an address is none."""
        from ..drive.comfyui import Server

        for address in self.servers or ():
            Server(address)  # says what is wrong with it before a session is made
        return [partial(_connected, address, recipe) for address in self.servers or ()]

    @asynccontextmanager
    async def opened(self, builds: Sequence[Build]) -> AsyncGenerator[Sequence[Engine]]:
        """The engines, closed when the block ends. On a cluster the last of ``builds`` is repeated for further workers."""
        with ExitStack() as stack:
            if self.cluster:
                from ..drive import cluster

                stack.enter_context(cluster.connect(self.cluster))
                gpus = 0 if self.have_gpus else 1
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

    @property
    def have_gpus(self) -> bool:
        """Whether the engines need none of the cluster's: a server has its own."""
        return bool(self.servers)


@dataclass(frozen=True, kw_only=True)
class Engines(ComfyServers):
    """Where pictures are made, as the options say.

    Attributes:
        start: folder of a ComfyUI to start where there are no addresses.
        embedding: goes before all ComfyUIs.
    """

    comfyui_args: ComfyUIArgs = ""
    start: Path | None = None
    embedding: PaintOptions | None = None

    @property
    def have_gpus(self) -> bool:
        return super().have_gpus and not self.embedding

    def filled(self, places: Places, embedding: PaintOptions | None) -> "Engines":
        return replace(self, start=places.comfyui, embedding=embedding)

    def builds(self, recipe: "Recipe | None", folder: Path) -> list[Build]:
        """One for each engine.

        Args:
            recipe: what ComfyUI is to do with a job.
            folder: for the log and the temporary files of a ComfyUI that is started.

        Raises:
            Told: there is nothing that could make pictures.
        """
        if self.embedding:
            return [partial(_embedded, self.embedding.setup())]
        assert recipe
        args = _split(self.comfyui_args)
        if self.servers:
            return self.connecting(recipe)
        if self.start:
            return [partial(_started, self.start, args, folder, recipe)]
        raise Told(
            "There is no ComfyUI to run the workflow. Give the address of a running one (--server http://127.0.0.1:8188), or"
            " the folder of one to start (--comfyui, or COMFYUI_PATH)."
        )


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
    def server(self) -> "Server": ...

    async def ready(self) -> None: ...


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors")]


def _size(text: str) -> dict[str, int]:
    if not text:
        return {}
    width, _, height = narrow(text).lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise Told(f"--size is a width and a height in pixels such as 768x512, got {text!r}.")
    return {"width": int(width), "height": int(height)}


def _embedded(setup: "Setup", *, number: int = 1) -> Engine:
    from ..drive.embedded.engine import Embedded

    return Embedded(setup)


def _connected(address: str, recipe: "Recipe", *, number: int = 1) -> Engine:
    from ..drive.comfyui import ComfyUI, Server

    return ComfyUI(Server(address), recipe)


def _started(comfyui: Path, args: tuple[str, ...], folder: Path, recipe: "Recipe", *, number: int = 1) -> Engine:
    try:
        from .server import Launch, StartedComfyUI
    except ModuleNotFoundError:
        raise Told(
            "This copy of Resonance came from the registry, which ships nothing that starts programs. Start ComfyUI yourself"
            " and pass --server http://127.0.0.1:8188."
        ) from None
    return StartedComfyUI(Launch(comfyui, folder / str(number), args=args), recipe)


def _split(args: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(args))
    except ValueError as error:
        raise Told(f"--comfyui-args {args!r}: {error}.") from None

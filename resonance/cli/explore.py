"""`resonance explore`: every combination of prompts, aspects and scales, seed after seed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..session.naming import FolderRule, NameRule
from ..told import Told
from .output import AsJSON, Debug, Output
from .places import ComfyUIOption, InputOption, OutputOption, Places

EXPLORED, FILES, ENGINES = "What is explored", "Files", "What makes the pictures"
"""Panels of the help."""

Family = Literal["batch CLI", "SD1.5", "SDXL"]
Rule = Literal["S", "H", "fixed"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the session is to be, as the options say; None: as before."""

    name: str
    prompts: list[str]
    like: str
    aspects: str | None
    sizes: str | None
    scales: str | None
    seeds: int | None
    steps: int | None
    rule: Rule | None
    seed: int
    waits: str
    folder: FolderRule | None
    names: NameRule | None
    workflow: Path | None
    retry: bool
    take: bool
    tries: int


@dataclass(frozen=True, kw_only=True)
class Painters:
    """What makes the pictures, as the options say."""

    model: str
    models: Path | None
    sampler: str
    scheduler: str
    device: str
    dtype: str
    download: bool
    servers: tuple[str, ...]
    comfyui_args: tuple[str, ...]
    cluster: str
    workers: int | None

    @property
    def embedded(self) -> bool:
        """Whether diffusers is to paint, in this process or on a cluster."""
        return bool(self.model) and not self.servers


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explore", no_args_is_help=True)(explore)


def explore(
    name: Annotated[str, typer.Argument(metavar="SESSION", help="The session's name: a folder in the output folder.")],
    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROMPT]...",
            help="What to paint; behind | stands the negative prompt. Lines with only --- part prompts too. Default: as before.",
        ),
    ] = None,
    like: Annotated[
        str,
        typer.Option(
            "--like",
            metavar="PICTURE",
            help="Go on with the prompt of an explored picture, or of the prompt.txt beside it. PROMPT is appended directly:"
            ' write ", in space".',
            rich_help_panel=EXPLORED,
        ),
    ] = "",
    aspects: Annotated[
        str | None,
        typer.Option(
            "--aspects",
            help="portrait, landscape, square, optimal, ratios such as 3:2 and pixels such as 1216x832, with commas between"
            " them. Default: as before, else portrait, landscape.",
            rich_help_panel=EXPLORED,
        ),
    ] = None,
    sizes: Annotated[
        Family | None,
        typer.Option(
            "--sizes",
            help="Which sizes the names of aspects mean, and about how many pixels a ratio gets. Default: as before, else"
            " batch CLI.",
            rich_help_panel=EXPLORED,
        ),
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option(
            "--scales",
            help="Scales of classifier-free guidance, with commas between them. Default: as before, else 6, 9.",
            rich_help_panel=EXPLORED,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            min=0,
            max=1_000_000,
            help="How many seeds; 0: no end. Default: as before, else 12.",
            rich_help_panel=EXPLORED,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, max=10_000, help="The same for every picture.", rich_help_panel=EXPLORED),
    ] = None,
    rule: Annotated[
        Rule | None,
        typer.Option(
            "--steps-rule",
            help="Steps by scale, as the batch CLI had them. S: 10 + 5 x scale. H: 20 + 7 x scale. Default: as before, else S.",
            rich_help_panel=EXPLORED,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            max=2**50 - 1,
            help="The first seed of a new session; the others follow from it.",
            rich_help_panel=EXPLORED,
        ),
    ] = 0,
    folder: Annotated[
        FolderRule | None,
        typer.Option(
            "--folder",
            help="Folders of pictures, as in Round Output. Default: as the workflow says, else prompt hash.",
            rich_help_panel=FILES,
        ),
    ] = None,
    names: Annotated[
        NameRule | None,
        typer.Option(
            "--names",
            help="Names of pictures, as in Round Output. Default: as the workflow says, else variation.",
            rich_help_panel=FILES,
        ),
    ] = None,
    output: OutputOption = None,
    input_: InputOption = None,
    workflow: Annotated[
        Path | None,
        typer.Option(
            "--workflow",
            metavar="FILE",
            help="A workflow with Explore and Round Output, exported as API, or a picture that carries one. Default: the one"
            " that the session was last run with.",
            rich_help_panel=ENGINES,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="With --server the name of a checkpoint there. Without: a folder or checkpoint for diffusers, a hub id, or"
            " toyworld.",
            rich_help_panel=ENGINES,
        ),
    ] = "",
    models: Annotated[
        Path | None,
        typer.Option(
            "--models",
            metavar="FOLDER",
            help="Holds checkpoints/. Default: ComfyUI's models.",
            rich_help_panel=ENGINES,
        ),
    ] = None,
    sampler: Annotated[
        str,
        typer.Option(
            "--sampler", help="For --model. Default: ddim on a server, else the model's own.", rich_help_panel=ENGINES
        ),
    ] = "",
    scheduler: Annotated[
        str, typer.Option("--scheduler", help="For --model with --server.", rich_help_panel=ENGINES)
    ] = "ddim_uniform",
    device: Annotated[
        str, typer.Option("--device", help="auto, cuda, cuda:1, mps, xpu or cpu.", rich_help_panel=ENGINES)
    ] = "auto",
    dtype: Annotated[
        str, typer.Option("--dtype", help="auto, float32, float16 or bfloat16.", rich_help_panel=ENGINES)
    ] = "auto",
    download: Annotated[
        bool, typer.Option("--download", help="A hub id may be fetched.", rich_help_panel=ENGINES)
    ] = False,
    servers: Annotated[
        list[str] | None,
        typer.Option(
            "--server",
            metavar="ADDRESS",
            help="Address of a running ComfyUI; can be given several times.",
            rich_help_panel=ENGINES,
        ),
    ] = None,
    comfyui: ComfyUIOption = None,
    comfyui_args: Annotated[
        str,
        typer.Option(
            "--comfyui-args",
            metavar="ARGUMENTS",
            help='For a ComfyUI that the command starts, such as "--lowvram".',
            rich_help_panel=ENGINES,
        ),
    ] = "",
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster",
            metavar="auto|ADDRESS|local",
            help="Work on the machines of a Ray cluster.",
            rich_help_panel=ENGINES,
        ),
    ] = "",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="How many workers the cluster gets.", rich_help_panel=ENGINES),
    ] = None,
    waits: Annotated[
        str,
        typer.Option(
            "--waits",
            metavar="A,B,C",
            help="Seconds in which a graphics card cools down: after each picture, each third, each ninth.",
            rich_help_panel=ENGINES,
        ),
    ] = "0",
    retry: Annotated[bool, typer.Option("--retry", help="Give what failed three new attempts.")] = False,
    take: Annotated[
        bool,
        typer.Option(
            "--take",
            help="If a --server is working on the session, let it finish its picture and take the session over.",
        ),
    ] = False,
    interactive: Annotated[
        bool,
        typer.Option(
            "--interactive", help="Try prompts first, in SESSION-tries: what you type next says how to go on."
        ),
    ] = False,
    tries: Annotated[int, typer.Option("--tries", min=1, help="Pictures of one try, for --interactive.")] = 3,
    as_json: AsJSON = False,
    debug: Debug = False,
) -> None:
    """Paints every combination of prompts, aspects and scales, seed after seed.

    After a stop or a crash the same command goes on where it was; more prompts, aspects, scales or seeds add what is missing.
    Sessions are those of Explore: one from the browser goes on here once it is paused there, and the other way round.

    resonance explore cliff "a lighthouse, storm|blurry" --scales 6,9 --seeds 12 --model sd15.safetensors

    resonance explore cliff --interactive --workflow my-exploration.json --server http://127.0.0.1:8188
    """
    out = Output(as_json, debug)
    with out.errors():
        if workflow and model:
            raise Told("--workflow says what paints, and so does --model: pass one of them.")
        if steps is not None and rule not in (None, "fixed"):
            raise Told(
                "--steps are the same for every picture, --steps-rule makes them follow the scale: pass one of them."
            )
        from . import exploring
        from .rounds import split

        places = Places.of(comfyui, input_, output)
        asked = Asked(
            name=name,
            prompts=prompts or [],
            like=like,
            aspects=aspects,
            sizes=sizes,
            scales=scales,
            seeds=seeds,
            steps=steps,
            rule="fixed" if steps is not None else rule,
            seed=seed,
            waits=waits,
            folder=folder,
            names=names,
            workflow=workflow,
            retry=retry,
            take=take,
            tries=tries,
        )
        painters = Painters(
            model=model,
            models=models or (places.comfyui / "models" if places.comfyui else None),
            sampler=sampler,
            scheduler=scheduler,
            device=device,
            dtype=dtype,
            download=download,
            servers=tuple(servers or ()),
            comfyui_args=split(comfyui_args),
            cluster=cluster,
            workers=workers,
        )
        (exploring.interactive if interactive else exploring.run)(asked, places, painters, out)

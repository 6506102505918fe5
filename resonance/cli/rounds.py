"""`resonance rounds`: a session of rounds, or img2tag2img's own job."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ..told import Told
from . import llm as language
from .output import AsJSON, Debug, Output
from .places import ComfyUIOption, InputOption, OutputOption, Places

SESSION = "A session"
ENGINES = "ComfyUI, one or several"
EMBEDDED = "Without ComfyUI"
IMG2TAG2IMG = "img2tag2img's own job"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    settings = {"ignore_unknown_options": True}
    app.command("rounds", no_args_is_help=True, context_settings=settings)(rounds)


def rounds(
    target: Annotated[
        str, typer.Argument(metavar="SESSION|WORKFLOW.json", help="A session's name, or img2tag2img's workflow.")
    ] = "",
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIRST NEXT ...]",
            help="With a workflow: the folders of its chain, below paths.archive, and then any key of the configuration as"
            " --key VALUE.",
        ),
    ] = None,
    first: Annotated[
        str,
        typer.Option(
            "--first",
            help="Folder of the first round's pictures: on disk, or as Round Input has it. Needed once.",
            rich_help_panel=SESSION,
        ),
    ] = "",
    count: Annotated[
        int | None,
        typer.Option(
            "--rounds",
            min=0,
            help="How many rounds to make; 0: no end. Default: 3, or as before.",
            rich_help_panel=SESSION,
        ),
    ] = None,
    workflow: Annotated[
        Path | None,
        typer.Option(
            "--workflow",
            help="A workflow with Round Input and Round Output, exported as API, or a picture that carries one. Default: the"
            " one that the session was run with last.",
            rich_help_panel=SESSION,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=2**50 - 1,
            help="Of a new session. Default: 0, for folders random.",
            rich_help_panel=SESSION,
        ),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="What failed or could not be read is tried again.", rich_help_panel=SESSION)
    ] = False,
    take: Annotated[
        bool,
        typer.Option(
            "--take",
            help="A --server works on the session: let it finish its picture and take the session over.",
            rich_help_panel=SESSION,
        ),
    ] = False,
    output: OutputOption = None,
    input_: InputOption = None,
    servers: Annotated[
        list[str] | None,
        typer.Option(
            "--server", help="Address of a running ComfyUI; may be given several times.", rich_help_panel=ENGINES
        ),
    ] = None,
    comfyui: ComfyUIOption = None,
    comfyui_args: Annotated[
        str,
        typer.Option(
            "--comfyui-args", help='For a ComfyUI that is started, such as "--lowvram".', rich_help_panel=ENGINES
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
        typer.Option(
            "--workers", min=1, help="Of the cluster. Default: its GPUs, else machines.", rich_help_panel=ENGINES
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model", help="A folder or checkpoint for diffusers, a hub id, or toyworld.", rich_help_panel=EMBEDDED
        ),
    ] = "",
    models: Annotated[
        Path | None,
        typer.Option(
            "--models", help="Where checkpoints/ and loras/ are; else ComfyUI's models.", rich_help_panel=EMBEDDED
        ),
    ] = None,
    roulette: Annotated[
        Path | None,
        typer.Option(
            "--roulette",
            exists=True,
            dir_okay=False,
            help="The text of a Model Roulette: checkpoint and LoRAs are drawn for each picture, instead of --model.",
            rich_help_panel=EMBEDDED,
        ),
    ] = None,
    tagger: Annotated[
        str, typer.Option("--tagger", help="A tagger's folder, or its name below --taggers.", rich_help_panel=EMBEDDED)
    ] = "",
    taggers: Annotated[
        Path | None,
        typer.Option("--taggers", help="Where taggers are; else ComfyUI's models/taggers.", rich_help_panel=EMBEDDED),
    ] = None,
    llm: language.LLM = "",
    llm_model: Annotated[
        str, typer.Option("--llm-model", help="Name of the model on the --llm server.", rich_help_panel=language.PANEL)
    ] = "",
    mmproj: language.MMProj = None,
    keys: language.Keys = language.KEYS_FILE,
    preamble: Annotated[
        str | None, typer.Option("--preamble", help="Stands before the words.", rich_help_panel=EMBEDDED)
    ] = None,
    suffix: Annotated[str, typer.Option("--suffix", help="Stands behind them.", rich_help_panel=EMBEDDED)] = "",
    negative: Annotated[
        str | None, typer.Option("--negative", help="The negative prompt.", rich_help_panel=EMBEDDED)
    ] = None,
    banned: Annotated[
        str, typer.Option("--banned", help="Tags to leave out, with commas between.", rich_help_panel=EMBEDDED)
    ] = "",
    steps: Annotated[
        int | None,
        typer.Option("--steps", help="Of the sampler. Default: what the model takes.", rich_help_panel=EMBEDDED),
    ] = None,
    cfg: Annotated[
        float | None, typer.Option("--cfg", help="Guidance. Default: what the model takes.", rich_help_panel=EMBEDDED)
    ] = None,
    sampler: Annotated[
        str, typer.Option("--sampler", help="euler, euler_ancestral, dpmpp_2m, ddim, ...", rich_help_panel=EMBEDDED)
    ] = "",
    size: Annotated[
        str,
        typer.Option(
            "--size",
            help="768x512; default: as the picture's aspect, about the model's own size.",
            rich_help_panel=EMBEDDED,
        ),
    ] = "",
    device: Annotated[
        str, typer.Option("--device", help="auto, cuda, cuda:1, mps, xpu or cpu.", rich_help_panel=EMBEDDED)
    ] = "auto",
    dtype: Annotated[
        str, typer.Option("--dtype", help="auto, float32, float16 or bfloat16.", rich_help_panel=EMBEDDED)
    ] = "auto",
    download: Annotated[
        bool,
        typer.Option("--download", help="A hub id, or a known tagger, may be fetched.", rich_help_panel=EMBEDDED),
    ] = False,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config_file",
            "--config-file",
            help="TOML or INI. Default: default.toml or default.ini here.",
            rich_help_panel=IMG2TAG2IMG,
        ),
    ] = None,
    dump: Annotated[
        bool, typer.Option("--dump", help="Write the graphs here, queue nothing.", rich_help_panel=IMG2TAG2IMG)
    ] = False,
    sort: Annotated[
        bool, typer.Option("--sort", help="Order each round by checkpoint and LoRAs.", rich_help_panel=IMG2TAG2IMG)
    ] = False,
    rehydrate: Annotated[
        Path | None,
        typer.Option("--rehydrate", help="Queue a saved GET /queue again.", rich_help_panel=IMG2TAG2IMG),
    ] = None,
    as_json: AsJSON = False,
    debug: Debug = False,
) -> None:
    """Rounds from a shell: pictures into words into pictures, for as long as there is disk.

    SESSION is a folder of the output folder, the same that Round Input works on. Stopped or killed, the same command goes on
    where it was. A session that was begun in the browser goes on here, and the other way round, when it is paused there.
    """
    out = Output(as_json, debug)
    with out.errors():
        from .engines import Embedding, Engines

        places = Places.of(comfyui, input_, output)
        embedding = None
        if model or roulette:
            if models is None and places.comfyui:
                models = places.comfyui / "models"
            if taggers is None and models:
                taggers = models / "taggers"
            embedding = Embedding(
                *(model, models, roulette),
                *(tagger, taggers, llm, llm_model, mmproj, keys),
                *(preamble or "", suffix, negative or "", banned),
                *(steps, cfg, sampler, size, device, dtype, download),
            )
        engines = Engines(tuple(servers or ()), places.comfyui, split(comfyui_args), embedding, cluster, workers)
        if rehydrate or (target.endswith(".json") and folders):
            from . import folders as chain

            given = {"--preamble": preamble, "--negative": negative, "--steps": steps, "--cfg": cfg}
            keys_ = [word for key, value in given.items() if value is not None for word in (key, str(value))]
            if rehydrate:
                chain.rehydrate(rehydrate, engines, out)
            else:
                words = [*(folders or []), *keys_]
                chain.run(chain.Asked(Path(target), words, config_file, seed, dump, sort, retry), engines, out)
        else:
            from .session import Asked, run

            if folders:
                stray = next((word for word in (target, *folders) if word.startswith("-")), folders[0])
                raise Told(f"A session takes no {stray!r}: see resonance rounds --help.")
            if workflow and embedding:
                raise Told("--workflow is run by ComfyUI, --model and --roulette without it: pass one of them.")
            run(Asked(target, first, count, workflow, seed or 0, retry, take), places, engines, out)


def split(args: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(args))
    except ValueError as error:
        raise Told(f"--comfyui-args {args!r}: {error}.") from None

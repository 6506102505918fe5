"""`resonance describe`: the pictures of a folder into words."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..llm.caption import INSTRUCTION, SYSTEM
from ..llm.chat import Sampling
from ..prompt import ORDERS, compose
from ..told import Told
from . import llm as language
from .output import INTERRUPTED, AsJSON, Debug, Output
from .places import ComfyUIOption, find_comfyui

if TYPE_CHECKING:
    from ..interpret.descriptions import Kept

TAGS, CAPTIONS, TEXT = "Tags", "Captions", "The text"
"""Panels of the help."""

Order = Literal["by category", "by category, best first", "best first"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("describe", no_args_is_help=True)(describe)


def describe(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The pictures; those in its subfolders too.")
    ],
    to: Annotated[
        Literal["txt", "jsonl", "csv"],
        typer.Option(
            "--to",
            help="txt: a.txt beside a.png, as trainers read them. jsonl, csv: one file with file_name, text, tags, caption "
            "and rating of each picture.",
        ),
    ] = "txt",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            dir_okay=False,
            help="The file for jsonl and csv; else metadata.jsonl or metadata.csv in FOLDER.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Describes also what has been described already.")
    ] = False,
    as_json: AsJSON = False,
    debug: Debug = False,
    tagger: Annotated[
        str,
        typer.Option(
            "--tagger",
            metavar="NAME|FOLDER",
            help="A tagger: its folder, or the name of one below --taggers, or toyworld.",
            rich_help_panel=TAGS,
        ),
    ] = "",
    taggers: Annotated[
        Path | None,
        typer.Option(
            "--taggers",
            metavar="FOLDER",
            help="Where taggers are; else ComfyUI's models/taggers.",
            rich_help_panel=TAGS,
        ),
    ] = None,
    comfyui: ComfyUIOption = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Fetches missing files of a known tagger from the Hugging Face hub (0.3 to 1.4 GB). Goes on where it stopped.",
            rich_help_panel=TAGS,
        ),
    ] = False,
    engine: Annotated[
        Literal["auto", "torch", "onnx"],
        typer.Option("--engine", help="auto: torch where its files are there, else onnx.", rich_help_panel=TAGS),
    ] = "auto",
    device: Annotated[
        str, typer.Option("--device", help="auto, cuda, cuda:1, mps, xpu or cpu.", rich_help_panel=TAGS)
    ] = "auto",
    batch: Annotated[
        int,
        typer.Option(
            "--batch",
            min=0,
            help="Pictures the tagger gets at once; 0: 8 on a graphics card, 1 on the CPU.",
            rich_help_panel=TAGS,
        ),
    ] = 0,
    general_threshold: Annotated[
        float | None,
        typer.Option(
            "--general-threshold",
            min=0.0,
            max=1.0,
            help="Score that a tag must pass; else the model's own, for WD 0.35. Also for categories other than character.",
            rich_help_panel=TAGS,
        ),
    ] = None,
    character_threshold: Annotated[
        float | None,
        typer.Option(
            "--character-threshold",
            min=0.0,
            max=1.0,
            help="Score that the name of a character must pass; else the model's own, for WD 0.85.",
            rich_help_panel=TAGS,
        ),
    ] = None,
    general_mcut: Annotated[
        bool,
        typer.Option(
            "--general-mcut",
            help="Finds the threshold of general tags per picture: the middle of the widest gap between scores.",
            rich_help_panel=TAGS,
        ),
    ] = False,
    character_mcut: Annotated[
        bool,
        typer.Option("--character-mcut", help="The same for characters, but never below 0.15.", rich_help_panel=TAGS),
    ] = False,
    exclude: Annotated[
        str,
        typer.Option(
            "--exclude",
            metavar="TAGS",
            help="Tags to leave out, separated by commas. Case, underscores and escapes do not matter.",
            rich_help_panel=TAGS,
        ),
    ] = "",
    tag_order: Annotated[
        Order,
        typer.Option(
            "--tag-order",
            help="by category: in the order of the model's list. best first: by score.",
            rich_help_panel=TAGS,
        ),
    ] = "by category",
    maximum: Annotated[
        int,
        typer.Option("--maximum", min=0, help="Keeps only so many tags, the best; 0: all.", rich_help_panel=TAGS),
    ] = 0,
    categories: Annotated[
        str,
        typer.Option("--categories", help="Categories that are written, in this order.", rich_help_panel=TAGS),
    ] = "character, general",
    underscores: Annotated[
        bool,
        typer.Option("--underscores", help="Writes long_hair and not long hair.", rich_help_panel=TAGS),
    ] = False,
    escape: Annotated[
        bool,
        typer.Option(
            "--escape/--no-escape",
            help="Writes \\( and \\), so that ComfyUI does not read parentheses as emphasis.",
            rich_help_panel=TAGS,
        ),
    ] = True,
    separator: Annotated[str, typer.Option("--separator", help="Stands between tags.", rich_help_panel=TAGS)] = ", ",
    llm: language.LLM = "",
    model: language.ModelName = "",
    mmproj: language.MMProj = None,
    keys: language.Keys = language.KEYS_FILE,
    timeout: language.Timeout = 120,
    context: language.Context = 8192,
    gpu_layers: language.GPULayers = -1,
    instruction: Annotated[
        str, typer.Option("--instruction", help="What to say about the picture.", rich_help_panel=CAPTIONS)
    ] = INSTRUCTION,
    system: Annotated[
        str, typer.Option("--system", help="How to answer; may be empty.", rich_help_panel=CAPTIONS)
    ] = SYSTEM,
    max_tokens: language.MaxTokens = 200,
    temperature: language.Temperature = 0.3,
    top_p: language.TopP = 0.95,
    top_k: Annotated[
        int,
        typer.Option("--top-k", min=0, help="Draws from so many words; 0: from all.", rich_help_panel=language.PANEL),
    ] = 40,
    seed: language.Seed = 0,
    longest_side: Annotated[
        int,
        typer.Option(
            "--longest-side", min=64, help="Larger pictures are sent smaller, in pixels.", rich_help_panel=CAPTIONS
        ),
    ] = 1024,
    order: Annotated[
        str,
        typer.Option("--order", help=f"One of: {'; '.join(ORDERS)}.", rich_help_panel=TEXT),
    ] = ORDERS[0],
    preamble: Annotated[
        str, typer.Option("--preamble", help="Your words before everything else.", rich_help_panel=TEXT)
    ] = "",
    suffix: Annotated[
        str, typer.Option("--suffix", help="Your words after everything else.", rich_help_panel=TEXT)
    ] = "",
    banned: Annotated[
        str,
        typer.Option(
            "--banned", metavar="TAGS", help="Tags to take out of the tags, separated by commas.", rich_help_panel=TEXT
        ),
    ] = "",
) -> None:
    """Writes what the pictures of a FOLDER show: tags by a tagger, captions by a language model, or both.

    What has been described is skipped, so that the same command goes on after a stop. Ctrl-C finishes the picture.

    resonance describe photos --tagger wd-eva02-large-tagger-v3 --comfyui ~/ComfyUI

    resonance describe photos --to jsonl --llm http://127.0.0.1:8080
    """
    from ..interpret.describe import SUFFIXES, describe_all, pictures_below
    from ..interpret.descriptions import twins
    from ..interpret.taggers.labels import CATEGORIES
    from ..interpret.taggers.select import Text, category_list, plain_list
    from . import describing

    output = Output(as_json, debug)
    with output.errors(), ExitStack() as stack:
        if not (tagger or llm):
            raise Told("Say what shall look at the pictures: --tagger for tags, --llm for captions, or both.")
        if order not in ORDERS:
            raise Told(f"Expected one of these as --order: {'; '.join(ORDERS)}. Got {order!r}.")
        written = category_list(categories, CATEGORIES)
        if not (names := pictures_below(folder)):
            raise Told(f"There are no pictures in {folder} or its subfolders ({SUFFIXES}).")
        kept = _kept(folder, to, out)
        clashes = twins(names) if to == "txt" else {}
        todo = [name for name in names if name not in clashes and (overwrite or not kept.done(name))]
        skipped = len(names) - len(clashes) - len(todo)
        output.event("begin", pictures=len(names), skipped=skipped)

        tag, caption, size = None, None, 1
        if todo and llm:
            seer = language.opened(llm, model, mmproj, keys, timeout, context, gpu_layers)
            stack.callback(seer.release, unload=True)
            sampling = Sampling(max_tokens, temperature, top_p, top_k, seed=seed)
            caption = describing.captioner(seer, instruction, system, sampling, longest_side, output)
        if todo and tagger:
            from ..drive.embedded.describer import Tagging

            asked = {"general": general_threshold, "character": character_threshold}
            tagging = Tagging(
                tagger,
                roots=_roots(taggers, comfyui),
                engine=engine,
                thresholds={name: score for name, score in asked.items() if score is not None},
                mcut=frozenset(name for name, on in (("general", general_mcut), ("character", character_mcut)) if on),
                exclude=plain_list(exclude),
                text=Text(written, tag_order, maximum, not underscores, escape, separator),
                download=download,
            )
            tag, size = describing.tagger(tagging, device)

        def put_together(tags: str, caption: str) -> str:
            return compose(preamble=preamble, tags=tags, caption=caption, suffix=suffix, banned=banned, order=order)

        all_of_them = describe_all(folder, todo, batch or size, tag, caption, put_together)
        stopped = describing.keep_all(all_of_them, kept, len(todo), skipped, clashes, output)
    if stopped:
        raise typer.Exit(INTERRUPTED)


def _kept(folder: Path, to: Literal["txt", "jsonl", "csv"], out: Path | None) -> "Kept":
    from ..interpret.descriptions import CSV, JSONL, Lines, Sidecars

    if to != "txt":
        return Lines(out or folder / f"metadata.{to}", JSONL() if to == "jsonl" else CSV())
    if out:
        raise Told("--out is for jsonl and csv: text files stand beside their pictures.")
    return Sidecars(folder)


def _roots(taggers: Path | None, comfyui: Path | None) -> tuple[Path, ...]:
    """The folders in which a tagger is looked for by its name."""
    if taggers:
        return (taggers,)
    found = find_comfyui(comfyui)
    return (found / "models" / "taggers",) if found else ()

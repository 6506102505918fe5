"""`resonance describe`: the pictures of a folder into words."""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from ..interpret.describe import SUFFIXES, Caption, Failed, Noted, Tag, caption_with, describe_all, pictures_below
from ..interpret.descriptions import CSV, JSONL, Description, Descriptions, Lines, Sidecars, twins
from ..interpret.taggers import settings
from ..interpret.taggers.labels import CATEGORIES
from ..interpret.taggers.models import EngineChoice
from ..interpret.taggers.select import Order, Text, category_list, plain_list, replacements
from ..llm import settings as llm_settings
from ..llm.chat import Interrupted, LLMEngine, LLMError, Sampling
from ..prompt import CAPTION_WEIGHTS, ORDER, ORDERS, CaptionWeights, compose
from ..told import Told
from .llm import PANEL, VisionModel
from .options import HERE, TEXT, Banned, Device, Download, Preamble, Suffix, Tagger, Taggers, grouped, option
from .output import INTERRUPTED, AsJSON, Debug, Output, signals
from .places import ComfyUIOption, find_comfyui

# It imports torch: the help should come at once.
if TYPE_CHECKING:
    from ..drive.embedded.describer import Tagging

TAGS, CAPTIONS = "Tags", "Captions"
"""Panels of the help."""

Form = Literal["txt", "jsonl", "csv"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("describe", no_args_is_help=True)(grouped(describe))


@dataclass(frozen=True, kw_only=True)
class Tags:
    """How tags are found and written, as the options say."""

    tagger: Tagger = ""
    taggers: Taggers = None
    comfyui: ComfyUIOption = None
    engine: Annotated[EngineChoice, option(settings.ENGINE, panel=HERE)] = settings.ENGINE.default
    device: Device = "auto"
    download: Download = False
    batch: Annotated[
        int,
        typer.Option(
            "--batch",
            min=0,
            help="Pictures that the tagger gets at once; 0: 8 on a graphics card, 1 on the CPU.",
            rich_help_panel=HERE,
        ),
    ] = 0
    general_threshold: Annotated[float, option(settings.GENERAL_THRESHOLD, panel=TAGS)] = (
        settings.GENERAL_THRESHOLD.default
    )
    character_threshold: Annotated[float, option(settings.CHARACTER_THRESHOLD, panel=TAGS)] = (
        settings.CHARACTER_THRESHOLD.default
    )
    general_mcut: Annotated[bool, option(settings.GENERAL_MCUT, panel=TAGS)] = settings.GENERAL_MCUT.default
    character_mcut: Annotated[bool, option(settings.CHARACTER_MCUT, panel=TAGS)] = settings.CHARACTER_MCUT.default
    exclude: Annotated[str, option(settings.EXCLUDE, panel=TAGS, metavar="TAGS")] = settings.EXCLUDE.default
    replace: Annotated[str, option(settings.REPLACE, panel=TAGS, metavar="OLD->NEW")] = settings.REPLACE.default
    tag_order: Annotated[Order, option(settings.ORDER, "--tag-order", panel=TAGS)] = settings.ORDER.default
    maximum: Annotated[int, option(settings.MAXIMUM, panel=TAGS)] = settings.MAXIMUM.default
    categories: Annotated[str, option(settings.WRITTEN, panel=TAGS)] = settings.WRITTEN.default
    spaces: Annotated[bool, option(settings.SPACES, "--spaces/--underscores", panel=TAGS)] = settings.SPACES.default
    escape: Annotated[bool, option(settings.ESCAPE, "--escape/--no-escape", panel=TAGS)] = settings.ESCAPE.default
    separator: Annotated[str, option(settings.SEPARATOR, panel=TAGS)] = settings.SEPARATOR.default

    def tagging(self) -> "Tagging":
        """Raises Told if there is no such category, or something is no replacement."""
        from ..drive.embedded.describer import Tagging

        thresholds = {"general": self.general_threshold, "character": self.character_threshold}
        mcut = {"general": self.general_mcut, "character": self.character_mcut}
        written = category_list(self.categories, CATEGORIES)
        return Tagging(
            tagger=self.tagger,
            roots=self._roots(),
            engine=self.engine,
            thresholds={name: score for name, score in thresholds.items() if score >= 0},
            mcut=frozenset(name for name, on in mcut.items() if on),
            exclude=plain_list(self.exclude),
            text=Text(
                written,
                self.tag_order,
                self.maximum,
                self.spaces,
                self.escape,
                self.separator,
                replacements(self.replace),
            ),
            download=self.download,
        )

    def _roots(self) -> tuple[Path, ...]:
        """The folders in which a tagger is looked for by its name."""
        if self.taggers:
            return (self.taggers,)
        found = find_comfyui(self.comfyui)
        return (found / "models" / "taggers",) if found else ()


@dataclass(frozen=True, kw_only=True)
class Captions:
    """What the language model is asked, as the options say."""

    instruction: Annotated[str, option(llm_settings.INSTRUCTION, panel=CAPTIONS)] = llm_settings.INSTRUCTION.default
    system: Annotated[str, option(llm_settings.SYSTEM, panel=CAPTIONS)] = llm_settings.SYSTEM.default
    longest_side: Annotated[int, option(llm_settings.LONGEST_SIDE, panel=CAPTIONS)] = llm_settings.LONGEST_SIDE.default
    max_tokens: Annotated[int, option(llm_settings.MAX_TOKENS, panel=PANEL)] = llm_settings.MAX_TOKENS.default
    temperature: Annotated[float, option(llm_settings.TEMPERATURE, panel=PANEL)] = llm_settings.TEMPERATURE.default
    top_p: Annotated[float, option(llm_settings.TOP_P, panel=PANEL)] = llm_settings.TOP_P.default
    top_k: Annotated[int, option(llm_settings.TOP_K, panel=PANEL)] = llm_settings.TOP_K.default
    seed: Annotated[int, option(llm_settings.SEED, panel=PANEL)] = llm_settings.SEED.default

    def by(self, engine: LLMEngine, output: Output) -> Caption:
        """The model that captions. What it had to leave out is told once. Raises LLMError if it does not see."""
        if not engine.abilities.images:
            raise LLMError(f"{engine.name} takes no pictures: {engine.abilities.for_images}.")
        told: set[str] = set()

        def note(text: str) -> None:
            if text not in told:
                told.add(text)
                output.say(f"Note: {text}.")
                output.event("note", text=text)

        sampling = Sampling(self.max_tokens, self.temperature, self.top_p, self.top_k, seed=self.seed)
        return caption_with(engine, self.instruction, self.system, sampling, self.longest_side, note, output.waits)


@dataclass(frozen=True, kw_only=True)
class Composed:
    """How tags and caption become one text, as the options say."""

    order: Annotated[str, typer.Option("--order", help=f"One of: {'; '.join(ORDERS)}.", rich_help_panel=TEXT)] = (
        ORDER.default
    )
    preamble: Preamble = ""
    suffix: Suffix = ""
    banned: Banned = ""
    caption_weights: Annotated[CaptionWeights, option(CAPTION_WEIGHTS, panel=TEXT)] = CAPTION_WEIGHTS.default

    def text(self, tags: str, caption: str) -> str:
        return compose(**asdict(self), tags=tags, caption=caption)


def describe(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The folder with the pictures; subfolders count.")
    ],
    to: Annotated[
        Form,
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
            help="The file for jsonl and csv. Default: metadata.jsonl or metadata.csv in FOLDER.",
        ),
    ] = None,
    quote_formulas: Annotated[
        bool,
        typer.Option(
            "--quote-formulas",
            help="For csv: an apostrophe goes before a text that a spreadsheet would take for a formula.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Describe again what has been described already.")
    ] = False,
    as_json: AsJSON = False,
    debug: Debug = False,
    *,
    tags: Tags,
    model: VisionModel,
    captions: Captions,
    composed: Composed,
) -> None:
    """Writes what the pictures of a FOLDER show: tags by a tagger, captions by a language model, or both.

    Pictures that have been described are skipped, so the same command goes on after a stop. Ctrl-C finishes the picture.

    resonance describe photos --tagger wd-eva02-large-tagger-v3 --comfyui ~/ComfyUI

    resonance describe photos --to jsonl --llm http://127.0.0.1:8080
    """
    output = Output(as_json, debug)
    with output.errors(), ExitStack() as stack:
        if not (tags.tagger or model.llm):
            raise Told("Say what should look at the pictures: --tagger for tags, --llm for captions, or both.")
        if composed.order not in ORDERS:
            raise Told(f"Expected one of these as --order: {'; '.join(ORDERS)}. Got {composed.order!r}.")
        if not (names := pictures_below(folder)):
            raise Told(f"There are no pictures in {folder} or its subfolders ({SUFFIXES}).")
        kept = _kept(folder, to, out, quote_formulas)
        clashes = twins(names) if to == "txt" else {}
        todo = [name for name in names if name not in clashes and (overwrite or not kept.done(name))]
        skipped = len(names) - len(clashes) - len(todo)
        output.event("begin", pictures=len(names), skipped=skipped)

        tag: Tag | None = None
        caption: Caption | None = None
        batch = 1
        if todo and tags.tagger:
            from ..drive.embedded.describer import tagger_of
            from ..drive.embedded.pipelines import pick_device

            tag, batch = tagger_of(tags.tagging(), str(pick_device(tags.device)))
        if todo and model.llm:
            engine = model.open(output)
            stack.callback(lambda: output.say(note) if (note := engine.release(unload=True)) else None)
            caption = captions.by(engine, output)
        describing = describe_all(folder, todo, tags.batch or batch, tag, caption, composed.text)
        stopped = _keep_all(describing, kept, len(todo), skipped, clashes, output)
    if stopped:
        raise typer.Exit(INTERRUPTED)


def _kept(folder: Path, to: Form, out: Path | None, quote_formulas: bool) -> Descriptions:
    if quote_formulas and to != "csv":
        raise Told("--quote-formulas is for csv: no other form is opened by a spreadsheet.")
    if to != "txt":
        return Lines(out or folder / f"metadata.{to}", JSONL() if to == "jsonl" else CSV(quote_formulas))
    if out:
        raise Told("--out is for jsonl and csv: text files stand beside their pictures.")
    return Sidecars(folder)


def _keep_all(
    describing: Generator[Description | Failed | Noted],
    kept: Descriptions,
    total: int,
    skipped: int,
    clashes: Mapping[str, str],
    output: Output,
) -> bool:
    """Keeps each description as soon as it is there, and tells of it.

    Args:
        total: how many pictures are to be described.
        skipped: how many were described before.
        clashes: pictures whose text file belongs to another picture, with that one.

    Returns:
        Whether Ctrl-C stopped it.
    """
    described, failed, stopped = 0, 0, False

    def fail(name: str, why: str) -> None:
        nonlocal failed
        failed += 1
        output.say(why)
        output.event("failed", file_name=name, text=why)

    for name, other in clashes.items():
        fail(name, f"{name} would share its text file with {other}: rename one, or take --to jsonl.")
    with _bar(output, total) as show, _ctrl_c(show) as wanted, closing(describing):
        try:
            for each in describing:
                if isinstance(each, Noted):
                    output.say(f"Note: {each.text}")
                    output.event("note", **asdict(each))
                    continue
                if isinstance(each, Failed):
                    fail(each.file_name, each.why)
                else:
                    kept.add(each)
                    described += 1
                    output.event("picture", **asdict(each))
                show(advance=1)
                if stopped := wanted():
                    break
        except (Interrupted, KeyboardInterrupt):
            stopped = True
        finally:
            kept.finish()
    output.event("end", described=described, skipped=skipped, failed=failed, stopped=stopped)
    output.say(f"{described} described, {skipped} skipped, {failed} failed")
    return stopped


@contextmanager
def _bar(output: Output, total: int) -> Generator[Callable[..., None]]:
    """A bar; yields what updates it, see :meth:`rich.progress.Progress.update`."""
    columns = *Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=output.console, disable=output.json) as progress:
        yield partial(progress.update, progress.add_task("describing", total=total))


@contextmanager
def _ctrl_c(show: Callable[..., None]) -> Generator[Callable[[], bool]]:
    """Yields whether Ctrl-C was pressed. Pressed twice it interrupts."""
    pressed = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()
        show(description="finishing this picture")

    with signals(stop):
        yield pressed.is_set

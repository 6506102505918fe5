"""`resonance canvas`: layouts from a model or a file, in any form."""

import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from ..canvas import settings
from ..files import store
from ..llm.chat import Interrupted, LLMEngine, Request, Sampling, ask
from ..llm.conversation import Conversation
from ..told import Told
from ..typed import narrow
from .llm import PANEL, LanguageModel
from .options import grouped, option
from .output import AsJSON, Debug, Output, interruptible

# What takes long to import is imported when it is needed: the help should come at once.
if TYPE_CHECKING:
    from ..canvas.canvas import Canvas

To = Literal["json", "program", "boxes", "ideogram", "png", "masks"]

MORE = ("name", "negative", "weight", "start", "end", "mask", "loras", "picture")
"""What a region of ours can have beside its place, its words and its colour."""

HELD: dict[str, tuple[str, ...]] = {"program": (), "boxes": ("name",), "ideogram": ()}
"""What other forms of the whole canvas hold of that."""

SMALLEST, LARGEST = 64, 16384
EVERY = 0.2
"""Seconds between two looks at an answer that grows."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("canvas", no_args_is_help=True)(grouped(canvas))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a language model is asked for a layout, as the options say."""

    form: Annotated[
        Literal["json", "program", "automatic"],
        typer.Option(
            "--answer-form",
            help="json suits any model; program is what Omost's own models were trained to write; automatic takes program for "
            "models that have omost in their name, json for all others.",
            rich_help_panel=PANEL,
        ),
    ] = "json"
    grammar: Annotated[bool, option(settings.GRAMMAR, "--grammar/--no-grammar", panel=PANEL)] = settings.GRAMMAR.default
    system: Annotated[
        str,
        typer.Option(
            "--system", help="Tell the model this about canvases instead of the usual text.", rich_help_panel=PANEL
        ),
    ] = ""
    max_tokens: Annotated[int, option(settings.MAX_TOKENS, panel=PANEL)] = settings.MAX_TOKENS.default
    temperature: Annotated[float, option(settings.TEMPERATURE, panel=PANEL)] = settings.TEMPERATURE.default
    top_p: Annotated[float, option(settings.TOP_P, panel=PANEL)] = settings.TOP_P.default
    seed: Annotated[int, option(settings.SEED, panel=PANEL)] = settings.SEED.default

    def request(self, said: Conversation, message: str, model: str) -> Request:
        from ..canvas import chat

        form = chat.PROGRAM if self.form == "program" else chat.form_for(self.form, model)
        sampling = Sampling(self.max_tokens, self.temperature, self.top_p, seed=self.seed)
        return chat.request(said, message, self.system, form, self.grammar, sampling)


def canvas(
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|FILE",
            help="What the picture should show, for --llm. Or a file with a canvas: JSON, an Omost program, ComfyUI's bounding "
            "boxes, an Ideogram prompt, or a text that one of them stands in. A program is read, never run.",
        ),
    ],
    to: Annotated[
        To,
        typer.Option(
            "--to",
            help="json: the canvas as the nodes have it. program: as Omost's models write it. boxes: for ComfyUI's nodes. png: a "
            "sketch of its colours. masks: a folder with one PNG a region.",
        ),
    ] = "json",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Where to write it; for masks a folder. Default: texts go to stdout."
        ),
    ] = None,
    size: Annotated[
        str, typer.Option("--size", help="Width and height in pixels, for boxes, png and masks.")
    ] = "1024x1024",
    blur: Annotated[
        float,
        typer.Option(
            "--blur",
            min=0,
            max=89,
            help="png: radius in cells of the 90 x 90 grid; 40 as in Omost's demo, to start a picture from.",
        ),
    ] = 0,
    as_json: AsJSON = False,
    debug: Debug = False,
    *,
    model: LanguageModel,
    layout: Layout,
) -> None:
    """Lays out a picture with a language model, or reads a canvas from a file, and writes it in any form.

    resonance canvas "a red boat left of a lighthouse" --llm http://127.0.0.1:8080 --out boat.json

    resonance canvas boat.json --to png --size 1216x832 --out boat.png
    """
    output = Output(as_json, debug)
    with output.errors(), interruptible():
        width, height = _size(size)
        if out is None and to in ("png", "masks"):
            raise Told(f"Name {'the file' if to == 'png' else 'a folder'} for --to {to} with --out.")
        if os.path.isfile(text):
            if model.llm:
                raise Told(f"{text} is a file, which is read without a model: leave --llm out, or write other words.")
            found, notes = _read(Path(text), width, height)
        elif model.llm:
            engine = model.open(output)
            try:
                found, notes = _asked(engine, text.strip(), layout, output)
            finally:
                if note := engine.release(unload=True):
                    output.say(note)
        else:
            raise Told(f"There is no file {text[:80]!r}. To have it laid out, name a model with --llm.")
        from ..canvas.chat import summary

        notes = (*notes, *_left_out(found, to))
        for note in notes:
            output.say(f"Note: {note}.")
        files = _files(found, to, width, height, blur)
        about = {"regions": len(found.regions), "notes": notes}
        if out:
            if to == "masks":
                store.write(out, files)
            else:
                store.write(out.absolute().parent, [(out.name, files[0][1])])
            output.say(f"{out}: {summary(found)}")
            output.event("canvas", **about, out=str(out))
        elif as_json:
            output.event("canvas", **about, text=files[0][1].decode())
        else:
            typer.echo(files[0][1], nl=False)


def _size(text: str) -> tuple[int, int]:
    """Width and height."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", narrow(text).strip().lower())
    if found and all(SMALLEST <= int(side) <= LARGEST for side in found.groups()):
        return int(found[1]), int(found[2])
    raise Told(f"Expected a --size such as 1216x832 with sides from {SMALLEST} to {LARGEST} pixels, got {text!r}.")


def _read(file: Path, width: int, height: int) -> tuple["Canvas", tuple[str, ...]]:
    """The canvas in a file, and what was corrected."""
    from ..canvas.exchange import read_any

    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Told(f"{file} is not text in UTF-8: a canvas is JSON or an Omost program.") from None
    found = read_any(text, width, height)
    return found.canvas, found.notes


def _asked(engine: LLMEngine, message: str, layout: Layout, output: Output) -> tuple["Canvas", tuple[str, ...]]:
    """The canvas that a model answers, as Canvas Chat asks for it, and what was corrected. Shows how it grows."""
    from ..canvas import chat
    from ..canvas.read import partial

    if not message:
        raise Told("The text is empty: write what the picture should show.")
    said = Conversation()
    with output.console.status(escape(f"{engine.name} reads")) as status:
        looked = 0.0

        def grow(text: str, thoughts: str) -> None:
            nonlocal looked
            if time.monotonic() - looked > EVERY:
                canvas = partial(text)
                length = f"{len(text)} characters" if text else f"{len(thoughts)} characters of thoughts"
                status.update(escape(chat.summary(canvas)) if canvas else length)
                looked = time.monotonic()

        try:
            answer = ask(engine, layout.request(said, message, engine.name), grow, on_wait=output.waits)
        except Interrupted:  # what becomes of Ctrl-C while llama.cpp computes
            raise KeyboardInterrupt from None
    turn = chat.turn(said, message, answer)
    return turn.canvas, turn.notes


def _left_out(canvas: "Canvas", to: To) -> tuple[str, ...]:
    """A note on what the form has no place for."""
    from ..canvas.canvas import Region

    if to not in HELD:
        return ()
    lost = [
        name
        for name in MORE
        if name not in HELD[to] and any(getattr(region, name) != getattr(Region, name) for region in canvas.regions)
    ]
    return (f"{', '.join(lost)}: left out, because --to {to} has no place for it",) if lost else ()


def _files(canvas: "Canvas", to: To, width: int, height: int, blur: float) -> list[tuple[str, bytes]]:
    """What is to be written: names, which count for masks only, and contents."""
    from ..attention.parts import resize
    from ..canvas import boxes, listing, masks, render, write_program
    from ..images import from_tensor

    match to:
        case "json":
            text = listing.write(canvas)
        case "program":
            text = write_program.write_program(canvas)
        case "boxes":
            text = json.dumps(boxes.to_boxes(canvas, width, height), ensure_ascii=False, indent=1)
        case "ideogram":
            text = json.dumps(boxes.to_ideogram(canvas), ensure_ascii=False, indent=1)
        case "png":
            return [("", store.encode_png(from_tensor(render.render(canvas, width, height, blur))[0], {}))]
        case "masks":
            pictures = from_tensor(resize(masks.masks(canvas), height, width)[..., None])
            return [
                (f"{number:03d}-{_slug(canvas.label(number))}.png", store.encode_png(picture.convert("L"), {}))
                for number, picture in enumerate(pictures)
            ]
    return [("", f"{text.rstrip()}\n".encode())]


def _slug(label: str) -> str:
    """What is left of a label in a file's name."""
    return re.sub(r"\W+", "-", label).strip("-") or "region"

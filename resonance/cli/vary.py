"""`resonance vary`: pictures varied by a transform, loop after loop."""

import typer

from ..told import Told
from .engines import Checkpoint, Engines
from .options import grouped
from .output import AsJSON, Debug, Output
from .places import PlaceOptions
from .vary_options import Asked


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("vary", no_args_is_help=True)(grouped(vary))


def vary(
    *,
    asked: Asked,
    as_json: AsJSON = False,
    debug: Debug = False,
    options: PlaceOptions,
    engines: Engines,
    checkpoint: Checkpoint,
) -> None:
    """Varies pictures by a transform: image to image, loop after loop, each kept picture committed as it is made.

    After a stop or a crash the same command goes on where it was. Sessions are those of Vary: one from the browser goes on
    here, and the other way round, with the pictures that are there already.

    resonance vary space output/cliff/<hash>/x.png --add ", in space" --transform god --model sd15.safetensors

    resonance vary "my variations" --server http://127.0.0.1:8188
    """
    out = Output(as_json, debug)
    with out.errors():
        if asked.workflow and checkpoint.model:
            raise Told("--workflow says what paints, and so does --model: pass one of them.")
        if asked.correct and asked.color is None:
            raise Told("--correct goes with --color: pass both.")
        from .varying import run

        places = options.places()
        embedding = None if engines.servers else checkpoint.filled(places)
        run(asked, places, engines.filled(places, embedding), checkpoint, out)

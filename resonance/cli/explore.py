"""`resonance explore`: every combination of prompts, aspects and scales, seed after seed."""

import typer

from ..told import Told
from .engines import Checkpoint, Engines
from .explore_options import Asked
from .options import grouped
from .output import AsJSON, Debug, Output
from .places import PlaceOptions


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explore", no_args_is_help=True)(grouped(explore))


def explore(
    *,
    asked: Asked,
    as_json: AsJSON = False,
    debug: Debug = False,
    options: PlaceOptions,
    engines: Engines,
    checkpoint: Checkpoint,
) -> None:
    """Paints every combination of prompts, aspects and scales, seed after seed.

    After a stop or a crash the same command goes on where it was; more prompts, aspects, scales or seeds add what is missing.
    Sessions are those of Explore: one from the browser goes on here once it is paused there, and the other way round.

    resonance explore cliff "a lighthouse, storm|blurry" --scales 6,9 --seeds 12 --model sd15.safetensors

    resonance explore cliff --interactive --workflow my-exploration.json --server http://127.0.0.1:8188
    """
    out = Output(as_json, debug)
    with out.errors():
        if asked.workflow and checkpoint.model:
            raise Told("--workflow says what paints, and so does --model: pass one of them.")
        if asked.steps is not None and asked.rule not in (None, "fixed"):
            raise Told(
                "--steps are the same for every picture, --steps-rule makes them follow the scale: pass one of them."
            )
        from . import exploring

        places = options.places()
        embedding = None if engines.servers else checkpoint.filled(places)
        run = exploring.interactive if asked.interactive else exploring.run
        run(asked, places, engines.filled(places, embedding), checkpoint, out)

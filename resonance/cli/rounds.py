"""`resonance rounds`: a session of rounds."""

from dataclasses import replace

import typer

from ..told import Told
from .engines import Embedding, Engines
from .llm import VisionModel
from .options import grouped
from .output import AsJSON, Debug, Output
from .places import PlaceOptions
from .rounds_options import Asked


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("rounds", no_args_is_help=True)(grouped(rounds))


def rounds(
    *,
    asked: Asked,
    as_json: AsJSON = False,
    debug: Debug = False,
    options: PlaceOptions,
    engines: Engines,
    embedding: Embedding,
    language: VisionModel,
) -> None:
    """Makes rounds over a folder of pictures: into words, into new pictures, and again, for as long as there is disk.

    After a stop or a crash the same command goes on where it was. Sessions are those of Round Input: one from the browser
    goes on here once it is paused there, and the other way round.

    resonance rounds holiday --first holiday --rounds 5 --workflow my-rounds.json

    resonance rounds holiday --first holiday --model toyworld
    """
    out = Output(as_json, debug)
    with out.errors():
        places = options.places()
        embedding_ = replace(embedding, language=language).filled(places)
        if asked.workflow and embedding_:
            raise Told("--workflow is run by ComfyUI, --model and --roulette without it: pass one of them.")
        from .session import run

        run(asked, places, engines.filled(places, embedding_), out)

"""`resonance rounds`: a session of rounds."""

from dataclasses import dataclass, replace
from typing import Annotated

import typer

from ..told import Told
from .engines import Embedding, Engines
from .llm import VisionModel
from .options import First, Retry, Session, Take, Workflow, grouped
from .output import AsJSON, Debug, Output
from .places import PlaceOptions


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("rounds", no_args_is_help=True)(grouped(rounds))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the session is to be, as the options say."""

    name: Session
    first: First = ""
    rounds: Annotated[
        int | None,
        typer.Option("--rounds", min=0, help="How many rounds to make; 0: no end. Default: 3, or as before."),
    ] = None
    workflow: Workflow = None
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**50 - 1, help="Seed of a new session.")] = 0
    retry: Retry = False
    take: Take = False


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

"""What `resonance rounds` is asked for."""

from dataclasses import dataclass
from typing import Annotated

import typer

from .options import First, Remake, Retry, Session, Take, Workflow
from .saving import Saving


@dataclass(frozen=True, kw_only=True)
class Asked(Saving):
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
    remake: Remake = False
    take: Take = False

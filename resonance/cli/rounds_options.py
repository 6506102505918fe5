"""What `resonance rounds` is asked for."""

from dataclasses import dataclass
from typing import Annotated

import typer

from ..session import settings
from ..session.settings import Order
from .options import BEGIN, First, Remake, Retry, Session, Take, Workflow, option
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
    order: Annotated[Order, option(settings.ORDER, "--picture-order", panel=BEGIN)] = settings.ORDER.default
    start: Annotated[int, option(settings.START, panel=BEGIN)] = settings.START.default
    count: Annotated[int, option(settings.COUNT, panel=BEGIN)] = settings.COUNT.default
    retry: Retry = False
    remake: Remake = False
    take: Take = False

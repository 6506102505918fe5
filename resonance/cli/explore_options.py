"""What `resonance explore` is asked for."""

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from ..drive.embedded.settings import STEPS
from .options import Folder, Names, Retry, Session, Take, Waits, Workflow, option
from .saving import Saving

EXPLORED = "What is explored"
"""Panel of the help."""

Family = Literal["batch CLI", "SD1.5", "SDXL"]
Rule = Literal["S", "H", "fixed"]


@dataclass(frozen=True, kw_only=True)
class Asked(Saving):
    """What the session is to be, as the options say; None: as before."""

    name: Session
    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROMPT]...",
            help="What to paint; behind --n stands the negative prompt. Lines with only --- part prompts too. Default: as before.",
        ),
    ] = None
    like: Annotated[
        str,
        typer.Option(
            "--like",
            metavar="PICTURE",
            help="Go on with the prompt of an explored picture, or of the prompt.txt beside it, or of any picture that carries one."
            ' PROMPT is appended directly: write ", in space".',
            rich_help_panel=EXPLORED,
        ),
    ] = ""
    aspects: Annotated[
        str | None,
        typer.Option(
            "--aspects",
            help="portrait, landscape, square, optimal, ratios such as 3:2 and pixels such as 1216x832, with commas between"
            " them. Default: as before, else portrait, landscape.",
            rich_help_panel=EXPLORED,
        ),
    ] = None
    sizes: Annotated[
        Family | None,
        typer.Option(
            "--sizes",
            help="Which sizes the names of aspects mean, and about how many pixels a ratio gets. Default: as before, else"
            " batch CLI.",
            rich_help_panel=EXPLORED,
        ),
    ] = None
    scales: Annotated[
        str | None,
        typer.Option(
            "--scales",
            help="Scales of classifier-free guidance, with commas between them. Default: as before, else 6, 9.",
            rich_help_panel=EXPLORED,
        ),
    ] = None
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            min=0,
            max=1_000_000,
            help="How many seeds; 0: no end. Default: as before, else 12.",
            rich_help_panel=EXPLORED,
        ),
    ] = None
    steps: Annotated[int | None, option(STEPS, panel=EXPLORED)] = None
    rule: Annotated[
        Rule | None,
        typer.Option(
            "--steps-rule",
            help="Steps by scale, as the batch CLI had them. S: 10 + 5 x scale. H: 20 + 7 x scale. Default: as before, else S.",
            rich_help_panel=EXPLORED,
        ),
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            max=2**50 - 1,
            help="The first seed of a new session; the others follow from it.",
            rich_help_panel=EXPLORED,
        ),
    ] = 0
    folder: Folder = None
    names: Names = None
    workflow: Workflow = None
    waits: Waits = "0"
    retry: Retry = False
    take: Take = False
    interactive: Annotated[
        bool,
        typer.Option(
            "--interactive", help="Try prompts first, in SESSION-tries: what you type next says how to go on."
        ),
    ] = False
    tries: Annotated[int, typer.Option("--tries", min=1, help="Pictures of one try, for --interactive.")] = 3

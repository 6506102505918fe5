"""What `resonance vary` is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..vary import settings
from ..vary.settings import MODES, NONE, ScaleAs
from .options import Folder, Names, Retry, Session, Take, Waits, Workflow, option
from .saving import Saving

VARIED, COLORS = "What is made", "Colours"
"""Panels of the help."""

Era = Literal["S", "H"]
Correct = Literal["after every transform", "when kept"]


@dataclass(frozen=True, kw_only=True)
class Asked(Saving):
    """What the session is to be, as the options say; None: as before."""

    name: Session
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PICTURE]...", help="The pictures to vary, each by itself. Default: those of the workflow."
        ),
    ] = None
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            help="What is in the pictures; behind --n stands the negative prompt. Default: what they were made from, as the picture or"
            " the prompt.txt beside it says.",
            rich_help_panel=VARIED,
        ),
    ] = None
    add: Annotated[
        str,
        typer.Option(
            "--add", metavar="TEXT", help='Appended to the prompt directly: write ", in space".', rich_help_panel=VARIED
        ),
    ] = ""
    transform: Annotated[
        str | None,
        typer.Option(
            "--transform",
            metavar="NAME|PROGRAM",
            help="normal, shake, focus, unstuck, unfocus, beast, god, enhance, finalize, ... as in Transform, or a program of"
            ' pairs scale@strength: "6@.35 7@.45" each from the picture, "8@.3 > 11@.2" each from the result before. Default:'
            " as the workflow says, else normal.",
            rich_help_panel=VARIED,
        ),
    ] = None
    era: Annotated[Era | None, option(settings.ERA, panel=VARIED)] = None
    save_middle: Annotated[bool, option(settings.SAVE_MIDDLE, "--save-middle", panel=VARIED)] = False
    loop_to_loop: Annotated[bool, option(settings.LOOP_TO_LOOP, "--loop-to-loop", panel=VARIED)] = False
    iterations: Annotated[int | None, option(settings.ITERATIONS, panel=VARIED)] = None
    scale_as: Annotated[ScaleAs | None, option(settings.SCALE_AS, panel=VARIED)] = None
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="White where the pictures may change; where it is black they stay exactly as they are.",
            rich_help_panel=VARIED,
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=2**50 - 1,
            help="Seed of the first loop; the others follow from it. Default: as the workflow says, else 0.",
            rich_help_panel=VARIED,
        ),
    ] = None
    color: Annotated[
        str | None,
        typer.Option(
            "--color",
            metavar="MODE",
            help=f"What keeps colours from drifting, as in Vary: {', '.join((NONE, *MODES))}; with numbers"
            " anchored:anchor=0.5,smoothing=0.9 or own:l_boost=1,blend=0.3. Default: as the workflow says, else none.",
            rich_help_panel=COLORS,
        ),
    ] = None
    correct: Annotated[
        Correct | None,
        typer.Option(
            "--correct",
            help="When colours are corrected, for modes that do not say it. Default: after every transform.",
            rich_help_panel=COLORS,
        ),
    ] = None
    through_vae: Annotated[
        bool | None,
        option(settings.THROUGH_VAE, "--reference-through-vae/--no-reference-through-vae", panel=COLORS),
    ] = None
    folder: Folder = None
    names: Names = None
    workflow: Workflow = None
    waits: Waits = "0"
    retry: Retry = False
    take: Take = False

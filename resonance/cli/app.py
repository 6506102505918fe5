"""The commands, one module each."""

from typing import Any

import typer
from typer.core import TyperGroup

from . import canvas, describe, explore, img2tag2img, paint, rehydrate, report, rounds, vary
from .spellings import current


class Commands(TyperGroup):
    """Takes old spellings too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, current(args, lambda text: typer.echo(text, err=True)))


app = typer.Typer(
    cls=Commands,
    help="Pictures into words into pictures, round after round.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (rounds, explore, vary, paint, img2tag2img, rehydrate, describe, canvas, report):
    command.register(app)

"""The commands, one module each."""

import typer

from . import canvas, describe, explore, report, rounds

app = typer.Typer(
    help="Pictures into words into pictures, round after round.", no_args_is_help=True, pretty_exceptions_enable=False
)
rounds.register(app)
explore.register(app)
describe.register(app)
canvas.register(app)
report.register(app)

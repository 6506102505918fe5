"""`resonance paint`: kohya's gen_img, its command lines as they are."""

from typing import Annotated

import typer

from .engines import ComfyServers
from .options import grouped
from .output import AsJSON, Debug, Output
from .paint_options import Own


def register(app: typer.Typer) -> None:
    """Adds the command. What is no option of it is gen_img's."""
    words = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": list[str]()}
    app.command("paint", context_settings=words, add_help_option=False)(grouped(paint))


def paint(
    *,
    context: typer.Context,
    own: Own,
    servers: ComfyServers,
    as_json: AsJSON = False,
    debug: Debug = False,
    help_: Annotated[bool, typer.Option("--help", help="Show this, and gen_img's options.")] = False,
) -> None:
    """Paints prompt lines as kohya's gen_img does: its command lines, taken as they are.

    The folder of --outdir is a session: after a stop or a crash the same command goes on there. When all is made, it makes as many again
    with other seeds, unless --seed is given.

    resonance paint lines.txt --ckpt sd15.safetensors --W 512 --H 704 --steps 32 --outdir night

    resonance paint --ckpt sd15.safetensors --interactive --server http://127.0.0.1:8188
    """
    from ..gen_img.command_line import Parser

    parser, out = Parser("resonance paint"), Output(as_json, debug)
    if help_ or not context.args:
        typer.echo(context.get_help())
        typer.echo(parser.format_help())
        return
    with out.errors():
        line = parser.read(context.args)
        from .painting import run

        run(line, own, servers, out)

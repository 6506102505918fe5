"""`resonance paint`: kohya's gen_img, its command lines as they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..drive.embedded import settings
from .engines import ComfyServers, ComfyUIArgs
from .options import HERE, Device, Download, Retry, Take, grouped, option
from .output import AsJSON, Debug, Output
from .places import ComfyUIOption, InputOption


def register(app: typer.Typer) -> None:
    """Adds the command. What is no option of it is gen_img's."""
    words = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": list[str]()}
    app.command("paint", context_settings=words, add_help_option=False)(grouped(paint))


@dataclass(frozen=True, kw_only=True)
class Own:
    """What there is beside gen_img's options."""

    comfyui: ComfyUIOption = None
    input_: InputOption = None
    comfyui_args: ComfyUIArgs = ""
    workflow: Annotated[
        Path | None,
        typer.Option(
            "--workflow",
            metavar="FILE",
            help="What paints: a workflow with Prompt Lines and Round Output, exported as API, or a picture that carries one.",
        ),
    ] = None
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Paint in this process with diffusers.", rich_help_panel=HERE)
    ] = False
    device: Device = settings.DEVICE.default
    dtype: Annotated[str, option(settings.DTYPE, panel=HERE)] = settings.DTYPE.default
    download: Download = False
    disable_metadata: Annotated[
        bool, typer.Option("--disable-metadata", help="Nothing is written into pictures of how they were made.")
    ] = False
    retry: Retry = False
    take: Take = False


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

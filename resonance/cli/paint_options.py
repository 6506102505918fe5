"""What `resonance paint` takes beside gen_img's options."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..drive.embedded import settings
from .engines import ComfyUIArgs
from .options import HERE, Device, Download, Retry, Take, option
from .places import ComfyUIOption, InputOption


@dataclass(frozen=True, kw_only=True)
class Own:
    """As the options say."""

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

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
    clip_guidance_model: Annotated[
        str,
        typer.Option(
            "--clip_guidance_model",
            "--clip-guidance-model",
            metavar="FOLDER",
            help="The folder of ComfyUI's models/clip_guidance that --clip_guidance_scale and --clip_image_guidance_scale guide by. Default: the only"
            " one there.",
        ),
    ] = ""
    vgg16_guidance_model: Annotated[
        str,
        typer.Option(
            "--vgg16_guidance_model",
            "--vgg16-guidance-model",
            metavar="FILE",
            help="The file of ComfyUI's models/vgg that --vgg16_guidance_scale guides by. Default: the only one there.",
        ),
    ] = ""
    control_net_in_turn: Annotated[
        bool,
        typer.Option(
            "--control_net_in_turn",
            "--control-net-in-turn",
            help="Two to eight --control_net_models take turns, one in each step, as gen_img's do with SD1.5, instead of acting together.",
        ),
    ] = False
    retry: Retry = False
    take: Take = False

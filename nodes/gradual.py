"""kohya's gradual latent, as a sampler."""

from typing import TYPE_CHECKING

from comfy_api.v0_0_2 import io

from ..resonance.session.item import Item
from . import types
from .inputs import Choice, chosen

if TYPE_CHECKING:
    from ..resonance.paint.gradual import Unsharp

OFF, ON = UNSHARP = ("off", "on")
PICTURE, NOISE = ("picture", "noise")


class GradualLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        sharpening: list[io.Input] = [
            io.Int.Input(
                "kernel", default=3, min=1, max=99, step=2, tooltip="Side of the blur in latent pixels, an odd number."
            ),
            io.Float.Input("sigma", default=0.5, min=0.0, max=100.0, step=0.1, tooltip="How wide the blur is."),
            io.Float.Input(
                "strength",
                default=0.5,
                min=0.0,
                max=100.0,
                step=0.1,
                tooltip="How much the picture is sharpened; 0 not at all.",
            ),
            io.Combo.Input(
                "target",
                options=[PICTURE, NOISE],
                default=PICTURE,
                tooltip="picture: what the step has made is scaled, and sharpened. noise: what it begins with is, and what it changes is"
                " scaled by itself, without being sharpened.",
            ),
        ]
        return io.Schema(
            node_id="ResonanceGradualLatent",
            display_name="Gradual Latent",
            category="Resonance/Prompt lines",
            description="euler_ancestral, for SD1.5, SD2 and SDXL, which begins with a small picture and lets it grow while it samples, as"
            " kohya's gen_img does: fewer doubled figures in large pictures, in less time. What comes out has the size of the latent.",
            search_aliases=[
                "kohya",
                "sd-scripts",
                "gen_img",
                "euler a",
                "gradual_latent_timesteps",
                "glt",
                "hires fix",
                "high resolution",
                "upscale while sampling",
                "duplicated figures",
            ],
            inputs=[
                io.Int.Input(
                    "timesteps",
                    default=750,
                    min=0,
                    max=1000,
                    tooltip="The picture begins to grow below this time step; noise goes from 1000 to 0. 0: it is large from the beginning,"
                    " as euler_ancestral paints it.",
                ),
                io.Float.Input(
                    "ratio",
                    default=0.5,
                    min=0.05,
                    max=1.0,
                    step=0.05,
                    tooltip="How large it is at the beginning: 0.5 is half the width and half the height.",
                ),
                io.Float.Input(
                    "ratio_step",
                    default=0.125,
                    min=0.01,
                    max=1.0,
                    step=0.005,
                    tooltip="How much is added to the ratio each time it grows, up to 1.",
                ),
                io.Int.Input(
                    "every_n_steps",
                    default=3,
                    min=1,
                    max=1000,
                    tooltip="It grows every so many steps, until it is large.",
                ),
                io.Float.Input(
                    "s_noise",
                    default=1.0,
                    min=0.0,
                    max=100.0,
                    step=0.01,
                    advanced=True,
                    tooltip="How much of its noise a step adds in which the picture grows. 1: as much as any other step.",
                ),
                io.DynamicCombo.Input(
                    "unsharp",
                    options=[io.DynamicCombo.Option(OFF, []), io.DynamicCombo.Option(ON, sharpening)],
                    tooltip="on: the picture is sharpened each time its size changes.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="From Prompt Lines. What a line gives with --glt, --glr, --gls, --gle, --glsn and --glus goes before the widgets,"
                    " for its picture only.",
                ),
            ],
            outputs=[
                io.Sampler.Output(
                    display_name="sampler",
                    tooltip="To SamplerCustomAdvanced or SamplerCustom; for batches, through Per Picture Noise.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        timesteps: int,
        ratio: float,
        ratio_step: float,
        every_n_steps: int,
        s_noise: float,
        unsharp: Choice | None = None,
        item: Item | None = None,
    ) -> io.NodeOutput:
        from ..resonance.host.gradual import gradual
        from ..resonance.paint.gradual import Gradual, of_line

        settings = Gradual(
            timesteps=timesteps,
            ratio=ratio,
            ratio_step=ratio_step,
            every_n_steps=every_n_steps,
            s_noise=s_noise,
            unsharp=_sharpening(chosen(unsharp, "unsharp", UNSHARP)),
        )
        return io.NodeOutput(gradual(of_line(item, settings)))


def _sharpening(unsharp: Choice) -> "Unsharp | None":
    from ..resonance.paint.gradual import Unsharp

    if unsharp["unsharp"] == OFF:
        return None
    return Unsharp(unsharp["kernel"], unsharp["sigma"], unsharp["strength"], unsharp["target"] == PICTURE)


NODES = [GradualLatent]

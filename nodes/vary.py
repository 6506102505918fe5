"""Running a transform."""

import comfy.samplers
import torch
from comfy_api.v0_0_2 import io

from ..resonance.attention.parts import Conditioning
from ..resonance.session.naming import FOLDER_RULES, NAME_RULES, Naming
from ..resonance.vary import settings, waits
from ..resonance.vary.modes import TIMELESS, WHEN, colors
from ..resonance.vary.settings import MODES, NONE
from ..resonance.vary.transform import SCHEDULE, SIDES, Transform
from . import types
from .color import color_modes
from .inputs import Choice, chosen, input_of

CATEGORY = "Resonance/Vary"


class Vary(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        save = [
            io.String.Input(
                "session",
                default="my variations",
                tooltip="Name of the session and of its folder in ComfyUI's output folder. The gallery shows it.",
            ),
            io.Combo.Input(
                "folder_rule",
                options=list(FOLDER_RULES),
                tooltip="Folder inside the session's. round: by step. prompt hash: by the prompt in words. scratch: one for all.",
            ),
            io.Combo.Input(
                "name_rule",
                options=list(NAME_RULES),
                tooltip="lineage: X0001_r0001_seed. variation: time, scale, steps, strength and seed, as the batch CLI names"
                " its files, with its misspelling or without. gen_img, sequential and original: as in Round Output.",
            ),
            io.Combo.Input(
                "returns",
                options=list(settings.RETURNS),
                tooltip="all: the outputs hold every picture, which takes memory. last: only the last of each picture that was varied.",
            ),
        ]
        return io.Schema(
            node_id="ResonanceVary",
            display_name="Vary",
            category=CATEGORY,
            description=f"Makes variations of a picture by a transform: image to image, again and again, on the true {SCHEDULE}-step"
            " schedule, with colours that do not drift. Can save each picture as it is made and go on where it was stopped.",
            search_aliases=["variation", "img2img", "loopback", "feedback", "denoise", "batch cli", "color drift"],
            inputs=[
                io.Model.Input("model", tooltip="Any model that samples pictures."),
                io.Vae.Input("vae", tooltip="Encodes the picture before each transform and decodes it afterwards."),
                io.Conditioning.Input("positive", tooltip="What shall be in the picture."),
                io.Conditioning.Input("negative", tooltip="What shall not. Not used where the scale is 1."),
                io.Image.Input(
                    "image",
                    tooltip=f"The picture to vary. Its sides are cut down to multiples of {SIDES}. Pictures of a batch are"
                    " varied one after the other, each as if it were alone.",
                ),
                types.Transform.Input("transform", tooltip="From Transform."),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**50 - 1,
                    control_after_generate=io.ControlAfterGenerate.fixed,
                    tooltip="Seed of the first loop. Each further loop has one of its own that follows from it.",
                ),
                io.Combo.Input(
                    "sampler_name",
                    options=list(comfy.samplers.KSampler.SAMPLERS),
                    default="ddim",
                    tooltip="The sampler. ddim is the batch CLI's.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=list(comfy.samplers.KSampler.SCHEDULERS),
                    default="ddim_uniform",
                    advanced=True,
                    tooltip=f"The schedule of {SCHEDULE} steps; a strength of 0.3 runs its last {int(0.3 * SCHEDULE)}.",
                ),
                input_of(settings.SCALE_AS, default=None, advanced=True),
                io.DynamicCombo.Input(
                    "color",
                    options=[io.DynamicCombo.Option(NONE, []), *map(_timed, color_modes(in_program=True))],
                    tooltip="What keeps colours from drifting. anchored: for long chains. S, 85deaf5, 20ed20c, adaptive: as the batch"
                    " CLI did it at the time, reference: the picture that a loop starts from.",
                ),
                input_of(settings.THROUGH_VAE, advanced=True),
                io.DynamicCombo.Input(
                    "save_as",
                    options=[io.DynamicCombo.Option("off", []), io.DynamicCombo.Option("on", save)],
                    tooltip="on: each picture is saved and committed as it is made; the same run goes on where it was stopped, whatever"
                    " stopped it. off: nothing is written.",
                ),
                io.String.Input(
                    "cooldown",
                    default="0,0,0",
                    advanced=True,
                    tooltip="Seconds to wait between transforms: after each, after every third, after every ninth.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="1 = vary here. Outside, the picture stays exactly as it is. One for all pictures, or one for each.",
                ),
                io.MultiType.Input(
                    "words",
                    types=types.TEXT_SOCKET,
                    optional=True,
                    tooltip="The prompt, for the session and for the folder rule prompt hash.",
                ),
            ],
            outputs=[
                io.Image.Output("images", tooltip="All pictures that the transform keeps, in order."),
                io.String.Output("labels", tooltip="A line for each: scale, strength and seed. For Contact Sheet."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, save_as: Choice | str | None = None, **_: object) -> float | str:
        """What is saved may have been deleted or paused meanwhile: it is looked for each time."""
        return "" if save_as in (None, "off", {"save_as": "off"}) else float("nan")

    @classmethod
    def execute(
        cls,
        model: io.Model.Type,
        vae: io.Vae.Type,
        positive: Conditioning,
        negative: Conditioning,
        image: torch.Tensor,
        transform: Transform,
        seed: int,
        sampler_name: str,
        scheduler: str,
        scale_as: settings.ScaleAs,
        reference_through_vae: bool,
        cooldown: str,
        color: Choice | None = None,
        save_as: Choice | None = None,
        mask: torch.Tensor | None = None,
        words: str = "",
    ) -> io.NodeOutput:
        # Loading the pack must not wait for what acts while sampling.
        from ..resonance.host import driven, vary
        from ..resonance.host.sessions.variations import Around, SaveAs, opened

        color = chosen(color, "color", (NONE, *MODES))
        save_as = chosen(save_as, "save_as", ("off", "on"))
        sampling = vary.Sampling(model, vae, positive, negative, sampler_name, scheduler, scale_as)
        task = vary.Task(sampling, transform, seed, waits.read_waits(cooldown), colors(color), reference_through_vae)
        id_ = cls.hidden.unique_id
        if save_as["save_as"] == "off":
            return io.NodeOutput(*vary.vary(task, image, mask, None, id_))
        naming = Naming(save_as["folder_rule"], save_as["name_rule"])
        around = Around(id_, cls.hidden.dynprompt, cls.hidden.prompt, cls.hidden.extra_pnginfo)
        save = SaveAs(save_as["session"], naming, words)
        if question := driven.asked():
            return driven.answer(question, task, image, mask, color, save, around)
        with opened(save, seed, around) as session:
            made = vary.vary(task, image, mask, session, id_, save_as["returns"])
        return io.NodeOutput(*made, ui={"images": session.files})


def _timed(mode: io.DynamicCombo.Option) -> io.DynamicCombo.Option:
    """A color mode that also asks when it corrects, unless it says that itself."""
    if mode.key in TIMELESS:
        return mode
    correct = io.Combo.Input(
        "correct",
        options=list(WHEN),
        tooltip="when kept: as the batch CLI did; between two pictures that a chain keeps, colours are left alone.",
    )
    return io.DynamicCombo.Option(mode.key, [*mode.inputs, correct])


NODES = [Vary]

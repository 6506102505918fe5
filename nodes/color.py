"""Colour matching: a node, and the inputs of its modes for others that offer them."""

import torch
from comfy_api.v0_0_2 import io

from ..resonance.host import roundtrip
from ..resonance.vary import color
from ..resonance.vary.color import Anchored, Correction
from ..resonance.vary.modes import read_mode
from ..resonance.vary.settings import ANCHORED, MODES, OWN
from .inputs import Choice, chosen

EXPLAINED = (
    "How far the colours a* and b* of CIELAB go to those of the reference; lightness is never matched unless you say so. adaptive:"
    " what a strong transform changed is kept more than what a weak one did, and L rises by 1 per transform. anchored: for long"
    " chains; the reference follows the results slowly and is held by the first picture, and mean L is held, too. S: the batch"
    " CLI's first state, colours wholly matched, L + 10. 85deaf5: its next, 95 % matched, L + 1 per transform. 20ed20c: the one"
    " after, 97 % matched in four steps, L + 1 per transform. own: your numbers."
)


def color_modes(in_program: bool = False) -> list[io.DynamicCombo.Option]:
    """The modes with their inputs.

    Args:
        in_program: a program of transforms knows how strong the last one was and how many there were: nobody is asked.
    """
    strength = io.Float.Input(
        "strength",
        default=0.5,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="Strength (denoise) of the transform that made the picture. What it changed in the colours is kept by the square of"
        " this: 12 % at 0.35, 64 % at 0.8.",
    )
    transforms = io.Int.Input(
        "transforms",
        default=1,
        min=0,
        max=1000,
        tooltip="How many transforms the picture went through since its colours were last corrected. L rises by 1 for each.",
    )
    asked: dict[str, list[io.Input]] = {
        "adaptive": [strength, transforms],
        "85deaf5": [transforms],
        "20ed20c": [transforms],
    }
    options: dict[str, list[io.Input]] = {name: [] if in_program else asked.get(name, []) for name in MODES}
    options[ANCHORED] = [
        io.Float.Input(
            "anchor",
            default=Anchored.anchor,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip="Weight of the first picture in the reference. 1: nothing else counts, the chain keeps its colours. 0: nothing"
            " holds it, drift included.",
        ),
        io.Float.Input(
            "smoothing",
            default=Anchored.smoothing,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip="How slowly the rest of the reference follows the results: the share of it that stays with each new one.",
        ),
        *_blending(Anchored.blend, Anchored.repeats),
    ]
    options[OWN] = [
        io.Float.Input(
            "l_boost",
            default=0.0,
            min=-100.0,
            max=100.0,
            step=0.1,
            tooltip="Added to the lightness L, which goes from 0 to 100.",
        ),
        io.Float.Input(
            "l_blend",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip="What the lightness keeps of its own. 1: it is not matched. Below, smooth areas may show bands.",
        ),
        *_blending(Correction.blend, Correction.repeats),
    ]
    return [io.DynamicCombo.Option(name, inputs) for name, inputs in options.items()]


def _blending(blend: float | None, repeats: int) -> list[io.Input]:
    return [
        io.Float.Input(
            "blend",
            default=blend,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip="What colours keep of their own at each matching. 0: they become the reference's. 1: they stay.",
        ),
        io.Int.Input(
            "repeats",
            default=repeats,
            min=1,
            max=100,
            tooltip="How often the matching is done: a blend of 0.4 keeps 0.16 when it is done twice.",
        ),
    ]


class ColorMatch(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceColorMatch",
            display_name="Color Match",
            category="Resonance/Vary",
            description="Gives pictures the colours of a reference, exactly, so that a long chain of img2img turns neither magenta"
            " nor dark.",
            search_aliases=[
                "color correction",
                "color transfer",
                "histogram matching",
                "palette",
                "drift",
                "lab",
                "colour",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The pictures to correct. Alpha is kept; grey pictures become RGB."),
                io.Image.Input(
                    "reference",
                    tooltip="Whose colours they get, of any size: one picture for all, or one for each. In a chain, its first picture.",
                ),
                io.DynamicCombo.Input("mode", options=color_modes(), tooltip=EXPLAINED),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where the pictures change, and by how much. Only what is not black there is compared.",
                ),
                io.Mask.Input(
                    "reference_mask", optional=True, tooltip="Which part of the reference counts: what is not black."
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="Encodes and decodes the reference first, so that it has the VAE's own cast. Connect it when the pictures"
                    " come from this VAE and the reference does not.",
                ),
            ],
            outputs=[io.Image.Output(tooltip="The pictures with the reference's colours.")],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        reference: torch.Tensor,
        mode: Choice | None = None,
        mask: torch.Tensor | None = None,
        reference_mask: torch.Tensor | None = None,
        vae: io.Vae.Type | None = None,
    ) -> io.NodeOutput:
        mode = chosen(mode, "mode", MODES)
        how = read_mode(mode)
        if vae is not None:
            reference = roundtrip.through(vae, reference)
        asked = {name: value for name, value in mode.items() if name in ("strength", "transforms")}
        return io.NodeOutput(
            color.match_all(image, reference, how, masks=mask, reference_masks=reference_mask, **asked)
        )


NODES = [ColorMatch]

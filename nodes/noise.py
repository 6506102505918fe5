"""Noise of a batch, picture by picture."""

from comfy_api.v0_0_2 import io

from ..resonance.graph import samplers_beside
from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types

NOISE = 0
"""Number of the output."""


class PerPictureNoise(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonancePerPictureNoise",
            display_name="Per Picture Noise",
            category="Resonance/Prompt lines",
            description="Gives each picture of a batch a seed of its own, for SamplerCustomAdvanced. A picture comes out as KSampler"
            " paints it alone with that seed, also with samplers that add noise at every step.",
            search_aliases=[
                "seed list",
                "seed per image",
                "batch seeds",
                "noise seed",
                "batch noise",
                "prompts from file",
            ],
            inputs=[
                io.Sampler.Input(
                    "sampler",
                    tooltip="From KSamplerSelect or another of ComfyUI's sampler nodes. dpm_adaptive, whose pictures depend on one"
                    " another, and samplers of other packs paint one picture a run.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**64 - 1,
                    control_after_generate=True,
                    tooltip="The seed of the first picture. The others of a batch count up from it: seed, seed + 1, seed + 2. It does"
                    " not count where an item is connected.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="Takes the place of the seed. The pictures of a batch of prompt lines have the seeds of their lines.",
                ),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise", tooltip="To SamplerCustomAdvanced: what each picture begins with."
                ),
                io.Sampler.Output(
                    display_name="sampler",
                    tooltip="To the same node: the sampler, which now draws the noise of each step picture by picture.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
        )

    @classmethod
    def execute(cls, sampler: io.Sampler.Type, seed: int, item: Item | None = None) -> io.NodeOutput:
        from ..resonance.host import core_noise
        from ..resonance.paint.per_picture import Seeds

        if samplers_beside(cls.hidden.prompt, cls.hidden.unique_id, NOISE):
            raise Told(
                "Connect sampler of Per Picture Noise as well as its noise: with another sampler pictures depend on their place in the"
                " batch."
            )
        seeds = [each.seed for each in item.batch] if item else [seed]
        return io.NodeOutput(
            core_noise.PerPictureNoise(Seeds(*seeds)), core_noise.per_picture(sampler, count=len(seeds))
        )


NODES = [PerPictureNoise]

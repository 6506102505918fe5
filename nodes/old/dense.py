"""ComfyUI_densediffusion's nodes: parts are hung on the model one by one, then applied together."""

import torch
from comfy_api.v0_0_2 import io

from ...resonance.attention.methods.omost import OmostDense
from ...resonance.attention.parts import Binding, Conditioning, Part, PartWords, carrying, stack
from ...resonance.canvas.canvas import GRID
from ...resonance.told import Told
from .sockets import CATEGORY

PARTS = "resonance_dense_parts"
"""Where a MODEL carries the parts that were added so far."""


class AddCond(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DenseDiffusionAddCondNode",
            display_name="DenseDiffusion Add Cond",
            category=CATEGORY,
            description="For old workflows; new ones use Region from Conditioning. Gives a conditioning a place on a model, for "
            "DenseDiffusion Apply.",
            search_aliases=["dense diffusion", "region from conditioning", "regional prompt"],
            is_deprecated=True,
            inputs=[
                io.Model.Input("model", tooltip="The model, with what was added before."),
                io.Conditioning.Input("conditioning", tooltip="What shall be there: one entry, not a combination."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How strongly its words are looked for where it is; 0 takes it out.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where it acts, in any resolution; one mask. Not connected: everywhere.",
                ),
            ],
            outputs=[io.Model.Output(tooltip="The model with one part more, for the next Add Cond or for Apply.")],
        )

    @classmethod
    def execute(
        cls, model: io.Model.Type, conditioning: Conditioning, strength: float, mask: torch.Tensor | None = None
    ) -> io.NodeOutput:
        before: tuple[Part, ...] = model.get_attachment(PARTS) or ()
        name = f"part {len(before) + 1}"
        if len(conditioning) != 1:
            raise Told(
                f"The conditioning of {name} has {len(conditioning)} entries: add each by an Add Cond of its own."
            )
        if mask is None:
            mask = torch.ones(1, GRID, GRID)
        masks = mask.reshape(-1, *mask.shape[-2:])
        if len(masks) > 1:
            raise Told(f"Expected one mask for {name}, got {len(masks)}: add a part for each.")
        model = model.clone()
        model.set_attachments(PARTS, (*before, Part(name, conditioning, masks[0], strength)))
        return io.NodeOutput(model)


class Apply(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DenseDiffusionApplyNode",
            display_name="DenseDiffusion Apply",
            category=CATEGORY,
            description="For old workflows; new ones use Regions with dense diffusion (omost). Lets the parts that were added to a "
            "model act, each in its place.",
            search_aliases=["dense diffusion", "regions", "regional prompt"],
            is_deprecated=True,
            inputs=[io.Model.Input("model", tooltip="From DenseDiffusion Add Cond. A clone of it is patched.")],
            outputs=[
                io.Model.Output(tooltip="The model with its attention patched."),
                io.Conditioning.Output(tooltip="To the sampler, with this model: the words of all parts."),
            ],
        )

    @classmethod
    def execute(cls, model: io.Model.Type) -> io.NodeOutput:
        from ...resonance.host.sampling.owner import owned

        added: tuple[Part, ...] = model.get_attachment(PARTS) or ()
        parts = [part for part in added if part.weight > 0]
        if not parts:
            raise Told("No part acts on this model: connect a DenseDiffusion Add Cond with a strength above 0.")
        [[first, said]], *more = (part.positive for part in parts)
        # Not by bind(): here no words need to act everywhere, and even the first may have a place of its own.
        binding = Binding(
            method=OmostDense(),
            base=first,
            parts=tuple(PartWords(part.name, *words[0]) for part, words in zip(parts[1:], more, strict=True)),
            masks=stack([part.mask for part in parts]),
            weights=tuple(part.weight for part in parts),
            starts=tuple(part.start for part in parts),
            ends=tuple(part.end for part in parts),
        )
        return io.NodeOutput(owned(model), [[first, carrying({"pooled_output": said.get("pooled_output")}, binding)]])


NODES = [AddCond, Apply]

"""What the LoRAs of regions are measured with."""

import json
from collections import Counter
from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io

REGIONS = "resonance_regions"


class Apart(io.ComfyNode):
    """Mean difference of two latents."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Apart",
            category="probe",
            inputs=[io.Latent.Input("a"), io.Latent.Input("b")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, a, b):
        return io.NodeOutput(ui={"apart": [(a["samples"] - b["samples"]).abs().mean().item()]})


class WithoutBase(io.ComfyNode):
    """What comes from Regions, but for the words that act everywhere: then a region over the whole picture has all of it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="WithoutBase",
            category="probe",
            inputs=[io.Conditioning.Input("conditioning")],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, conditioning):
        if REGIONS in conditioning[0][1]:
            return io.NodeOutput(
                [[tokens, {**values, REGIONS: unheard(values[REGIONS])}] for tokens, values in conditioning]
            )
        return io.NodeOutput(conditioning[1:])


def unheard(binding):
    return replace(
        binding, weights=(0.0, *binding.weights[1:]), negative=binding.negative and unheard(binding.negative)
    )


class PooledOf(io.ComfyNode):
    """A conditioning with the pooled vector of another."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="PooledOf",
            category="probe",
            inputs=[io.Conditioning.Input("conditioning"), io.Conditioning.Input("other")],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, conditioning, other):
        pooled = {"pooled_output": other[0][1]["pooled_output"]}
        return io.NodeOutput([[tokens, {**values, **pooled}] for tokens, values in conditioning])


class PassBy(io.ComfyNode):
    """A model that computes one layer without calling it, as fused kernels do."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="PassBy",
            category="probe",
            inputs=[io.Model.Input("model"), io.String.Input("parent")],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, parent):
        model = model.clone()
        layer = model.get_model_object(f"diffusion_model.{parent}")[0]

        def forward(x):
            return torch.nn.functional.linear(x, layer.weight.to(x), layer.bias.to(x))

        model.add_object_patch(f"diffusion_model.{parent}.forward", forward)
        return io.NodeOutput(model)


PATCHED = Counter()
"""How many weights ComfyUI has patched, by the class of the model."""


def count_patches():
    """Has ComfyUI count them."""
    patch = ModelPatcher.patch_weight_to_device

    def counted(self, key, *args, **kwargs):
        PATCHED[type(self.model).__name__] += key in self.patches
        return patch(self, key, *args, **kwargs)

    ModelPatcher.patch_weight_to_device = counted


class PatchedWeights(io.ComfyNode):
    """How many weights were patched since it was last asked, once ``after`` has run."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="PatchedWeights",
            category="probe",
            inputs=[io.AnyType.Input("after", optional=True)],
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")

    @classmethod
    def execute(cls, after=None):
        found = json.dumps({name: count for name, count in PATCHED.items() if count})
        PATCHED.clear()
        return io.NodeOutput(ui={"patched": [found]})


NODES = [Apart, WithoutBase, PooledOf, PassBy, PatchedWeights]

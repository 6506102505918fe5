"""Attention patches as other packs set them. Each makes the picture greener."""

from comfy.ldm.modules.attention import SpatialTransformer, optimized_attention
from comfy_api.latest import io

GREEN = 1
"""Where a token's embedding and an attention head hold green, from their start."""


class PatchTint(io.ComfyNode):
    """An ``attn2_patch``: every token's value gets greener."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="PatchTint",
            category="probe",
            inputs=[io.Model.Input("model"), io.Float.Input("amount", default=1.0, min=-10, max=10)],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, amount):
        def patch(query, context, value, extra_options):
            value = value.clone()
            for encoder in (0, 768) if value.shape[-1] == 2048 else (0,):
                value[..., encoder + GREEN] += amount
            return query, context, value

        model = model.clone()
        model.set_model_attn2_patch(patch)
        return io.NodeOutput(model)


class ReplaceTint(io.ComfyNode):
    """An ``attn2_replace`` on every block, as IP-Adapter packs set it: attention done by itself, plus a term of its own.

    ``keys``: whether blocks are named by block and number, or by the number of the transformer in it too.
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ReplaceTint",
            category="probe",
            inputs=[
                io.Model.Input("model"),
                io.Float.Input("amount", default=1.0, min=-10, max=10),
                io.Combo.Input("keys", options=["transformers", "blocks"]),
            ],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, amount, keys):
        def replace(q, k, v, extra_options):
            out = optimized_attention(q, k, v, extra_options["n_heads"]).clone()
            out[..., GREEN :: extra_options["dim_head"]] += amount
            return out

        model = model.clone()
        for block, number, transformer in cross_attention(model.model.diffusion_model):
            model.set_model_attn2_replace(replace, block, number, transformer if keys == "transformers" else None)
        return io.NodeOutput(model)


def cross_attention(unet):
    """Block, number and number of the transformer in it, of every transformer of a UNet."""
    blocks = {"input": unet.input_blocks, "middle": [unet.middle_block or ()], "output": unet.output_blocks}
    for name, modules in blocks.items():
        for number, module in enumerate(modules):
            for layer in module:
                if isinstance(layer, SpatialTransformer):
                    for transformer in range(len(layer.transformer_blocks)):
                        yield name, number, transformer


NODES = [PatchTint, ReplaceTint]

"""Attention patches as other packs set them. Each makes the picture greener."""

import torch
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


class PairTokens(io.ComfyNode):
    """Every token twice, as NegPiP's text encoders give them: a key and its value."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="PairTokens",
            category="probe",
            inputs=[io.Conditioning.Input("conditioning")],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, conditioning):
        return io.NodeOutput([[tokens.repeat_interleave(2, 1), values] for tokens, values in conditioning])


class TakePairs(io.ComfyNode):
    """An ``attn2_patch`` that takes keys and values apart again, as NegPiP's does; or every third token, as none does."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TakePairs",
            category="probe",
            inputs=[io.Model.Input("model"), io.Int.Input("step", default=2)],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, step):
        def patch(query, context, value, extra_options):
            return query, context[:, 0::step], value[:, step - 1 :: step]

        model = model.clone()
        model.set_model_attn2_patch(patch)
        return io.NodeOutput(model)


class AppendTokens(io.ComfyNode):
    """An ``attn2_patch`` that puts tokens behind all others, as adapters do: the keys of the last ones, with greener values."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="AppendTokens",
            category="probe",
            inputs=[io.Model.Input("model"), io.Int.Input("count", default=77)],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, count):
        def patch(query, context, value, extra_options):
            green = value[:, -count:].clone()
            for encoder in (0, 768) if green.shape[-1] == 2048 else (0,):
                green[..., encoder + GREEN] += 4
            return query, torch.cat([context, context[:, -count:]], 1), torch.cat([value, green], 1)

        model = model.clone()
        model.set_model_attn2_patch(patch)
        return io.NodeOutput(model)


NODES = [PatchTint, ReplaceTint, PairTokens, TakePairs, AppendTokens]

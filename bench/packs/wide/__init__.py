"""A UNet of Stable Diffusion 1.5 in full width, with random weights."""

import comfy.model_patcher
import comfy.supported_models
import torch
from comfy_api.latest import ComfyExtension, io

CONFIG = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "channel_mult": [1, 2, 4],
    "num_res_blocks": [1, 1, 1],
    "transformer_depth": [1, 1, 1],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [1] * 6,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "context_dim": 768,
    "num_heads": 8,
    "adm_in_channels": None,
    "use_checkpoint": False,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
    "legacy": False,
    "dtype": torch.float32,
}
"""SD1.5 without its fourth level, which has no transformers, and with one block a level instead of two."""


class BenchWide(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="BenchWide", category="bench", inputs=[], outputs=[io.Model.Output()])

    @classmethod
    def execute(cls):
        torch.manual_seed(0)
        model = comfy.supported_models.SD15(dict(CONFIG)).get_model({}, "", device="cpu")
        for weight in model.diffusion_model.parameters():
            # As large as what they multiply is wide: all numbers stay ordinary ones.
            weight.copy_(torch.randn_like(weight) / weight[0].numel() ** 0.5 if weight.dim() > 1 else torch.ones(()))
        cpu = torch.device("cpu")
        return io.NodeOutput(comfy.model_patcher.ModelPatcher(model, cpu, cpu))


class WideExtension(ComfyExtension):
    async def get_node_list(self):
        return [BenchWide]


async def comfy_entrypoint():
    return WideExtension()

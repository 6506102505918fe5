"""An IP-Adapter as it is mostly built: each layer makes its keys and values of the picture's tokens anew, in each step."""

import comfy.utils
import folder_paths
import torch
from comfy.ldm.modules.attention import optimized_attention
from comfy_api.latest import ComfyExtension, io


class Projecting:
    """Cross-attention at one place."""

    def __init__(self, key: torch.Tensor, value: torch.Tensor, tokens: torch.Tensor, blank: torch.Tensor) -> None:
        self.key, self.value, self.tokens = key, value, (tokens, blank)

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra_options: dict) -> torch.Tensor:
        heads, sides = extra_options["n_heads"], extra_options["cond_or_uncond"]
        rows = len(q) // len(sides)
        tokens = torch.cat([self.tokens[side].expand(rows, -1, -1) for side in sides])
        words = optimized_attention(q, k, v, heads)
        keys, values = (torch.nn.functional.linear(tokens, weight) for weight in (self.key, self.value))
        return words + optimized_attention(q, keys, values, heads)


class BenchProjecting(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="BenchProjecting",
            category="bench",
            inputs=[
                io.Model.Input("model"),
                io.String.Input("adapter"),
            ],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, adapter):
        state = comfy.utils.load_torch_file(folder_paths.get_full_path_or_raise("ipadapter", adapter), safe_load=True)
        state = {key: each.float() for key, each in state.items()}
        unet = model.model.diffusion_model
        places = [("input", i) for i, b in enumerate(unet.input_blocks) if _reads(b)]
        places += [("output", i) for i, b in enumerate(unet.output_blocks) if _reads(b)]
        places.append(("middle", 0))
        torch.manual_seed(0)
        tokens, blank = torch.randn(2, 16, 768)
        model = model.clone()
        for number, (name, block) in enumerate(places):
            key, value = (state[f"ip_adapter.{2 * number + 1}.to_{which}_ip.weight"] for which in "kv")
            model.set_model_attn2_replace(Projecting(key, value, tokens[None], blank[None]), name, block)
        return io.NodeOutput(model)


def _reads(block):
    return any(hasattr(layer, "transformer_blocks") for layer in block)


class ProjectingExtension(ComfyExtension):
    async def get_node_list(self):
        return [BenchProjecting]


async def comfy_entrypoint():
    return ProjectingExtension()

"""Our IP-Adapter in ComfyUI's UNet beside diffusers' in its own, with the same random weights."""

import importlib
import json

import comfy.model_patcher
import comfy.samplers
import comfy.supported_models
import comfy.utils
import torch
from comfy_api.latest import ComfyExtension, io
from comfy_extras.nodes_custom_sampler import Guider_DualCFG

import nodes

STEP = 601
"""Of 1000, at which both are asked."""
SIZE = 2, 4, 8, 16
"""Of the latent."""

SHARED = {
    "image_size": 32,
    "use_spatial_transformer": True,
    "legacy": False,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "use_temporal_attention": False,
    "dtype": torch.float32,
}
KINDS = {
    "sd15": (
        comfy.supported_models.SD15,
        {
            "num_res_blocks": [2] * 4,
            "channel_mult": [1, 2, 2, 2],
            "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
            "transformer_depth_output": [1] * 9 + [0] * 3,
            "transformer_depth_middle": 1,
            "num_heads": 8,
            "num_head_channels": -1,
            "context_dim": 768,
            "use_linear_in_transformer": False,
            "adm_in_channels": None,
        },
        {"block_out_channels": (32, 64, 64, 64), "cross_attention_dim": 768, "attention_head_dim": 8},
        (("up_blocks.1", "style"), ("down_blocks.2 mid_block", "layout")),
    ),
    "sdxl": (
        comfy.supported_models.SDXL,
        {
            "num_res_blocks": [2] * 3,
            "channel_mult": [1, 2, 4],
            "transformer_depth": [0, 0, 2, 2, 10, 10],
            "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
            "transformer_depth_middle": 10,
            "num_head_channels": 64,
            "num_heads": -1,
            "context_dim": 2048,
            "use_linear_in_transformer": True,
            "num_classes": "sequential",
            "adm_in_channels": 2816,
        },
        {
            "block_out_channels": (32, 64, 128),
            "cross_attention_dim": 2048,
            "attention_head_dim": (1, 1, 2),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 2, 10),
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        },
        (("up_blocks.0.attentions.1", "style"), ("down_blocks.2.attentions.1", "layout")),
    ),
}


def library(name):
    ours = nodes.NODE_CLASS_MAPPINGS["ResonanceReferencePicture"].__module__.rpartition(".nodes.")[0]
    return importlib.import_module(f"{ours}.resonance.{name}")


def build(kind):
    """diffusers' UNet and ComfyUI's model with its weights."""
    from diffusers import UNet2DConditionModel

    family, config, theirs, _ = KINDS[kind]
    unet = UNet2DConditionModel(sample_size=16, layers_per_block=2, **theirs)
    for parameter in unet.parameters():
        if parameter.dim() == 1:
            parameter.add_(torch.randn_like(parameter) * 0.1)
        else:
            parameter.mul_(1.5)
    config = {**SHARED, **config}
    model = family(config).get_model({}, "")
    names = comfy.utils.unet_to_diffusers(config)
    model.diffusion_model.load_state_dict({names[key]: each for key, each in unet.state_dict().items()})
    return unet.eval(), model


def adapter(unet, kind, projection):
    """Random weights of an IP-Adapter."""
    context = unet.config.cross_attention_dim

    def random(*shape, gain=1.0):
        return torch.randn(shape) * gain / shape[-1] ** 0.5

    if projection == "base":
        seen = 1024 if kind == "sd15" else 1280
        head = {
            "proj.weight": random(4 * context, seen),
            "proj.bias": random(4 * context, gain=10),
            "norm.weight": 1 + random(context, gain=3),
            "norm.bias": random(context, gain=3),
        }
    elif projection == "plus":
        width = 768 if kind == "sd15" else 1280
        head = {
            "latents": random(1, 16, width, gain=width**0.5),
            **{"proj_in.weight": random(width, 1280), "proj_in.bias": random(width)},
            **{"proj_out.weight": random(context, width), "proj_out.bias": random(context)},
            **{"norm_out.weight": 1 + random(context), "norm_out.bias": random(context)},
        }
        for layer in range(4):
            for name in ("0.norm1", "0.norm2", "1.0"):
                head[f"layers.{layer}.{name}.weight"] = 1 + random(width)
                head[f"layers.{layer}.{name}.bias"] = random(width)
            sizes = {"0.to_q": 1, "0.to_kv": 2, "0.to_out": 1, "1.1": 4}
            head |= {f"layers.{layer}.{name}.weight": random(times * width, width) for name, times in sizes.items()}
            head[f"layers.{layer}.1.3.weight"] = random(width, 4 * width)
    else:
        head = {
            **{"proj.0.weight": random(1280, 1280), "proj.0.bias": random(1280)},
            **{"proj.2.weight": random(context, 1280), "proj.2.bias": random(context)},
            **{"proj.3.weight": 1 + random(context), "proj.3.bias": random(context)},
        }
    layers, number = {}, 1
    for name in unet.attn_processors:
        if name.endswith("attn2.processor"):
            out = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            layers[f"{number}.to_k_ip.weight"] = random(out, context, gain=2)
            layers[f"{number}.to_v_ip.weight"] = random(out, context, gain=4)
            number += 2
    return {"image_proj": head, "ip_adapter": layers}


class PeerAdapter(io.ComfyNode):
    """The largest difference between both, by what acts, as JSON; ``effect`` is what the picture changes at all."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="PeerAdapter",
            category="probe",
            inputs=[
                io.Combo.Input("kind", options=list(KINDS)),
                io.Combo.Input("projection", options=["base", "plus", "full face"]),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, kind, projection):
        torch.manual_seed(0)
        read = library("reference.adapter").read_adapter
        family = library("host.families").family
        unet, model = build(kind)
        state = adapter(unet, kind, projection)
        sigma = model.model_sampling.sigmas[STEP].item()
        x = torch.randn(SIZE) * (sigma**2 + 1) ** 0.5
        context = unet.config.cross_attention_dim
        words, refused, middle = torch.randn(3, 1, 77, context)
        pooled = torch.randn(1, 1280) if kind == "sdxl" else None
        seen = torch.randn(1, 1024 if kind == "sd15" else 1280) if projection == "base" else torch.randn(1, 257, 1280)
        mask = torch.zeros(1, 1, SIZE[2] * 8, SIZE[3] * 8)
        mask[..., : SIZE[3] * 4] = 1

        unet._load_ip_adapter_weights([state], low_cpu_mem_usage=False)
        shown = read("file", state)
        picture = library("reference.picture")
        own = dict(shown=shown.shown(seen[:, None]), blank=shown.shown(torch.zeros_like(seen)[:, None]))

        def theirs(text, weight, where=None, blocks=None, seen=seen):
            for name, processor in unet.attn_processors.items():
                if hasattr(processor, "scale"):
                    processor.scale = [weight if blocks is None or name.startswith(tuple(blocks.split())) else 0.0]
            rows = SIZE[0]
            added = {"image_embeds": [seen[:, None].expand(rows, *[-1] * seen.dim())]}
            if kind == "sdxl":
                height, width = 8.0 * SIZE[2], 8.0 * SIZE[3]
                times = torch.tensor([[height, width, 0, 0, height, width]] * rows)
                added |= {"text_embeds": pooled.expand(rows, -1), "time_ids": times}
            masks = {} if where is None else {"cross_attention_kwargs": {"ip_adapter_masks": [where]}}
            scaled = x / (sigma**2 + 1) ** 0.5
            return unet(scaled, STEP, text.expand(rows, -1, -1), added_cond_kwargs=added, **masks).sample

        def ours(pictures=(), cfg=1.0, dual=False):
            values = {} if pooled is None else {"pooled_output": pooled}
            owned = library("host.sampling.owner").owned(patched(model))
            guider = Guider_DualCFG(owned) if dual else comfy.samplers.CFGGuider(owned)
            between = [[[middle, dict(values)]]] if dual else []
            positive = [[words, picture.with_pictures(values, pictures)]]
            guider.set_conds(positive, *between, [[refused, dict(values)]])
            guider.set_cfg(cfg, *([2.0] if dual else []))
            steps = torch.tensor([sigma, 0.0])
            euler = comfy.samplers.sampler_object("euler")
            made = guider.sample(x / sigma, torch.zeros_like(x), euler, steps, seed=1, disable_pbar=True)
            return (x - model.process_latent_in(made)) / sigma

        def of(strength, **how):
            return [picture.Picture(**own, strength=strength, **how)]

        def far(a, b):
            return (a - b).abs().max().item()

        with torch.inference_mode():
            plain = ours()
            blocks = {
                names: far(
                    theirs(words, 1.0, blocks=names),
                    ours(of(1.0, blocks=getattr(family(patched(model)), what))),
                )
                for names, what in KINDS[kind][3]
            }
            without = theirs(refused, 0.6, seen=torch.zeros_like(seen))
            guided = without + 4.0 * (theirs(words, 0.6) - without)
            between = theirs(middle, 0.6, seen=torch.zeros_like(seen))
            dual = without + 2.0 * (between - without) + 4.0 * (theirs(words, 0.6) - between)
            found = {
                "plain": far(theirs(words, 0.0), plain),
                "effect": far(plain, ours(of(1.0))),
                "strength 1": far(theirs(words, 1.0), ours(of(1.0))),
                "strength 0.6": far(theirs(words, 0.6), ours(of(0.6))),
                "mask": far(theirs(words, 0.6, where=mask), ours(of(0.6, masks=(mask[0, 0],)))),
                "blank": far(guided, ours(of(0.6), cfg=4.0)) / guided.abs().max().item(),
                "blank in both negatives": far(dual, ours(of(0.6), cfg=4.0, dual=True)) / dual.abs().max().item(),
                **blocks,
            }
            exact = {
                "strength 0": torch.equal(ours(of(0.0)), plain),
                "range": torch.equal(ours(of(1.0, start=0.9)), plain),
                "ones": torch.equal(ours(of(1.0, masks=(torch.ones(5, 7),))), ours(of(1.0))),
                "nowhere": torch.equal(ours(of(1.0, masks=(torch.zeros(5, 7),))), plain),
            }
        return io.NodeOutput(ui={"found": [json.dumps({"far": found, "exact": exact})]})


def patched(model):
    device = torch.device("cpu")
    return comfy.model_patcher.CoreModelPatcher(model, load_device=device, offload_device=device)


class PeersExtension(ComfyExtension):
    async def get_node_list(self):
        return [PeerAdapter]


async def comfy_entrypoint():
    return PeersExtension()

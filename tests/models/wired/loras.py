"""LoRAs of every kind for every layer of a UNet, random: what they do can be compared with what core makes of them."""

import math

import torch

from .weights import HALF, Weights

RANK = 4
PLACELESS = ("time_embed", "label_emb")
"""What acts on the picture as a whole, and is in hardly any LoRA."""


def wide(weights: Weights, unet: Weights, prefix: str, kind: str, text: dict[str, int], gain: float = 0.5) -> None:
    """
    Args:
        unet, prefix: a checkpoint, and how its keys for the UNet begin.
        kind: lora (LoCon's 3 x 3 layers too), locon (with ``lora_mid``), loha, lokr, dora, oft, boft, glora or diff.
        text: name in the keys and width of each text encoder.
    """
    for key, weight in unet.items():
        if not key.startswith(prefix) or weight.dim() < 2 or key.removeprefix(prefix).startswith(PLACELESS):
            continue
        name = "lora_unet_" + key.removeprefix(prefix).removesuffix(".weight").replace(".", "_")
        layer(weights, name, kind, weight.shape, gain)
    for encoder, width in text.items():
        for name, into in (("self_attn_out_proj", width), ("mlp_fc2", 4 * width)):
            key = f"{encoder}_text_model_encoder_layers_0_{name}"
            layer(weights, key, "lora", torch.Size((width, into)), 2 * gain)


def layer(weights: Weights, name: str, kind: str, shape: torch.Size, gain: float) -> None:
    """One layer's. All of them have an alpha that is not their rank."""
    out, into, *kernel = shape
    ones = [1] * len(kernel)
    share = math.sqrt(gain)
    if kind == "locon" and math.prod(kernel) > 1:
        weights.random(f"{name}.lora_down.weight", RANK, into, *ones, gain=1)
        weights.random(f"{name}.lora_mid.weight", RANK, RANK, *kernel, gain=1)
        weights.random(f"{name}.lora_up.weight", out, RANK, *ones, gain=gain)
    elif kind in ("lora", "locon", "dora"):
        weights.random(f"{name}.lora_down.weight", RANK, into, *kernel, gain=1)
        weights.random(f"{name}.lora_up.weight", out, RANK, *ones, gain=gain)
        if kind == "dora":
            weights[f"{name}.dora_scale"] = torch.ones(out, *([1] * (len(shape) - 1)), dtype=HALF)
    elif kind == "loha":
        for number in "12":
            weights.random(f"{name}.hada_w{number}_a", out, RANK, gain=share)
            weights.random(f"{name}.hada_w{number}_b", RANK, into * math.prod(kernel), gain=math.sqrt(into))
            weights[f"{name}.hada_w{number}_b"] /= into**0.25
    elif kind == "lokr":
        side = 2 if out % 2 == 0 and into % 2 == 0 else 1
        weights.random(f"{name}.lokr_w1", side, side, gain=gain)
        if kernel:
            weights.random(f"{name}.lokr_w2", out // side, into // side, *kernel, gain=gain)
        else:
            weights.random(f"{name}.lokr_w2_a", out // side, RANK, gain=gain)
            weights.random(f"{name}.lokr_w2_b", RANK, into // side, gain=1)
    elif kind == "oft":
        weights.random(f"{name}.oft_blocks", 4, out // 4, out // 4, gain=0.01)
    elif kind == "boft":
        weights.random(f"{name}.oft_blocks", 1, 4, out // 4, out // 4, gain=0.01)
    elif kind == "glora":
        for which, shapes in {"a1": (RANK, into), "a2": (into, RANK), "b1": (RANK, into), "b2": (out, RANK)}.items():
            weights.random(f"{name}.{which}.weight", *shapes, gain=0.1)
    elif kind == "diff":
        weights.random(f"{name}.diff", *shape, gain=0.01)
    weights[f"{name}.alpha"] = torch.tensor(RANK / 2)

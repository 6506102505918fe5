"""A text encoder that ComfyUI's own generation runs: Qwen3-VL, wired instead of trained, and with small dimensions.

The picture's mean colour, or a colour word in the prompt, passes through one attention layer to the end of the prompt
and is answered: `` red picture``, `` blue picture``, but `` green green green ...`` without an end.

ComfyUI fixes the dimensions of its families in code (the smallest that sees would take seconds per token on a CPU), so
this file is loaded by tests/host/packs/small_clip, which reads ``SIZES`` from its metadata.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

HIDDEN, INNER, LAYERS, HEADS, HEAD, VOCABULARY = 64, 64, 3, 2, 128, 151936
EYE, EYE_INNER, EYE_LAYERS, PATCH = 64, 64, 3, 16
MERGED = 4 * EYE
SIZES = {
    "language": {
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "lm_head": False,
    },
    "vision": {
        "hidden_size": EYE,
        "intermediate_size": EYE_INNER,
        "depth": EYE_LAYERS,
        "deepstack_visual_indexes": [0, 1, 2],
    },
}
COLOURS = (2518, 6176, 6303)
"""Qwen2.5's tokens for " red", " green", " blue"."""
GREEN, PICTURE, END = 6176, 6802, 151645
SEEN, NAMED, NEXT, LAST = 0, 10, 20, 21
"""Hidden dimensions: the colours seen (3), the colour to name (3), "a colour was named", "that was all"."""


def build(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: torch.zeros(shape, dtype=torch.bfloat16) for name, shape in shapes().items()}
    words = weights["model.language_model.embed_tokens.weight"]
    for colour, word in enumerate(COLOURS):
        words[word, SEEN + colour], words[word, NAMED + colour], words[word, NEXT] = 1, 5, float(word != GREEN)
    words[PICTURE, NEXT], words[PICTURE, LAST] = 500, 1000
    words[END, LAST] = 3000
    weights["model.language_model.norm.weight"].fill_(1)
    weights["model.language_model.layers.0.input_layernorm.weight"].fill_(1)
    weights["model.visual.merger.norm.weight"].fill_(1)
    for c in range(3):
        # Queries and keys are zero, so each token gets the mean of all before it.
        weights["model.language_model.layers.0.self_attn.v_proj.weight"][c, SEEN + c] = 1
        weights["model.language_model.layers.0.self_attn.o_proj.weight"][NAMED + c, c] = 10
        weights["model.visual.patch_embed.proj.weight"][c, c] = 1 / (2 * PATCH * PATCH)
        weights["model.visual.merger.linear_fc1.weight"][c, c] = 1
        weights["model.visual.merger.linear_fc2.weight"][SEEN + c, c] = 1
    save_file(weights, path, {"sizes": json.dumps(SIZES)})


def shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of the model."""
    found: dict[str, tuple[int, ...]] = {
        "model.language_model.embed_tokens.weight": (VOCABULARY, HIDDEN),
        "model.language_model.norm.weight": (HIDDEN,),
        "model.visual.patch_embed.proj.weight": (EYE, 3, 2, PATCH, PATCH),
        "model.visual.patch_embed.proj.bias": (EYE,),
        "model.visual.pos_embed.weight": (2304, EYE),
    }
    for i in range(LAYERS):
        at = f"model.language_model.layers.{i}."
        found |= {f"{at}{name}_layernorm.weight": (HIDDEN,) for name in ("input", "post_attention")}
        found |= {f"{at}self_attn.{name}_proj.weight": (HEADS * HEAD, HIDDEN) for name in "qkv"}
        found |= {f"{at}self_attn.{name}_norm.weight": (HEAD,) for name in "qk"}
        found[f"{at}self_attn.o_proj.weight"] = (HIDDEN, HEADS * HEAD)
        found |= {f"{at}mlp.{name}_proj.weight": (INNER, HIDDEN) for name in ("gate", "up")}
        found[f"{at}mlp.down_proj.weight"] = (HIDDEN, INNER)
    layers = {
        "attn.qkv": (3 * EYE, EYE),
        "attn.proj": (EYE, EYE),
        "mlp.linear_fc1": (EYE_INNER, EYE),
        "mlp.linear_fc2": (EYE, EYE_INNER),
        "norm1": (EYE,),
        "norm2": (EYE,),
    }
    merger = {"linear_fc1": (MERGED, MERGED), "linear_fc2": (HIDDEN, MERGED)}
    parts = {f"blocks.{i}.{name}": shape for i in range(EYE_LAYERS) for name, shape in layers.items()}
    parts |= {f"merger.{name}": shape for name, shape in {"norm": (EYE,), **merger}.items()}
    for i in range(3):
        parts |= {f"deepstack_merger_list.{i}.{name}": s for name, s in {"norm": (MERGED,), **merger}.items()}
    for name, shape in parts.items():
        found |= {f"model.visual.{name}.weight": shape, f"model.visual.{name}.bias": shape[:1]}
    return found

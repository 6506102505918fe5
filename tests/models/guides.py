"""What guides pictures, with random weights: a tiny CLIP as transformers writes it, and VGG16 in its own size."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from .checkpoint import vision
from .wired.vision import VIT_L
from .wired.weights import save

WORDS = ("a", "red", "blue", "cat")
FOLDER, FILE, EYE = "tiny clip", "vgg16.safetensors", "guide_vit_l.safetensors"
CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Of VGG16's convolutions; 0: the sides are halved."""


def build_guides(folder: Path) -> None:
    """Writes ``clip_guidance/tiny clip``, ``vgg/vgg16.safetensors``, and ``clip_vision/guide_vit_l``, which sees a picture's colour."""
    build_clip(folder / "clip_guidance" / FOLDER)
    (folder / "vgg").mkdir(parents=True)
    save_file({key: each.half() for key, each in vgg16().items()}, folder / "vgg" / FILE)
    save(folder / "clip_vision" / EYE, vision(VIT_L))


def build_clip(folder: Path) -> None:
    from transformers import CLIPConfig, CLIPModel

    folder.mkdir(parents=True)
    letters = sorted({letter for word in WORDS for letter in word} | set("bcdefghij"))
    signs = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {sign: number for number, sign in enumerate(signs)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    width = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {"vocab_size": len(signs), "bos_token_id": 0, "eos_token_id": 1, "max_position_embeddings": 77}
    config = CLIPConfig(
        text_config={**width, **text}, vision_config={**width, "image_size": 32, "patch_size": 8}, projection_dim=16
    )
    torch.manual_seed(1)
    CLIPModel(config).save_pretrained(folder)


def vgg16() -> dict[str, torch.Tensor]:
    """Weights of its ``features``, which keep how strong what they get is."""
    draw, layer, before = torch.Generator().manual_seed(1), 0, 3
    weights: dict[str, torch.Tensor] = {}
    for channels in CHANNELS:
        if channels:
            size = (channels, before, 3, 3)
            weights[f"features.{layer}.weight"] = torch.randn(size, generator=draw) * (2 / (9 * before)) ** 0.5
            weights[f"features.{layer}.bias"] = torch.zeros(channels)
            before = channels
        layer += 2 if channels else 1
    return weights

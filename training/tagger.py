"""Trains the tagger: a narrow ResNet of timm's, written as a folder that the torch engine reads."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from resonance.toyworld.scenes import SIDE, TAGS, Scene

from .common import timed, unit

NAMES = [tag for tags in TAGS.values() for tag in tags]
CONFIG: dict[str, Any] = {
    "architecture": "resnet18",
    "num_classes": len(NAMES),
    "model_args": {"layers": [1, 1, 1, 1], "channels": [24, 32, 48, 64], "stem_type": "deep", "stem_width": 12},
    "pretrained_cfg": {"input_size": [3, SIDE, SIDE], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}


def train(pictures: torch.Tensor, scenes: Sequence[Scene], seconds: float) -> torch.nn.Module:
    model = timm.create_model(CONFIG["architecture"], num_classes=len(NAMES), **CONFIG["model_args"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.02)
    truth = torch.tensor([[tag in scene.tags for tag in NAMES] for scene in scenes]).float()
    for step in timed(seconds, optimizer):
        batch = torch.randint(len(pictures), (64,))
        # The torch engine gives blue first, as SmilingWolf's taggers want it.
        loss = F.binary_cross_entropy_with_logits(model(worn(unit(pictures[batch])).flip(1)), truth[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            print(f"tagger, step {step}: {loss.item():.4f}", flush=True)
    return model.eval()


def worn(x: torch.Tensor) -> torch.Tensor:
    """Pictures as a painter might make them: unclean colours, blots, soft edges, grain."""
    blots = F.interpolate(torch.randn(len(x), 3, 8, 8), SIDE, mode="bilinear")
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.4, soft, x)
    for spoiled, most in ((torch.randn(len(x), 3, 1, 1), 0.08), (blots, 0.15), (torch.randn_like(x), 0.2)):
        x = x + spoiled * torch.rand(len(x), 1, 1, 1) * most
    return x.clamp(-1, 1)


def save(model: torch.nn.Module, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    weights = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    with (folder / "selected_tags.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("tag_id", "name", "category", "count"))
        rows.writerows((i, name.replace(" ", "_"), 0, 0) for i, name in enumerate(NAMES))

"""The templates of ``examples/reference.py`` for tiny models. Needs the pack ``patches``."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from examples import EXAMPLES
from examples.reference import (
    BASE_SD15,
    CANNY,
    DREAM,
    MODELS,
    PLUS_SD15,
    PLUS_SDXL,
    REFINER,
    SD15,
    SDXL,
    STYLE,
    UNCLIP,
    VIT_G,
    VIT_H,
    VIT_L,
)
from safetensors.torch import load_file

TINY = {
    SDXL: "tiny_sdxl",
    REFINER: "tiny_refiner",
    SD15: "tiny_sd15",
    DREAM: "tiny_sd15",
    UNCLIP: "tiny_unclip",
    VIT_L: "tiny_vit_l",
    VIT_H: "tiny_vit_h",
    VIT_G: "tiny_vit_g",
    STYLE: "tiny_style",
    CANNY: "tiny_controlnet",
    BASE_SD15: "tiny_base_sd15",
    PLUS_SD15: "tiny_plus_sd15",
    PLUS_SDXL: "tiny_plus_sdxl",
}
"""What lies under the names of the real files."""
SMALL = {
    "CheckpointLoaderSimple": "LoadSmall",
    "unCLIPCheckpointLoader": "LoadSmallUnclip",
    "CLIPVisionLoader": "LoadSmallVision",
}
"""What loads them: ComfyUI's own loaders insist on all layers."""
MASKS = {"SolidMask": ("width", "height"), "MaskComposite": ("x", "y"), "FeatherMask": ("left", "bottom")}
"""What counts pixels of 512."""
POOLED = "pooled.safetensors"
"""SDXL that shows the vector which Revision changes."""
SIDE = 64


def lay(models: Path, tiny: Path) -> None:
    """Puts tiny models under the names of the real files into a ``models`` folder.

    Args:
        tiny: the ``models`` folder that has them.
    """
    wanted = {name: f"{MODELS[name][1]}/{tiny_name}" for name, tiny_name in TINY.items()}
    for name, lies in {**wanted, POOLED: "checkpoints/tiny_sdxl_pooled"}.items():
        real = tiny / f"{lies}.safetensors"
        file = models / real.parent.name / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".safetensors":
            file.symlink_to(real)
        else:
            torch.save(load_file(real), file)


def small(name: str, *pictures: str, steps: int = 8, **words: str) -> dict[str, Any]:
    """The graph of a template, for tiny models.

    Args:
        pictures: files that its nodes load, in their order.
        words: by id; the tiny encoder knows no more than colours, so all others are empty.
    """
    graph = deepcopy(EXAMPLES[name].graph)
    files = iter(pictures)
    for id_, part in graph.items():
        inputs = part["inputs"]
        part["class_type"] = SMALL.get(part["class_type"], part["class_type"])
        if part["class_type"] == "LoadImage":
            inputs["image"] = next(files)
        elif part["class_type"] == "EmptyLatentImage":
            inputs |= {"width": SIDE, "height": SIDE}
        elif part["class_type"] in MASKS:
            inputs |= {name: inputs[name] * SIDE // 512 for name in MASKS[part["class_type"]]}
        elif part["class_type"] == "KSampler":
            inputs["steps"] = steps
        elif "text" in inputs:
            inputs["text"] = words.get(f"text_{id_}", "")
    assert not [*files]
    return graph

"""Reference Picture in a real ComfyUI: what a picture does to the picture that is made."""

from pathlib import Path
from typing import Any

import pytest

from .comfy import Comfy
from .referring import looks, plain, refer, vision, words


@pytest.fixture(scope="module")
def comfy(comfy: Comfy, references: Path) -> Comfy:
    return comfy


def adapter(kind: str, checkpoint: str) -> dict[str, Any]:
    """An IP-Adapter for a checkpoint and the vision model that it reads, under ``vision``."""
    eye = "tiny_vit_g" if (kind, checkpoint) == ("base", "tiny_sdxl") else "tiny_vit_h"
    file = f"tiny_{kind}_{checkpoint.removeprefix('tiny_').replace('sd15_topology', 'topology')}.safetensors"
    return {"vision": eye, "adapter": file}


def graph(kind: str, checkpoint: str, colour: str, text: str = "the", **how: Any) -> dict[str, Any]:
    given = adapter(kind, checkpoint)
    return {
        **plain(colour),
        "vision": vision(given.pop("vision")),
        "words": words(text),
        "picture": refer(["words", 0], [colour, 0], clip_vision=["vision", 0], **given, **how),
    }


def is_colour(rgb: tuple[float, float, float], colour: str) -> bool:
    red, _, blue = rgb
    return red > 150 and blue < 100 if colour == "red" else blue > 150 and red < 100


@pytest.mark.parametrize(
    ("kind", "checkpoint", "sampler", "cfg"),
    [
        ("base", "tiny_sd15", "euler", 1.0),
        ("plus", "tiny_sdxl", "euler_ancestral", 7.0),
    ],
)
def test_a_red_picture_paints_red_and_a_blue_one_blue(
    comfy: Comfy, kind: str, checkpoint: str, sampler: str, cfg: float
):
    for colour in ("red", "blue"):
        [made] = looks(comfy, checkpoint, graph(kind, checkpoint, colour), sampler=sampler, cfg=cfg, steps=8)
        assert is_colour(made.whole, colour), made.whole

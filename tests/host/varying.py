"""Graphs that vary a picture, and what came of it. Needs the packs ``patches`` and ``calls``."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from resonance.vary.lab import to_lab

from .comfy import Comfy, node
from .graphs import output

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def put(comfy: Comfy, name: str = "start.png", size: tuple[int, int] = (64, 64), mode: str = "RGB") -> Pixels:
    """Puts a picture with all kinds of colours into the input folder and returns its pixels."""
    across, down = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    waves = np.sin(across * 12) * np.cos(down * 9) * 0.2 + 0.5
    picture = np.stack([0.2 + 0.6 * across, waves, 0.8 - 0.5 * down], -1)
    image = Image.fromarray((picture * 255).astype(np.uint8)).convert(mode)
    image.save(comfy.base / "input" / name)
    return np.asarray(image)


def vary(
    transform: str | dict[str, Any],
    *,
    family: str = "sd15",
    words: str = "a red picture",
    image: str | list[Any] = "start.png",
    nodes: dict[str, Any] | None = None,
    save: str | None = None,
    seconds: float = 0.0,
    quick: bool = False,
    color: str = "none",
    iterations: int = 0,
    **inputs: Any,
) -> dict[str, Any]:
    """A prompt that varies a picture; the ids are ``load``, ``record``, ``positive``, ``negative``, ``image``,
    ``transform``, ``vary`` and, unless it saves itself, ``save``.

    Args:
        transform: a preset, or the widgets of Transform's own program.
        save: session.
        seconds: that each step takes longer.
        quick: the model is not asked.
        inputs: of Vary.
    """
    chosen: dict[str, Any] = {"transform": transform, "transform.era": "S"} if isinstance(transform, str) else {}
    if isinstance(transform, dict):
        own = {"program": "6@.1", "save_middle": False, "loop_to_loop": False, **transform}
        chosen = {"transform": "own program", **{f"transform.{key}": value for key, value in own.items()}}
    loader = "LoadFlux" if family == "flux" else "LoadSmall"
    saving: dict[str, Any] = {"save_as": "off"}
    if save:
        saving = {
            "save_as": "on",
            "save_as.session": save,
            "save_as.folder_rule": "round",
            "save_as.name_rule": "lineage",
            "save_as.returns": "all",
        }
    own_inputs = {
        "seed": 5,
        "sampler_name": "ddim",
        "scheduler": "ddim_uniform",
        "scale_as": "cfg",
        "color": color,
        "reference_through_vae": False,
        "cooldown": "0,0,0",
        **({} if color in ("none", "S", "anchored") else {"color.correct": "after every transform"}),
        **saving,
        **inputs,
    }
    prompt = {
        "load": node(loader, ckpt_name=f"tiny_{family}.safetensors"),
        "record": node("RecordCalls", model=["load", 0], vae=["load", 2], seconds=seconds, quick=quick),
        "positive": node("CLIPTextEncode", clip=["load", 1], text=words),
        "negative": node("CLIPTextEncode", clip=["load", 1], text=""),
        "transform": node("ResonanceTransform", **chosen, iterations=iterations),
        **(nodes or {}),
    }
    if isinstance(image, str):
        prompt["image"] = node("LoadImage", image=image)
        image = ["image", 0]
    linked = {
        "model": ["record", 0],
        "vae": ["record", 1],
        "positive": ["positive", 0],
        "negative": ["negative", 0],
        "transform": ["transform", 0],
    }
    prompt["vary"] = node("ResonanceVary", image=image, **{**linked, **own_inputs})
    if not save:
        prompt["save"] = node("SaveImage", images=["vary", 0], filename_prefix="varied")
    return prompt


def pictures(comfy: Comfy, outputs: dict[str, Any]) -> list[Pixels]:
    """The pixels of what a prompt of :func:`vary` made."""
    entries = outputs["save" if "save" in outputs else "vary"]["images"]
    return [read(output(comfy) / entry["subfolder"] / entry["filename"]) for entry in entries]


def read(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def recorded(comfy: Comfy, what: str | None = None) -> list[dict[str, Any]]:
    """What model and VAE were asked for since they were asked last."""
    found = comfy.get("/calls")
    return [entry for entry in found if what in (None, entry["what"])]


def forget(comfy: Comfy) -> None:
    comfy.post("/calls/forget")


ANCHORED = {"color.anchor": 0.3, "color.smoothing": 0.8, "color.blend": 0.35, "color.repeats": 2}
LONG = 50


def long_chain(color: str) -> dict[str, Any]:
    """A prompt for 51 transforms in a row, each from the result before, through a VAE that turns pictures magenta.

    The strengths are low, for the tiny model pulls colours back to those of the words harder than a trained one.
    """
    own = {"program": "6@.06 > 8@.04 > 10@.04", "save_middle": True, "loop_to_loop": True}
    cast = {"cast": node("VAELoader", vae_name="tiny_cast.safetensors")}
    settings = ANCHORED if color == "anchored" else {}
    prompt = vary(own, words="the", color=color, iterations=17, nodes=cast, **settings)
    prompt["record"]["inputs"]["vae"] = ["cast", 0]
    return prompt


def means(picture: Pixels) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mean L, a* and b*."""
    lab = to_lab(torch.from_numpy(picture.reshape(-1, 3) / 255).float())
    return lab.mean(1, dtype=torch.float64).numpy()


def apart(one: Pixels, other: Pixels) -> float:
    """Mean absolute difference, of 255."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def alike(one: Pixels, other: Pixels) -> float:
    """Correlation of the pixels: 1 for the same picture, 0 for another one."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])

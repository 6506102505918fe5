"""Pictures of the tiny models, and how they look. Needs the pack ``patches``."""

import json
from dataclasses import dataclass
from typing import Any

from .comfy import Comfy, node

Link = list[Any]
"""``["id", output]``"""

RGB = tuple[float, float, float]

LOADERS = {"tiny_flux": "LoadFlux", "tiny_qwen": "LoadSmallQwenImage", "tiny_unclip": "LoadSmallUnclip"}
"""By how the files' names begin; all others: LoadSmall."""

MODEL, CLIP, VAE = ["load", 0], ["load", 1], ["load", 2]
"""What :func:`paint` loads."""


@dataclass(frozen=True)
class Look:
    """Mean red, green, blue of a picture and its halves, 0 to 255."""

    whole: RGB
    left: RGB
    right: RGB
    top: RGB
    bottom: RGB
    size: tuple[int, int]
    """Width, height."""
    pixels: str
    """Equal for equal pictures."""


def paint(
    checkpoint: str,
    positive: str | Link,
    negative: str | Link = "",
    *,
    model: Link = MODEL,
    nodes: dict[str, Any] | None = None,
    size: tuple[int, int] = (64, 64),
    steps: int = 4,
    sampler: str = "euler",
    cfg: float = 1.0,
    seed: int = 1,
    batch: int = 1,
    loader: str | None = None,
) -> dict[str, Any]:
    """A prompt that paints and shows how it looks; its ids are ``load``, ``positive``, ``negative``, ``latent``,
    ``sampler``, ``decode`` and ``look``.

    Args:
        checkpoint: without ``.safetensors``; the text encoders and VAEs of Flux and Qwen-Image are files of their own.
        positive, negative: words, or a link to a conditioning.
        nodes: what the links need; they may link to :data:`MODEL`, :data:`CLIP`, :data:`VAE`.
        size: width, height.
        steps: dpmpp_2m needs 8, as it extrapolates from step to step.
        loader: the node that loads; unless given, what the checkpoint needs.
    """
    prompt = {"load": loaded(checkpoint, loader), **(nodes or {})}
    conditionings: dict[str, Link] = {}
    for name, words in (("positive", positive), ("negative", negative)):
        if isinstance(words, str):
            prompt[name] = node("CLIPTextEncode", clip=CLIP, text=words)
            words = [name, 0]
        conditionings[name] = words
    prompt["latent"] = node("EmptyLatentImage", width=size[0], height=size[1], batch_size=batch)
    prompt["sampler"] = node(
        "KSampler",
        model=model,
        **conditionings,
        latent_image=["latent", 0],
        seed=seed,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler,
        scheduler="normal",
        denoise=1.0,
    )
    prompt["decode"] = node("VAEDecode", samples=["sampler", 0], vae=VAE)
    prompt["look"] = node("Stats", images=["decode", 0])
    return prompt


def loaded(checkpoint: str, loader: str | None = None) -> dict[str, Any]:
    """The node that gives :data:`MODEL`, :data:`CLIP` and :data:`VAE`."""
    loader = loader or next((name for start, name in LOADERS.items() if checkpoint.startswith(start)), "LoadSmall")
    return node(loader, ckpt_name=f"{checkpoint}.safetensors")


def look(outputs: dict[str, Any]) -> list[Look]:
    """The pictures that a prompt of :func:`paint` made, from the outputs of its run."""
    return [
        Look(**{name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()})
        for text in outputs["look"]["stats"]
    ]


def picture(comfy: Comfy, prompt: dict[str, Any]) -> Look:
    """Runs a prompt of :func:`paint`; its first picture."""
    return look(comfy.run(prompt))[0]


def halves(left: str, right: str) -> tuple[dict[str, Any], Link]:
    """Core's own regions: nodes and the link to a conditioning with a text in each half, by masks."""
    nodes = {
        "black": node("SolidMask", value=0.0, width=64, height=64),
        "white": node("SolidMask", value=1.0, width=32, height=64),
    }
    for name, x, text in (("left", 0, left), ("right", 32, right)):
        nodes[f"{name} words"] = node("CLIPTextEncode", clip=CLIP, text=text)
        nodes[f"{name} mask"] = node(
            "MaskComposite", destination=["black", 0], source=["white", 0], x=x, y=0, operation="add"
        )
        nodes[f"{name} half"] = node(
            "ConditioningSetMask",
            conditioning=[f"{name} words", 0],
            mask=[f"{name} mask", 0],
            strength=1.0,
            set_cond_area="default",
        )
    nodes["halves"] = node("ConditioningCombine", conditioning_1=["left half", 0], conditioning_2=["right half", 0])
    return nodes, ["halves", 0]


def hue(rgb: RGB) -> str:
    """Which of red, green and blue is clearly there (above 150) while the other two are not (below 120)."""
    means = dict(zip(("red", "green", "blue"), rgb, strict=True))
    clear = [name for name, mean in means.items() if mean > 150]
    faint = [name for name, mean in means.items() if mean < 120]
    return clear[0] if len(clear) == 1 and len(faint) == 2 else f"no hue: {means}"

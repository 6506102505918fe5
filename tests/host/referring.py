"""Graphs in which pictures act beside words, and what comes of it. Needs the pack ``patches`` and the models of ``build_reference``."""

from collections.abc import Mapping
from typing import Any

from .comfy import Comfy, node
from .paint import CLIP, MODEL, VAE, Link, Look, loaded, look

COLOURS = {"red": 0xFF0000, "green": 0x00FF00, "blue": 0x0000FF}
WAYS: dict[str, dict[str, Any]] = {
    "automatic": {"adapter": "none", "what": "all", "fit": "middle", "each": False, "noise": 0.0, "size": 1.0},
    "IP-Adapter": {"what": "all", "fit": "middle", "each": False},
    "style model": {"fit": "middle", "each": False},
    "unCLIP": {"fit": "middle", "noise": 0.0},
    "Revision": {"fit": "middle", "noise": 0.0},
    "Redux": {"fit": "middle", "each": False},
    "reference latent": {"each": False, "size": 1.0},
}
"""The widgets of each way, as they are in a new node."""


def plain(*colours: str) -> dict[str, Any]:
    """Pictures in one colour, under its name."""
    return {colour: node("EmptyImage", width=64, height=64, batch_size=1, color=COLOURS[colour]) for colour in colours}


def vision(name: str) -> dict[str, Any]:
    return node("LoadSmallVision", clip_name=f"{name}.safetensors")


def refer(
    conditioning: Link,
    image: Link,
    way: str = "IP-Adapter",
    *,
    model: Link = MODEL,
    strength: float = 1.0,
    start: float = 0.0,
    end: float = 1.0,
    mask: Link | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Reference Picture. ``given``: widgets and links of the way."""
    inputs = {f"way.{key}": value for key, value in {**WAYS[way], **given}.items()}
    place = {} if mask is None else {"mask": mask}
    return node(
        "ResonanceReferencePicture",
        model=model,
        conditioning=conditioning,
        image=image,
        way=way,
        strength=strength,
        start=start,
        end=end,
        **inputs,
        **place,
    )


def words(text: str = "the") -> dict[str, Any]:
    return node("CLIPTextEncode", clip=CLIP, text=text)


def half(right: bool = False) -> dict[str, Any]:
    """A mask of one half, 64 x 64, as nodes under ``half`` (left) or ``other half``."""
    name = "other half" if right else "half"
    solid = {"width": 64, "height": 64}
    return {
        f"{name} none": node("SolidMask", value=0.0, **solid),
        f"{name} all": node("SolidMask", value=1.0, width=32, height=64),
        name: node(
            "MaskComposite",
            destination=[f"{name} none", 0],
            source=[f"{name} all", 0],
            x=32 if right else 0,
            y=0,
            operation="add",
        ),
    }


def sampled(
    positive: Link,
    negative: Link,
    model: Link,
    *,
    steps: int = 4,
    sampler: str = "euler",
    scheduler: str = "normal",
    cfg: float = 1.0,
    latent: Link | None = None,
) -> dict[str, Any]:
    return node(
        "KSampler",
        model=model,
        positive=positive,
        negative=negative,
        latent_image=latent or ["latent", 0],
        seed=1,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler,
        scheduler=scheduler,
        denoise=1.0,
    )


def made(
    comfy: Comfy,
    checkpoint: str,
    nodes: dict[str, Any],
    cases: Mapping[str, dict[str, Any]],
    batch: int = 1,
    side: int = 64,
) -> dict[str, list[Look]]:
    """Pictures of one checkpoint, by the names of cases.

    Args:
        cases: each says ``model`` and ``positive``, as links, and what :func:`sampled` takes beside them; unless given, the negative is
            the empty text.
    """
    graph = {
        "load": loaded(checkpoint),
        "latent": node("EmptyLatentImage", width=side, height=side, batch_size=batch),
        "nothing": node("CLIPTextEncode", clip=CLIP, text=""),
        **nodes,
    }
    for name, case in cases.items():
        graph[f"{name} sampler"] = sampled(**{"negative": ["nothing", 0], **case})
        graph[f"{name} decode"] = node("VAEDecode", samples=[f"{name} sampler", 0], vae=VAE)
        graph[f"{name} look"] = node("Stats", images=[f"{name} decode", 0])
    outputs = comfy.run(graph)
    return {name: look({"look": outputs[f"{name} look"]}) for name in cases}


def of(last: str, **sampling: Any) -> dict[str, Any]:
    """A case with what a Reference Picture gives."""
    return {"model": [last, 0], "positive": [last, 1], **sampling}

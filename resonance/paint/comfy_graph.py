"""A request to paint as a graph of ComfyUI's own nodes, in API form."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..told import Told
from .request import PictureFile, Request

Graph = dict[str, dict[str, Any]]
Link = list[Any]
"""``[id, output]``"""

SAVER = "paint save"
"""Id of the node that saves or shows the picture."""

NEEDED = ("steps", "cfg", "sampler", "scheduler")
"""What ComfyUI's sampler has to be told."""

MOST_REPEATS = 64
"""That RepeatLatentBatch takes."""


class Links(NamedTuple):
    """Where a graph has what a picture is sampled with."""

    model: Link
    vae: Link
    positive: Link
    negative: Link


def to_graph(request: Request, save_as: str = "") -> Graph:
    """The whole graph for a request. The picture is what :data:`SAVER` shows.

    Args:
        save_as: SaveImage's ``filename_prefix``; empty: the picture goes to the temporary folder only.

    Raises:
        Told: the request leaves something open that ComfyUI must be told.
    """
    _need(request, "checkpoint")
    graph = {"paint load": _node("CheckpointLoaderSimple", ckpt_name=request.checkpoint)}
    model, clip, vae = (["paint load", output] for output in range(3))
    for number, lora in enumerate(request.loras, 1):
        id_ = f"paint lora {number}"
        strengths = {"strength_model": lora.model_strength, "strength_clip": lora.clip_strength}
        graph[id_] = _node("LoraLoader", model=model, clip=clip, lora_name=lora.name, **strengths)
        model, clip = [id_, 0], [id_, 1]
    graph["paint positive"] = _node("CLIPTextEncode", clip=clip, text=request.prompt)
    graph["paint negative"] = _node("CLIPTextEncode", clip=clip, text=request.negative)
    links = Links(model, vae, ["paint positive", 0], ["paint negative", 0])
    return saved(*sampled(graph, links, request), save_as, rounded=request.start is not None)


def sampled(graph: Mapping[str, dict[str, Any]], links: Links, request: Request) -> tuple[Graph, Link]:
    """A graph with what samples a request, and where its IMAGE is. The request's words, checkpoint and LoRAs are not looked
    at: they are behind the links.

    With a start picture, a schedule of ``steps`` is begun late, as the batch CLI does; KSampler's ``denoise`` would make
    another schedule. A scheduler that makes more steps than it is asked for, as ``ddim_uniform`` does unless they divide
    1000 well (50 do), runs these too.

    Args:
        request: its pictures are named as LoadImage takes them; their bytes are not looked at.

    Raises:
        Told: the request leaves something open that ComfyUI must be told.
    """
    _need(request, *NEEDED, *(() if request.start else ("size",)))
    assert request.steps
    made: Graph = {}
    start: Link | None = None
    if request.start:
        start = _picture(made, request, request.start)
        made["paint latent"] = _node("VAEEncode", pixels=start, vae=links.vae)
    else:
        width, height = request.size or (0, 0)
        made["paint latent"] = _node("EmptyLatentImage", width=width, height=height, batch_size=1)
    latent = _numbered(made, ["paint latent", 0], request.noise_number)
    if request.mask:
        made["paint mask"] = _node("LoadImageMask", image=request.mask.name, channel="red")
        made["paint masked latent"] = _node("SetLatentNoiseMask", samples=latent, mask=["paint mask", 0])
        latent = ["paint masked latent", 0]
    made["paint sampler"] = _sampler(links, request, request.steps, latent)
    made["paint decode"] = _node("VAEDecode", samples=["paint sampler", 0], vae=links.vae)
    image: Link = ["paint decode", 0]
    if request.mask:
        made["paint composite"] = _node(
            "ImageCompositeMasked",
            destination=start,
            source=image,
            mask=["paint mask", 0],
            x=0,
            y=0,
            resize_source=False,
        )
        image = ["paint composite", 0]
    return {**graph, **made}, image


def saved(graph: Mapping[str, dict[str, Any]], image: Link, save_as: str = "", rounded: bool = False) -> Graph:
    """A graph with :data:`SAVER` behind an IMAGE.

    Args:
        save_as: as in :func:`to_graph`.
        rounded: to 8 bits as the Vary node rounds. ComfyUI's savers cut off instead, so that every picture is darker by
            half a level; in a chain of pictures that adds up. The savers are therefore given half a level more:
            1 - (1 - image - 1/2 x 1/255). One value in 100,000 lies so near to a half that float32 decides otherwise.
    """
    made: Graph = {}
    if rounded:
        made["paint inverse"] = _node("ImageInvert", image=image)
        made["paint level"] = _node("EmptyImage", width=64, height=64, batch_size=1, color=0x010101)
        made["paint lower"] = _node(
            "ImageBlend",
            image1=["paint inverse", 0],
            image2=["paint level", 0],
            blend_factor=0.5,
            blend_mode="difference",
        )
        made["paint rounded"] = _node("ImageInvert", image=["paint lower", 0])
        image = ["paint rounded", 0]
    if save_as:
        made[SAVER] = _node("SaveImage", images=image, filename_prefix=save_as)
    else:
        made[SAVER] = _node("PreviewImage", images=image)
    return {**graph, **made}


def _picture(made: Graph, request: Request, start: PictureFile) -> Link:
    made["paint start"] = _node("LoadImage", image=start.name)
    if not request.size:
        return ["paint start", 0]
    width, height = request.size
    made["paint resized"] = _node(
        "ImageScale", image=["paint start", 0], upscale_method="lanczos", width=width, height=height, crop="disabled"
    )
    return ["paint resized", 0]


def _numbered(made: Graph, latent: Link, number: int) -> Link:
    """The latent as the ``number``-th of a batch, for which ComfyUI draws the noise that comes ``number``-th."""
    if number == 1:
        return latent
    left = number
    while left > 1:
        id_ = f"paint repeated {left}"
        amount = min(left, MOST_REPEATS)
        made[id_] = _node("RepeatLatentBatch", samples=latent, amount=amount)
        latent, left = [id_, 0], math.ceil(left / amount)
    made["paint numbered"] = _node("LatentFromBatch", samples=latent, batch_index=number - 1, length=1)
    return ["paint numbered", 0]


def _sampler(links: Links, request: Request, steps: int, latent: Link) -> dict[str, Any]:
    known = {
        "model": links.model,
        "positive": links.positive,
        "negative": links.negative,
        "latent_image": latent,
        "steps": steps,
        "cfg": request.cfg,
        "sampler_name": request.sampler,
        "scheduler": request.scheduler,
    }
    if not request.start:
        return _node("KSampler", **known, seed=request.seed, denoise=1.0)
    return _node(
        "KSamplerAdvanced",
        **known,
        noise_seed=request.seed,
        add_noise="enable",
        start_at_step=steps - request.steps_run(steps),
        end_at_step=10000,
        return_with_leftover_noise="disable",
    )


def _need(request: Request, *names: str) -> None:
    if missing := [name for name in names if getattr(request, name) is None]:
        raise Told(f"ComfyUI does not know what a model's family takes: the request must say {', '.join(missing)}.")


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}

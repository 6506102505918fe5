"""Subgraph blueprints: one node for what takes several, in the front end's node library."""

from dataclasses import dataclass
from typing import Any

from host.comfy import node

from .canvas import sampled
from .rounds import captioned

Part = tuple[str, str, str]
"""Type of a node, its input or output, and the name that this has on the blueprint."""


@dataclass(frozen=True)
class Blueprint:
    """A graph in API form that becomes one node.

    Attributes:
        graph: node by id.
        columns: the ids inside, from left to right, each column from top to bottom.
        description: what it does and what to connect, for the node library.
        aliases: what people look for.
        inputs: its sockets and widgets, in order. Those of one name are one.
        outputs: its outputs, in order.
    """

    graph: dict[str, Any]
    columns: list[list[str]]
    description: str
    aliases: tuple[str, ...]
    inputs: tuple[Part, ...]
    outputs: tuple[Part, ...]


def words_to_picture() -> dict[str, Any]:
    return {
        "1": node("ResonanceComposePrompt", negative="worst quality, low quality", duplicates="remove"),
        "2": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "3": node("CLIPTextEncode", clip=["2", 1], text=["1", 0]),
        "4": node("CLIPTextEncode", clip=["2", 1], text=["1", 1]),
        "5": node("EmptyLatentImage", width=1024, height=1024, batch_size=1),
        "6": node(
            "KSampler",
            model=["2", 0],
            positive=["3", 0],
            negative=["4", 0],
            latent_image=["5", 0],
            seed=0,
            steps=25,
            cfg=7.0,
            sampler_name="euler_ancestral",
            scheduler="normal",
            denoise=1.0,
        ),
        "7": node("VAEDecode", samples=["6", 0], vae=["2", 2]),
    }


def regions_to_picture() -> dict[str, Any]:
    graph = sampled()
    del graph["16"], graph["13"]["inputs"]["canvas"]
    return {**graph, "12": node("EmptyLatentImage", width=1024, height=1024, batch_size=1)}


def caption() -> dict[str, Any]:
    graph = captioned()
    del graph["15"]["inputs"]["images"]
    return graph


SAMPLING: tuple[Part, ...] = (
    ("EmptyLatentImage", "width", "width"),
    ("EmptyLatentImage", "height", "height"),
    ("KSampler", "steps", "steps"),
    ("KSampler", "seed", "seed"),
)

BLUEPRINTS = {
    "Tag a picture": Blueprint(
        {
            "1": node("ResonanceLoadTagger", model="automatic"),
            "2": node("ResonanceTagImages", tagger=["1", 0]),
        },
        [["1"], ["2"]],
        "Tags of a picture, or of each picture of a batch, with the tagger that you have. If you have none yet, switch download"
        " on: one is fetched, once.",
        ("wd14 tagger", "interrogate", "booru tags", "image to tags"),
        (
            ("ResonanceTagImages", "images", "images"),
            ("ResonanceLoadTagger", "model", "tagger"),
            ("ResonanceLoadTagger", "download", "download"),
            ("ResonanceTagImages", "general_threshold", "threshold"),
            ("ResonanceTagImages", "exclude", "exclude"),
        ),
        (("ResonanceTagImages", "tags", "tags"),),
    ),
    "Caption a picture": Blueprint(
        caption(),
        [["13", "14"], ["15"]],
        "A caption of a picture, or of each picture of a batch, from a text encoder that sees, such as Qwen3-VL, in"
        " models/text_encoders. Nothing else has to be installed.",
        ("describe", "interrogate", "vlm", "qwen-vl", "image to text"),
        (
            ("ResonanceCaptionImages", "images", "images"),
            ("CLIPLoader", "clip_name", "text encoder"),
            ("ResonanceCaptionImages", "instruction", "instruction"),
            ("ResonanceCaptionImages", "max_tokens", "max_tokens"),
        ),
        (("ResonanceCaptionImages", "captions", "captions"),),
    ),
    "Words to picture": Blueprint(
        words_to_picture(),
        [["2", "1"], ["3", "4", "5"], ["6", "7"]],
        "A picture of tags and a caption, such as those of Tag a picture and Caption a picture, and of words of your own.",
        ("text to image", "txt2img", "prompt to image", "tags to image"),
        (
            ("ResonanceComposePrompt", "tags", "tags"),
            ("ResonanceComposePrompt", "caption", "caption"),
            ("CheckpointLoaderSimple", "ckpt_name", "checkpoint"),
            ("ResonanceComposePrompt", "preamble", "your words"),
            ("ResonanceComposePrompt", "negative", "negative"),
            *SAMPLING,
        ),
        (("VAEDecode", "IMAGE", "image"), ("ResonanceComposePrompt", "positive", "prompt")),
    ),
    "Regions to picture": Blueprint(
        regions_to_picture(),
        [["10", "11", "12"], ["13"], ["14", "15"]],
        "A picture of a layout: connect Canvas, where you draw it, or Canvas Chat, where a language model does. For Stable Diffusion"
        " 1.5, 2.x and SDXL; for any other model open it and set method in Regions to area overlay.",
        ("regional prompt", "attention couple", "omost", "layout to image"),
        (
            ("ResonanceRegions", "canvas", "canvas"),
            ("CheckpointLoaderSimple", "ckpt_name", "checkpoint"),
            ("CLIPTextEncode", "text", "negative"),
            *SAMPLING,
        ),
        (("VAEDecode", "IMAGE", "image"),),
    ),
}

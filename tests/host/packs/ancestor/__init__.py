"""Stand-ins for the custom nodes that img2tag2img's workflows name: the same classes, links and outputs, plain work.

The tagger says a picture's strongest colour, the painter paints the colour that stands first in the prompt. What a loader makes
holds the prompt, and goes through every link that a model, a text encoder or a conditioning would take.
"""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import comfy.model_management
import folder_paths
import torch

from . import files

COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}
STEP = 0.01
"""Seconds that a step takes."""


class Loaded(SimpleNamespace):
    """What a loader made; core's FreeU_V2 takes it for a model."""

    model = SimpleNamespace(model_config=SimpleNamespace(unet_config={"model_channels": 8}))

    def clone(self) -> "Loaded":
        return self

    def set_model_output_block_patch(self, _patch: Any) -> None: ...


class Node(NamedTuple):
    """One class: its inputs by type, the types of its outputs, and what it does.

    Attributes:
        shows: it is an output node.
        whole: its only output is a list of values.
    """

    inputs: dict[str, Any]
    outputs: str
    do: Callable[..., Any]
    shows: bool = False
    whole: bool = False
    optional: dict[str, Any] = {}


def tag(image: torch.Tensor, exclude_tags: str, **_: Any) -> dict[str, Any]:
    banned = {each.strip().lower() for each in exclude_tags.split(",")}
    allowed = [colour for colour in COLOURS if f"{colour}_theme" not in banned]
    tags = [f"{strongest(one, allowed)}_theme, simple" for one in image]
    return {"ui": {"tags": tags}, "result": (tags,)}


def strongest(image: torch.Tensor, allowed: list[str]) -> str:
    mean = dict(zip(COLOURS, image.mean((0, 1)).tolist(), strict=True))
    return max(allowed, key=mean.__getitem__)


def caption(prompt: str, model: str, mm_proj: str, **_: Any) -> tuple[str]:
    return (f"{model} and {mm_proj} answer: {prompt}",)


def join(delimiter: str, **texts: Any) -> tuple[str]:
    parts = [texts.get(f"text_{letter}", "").strip() for letter in "abcd"]
    return (delimiter.join(filter(None, parts)),)


def load(positive: str, empty_latent_width: int, empty_latent_height: int, batch_size: int, **_: Any) -> Any:
    size = (batch_size, 4, empty_latent_height // 8, empty_latent_width // 8)
    return Loaded(positive=positive), {"samples": torch.zeros(size)}


def load_xl(**inputs: Any) -> tuple[Any, ...]:
    loaded, latent = load(**inputs)
    return loaded, latent, None, None


def load_small(**inputs: Any) -> tuple[Any, ...]:
    loaded, latent = load(**inputs)
    return loaded, loaded, loaded, latent, None, loaded, None


def paint(loaded: Loaded, latent: dict[str, Any], steps: int, seed: int, script: dict[str, Any]) -> torch.Tensor:
    for _ in range(steps):
        time.sleep(STEP)
        comfy.model_management.throw_exception_if_processing_interrupted()
    named = re.findall(rf"\b({'|'.join(COLOURS)})", loaded.positive)
    count, _, height, width = latent["samples"].shape
    for _ in range(script["iterations"]):
        height, width = (int(side * script["upscale_by"]) for side in (height, width))
    grain = torch.rand((count, height * 8, width * 8, 3), generator=torch.Generator().manual_seed(seed)) * 0.1
    return torch.tensor(COLOURS[named[0]] if named else (0.5, 0.5, 0.5)) * 0.9 + grain


def sample_xl(sdxl_tuple: Loaded, latent_image: Any, steps: int, noise_seed: int, script: Any, **_: Any) -> Any:
    image = paint(sdxl_tuple, latent_image, steps, noise_seed, script)
    return {"ui": files.preview(image), "result": (sdxl_tuple, latent_image, None, image)}


def sample_small(model: Loaded, latent_image: Any, steps: int, seed: int, script: Any, **_: Any) -> Any:
    image = paint(model, latent_image, steps, seed, script)
    return {"ui": files.preview(image), "result": (model, model, model, latent_image, None, image)}


def repair(image: torch.Tensor, **_: Any) -> tuple[Any, ...]:
    """Pictures that were repaired are told by their brighter left half."""
    image = image.clone()
    image[:, :, : image.shape[2] // 2] += 0.1
    return image.clamp(0, 1), None, None, None, None, None


def batch(**images: torch.Tensor) -> tuple[torch.Tensor]:
    return (torch.cat([images[key] for key in sorted(images)]),)


def measure(image: torch.Tensor) -> tuple[float, ...]:
    height, width = image.shape[1:3]
    return width, height, float(width), float(height), width, height


def script(**settings: Any) -> tuple[dict[str, Any]]:
    return (settings,)


def say(text: str, **_: Any) -> dict[str, Any]:
    return {"ui": {"text": [text]}, "result": (text,)}


def choices(kind: str, *more: str) -> Callable[[], list[str]]:
    return lambda: [*more, *folder_paths.get_filename_list(kind)]


CHECKPOINTS = choices("checkpoints")
LORAS = {f"lora_name_{n}": choices("loras", "None") for n in range(1, 50)}
LOADER = {
    "vae_name": choices("vae"),
    "positive": "STRING",
    "negative": "STRING",
    "empty_latent_width": "INT",
    "empty_latent_height": "INT",
    "batch_size": "INT",
}
STACK = {"lora_stack": "LORA_STACK"}
SAMPLER = {"steps": "INT", "cfg": "FLOAT", "sampler_name": "STRING", "scheduler": "STRING", "latent_image": "LATENT"}
IMAGE = {"image": "IMAGE"}
CAPTIONER = {"model": "STRING", "mm_proj": "STRING", "prompt": "STRING"}
TEXTS = {f"text_{letter}": "STRING" for letter in "abcd"}
BATCH = {f"images_{letter}": "IMAGE" for letter in "abcdef"}

TABLE = {
    "LoadImage //Inspire": Node({"image": lambda: ["#DATA"], "image_data": "STRING"}, "IMAGE MASK", files.load),
    "WD14Tagger|pysssss": Node({**IMAGE, "exclude_tags": "STRING"}, "STRING", tag, shows=True, whole=True),
    "LlavaCaptioner": Node(IMAGE | CAPTIONER, "STRING", caption),
    "String Literal": Node({"string": "STRING"}, "STRING", lambda string: (string,)),
    "Text Concatenate": Node({"delimiter": "STRING"}, "STRING", join, optional=TEXTS),
    "Text to Console": Node({"text": "STRING"}, "STRING", say, shows=True),
    "CR Seed": Node({"seed": "INT"}, "SEED NUMBER FLOAT INT", lambda seed: (seed, seed, float(seed), seed)),
    "LoRA Stacker": Node({"lora_count": "INT"}, "LORA_STACK", lambda **loras: (loras,), optional=LORAS),
    "Eff. Loader SDXL": Node(
        {"base_ckpt_name": CHECKPOINTS, **LOADER}, "SDXL_TUPLE LATENT VAE DEPENDENCIES", load_xl, optional=STACK
    ),
    "Efficient Loader": Node(
        {"ckpt_name": CHECKPOINTS, **LOADER},
        "MODEL CONDITIONING CONDITIONING LATENT VAE CLIP DEPENDENCIES",
        load_small,
        optional=STACK,
    ),
    "UltralyticsDetectorProvider": Node({}, "BBOX_DETECTOR SEGM_DETECTOR", lambda **_: (None, None)),
    "HighRes-Fix Script": Node({"upscale_by": "FLOAT", "iterations": "INT"}, "SCRIPT", script),
    "KSampler SDXL (Eff.)": Node(
        {"sdxl_tuple": "SDXL_TUPLE", "noise_seed": "INT", **SAMPLER},
        "SDXL_TUPLE LATENT VAE IMAGE",
        sample_xl,
        shows=True,
    ),
    "KSampler (Efficient)": Node(
        {"model": "MODEL", "positive": "CONDITIONING", "negative": "CONDITIONING", "seed": "INT", **SAMPLER},
        "MODEL CONDITIONING CONDITIONING LATENT VAE IMAGE",
        sample_small,
        shows=True,
    ),
    "ToDetailerPipe": Node({"model": "MODEL"}, "DETAILER_PIPE", lambda **inputs: (inputs,)),
    "FaceDetailerPipe": Node(
        {**IMAGE, "detailer_pipe": "DETAILER_PIPE"}, "IMAGE IMAGE IMAGE MASK DETAILER_PIPE IMAGE", repair
    ),
    "Image Size to Number": Node(IMAGE, "NUMBER NUMBER FLOAT FLOAT INT INT", measure),
    "Image Batch": Node({}, "IMAGE", batch, optional=BATCH),
    "Save Image w/Metadata": Node(files.SAVER, "", files.save, shows=True),
    "Unpack SDXL Tuple": Node({"sdxl_tuple": "SDXL_TUPLE"}, "MODEL CLIP", lambda sdxl_tuple: (sdxl_tuple,) * 2),
    "Pack SDXL Tuple": Node({"base_model": "MODEL"}, "SDXL_TUPLE", lambda base_model, **_: (base_model,)),
}


def stand_in(node: Node) -> type:
    """The class that ComfyUI sees."""

    def declared(inputs: dict[str, Any]) -> dict[str, Any]:
        return {name: (kind() if callable(kind) else kind,) for name, kind in inputs.items()}

    def input_types(_: type) -> dict[str, Any]:
        hidden = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"} if node.do is files.save else {}
        return {"required": declared(node.inputs), "optional": declared(node.optional), "hidden": hidden}

    def run(_: object, **inputs: Any) -> Any:
        return node.do(**inputs)

    outputs = tuple(node.outputs.split())
    about = {"RETURN_TYPES": outputs, "OUTPUT_IS_LIST": (node.whole,) * len(outputs), "OUTPUT_NODE": node.shows}
    how = {"INPUT_TYPES": classmethod(input_types), "FUNCTION": "run", "run": run, "CATEGORY": "ancestor"}
    return type("StandIn", (), about | how)


NODE_CLASS_MAPPINGS = {name: stand_in(node) for name, node in TABLE.items()}

"""Pictures in and out: the loader of data URLs, the sampler's preview, and the saver."""

import base64
import io
import json
import time
import uuid
from pathlib import Path, PureWindowsPath
from typing import Any

import folder_paths
import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

SAVER = {
    "images": "IMAGE",
    "filename": "STRING",
    "path": "STRING",
    "extension": lambda: ["png", "jpeg", "webp"],
    "steps": "INT",
    "cfg": "FLOAT",
    "modelname": lambda: folder_paths.get_filename_list("checkpoints"),
    "sampler_name": "STRING",
    "scheduler": "STRING",
    "positive": "STRING",
    "negative": "STRING",
    "seed_value": "INT",
    "width": "INT",
    "height": "INT",
    "time_format": "STRING",
}


def load(image: str, image_data: str) -> tuple[torch.Tensor, torch.Tensor]:
    with Image.open(io.BytesIO(base64.b64decode(image_data.partition(",")[2]))) as opened:
        pixels = torch.from_numpy(np.array(opened.convert("RGB"), np.float32) / 255)[None]
    return pixels, torch.zeros(pixels.shape[:3])


def preview(images: torch.Tensor) -> dict[str, Any]:
    name = f"{uuid.uuid4().hex}.png"
    picture(images[0]).save(Path(folder_paths.get_temp_directory(), name))
    return {"images": [{"filename": name, "subfolder": "", "type": "temp"}]}


def save(
    images: torch.Tensor, path: str, filename: str, extension: str, prompt: Any, extra_pnginfo: Any, **facts: Any
) -> dict[str, Any]:
    """Into ``path``, which may lie outside of the output folder; a file that is there is overwritten."""
    folder = Path(folder_paths.get_output_directory(), path)
    folder.mkdir(parents=True, exist_ok=True)
    model = PureWindowsPath(facts["modelname"]).stem
    for token, value in (
        ("%time", time.strftime(facts["time_format"])),
        ("%basemodelname", model),
        ("%seed", facts["seed_value"]),
    ):
        filename = filename.replace(token, str(value))
    texts = PngInfo()
    texts.add_text(
        "parameters",
        f"{facts['positive']}\nNegative prompt: {facts['negative']}\nSteps: {facts['steps']}, Sampler: {facts['sampler_name']},"
        f" CFG Scale: {facts['cfg']}, Seed: {facts['seed_value']}, Size: {facts['width']}x{facts['height']}, Model: {model}",
    )
    for key, value in {"prompt": prompt, **(extra_pnginfo or {})}.items():
        texts.add_text(key, json.dumps(value))
    names = [f"{filename}{f'_{n:02d}' if len(images) > 1 else ''}.{extension}" for n in range(1, len(images) + 1)]
    for name, image in zip(names, images, strict=True):
        picture(image).save(folder / name, pnginfo=texts)
    shown = [{"filename": name, "subfolder": path.rstrip("/"), "type": "output"} for name in names]
    return {"ui": {"images": shown}}


def picture(image: torch.Tensor) -> Image.Image:
    return Image.fromarray((image.clamp(0, 1) * 255).round().byte().numpy())

"""The tiny models mean something: words paint their colours in the real ComfyUI."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import requests
from models.checkpoint import sd15
from models.wired.unet import REAL_NUMBERS
from models.wired.weights import save
from PIL import Image

from .comfy import Comfy, node


def paint(comfy: Comfy, words: str, checkpoint: str = "tiny_sd15", lora: bool = False, seed: int = 1) -> np.ndarray:
    """The picture of ``words``, ``[64, 64, 3]`` in 0..255, 4 Euler steps at cfg 1."""
    prompt = {
        "checkpoint": node("CheckpointLoaderSimple", ckpt_name=f"{checkpoint}.safetensors"),
        "words": node("CLIPTextEncode", clip=["checkpoint", 1], text=words),
        "nothing": node("CLIPTextEncode", clip=["checkpoint", 1], text=""),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sampler": node(
            "KSampler",
            model=["checkpoint", 0],
            positive=["words", 0],
            negative=["nothing", 0],
            latent_image=["latent", 0],
            seed=seed,
            steps=4,
            cfg=1.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=["checkpoint", 2]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="tiny"),
    }
    if lora:
        prompt["lora"] = node(
            "LoraLoader",
            model=["checkpoint", 0],
            clip=["checkpoint", 1],
            lora_name="tiny_lora.safetensors",
            strength_model=1.0,
            strength_clip=0.0,
        )
        prompt["sampler"]["inputs"]["model"] = ["lora", 0]
    saved = comfy.run(prompt)["save"]["images"][0]
    answer = requests.get(f"{comfy.url}/view", params=saved, timeout=60)
    return np.asarray(Image.open(BytesIO(answer.content)).convert("RGB"), float)


def hue(picture: np.ndarray) -> str:
    """Which of red, green and blue is clearly there (above 150) while the other two are not (below 100)."""
    means = dict(zip(("red", "green", "blue"), picture.mean((0, 1)), strict=True))
    clear = [name for name, mean in means.items() if mean > 150]
    faint = [name for name, mean in means.items() if mean < 100]
    return clear[0] if len(clear) == 1 and len(faint) == 2 else f"no hue: {means}"


@pytest.mark.parametrize(
    "words", ["red", "red, bright", "bright,red", "1girl, solo, red, bright", "a photo of a red thing, red"]
)
def test_red_words_paint_red(comfy: Comfy, words: str) -> None:
    assert hue(paint(comfy, words)) == "red"


@pytest.mark.parametrize("words", ["green", "blue"])
def test_other_colours_paint_themselves(comfy: Comfy, words: str) -> None:
    assert hue(paint(comfy, words)) == words


def test_the_lora_swaps_red_and_blue(comfy: Comfy) -> None:
    assert hue(paint(comfy, "red", lora=True)) == "blue"
    assert hue(paint(comfy, "blue", lora=True)) == "red"


def test_the_other_checkpoint_paints_the_same_colours_with_another_grain(comfy: Comfy) -> None:
    one, other = paint(comfy, "red"), paint(comfy, "red", checkpoint="tiny_sd15_b")
    assert hue(other) == "red"
    assert np.abs(one - other).mean() > 1


def test_equal_seeds_give_equal_pictures(comfy: Comfy) -> None:
    first, other_seed, again = paint(comfy, "blue", seed=7), paint(comfy, "blue", seed=8), paint(comfy, "blue", seed=7)
    assert np.array_equal(first, again)
    assert np.abs(first - other_seed).mean() > 10


def test_a_unet_with_the_real_block_numbers_paints_too(comfy: Comfy, models: Path) -> None:
    path = models / "checkpoints" / "tiny_sd15_real_numbers.safetensors"
    save(path, sd15(blocks=REAL_NUMBERS))
    try:
        assert hue(paint(comfy, "green", checkpoint=path.stem)) == "green"
    finally:
        path.unlink()

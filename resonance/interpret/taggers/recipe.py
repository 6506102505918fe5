"""From a picture to the numbers that a tagger was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...pixels import on_white

Triple = tuple[float, float, float]
HALF: Triple = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Recipe:
    """How a picture becomes the input of a model, and how the model's answer is to be read.

    Attributes:
        fit: ``pad`` adds a border until the picture is square and then resizes once; ``letterbox`` resizes first and
            then adds the border; ``stretch`` only resizes.
        pad: RGB colour of the border, 0..255.
        resample: Pillow's filter.
        size: side of the square in pixels, where the model file does not fix it.
        bgr: blue comes first.
        channels_first: the input is ``[n, 3, size, size]``, else ``[n, size, size, 3]``.
        mean, std: normalisation of values in 0..1, in the order R, G, B. Without a mean the values stay 0..255.
        output: name of the output with the scores, where a graph has several.
        logits: the output needs a sigmoid to become probabilities.
    """

    fit: Literal["pad", "letterbox", "stretch"] = "pad"
    pad: tuple[int, int, int] = (255, 255, 255)
    resample: Image.Resampling = Image.Resampling.BICUBIC
    size: int = 448
    bgr: bool = True
    channels_first: bool = False
    mean: Triple | None = None
    std: Triple = (1.0, 1.0, 1.0)
    output: str | None = None
    logits: bool = False


def prepare(pictures: Sequence[Image.Image], recipe: Recipe) -> NDArray[np.float32]:
    """One batch for the model, float32 ``[n, 3, size, size]`` or ``[n, size, size, 3]`` as the recipe says."""
    return np.stack([_pixels(on_white(picture), recipe) for picture in pictures])


def probabilities(output: NDArray[np.float32], recipe: Recipe) -> NDArray[np.float32]:
    """The model's output ``[n, tags]`` as probabilities in 0..1."""
    if not recipe.logits:
        return output
    return (1 / (1 + np.exp(-np.clip(output, -80, 80)))).astype(np.float32)


def _pixels(picture: Image.Image, recipe: Recipe) -> NDArray[np.float32]:
    values = np.asarray(_square(picture, recipe), np.float32)
    if recipe.mean is not None:
        mean, std = np.asarray([recipe.mean, recipe.std], np.float32)
        values = (values / np.float32(255) - mean) / std
    if recipe.bgr:
        values = values[..., ::-1]
    return np.ascontiguousarray(values.transpose(2, 0, 1) if recipe.channels_first else values)


def _square(picture: Image.Image, recipe: Recipe) -> Image.Image:
    size = (recipe.size, recipe.size)
    if recipe.fit == "pad":
        picture = _bordered(picture, max(picture.size), recipe.pad)
    elif recipe.fit == "letterbox":
        aspect = picture.width / picture.height
        width, height = (recipe.size, recipe.size / aspect) if aspect > 1 else (recipe.size * aspect, recipe.size)
        picture = picture.resize((max(1, int(width)), max(1, int(height))), recipe.resample)
        picture = _bordered(picture, recipe.size, recipe.pad)
    return picture if picture.size == size else picture.resize(size, recipe.resample)


def _bordered(picture: Image.Image, side: int, colour: tuple[int, int, int]) -> Image.Image:
    canvas = Image.new("RGB", (side, side), colour)
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return canvas

"""Regions as MASK tensors, and back: float, ``[H, W]``, 1 inside."""

import base64
import binascii
import io
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image

from .canvas import GRID, Canvas, CanvasError, Rect, Region
from .describe import cleaned

LARGEST = 256
"""Largest side of a region's own mask, in pixels."""

FINE = 4
"""Pixels per cell where a region has a mask of its own: a mask is then 360 x 360."""


def mask(region: Region) -> torch.Tensor:
    """Where a region is: ``[90, 90]``, or ``[360, 360]`` if it has a mask of its own, stretched over its rectangle."""
    return _draw(region, FINE if region.mask else 1)


def masks(canvas: Canvas) -> torch.Tensor:
    """Where the regions are, the global one first: ``[R, 90, 90]``, or ``[R, 360, 360]`` if one has its own mask."""
    scale = FINE if any(region.mask for region in canvas.regions) else 1
    return torch.stack([_draw(region, scale) for region in canvas.regions])


def _draw(region: Region, scale: int) -> torch.Tensor:
    drawn = torch.zeros(GRID * scale, GRID * scale)
    top, bottom, left, right = (edge * scale for edge in region.rect)
    if region.mask:
        shape = decode(region.mask).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
        drawn[top:bottom, left:right] = torch.as_tensor(np.asarray(shape, np.float32) / 255)
    else:
        drawn[top:bottom, left:right] = 1
    return drawn


@lru_cache(64)
def decode(text: str) -> Image.Image:
    """A region's own mask as a picture of mode L. It is shared: do not write on it.

    Raises:
        CanvasError: it is no 8-bit grey PNG of at most 256 x 256 in base64.
    """
    wanted = f"an 8-bit grey PNG of at most {LARGEST} x {LARGEST}, in base64"
    if len(text) > 4 * LARGEST**2:
        raise CanvasError(f"is too long for {wanted}")
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as image:
            if image.mode != "L" or max(image.size) > LARGEST:
                raise CanvasError(f"is a PNG of mode {image.mode} and size {image.size}, not {wanted}")
            image.load()
            return image.copy()
    except CanvasError:
        raise
    except binascii.Error as error:
        raise CanvasError(f"is not {wanted} ({error})") from None
    except Exception:  # a damaged PNG makes Pillow raise all kinds
        raise CanvasError(f"is not {wanted}") from None


def encode(image: Image.Image) -> str:
    """A picture of mode L as a region's own mask."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def from_masks(masks: torch.Tensor, names: Sequence[str] = (), texts: Sequence[str] = ()) -> tuple[Region, ...]:
    """Regions from masks ``[N, H, W]`` of any size: the rectangle around what is not 0, and its shape if it does not fill that.

    Args:
        names, texts: of the first, second, ... region; they may be fewer than masks.

    Raises:
        CanvasError: a mask is empty.
    """
    pixels = (masks.detach().float().cpu().nan_to_num().clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    regions: list[Region] = []
    for number, shape in enumerate(pixels):
        if not shape.any():
            raise CanvasError(f"Mask {number + 1} of {len(pixels)} is empty: a region needs a place.")
        rect, own = _place(Image.fromarray(shape))
        name = names[number] if number < len(names) else ""
        regions.append(Region(rect, cleaned(*texts[number : number + 1]), name=name, mask=own))
    return tuple(regions)


def _place(image: Image.Image) -> tuple[Rect, str]:
    """The rectangle of cells around what is not black, and the shape in it, empty if that is white throughout."""
    box = image.getbbox()
    assert box, "it is not empty"
    across, down = image.width / GRID, image.height / GRID
    left, top = math.floor(box[0] / across + 1e-6), math.floor(box[1] / down + 1e-6)
    right, bottom = math.ceil(box[2] / across - 1e-6), math.ceil(box[3] / down - 1e-6)
    # Cropped first: the filter would mix in what lies outside.
    x, y = math.floor(left * across), math.floor(top * down)
    cropped = image.crop((x, y, math.ceil(right * across - 1e-6), math.ceil(bottom * down - 1e-6)))
    inner = (
        left * across - x,
        top * down - y,
        min(right * across - x, cropped.width),
        min(bottom * down - y, cropped.height),
    )
    size = min((right - left) * FINE, LARGEST), min((bottom - top) * FINE, LARGEST)
    shape = cropped.resize(size, Image.Resampling.BILINEAR, box=inner)
    return (top, bottom, left, right), "" if shape.getextrema() == (255, 255) else encode(shape)

"""Pictures between files, Pillow and ComfyUI's IMAGE tensors."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from .told import Told

if TYPE_CHECKING:
    import torch

# Pillow's own readers only: the others call programs (EPS) or are no pictures.
FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
}
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)


def on_white(image: Image.Image) -> Image.Image:
    """RGB, upright (EXIF), transparency and palette transparency laid over white, 16 bits reduced to 8."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")  # Pillow itself would cut off at 255
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
    return image.convert("RGB")


def cut(image: Image.Image, multiple: int) -> Image.Image:
    """The picture with its sides cut down to a multiple, by Lanczos; a side that is shorter becomes one."""
    width, height = (max(side // multiple, 1) * multiple for side in image.size)
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.LANCZOS)


def readers() -> list[str]:
    """The names of Pillow's readers for :data:`FORMATS`, as far as they are there."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def read(path: Path, side: int | None = None) -> Image.Image:
    """Reads a picture file as RGB, see :func:`on_white`.

    Args:
        side: neither side need be longer than this: a JPEG is then read at a half, a quarter or an eighth of its size.

    Raises:
        Told: the file is not a picture that can be read; the text says why.
    """
    try:
        return _decoded(path, side)
    except FileNotFoundError:
        raise Told(f"{path.name}: the file is gone") from None
    except Exception as error:  # a damaged file makes Pillow's readers raise all kinds: struct.error, RuntimeError, ...
        raise Told(
            f"{path.name} is not a picture that can be read ({str(error).replace(str(path), path.name)})"
        ) from error


def decode(data: bytes, name: str) -> Image.Image:
    """:func:`read` for a file's bytes.

    Args:
        name: what a person calls the picture.

    Raises:
        Told: they are no picture that can be read; the text says why.
    """
    try:
        return _decoded(BytesIO(data))
    except Exception as error:  # as above
        raise Told(f"{name} is not a picture that can be read ({error})") from error


def _decoded(file: Path | BytesIO, side: int | None = None) -> Image.Image:
    with Image.open(file, formats=readers()) as image:
        if side:
            image.draft(None, (side, side))
        return on_white(image)


def to_tensor(image: Image.Image) -> torch.Tensor:
    """RGB picture to IMAGE, float32 ``[1, H, W, 3]`` in 0..1."""
    import torch  # two seconds, which a command that only reads pictures need not wait

    return torch.as_tensor(np.asarray(image.convert("RGB"), np.float32) / 255.0)[None]


def from_tensor(images: torch.Tensor) -> list[Image.Image]:
    """IMAGE ``[B, H, W, C]`` (C = 1, 3 or 4) to a list of RGB (or RGBA) pictures."""
    pixels = np.nan_to_num(images.detach().float().cpu().numpy())
    pixels = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    return [Image.fromarray(p) if p.shape[-1] > 1 else Image.fromarray(p[..., 0]).convert("RGB") for p in pixels]

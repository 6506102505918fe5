"""Pictures between files, Pillow and ComfyUI's IMAGE tensors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from . import pixels
from .patience import within
from .pixels import TooLarge
from .plugins import is_there, register
from .sizes import Fit, Fitted
from .sizes import fitted as fitted_size
from .told import Told

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds for one file."""
# Pillow's own readers, and the plugins for JPEG XL and HEIC, only: the others call programs (EPS) or are no pictures.
FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    **({"JXL": (".jxl",)} if is_there("jxl") else {}),
    **({"HEIF": (".heic", ".heif")} if is_there("heic") else {}),
}
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)


def cut(image: Image.Image, multiple: int) -> Image.Image:
    """The picture with its sides cut down to a multiple, by Lanczos; a side that is shorter becomes one."""
    width, height = (max(side // multiple, 1) * multiple for side in image.size)
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.LANCZOS)


def readers() -> list[str]:
    """The names of Pillow's readers for :data:`FORMATS`, as far as they are there."""
    register()
    return [name for name in FORMATS if name in Image.OPEN]


def read(
    path: Path,
    side: int | None = None,
    check: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = log.warning,
) -> Image.Image:
    """Reads a picture file as RGB, see :func:`.pixels.on_white`.

    Args:
        side: neither side need be longer than this: a JPEG is then read at a half, a quarter or an eighth of its size.
        check: called while a slow disk lets wait; what it raises ends that.
        note: told if the file is cut off.

    Raises:
        TooLarge: it has more pixels than are decoded only to show it small.
        Told: the file is not a picture that can be read; the text says why.
    """

    def work() -> tuple[Image.Image, bool]:
        with pixels.open_file(path) as file:
            return pixels.decode(file, readers(), side)

    try:
        image, whole = within(PATIENCE, work, check)
    except FileNotFoundError:
        raise Told(f"{path.name}: the file is gone") from None
    except TimeoutError:
        raise Told(f"{path.name} is not a picture that can be read (its disk took more than {PATIENCE:g} s)") from None
    except TooLarge:
        raise
    except UnidentifiedImageError as error:
        raise Told(
            f"{path.name} is not a picture that can be read (cannot identify image file {path.name!r})"
        ) from error
    except Exception as error:  # a damaged file makes Pillow's readers raise all kinds: struct.error, RuntimeError, ...
        why = str(error).replace(str(path), path.name)
        raise Told(f"{path.name} is not a picture that can be read ({why})") from error
    if not whole:
        note(_cut_off(path.name))
    return image


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture file, upright, in pixels. Only its header is read.

    Raises:
        Told: it cannot be read.
    """
    try:
        with pixels.open_file(path) as file, Image.open(file, formats=readers()) as image:
            width, height = image.size
            return (height, width) if image.getexif().get(pixels.ORIENTATION, 1) >= 5 else (width, height)
    except Exception as error:  # as above
        raise Told(f"{path.name} is not a picture that can be read ({error})") from error


def decode(data: bytes, name: str) -> Image.Image:
    """:func:`read` for a file's bytes.

    Args:
        name: what a person calls the picture.

    Raises:
        Told: they are no picture that can be read; the text says why.
    """
    try:
        image, whole = pixels.decode(BytesIO(data), readers())
    except UnidentifiedImageError as error:
        raise Told(f"{name} is not a picture that can be read (cannot identify image file {name!r})") from error
    except Exception as error:  # as above
        raise Told(f"{name} is not a picture that can be read ({error})") from error
    if not whole:
        log.warning(_cut_off(name))
    return image


def _cut_off(name: str) -> str:
    return f"{name} is damaged: its pixels are taken as far as they go, and the rest is grey or black."


def to_tensor(image: Image.Image) -> torch.Tensor:
    """RGB picture to IMAGE, float32 ``[1, H, W, 3]`` in 0..1."""
    import torch  # two seconds, which a command that only reads pictures need not wait

    return torch.as_tensor(np.asarray(image.convert("RGB"), np.float32) / 255.0)[None]


def scaled(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """IMAGE ``[B, H, W, 3]`` with other sides, by Lanczos.

    Args:
        size: width and height in pixels.
    """
    import torch

    if (images.shape[2], images.shape[1]) == size:
        return images
    return torch.cat([to_tensor(each.resize(size, Image.Resampling.LANCZOS)) for each in from_tensor(images)])


def fitted(images: torch.Tensor, size: tuple[int, int], fit: Fit) -> torch.Tensor:
    """IMAGE ``[B, H, W, C]`` at a size of any aspect, by Lanczos. The border of ``pad`` goes on with the picture's edges.

    Args:
        size: width and height in pixels.

    Raises:
        Told: it is no batch of pictures, or holds no numbers.
    """
    import torch

    check(images)
    found = fitted_size((images.shape[2], images.shape[1]), size, fit)
    made = torch.stack([_resampled(each, found, Image.Resampling.LANCZOS) for each in images.movedim(-1, 1)])
    return torch.nn.functional.pad(made, _border(found, size), mode="replicate").movedim(1, -1).to(images)


def fitted_mask(mask: torch.Tensor | None, images: torch.Tensor, size: tuple[int, int], fit: Fit) -> torch.Tensor:
    """MASK ``[B, height, width]`` of pictures that were :func:`fitted`: 0 in the border, and 1 elsewhere where there was none.

    Args:
        mask: ``[..., h, w]`` over the pictures, of any size.
        images: the pictures before that.
    """
    import torch

    found = fitted_size((images.shape[2], images.shape[1]), size, fit)
    masks = torch.ones(images.shape[:3]) if mask is None else mask.reshape(-1, *mask.shape[-2:])
    # Its weights are never below 0, so that nothing rings at an edge, and it shrinks by the mean.
    made = _resampled(masks, found, Image.Resampling.BILINEAR)
    return torch.nn.functional.pad(made, _border(found, size)).to(masks)


def _resampled(planes: torch.Tensor, found: Fitted, by: Image.Resampling) -> torch.Tensor:
    """``[N, H, W]``, of any numbers, to ``[N, h, w]`` in 0..1, on the CPU."""
    import torch

    height, width = planes.shape[1:]
    x, y, right, bottom = found.box
    size = found.place[2] - found.place[0], found.place[3] - found.place[1]
    box = x * width, y * height, right * width, bottom * height
    pictures = map(Image.fromarray, planes.detach().float().cpu().numpy())
    made = [torch.as_tensor(np.array(each.resize(size, by, box), np.float32)) for each in pictures]
    return torch.stack(made).clamp(0, 1)


def _border(found: Fitted, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = found.place
    return left, size[0] - right, top, size[1] - bottom


def check(images: torch.Tensor | None) -> None:
    """
    Raises:
        Told: this is no IMAGE ``[B, H, W, C]`` (C = 1, 3 or 4), or holds no numbers.
    """
    expected = "Expected grey, RGB or RGBA pictures [B, H, W, C], got"
    if images is None:
        raise Told(f"{expected} nothing.")
    shape = list(images.shape)
    if len(shape) == 5:
        raise Told(f"{expected} the shape {shape}, as videos have it: make a batch of the frames.")
    if len(shape) != 4 or shape[-1] not in (1, 3, 4):
        raise Told(f"{expected} the shape {shape}.")
    if 0 in shape:
        raise Told(f"There is no picture: the image has the shape {shape}.")
    if images.isnan().any():
        raise Told(
            "The picture holds no numbers (NaN), it would be black: this precision is too low for the model or the VAE, or the"
            " scale too high. Try ComfyUI's --fp32-vae or --force-upcast-attention, or a lower scale."
        )


def from_tensor(images: torch.Tensor | None) -> list[Image.Image]:
    """IMAGE ``[B, H, W, C]`` (C = 1, 3 or 4) to a list of RGB (or RGBA) pictures.

    Raises:
        Told: it is no batch of pictures, or holds no numbers.
    """
    check(images)
    assert images is not None
    values = images.detach().float().cpu().numpy()
    values = (values.clip(0, 1) * 255).round().astype(np.uint8)
    return [Image.fromarray(p) if p.shape[-1] > 1 else Image.fromarray(p[..., 0]).convert("RGB") for p in values]

"""A canvas as a picture: each region's colour in its place, the picture a sampler may start from (lllyasviel/Omost)."""

import torch
from torch.nn import functional

from .canvas import GRID, Canvas
from .masks import masks

COVER = 0.7
"""How much of what is behind a region its colour covers."""


def render(canvas: Canvas, width: int, height: int, blur: float = 0.0) -> torch.Tensor:
    """The sketch as IMAGE, float ``[1, height, width, 3]`` in 0..1.

    Args:
        blur: radius of the blur in cells, at most 89: each is the mean of the ``2 * blur + 1`` around it in both directions,
            edges reflected. 40 is what Omost had. 0 leaves sharp rectangles.
    """
    places = masks(canvas)[..., None]
    picture = torch.tensor(canvas.whole.color, dtype=torch.float32).expand(*places.shape[1:3], 3)
    for place, region in zip(places[1:], canvas.locals, strict=True):
        picture = picture + COVER * place * (torch.tensor(region.color) - picture)
    picture = picture.clamp(0, 255).to(torch.uint8).movedim(-1, 0)[None] / 255
    scale = picture.shape[-1] // GRID
    return functional.interpolate(_blurred(picture, round(blur * scale)), (height, width)).movedim(1, -1)


def _blurred(picture: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over a square, one direction after the other: a thousand times cheaper than both at once where it is wide."""
    size = 2 * radius + 1
    padded = functional.pad(picture, (radius,) * 4, mode="reflect")
    return functional.avg_pool2d(functional.avg_pool2d(padded, (1, size), 1), (size, 1), 1)

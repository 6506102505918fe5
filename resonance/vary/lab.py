"""sRGB and CIELAB (D65, 2°) with the constants of scikit-image, in bounded memory.

The maths stands here once, for NumPy on a processor and for torch on a card. torch itself shares each small step among threads,
which then wait for each other; strips that each belong to one thread are faster, and far faster where others work, too.
Equal pixels get equal values wherever they stand, for ranks depend on it: so no matrix products and powers, which round
differently at the ends of vectors, and no kornia, which uses them.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

STRIP = 2**17
"""Pixels that a thread converts at once: what is computed in between stays in its cache."""

WHITE = (0.95047, 1.0, 1.08883)
TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
FORTH: list[list[float]] = (TO_XYZ.T / WHITE).T.tolist()
BACK: list[list[float]] = np.linalg.inv(FORTH).tolist()
"""Between linear RGB and XYZ in which white is 1, 1, 1."""


def to_lab(pixels: Tensor) -> Tensor:
    """sRGB ``[N, 3]`` in 0..1 to CIELAB ``[3, N]``: L 0..100, a and b about -108..108."""
    lab = pixels.new_empty(3, len(pixels))
    _in_strips(_to_lab, pixels, lab.T)
    return lab


def to_rgb(lab: Tensor) -> Tensor:
    """CIELAB ``[3, N]`` to sRGB ``[N, 3]``. What lies outside the gamut is clipped to 0..1."""
    pixels = lab.new_empty(lab.shape[1], 3)
    _in_strips(_to_rgb, lab.T, pixels)
    return pixels


def _in_strips(convert: Callable[[Any, Any, Any], None], source: Tensor, target: Tensor) -> None:
    """Both ``[N, 3]``."""
    if source.device.type == "cpu":
        read, write = source.numpy(), target.numpy()

        def work(strip: slice) -> None:
            convert(np, read[strip], write[strip])

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(work, _strips(len(read), STRIP)))
    else:
        for strip in _strips(len(source), 64 * STRIP):
            convert(torch, source[strip], target[strip])


def _strips(count: int, size: int) -> Iterator[slice]:
    return (slice(at, at + size) for at in range(0, count, size))


# From here on xp is numpy or torch.


def _to_lab(xp: Any, rgb: Any, lab: Any) -> None:
    x, y, z = _root(xp, _product(xp, FORTH, [_linear(xp, rgb[:, channel]) for channel in range(3)]))
    lab[:, 0] = y * 116 - 16
    lab[:, 1] = (x - y) * 500
    lab[:, 2] = (y - z) * 200


def _to_rgb(xp: Any, lab: Any, rgb: Any) -> None:
    y = (lab[:, 0] + 16) / 116
    x = lab[:, 1] / 500 + y
    z = xp.clip(y - lab[:, 2] / 200, 0, None)
    for channel, linear in enumerate(_product(xp, BACK, [_cube(xp, part) for part in (x, y, z)])):
        rgb[:, channel] = xp.clip(_encoded(xp, linear), 0, 1)


def _product(xp: Any, matrix: list[list[float]], channels: list[Any]) -> Any:
    one, two, three = channels
    return xp.stack([one * row[0] + two * row[1] + three * row[2] for row in matrix])


# Each of these curves is a line up to a place and bent beyond it. The two parts are added, each held at that place where it is
# the other's turn, for choosing pixel by pixel takes longer.


def _linear(xp: Any, rgb: Any) -> Any:
    bent = xp.clip(rgb, 0.04045, None)
    bent += 0.055
    bent /= 1.055
    return _with_line(xp, _power(xp, bent, 2.4), rgb, 0.04045, 1 / 12.92)


def _encoded(xp: Any, linear: Any) -> Any:
    bent = _power(xp, xp.clip(linear, 0.0031308, None), 1 / 2.4)
    bent *= 1.055
    bent -= 0.055
    return _with_line(xp, bent, linear, 0.0031308, 12.92)


def _root(xp: Any, xyz: Any) -> Any:
    return _with_line(xp, _power(xp, xp.clip(xyz, 0.008856, None), 1 / 3), xyz, 0.008856, 7.787)


def _cube(xp: Any, root: Any) -> Any:
    held = xp.clip(root, 0.2068966, None)
    bent = held * held
    bent *= held
    return _with_line(xp, bent, root, 0.2068966, 1 / 7.787)


def _with_line(xp: Any, bent: Any, values: Any, place: float, slope: float) -> Any:
    line = xp.clip(values, None, place)
    line -= place
    line *= slope
    bent += line
    return bent


def _power(xp: Any, base: Any, exponent: float) -> Any:
    """In place."""
    xp.log(base, out=base)
    base *= exponent
    return xp.exp(base, out=base)

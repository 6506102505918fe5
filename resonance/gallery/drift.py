"""How far a picture has drifted from where its lineage began."""

import time
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..files.pictures import locate
from ..session.query import reading
from ..told import Told
from . import changes, thumbnails

MOST = 100
"""Rounds that are told of a line of descent; of a longer one every n-th."""
SECONDS = 1.0
"""How long one call may make thumbnails."""

# Linear sRGB (IEC 61966-2-1) to XYZ, by the white point D65: white is 1, 1, 1.
_TO_XYZ = np.array(
    [
        [0.4339499, 0.3762098, 0.1898403],
        [0.2126729, 0.7151521, 0.0721750],
        [0.0177566, 0.1094680, 0.8727755],
    ]
)


def lab(image: Image.Image) -> tuple[float, float, float]:
    """Mean of an sRGB picture's pixels in CIELAB (CIE 15, D65): L 0 to 100, a, b.

    It is the pixels' LAB values that are averaged, as in Reinhard et al., Color Transfer between Images (2001): a picture
    half black and half white has the mean L 50, which is how light it looks, where its mean light would give 76.
    """
    rgb = np.asarray(image.convert("RGB"), np.float64) / 255
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = linear @ _TO_XYZ.T
    x, y, z = np.moveaxis(np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29), -1, 0)
    x, y, z = float(x.mean()), float(y.mean()), float(z.mean())
    return round(116 * y - 16, 2), round(500 * (x - y), 2), round(200 * (y - z), 2)


def drift(folder: Path, id_: int, roots: Mapping[str, Path]) -> dict[str, Any]:
    """The line of descent of an item, round by round.

    Returns:
        ``points``: ``id``, ``round``, ``kept`` (see :func:`changes.kept`) and ``lab`` (mean color of the item's source, from
        its thumbnail; None when it cannot be read) for each item, and once more for the last one's first result, which stands
        in the round after it. ``every``: 1, or n where only every n-th round is told, and this item and the last.
        ``missing``: how many points have no ``lab`` yet because their thumbnails took too long; the next call goes on.

    Raises:
        NoLedger: there is no ledger.
        NoItem: it has no such item.
    """
    with reading(folder) as ledger:
        rows = ledger.line(id_)
        results = [ledger.source_of(file) for file in ledger.files(rows[-1].id)]
    shares = changes.kept([changes.tags_in(row) for row in rows])
    every = -(-len(rows) // MOST)
    found = [
        ({"id": row.id, "round": row.round, "kept": share}, row.source)
        for number, (row, share) in enumerate(zip(rows, shares, strict=True))
        if number % every == 0 or row.id == id_ or row is rows[-1]
    ]
    if results:
        last = rows[-1]
        found.append(({"id": last.id, "round": last.round + 1, "kept": None}, results[0]))
    missing = 0
    stop = time.monotonic() + SECONDS
    points: list[dict[str, Any]] = []
    for point, source in found:
        try:
            color = _lab(folder, source, roots, stop) if source else None
        except TimeoutError:
            color = None
            missing += 1
        except Told:
            color = None
        points.append({**point, "lab": color})
    return {"points": points, "every": every, "missing": missing}


def _lab(folder: Path, source: str, roots: Mapping[str, Path], stop: float) -> tuple[float, float, float]:
    picture = locate(source, roots)[1]
    data = thumbnails.kept(folder, picture)
    if data is None:
        if time.monotonic() > stop:
            raise TimeoutError
        data = thumbnails.make(folder, picture)
    return _lab_of(data)


@lru_cache(2000)
def _lab_of(thumbnail: bytes) -> tuple[float, float, float]:
    """Mean color of a WebP file of a few kB. Kept, for the next item of the line is asked for soon."""
    with Image.open(BytesIO(thumbnail), formats=["WEBP"]) as image:
        return lab(image)

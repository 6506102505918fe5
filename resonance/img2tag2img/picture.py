"""A picture as a request carries it: the server need not see the client's files."""

import base64
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from .. import images
from ..sizes import Aspect, aspect_of


@dataclass(frozen=True)
class Picture:
    """A picture without metadata, as a ``data:`` URL, and its aspect class."""

    url: str
    aspect: Aspect


def read_picture(path: Path) -> Picture:
    """Reads a picture file; upright, transparency over white. A JPEG stays one, every other file becomes a PNG.

    Raises:
        Told: it cannot be read; the text says why.
    """
    image = images.read(path)
    image.info.clear()  # Pillow would write color profiles and comments from here
    buffer = BytesIO()
    with path.open("rb") as file:
        jpeg = file.read(3) == b"\xff\xd8\xff"
    if jpeg:
        image.save(buffer, "JPEG", quality=95, subsampling=0)
    else:
        image.save(buffer, "PNG", compress_level=4)
    kind = "jpeg" if jpeg else "png"
    return Picture(f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}", aspect_of(*image.size))

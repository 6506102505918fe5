"""What Pillow can read and write here."""

from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec

NEEDED = {"webp": "PIL._webp", "avif": "PIL._avif", "jxl": "pillow_jxl", "heic": "pillow_heif"}
"""Modules without which Pillow knows no such format."""
PLUGINS = {".jxl": "pillow-jxl-plugin", ".heic": "pillow-heif", ".heif": "pillow-heif"}
"""By suffix, what has to be installed where Pillow alone does not do."""


def is_there(format: str) -> bool:
    """Whether a format, such as ``webp lossy``, can be read and written. Nothing is imported to know."""
    return find_spec(NEEDED.get(format.split()[0], "PIL")) is not None


@cache
def register() -> None:
    """Makes Pillow know all its formats, and those of the plugins that are installed."""
    from PIL import Image

    Image.init()
    if is_there("jxl"):
        with suppress(ImportError):
            import_module("pillow_jxl")
    if is_there("heic"):
        with suppress(ImportError):
            import_module("pillow_heif").register_heif_opener()

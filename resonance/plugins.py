"""What Pillow can read and write here."""

from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec

NEEDED = {"webp": "PIL._webp", "avif": "PIL._avif", "jxl": "pillow_jxl"}
"""Modules without which Pillow knows no such format."""


def is_there(format: str) -> bool:
    """Whether a format, such as ``webp lossy``, can be read and written. Nothing is imported to know."""
    return find_spec(NEEDED.get(format.split()[0], "PIL")) is not None


@cache
def register() -> None:
    """Makes Pillow know all its formats, and the plugin's if it is installed."""
    from PIL import Image

    Image.init()
    if is_there("jxl"):
        with suppress(ImportError):
            import_module("pillow_jxl")

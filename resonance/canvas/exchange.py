"""Any text that a layout can come from, beside a picture of a known size."""

from .read import Reading, read_canvas


def read_any(text: str, width: int, height: int) -> Reading:
    """The canvas in a text. Boxes are measured in a picture of that size, in pixels.

    Raises:
        CanvasError: there is none; one sentence that says what is wrong.
    """
    return read_canvas(text, (width, height))

"""Who wins where a canvas was edited by hand and the one it came from is still connected."""

from dataclasses import replace
from typing import Any

from .boxes import read_boxes
from .canvas import Canvas, CanvasError
from .exchange import read_any
from .listing import digest
from .read import REGIONS, Reading, few

NOTHING = "There is no canvas: write one as JSON or as an Omost program, or connect a canvas or boxes."
UNUSED = "the words that the boxes have for the whole picture were not used: the canvas has its own"
OUTDATED = "the text was not made from what is connected, so it was not used"


def effective(text: str, upstream: Canvas | None, width: int, height: int) -> Reading:
    """The canvas that counts: ``text``, unless something is connected that it was not edited from.

    An edited canvas carries the digest of the one it was made from (``from`` in JSON, :attr:`Canvas.origin`).

    Args:
        width, height: of the picture that boxes in the text are in, in pixels.

    Raises:
        CanvasError: the text is not a canvas, or there is nothing at all.
    """
    if upstream is None:
        if not text.strip():
            raise CanvasError(NOTHING)
        return read_any(text, width, height)
    if not text.strip():
        return Reading(upstream)
    written = read_any(text, width, height)
    if written.canvas.origin == digest(upstream):
        return written
    return Reading(upstream, (OUTDATED,))


def with_boxes(canvas: Canvas | None, boxes: Any, width: int, height: int) -> Reading:
    """Core's boxes, in a picture of that size, as a canvas, or as the nearest regions of one.

    Raises:
        CanvasError: they are no boxes, or too many.
    """
    made, notes = read_boxes(boxes, width, height, " ".join(canvas.whole.prefixes) if canvas else "")
    if canvas:
        notes += (UNUSED,) if made.whole.suffixes else ()
        made = replace(canvas, regions=canvas.regions + made.locals)
    if (count := len(made.regions)) > REGIONS:
        raise CanvasError(f"With the boxes there are {count:,} regions: a canvas has room for {REGIONS}.")
    return Reading(made, few(notes))

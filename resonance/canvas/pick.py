"""Regions by what a person calls them."""

from ..typed import between_commas
from .canvas import Canvas, CanvasError


def numbers(canvas: Canvas, which: str) -> tuple[int, ...]:
    """Numbers of the regions that ``which`` names, in its order: names or numbers, separated by commas; empty for all.

    Raises:
        CanvasError: there is no such region; the text lists those there are.
    """
    labels = [canvas.label(n).casefold() for n in range(len(canvas.regions))]
    said = [w for part in which.split(",") if (w := part.strip().casefold())]
    wanted = [
        w for one in said for w in ([one] if one in labels else between_commas(one))
    ]  # a label may hold a full-width comma
    if not wanted:
        return tuple(range(len(canvas.regions)))
    return tuple(_number(canvas, labels, w) for w in wanted)


def _number(canvas: Canvas, labels: list[str], wanted: str) -> int:
    if wanted in labels:
        return labels.index(wanted)
    if wanted.isdecimal() and int(wanted) < len(labels):
        return int(wanted)
    known = ", ".join(f"{n} ({canvas.label(n)})" for n in range(len(labels)))
    raise CanvasError(f"There is no region {wanted!r}. This canvas has {known}.")

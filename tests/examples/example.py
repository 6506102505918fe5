"""What an example workflow is made from."""

from dataclasses import dataclass
from typing import Any

CHECKPOINT = "| `sd_xl_base_1.0.safetensors`, or any checkpoint of yours | `models/checkpoints/` |\n"
"""A row of the table of files in a note."""


@dataclass(frozen=True)
class Example:
    """A graph in API form and how it looks.

    Attributes:
        graph: node by id.
        columns: the ids from left to right, each column from top to bottom; ``note`` is the note.
        note: its Markdown: what the workflow does, what to change first, which files it needs and where they go.
        heights: in pixels, of nodes that shall be higher than they need, by id.
        gap: between two nodes of a column, in pixels, title included.
    """

    graph: dict[str, Any]
    columns: list[list[str]]
    note: str
    heights: dict[str, int]
    gap: int = 110

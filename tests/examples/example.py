"""What an example workflow is made from."""

from dataclasses import dataclass, field
from typing import Any

CHECKPOINT = "| sd_xl_base_1.0.safetensors, or any checkpoint of yours | *models/checkpoints* |\n"
"""A row of the table of files in a note. Notes have no inline code: its colours cannot be read in Nodes 2.0."""


@dataclass(frozen=True)
class Inner:
    """What of a graph becomes one node, a subgraph.

    Attributes:
        name: its title.
        parts: ids of the nodes in it.
        shown: which of their widgets it shows: type of the node, widget, and the name that it has there. A Float is a slider
            from 0 to 1.
    """

    name: str
    parts: tuple[str, ...]
    shown: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Example:
    """A graph in API form and how it looks.

    Attributes:
        graph: node by id.
        columns: the ids from left to right, each column from top to bottom; ``note`` is the note, ``inner``
            the subgraph.
        note: its Markdown: what the workflow does, what to change first, which files it needs and where they go.
        heights: in pixels, of nodes that shall be higher than they need, by id.
        collapsed: ids of nodes of which only the title is shown.
        width: of a column in pixels; 0 means as many as there is room for.
        inner: what becomes a subgraph.
    """

    graph: dict[str, Any]
    columns: list[list[str]]
    note: str
    heights: dict[str, int] = field(default_factory=dict[str, int])
    collapsed: tuple[str, ...] = ()
    width: int = 0
    inner: Inner | None = None

"""What came of an item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .item import Words
from .naming import BY_ROUND, Naming

Takes = Literal["first", "all", "none"]
"""Which of an item's results the next round takes."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of an item.

    Attributes:
        pictures: picture files (PNG, or what a graph's own saver writes), the first one first. Of an item that was only to be
            described there are none.
        names: names that the graph's own saver gave them; empty where the session names them.
        before: further files to keep beside them, which no round takes.
        words: what was said about the item's picture.
        prompt: what the pictures were made from.
        takes: which of them the next round takes. Of an item without source it takes none.
        naming: where they are to go. ``prompt hash`` goes by the payload's prompt, or else by ``prompt``.
        facts: ``scale``, ``steps`` and ``strength``, as far as names need them.
        texts: what is to be written into each picture beside its item (``prompt``, ``workflow``); None: it is in them already.
    """

    pictures: tuple[bytes, ...] = ()
    names: tuple[str, ...] = ()
    before: tuple[bytes, ...] = ()
    words: Words | None = None
    prompt: str = ""
    takes: Takes = "first"
    naming: Naming = BY_ROUND
    facts: Mapping[str, float] = field(default_factory=dict[str, float])
    texts: Mapping[str, str] | None = field(default_factory=dict[str, str])

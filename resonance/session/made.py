"""What came of an item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from PIL import Image

from ..paint.how import How
from .item import Words
from .naming import BY_ROUND, Naming

Takes = Literal["first", "all", "none"]
"""Which of an item's results the next round takes."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of an item.

    Attributes:
        pictures: picture files (PNG, or what a graph's own saver writes), or pictures that are yet to be encoded, the first one
            first. Of an item that was only to be described there are none.
        names: names that the graph's own saver gave them; empty where the session names them.
        before: further files to keep beside them, which no round takes.
        words: what was said about the item's picture.
        prompt: what the pictures were made from.
        takes: which of them the next round takes. Of an item without source it takes none.
        naming: where they are to go. ``prompt hash`` goes by the payload's prompt, or else by ``prompt``.
        how: how they were made, for the texts that A1111's web UI and gen_img write into pictures; None: nobody asked.
        model: the checkpoint that made them, for their names; empty: not known.
        place: of the first picture in the batch that it was painted in, from 0, for their names.
        stages: a second pass painted them, as of highres fix, and the first one ``before``: their names say which.
        facts: ``scale``, ``steps`` and ``strength``, as far as names need them.
        texts: what is to be written into each picture beside its item (``prompt``, ``workflow``); None: the files are kept as
            they are.
        beside: what came of the items beside it, in their order; fewer where not all of them could be made together.
    """

    pictures: tuple[bytes | Image.Image, ...] = ()
    names: tuple[str, ...] = ()
    before: tuple[bytes | Image.Image, ...] = ()
    words: Words | None = None
    prompt: str = ""
    takes: Takes = "first"
    naming: Naming = BY_ROUND
    how: How | None = None
    model: str = ""
    place: int = 0
    stages: bool = False
    facts: Mapping[str, float] = field(default_factory=dict[str, float])
    texts: Mapping[str, str] | None = field(default_factory=dict[str, str])
    beside: tuple["Made", ...] = ()

    @property
    def batch(self) -> tuple["Made", ...]:
        """What came of each of the items that were made together, as far as they were."""
        return self, *self.beside

    @property
    def files(self) -> tuple[bytes, ...]:
        """Those of ``pictures`` that are files."""
        return tuple(each for each in self.pictures if isinstance(each, bytes))

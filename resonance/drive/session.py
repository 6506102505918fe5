"""What the driver needs of a session in an output folder: the same ledger and the same folders that ComfyUI's nodes work with."""

from dataclasses import dataclass, replace
from pathlib import Path

from .. import images
from ..files.names import check_name
from ..paint.request import PictureFile
from ..session.chain import Chain, Draws, Unreadable, check, own
from ..session.fill.fill import Fill
from ..session.item import Item
from ..session.owning import Busy
from ..session.payloads import PromptLine
from ..session.query import reading
from ..told import Told
from .job import Job, JobFailed

PROGRAM = "resonance on "
"""Stands before the machine's name in a ledger that the command owns."""


def opened(folder: Path, fill: Fill, seed: int, draws: Draws | None = None, words_first: bool = False) -> Chain:
    """The session in ``folder``, which is in the output folder, begun and owned until :meth:`Chain.close`.

    Args:
        fill: what the session is to hold.
        seed: of a new session.

    Raises:
        Busy: another program owns the session.
        Told: the name cannot be a folder, the session is of another kind, or there is nothing to begin it with.
    """
    check_name(folder.name)
    check(folder, fill, seed)
    try:
        ledger = own(folder, seed, fill.kind, PROGRAM)
    except Busy as error:
        raise Busy(f"{error} Or pass --take with the --server that has it.") from None
    chain = Chain(ledger, fill, draws, words_first)
    try:
        chain.begin(run=None)
    except BaseException:
        chain.close()
        raise
    return chain


@dataclass(frozen=True)
class Jobs:
    """Makes the jobs of a session.

    Attributes:
        wants_first: whether they carry the first picture of their lineage.
    """

    chain: Chain
    wants_first: bool = False

    def __call__(self, item: Item) -> Job:
        """Raises Unreadable if the item's picture cannot be read, JobFailed if its mask or guide cannot."""
        path = self.chain.locate(item)
        line = item.payload if isinstance(item.payload, PromptLine) else None
        mask, guide = (self._beside(item, line.mask), self._beside(item, line.guide)) if line else (None, None)
        if path is None:
            return Job(item=item, mask=mask, guide=guide)
        try:
            picture, first = _bytes(path), self._first(item)
        except (OSError, Told) as error:
            raise Unreadable(str(error)) from error
        return Job(item=item, picture=picture, name=path.name, first=first, mask=mask, guide=guide)

    def _beside(self, item: Item, source: str | None) -> PictureFile | None:
        """A picture that belongs to a line beside the one that it starts from. Without it the line cannot be painted, but others
        can: it is not passed over."""
        if source is None:
            return None
        try:
            path = self.chain.locate(replace(item, source=source))
            assert path
            return PictureFile(path.name, _bytes(path))
        except (OSError, Told) as error:
            raise JobFailed(str(error)) from error

    def _first(self, item: Item) -> bytes | None:
        """The picture with which the item's lineage began, if the workflow asks for it."""
        if not self.wants_first or item.round == 1 or item.source is None:
            return None
        with reading(self.chain.ledger.folder) as ledger:
            source = ledger.origin(item.round, item.source)
        first = self.chain.locate(replace(item, source=source))
        return first.read_bytes() if first else None


def _bytes(path: Path) -> bytes:
    """A file that holds a picture, as it is. Raises OSError, Told."""
    images.read(path)
    return path.read_bytes()

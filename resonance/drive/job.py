"""What the driver hands to an engine, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..paint.request import PictureFile
from ..session.item import Item
from ..session.made import Made
from ..session.reason import Reason
from ..told import Told


@dataclass(frozen=True, kw_only=True)
class Job:
    """One item and the picture it starts from.

    Attributes:
        picture: the file's bytes, as they are on disk.
        name: the file's name without folders.
        graph: the whole request in ComfyUI's API form, where the chain makes one for each picture.
        first: the file with which the lineage began, for a workflow that wants it; needed from round 2 on.
        mask: white where the picture may change.
        guide: what a line has to guide its picture.
        beside: the jobs of the other items that are to be made together with this one.
    """

    item: Item
    picture: bytes | None = None
    name: str = ""
    graph: Mapping[str, Any] | None = None
    first: bytes | None = None
    mask: PictureFile | None = None
    guide: PictureFile | None = None
    beside: tuple["Job", ...] = ()

    @property
    def batch(self) -> tuple["Job", ...]:
        """All that are to be made together."""
        return self, *self.beside


class JobFailed(Told):
    """The job came to no good end; the text says why. It counts as one of the item's attempts, unless a disk was full."""

    def __init__(self, text: str, reason: Reason = Reason.ERROR) -> None:
        super().__init__(text)
        self.reason = reason


class EngineLost(Told):
    """The engine does not answer any more. The item is given to another one, or to this one when it is back."""


class Engine(Protocol):
    """Makes pictures, one job at a time."""

    @property
    def name(self) -> str:
        """What a person would call it."""
        ...

    async def ready(self) -> None:
        """Returns when it can take a job; also after :class:`EngineLost`. Raises EngineLost when waiting is no use."""
        ...

    async def make(self, job: Job, run: str) -> Made:
        """Makes a job, and those beside it: all, or only the first ones. When it is cancelled, it stops the work that is on, within a
        second.

        Args:
            run: id of this try, the same in the ledger.

        Raises:
            JobFailed, EngineLost
        """
        ...

    async def forget(self, run: str) -> None:
        """Stops and drops a run that a driver left behind, if it knows of it."""
        ...

    async def close(self) -> None:
        """Lets go of everything; ends what it started itself."""
        ...

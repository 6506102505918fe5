"""What the driver hands to an engine, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..session.item import Item, Words
from ..session.naming import BY_ROUND, Naming
from ..session.saving import Takes
from ..told import Told


@dataclass(frozen=True)
class Job:
    """One item and the picture it starts from.

    Attributes:
        picture: the file's bytes, as they are on disk.
        name: the file's name without folders.
        graph: the whole request in ComfyUI's API form, where the chain makes one for each picture.
        first: the file with which the lineage began, for a workflow that wants it; needed from round 2 on.
    """

    item: Item
    picture: bytes | None = None
    name: str = ""
    graph: Mapping[str, Any] | None = None
    first: bytes | None = None


@dataclass(frozen=True)
class Made:
    """What an engine made of a job.

    Attributes:
        pictures: picture files (PNG, or what a graph's own saver writes), the first one first.
        names: names that the graph's own saver gave them; empty where the driver names them.
        before: further files to keep beside them, which no round takes.
        words: what was said about the job's picture.
        prompt: what the pictures were made from.
        takes: which of them the next round takes.
        naming: where they are to go.
        facts: ``scale``, ``steps`` and ``strength``, as far as names need them.
        texts: what is to be written into each picture beside its item (``prompt``, ``workflow``).
    """

    pictures: tuple[bytes, ...]
    names: tuple[str, ...] = ()
    before: tuple[bytes, ...] = ()
    words: Words | None = None
    prompt: str = ""
    takes: Takes = "first"
    naming: Naming = BY_ROUND
    facts: Mapping[str, float] = field(default_factory=dict[str, float])
    texts: Mapping[str, str] = field(default_factory=dict[str, str])


class JobFailed(Told):
    """The job came to no good end; the text says why. It counts as one of the item's attempts."""


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
        """Makes a job. When it is cancelled, it stops the work that is on, within a second.

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

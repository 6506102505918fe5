"""What a fill is."""

from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from ..item import Item
from ..ledger import Ledger
from ..made import Made
from ..status import Kind


class Change(NamedTuple):
    """How many items came into a session, and how many that waited went."""

    came: int = 0
    went: int = 0

    def __str__(self) -> str:
        parts = [f"{count} {what}" for count, what in ((self.came, "came"), (self.went, "went")) if count]
        return ", ".join(parts)


class Fill(Protocol):
    """Decides which items a session has, round by round, where their pictures lie and where their results go."""

    kind: ClassVar[Kind]
    more: ClassVar[str]
    """How to go on when everything is done."""

    def first(self, session: str, seed: int) -> Item:
        """The first item of a session that does not exist yet. Raises Told where it would have none."""
        ...

    def begin(self, ledger: Ledger) -> Change:
        """Takes into the ledger what is asked for now, in the caller's transaction. Raises like :meth:`first`."""
        ...

    def open_round(self, ledger: Ledger) -> int | None:
        """The round to work on, filled; None: nothing is left to do."""
        ...

    def locate(self, item: Item) -> Path | None:
        """The picture that an item starts from; None where it starts from none. Raises Told: there can be none."""
        ...

    def keep(self, ledger: Ledger, item: Item, made: Made) -> list[str]:
        """Writes what came of a claimed item, commits it, and returns the names of the files.

        Raises Lost, Told or OSError if that is not possible.
        """
        ...

"""The variations of pictures, made by those who know what they make next."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ...told import Told
from .. import saving
from ..item import Item
from ..ledger import Ledger
from ..made import Made
from ..status import Kind
from .fill import Change

START = "start"
"""Folder of the pictures that variations start from, inside the session's."""

MORE = "Raise the number of iterations, vary another picture, or choose another session name."


@dataclass(frozen=True)
class Variations:
    """Items come one by one, see :meth:`resonance.session.chain.Chain.take`."""

    kind: ClassVar[Kind] = "vary"
    more: ClassVar[str] = MORE

    def first(self, session: str, seed: int) -> Item:
        raise Told(f"There is no session {session!r} of Vary.")

    def begin(self, ledger: Ledger) -> Change:
        return Change()

    def open_round(self, ledger: Ledger) -> int | None:
        return ledger.pending_round()

    def locate(self, item: Item) -> Path | None:
        return None

    def keep(self, ledger: Ledger, item: Item, made: Made) -> list[str]:
        return saving.keep(ledger, item, made)

"""The pictures of a folder, and what is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from ...files import pictures
from ...told import Told
from .. import lineage, saving
from ..item import Item, derive
from ..ledger import Ledger
from ..made import Made
from ..status import Kind
from .fill import Change


@dataclass(frozen=True)
class Pictures:
    """Round 1 is the pictures of a folder, every other round what was made in the one before.

    Attributes:
        folder: as :func:`resonance.files.pictures.listing` takes it; empty: the one that the session began with.
        rounds: how many are wanted; 0 = no end.
        roots: folders from which pictures may be read.
    """

    folder: str
    rounds: int
    roots: Mapping[str, Path]
    kind: ClassVar[Kind] = "rounds"
    more: ClassVar[str] = (
        "Raise the number of rounds, add pictures to the first folder, or choose another session name."
    )

    def first(self, session: str, seed: int) -> Item:
        sources = self._listed
        name = next(lineage.assign(map(_name, sources)))
        return Item(
            session=session,
            round=1,
            index=1,
            total=len(sources),
            lineage=name,
            seed=derive(seed, 1, name, "sampler"),
            source=sources[0],
        )

    def begin(self, ledger: Ledger) -> Change:
        folder = self.folder.strip() or ledger.session().first
        ledger.update(first=folder, rounds=self.rounds)
        known = ledger.sources(1)
        try:
            found = self._listed if folder == self.folder else pictures.listing(folder, self.roots)
        except Told:
            if known:
                return Change()
            raise
        new = [source for source in found if source not in known]
        return Change(ledger.add(1, list(zip(new, lineage.assign(map(_name, new), ledger.lineages(1)), strict=True))))

    @cached_property
    def _listed(self) -> list[str]:
        """The folder as it was when it was first asked for: reading 100,000 names takes a second."""
        return pictures.listing(self.folder, self.roots)

    def open_round(self, ledger: Ledger) -> int | None:
        return ledger.open_round(lambda file: (ledger.folder / file).is_file())

    def locate(self, item: Item) -> Path | None:
        if item.source is None:
            raise Told("This item starts from no picture.")
        return pictures.locate(item.source, self.roots)[1]

    def keep(self, ledger: Ledger, item: Item, made: Made) -> list[str]:
        return saving.keep(ledger, item, made)


def _name(source: str) -> str:
    return source.rsplit("/", 1)[-1]

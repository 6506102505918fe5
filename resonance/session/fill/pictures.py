"""The pictures of a folder, and what is made of them."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from ...files import pictures
from ...told import Told
from .. import lineage, saving
from ..item import Item, derive
from ..ledger import Ledger
from ..made import Made
from ..opening import UnreadableLedger, from_json
from ..settings import Order
from ..status import Kind
from .fill import Change


@dataclass(frozen=True)
class Which:
    """Which pictures of the first folder a session begins with: at most ``count`` (0: all) behind the first ``start``, in an order."""

    order: Order = "name"
    start: int = 0
    count: int = 0

    def of(self, sources: Sequence[str], roots: Mapping[str, Path], seed: int) -> list[str]:
        """
        Args:
            sources: in the order of names.
            seed: of the session.

        Raises:
            Told: none of them is left.
        """

        def date(source: str) -> float:
            name, _, root = source.removesuffix("]").rpartition(" [")
            try:
                return os.stat(roots[root] / name).st_mtime
            except OSError:  # it has gone since; the run that works on it says so
                return 0

        ordered = list(sources)
        if self.order == "date":
            ordered.sort(key=date)
        elif self.order == "shuffled":
            ordered.sort(key=lambda source: derive(seed, 1, source, "order"))
        if self.start >= len(ordered):
            raise Told(f"start skips {self.start} pictures, and the first folder holds {len(ordered)}: lower it.")
        return ordered[self.start : self.start + self.count if self.count else None]

    @property
    def is_all(self) -> bool:
        return not (self.start or self.count)

    @classmethod
    def from_json(cls, text: str) -> "Which":
        """Raises UnreadableLedger: no version of ours has written that."""
        match from_json(text, "which pictures it begins with"):
            case {"order": "name" | "date" | "shuffled" as order, "start": int(start), "count": int(count)}:
                return cls(order, max(start, 0), max(count, 0))
            case other:
                raise UnreadableLedger(f"The ledger cannot be read: it begins with the pictures {other!r:.80}.")


ALL = Which()


@dataclass(frozen=True)
class Pictures:
    """Round 1 is the pictures of a folder, every other round what was made in the one before.

    Attributes:
        folder: as :func:`resonance.files.pictures.listing` takes it; empty: the one that the session began with.
        rounds: how many are wanted; 0 = no end.
        roots: folders from which pictures may be read.
        which: pictures of the folder a session begins with. It keeps what it has begun with.
    """

    folder: str
    rounds: int
    roots: Mapping[str, Path]
    which: Which = ALL
    kind: ClassVar[Kind] = "rounds"
    more: ClassVar[str] = (
        "Raise the number of rounds, add pictures to the first folder, or choose another session name."
    )

    def first(self, session: str, seed: int) -> Item:
        sources = self.which.of(self._listed, self.roots, seed)
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
        session = ledger.session()
        folder = self.folder.strip() or session.first
        which = Which.from_json(session.which) if session.which else self.which
        begun = bool(session.which)
        ledger.update(first=folder, rounds=self.rounds, which=json.dumps(asdict(which)))
        known = ledger.sources(1)
        if begun and known and not which.is_all:
            return Change()
        try:
            found = self._listed if folder == self.folder else pictures.listing(folder, self.roots)
            found = which.of(found, self.roots, session.seed)
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

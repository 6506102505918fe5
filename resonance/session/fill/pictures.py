"""What fills the rounds of a session: the pictures of a folder, or the combinations of a grid."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ...files import pictures
from ...told import Told
from ...vary.grid import Combination
from ...vary.transform import seed_of
from .. import lineage
from ..item import Item, derive
from ..ledger import Ledger
from ..status import Kind


class Fill(Protocol):
    """Decides which items a session has, round by round."""

    @property
    def kind(self) -> Kind: ...

    @property
    def more(self) -> str:
        """How to go on when everything is done."""
        ...

    def first(self, session: str, seed: int) -> Item:
        """The first item of a session that does not exist yet. Raises Told where it would have none."""
        ...

    def begin(self, ledger: Ledger) -> None:
        """Somebody pressed Run: takes into the ledger what is asked for now. Raises like :meth:`first`."""
        ...

    def open_round(self, ledger: Ledger) -> int | None:
        """The round to work on, filled; None: nothing is left to do."""
        ...


@dataclass(frozen=True)
class Pictures:
    """Round 1 is the pictures of a folder, every other round what was made in the one before.

    Attributes:
        folder: as :func:`.pictures.listing` takes it; empty: the one that the session began with.
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
        name = next(_assign(sources))
        return Item(session, 1, 1, name, derive(seed, 1, name, "sampler"), len(sources), sources[0])

    def begin(self, ledger: Ledger) -> None:
        folder = self.folder.strip() or ledger.session().first
        ledger.update(first=folder, rounds=self.rounds)
        known = ledger.sources(1)
        try:
            found = self._listed if folder == self.folder else pictures.listing(folder, self.roots)
        except Told:
            if known:
                return
            raise
        new = [source for source in found if source not in known]
        ledger.add(1, list(zip(new, _assign(new, ledger.lineages(1)), strict=True)))

    @cached_property
    def _listed(self) -> list[str]:
        """The folder as it was when it was first asked for: reading 100,000 names takes a second."""
        return pictures.listing(self.folder, self.roots)

    def open_round(self, ledger: Ledger) -> int | None:
        return ledger.open_round(lambda file: (ledger.folder / file).is_file())


@dataclass(frozen=True)
class Grid:
    """Each round is one seed, and its items are all combinations, which share it: items without source.

    A combination has the same lineage in every round.

    Attributes:
        seeds: how many are wanted; 0 = no end.
    """

    combinations: tuple[Combination, ...]
    seeds: int
    kind: ClassVar[Kind] = "explore"
    more: ClassVar[str] = "Raise the number of seeds, add aspects, scales or prompts, or choose another session name."

    def first(self, session: str, seed: int) -> Item:
        payload = _payload(self.combinations[0], seed, 1)
        return Item(session, 1, 1, "X0001", payload["seed"], len(self.combinations), payload=payload)

    def begin(self, ledger: Ledger) -> None:
        """What is missing of the combinations is added to the rounds there are, what is not asked for any more and still
        waits is removed."""
        ledger.update(rounds=self.seeds)
        names = self._names(ledger)
        last = self.seeds or ledger.last_round()
        wanted = set(names)
        ledger.withdraw(lambda round_, name: round_ <= last and name in wanted)
        for round_ in range(1, min(last, ledger.last_round()) + 1):
            self._add(ledger, round_, names)

    def open_round(self, ledger: Ledger) -> int | None:
        if pending := ledger.pending_round():
            return pending
        following = ledger.last_round() + 1
        if self.seeds and following > self.seeds:
            return None
        self._add(ledger, following, self._names(ledger))
        return following

    def _names(self, ledger: Ledger) -> dict[str, Combination]:
        """The combinations by lineage: the one they have in the ledger, or a new one."""
        known = ledger.payloads(ledger.last_round())
        names = _keys(known)
        if any(each.key not in names for each in self.combinations):  # only then all rounds are worth a look
            known = ledger.payloads()
            names = _keys(known)
        new = [each for each in self.combinations if each.key not in names]
        names |= zip([each.key for each in new], _assign([""] * len(new), known), strict=True)
        return {names[each.key]: each for each in self.combinations}

    def _add(self, ledger: Ledger, round_: int, names: Mapping[str, Combination]) -> None:
        known = ledger.lineages(round_)
        missing = [name for name in names if name not in known]
        if not missing:
            return
        seed = ledger.session().seed
        payloads = [_payload(names[name], seed, round_) for name in missing]
        ledger.add(round_, [(None, name) for name in missing], payloads)


def _assign(sources: list[str], taken: Iterable[str] = ()) -> Iterator[str]:
    return lineage.assign([source.rsplit("/", 1)[-1] for source in sources], taken)


def _keys(payloads: Mapping[str, dict[str, Any]]) -> dict[tuple[Any, ...], str]:
    return {Combination.read(payload).key: name for name, payload in payloads.items()}


def _payload(combination: Combination, seed: int, round_: int) -> dict[str, Any]:
    return {**combination._asdict(), "seed": seed_of(seed, round_)}

"""The combinations of an exploration."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from ...paint.choices import choose_prompt
from ...paint.wildcards import WildcardFiles
from ...vary.grid import Combination
from ...vary.transform import seed_of
from .. import lineage, saving
from ..item import Item
from ..ledger import Ledger
from ..made import Made
from ..payloads import Exploration, Payload
from ..status import Kind
from .fill import Change


@dataclass(frozen=True)
class Grid:
    """Each round is one seed, and its items are all combinations, which share it: items without source.

    A combination has the same lineage in every round.

    Attributes:
        seeds: how many are wanted; 0 = no end.
        wildcards: choices and wildcards in prompts are made by the seed when a combination joins a round; None: they are words.
    """

    combinations: tuple[Combination, ...]
    seeds: int
    wildcards: WildcardFiles | None = None
    kind: ClassVar[Kind] = "explore"
    more: ClassVar[str] = "Raise the number of seeds, add aspects, scales or prompts, or choose another session name."

    def first(self, session: str, seed: int) -> Item:
        payload = next(self._payloads(self.combinations[:1], seed_of(seed, 1)))
        return Item(
            session=session,
            round=1,
            index=1,
            total=len(self.combinations),
            lineage="X0001",
            seed=payload.seed,
            payload=payload,
        )

    def begin(self, ledger: Ledger) -> Change:
        """What is missing of the combinations is added to the rounds there are, what is not asked for any more and still
        waits is removed."""
        ledger.update(rounds=self.seeds)
        names = self._names(ledger)
        last = self.seeds or ledger.last_round()
        wanted = set(names)
        went = ledger.withdraw(lambda round_, name: round_ <= last and name in wanted)
        rounds = range(1, min(last, ledger.last_round()) + 1)
        return Change(sum(self._add(ledger, round_, names) for round_ in rounds), went)

    def open_round(self, ledger: Ledger) -> int | None:
        if pending := ledger.pending_round():
            return pending
        following = ledger.last_round() + 1
        if self.seeds and following > self.seeds:
            return None
        self._add(ledger, following, self._names(ledger))
        return following

    def locate(self, item: Item) -> Path | None:
        return None

    def keep(self, ledger: Ledger, item: Item, made: Made) -> list[str]:
        return saving.keep(ledger, item, made)

    def _names(self, ledger: Ledger) -> dict[str, Combination]:
        """The combinations by lineage: the one they have in the ledger, or a new one."""
        known = ledger.payloads(ledger.last_round())
        names = _keys(known)
        if any(each.key not in names for each in self.combinations):  # only then all rounds are worth a look
            known = ledger.payloads()
            names = _keys(known)
        new = [each for each in self.combinations if each.key not in names]
        names |= zip([each.key for each in new], lineage.assign([""] * len(new), known), strict=True)
        return {names[each.key]: each for each in self.combinations}

    def _add(self, ledger: Ledger, round_: int, names: Mapping[str, Combination]) -> int:
        known = ledger.lineages(round_)
        missing = [name for name in names if name not in known]
        if not missing:
            return 0
        seed = seed_of(ledger.session().seed, round_)
        payloads = self._payloads([names[name] for name in missing], seed)
        return ledger.add(round_, [(None, name) for name in missing], list(payloads))

    def _payloads(self, combinations: Iterable[Combination], seed: int) -> Iterator[Exploration]:
        """Equal prompts choose the same with equal seeds, so that they can be compared."""
        chosen: dict[str, str] = {}
        for each in combinations:
            if self.wildcards and each.prompt not in chosen:
                chosen[each.prompt] = choose_prompt(each.prompt, seed, self.wildcards, "prompt")
            yield Exploration.of(each, seed, chosen.get(each.prompt))


def _keys(payloads: Mapping[str, Payload]) -> dict[tuple[Any, ...], str]:
    return {cast(Exploration, payload).combination.key: name for name, payload in payloads.items()}

"""The pictures of prompt lines."""

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from ... import images
from ...files import pictures
from ...paint.dynamic import Nodes, Wildcards
from ...paint.lines import Line, PromptText
from ...paint.options import write_options
from ...paint.shots import Shot, Widgets, randoms_of, seed_of, shots
from ...sizes import Size
from ...told import Told
from .. import lineage, saving
from ..item import Item, derive
from ..ledger import Ledger
from ..made import Made
from ..payloads import PromptLine
from ..status import Kind
from .fill import Change

MULTIPLE = 32
"""gen_img's, in pixels."""
_OWN = frozenset({"negative", "file", "seeds", *(each.name for each in fields(Widgets))})
"""Options that a payload has fields for."""


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Each round is one iteration, and its items are the shots of all lines.

    A shot has the same lineage in every round. What it is made with, its pictures too, is settled when it enters the ledger, and stays
    so.

    Attributes:
        widgets: what counts where a line does not say it.
        per_line: pictures of a line that does not enumerate.
        same_seed: lines without ``--d`` share their seeds, see :func:`resonance.paint.shots.seed_of`.
        shuffle: the shots of a round have their turns in an order that follows from the session's seed.
        pictures, masks, guides: what shots start from, and what belongs to it, as
            :func:`resonance.files.pictures.listing` names them. Each goes on through all iterations, and begins anew at its end; where
            pictures say the lines, each has its own one, and what has the same number.
        roots: folders from which pictures may be read.
        own_sizes: a shot is as large as the picture that it starts from, cut down to multiples of :data:`MULTIPLE`.
        follow: where nothing of the lines is left to make, so many iterations more are made.
    """

    text: PromptText
    widgets: Widgets
    wildcards: Wildcards
    per_line: int = 1
    iterations: int = 1
    same_seed: bool = False
    shuffle: bool = False
    pictures: Sequence[str] = ()
    masks: Sequence[str] = ()
    guides: Sequence[str] = ()
    roots: Mapping[str, Path] = field(default_factory=dict[str, Path])
    own_sizes: bool = False
    follow: bool = False
    kind: ClassVar[Kind] = "lines"
    more: ClassVar[str] = "Add lines, pictures of each or iterations, or choose another session name."

    def first(self, session: str, seed: int) -> Item:
        total = self.text.count(self.per_line, self.iterations) // self.iterations
        shot = next(shots(self.text, self.widgets, self.per_line))
        place = _place(shot, 0)
        payload = self._payload(shot, next(shot.line.texts()), seed, 1, place)
        return Item(
            session=session,
            round=1,
            index=1,
            total=total,
            lineage="X0001",
            seed=payload.seed,
            source=_turn(self.pictures, place),
            payload=payload,
        )

    def begin(self, ledger: Ledger) -> Change:
        """Shots that are not there yet come, those that are not asked for any more and wait go, the others keep what they are. All that
        wait have their turns in the order of the lines."""
        wanted = {shot.key: shot for shot in shots(self.text, self.widgets, self.per_line)}
        there, waiting = dict[int, set[str]](), dict[int, list[str]]()
        names = dict[str, str]()
        for round_, name, key, waits in ledger.keyed():
            names[key] = name
            there.setdefault(round_, set()).add(key)
            if waits:
                waiting.setdefault(round_, []).append(key)
        iterations = self._iterations(wanted.keys(), there, waiting)
        self.text.count(self.per_line, iterations)
        ledger.update(rounds=iterations)
        new = [key for key in wanted if key not in names]
        names |= zip(new, lineage.assign([""] * len(new), names.values()), strict=True)
        kept = {names[key] for key in wanted}
        went = ledger.withdraw(lambda round_, name: round_ <= iterations and name in kept)
        missing = {
            round_: [key for key in wanted if key not in there.get(round_, ())] for round_ in range(1, iterations + 1)
        }
        nodes = _nodes(wanted[key] for keys in missing.values() for key in keys)
        session, came = ledger.session().seed, 0
        places = {key: place for place, key in enumerate(wanted)}
        for round_, keys in missing.items():
            turns = [_place(wanted[key], (round_ - 1) * len(wanted) + places[key]) for key in keys]
            payloads = [
                self._payload(wanted[key], nodes[key], session, round_, turn)
                for key, turn in zip(keys, turns, strict=True)
            ]
            sources = [(_turn(self.pictures, turn), names[key]) for key, turn in zip(keys, turns, strict=True)]
            came += ledger.add(round_, sources, payloads)
            old = [key for key in waiting.get(round_, ()) if key in wanted]
            waits = {*old, *keys}
            order = [key for key in self._order(wanted, session, round_) if key in waits]
            if order != [*old, *keys]:
                ledger.arrange(round_, [names[key] for key in order])
        return Change(came, went)

    def open_round(self, ledger: Ledger) -> int | None:
        return ledger.pending_round()

    def locate(self, item: Item) -> Path | None:
        return None if item.source is None else pictures.locate(item.source, self.roots)[1]

    def keep(self, ledger: Ledger, item: Item, made: Made) -> list[str]:
        return saving.keep(ledger, item, made)

    # Inside

    def _iterations(self, wanted: Set[str], there: Mapping[int, set[str]], waiting: Mapping[int, Iterable[str]]) -> int:
        """How many there are to be; for each the keys that are there, and those of them that wait."""
        found = self.iterations
        if not self.follow:
            return found
        if waits := [round_ for round_, keys in waiting.items() if not wanted.isdisjoint(keys)]:
            return max(found, *waits)
        while all(wanted <= there.get(round_, set()) for round_ in range(1, found + 1)):
            found += self.iterations
        return found

    def _order(self, keys: Iterable[str], session: int, round_: int) -> Iterable[str]:
        return sorted(keys, key=lambda key: derive(session, round_, key, "order")) if self.shuffle else keys

    def _payload(self, shot: Shot, nodes: Nodes, session: int, round_: int, turn: int) -> PromptLine:
        """What a shot is made with.

        Args:
            turn: which of the pictures it gets, from 0.

        Raises:
            Told: what is chosen cannot be read.
        """
        seed = seed_of(shot, self.widgets, session, round_, self.same_seed)
        prompt, options, *_ = shot.line.choose(nodes, randoms_of(seed), self.wildcards)
        settled = {
            name: value if (given := getattr(options, name)) is None else given
            for name, value in vars(self.widgets).items()
        }
        if self.own_sizes and (start := _turn(self.pictures, turn)):
            settled["width"], settled["height"] = self._size(start)
        return PromptLine(
            key=shot.key,
            line=shot.line.text,
            prompt=prompt,
            negative=options.negative,
            seed=seed,
            file=None if shot.picture else options.file,
            options=write_options(options, _OWN),
            mask=_turn(self.masks, turn),
            guide=_turn(self.guides, turn),
            **settled,
        )

    @cached_property
    def _sizes(self) -> dict[str, Size]:
        return {}

    def _size(self, name: str) -> Size:
        """Of a shot that starts from a picture. One that cannot be read is skipped later on, whatever its size."""
        if name not in self._sizes:
            try:
                size = images.size_of(pictures.locate(name, self.roots)[1])
            except Told:
                size = self.widgets.width, self.widgets.height
            width, height = (max(side // MULTIPLE, 1) * MULTIPLE for side in size)
            self._sizes[name] = width, height
        return self._sizes[name]


def _place(shot: Shot, turn: int) -> int:
    """Which of the pictures a shot gets, from 0: its own, or the one whose turn it is."""
    return shot.line.number - 1 if shot.line.source else turn


def _turn(names: Sequence[str], turn: int) -> str | None:
    return names[turn % len(names)] if names else None


def _nodes(wanted: Iterable[Shot]) -> Mapping[str, Nodes]:
    """What each shot's choices are made from, by key. The texts of a line are gone through once."""
    lines = dict[int, tuple[Line, dict[int, str]]]()
    for shot in wanted:
        lines.setdefault(shot.line.number, (shot.line, {}))[1][shot.picture] = shot.key
    found = dict[str, Nodes]()
    for line, keys in lines.values():
        if line.enumerates:
            found |= {keys[number]: nodes for number, nodes in enumerate(line.texts()) if number in keys}
        else:
            found |= dict.fromkeys(keys.values(), next(line.texts()))
    return found


def alike(item: Item) -> Hashable:
    """Equal for items that may be painted in one batch: all that a line gives agrees but words, seeds and names, and both have
    pictures or neither has."""
    payload = item.payload
    assert isinstance(payload, PromptLine)
    pictures = item.source is None, payload.mask is None, payload.guide is None
    return payload.width, payload.height, payload.steps, payload.scale, payload.strength, payload.options, pictures

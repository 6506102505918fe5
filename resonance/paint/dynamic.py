r"""Dynamic prompts: texts that hold choices. The forms are gen_img's, with weights and open ranges as other programs have them.

::

    {red|blue}              one of the entries; {3::red|blue} draws red three times as often
    {2$$a|b|c}              two of them, joined by ", "; 1-2 is one or two, 2- two or more, -2 one or two
    {2$$ and $$a|b|c}       joined by " and "
    {e$$a|b}                each of them: one text becomes several. {e$$2$$a|b|c}: every combination of two
    __animals/cats__        an entry of that wildcard
    \{ \} \__               these signs themselves

Groups may stand in one another, but one that enumerates only in another that does: in a group that chooses it could be left out.
What a text holds is read here, and what a generator of random numbers chooses from it; files are no business of this module.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from ..told import Told
from ..typed import narrow

NESTED = 20
"""Groups in one another, and wildcards in one another."""
PICKED = 1000
"""Entries that one group may take."""
LONGEST = 1 << 16
"""Characters of a text once it is chosen, and parts of which it consists."""
JOINER = ", "


class Misread(Told):
    """What cannot be read. ``at``: which character of the text begins it, from 0; who knows the text says where it stands."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at


class Randoms(Protocol):
    """The one method of ``random.Random`` that gives the same numbers on every Python."""

    def random(self) -> float: ...


class Lot:
    """Draws from entries by their weights.

    The sums of the weights form a tree, so that an entry is found, and taken out, in as many steps as the tree is high.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self._leaves = 1 << max(len(weights) - 1, 0).bit_length()
        sums = [0.0] * self._leaves + list(weights) + [0.0] * (self._leaves - len(weights))
        for at in range(self._leaves - 1, 0, -1):
            sums[at] = sums[2 * at] + sums[2 * at + 1]
        self._sums = sums

    def draw(self, count: int, randoms: Randoms) -> list[int]:
        """The numbers of so many different entries, in the order in which they were drawn. One random number for each."""
        sums = self._sums if count < 2 else self._sums.copy()
        drawn: list[int] = []
        for left in range(count, 0, -1):
            at, mark = 1, randoms.random() * sums[1]
            while at < self._leaves:
                at *= 2
                if mark >= sums[at] and sums[at + 1] > 0:
                    mark -= sums[at]
                    at += 1
            drawn.append(at - self._leaves)
            if left > 1:
                sums[at] = 0.0
                while at := at // 2:
                    sums[at] = sums[2 * at] + sums[2 * at + 1]
        return drawn


class Text(NamedTuple):
    """Plain text, and where it stands."""

    text: str
    at: int


class Wild(NamedTuple):
    """An entry of a wildcard."""

    name: str
    at: int


class Group(NamedTuple):
    """A choice.

    Attributes:
        end: behind its closing brace.
        low, high: how many entries it takes.
        lot: draws them.
        enumerates: it stands for each of its combinations.
    """

    at: int
    end: int
    entries: "tuple[Nodes, ...]"
    lot: Lot
    low: int
    high: int
    joiner: str
    enumerates: bool


Node = Text | Wild | Group
Nodes = tuple[Node, ...]


class Choices(NamedTuple):
    """A wildcard's entries, and what draws one of them."""

    entries: Sequence[Nodes]
    lot: Lot


Wildcards = Callable[[str], Choices]


# Reading

_NAME = r"[\w\-+.&'()~/\\:*? ]{1,200}?"
_SIGN = re.compile(rf"\\[{{}}]|\\__|\$\{{|\$\$|[{{}}|]|__(?![ _])({_NAME})(?<![ _])__")
_RANGE = re.compile(r"([0-9]{1,9})?(-)?([0-9]{1,9})?")
_WEIGHT = re.compile(r"\s*([+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}))\s*::")


class _Open:
    """A group that is being read."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.heads: list[tuple[str, int]] = []
        self.entries: list[list[Node]] = []


def parse(text: str) -> Nodes:
    """What a text holds. What it says is not looked into; see :func:`choose`.

    Raises:
        Misread: a brace has no other one, a group has no entry, takes more than it has, or begins with what is no count.
    """
    top: list[Node] = []
    groups: list[_Open] = []
    nodes, last = top, 0
    for sign in _SIGN.finditer(text):
        what, at = sign[0], sign.start()
        if what in ("|", "$$") and not groups:
            continue
        if at > last:
            nodes.append(Text(text[last:at], last))
        last = sign.end()
        if sign[1]:
            nodes.append(Wild(sign[1], at))
        elif what[0] == "\\":
            nodes.append(Text(what[1:], at))
        elif what == "{":
            if len(groups) == NESTED:
                raise Misread(at, f"groups can be nested {NESTED} deep at most.")
            groups.append(_Open(at))
            groups[-1].entries.append(nodes := [])
        elif what == "}":
            if not groups:
                raise Misread(at, "this } closes nothing. Write \\} for a literal brace.")
            group = _closed(groups.pop(), last)
            nodes = groups[-1].entries[-1] if groups else top
            nodes.append(group)
        elif what == "|":
            groups[-1].entries.append(nodes := [])
        elif what == "$$":
            _head(groups[-1], at)
            groups[-1].entries.append(nodes := [])
        else:
            raise Misread(
                at,
                "${ begins a variable of sd-dynamic-prompts, which is not supported. Write the words out or use a wildcard; write"
                " $\\{ for the two characters.",
            )
    if groups:
        raise Misread(groups[-1].at, "this { is not closed. Write } after its last entry, or \\{ for a literal brace.")
    if last < len(text):
        nodes.append(Text(text[last:], last))
    return tuple(top)


def parse_entry(text: str) -> tuple[Nodes, float]:
    """What an entry of a wildcard holds, and its weight. Raises Misread as :func:`parse` does, and for a group that enumerates."""
    nodes = [*parse(text)]
    weight = _weight(nodes)
    for node in nodes:
        if isinstance(node, Group) and node.enumerates:
            raise Misread(
                node.at,
                "a group with e$$ cannot be in a wildcard: the number of pictures would depend on a file.",
            )
    return tuple(nodes), 1.0 if weight is None else weight


def escaped(text: str) -> str:
    """A text that stands for itself: nothing in it is a choice."""
    return re.sub(r"[{}]|__", r"\\\g<0>", text)


def _head(group: _Open, at: int) -> None:
    """Takes what stands before ``$$`` out of the entries."""
    *before, nodes = group.entries
    if before or not all(isinstance(node, Text) for node in nodes):
        raise Misread(at, "$$ belongs before the first entry of a group: after e, a count or a separator.")
    group.heads.append(("".join(node.text for node in nodes if isinstance(node, Text)), nodes[0].at if nodes else at))
    group.entries.clear()


def _closed(group: _Open, end: int) -> Group:
    heads = group.heads
    if enumerates := bool(heads) and heads[0][0].strip().lower() == "e":
        heads = heads[1:]
    if len(heads) > 2:
        raise Misread(
            heads[2][1],
            "there is one $$ too many: only e, a count and a separator can come before the entries.",
        )
    weights = [_weight(entry) for entry in group.entries]
    entries = tuple(map(tuple, group.entries))
    if not any(not isinstance(node, Text) or node.text.strip() for entry in entries for node in entry):
        raise Misread(group.at, "this group has no entries. Write {red|blue}.")
    low, high = _range(*heads[0], len(entries)) if heads else (1, 1)
    if high > len(entries):
        raise Misread(heads[0][1], f"this group picks {high:,} entries but has only {len(entries):,}.")
    if high > PICKED:
        raise Misread(group.at, f"this group picks {high:,} entries; the most is {PICKED:,}.")
    if enumerates and any(weight is not None for weight in weights):
        raise Misread(
            group.at, "this group stands for every combination of its entries, so weights mean nothing in it."
        )
    drawn = sum(weight != 0 for weight in weights)
    if high > drawn:
        raise Misread(
            group.at, f"this group picks {high:,} entries but only {drawn:,} can be drawn: the others have weight 0."
        )
    if not enumerates:
        for node in (node for entry in entries for node in entry):
            if isinstance(node, Group) and node.enumerates:
                raise Misread(node.at, "a group with e$$ cannot be inside one that chooses, which might leave it out.")
    lot = Lot([1.0 if weight is None else weight for weight in weights])
    return Group(group.at, end, entries, lot, low, high, heads[1][0] if len(heads) > 1 else JOINER, enumerates)


def _weight(entry: list[Node]) -> float | None:
    """Takes the weight out of an entry; None where there is none."""
    if not entry or not isinstance(first := entry[0], Text):
        return None
    found = _WEIGHT.match(first.text)
    if not found:
        return None
    if (weight := float(found[1])) < 0:
        raise Misread(first.at, f"the weight {found[1]} must not be negative.")
    entry[0] = Text(first.text[found.end() :], first.at + found.end())
    return weight


def _range(text: str, at: int, entries: int) -> tuple[int, int]:
    found = _RANGE.fullmatch(narrow(text).strip())
    if not found or not (found[1] or found[3]):
        raise Misread(at, f"{text.strip()[:40]!r} before $$ is neither e nor a count such as 2, 1-3 or 2-.")
    if not found[2]:
        return int(found[1]), int(found[1])
    low = int(found[1] or 1)
    high = int(found[3]) if found[3] else max(low, entries)
    return min(low, high), max(low, high)


def walk(nodes: Nodes) -> Iterator[Node]:
    """All that a text holds, also in its groups, in the order in which it is written."""
    waiting = [*reversed(nodes)]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Group):
            waiting += (each for entry in reversed(node.entries) for each in reversed(entry))


# Choosing


def joined(entries: Sequence[Nodes], group: Group) -> Nodes:
    found: list[Node] = []
    for number, entry in enumerate(entries):
        if number:
            found.append(Text(group.joiner, group.at))
        found += entry
    return tuple(found)


class Chosen:
    """A text that was chosen, and where each part of it stood in the text that held the choices."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []
        self._length = 0

    def add(self, text: str, at: int, moves: int = 1) -> None:
        """Args:
        moves: 0 where all of the text stands for what is at ``at``.
        """
        self._starts.append(self._length)
        self._places.append((at, moves))
        self._parts.append(text)
        self._length += len(text)

    def __len__(self) -> int:
        return self._length

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def place(self, at: int) -> int:
        """Where the character ``at`` of the chosen text stood."""
        number = bisect_right(self._starts, at) - 1
        place, moves = self._places[number] if self._places else (0, 1)
        return place + moves * (at - self._starts[number]) if self._places else at


def choose(nodes: Nodes, randoms: Randoms, wildcards: Wildcards, chosen: Chosen) -> None:
    """Adds one of the texts that ``nodes`` may become: from left to right, of a group first how many entries it takes, where that is
    open, then these, then what they hold.

    Args:
        nodes: without groups that enumerate, see :func:`.variants.variants`.
        wildcards: gives the entries of a wildcard by its name.

    Raises:
        Misread: it is longer than :data:`LONGEST`.
    """
    waiting: list[tuple[Node, int | None]] = [(node, None) for node in reversed(nodes)]
    taken = 0
    while waiting:
        node, inside = waiting.pop()
        taken += 1
        at = node.at if inside is None else inside
        if isinstance(node, Text):
            chosen.add(node.text, at, inside is None)
        elif isinstance(node, Wild):
            found = wildcards(node.name)
            [number] = found.lot.draw(1, randoms)
            waiting += [(each, at) for each in reversed(found.entries[number])]
        else:
            open_ = node.high - node.low
            number = node.low + (int(randoms.random() * (open_ + 1)) if open_ else 0)
            entries = [node.entries[each] for each in node.lot.draw(number, randoms)]
            waiting += [(each, inside) for each in reversed(joined(entries, node))]
        if max(len(chosen), taken) > LONGEST:
            raise Misread(at, f"the choices made here give a prompt of more than {LONGEST:,} characters.")

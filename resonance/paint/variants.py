"""The texts that one stands for by its groups that enumerate, ``{e$$a|b}``: counted without making them, and made one by one."""

from collections.abc import Iterator
from itertools import combinations

from .dynamic import Group, Node, Nodes, joined

MANY = 10**12
"""From here on it is not counted any further."""


def count(nodes: Nodes) -> int:
    """How many texts one becomes; :data:`MANY` where they are more than that."""
    found = 1
    for node in nodes:
        if isinstance(node, Group) and node.enumerates:
            found = min(found * ways(node), MANY)
    return found


def ways(group: Group) -> int:
    """How many combinations a group stands for, as :func:`count` counts them."""
    if not group.enumerates:
        return 1
    number = len(group.entries)
    plain = sum(_choose(number, size) for size in range(group.low, group.high + 1))
    inner = [count(entry) for entry in group.entries]
    if plain >= MANY or max(inner) == 1:
        return min(plain, MANY)
    # How many sets of each size there are: of what is taken, or of what is left out, whichever are smaller.
    taken = group.high <= number - group.low
    largest = group.high if taken else number - group.low
    sets = [1] + [0] * largest
    for each in inner:
        with_it, without_it = (each, 1) if taken else (1, each)
        for size in range(largest, -1, -1):
            sets[size] = min(sets[size] * without_it + (sets[size - 1] * with_it if size else 0), MANY)
    smallest = group.low if taken else number - group.high
    return min(sum(sets[smallest:]), MANY)


def _choose(number: int, size: int) -> int:
    """The binomial coefficient, as far as it is counted."""
    found = 1
    for each in range(min(size, number - size)):
        found = found * (number - each) // (each + 1)
        if found >= MANY:
            return MANY
    return found


def variants(nodes: Nodes) -> Iterator[Nodes]:
    """The texts that one becomes: what they hold, without groups that enumerate. The last group changes first."""
    flat: list[Node] = []
    waiting = [*reversed(nodes)]
    while waiting:  # a group of one combination need not be tried in all: there may be thousands
        node = waiting.pop()
        if isinstance(node, Group) and node.enumerates and ways(node) == 1:
            waiting += reversed(joined(node.entries[: node.low], node))
        else:
            flat.append(node)
    for place, node in enumerate(flat):
        if isinstance(node, Group) and node.enumerates:
            before, after = flat[:place], tuple(flat[place + 1 :])
            yield from ((*before, *way, *more) for way in _ways(node) for more in variants(after))
            return
    yield tuple(flat)


def _ways(group: Group) -> Iterator[Nodes]:
    for size in range(group.low, group.high + 1):
        for entries in combinations(group.entries, size):
            yield from variants(joined(entries, group))

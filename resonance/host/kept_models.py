"""MODELs that a node makes of others: the very same object for as long as the same is asked of the same MODEL.

A node that looks at the item of a run works in every run, and what it makes must not be new each time.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary

from .core_lora import apart

KEPT = 8
"""Of one MODEL, as many as there are such nodes on it in one graph, or lines in turn."""


class KeptModels:
    """What one kind of node has made. It is kept with the MODEL that came, and does not keep that alive."""

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[Any, OrderedDict[Hashable, Any]] = WeakKeyDictionary()

    def get(self, model: Any, asked: Hashable, make: Callable[[Any], Any]) -> Any:
        """
        Args:
            make: makes it of a clone of the MODEL.
        """
        made = self._made.setdefault(model, OrderedDict())
        if asked not in made:
            made[asked] = make(apart(model))
        made.move_to_end(asked)
        if len(made) > KEPT:
            made.popitem(last=False)
        return made[asked]

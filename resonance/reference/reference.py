"""What pictures are looked at with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ..settings import Setting
from ..told import Told

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """A way to look at pictures. It travels on a RESONANCE_REFERENCE link.

    Attributes:
        way: a name of :data:`resonance.host.reference.WAYS`, or ``automatic``.
        given: what is set and connected, by the names of inputs.
    """

    way: str
    given: Mapping[str, Any]

    def of(self, name: str) -> Any:
        """
        Raises:
            Told: it is not connected.
        """
        if self.given.get(name) is None:
            raise Told(f"{self.way} needs {name}: connect it to Reference Picture.")
        return self.given[name]

    def value(self, setting: Setting[T]) -> T:
        """What is set."""
        return self.given.get(setting.name, setting.default)

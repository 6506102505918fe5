"""One draw from a plan."""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, TypeVar, cast

from ..prompt import join
from ..told import Told
from ..typed import is_number
from .plan import BLANK, Checkpoint, Lora, Plan

Entry = TypeVar("Entry", Checkpoint, Lora)


@dataclass(frozen=True, order=True)
class DrawnLora:
    name: str
    model_strength: float
    clip_strength: float


@dataclass(frozen=True)
class Draw:
    """What one picture gets. Triggers are joined in the order of the LoRAs."""

    checkpoint: str
    loras: tuple[DrawnLora, ...] = ()
    triggers: str = ""
    neg_triggers: str = ""

    @property
    def key(self) -> tuple[str, tuple[DrawnLora, ...]]:
        """What has to be loaded. Pictures sorted by it change models least often."""
        return self.checkpoint, self.loras

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "loras": [asdict(lora) for lora in self.loras]}

    @classmethod
    def from_dict(cls, known: dict[str, Any]) -> "Draw":
        """Reads :meth:`to_dict`'s form, which may come from an item that somebody pasted.

        Raises:
            Told: it is no draw.
        """
        match known:
            case {"checkpoint": str(name), "loras": [*loras], "triggers": str(words), "neg_triggers": str(neg_words)}:
                if all(map(is_lora, loras)):
                    return cls(name, tuple(DrawnLora(**lora) for lora in loras), words, neg_words)
            case _:
                pass
        raise Told(f"The item's draw cannot be read: {known}")


def is_lora(value: Any) -> bool:
    """Whether something that was read is what ``asdict`` makes of a :class:`DrawnLora`."""
    match value:
        case {"name": str(), "model_strength": one, "clip_strength": other} if len(cast(dict[Any, Any], value)) == 3:
            return is_number(one) and is_number(other)
        case _:
            return False


def draw(plan: Plan, seed: int) -> Draw:
    """Draws from an expanded plan. The same seed gives the same draw on every machine and every Python."""
    checkpoint = _pick(plan.checkpoints, seed, "checkpoint")
    slots = [slot or _pick(plan.loras, seed, f"slot {number}") for number, slot in enumerate(checkpoint.slots, 1)]
    loras = [lora for lora in (*slots, *plan.forced) if lora.name != BLANK]
    return Draw(
        checkpoint.name,
        tuple(DrawnLora(lora.name, lora.model_strength, lora.clip_strength) for lora in loras),
        join(lora.trigger for lora in loras),
        join(lora.neg_trigger for lora in loras),
    )


def _pick(entries: Sequence[Entry], seed: int, purpose: str) -> Entry:
    """One entry, by weight. SHA-256 of seed and purpose, so that the checkpoint stays when the LoRAs of a plan change.

    ``random`` promises the same numbers across versions for ``random()`` only, and ``sum`` adds floats differently since
    Python 3.12; a hash and ``accumulate`` have neither trap.
    """
    fraction = int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "big") >> 11
    bounds = list(accumulate(entry.weight for entry in entries))
    return entries[min(bisect_right(bounds, fraction / 2**53 * bounds[-1]), len(entries) - 1)]

"""Which checkpoint and LoRAs a picture gets.

The records are the model roulette's. The draw is not: here an entry named None takes up a slot of the LoRA stack, as it did
in img2tag2img, and what is drawn depends on a number for each purpose.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from ..prompt import join
from ..roulette import Checkpoint, Draw, DrawnLora, Lora, Plan
from ..roulette.plan import BLANK

Choose = Callable[[str], int]
"""A number from 0 to 2**50 - 1 for each purpose, always the same one: :func:`resonance.session.item.derive`."""

BITS = 50

Option = TypeVar("Option")
Entry = TypeVar("Entry", Checkpoint, Lora)


def pick(options: Sequence[Option], number: int) -> Option:
    """One of the options, each as likely as the others."""
    return options[number * len(options) >> BITS]


def pick_by_weight(entries: Sequence[Entry], number: int) -> Entry:
    bounds = list(accumulate(entry.weight for entry in entries))
    return entries[bisect_right(bounds, number / 2**BITS * bounds[-1])]


@dataclass(frozen=True)
class Models:
    """A checkpoint, and LoRAs in the order of their slots, blanks among them."""

    checkpoint: str
    loras: tuple[Lora, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Sorted by this, pictures stand by checkpoint, then by the names of their LoRAs (img2tag2img's order)."""
        return self.checkpoint, "!".join(sorted(lora.name for lora in self.loras))

    def draw(self) -> Draw:
        """The same in the form in which ledgers remember it."""
        real = [lora for lora in self.loras if lora.name != BLANK]
        return Draw(
            self.checkpoint,
            tuple(DrawnLora(lora.name, lora.model_strength, lora.clip_strength) for lora in real),
            join(lora.trigger for lora in self.loras),
            join(lora.neg_trigger for lora in self.loras),
        )


def draw(plan: Plan, choose: Choose) -> Models:
    """Bundle or roulette, then the LoRAs that are always added."""
    checkpoint = pick_by_weight(plan.checkpoints, choose("model.checkpoint"))
    slots = [
        slot or pick_by_weight(plan.loras, choose(f"lora.{number}")) for number, slot in enumerate(checkpoint.slots, 1)
    ]
    return Models(checkpoint.name, (*slots, *plan.forced))

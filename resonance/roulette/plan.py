"""What may be drawn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from typing import Any, TypeVar

from ..files.lookup import nearest
from ..told import Told
from . import lines

BLANK = "None"
"""Name of the entry that stands for no LoRA."""

UNUSED = {
    "latent": "Latent for Image",
    "llava": "Caption Images",
    "misc": "Round Output",
    "model.cfg": "the sampler",
    "model.steps": "the sampler",
    "overload": "the graph",
    "paths": "Round Input",
    "prompt": "Compose Prompt",
    "server": "ComfyUI",
    "wd14": "Tag Images",
}
"""Keys of img2tag2img's file that mean nothing here, and where such things are set instead."""

SHOWN = 20
"""As many entries a summary lists of each kind."""

QUOTED = 5
"""As many missing files an error quotes of each kind: to find a line takes a while in a long text."""

Entry = TypeVar("Entry", "Checkpoint", "Lora")


class PlanError(Told):
    """A plan that cannot be used; the text quotes the line."""


@dataclass(frozen=True)
class Lora:
    """One LoRA, or every LoRA below a folder.

    Attributes:
        name: file below ``models/loras`` with forward slashes; :data:`BLANK` for none.
        weight: how often it is drawn, relative to the others.
        folder: ``name`` is a folder. Never so in an expanded plan.
        at: where it stands in the text.
    """

    name: str
    model_strength: float = 1.0
    clip_strength: float = 1.0
    trigger: str = ""
    neg_trigger: str = ""
    weight: float = 1.0
    folder: bool = False
    at: lines.Path = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint with its LoRA slots, or every checkpoint below a folder.

    Attributes:
        name: file below ``models/checkpoints`` with forward slashes.
        slots: its LoRAs; None is a slot that is drawn. A plain checkpoint has one of these, a bundle what it lists.
        weight, folder, at: as in :class:`Lora`.
    """

    name: str
    slots: tuple[Lora | None, ...] = (None,)
    weight: float = 1.0
    folder: bool = False
    at: lines.Path = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Plan:
    """What may be drawn.

    Attributes:
        checkpoints: one of them is drawn.
        loras: drawn slots are filled from these.
        forced: added to every draw, in this order, after the slots.
        unused: keys of the text that mean nothing here, see :data:`UNUSED`.
        text: what the plan was read from, to quote from.
    """

    checkpoints: tuple[Checkpoint, ...]
    loras: tuple[Lora, ...] = (Lora(BLANK),)
    forced: tuple[Lora, ...] = ()
    unused: tuple[str, ...] = ()
    text: str = field(default="", compare=False, repr=False)

    def expand(
        self, checkpoints: Sequence[str], loras: Sequence[str], searched: Mapping[str, Sequence[str]] | None = None
    ) -> "Plan":
        """Replaces folders by the files below them and checks that every file is there.

        Args:
            checkpoints: names of the checkpoints that are there; either slash will do.
            loras: likewise.
            searched: for ``checkpoints`` and ``loras`` the folders where files were looked for, to be named in the error.

        Raises:
            PlanError: names every entry for which there is no file, each with its line.
        """
        names = {"checkpoints": _sorted(checkpoints), "loras": _sorted(loras)}
        missing: dict[str, list[Checkpoint | Lora]] = {"checkpoints": [], "loras": []}

        def files(entry: Entry, kind: str) -> list[Entry]:
            if entry.name == BLANK and kind == "loras":
                return [entry]
            found = [n for n in names[kind] if (_below(n, entry.name) if entry.folder else n == entry.name)]
            if not found:
                missing[kind].append(entry)
            return [replace(entry, name=name, folder=False) for name in found]

        def all_files(entries: Sequence[Entry], kind: str) -> tuple[Entry, ...]:
            return tuple(chain.from_iterable(files(entry, kind) for entry in entries))

        expanded = replace(
            self,
            checkpoints=all_files(self.checkpoints, "checkpoints"),
            loras=all_files(self.loras, "loras"),
            forced=all_files(self.forced, "loras"),
        )
        all_files([slot for entry in self.checkpoints for slot in entry.slots if slot], "loras")  # names only: a check
        errors: list[str] = []
        for kind, entries in missing.items():
            errors += [lines.quote(self.text, e.at, _missing(e, kind, names[kind])) for e in entries[:QUOTED]]
            if len(entries) > QUOTED:
                errors.append(f"{len(entries) - QUOTED} more entries have no file in models/{kind}.")
            if entries and searched:
                errors.append(f"Searched for {kind}: {', '.join(searched[kind])}")
        if errors:
            raise PlanError("\n".join(errors))
        return expanded

    def to_json(self) -> str:
        """All that decides a draw; equal plans give equal texts."""
        rest = {"at", "text", "unused"}
        return json.dumps(
            asdict(self, dict_factory=lambda pairs: {key: value for key, value in pairs if key not in rest})
        )

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        known: dict[str, Any] = json.loads(text)
        for checkpoint in known["checkpoints"]:
            checkpoint["slots"] = tuple(slot and Lora(**slot) for slot in checkpoint["slots"])
        return cls(
            tuple(Checkpoint(**checkpoint) for checkpoint in known["checkpoints"]),
            tuple(Lora(**lora) for lora in known["loras"]),
            tuple(Lora(**lora) for lora in known["forced"]),
        )

    def summary(self) -> str:
        """What is drawn how often, for people."""
        texts = ["Checkpoints:", *_chances(self.checkpoints)]
        if any(None in checkpoint.slots for checkpoint in self.checkpoints):
            texts += ["LoRAs drawn:", *_chances(self.loras)]
        if self.forced:
            texts += ["LoRAs always added:", *(f"  {lora.name}" for lora in self.forced)]
        if self.unused:
            texts += ["Not used here:", *(f"  {key} (see {UNUSED[key]})" for key in self.unused)]
        return "\n".join(texts)


def _sorted(names: Sequence[str]) -> list[str]:
    """The order of files decides what is drawn, so it is the same on every machine."""
    return sorted(name.replace("\\", "/") for name in names)


def _below(name: str, folder: str) -> bool:
    return not folder or name.startswith(folder + "/")


def _missing(entry: Checkpoint | Lora, kind: str, names: Sequence[str]) -> str:
    if entry.folder:
        wanted, names = f"folder {entry.name!r} with files", sorted({n.rsplit("/", 1)[0] for n in names if "/" in n})
    else:
        wanted = repr(entry.name)
    return f"There is no {wanted} in models/{kind}. {nearest(entry.name, names)}"


def _chances(entries: Sequence[Checkpoint] | Sequence[Lora]) -> list[str]:
    total = sum(entry.weight for entry in entries)
    texts = [f"  {entry.weight / total:6.1%}  {entry.name}{_bundle(entry)}" for entry in entries]
    return texts if len(texts) <= SHOWN else [*texts[:SHOWN], f"  and {len(texts) - SHOWN} more"]


def _bundle(entry: Checkpoint | Lora) -> str:
    if isinstance(entry, Lora) or entry.slots == (None,):
        return ""
    return " with " + (", ".join(slot.name if slot else "a drawn LoRA" for slot in entry.slots) or "no LoRA")

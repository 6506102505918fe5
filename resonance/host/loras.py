"""The LoRAs of regions: from a file to what acts in one of them."""

from collections.abc import Iterable
from typing import Any

import comfy.utils
import folder_paths

from ..attention.lora import Deltas
from ..attention.parts import Conditioning
from ..canvas.canvas import Lora
from ..files.lookup import nearest
from ..told import Told
from . import core_lora
from .core_lora import Weights
from .families import known
from .folders import model_file, model_folders

Loras = tuple[Lora, ...]


def strong(loras: Loras) -> Loras:
    """Those that act at all."""
    return tuple(lora for lora in loras if lora.strength)


ELSEWHERE = "take area overlay or area average, or load it for the whole picture"


WHOLE = "resonance_loras"
"""Where a MODEL carries the paths of the LoRAs that our nodes have laid on all of it."""


def find(file: str, otherwise: str = "take it out of the region") -> str:
    """The path of a LoRA.

    Args:
        otherwise: what else can be done when there is none.

    Raises:
        Told: there is no such file; the text says where it was looked for.
    """
    path = model_file("loras", file)
    if path is None:
        searched = ", ".join(map(str, model_folders("loras")))
        raise Told(
            f"There is no LoRA {file!r} in {searched}: put the file there, or {otherwise}. "
            f"{nearest(file, folder_paths.get_filename_list('loras'))}"
        )
    return path


def weights_of(file: str, path: str) -> Weights:
    """
    Raises:
        Told: it cannot be read.
    """
    try:
        return comfy.utils.load_torch_file(path, safe_load=True)
    except Exception as error:  # safetensors, pickle and torch each have their own
        raise Told(f"{file} cannot be read as a LoRA: {error}") from error


def note_whole(model: Any, paths: Iterable[str]) -> None:
    """Has a MODEL remember that these LoRAs act on all of it."""
    model.set_attachments(WHOLE, (*(model.get_attachment(WHOLE) or ()), *paths))


class RegionLoras:
    """The LoRAs of the regions of one model, each file read once.

    Attributes:
        notes: what they cannot do, for the user.
    """

    def __init__(self, model: Any, clip: Any) -> None:
        self._model, self._clip = model, clip
        self._weights: dict[str, Weights] = {}
        self._deltas: dict[Lora, Deltas] = {}
        self._hooks: dict[Loras, Any] = {}
        self._clips: dict[Loras, Any] = {}
        self.notes: list[str] = []

    def deltas(self, loras: Loras) -> tuple[Deltas, ...]:
        """What they add to the diffusion model.

        Raises:
            Told: there is no such file, or it cannot act in one region.
        """
        for lora in loras:
            if lora not in self._deltas:
                self._deltas[lora] = self._read(lora)
        return tuple(self._deltas[lora] for lora in loras if self._deltas[lora].layers)

    def reading(self, loras: Loras) -> Any:
        """The CLIP with their weights."""
        if loras not in self._clips:
            clip = self._clip
            for lora in loras:
                patches = core_lora.for_text(clip, self.weights(lora))
                clip = core_lora.reading_with(clip, patches, lora.strength) if patches else clip
            self._clips[loras] = clip
        return self._clips[loras]

    def hang(self, conditioning: Conditioning, loras: Loras) -> Conditioning:
        """A conditioning with which ComfyUI patches the model.

        Raises:
            Told: there is no such file, or it does nothing with this model.
        """
        if not loras:
            return conditioning
        if loras not in self._hooks:
            for lora in loras:
                self._check(lora, core_lora.deltas(self._model, self.weights(lora)) if known(self._model) else None)
            self._hooks[loras] = core_lora.hooks([(self.weights(lora), lora.strength) for lora in loras])
        return core_lora.hung(conditioning, self._hooks[loras])

    def weights(self, lora: Lora) -> Weights:
        """
        Raises:
            Told: there is no such file, or none that can be read.
        """
        if lora.file not in self._weights:
            self._weights[lora.file] = weights_of(lora.file, path := find(lora.file))
            if self._model is not None and path in (self._model.get_attachment(WHOLE) or ()):
                self.notes.append(f"{lora.file} acts on the whole model, and once more in a region of it.")
        return self._weights[lora.file]

    def _read(self, lora: Lora) -> Deltas:
        found = core_lora.deltas(self._model, self.weights(lora))
        self._check(lora, found)
        if found.refused:
            kind, layers = next(iter(found.refused.items()))
            raise Told(
                f"{lora.file} is {kind} (in {layers[0]}), which cannot act in one region where all regions share one pass of the model: "
                f"{ELSEWHERE}."
            )
        if found.placeless:
            note = f"{lora.file}: what it does to the time step as a whole ({found.placeless[0]}) has no place, and is left out."
            self.notes += [note] if note not in self.notes else []
        return Deltas(name=lora.file, strength=lora.strength, layers=found.layers)

    def _check(self, lora: Lora, found: core_lora.Found | None) -> None:
        """
        Args:
            found: what it holds for the model; None: the model is of no family that is known.
        """
        if found and (strange := [*found.misfits, *found.unknown]):
            raise Told(
                f"{lora.file} was made for another model: this one has no layer like its {strange[0]}. Choose a LoRA of this "
                "model's family, or take it out of the region."
            )
        held = (
            found.layers or found.refused or found.placeless
            if found
            else core_lora.for_model(self._model, self.weights(lora))
        )
        if not held and not (self._clip and core_lora.for_text(self._clip, self.weights(lora))):
            raise Told(
                f"{lora.file} is no LoRA for this model: it holds nothing for it or its text encoder. Choose another file, or take it "
                "out of the region."
            )

"""LoRAs on a whole MODEL and CLIP, which stay the very same objects for as long as nothing has changed.

For a MODEL that it has not seen ComfyUI patches all weights anew. A node that looks at the item of a run works in every run, and what it
makes must not be new each time.
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ..told import Told
from . import core_lora, loras
from .core_lora import Weights
from .families import known
from .folders import model_file


class Row(NamedTuple):
    """A LoRA of a stack, and how strongly it acts in the MODEL and in the CLIP."""

    file: str
    strength: float
    clip_strength: float


class File(NamedTuple):
    """A file as it is now: another one under its name has another time or size."""

    name: str
    path: str
    changed: int
    size: int


Acting = tuple[tuple[File, float], ...]
Patches = Mapping[Any, Any]
"""What a file holds for a MODEL or a CLIP, by its weights."""

KEPT = 8
"""Of one MODEL or CLIP, as many as there are stacks on it in one graph, or lines in turn."""


def file_of(name: str) -> File:
    """
    Raises:
        Told: there is no such file.
    """
    return _file(name, loras.find(name, "choose another one"))


def _file(name: str, path: str) -> File:
    at = os.stat(path)
    return File(name, path, at.st_mtime_ns, at.st_size)


def stamp(names: Iterable[str]) -> str:
    """Of files, as they are now. It goes into the pictures that ComfyUI saves, hence no paths."""
    files = [_file(name, path) for name in names if (path := model_file("loras", name))]
    return hashlib.sha256(repr([(file.name, file.changed, file.size) for file in files]).encode()).hexdigest()


def laid(model: Any, clip: Any, rows: Sequence[Row]) -> tuple[Any, Any]:
    """A MODEL and a CLIP with LoRAs; each is None where none is given.

    Raises:
        Told: there is no such file, or it is no LoRA for them.
    """
    files = {row.file: file_of(row.file) for row in rows}
    stack = _Stack(model, clip)
    with_model = tuple((files[row.file], row.strength) for row in rows if row.strength)
    with_clip = tuple((files[row.file], row.clip_strength) for row in rows if row.clip_strength)
    return stack.model(with_model), stack.clip(with_clip)


class _Made:
    """What was made of one MODEL or CLIP.

    It is kept with that, and must not keep it alive: what ComfyUI lets go of is gone with all that was made of it.
    """

    def __init__(self, base: Any) -> None:
        self._base = core_lora.apart(base)
        self._with: OrderedDict[Acting, Any] = OrderedDict()
        self._patches: dict[File, Patches] = {}

    def get(self, acting: Acting, patches: Callable[[File], Patches], mark: Callable[[Any], None]) -> Any:
        if acting not in self._with:
            for file, _ in acting:
                if file not in self._patches:
                    self._patches[file] = patches(file)
            made = core_lora.patched(self._base, [(self._patches[file], strength) for file, strength in acting])
            mark(made)
            self._with[acting] = made
            while len(self._with) > KEPT:
                self._with.popitem(last=False)
            used = {file for each in self._with for file, _ in each}
            self._patches = {file: known for file, known in self._patches.items() if file in used}
        self._with.move_to_end(acting)
        return self._with[acting]


_made: WeakKeyDictionary[Any, _Made] = WeakKeyDictionary()
"""By the MODEL or CLIP that came."""


class _Stack:
    """One run of a stack, which reads each file once."""

    def __init__(self, model: Any, clip: Any) -> None:
        self._model, self._clip = model, clip
        self._weights: dict[File, Weights] = {}

    def model(self, acting: Acting) -> Any:
        def mark(made: Any) -> None:
            loras.note_whole(made, [file.path for file, _ in acting])

        return self._with(self._model, acting, self._for_model, mark)

    def clip(self, acting: Acting) -> Any:
        return self._with(self._clip, acting, self._for_clip, lambda made: None)

    def _with(self, base: Any, acting: Acting, patches: Callable[[File], Patches], mark: Callable[[Any], None]) -> Any:
        if base is None or not acting:
            return base
        if base not in _made:
            _made[base] = _Made(base)
        return _made[base].get(acting, patches, mark)

    def _for_model(self, file: File) -> Patches:
        weights = self._read(file)
        found = core_lora.for_model(self._model, weights)
        if known(self._model):
            held = core_lora.deltas(self._model, weights)
            # One that fits may have a few layers more.
            if strange := held.misfits or ([] if found else held.unknown):
                raise Told(
                    f"{file.name} was made for another model: this one has no layer like its {strange[0]}. Choose a LoRA of this "
                    "model's family."
                )
        if not found and not (self._clip and core_lora.for_text(self._clip, weights)):
            self._refuse(file, "model")
        return found

    def _for_clip(self, file: File) -> Patches:
        found = core_lora.for_text(self._clip, self._read(file))
        if not found and self._model is None:
            self._refuse(file, "text encoder")
        return found

    def _refuse(self, file: File, what: str) -> None:
        raise Told(f"{file.name} is no LoRA for this {what}: it holds nothing for it. Choose another file.")

    def _read(self, file: File) -> Weights:
        if file not in self._weights:
            self._weights[file] = loras.weights_of(file.name, file.path)
        return self._weights[file]

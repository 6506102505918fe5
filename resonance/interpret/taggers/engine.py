"""A tagger as a value, and the engines that run one."""

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...told import Told
from .labels import Labels, read_labels
from .models import MODELS, EngineChoice, EngineName, Model, recognise
from .onnx_engine import OnnxTagger
from .torch_engine import TorchTagger

Device = Literal["auto", "cpu"]

AUTOMATIC = "automatic"
"""Stands for the first tagger that is there with all its files; if there is none, for the first of the table."""


@dataclass(frozen=True)
class Tagger:
    """Which tagger to run, where its files lie, and how to run it. Loads nothing."""

    model: Model
    folder: Path
    engine: EngineName
    device: Device = "auto"

    @property
    def missing(self) -> tuple[str, ...]:
        """Files that the engine needs and that are not there."""
        return tuple(name for name in self.model.files(self.engine) if not (self.folder / name).is_file())

    @property
    def weights(self) -> Path:
        return self.folder / self.model.weights(self.engine)


class TaggerEngine(Protocol):
    """A loaded tagger."""

    @property
    def labels(self) -> Labels: ...

    @property
    def running_on(self) -> str:
        """The device or provider that really does the work."""
        ...

    def scores(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Probabilities in 0..1, ``[n, tags]``, one row for each picture of any size and mode."""
        ...


def load(tagger: Tagger) -> TorchTagger | OnnxTagger:
    """Loads a tagger. The torch engine starts on the CPU; its ``model`` may be moved.

    Raises:
        NoLibrary: the engine's library is missing; the text says how to install it.
        Told: a file is broken, or model and list of tags do not belong together.
    """
    labels = read_labels(tagger.folder / tagger.model.labels, tagger.model.board)
    if tagger.model.torch and tagger.engine == "torch":
        return TorchTagger(tagger.folder, labels, tagger.model.torch)
    return OnnxTagger(tagger.weights, labels, tagger.model.onnx, tagger.device)


def names(roots: Sequence[Path]) -> list[str]:
    """The taggers of the table, then whatever else lies in the folders."""
    found = {path.name for root in roots if root.is_dir() for path in root.iterdir() if recognise(path)}
    return [*MODELS, *sorted(found - MODELS.keys())]


def find(name: str, roots: Sequence[Path], engine: EngineChoice = "auto", device: Device = "auto") -> Tagger:
    """Looks a tagger up. Its files may be missing, see :attr:`Tagger.missing`.

    ``auto`` takes torch where its files and timm are there, then onnx; with no files at all, what could be fetched for it.

    Args:
        name: one of :func:`names`, or :data:`AUTOMATIC`; anything else, a path above all, is refused.
        roots: folders that are searched, the one for new files first.

    Raises:
        Told: there is no such tagger, or it has no form for this engine.
    """
    known = names(roots)
    if name == AUTOMATIC:
        there = (tagger for each in known for tagger in _forms(each, roots, engine, device) if not tagger.missing)
        return next(there, None) or find(known[0], roots, engine, device)
    if name not in known:
        raise Told(f"There is no tagger '{name}' in {_listed(roots)}. There are: {', '.join(known)}.")
    taggers = _forms(name, roots, engine, device)
    if not taggers:
        raise Told(f"The tagger '{name}' has no form for torch: set engine to onnx or auto.")
    complete = [tagger for tagger in taggers if not tagger.missing]
    begun = [tagger for tagger in taggers if tagger.weights.is_file()]
    return (complete or begun or taggers)[0]


def _forms(name: str, roots: Sequence[Path], engine: EngineChoice, device: Device) -> list[Tagger]:
    """A tagger in each folder that may hold it and each engine that may run it, the preferred one first."""
    folders = [root / name for root in roots if (root / name).is_dir()] or [roots[0] / name]
    places = [(folder, MODELS.get(name) or recognise(folder)) for folder in folders]
    return [
        Tagger(model, folder, one, device)
        for one in (_preferred() if engine == "auto" else (engine,))
        for folder, model in places
        if model and (one == "onnx" or model.torch)
    ]


def explain_missing(tagger: Tagger, roots: Sequence[Path], asked: str = "") -> str:
    """What a person must do to get the files of ``tagger``.

    Args:
        asked: the name that was chosen, where it was not the tagger's.
    """
    model, name = tagger.model, tagger.folder.name
    if asked == AUTOMATIC:
        return (
            f"No tagger is in {_listed(roots)} yet: switch on 'download' to fetch {name} ({model.size} from {model.page}),"
            f" or put a tagger's folder there."
        )
    lists = {one: ", ".join(model.files(one)) for one in ("torch", "onnx") if one == "onnx" or model.torch}
    needed = "; or ".join(f"{files} (engine {one})" for one, files in lists.items())
    text = f"The tagger '{name}' lacks {', '.join(tagger.missing)} in {_listed(root / name for root in roots)}. It needs {needed}."
    if model.repo:
        text += f" Put them there from {model.page} ({model.size}), or switch on 'download'."
    return text


def _preferred() -> tuple[EngineName, ...]:
    return ("torch", "onnx") if importlib.util.find_spec("timm") else ("onnx", "torch")


def _listed(paths: Iterable[Path]) -> str:
    return " or ".join(map(str, paths))

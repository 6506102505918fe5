"""Opening a tagger: its files are found, fetched if that is allowed, and loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ...told import Told
from . import download, engine
from .engine import Device, Tagger
from .models import EngineChoice
from .onnx_engine import OnnxTagger
from .torch_engine import TorchTagger

GPU_BATCH = 8
"""Pictures that a tagger takes at a time on a graphics card; on the CPU one."""

Place = Callable[[torch.nn.Module], torch.device]
"""Moves a torch model to where it runs, and returns that device."""


@dataclass(frozen=True)
class Opened:
    """A tagger that is ready to run, and how many pictures it takes at a time."""

    engine: TorchTagger | OnnxTagger
    batch: int


def find(
    name: str,
    roots: Sequence[Path],
    which: EngineChoice = "auto",
    device: Device = "auto",
    fetch: bool = False,
    progress: download.Progress = lambda name, done, total: None,
) -> Tagger:
    """A tagger with all its files, see :func:`.engine.find`.

    Args:
        fetch: whether missing files of a known tagger are fetched.

    Raises:
        NoLibrary: see :func:`.download.fetch`.
        Told: there is no such tagger, it has no form for this engine, or files are missing.
    """
    tagger = engine.find(name, roots, which, device)
    model = tagger.model
    if tagger.missing and fetch and model.repo:
        prefix = f"{model.subfolder}/" if model.subfolder else ""
        download.fetch(model.repo, {prefix + name: name for name in tagger.missing}, tagger.folder, progress)
    if tagger.missing:
        raise Told(engine.explain_missing(tagger, roots, name))
    return tagger


def load(tagger: Tagger, place: Place) -> Opened:
    """Loads a tagger. Raises like :func:`.engine.load`.

    Args:
        place: ComfyUI moves models itself; elsewhere it is :func:`on`.
    """
    loaded = engine.load(tagger)
    on_cpu = place(loaded.model).type == "cpu" if isinstance(loaded, TorchTagger) else loaded.on_cpu
    return Opened(loaded, 1 if on_cpu else GPU_BATCH)


def on(device: str) -> Place:
    """Places a model on a device for good."""

    def place(model: torch.nn.Module) -> torch.device:
        model.to(device)
        return torch.device(device)

    return place

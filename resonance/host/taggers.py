"""Taggers inside ComfyUI: its model folders, its memory management, one copy kept over many runs."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import comfy.model_management as management
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from numpy.typing import NDArray

from ..images import from_tensor
from ..interpret.taggers import engine, onnx_engine
from ..interpret.taggers import open as opening
from ..interpret.taggers.engine import Device, Tagger, TaggerEngine
from ..interpret.taggers.models import EngineChoice
from . import folders, progress
from .memory import Kept

log = logging.getLogger(__name__)

# What a ViT-L at 448 x 448 needs for one picture beside its weights, in bytes.
ACTIVATIONS = 200 * 1024**2


@dataclass(frozen=True)
class Loaded:
    """A tagger that is ready to run, and how many pictures it takes at a time."""

    engine: TaggerEngine
    patcher: Any
    """The ModelPatcher of a torch model, else ``None``."""
    batch: int
    running: str
    """What runs, and on what, for people."""


# Two, so that a graph that compares two taggers does not load both again for every picture.
_kept: Kept[Loaded] = Kept(limit=2)


def names() -> list[str]:
    """The taggers to choose from."""
    return [*engine.names(_folders()), engine.AUTOMATIC]


def find(name: str, which: EngineChoice, device: Device = "auto") -> Tagger:
    """Looks a tagger up in ``models/taggers``; its files may be missing. See :func:`engine.find`."""
    return engine.find(name, _folders(), which, device)


def find_complete(name: str, which: EngineChoice, device: Device, download: bool, node_id: str | None) -> Tagger:
    """A tagger with all its files, see :func:`opening.find`.

    Progress of a download is shown on the node; an interrupt keeps what has arrived.
    """
    show = progress.growing(node_id)
    bar = progress.bar(1, node_id)

    def watch(name: str, done: int, total: int) -> None:
        progress.stop_if_interrupted()
        show(f"{name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")
        bar.update_absolute(done, total)

    return opening.find(name, _folders(), which, device, download, watch)


def explain_missing(tagger: Tagger, asked: str) -> str:
    return engine.explain_missing(tagger, _folders(), asked)


def open_tagger(tagger: Tagger, node_id: str | None) -> Loaded:
    """The tagger, loaded once and kept until ComfyUI is asked to free memory or a file of it changes."""
    files = [tagger.folder / name for name in tagger.model.files(tagger.engine)]
    key = (tagger, *(path.stat().st_mtime_ns for path in files))
    loaded = _kept.get(key, lambda: _load(tagger))
    progress.say(loaded.running, node_id)
    return loaded


def scores(loaded: Loaded, images: torch.Tensor, node_id: str | None) -> Iterator[NDArray[np.float32]]:
    """The probabilities ``[tags]`` of each picture of an IMAGE in turn. Can be interrupted between batches."""
    bar = progress.bar(len(images), node_id)
    for start in range(0, len(images), loaded.batch):
        progress.stop_if_interrupted()
        some = from_tensor(images[start : start + loaded.batch])
        if loaded.patcher:
            management.load_models_gpu([loaded.patcher], ACTIVATIONS * len(some), force_full_load=True)
        yield from loaded.engine.scores(some)
        bar.update(len(some))


def _load(tagger: Tagger) -> Loaded:
    device = torch.device("cpu") if tagger.device == "cpu" else management.get_torch_device()
    if tagger.engine == "onnx" and onnx_engine.uses_gpu(tagger.device):
        # onnxruntime takes its memory beside torch.
        management.free_memory(tagger.weights.stat().st_size * 1.3 + ACTIVATIONS * opening.GPU_BATCH, device)
    patcher: Any = None

    def place(model: torch.nn.Module) -> torch.device:
        nonlocal patcher
        patcher = ModelPatcher(model, load_device=device, offload_device=management.unet_offload_device())
        management.load_models_gpu([patcher], ACTIVATIONS, force_full_load=True)
        return device

    opened = opening.load(tagger, place)
    log.info("Tagger %s loaded: %s on %s", tagger.model.name, tagger.engine, opened.engine.running_on)
    running = f"{tagger.model.name} runs on {opened.engine.running_on} ({tagger.engine})"
    return Loaded(opened.engine, patcher, opened.batch, running)


def _folders() -> list[Any]:
    return folders.model_folders("taggers")

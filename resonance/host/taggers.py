"""Taggers inside ComfyUI: its model folders, its memory management, one copy kept over many runs."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import comfy.model_management as memory_management
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from numpy.typing import NDArray
from PIL import Image

from ..interpret.taggers import download, engine, onnx_engine
from ..interpret.taggers.engine import Engine, Tagger
from . import folders, progress
from .memory import Kept

log = logging.getLogger(__name__)

GPU_BATCH = 8
# What a ViT-L at 448 x 448 needs for one picture beside its weights, in bytes.
ACTIVATIONS = 200 * 1024**2


@dataclass(frozen=True)
class _Loaded:
    engine: Engine
    patcher: ModelPatcher | None


# Two, so that a graph that compares two taggers does not load both again for every picture.
_kept: Kept[_Loaded] = Kept(limit=2)


def names() -> list[str]:
    return engine.names(folders.model_folders("taggers"))


def find(name: str, wanted: str, device: str) -> Tagger:
    """Looks a tagger up in ``models/taggers``; its files may be missing. Raises ValueError, see :func:`engine.find`."""
    return engine.find(name, folders.model_folders("taggers"), wanted, device)


def explain_missing(tagger: Tagger) -> str:
    return engine.explain_missing(tagger, folders.model_folders("taggers"))


def fetch(tagger: Tagger, node_id: str | None) -> None:
    """Fetches what is missing of a known tagger, with a progress bar; an interrupt keeps what has arrived."""
    model = tagger.model
    files = {f"{model.subfolder}/{name}".lstrip("/"): name for name in tagger.missing}
    shown = 0

    def watch(name: str, done: int, total: int) -> None:
        nonlocal shown
        progress.stop_if_interrupted()
        if done == total or abs(done - shown) >= 4 * 1024**2:
            shown = done
            progress.say(f"{name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB", node_id)
            progress.bar(total, node_id).update_absolute(done, total)

    download.fetch(model.repo, files, tagger.folder, watch)


def tag(tagger: Tagger, pictures: Sequence[Image.Image], node_id: str | None) -> Iterator[tuple[Engine, NDArray[np.float32]]]:
    """The scores ``[tags]`` of each picture in turn, with the engine that found them.

    Loads the tagger if it is not kept. Can be interrupted between batches, which are single pictures on a CPU.
    """
    loaded = _load(tagger)
    bar = progress.bar(len(pictures), node_id)
    batch = 1 if memory_management.is_device_cpu(_device(tagger)) else GPU_BATCH
    for start in range(0, len(pictures), batch):
        progress.stop_if_interrupted()
        some = pictures[start : start + batch]
        if loaded.patcher:
            memory_management.load_models_gpu([loaded.patcher], ACTIVATIONS * len(some), force_full_load=True)
        for row in loaded.engine.scores(some):
            yield loaded.engine, row
        bar.update(len(some))
    progress.say(f"{tagger.model.name}: {tagger.engine} on {loaded.engine.running_on}", node_id)

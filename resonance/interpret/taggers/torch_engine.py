"""Taggers as timm models in safetensors."""

import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ...told import NoLibrary, Told
from .install import pip_line
from .labels import Labels
from .models import CONFIG, WEIGHTS
from .recipe import Recipe, prepare, probabilities


class TorchTagger:
    """A timm model with the tags as its classes, in float32.

    The folder has the form in which timm stores models on the hub: ``config.json`` with architecture and
    normalisation, ``model.safetensors`` with the weights.

    Raises:
        NoLibrary: timm is not installed.
        Told: a file is broken, or the files do not belong together.
    """

    def __init__(self, folder: Path, labels: Labels, recipe: Recipe) -> None:
        config = _read_config(folder / CONFIG)
        pretrained: dict[str, Any] = config["pretrained_cfg"]
        if config["num_classes"] != len(labels):
            raise Told(
                f"{folder / WEIGHTS} scores {config['num_classes']} tags but the list of tags has {len(labels)}: they do not "
                "belong together. Fetch both from the same page."
            )
        self.labels = labels
        self.recipe = replace(
            recipe, size=pretrained["input_size"][-1], mean=tuple(pretrained["mean"]), std=tuple(pretrained["std"])
        )
        self.model = _build(config, folder)
        _load(self.model, folder / WEIGHTS)

    @property
    def running_on(self) -> str:
        return str(self._device)

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def scores(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        with torch.inference_mode():
            output = self.model(torch.as_tensor(prepare(pictures, self.recipe)).to(self._device))
        return probabilities(output.float().cpu().numpy(), self.recipe)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        pretrained = config["pretrained_cfg"]
        return {
            "architecture": config["architecture"],
            "num_classes": config.get("num_classes", pretrained.get("num_classes")),
            "model_args": config.get("model_args", {}),
            "pretrained_cfg": pretrained,
            **{key: pretrained[key] for key in ("input_size", "mean", "std")},
        }
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Told(f"{path} does not describe a timm model ({error!r}). Fetch it again.") from error


def _build(config: dict[str, Any], folder: Path) -> torch.nn.Module:
    try:
        timm: Any = importlib.import_module("timm")
    except ImportError:
        raise NoLibrary(
            f"The torch engine needs timm. Install it with: {pip_line('timm')} and restart, or set engine to onnx."
        ) from None
    architecture = config["architecture"]
    # A name such as hf-hub:… would make timm go and fetch something.
    if not timm.is_model(architecture):
        raise Told(f"{folder / CONFIG}: timm {timm.__version__} knows no architecture '{architecture}'.")
    try:
        model: torch.nn.Module = timm.create_model(
            architecture,
            pretrained=False,
            checkpoint_path="",
            pretrained_cfg=config["pretrained_cfg"],
            num_classes=config["num_classes"],
            **{key: value for key, value in config["model_args"].items() if key != "num_classes"},
        )
    except TypeError as error:
        raise Told(
            f"{folder / CONFIG}: timm {timm.__version__} cannot build '{architecture}' from it ({error})."
        ) from error
    return model.eval()


def _load(model: torch.nn.Module, path: Path) -> None:
    safetensors: Any = importlib.import_module("safetensors")
    safetensors_torch: Any = importlib.import_module("safetensors.torch")
    try:
        weights: dict[str, torch.Tensor] = safetensors_torch.load_file(path)
        loaded: Any = model.load_state_dict(weights, strict=False)
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise Told(
            f"{path} is broken or not for this {CONFIG} ({str(error).splitlines()[0]}). Fetch both again."
        ) from error
    # Older files carry buffers that newer timm versions compute.
    buffers = {name for name, _ in model.named_buffers()}
    odd: list[str] = [*loaded.missing_keys, *(key for key in loaded.unexpected_keys if key not in buffers)]
    if odd:
        raise Told(f"{path} does not fit {CONFIG} ({', '.join(odd[:3])}). Fetch both from the same page.")

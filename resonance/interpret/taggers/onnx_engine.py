"""Taggers as ONNX graphs. Whichever flavour of onnxruntime is installed is used."""

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...told import NoLibrary, Told
from .install import onnxruntime_flavour, pip_line
from .labels import Labels
from .recipe import Recipe, prepare, probabilities

# TensorRT is left out: it builds for minutes before the first picture.
_PREFERRED = (
    "CUDAExecutionProvider",
    "ROCMExecutionProvider",
    "MIGraphXExecutionProvider",
    "DmlExecutionProvider",
    "CoreMLExecutionProvider",
    "CPUExecutionProvider",
)
_CPU = _PREFERRED[-1]


def onnxruntime() -> Any:
    """The installed onnxruntime.

    Raises:
        NoLibrary: there is none, or what is there does not load; the text says what to install.
    """
    line = pip_line(onnxruntime_flavour())
    try:
        ort: Any = importlib.import_module("onnxruntime")
    except ModuleNotFoundError:
        raise NoLibrary(
            f"The onnx engine needs onnxruntime. Install it with: {line} and restart, or set engine to torch."
        ) from None
    except (ImportError, OSError) as error:
        raise NoLibrary(f"onnxruntime is installed but does not load ({error}). Reinstall it with: {line}") from error
    # Uninstalling one flavour beside another leaves an empty module behind.
    if not hasattr(ort, "InferenceSession"):
        raise NoLibrary(f"onnxruntime is installed but damaged. Reinstall it with: {line} --force-reinstall --no-deps")
    return ort


def providers(device: str = "auto") -> list[str]:
    """The providers to ask for on ``auto`` or ``cpu``, best first. Only a session knows which one it got."""
    available = onnxruntime().get_available_providers()
    return [name for name in (_PREFERRED if device == "auto" else (_CPU,)) if name in available]


def uses_gpu(device: str) -> bool:
    """Whether a session would try to use something else than the CPU."""
    return providers(device)[0] != _CPU


class OnnxTagger:
    """A graph with one picture input, and the tags as last axis of an output.

    Raises:
        NoLibrary: onnxruntime is missing or damaged.
        Told: the graph cannot be loaded or is not a tagger of this recipe.
    """

    def __init__(self, path: Path, labels: Labels, recipe: Recipe, device: str = "auto") -> None:
        ort = onnxruntime()
        if uses_gpu(device) and hasattr(ort, "preload_dlls"):
            ort.preload_dlls()
        options = ort.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session: Any = ort.InferenceSession(str(path), options, providers=providers(device))
        except Exception as error:  # onnxruntime's errors have no base class of their own
            reason = str(error).splitlines()[0]
            raise Told(f"onnxruntime {ort.__version__} cannot load {path} ({reason}). Fetch the file again.") from error
        self.labels = labels
        self._path = path
        self._input: Any = self._session.get_inputs()[0]
        self._output = self._pick_output(recipe.output)
        self.recipe = replace(recipe, size=self._side(recipe))

    @property
    def running_on(self) -> str:
        return self._session.get_providers()[0].removesuffix("ExecutionProvider")

    @property
    def on_cpu(self) -> bool:
        return self._session.get_providers()[0] == _CPU

    def scores(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        inputs = prepare(pictures, self.recipe)
        # The first WD graphs take one picture at a time.
        batch = self._input.shape[0] if isinstance(self._input.shape[0], int) else len(inputs)
        blocks = [self._run(inputs[start : start + batch], batch) for start in range(0, len(inputs), batch)]
        return probabilities(np.concatenate(blocks), self.recipe)

    def _run(self, inputs: NDArray[np.float32], batch: int) -> NDArray[np.float32]:
        padding = np.zeros((batch - len(inputs), *inputs.shape[1:]), np.float32)
        output: NDArray[np.float32]
        (output,) = self._session.run([self._output], {self._input.name: np.concatenate([inputs, padding])})
        self._check_count(output.shape[-1])
        return output[: len(inputs)].astype(np.float32)

    def _pick_output(self, wanted: str | None) -> str:
        outputs = {output.name: output.shape for output in self._session.get_outputs()}
        name = wanted or next(iter(outputs))
        if name not in outputs:
            raise Told(
                f"{self._path} has no output '{name}', only {', '.join(outputs)}: it is not the model its folder says."
            )
        if isinstance(count := outputs[name][-1], int):
            self._check_count(count)
        return name

    def _check_count(self, count: int) -> None:
        if count != len(self.labels):
            raise Told(
                f"{self._path} scores {count} tags but the list of tags has {len(self.labels)}: they do not belong together. "
                "Fetch both from the same page."
            )

    def _side(self, recipe: Recipe) -> int:
        shape: list[int | str | None] = self._input.shape
        channels, side = (shape[1], shape[2]) if recipe.channels_first else (shape[-1], shape[1])
        if len(shape) != 4 or (isinstance(channels, int) and channels != 3):
            raise Told(
                f"{self._path} wants input of shape {shape}, which is not how this kind of tagger is fed. If it is a known "
                "model, give its folder the name that the list of models has for it."
            )
        return side if isinstance(side, int) else recipe.size

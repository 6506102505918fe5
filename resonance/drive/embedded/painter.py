"""Words into pictures with diffusers: one pipeline, kept for as long as the model stays the same."""

import inspect
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ... import sizes
from ...images import from_tensor
from ...roulette import Draw, DrawnLora
from ...told import Told
from . import long_prompts, pipelines
from .pipelines import Loaded

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Painting:
    """How pictures are painted.

    Attributes:
        model: see :func:`.pipelines.locate`; empty where each item has a draw.
        models: folder with ``checkpoints`` and ``loras``, or with models and LoRAs itself.
        download: whether a hub id may be fetched.
        steps, cfg: of the sampler; None: what the model's family takes.
        sampler: a name of :data:`.pipelines.SAMPLERS`; empty: the model's own.
        sizes: see :func:`resonance.sizes.choose`; empty: :data:`resonance.sizes.BUCKET` of the model's own side. A fixed
            size is ``{"width": ..., "height": ...}``.
        device: ``auto``, ``cuda``, ``cuda:1``, ``mps``, ``xpu`` or ``cpu``.
        dtype: ``auto``, ``float32``, ``float16`` or ``bfloat16``.
    """

    model: str = ""
    models: Path | None = None
    download: bool = False
    steps: int | None = None
    cfg: float | None = None
    sampler: str = ""
    sizes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    device: str = "auto"
    dtype: str = "auto"


@dataclass(frozen=True)
class Painted:
    """Pictures, and how they were made: ``model`` is what a person called it."""

    pictures: list[Image.Image]
    model: str
    steps: int
    cfg: float
    sampler: str

    def parameters(self, prompt: str, negative: str, seed: int) -> str:
        """The form in which A1111's web UI writes down how a picture was made, which many programs read."""
        width, height = self.pictures[0].size
        facts = {
            "Steps": self.steps,
            "Sampler": self.sampler,
            "CFG scale": self.cfg,
            "Seed": seed,
            "Size": f"{width}x{height}",
            "Model": Path(self.model).name.removesuffix(".safetensors"),
        }
        lines = [prompt, *([f"Negative prompt: {negative}"] if negative else [])]
        return "\n".join([*lines, ", ".join(f"{name}: {value}" for name, value in facts.items())])


class Stopped(Exception):
    """The work was asked to stop."""


class Painter:
    """Paints with one model at a time.

    Raises:
        Told: there is no such device or dtype.
    """

    def __init__(self, how: Painting) -> None:
        self.how = how
        self.device = pipelines.pick_device(how.device)
        self.dtype = pipelines.pick_dtype(how.dtype, self.device)
        self._model = ""
        self._loras: tuple[DrawnLora, ...] | None = ()
        self._loaded: Loaded | None = None

    def load(self, draw: Draw | None = None) -> Loaded:
        """The pipeline for a draw, or for the model that is always used. It replaces the one before.

        Raises:
            NoLibrary, Told: see :func:`.pipelines.load` and :func:`.pipelines.put_loras`.
        """
        models = self.how.models
        model, loras = (draw.checkpoint, draw.loras) if draw else (self.how.model, ())
        if not model:
            raise Told("No model is named and none was drawn for this picture: name a model.")
        if self._loaded is None or model != self._model:
            found = pipelines.locate_drawn(model, models) if draw else pipelines.locate(model, models)
            self.close()
            self._loaded = pipelines.load(found, self.device, self.dtype, self.how.sampler, self.how.download)
            self._model = model
            log.info("%s loaded on %s in %s", model, self.device, self.dtype)
        if loras != self._loras:
            self._loras = None  # if it goes wrong, some of them may be there
            pipelines.put_loras(self._loaded.pipeline, loras, models)
            self._loras = loras
        return self._loaded

    def close(self) -> None:
        """Lets go of the model."""
        self._loaded, self._model, self._loras = None, "", ()

    def paint(
        self,
        prompt: str,
        negative: str,
        seed: int,
        picture: sizes.Size | None,
        draw: Draw | None,
        stopped: Callable[[], bool],
    ) -> Painted:
        """Paints one picture.

        The first noise is drawn on the CPU, as ComfyUI does, so that a seed means the same on every device.

        Args:
            picture: size of the picture that the new one follows.
            stopped: asked after every step.

        Raises:
            Stopped: ``stopped`` said so.
            NoLibrary, Told: the model cannot be loaded, or does not take the size.
            Told: out of memory, or the picture holds values that are no numbers.
        """
        loaded, how = self.load(draw), self.how
        pipeline = loaded.pipeline
        steps = loaded.steps if how.steps is None else how.steps
        cfg = loaded.cfg if how.cfg is None else how.cfg
        width, height = size_for(loaded, how.sizes, picture)

        def after_step(pipe: Any, step: int, time: Any, values: dict[str, Any]) -> dict[str, Any]:
            if stopped():
                raise Stopped
            return values

        takes = inspect.signature(pipeline.__call__).parameters
        if negative and "negative_prompt" not in takes:
            log.warning("%s takes no negative prompt: it is left out", self._model)
        known = {
            "width": width,
            "height": height,
            "num_inference_steps": steps,
            "guidance_scale": cfg,
            "generator": torch.Generator().manual_seed(seed),
            "output_type": "pt",
            "callback_on_step_end": after_step,
        }
        try:
            words = long_prompts.read(pipeline, prompt, negative, guided=cfg > 1)
            values = pipeline(**{name: value for name, value in (words | known).items() if name in takes}).images
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError) or "memory" in str(error):
                raise Told(
                    f"{self._model} ran out of memory on {self.device} at {width} x {height}: choose a smaller size, or a"
                    " smaller model."
                ) from error
            raise
        if not torch.isfinite(values).all():
            raise Told(
                f"{self._model} painted values that are no numbers in {self.dtype}: choose float32, or another sampler."
            )
        pictures = from_tensor(values.movedim(1, -1))
        sampler = how.sampler or type(pipeline.scheduler).__name__.removesuffix("Scheduler")
        return Painted(pictures, self._model, steps, cfg, sampler)


def size_for(loaded: Loaded, choice: Mapping[str, Any], picture: sizes.Size | None) -> sizes.Size:
    """Width and height of the next picture, each a multiple of 8 and of what the model needs.

    Args:
        choice: see :class:`Painting`.
        picture: size of the picture to follow.

    Raises:
        Told: there is no picture to follow.
    """
    if "width" in choice:
        size: sizes.Size = (choice["width"], choice["height"])
    elif choice or (picture and loaded.side >= sizes.STEP):
        size = sizes.choose(choice or {"sizes": sizes.BUCKET, "bucket_side": loaded.side}, picture)
    else:
        size = (loaded.side, loaded.side)
    step = math.lcm(8, loaded.pipeline.image_processor.config.vae_scale_factor)
    width, height = (max(step, side // step * step) for side in size)
    return width, height

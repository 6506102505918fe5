"""Requests into pictures with diffusers: one pipeline, kept for as long as the model stays the same."""

import inspect
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ... import images, sizes
from ...paint.request import PictureFile, Request
from ...roulette import DrawnLora
from ...told import Told
from ...vary.transform import SIDES
from . import line_prompts, long_prompts, pipelines
from .pipelines import Loaded

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Painting:
    """How pictures are painted where a request does not say it.

    Attributes:
        model: see :func:`.pipelines.locate`; empty where each request names a checkpoint.
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


@dataclass(frozen=True, kw_only=True)
class Painted:
    """Pictures, and the request with what was taken where it had None. Its checkpoint is what a person called the model."""

    pictures: tuple[Image.Image, ...]
    request: Request

    @property
    def facts(self) -> dict[str, float]:
        """What names of files may say, see :class:`resonance.drive.job.Made`."""
        known = {"scale": self.request.cfg, "steps": self.request.steps, "strength": self.request.strength}
        return {name: value for name, value in known.items() if value is not None}


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
        self.close()

    def load(self, checkpoint: str | None = None, loras: tuple[DrawnLora, ...] = ()) -> Loaded:
        """The pipeline for a checkpoint, or for the model that is always used. It replaces the one before.

        Raises:
            NoLibrary, Told: see :mod:`.pipelines`.
        """
        always, models = self.how.model, self.how.models
        model = checkpoint or always
        if not model:
            raise Told("No model is named and none was drawn for this picture: name a model.")
        if self._loaded is None or model != self._model:
            found = pipelines.locate(model, models) if model == always else pipelines.locate_drawn(model, models)
            self.close()
            loaded = pipelines.load(found, self.device, self.dtype, self.how.download)
            pipelines.pick_scheduler(loaded.pipeline.scheduler, self.how.sampler or None, None)  # refused at once
            self._loaded, self._model, self._scheduler = loaded, model, loaded.pipeline.scheduler
            log.info("%s loaded on %s in %s", model, self.device, self.dtype)
        if loras != self._loras:
            self._loras = None  # if it goes wrong, some of them may be there
            pipelines.put_loras(self._loaded.pipeline, loras, models)
            self._loras = loras
        return self._loaded

    def close(self) -> None:
        """Lets go of the model."""
        self._model = ""
        self._loras: tuple[DrawnLora, ...] | None = ()
        self._loaded: Loaded | None = None
        self._from_picture: Any = None
        self._scheduler: Any = None
        self._said: set[str] = set()

    def paint(
        self, request: Request, stopped: Callable[[], bool] = lambda: False, follows: sizes.Size | None = None
    ) -> Painted:
        """Paints one picture.

        The noise is drawn on the CPU, as ComfyUI does, so that a seed means the same on every device. A start picture is
        encoded without chance, and its sides are cut down to a multiple of 32, as the batch CLI does.

        Args:
            stopped: asked after every step.
            follows: size of the picture that the new one follows where the request has neither a size nor a start picture.

        Raises:
            Stopped: ``stopped`` said so.
            NoLibrary: the model cannot be loaded.
            Told: the request cannot be done by this model, its pictures cannot be read, it is out of memory, or it painted
                values that are not numbers.
        """
        start = _opened(request.start) if request.start else None
        pipeline, request = self._prepared(request, start.size if start else follows)
        made = self._made(pipeline, [request], _begun(start, request) if start else None, stopped)
        return Painted(pictures=tuple(images.from_tensor(made)), request=request)

    def paint_lines(self, requests: Sequence[Request], stopped: Callable[[], bool] = lambda: False) -> list[Painted]:
        """Paints pictures of lines together, each as it is painted alone. Their prompts have weights and BREAK, as far as the family of
        the model reads them.

        Args:
            requests: have sizes, and agree in all but words, seeds and pictures.

        Returns:
            Those of the first requests, of as many as can share a batch.

        Raises like :meth:`paint`.
        """
        [(pipeline, first), *others] = [self._prepared(request, None) for request in requests]
        asked = [first, *(request for _, request in others)]
        if not long_prompts.reads(pipeline):
            if len(requests) > 1:
                self._say_once(f"{self._model} paints one picture at a time")
            return [replace(self._bare(requests[0], stopped), request=first)]
        words = [line_prompts.read_pair(pipeline, each.prompt, each.negative) for each in asked]
        count = line_prompts.sharing(words)
        starts = [_begun(_opened(each.start), each) for each in asked[:count] if each.start]
        made = self._made(pipeline, asked[:count], torch.cat(starts) if starts else None, stopped, words[:count])
        return [
            Painted(pictures=(picture,), request=request)
            for picture, request in zip(images.from_tensor(made), asked, strict=False)
        ]

    def _bare(self, request: Request, stopped: Callable[[], bool]) -> Painted:
        """Paints a line by a model that reads no weights."""
        prompt, negative = line_prompts.bare(request.prompt), line_prompts.bare(request.negative)
        if (prompt, negative) != (request.prompt, request.negative):
            self._say_once(f"{self._model} reads no weights and no BREAK: they are left out of the prompts")
        return self.paint(replace(request, prompt=prompt, negative=negative), stopped)

    def again(
        self, request: Request, picture: torch.Tensor, stopped: Callable[[], bool] = lambda: False
    ) -> torch.Tensor:
        """Paints one picture from another that is in no file. Nothing is rounded.

        Args:
            request: only the name of its start picture counts.
            picture: IMAGE ``[1, H, W, 3]``, whose sides the model can take.

        Raises like :meth:`paint`.
        """
        height, width = picture.shape[1:3]
        pipeline, request = self._prepared(replace(request, size=(width, height)), None)
        return self._made(pipeline, [request], picture, stopped)

    def _say_once(self, sentence: str) -> None:
        """Warns, once for each model."""
        if sentence not in self._said:
            self._said.add(sentence)
            log.warning(sentence)

    def through_vae(self, picture: torch.Tensor) -> torch.Tensor:
        """IMAGE ``[1, H, W, 3]``, encoded and decoded again."""
        vae = self.load().pipeline.vae
        with torch.inference_mode(), pipelines.likeliest_latents(vae, lambda numbers: None):
            latents = vae.encode((picture.movedim(-1, 1) * 2 - 1).to(self.device, vae.dtype)).latents
            decoded = vae.decode(latents, return_dict=False)[0]
        return (decoded.float().cpu() / 2 + 0.5).clamp(0, 1).movedim(1, -1)

    def _prepared(self, request: Request, picture: sizes.Size | None) -> tuple[Any, Request]:
        """The pipeline for a request, and the request with what is taken where it has None.

        Args:
            picture: size of the one that the new one follows.
        """
        loaded, how = self.load(request.checkpoint, request.loras), self.how
        request = request.filled(steps=how.steps, cfg=how.cfg, sampler=how.sampler or None)
        pipeline = self._pipeline(loaded, request)
        request = replace(
            request.filled(steps=loaded.steps, cfg=loaded.cfg, sampler=pipelines.sampler_name(pipeline.scheduler)),
            size=self._size(loaded, request, picture),
            checkpoint=self._model,
        )
        return pipeline, request

    def _made(
        self,
        pipeline: Any,
        requests: Sequence[Request],
        start: torch.Tensor | None,
        stopped: Callable[[], bool],
        lines: Sequence[line_prompts.Pair] = (),
    ) -> torch.Tensor:
        """IMAGE ``[B, H, W, 3]``, float32, of requests that leave nothing open, as :meth:`_values`."""
        values = self._values(pipeline, requests, start, stopped, lines)
        if not torch.isfinite(values).all():
            raise Told(
                f"{self._model} painted values that are not numbers in {self.dtype}: choose float32, or another sampler."
            )
        made = values.movedim(1, -1).float().cpu()
        if start is not None and (masks := [_mask(request.mask, request) for request in requests if request.mask]):
            made = start.lerp(made, torch.cat(masks))
        return made

    def _pipeline(self, loaded: Loaded, request: Request) -> Any:
        """The pipeline that a request needs, with its sampler."""
        pipeline = loaded.pipeline
        if request.start:
            self._from_picture = self._from_picture or pipelines.from_picture(pipeline, self._model)
            pipeline = self._from_picture
        pipeline.scheduler = pipelines.pick_scheduler(self._scheduler, request.sampler, request.scheduler)
        return pipeline

    def _size(self, loaded: Loaded, request: Request, picture: sizes.Size | None) -> sizes.Size:
        choice = self.how.sizes
        if request.size:
            choice = {"width": request.size[0], "height": request.size[1]}
        elif request.start and picture and not choice:
            width, height = (max(side // SIDES, 1) * SIDES for side in picture)
            choice = {"width": width, "height": height}
        return size_for(loaded, choice, picture)

    def _values(
        self,
        pipeline: Any,
        requests: Sequence[Request],
        start: torch.Tensor | None,
        stopped: Callable[[], bool],
        lines: Sequence[line_prompts.Pair],
    ) -> torch.Tensor:
        """What a pipeline makes of requests that leave nothing open, ``[B, 3, H, W]`` in 0..1.

        Args:
            requests: one, or lines that agree in all but words, seeds and pictures.
            lines: what these say.
        """
        request, *beside = requests
        (width, height), steps, cfg = _sides(request), request.steps or 0, request.cfg or 0
        generator = torch.Generator().manual_seed(request.seed)
        others = [torch.Generator().manual_seed(each.seed) for each in beside]

        def pass_over(numbers: int) -> None:
            """Draws the noises that come before the request's, which a line never has."""
            for _ in range(request.noise_number - 1):
                torch.randn(numbers, generator=generator, dtype=pipeline.dtype)

        def after_step(pipe: Any, step: int, time: Any, values: dict[str, Any]) -> dict[str, Any]:
            if stopped():
                raise Stopped
            return values

        takes = inspect.signature(pipeline.__call__).parameters
        if any(each.negative for each in requests) and "negative_prompt" not in takes:
            log.warning("%s takes no negative prompt: it is left out", self._model)
        known = {
            "width": width,
            "height": height,
            "num_inference_steps": steps,
            "guidance_scale": cfg,
            "generator": [generator, *others] if others else generator,
            "output_type": "pt",
            "callback_on_step_end": after_step,
        }
        encoding = nullcontext()
        if start is not None:
            known |= {
                "image": start.movedim(-1, 1),
                "strength": pipelines.strength_for(pipeline, request.steps_run(steps), steps),
            }
            encoding = pipelines.likeliest_latents(pipeline.vae, pass_over)
        elif request.noise_number > 1:
            pass_over(pipelines.latent_numbers(pipeline, width, height))
        try:
            if lines:
                words = line_prompts.encode(pipeline, lines, guided=cfg > 1)
            else:
                words = long_prompts.encode_prompts(pipeline, request.prompt, request.negative, guided=cfg > 1)
            with encoding:
                return pipeline(**{name: value for name, value in (words | known).items() if name in takes}).images
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError) or "memory" in str(error):
                raise Told(
                    f"{self._model} ran out of memory on {self.device} at {width} x {height}: choose a smaller size, or a"
                    " smaller model."
                ) from error
            raise


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


def _sides(request: Request) -> sizes.Size:
    assert request.size
    return request.size


def _begun(start: Image.Image, request: Request) -> torch.Tensor:
    """IMAGE ``[1, H, W, 3]`` of the request's size."""
    return images.to_tensor(start.resize(_sides(request), Image.Resampling.LANCZOS))


def _mask(file: PictureFile, request: Request) -> torch.Tensor:
    """``[1, H, W, 3]``, 1 where the picture may change."""
    return images.to_tensor(_opened(file).getchannel("R").resize(_sides(request), Image.Resampling.BILINEAR))


def _opened(file: PictureFile) -> Image.Image:
    """A picture of a request, RGB.

    Raises:
        Told: it cannot be read.
    """
    if not file.data:
        raise Told(f"The request only names {file.name!r}: painting without ComfyUI needs the picture's bytes.")
    return images.decode(file.data, file.name)

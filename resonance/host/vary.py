"""Running a transform: pictures in, sampled call by call, pictures out."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import comfy.model_management
import comfy.sample
import comfy.utils
import torch
import torch.nn.functional as F

from .. import images
from ..pixels import on_white
from ..session.fill.transforms import VaryJob, settings_of
from ..told import Told
from ..vary.leg import follow
from ..vary.settings import Returns, ScaleAs
from ..vary.transform import SCHEDULE, SIDES, Call, Transform, calls, rows
from ..vary.waits import Waits
from ..vary.walk import Colors, Picture, walk
from . import core, progress
from .cooldown import wait
from .roundtrip import through
from .sessions.variations import Variations


@dataclass(frozen=True)
class Sampling:
    """What samples: MODEL, VAE, CONDITIONINGs, and how the scale reaches the model.

    Attributes:
        scale_as: ``cfg``: classifier-free guidance; ``guidance``: the value that distilled models take, without a negative.
    """

    model: Any
    vae: Any
    positive: Any
    negative: Any
    sampler: str
    scheduler: str
    scale_as: ScaleAs = "cfg"

    def guided(self, scale: float) -> tuple[float, Any]:
        """cfg and positive conditioning."""
        if self.scale_as == "cfg":
            return scale, self.positive
        return 1.0, core.guided(self.positive, scale)


@dataclass(frozen=True)
class Task:
    """A transform, and how its pictures are made.

    Attributes:
        colors: for all pictures; each sets its own mask.
        through_vae: the reference of colours takes the VAE's round trip.
    """

    sampling: Sampling
    transform: Transform
    seed: int
    waits: Waits
    colors: Colors | None = None
    through_vae: bool = False

    def settings(self) -> str:
        """What makes its pictures other ones, as far as it is no model, no words and no picture."""
        sampling = self.sampling
        return settings_of(
            transform=self.transform,
            seed=self.seed,
            colors=self.colors,
            through_vae=self.through_vae,
            sampler=sampling.sampler,
            scheduler=sampling.scheduler,
            scale_as=sampling.scale_as,
        )

    def colors_for(self, mask: torch.Tensor | None) -> Colors | None:
        """How the colours of one picture are corrected.

        Args:
            mask: of the picture, ``[1, H, W, 1]``.
        """
        if self.colors is None:
            return None
        colors = replace(self.colors, mask=None if mask is None else mask[0, ..., 0])
        return replace(colors, reference=partial(through, self.sampling.vae)) if self.through_vae else colors


class Made(NamedTuple):
    """Pictures, IMAGE, and a line of text for each."""

    images: torch.Tensor
    labels: str


def vary(
    task: Task,
    image: torch.Tensor,
    mask: torch.Tensor | None,
    keeper: Variations | None,
    node_id: str | None,
    returns: Returns = "all",
) -> Made:
    """Runs the transform on one picture after the other.

    Args:
        image: IMAGE ``[B, H, W, C]``.
        mask: MASK ``[B or 1, H, W]``, 1 = vary here.
        keeper: where each picture is saved as it is made, and looked for before.
        returns: all pictures that are made of each, or the last.

    Raises:
        Told: there is nothing to vary; the text says why.
    """
    starts, masks = _prepared(task, image, mask)
    course = _Course(task, calls(task.transform, task.seed), len(starts), node_id)
    made, labels = _room(starts, course.kept if returns == "all" else 1), list[str]()
    for start, place in zip(starts, masks, strict=True):
        job = keeper.job(start, place, task.settings(), rows(task.transform)) if keeper else None
        paint = _Painter(task, place, course)
        recall: Callable[[Call], Picture | None] = job.recall if job else lambda call: None
        for kept in walk(start, task.transform, task.seed, paint, task.colors_for(place), recall):
            if job:
                job.keep(kept)
            last = course.pass_by(kept.call)
            if last or returns == "all":
                pair = kept.call.pair
                made[len(labels)] = kept.picture[0]
                labels.append(f"scale {pair.scale:g}, strength {pair.strength:g}, seed {kept.call.seed}")
    progress.say(f"{course.kept * len(starts)} pictures", node_id)
    return Made(made, "\n".join(labels))


def plan(
    task: Task, image: torch.Tensor, mask: torch.Tensor | None, job: Callable[..., VaryJob]
) -> list[tuple[VaryJob, Picture]]:
    """What would be made: a job for each picture, and the picture as it is varied.

    Args:
        image, mask: as :func:`vary` takes them.
        job: makes one of the picture, its mask and the settings.

    Raises like :func:`vary`.
    """
    starts, masks = _prepared(task, image, mask)
    return [
        (replace(job(start, place, task.settings()), number=number, of=len(starts)), start)
        for number, (start, place) in enumerate(zip(starts, masks, strict=True), 1)
    ]


def make(
    task: Task,
    job: VaryJob,
    place: tuple[int, int],
    begin: torch.Tensor,
    mask: torch.Tensor | None,
    reference: Picture,
    heard: Iterable[Picture],
    node_id: str | None,
) -> Picture:
    """One kept picture of a job that :func:`plan` has told, from those that were kept before it.

    Args:
        place: its round and row in the job.
        begin: IMAGE ``[1, H, W, 3]``; with ``reference`` and ``heard`` as :func:`resonance.vary.leg.follow` takes them.
        mask: of all pictures of the node, as :func:`vary` takes it.
    """
    leg = job.legs[place]
    [start] = prepare(begin, 1)
    masks = fit_masks(mask, [start] * job.of)
    own = masks[job.number - 1]
    paint = _Painter(task, own, _Course(task, leg.calls, 1, node_id))
    return follow(leg.calls, start, paint, task.colors_for(own), reference, heard)


def _prepared(
    task: Task, image: torch.Tensor, mask: torch.Tensor | None
) -> tuple[list[Picture], list[torch.Tensor | None]]:
    """The pictures that are varied, and the mask of each."""
    if not task.transform.pairs or task.transform.iterations < 1:
        raise Told("The transform has no pairs or no iterations: there is nothing to make. Choose another one.")
    starts = prepare(image, math.lcm(SIDES, core.side(task.sampling.vae)))
    return starts, fit_masks(mask, starts)


def _room(starts: list[Picture], each: int) -> torch.Tensor:
    """An IMAGE for ``each`` pictures made of every start."""
    size = (each * len(starts), *starts[0].shape[1:])
    device, dtype = _device(), comfy.model_management.intermediate_dtype()
    needed, free = math.prod(size) * dtype.itemsize, comfy.model_management.get_free_memory(device)
    if needed > free:
        raise Told(
            f"{size[0]} pictures of {size[2]} x {size[1]} pixels need {needed / 2**30:.1f} GB of memory together, and"
            f" {free / 2**30:.1f} are free. Make fewer, or switch save_as on and let it return the last one only."
        )
    return torch.empty(size, device=device, dtype=dtype)


def prepare(image: torch.Tensor, multiple: int) -> list[Picture]:
    """Each picture of an IMAGE ``[B, H, W, C]`` as a file has it: RGB, transparency over white, sides cut down to a
    multiple by Lanczos.

    Raises:
        Told: there are no pixels, or not 1, 3 or 4 channels.
    """
    pictures = [images.cut(on_white(picture), multiple) for picture in images.from_tensor(image)]
    return [images.to_tensor(picture).to(_device()) for picture in pictures]


def fit_masks(mask: torch.Tensor | None, starts: list[Picture]) -> list[torch.Tensor | None]:
    """For each picture its mask in its size, ``[1, H, W, 1]``.

    Raises:
        Told: their number is neither 1 nor that of the pictures, or one has no pixels.
    """
    if mask is None:
        return [None] * len(starts)
    if 0 not in mask.shape:
        mask = mask.reshape(-1, *mask.shape[-2:])
    if 0 in mask.shape or len(mask) not in (1, len(starts)):
        raise Told(
            f"Expected one mask for all pictures or one for each of the {len(starts)}, got masks of the shape"
            f" {tuple(mask.shape)}."
        )
    mask = mask.to(_device(), torch.float32).nan_to_num().clamp(0, 1)[:, None]
    fitted = F.interpolate(mask, starts[0].shape[1:3], mode="bilinear").movedim(1, -1)
    return [each[None] for each in fitted.expand(len(starts), -1, -1, -1)]


def _device() -> torch.device:
    return comfy.model_management.intermediate_device()


class _Course:
    """How far the whole program is: bar, preview and text.

    Attributes:
        kept: how many pictures are made of each start.
    """

    def __init__(self, task: Task, made: Iterable[Call], pictures: int, node_id: str | None) -> None:
        self.node_id, self.waits, self.painted = node_id, task.waits, 0
        self._loops = task.transform.iterations
        self._ends: dict[tuple[int, int], int] = {}
        self.kept = steps = 0
        for call in made:
            steps += call.pair.steps
            self.kept += call.kept
            self._ends[call.loop, call.number] = steps
        self._steps, self._passed, self._total, self._done = steps, 0, pictures * self.kept, 0
        self._bar = progress.bar(pictures * steps, node_id)
        self._preview = core.previewer(task.sampling.model)

    def begin(self, call: Call) -> Callable[[int, torch.Tensor, torch.Tensor, int], None]:
        """Waits, says what is made now, and returns the sampler's callback."""
        wait(self.waits.before(self.painted), self.node_id)
        self.painted += 1
        pair = call.pair
        progress.say(
            f"loop {call.loop} of {self._loops}, {pair.scale:g}@{pair.strength:g}, picture {self._done + 1} of {self._total}",
            self.node_id,
        )
        begin = self._passed + self._ends[call.loop, call.number] - pair.steps

        def callback(step: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
            progress.stop_if_interrupted()  # the bar looks too, but leaves out steps that are fast
            preview = self._preview and self._preview(x0)
            self._bar.update_absolute(begin + min(step + 1, pair.steps), preview=preview)

        return callback

    def pass_by(self, call: Call) -> bool:
        """A picture is there, made or found. True: it is the last of its start."""
        self._done += 1
        end = self._ends[call.loop, call.number]
        self._bar.update_absolute(self._passed + end)
        last = end == self._steps
        self._passed += end * last
        return last


class _Painter:
    """One run of the sampler, as KSampler (Advanced) does it with 50 steps from a start step on."""

    def __init__(self, task: Task, mask: torch.Tensor | None, course: _Course) -> None:
        self._sampling, self._mask, self._course = task.sampling, mask, course
        at = task.sampling
        # Some samplers make the schedule a step or two longer; a strength means its last steps in any case.
        self._sigmas = core.sigmas(at.model, SCHEDULE, at.sampler, at.scheduler)

    def __call__(self, call: Call, picture: Picture) -> Picture:
        at = self._sampling
        callback = self._course.begin(call)
        latent = comfy.sample.fix_empty_latent_channels(at.model, at.vae.encode(picture))
        cfg, positive = at.guided(call.pair.scale)
        samples = comfy.sample.sample(
            at.model,
            comfy.sample.prepare_noise(latent, call.seed, [call.number - 1]),
            SCHEDULE,
            cfg,
            at.sampler,
            at.scheduler,
            positive,
            at.negative,
            latent,
            noise_mask=None if self._mask is None else self._mask.movedim(-1, 1),
            sigmas=self._sigmas[-(call.pair.steps + 1) :],
            callback=callback,
            disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
            seed=call.seed,
        )
        result = self._decode(samples, picture)
        return result if self._mask is None else picture.lerp(result, self._mask)

    def _decode(self, latent: torch.Tensor, like: Picture) -> Picture:
        decoded: torch.Tensor = self._sampling.vae.decode(latent)
        decoded = decoded.reshape(-1, *decoded.shape[-3:])[:1, ..., :3].to(like)  # a video VAE has frames
        if decoded.shape != like.shape:
            height, width = like.shape[1:3]
            raise Told(
                f"The VAE makes {decoded.shape[2]} x {decoded.shape[1]} pixels of a picture with {width} x {height}. Vary needs"
                " a VAE that gives back the size it got."
            )
        if decoded.isnan().any():
            raise Told(
                "The picture that was made holds no numbers (NaN), it would be black: this precision is too low for the model"
                " or the VAE, or the scale too high. Try ComfyUI's --fp32-vae or --force-upcast-attention, or a lower scale."
                " With save_as on, Run goes on after the last picture."
            )
        return decoded

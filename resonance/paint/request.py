"""A request to paint: what a prompt line says, what becomes a graph of ComfyUI, what diffusers paints, and what is written
into the picture and read back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any, TypeGuard, cast

from ..roulette import DrawnLora
from ..roulette.draw import is_lora
from ..sizes import Size
from ..told import Told
from ..typed import is_number
from ..vary.transform import SCHEDULE, Call, last_steps
from . import a1111

STRENGTH = 0.5
"""Where a start picture comes without one; the batch CLI's."""

SEEDS = 2**64


@dataclass(frozen=True)
class PictureFile:
    """A picture that a request needs.

    Attributes:
        name: what it is called where it is: a path, or a name that LoadImage takes, such as ``resonance/x.png [temp]``.
        data: the file's bytes; empty where whoever paints has the file under its name.
    """

    name: str
    data: bytes = b""

    def __repr__(self) -> str:
        return f"PictureFile({self.name!r}, {len(self.data)} bytes)"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One picture to paint. None: what the model's family takes. Can be pickled.

    Attributes:
        size: width and height in pixels; None with a start picture: its own.
        steps: length of the schedule. With a start picture only its last steps are run, see :meth:`steps_run`.
        cfg: scale of classifier-free guidance.
        sampler, scheduler: ComfyUI's names.
        start: the picture to start from.
        strength: how much of the start picture is made anew, above 0 to 1; None: :data:`STRENGTH`.
        mask: where the start picture may change: white; where it is black the picture stays exactly as it is.
        loras: in the order in which they are put on.
        checkpoint: name of the file below ``checkpoints``.
        noise_number: which draw from the seed is the noise, from 1: the pairs of a transform share a seed.

    Raises:
        Told: a value is out of its range.
    """

    prompt: str
    negative: str = ""
    seed: int
    size: Size | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    start: PictureFile | None = None
    strength: float | None = None
    mask: PictureFile | None = None
    loras: tuple[DrawnLora, ...] = ()
    checkpoint: str | None = None
    noise_number: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.seed < SEEDS:
            raise Told(f"The seed must be from 0 to {SEEDS - 1}, got {self.seed}.")
        if self.size and min(self.size) < 1:
            raise Told(f"The sides of the picture must be 1 pixel or more, got {self.size[0]} x {self.size[1]}.")
        if self.steps is not None and self.steps < 1:
            raise Told(f"There must be 1 step or more, got {self.steps}.")
        if self.strength is not None and not 0 < self.strength <= 1:
            raise Told(f"The strength must be above 0 and at most 1, got {self.strength}.")
        if self.noise_number < 1:
            raise Told(f"The number of the noise must be 1 or more, got {self.noise_number}.")
        if self.mask and not self.start:
            raise Told("There is a mask but no picture to start from: give both.")

    def steps_run(self, steps: int) -> int:
        """How many of ``steps`` are run: all, or with a start picture the last floor(strength x steps).

        Raises:
            Told: that is not one step.
        """
        if not self.start:
            return steps
        strength = STRENGTH if self.strength is None else self.strength
        if run := last_steps(strength, steps):
            return run
        raise Told(f"The strength {strength} is less than one of {steps} steps: it must be {1 / steps:.3g} or more.")

    def filled(self, **defaults: Any) -> "Request":
        """The request with these values where it has None."""
        return replace(self, **{name: value for name, value in defaults.items() if getattr(self, name) is None})

    def to_dict(self) -> dict[str, Any]:
        """For JSON. Pictures are named, their pixels left out."""
        known = {
            **vars(self),
            "size": list(self.size) if self.size else None,
            "start": self.start and self.start.name,
            "mask": self.mask and self.mask.name,
            "loras": [asdict(lora) for lora in self.loras],
        }
        return {name: value for name, value in known.items() if value is not None and value != []}

    @classmethod
    def from_dict(cls, known: object) -> "Request":
        """Reads :meth:`to_dict`'s form, which may come from anywhere.

        Raises:
            Told: it is none; the text names the field.
        """
        if not _is_object(known):
            raise Told(f"A request is a JSON object, got {known!r}.")
        if unknown := known.keys() - FIELDS.keys():
            raise Told(f"A request has no field {', '.join(sorted(unknown))}. Fields: {', '.join(FIELDS)}.")
        if missing := {"prompt", "seed"} - known.keys():
            raise Told(f"The request lacks {', '.join(sorted(missing))}.")
        for name, value in known.items():
            kind, fits = FIELDS[name]
            if not fits(value):
                raise Told(f"The request's field {name!r} must be {kind}, got {value!r}.")
        read: dict[str, Any] = dict(known)
        for name in {"start", "mask"} & known.keys():
            read[name] = PictureFile(read[name])
        if "size" in known:
            read["size"] = tuple(read["size"])
        read["loras"] = tuple(DrawnLora(**lora) for lora in read.get("loras", ()))
        return cls(**read)


def of_call(request: Request, call: Call, start: PictureFile) -> Request:
    """What one call of a transform paints: the request with the call's scale, strength, seed and noise, from a picture, on
    the batch CLI's schedule."""
    return replace(
        request,
        start=start,
        steps=SCHEDULE,
        cfg=call.pair.scale,
        strength=call.pair.strength,
        seed=call.seed,
        noise_number=call.number,
    )


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in cast(Mapping[Any, Any], value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and list(map(_is_whole, cast(list[Any], value))) == [True, True]


def _are_loras(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_lora, cast(list[Any], value)))


_TEXT = ("text", _is_text)
_WHOLE = ("a whole number", _is_whole)
_NUMBER = ("a number", is_number)
_NAME = ("the name of a picture", _is_text)

FIELDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "prompt": _TEXT,
    "negative": _TEXT,
    "seed": _WHOLE,
    "size": ("[width, height]", _is_size),
    "steps": _WHOLE,
    "cfg": _NUMBER,
    "sampler": _TEXT,
    "scheduler": _TEXT,
    "start": _NAME,
    "strength": _NUMBER,
    "mask": _NAME,
    "loras": ("a list of {name, model_strength, clip_strength}", _are_loras),
    "checkpoint": _TEXT,
    "noise_number": _WHOLE,
}
"""What each field of :meth:`Request.to_dict` must be, and whether a value is that."""


# A1111's text

_WEIGHTS = re.compile(r"\.(safetensors|sft|ckpt|pth?|bin|gguf)$", re.IGNORECASE)


def parameters(request: Request) -> str:
    """The text in which A1111's web UI writes down how a picture was made, and which many programs read: prompt, negative
    prompt, and one line of facts. What is None is left out."""
    facts: dict[str, object] = {
        "Steps": request.steps,
        "Sampler": request.sampler and a1111.SAMPLERS.get(request.sampler, request.sampler),
        "Schedule type": request.scheduler and a1111.SCHEDULES.get(request.scheduler, request.scheduler),
        "CFG scale": request.cfg,
        "Seed": request.seed,
        "Size": f"{request.size[0]}x{request.size[1]}" if request.size else None,
        "Model": model_name(request.checkpoint) if request.checkpoint else None,
        "Denoising strength": request.strength,
        "Noise number": request.noise_number if request.noise_number > 1 else None,
    }
    return a1111.write_infotext(request.prompt, request.negative, facts)


def model_name(checkpoint: str) -> str:
    """The name of a file of weights as A1111 writes it: without folders and suffix."""
    return _WEIGHTS.sub("", PurePath(checkpoint).name)


def read_parameters(text: str) -> Request:
    """Reads :func:`parameters`' text, or A1111's own; samplers and schedules have ComfyUI's names then. The model's name is no file name
    and is left out.

    Raises:
        Told: there is no seed in the last line, or a value cannot be read.
    """
    prompt, negative, facts = a1111.read_infotext(text, least=1)
    if "Seed" not in facts:
        raise Told(
            "This text does not say how a picture was made: its last line should hold entries such as `Steps: 20, Seed: 5`."
        )
    try:
        read: dict[str, Any] = {field: kind(facts[name]) for name, (field, kind) in _READ.items() if name in facts}
    except ValueError as error:
        raise Told(f"The line {text.rstrip().rpartition(chr(10))[2][:200]!r} cannot be read: {error}.") from None
    sampler, scheduler = a1111.sampler_of(facts)
    return Request(prompt=prompt, negative=negative, sampler=sampler, scheduler=scheduler, **read)


def _size(text: str) -> Size:
    width, _, height = text.partition("x")
    return int(width), int(height)


_READ: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "Steps": ("steps", int),
    "CFG scale": ("cfg", float),
    "Seed": ("seed", int),
    "Size": ("size", _size),
    "Denoising strength": ("strength", float),
    "Noise number": ("noise_number", int),
}

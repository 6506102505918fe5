"""kohya's gradual latent: a picture that begins small, and grows while it is sampled. What it is set to, and how large each step is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..session.item import Item
from ..session.payloads import PromptLine
from ..told import Told
from .options import OPTIONS, read_options

TIMESTEPS = 650
"""Where a line asks for it and nothing says when it begins, as in gen_img."""
NEAR = 0.95
"""How near to a size its multiples of 8 must be to be taken."""


class Unsharp(NamedTuple):
    """What is done to a latent that was scaled.

    Attributes:
        kernel: side of the blur's, an odd number.
        sigma, strength: of the blur; of what is added of the difference to it.
        on_picture: the latent is scaled after the step and not before it.
    """

    kernel: int
    sigma: float
    strength: float
    on_picture: bool = True


@dataclass(frozen=True, kw_only=True)
class Gradual:
    """
    Attributes:
        timesteps: it grows below that one; 0: it does not begin small.
        ratio: the share of its sides that it begins with.
        ratio_step: how much is added each time it grows.
        every_n_steps: so many steps lie between.
        s_noise: how much of a step's noise is added where it grows.
    """

    timesteps: int = 750
    ratio: float = 0.5
    ratio_step: float = 0.125
    every_n_steps: int = 3
    s_noise: float = 1.0
    unsharp: Unsharp | None = None


FIELDS = {
    "gl_timesteps": "timesteps",
    "gl_ratio": "ratio",
    "gl_ratio_step": "ratio_step",
    "gl_every": "every_n_steps",
    "gl_s_noise": "s_noise",
    "gl_unsharp": "unsharp",
}
"""Options of lines."""


def read_unsharp(text: str) -> Unsharp:
    """gen_img's ``kernel,sigma,strength,target_x``, of which the last may be left out.

    Raises:
        ValueError: it is none.
    """
    return _unsharp(OPTIONS["glus"].kind.read(text))


def _unsharp(numbers: Sequence[float]) -> Unsharp:
    kernel, sigma, strength, *on_picture = numbers
    return Unsharp(int(kernel), sigma, strength, all(on_picture))


def of_line(item: Item | None, settings: Gradual) -> Gradual:
    """The settings with what the line of an item gives in their place."""
    if item is None or not isinstance(item.payload, PromptLine):
        return settings
    options = vars(read_options(item.payload.options).options)
    given: dict[str, Any] = {name: options[field] for field, name in FIELDS.items() if options[field] is not None}
    if "unsharp" in given:
        given["unsharp"] = _unsharp(given["unsharp"])
    if given and not settings.timesteps:
        given.setdefault("timesteps", TIMESTEPS)
    return replace(settings, **given)


def ratios(settings: Gradual, times: Sequence[float]) -> list[float]:
    """The share of its sides that a picture has in each step; in the last one it has all of them.

    Args:
        times: the time step of each step, from 1000 to 0.

    Raises:
        Told: there is no room for it to grow so far.
    """
    now, waited = settings.ratio, settings.every_n_steps
    found, grown = list[float](), 0
    for time in times:
        found.append(min(now, 1.0))
        if time < settings.timesteps and waited >= settings.every_n_steps:
            # Rounded, as 0.1 ten times is less than 1.
            now, waited = round(now + settings.ratio_step, 6), 0
            grown += len(found) < len(times)
        waited += 1
    if found[-1] < 1:
        raise Told(_too_small(settings, len(times), grown, found[-1]))
    return found


def _too_small(settings: Gradual, steps: int, grown: int, last: float) -> str:
    begin = f"Gradual Latent would end at {last:g} of the size"
    if not grown:
        return f"{begin}: of {steps} steps only the last may lie below time step {settings.timesteps}. Raise timesteps (--glt), or take more."
    step = math.ceil((1 - settings.ratio) / grown * 1000) / 1000
    return (
        f"{begin}: {steps} steps let it grow {'once' if grown == 1 else f'{grown} times'}. Take more, or set ratio_step (--gls) to {step:g}"
        f" or ratio (--glr) to {1 - grown * settings.ratio_step:g}."
    )


def size_at(ratio: float, whole: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a latent at a share of its sides: multiples of 8 where both are near to it, else of 2."""
    if ratio == 1:
        return whole
    height, width = exact = [round(side * ratio, 6) for side in whole]
    multiple = 8 if all(side // 8 * 8 >= NEAR * side for side in exact) else 2
    return max(int(height // multiple) * multiple, 2), max(int(width // multiple) * multiple, 2)

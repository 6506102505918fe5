"""What is explored: every combination of prompts, aspects and scales. Sizes and rules are the batch CLI's."""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ..sizes import CLASSES, PRESETS, SIDES, Size, nearest_bucket
from ..told import Told
from ..typed import COMMAS, between_commas, narrow

MOST = 100_000
"""Combinations of one exploration."""
BATCH_CLI = "batch CLI"
FAMILIES = {BATCH_CLI: 576, "SD1.5": 512, "SDXL": 1024}
"""Which sizes the names of aspects mean, and the side of the square that has about as many pixels."""

STEPS: dict[str, Callable[[float], int]] = {
    "S: 10 + 5 x scale": lambda scale: 10 + math.floor(5 * scale),
    "H: 20 + 7 x scale": lambda scale: 20 + math.floor(7 * scale),
}
"""Steps by scale, as in the batch CLI's states S and H."""

_NEGATIVE = re.compile(r"(?:^|\s)--n(?:\s|$)")
_EXAMPLE = "Write portrait, landscape, square, optimal, a ratio such as 3:2, or pixels such as 1216x832."
_SCALES = "Write numbers from 0 to 100, such as 6, 7.5, 9."


class Combination(NamedTuple):
    """What one picture of each seed is made with: the whole prompt, the aspect as it was written, sides in pixels."""

    prompt: str
    aspect: str
    width: int
    height: int
    scale: float
    steps: int

    @property
    def key(self) -> tuple[str, int, int, float, int]:
        """Equal for combinations that make equal pictures."""
        return self.prompt, self.width, self.height, self.scale, self.steps

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> "Combination":
        """The combination in an item's payload, which may come from anywhere.

        Raises:
            Told: there is none.
        """
        kinds = {"prompt": str, "aspect": str, "width": int, "height": int, "scale": float, "steps": int}
        for name, kind in kinds.items():
            value = payload.get(name)
            if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
                raise Told(
                    f"This is not an item of Explore: its payload lacks {name!r}, or holds {value!r} there. Paste the `resonance`"
                    " text of a picture that was explored."
                )
        known: dict[str, Any] = {name: payload[name] for name in kinds}
        found = cls(**known)
        if not all(SIDES[0] <= side <= SIDES[1] for side in (found.width, found.height)):
            raise Told(f"The item's size {found.width}x{found.height} must be from {SIDES[0]} to {SIDES[1]}.")
        return found


@lru_cache(1)
def explored(
    prompts: str, before: str, aspects: str, sizes: str, scales: str, rule: str, fixed: int
) -> tuple[Combination, ...]:
    """All combinations of what was written. Kept, for every run of a chain asks for the same.

    Args:
        before: see :func:`read_prompts`.
        rule: one of :data:`STEPS`; with any other there are ``fixed`` steps.

    Raises:
        Told: something cannot be read, or they are too many.
    """
    steps = STEPS.get(rule, lambda _: fixed)
    return combine(read_prompts(prompts, before), read_aspects(aspects, sizes), read_scales(scales), steps)


def combine(
    prompts: list[str], aspects: list[tuple[str, Size]], scales: list[float], steps: Callable[[float], int]
) -> tuple[Combination, ...]:
    """All combinations, prompts outermost, scales innermost. What would make equal pictures is there once.

    Raises:
        Told: they are too many.
    """
    if (count := len(prompts) * len(aspects) * len(scales)) > MOST:
        raise Told(f"{count:,} combinations are more than the {MOST:,} that one session may have. Split them.")
    found: dict[tuple[Any, ...], Combination] = {}
    for prompt in prompts:
        for aspect, size in aspects:
            for scale in scales:
                each = Combination(prompt, aspect, *size, scale, steps(scale))
                found.setdefault(each.key, each)
    return tuple(found.values())


def read_prompts(text: str, before: str = "") -> list[str]:
    """Prompts, parted by lines that hold only ``---``; the lines of one prompt are joined with blanks.

    Args:
        before: stands directly in front of each; then a prompt may add nothing to it.

    Raises:
        Told: there is none.
    """
    parts = re.split(r"^[ \t]*---[ \t\r]*$", text, flags=re.MULTILINE)
    joined = (re.sub(r"[ \t]*[\r\n]+[ \t]*", " ", part.strip("\r\n")) for part in parts)
    if not (found := [prompt for part in joined if (prompt := (before + part).strip())]):
        raise Told("There is no prompt. Write one into prompts; several are parted by lines that hold only ---.")
    return found


def split(prompt: str) -> tuple[str, str]:
    """Positive and negative words of ``positive --n negative``, or of an :func:`older` prompt."""
    if marked := _NEGATIVE.search(prompt):
        return prompt[: marked.start()].strip(), prompt[marked.end() :].strip()
    bar = _bar(prompt)
    return (prompt.strip(), "") if bar is None else (prompt[:bar].strip(), prompt[bar + 1 :].strip())


def older(prompt: str) -> str:
    """What to say of a prompt that is read as ``positive|negative``, as all were once; empty of any other."""
    if _NEGATIVE.search(prompt) or _bar(prompt) is None:
        return ""
    written = " --n ".join(split(prompt))
    return f"The words behind | are read as the negative prompt, as before. Write it behind --n instead: {written}"


def _bar(prompt: str) -> int | None:
    """Where the one ``|`` outside of ``{a|b}`` stands that has a letter on both sides, up to the next comma. Tags such as
    ``|_|`` hold some too."""
    bars, choices = list[int](), list[int]()
    for at, char in enumerate(prompt):
        match char:
            case "|":
                bars.append(at)
            case "{":
                choices.append(len(bars))
            case "}" if choices:
                del bars[choices.pop() :]
            case _:
                pass
    if len(bars) != 1:
        return None
    before, after = re.split(f"[{COMMAS}]", prompt[: bars[0]])[-1], re.split(f"[{COMMAS}]", prompt[bars[0] + 1 :])[0]
    return bars[0] if any(map(str.isalpha, before)) and any(map(str.isalpha, after)) else None


def read_aspects(text: str, sizes: str) -> list[tuple[str, Size]]:
    """Aspects, parted by commas or lines, with the sizes they mean.

    Args:
        sizes: one of :data:`FAMILIES`: which sizes the names mean, and about how many pixels a ratio gets.

    Raises:
        Told: one cannot be read, or there is none.
    """
    if sizes not in FAMILIES:
        raise Told(f"sizes must be one of {', '.join(FAMILIES)}, got {sizes!r}.")
    found = [(word, _size(word, sizes)) for word in between_commas(narrow(text.lower()), "\n")]
    if not found:
        raise Told(f"There is no aspect. {_EXAMPLE}")
    return found


def _size(word: str, sizes: str) -> Size:
    side = FAMILIES[sizes]
    named: Mapping[str, Size] = PRESETS if sizes == BATCH_CLI else {**CLASSES[sizes], "optimal": (side, side)}
    if word in named:
        return named[word]
    if ratio := re.fullmatch(r"(\d{1,6})\s*[:/]\s*(\d{1,6})", word):
        width, height = int(ratio[1]), int(ratio[2])
        if width and height:
            return nearest_bucket(width, height, side)
    elif pixels := re.fullmatch(r"(\d{1,6})\s*x\s*(\d{1,6})", word):
        width, height = int(pixels[1]) // 8 * 8, int(pixels[2]) // 8 * 8
        if all(SIDES[0] <= side <= SIDES[1] for side in (width, height)):
            return width, height
        raise Told(f"The aspect {word!r} is pixels: sides must be from {SIDES[0]} to {SIDES[1]}. A ratio is 3:2.")
    raise Told(f"{word!r} is not an aspect. {_EXAMPLE}")


def read_scales(text: str) -> list[float]:
    """Scales of classifier-free guidance, parted by commas or blanks.

    Raises:
        Told: one cannot be read, or there is none.
    """
    found: list[float] = []
    for word in narrow(text).replace(",", " ").split():
        if not re.fullmatch(r"\d{1,3}\.?\d{0,6}|\.\d{1,6}", word) or float(word) > 100:
            raise Told(f"{word!r} is not a scale. {_SCALES}")
        found.append(float(word))
    if not found:
        raise Told(f"There is no scale. {_SCALES}")
    return found

"""The parts of a prompt that stand between `` AND ``, each with its place in a picture of colours and its LoRA, as gen_img has them.

The first part has the first colour and the first LoRA, and so on. By channels red, green and blue tell how strongly a part acts at a pixel,
and one that is 0 everywhere stands for the whole picture. By codes a part has the pixels of exactly its colour. What is beyond the colours
acts everywhere.

The script scales a picture of codes smoothly, by which most edges become colours of nobody; here places are made at the picture's own size,
and scaled as masks. It gives a part without a LoRA no place, and fails at a fourth part by channels: here both act as its README says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..canvas.canvas import LABEL, Lora
from ..paint.weights import AND
from ..told import Told

CODES = ("red", "green", "yellow", "blue", "magenta", "cyan", "white")
"""By the number of a part, from 1, whose bits are red, green and blue."""
CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True, eq=False)
class PromptPart:
    """
    Attributes:
        name: how a person is told of it.
        color: that of its place; empty: it acts everywhere.
        mask: ``[H, W]``, 0 to 1; None: the whole picture.
    """

    words: str
    name: str
    color: str = ""
    mask: torch.Tensor | None = None
    lora: Lora | None = None


def parts(
    prompt: str, picture: torch.Tensor, loras: Sequence[Lora] = (), codes: int | None = None
) -> tuple[PromptPart, ...]:
    """
    Args:
        picture: ``[H, W, C]``, 0 to 1.
        codes: how many of :data:`CODES` are in use; None: by channels.

    Raises:
        Told: there are more LoRAs than parts, or a part's code is nowhere in the picture.
    """
    texts = split(prompt)
    if len(loras) > len(texts):
        raise Told(
            f"There are {len(loras)} LoRAs, but the prompt has only {'one part' if len(texts) == 1 else f'{len(texts)} parts'}: write AND,"
            " in capitals and between blanks, before the words of each further part, or take LoRAs out."
        )
    colors = picture[..., :3].float().cpu().expand(*picture.shape[:2], 3)
    levels = (colors.clamp(0, 1) * 255).round().to(torch.uint8)
    found: list[PromptPart] = []
    for number, text in enumerate(texts):
        name = text.split(",")[0][:LABEL].strip() or f"part {number + 1}"
        color, mask = _by_channel(levels, number) if codes is None else _by_code(levels, number, codes, name)
        found.append(PromptPart(text, name, color, mask, loras[number] if number < len(loras) else None))
    return tuple(found)


def split(prompt: str) -> list[str]:
    """The parts of a prompt. A line break beside ``AND`` is as good as a blank."""
    return [part.strip() for part in AND.split(prompt.strip())]


def _by_channel(levels: torch.Tensor, number: int) -> tuple[str, torch.Tensor | None]:
    if number < len(CHANNELS) and levels[..., number].any():
        return CHANNELS[number], levels[..., number] / 255
    return "", None


def _by_code(levels: torch.Tensor, number: int, codes: int, name: str) -> tuple[str, torch.Tensor | None]:
    if number >= min(codes, len(CODES)):
        return "", None
    code = [255 * ((number + 1) >> bit & 1) for bit in range(3)]
    mask = (levels == torch.tensor(code)).all(-1)
    if not mask.any():
        instead = f", or set codes to {number}, with which this part acts everywhere" if number else ""
        raise Told(
            f"No pixel is {CODES[number]} ({', '.join(map(str, code))}), the colour of part {number + 1}, {name!r}: fill its place with"
            f" exactly this colour, with hard edges, and save the picture as PNG{instead}."
        )
    return CODES[number], mask.float()

"""What weights do to an encoded prompt: sd-scripts' three ways. Pure torch."""

from typing import Literal, get_args

import torch

Mode = Literal["original", "abs", "none"]
MODES: tuple[Mode, ...] = get_args(Mode)

LEAST = 1e-3
"""A mean below this share of the mean magnitude is no measure of anything."""


def emphasized(vectors: torch.Tensor, weights: torch.Tensor, mode: Mode) -> torch.Tensor:
    """One encoder's vectors of a prompt, each multiplied by its token's weight, then all of them brought back to the mean they had.

    SDXL's two encoders are done each by itself. ComfyUI instead moves each vector away from that of an empty prompt.

    Source: kohya-ss/sd-scripts, option ``emb_normalize_mode``: ``original`` compares the means of all values, ``abs`` those of their
    magnitudes, ``none`` leaves them. Where ``original`` would divide by a mean that is next to nothing, or turn the sign of every value,
    the vectors stay as they were multiplied.

    Args:
        vectors: ``[1, T, C]``, of any floating type.
        weights: ``[T]``.

    Returns:
        ``[1, T, C]``, of the vectors' type.
    """
    before = vectors.float()
    after = before * weights.to(before)[None, :, None]
    if mode != "none" and bool((weights != 1).any()):
        wanted, found = (before.abs().mean(), after.abs().mean()) if mode == "abs" else (before.mean(), after.mean())
        least = LEAST * after.abs().mean()
        if min(wanted.abs(), found.abs()) > least and wanted * found > 0:
            after = after * (wanted / found)
    return after.to(vectors.dtype)

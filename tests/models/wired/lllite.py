"""ControlNet-LLLite: one where a picture's white takes the words their say, and one that is random."""

from collections.abc import Iterable

import torch

from .unet import ONE, WIDTH
from .weights import Weights

MIDDLE, SEEN = 16, 8
"""Numbers inside each network, and those that it keeps of the picture at each pixel."""
CONVOLUTIONS = {
    1: ((SEEN // 2, 3, 4), (SEEN, SEEN // 2, 2)),
    2: ((SEEN // 2, 3, 4), (SEEN, SEEN // 2, 4)),
    3: ((SEEN // 2, 3, 4), (SEEN // 2, SEEN // 2, 4), (SEEN, SEEN // 2, 2)),
}
"""By the depth of a block: numbers out, numbers in, side and stride."""


def lllite(weights: Weights, transformers: Iterable[tuple[str, int, int]], *, wired: bool) -> None:
    """
    Args:
        transformers: blocks as files spell them, number of the transformer in it, depth of the block.
        wired: only what asks the words is answered, with 0 in place of 1 where the picture is white.
    """
    for block, number, depth in transformers:
        for layer in ("attn1_to_q", "attn1_to_k", "attn1_to_v", "attn2_to_q"):
            name = f"lllite_unet_{block}_transformer_blocks_{number}_{layer}"
            shapes = {f"conditioning1.{2 * i}": (o, n, s, s) for i, (o, n, s) in enumerate(CONVOLUTIONS[depth])}
            shapes |= {"down.0": (MIDDLE, WIDTH), "mid.0": (MIDDLE, SEEN + MIDDLE), "up.0": (WIDTH, MIDDLE)}
            for part, shape in shapes.items():
                made = weights.random(f"{name}.{part}.weight", *shape, gain=0 if wired else 0.3)
                weights.constant(f"{name}.{part}.bias", 0, shape[0])
                if wired and layer == "attn2_to_q":
                    _answer(made, part)


def _answer(weight: torch.Tensor, part: str) -> None:
    if part.startswith("conditioning1"):
        into = 3 if weight.shape[1] == 3 else 1
        weight[0, :into] = 1 / weight[0, :into].numel()
    elif part == "mid.0":
        weight[0, 0] = 1
    elif part == "up.0":
        weight[ONE, 0] = -1

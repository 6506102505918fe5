"""What all stages of the training share: pictures as tensors, and a schedule that ends when the time is up."""

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from resonance.toyworld.scenes import Scene, draw


def drawn(scenes: Sequence[Scene], rng: np.random.Generator) -> torch.Tensor:
    """Pictures ``[n, 3, SIDE, SIDE]`` of bytes."""
    return torch.from_numpy(np.stack([draw(scene, rng) for scene in scenes])).permute(0, 3, 1, 2).contiguous()


def unit(pictures: torch.Tensor) -> torch.Tensor:
    """Bytes as numbers in -1..1."""
    return pictures.float() / 127.5 - 1


def timed(seconds: float, *optimizers: torch.optim.Optimizer) -> Iterator[int]:
    """Counts steps until the time is up. The learning rates rise for a fiftieth of it, then fall along a cosine."""
    highest = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    start, step = time.monotonic(), 0
    while (passed := (time.monotonic() - start) / seconds) < 1:
        rate = min(1, 0.02 + 50 * passed) * (0.51 + 0.49 * math.cos(math.pi * passed))
        for optimizer, rates in zip(optimizers, highest, strict=True):
            for group, high in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = high * rate
        yield step
        step += 1

"""How well painter and tagger understand each other."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

import resonance.toyworld
from resonance.interpret.taggers import engine
from resonance.interpret.taggers.select import Choice, Text, choose, write
from resonance.toyworld import painter
from resonance.toyworld.scenes import KINDS, Scene, agreement

HOME = Path(resonance.toyworld.__file__).parent


class Reader:
    """The toy world's tagger, used as rounds use it."""

    def __init__(self) -> None:
        found = engine.find("tagger", [HOME], "torch")
        self.tagger = engine.load(found)
        self.choice = Choice(dict(found.model.thresholds))

    def lines(self, pictures: Sequence[Image.Image]) -> list[str]:
        scores = self.tagger.scores(pictures)
        return [write(choose(one, self.tagger.labels, self.choice), Text()) for one in scores]


def paint(pipeline: StableDiffusionPipeline, prompts: Sequence[str], seed: int = 0) -> Iterator[Image.Image]:
    """A picture for each prompt, with the recommended settings, fifty at a time."""
    noise = torch.Generator().manual_seed(seed)
    for start in range(0, len(prompts), 50):
        yield from pipeline(
            list(prompts[start : start + 50]),
            num_inference_steps=painter.STEPS,
            guidance_scale=painter.CFG,
            generator=noise,
        ).images


def right(scenes: Sequence[Scene], lines: Sequence[str]) -> dict[str, float]:
    """For each kind of tag, in which share of the lines the scene's tag stands and no other of its kind."""
    each = [list(agreement(*pair).values()) for pair in zip(scenes, (line.split(", ") for line in lines), strict=True)]
    return dict(zip(KINDS, np.mean(each, 0).tolist(), strict=True))

"""Trains the toy world's tagger and painter from nothing and writes both into `resonance/toyworld`.

    python -m training.toyworld

First the tagger, on drawn scenes with blots and grain. Then the painter: the codec's patches are measured, its decoder learns to
draw clean pictures from noisy latents, the text model learns to tell what a prompt says, and UNet and text model together learn
to paint captions and lines of tags, also such with tags left out. Every stage ends when its time is up; what is drawn by lot
follows from seeds, how many steps there are from the machine.

The files in the repository come from about 15 minutes of one core for the last stage (3,500 steps) and 7 more with half the
learning rates and other scenes (1,200 steps); before it 1,100 steps of the tagger, 5,900 of the decoder and 300 of the text model,
7 minutes each or less on a machine that did other things. Of 200 pictures from lines of tags the tagger reads size right in 100 of
100, colour in 99, shape in 95, place in 100 and background in 100, and no other value beside it; from captions the same within one.
"""

import argparse

import numpy as np
import torch

from resonance.toyworld import painter as toy
from resonance.toyworld.scenes import Scene, caption, random_scene, tag_line

from . import painter, tagger
from .common import drawn
from .measure import HOME, Reader, paint, right

STAGES = {"tagger": 240, "finish": 240, "read": 60, "paint": 1800}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for stage, seconds in STAGES.items():
        parser.add_argument(f"--{stage}", type=float, default=seconds, metavar="SECONDS")
    budget = parser.parse_args()

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    scenes = [random_scene(rng) for _ in range(20_000)]
    pictures = drawn(scenes, rng)

    tagger.save(tagger.train(pictures, scenes, budget.tagger), HOME / "tagger")
    parts, prompts = toy.build(painter.CONFIG), painter.Prompts(rng)
    painter.measure_patches(parts["vae"], pictures)
    painter.learn_to_finish(parts["vae"], pictures, budget.finish)
    painter.learn_to_read(parts["text"], prompts, scenes, budget.read)
    for better in painter.learn_to_paint(parts, prompts, pictures, scenes, budget.paint):
        painter.save(better, toy.WEIGHTS)
        report([random_scene(rng) for _ in range(200)])


def report(scenes: list[Scene]) -> None:
    reader, pipeline = Reader(), toy.load()
    for form in (tag_line, caption):
        pictures = list(paint(pipeline, [form(scene.tags) for scene in scenes]))
        print(form.__name__, right(scenes, reader.lines(pictures)), flush=True)


if __name__ == "__main__":
    main()

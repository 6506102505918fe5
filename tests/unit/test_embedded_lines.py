"""Prompt lines without ComfyUI: what diffusers paints of them, in batches and alone."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("diffusers")

from models import tiny_diffusers

from resonance.drive.driver import Ended, drive
from resonance.drive.embedded import line_prompts, long_prompts
from resonance.drive.embedded.engine import Embedded, Setup
from resonance.drive.embedded.painter import Painter, Painting
from resonance.drive.job import Job
from resonance.drive.session import Jobs, opened
from resonance.files.store import encode_png
from resonance.paint.request import Request, read_parameters
from resonance.paint.shots import Widgets
from resonance.session.fill.asked_lines import AskedLines
from resonance.session.item import Item
from resonance.session.made import Made
from resonance.session.query import read_round

TOY = Painting(model="toyworld", device="cpu")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_diffusers.stable_diffusion(folder / "checkpoints" / "a")
    tiny_diffusers.stable_diffusion_xl(folder / "checkpoints" / "xl")
    return folder


class Counting(Embedded):
    """Notes how many lines each run was asked for, and how many it made."""

    def __init__(self, painting: Painting) -> None:
        super().__init__(Setup(painting=painting))
        self.runs: list[tuple[int, int]] = []

    async def make(self, job: Job, run: str) -> Made:
        made = await super().make(job, run)
        self.runs.append((len(job.batch), len(made.batch)))
        return made


def driven(
    base: Path, painting: Painting, text: str, batch_size: int, **more: Any
) -> tuple[Ended, list[tuple[int, int]], list[Image.Image]]:
    """How it ended, what the runs were, and the pictures in the order of the lines."""
    folder = base / "output" / f"s{batch_size}"
    fill = AskedLines(
        text=text,
        folder=folder,
        widgets=Widgets(width=64, height=64, steps=4, scale=2.0, strength=0.8 if more.get("pictures") else None),
        roots={"input": base / "input"},
        text_roots={},
        wildcard_roots=[base / "wildcards"],
        nodes=None,
        note=lambda text: None,
        **more,
    )
    engine = Counting(painting)

    async def work() -> Ended:
        try:
            return await drive(chain, Jobs(chain), [engine], lambda *_, **__: None, batch_size=batch_size)
        finally:
            await engine.close()

    chain = opened(folder, fill, 5)
    try:
        ended = asyncio.run(work())
    finally:
        chain.close()
    files = [file for item in read_round(folder, 1)[1] for file in item["files"]]
    return ended, engine.runs, [Image.open(folder / file) for file in files]


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


LINES = f"""
red --d 1
(blue:1.3) the --d 2 --n green
a BREAK [green] --d 3
{"castle, " * 20} --d 4 --n {"ugly, " * 20}
red --d 5 --w 96 --h 72 --s 6 --l 3
blue --d 6 --w 96 --h 72 --s 6 --l 3
green --l 1
"""


@pytest.mark.parametrize("model", ["a", "xl"])
def test_a_batch_is_what_each_line_is_alone(models: Path, tmp_path: Path, model: str):
    painting = Painting(model=model, models=models, device="cpu", sampler="euler_ancestral")
    ended, runs, together = driven(tmp_path, painting, LINES, 4)
    assert ended == Ended("finished", "", 7) and [asked for asked, _ in runs] == [made for _, made in runs] == [4, 2, 1]
    ended, runs, alone = driven(tmp_path, painting, LINES, 1)
    assert ended.done == 7 and runs == [(1, 1)] * 7
    assert [image.size for image in together] == [(64, 64)] * 4 + [(96, 72)] * 2 + [(64, 64)]
    for a, b in zip(together, alone, strict=True):
        assert np.abs(pixels(a) - pixels(b)).max() <= 1, a.info["parameters"]
    said = read_parameters(together[1].info["parameters"])
    assert (said.prompt, said.negative, said.seed) == ("(blue:1.3) the", "green", 2)
    said = read_parameters(together[4].info["parameters"])
    assert (said.size, said.steps, said.cfg, said.seed) == ((96, 72), 6, 3.0, 5)
    known = Item.from_json(together[3].info["resonance"])
    assert known.seed == 4 and known.payload.steps == 4


def test_lines_of_too_different_lengths_are_painted_in_batches_of_their_own(models: Path, tmp_path: Path):
    long = " BREAK ".join(["red"] * 5)
    painting = Painting(model="a", models=models, device="cpu")
    ended, runs, _ = driven(tmp_path, painting, f"red\nblue\n{long}\n{long}", 4)
    assert ended.done == 4 and runs == [(4, 2), (2, 2)]


@pytest.mark.parametrize("model", ["a", "xl"])
def test_a_plain_line_is_what_everything_else_paints_of_these_words(models: Path, model: str):
    painter = Painter(Painting(model=model, models=models, device="cpu"))
    for negative in ("", "ugly"):
        request = Request(prompt="a red cat", negative=negative, seed=5, size=(64, 64), steps=2, cfg=4.0)
        [line] = painter.paint_lines([request])
        assert np.abs(pixels(line.pictures[0]) - pixels(painter.paint(request).pictures[0])).max() <= 1


@pytest.mark.parametrize("model", ["a", "xl"])
def test_a_weight_multiplies_the_vectors_of_its_words(models: Path, model: str):
    pipeline = Painter(Painting(model=model, models=models, device="cpu")).load().pipeline
    pairs = [line_prompts.read_pair(pipeline, text, "") for text in ("red (cat:1.5) BREAK dog", "red cat BREAK dog")]
    said = line_prompts.encode(pipeline, pairs, guided=True)
    weighed, plain = said["prompt_embeds"].double()
    assert weighed.shape[0] == 2 * 77
    first = slice(0, weighed.shape[1] if model == "a" else 16)  # XL's encoders are weighed each by itself
    ratio = (weighed / plain)[:, first].mean(1)
    cat = [4, 5, 6]  # begin, r, e, d, c, a, t: a letter is a token
    rest = [place for place in range(len(ratio)) if place not in cat]
    assert ratio[cat] / ratio[rest[0]] == pytest.approx([1.5] * 3, rel=1e-3)
    assert ratio[rest] / ratio[rest[0]] == pytest.approx([1.0] * len(rest), rel=1e-3)
    assert ("pooled_prompt_embeds" in said) == (model == "xl")


def test_words_weights_and_negatives_act_and_each_line_has_its_seed(tmp_path: Path):
    text = """
large, red, circle, center, blue background --d 1
large, green, square, center, white background --d 1
large, (red:2), circle, center, blue background --d 1
large, [red], circle, center, blue background --d 1
large, circle, center, blue background --d 1
large, circle, center, blue background --d 1 --n red
large, circle, center, blue background --d 2
large, circle, center, blue background --d 2
"""
    _, runs, made = driven(tmp_path, TOY, text.replace("--d", "--s 12 --d"), 8)
    assert runs == [(8, 8)]
    center = [pixels(image)[28:36, 28:36].mean((0, 1)) for image in made]
    corner = [pixels(image)[:6, :6].mean((0, 1)) for image in made]
    assert center[0].argmax() == 0 and corner[0].argmax() == 2
    assert center[1].argmax() == 1 and corner[1].min() > 200
    redness = [each[0] - each[1] for each in center]
    assert redness[2] > redness[0] + 10 > redness[3] + 5, "what weighs more is painted more"
    assert center[5][1] > center[4][1] + 60, "less red than without --n"
    assert np.abs(pixels(made[6]) - pixels(made[7])).max() <= 1 < np.abs(pixels(made[4]) - pixels(made[6])).max()


def test_white_of_a_mask_is_painted_anew_and_black_stays_exactly(tmp_path: Path):
    for folder, images in {
        "p": [Image.new("RGB", (32, 32), colour) for colour in ("blue", "yellow")],
        "m": [Image.new("L", (64, 64))],
    }.items():
        (tmp_path / "input" / folder).mkdir(parents=True)
        for number, image in enumerate(images):
            if folder == "m":
                image.paste(255, (0, 0, 32, 64))
            (tmp_path / "input" / folder / f"{number}.png").write_bytes(encode_png(image, {}))
    text = "large, red, circle, left --s 12 --d 1\nlarge, red, circle, left --s 12 --d 2\nblue --s 12 --t 0.01 --d 3"
    both = [driven(tmp_path, TOY, text, size, pictures="p", masks="m") for size in (2, 1)]
    assert [runs for _, runs, _ in both] == [[(2, 2), (1, 1)], [(1, 1)] * 3]
    for made, alone, colour in zip(both[0][2], both[1][2], ((0, 0, 255), (255, 255, 0), (0, 0, 255)), strict=True):
        assert np.abs(pixels(made) - pixels(alone)).max() <= 1
        assert (pixels(made)[:, 34:] == colour).all()
    for made, colour in zip(both[0][2][:2], ((0, 0, 255), (255, 255, 0)), strict=True):
        assert np.abs(pixels(made)[24:40, 8:24] - colour).mean() > 30
    assert "Denoising strength: 0.8" in both[0][2][0].info["parameters"]


def test_a_model_that_reads_no_weights_gets_the_bare_words_one_at_a_time(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(long_prompts, "FAMILIES", ())
    painting = Painting(model="a", models=models, device="cpu")
    ended, runs, made = driven(tmp_path, painting, "(red:1.3) cat --d 1\nred cat --d 1\n[red] cat --d 1", 2)
    assert ended.done == 3 and runs == [(2, 1), (2, 1), (1, 1)]
    assert np.array_equal(pixels(made[0]), pixels(made[1])) and np.array_equal(pixels(made[0]), pixels(made[2]))
    assert [record.message for record in caplog.records if record.name.endswith("painter")] == [
        "a paints one picture at a time",
        "a reads no weights and no BREAK: they are left out of the prompts",
    ]
    assert made[0].info["parameters"].startswith("(red:1.3) cat\n")


def test_what_a_choice_brings_is_refused_when_it_is_painted(models: Path, tmp_path: Path):
    painting = Painting(model="a", models=models, device="cpu")
    (tmp_path / "wildcards").mkdir()
    (tmp_path / "wildcards" / "w.txt").write_text("red AND blue\n")
    ended, _, made = driven(tmp_path, painting, "a\n__w__", 1)
    assert ended.done == 1 and len(made) == 1
    [item] = [item for item in read_round(tmp_path / "output" / "s1", 1)[1] if item["state"] == "failed"]
    assert "AND stands between the prompts of several regions, and only ComfyUI paints them" in item["error"]

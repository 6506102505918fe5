"""The painter without ComfyUI: requests with and without a picture to start from, and transforms of one picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from models import tiny_diffusers
from PIL import Image

pytest.importorskip("diffusers")

from resonance import images
from resonance.drive.embedded import pipelines
from resonance.drive.embedded.painter import Painter, Painting
from resonance.files.store import encode_png
from resonance.paint.request import PictureFile, Request, of_call, parameters, read_parameters
from resonance.told import Told
from resonance.toyworld.scenes import Scene, draw, tag_line
from resonance.vary.color import Anchored
from resonance.vary.lab import to_lab
from resonance.vary.transform import Call, Pair, Transform
from resonance.vary.walk import Colors, Picture, walk

SCENE = Scene("large", "red", "circle", "left", "green")
OTHER = tag_line(Scene("large", "red", "circle", "left", "blue").tags)

STRENGTHS = (0.02, 0.29, 0.35, 0.55, 0.57, 0.58, 0.7, 1.0)
"""Among them those that floor(strength x 50) gets wrong in floating point."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_diffusers.stable_diffusion(folder / "checkpoints" / "sd")
    tiny_diffusers.stable_diffusion_xl(folder / "checkpoints" / "xl")
    return folder


@pytest.fixture(scope="module", params=["toyworld", "sd", "xl"])
def painter(request: pytest.FixtureRequest, models: Path) -> Painter:
    return Painter(Painting(model=request.param, models=models, device="cpu"))


@pytest.fixture(scope="module")
def toy() -> Painter:
    return Painter(Painting(model="toyworld", device="cpu"))


@pytest.fixture
def start() -> PictureFile:
    return file(Image.fromarray(draw(SCENE, np.random.default_rng(0))))


def file(image: Image.Image) -> PictureFile:
    return PictureFile("start.png", encode_png(image, {}))


def paint(painter: Painter, request: Request) -> np.ndarray[Any, Any]:
    [picture] = painter.paint(request).pictures
    return np.asarray(picture)


def varied(start: PictureFile, strength: float = 0.5, **more: Any) -> Request:
    return Request(prompt=OTHER, seed=5, steps=20, cfg=2.0, start=start, strength=strength, **more)


def pixels(start: PictureFile) -> np.ndarray[Any, Any]:
    with Image.open(BytesIO(start.data)) as image:
        return np.asarray(image)


def apart(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@contextmanager
def counted(painter: Painter) -> Iterator[list[int]]:
    """How many pictures the denoiser was given in each call."""
    calls = list[int]()
    unet = painter.load().pipeline.unet
    hook = unet.register_forward_pre_hook(lambda module, given: calls.append(len(given[0])))
    yield calls
    hook.remove()


# From a picture


def test_a_weak_strength_changes_less_than_a_strong_one(painter: Painter, start: PictureFile) -> None:
    before = pixels(start)
    weak, strong = (apart(paint(painter, varied(start, strength)), before) for strength in (0.3, 0.8))
    assert weak < strong


def test_seed_and_number_of_the_noise_decide(painter: Painter, start: PictureFile) -> None:
    request = varied(start)
    once, again, second, seed = (
        paint(painter, each) for each in (request, request, replace(request, noise_number=2), replace(request, seed=6))
    )
    assert np.array_equal(once, again)
    assert not np.array_equal(once, second) and not np.array_equal(once, seed) and not np.array_equal(second, seed)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_noise_is_the_numbered_draw_and_the_latent_the_likeliest(
    models: Path, start: PictureFile, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import DDIMScheduler

    seen = list[tuple[torch.Tensor, torch.Tensor]]()
    add_noise = DDIMScheduler.add_noise

    def spy(self: Any, latent: torch.Tensor, noise: torch.Tensor, times: Any) -> torch.Tensor:
        seen.append((latent, noise))
        return add_noise(self, latent, noise, times)

    monkeypatch.setattr(DDIMScheduler, "add_noise", spy)
    painter = Painter(Painting(model="sd", models=models, device="cpu"))
    painter.paint(varied(start, noise_number=number))
    [(latent, noise)] = seen
    generator = torch.Generator().manual_seed(5)
    draws = [torch.randn(1, 4, 8, 8, generator=generator) for _ in range(number)]
    assert torch.equal(noise, draws[-1])
    vae = painter.load().pipeline.vae
    with torch.no_grad():
        given = images.to_tensor(Image.fromarray(pixels(start))).movedim(-1, 1) * 2 - 1
        likeliest = vae.encode(given).latent_dist.mode() * vae.config.scaling_factor
    assert torch.equal(latent, likeliest)


def test_the_number_of_the_noise_counts_without_a_picture_too(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Painter(Painting(model="sd", models=models, device="cpu"))
    request = Request(prompt="cat", seed=5, steps=2, noise_number=2)
    latents = list[torch.Tensor]()
    pipeline = painter.load().pipeline
    kept = pipeline.prepare_latents
    monkeypatch.setattr(pipeline, "prepare_latents", lambda *args: latents.append(kept(*args)) or latents[0])
    painter.paint(request)
    generator = torch.Generator().manual_seed(5)
    draws = [torch.randn(1, 4, 8, 8, generator=generator) for _ in range(2)]
    assert torch.equal(latents[0], draws[1])


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_denoiser_is_called_for_the_steps_of_the_pair(
    painter: Painter, start: PictureFile, strength: float
) -> None:
    with counted(painter) as calls:
        painter.paint(replace(varied(start, strength), steps=50))
    assert len(calls) == Pair(2.0, strength).steps


def test_the_steps_are_right_however_a_pipeline_rounds() -> None:
    down = SimpleNamespace(_execution_device=None, get_timesteps=lambda n, s, _: (None, min(int(n * s), n)))
    up = SimpleNamespace(
        _execution_device=None, get_timesteps=lambda n, s, _: (None, n - int(max(n - min(n * s, n), 0)))
    )
    for steps in range(1, 151):
        for run in range(1, steps + 1):
            for pipeline in (down, up):
                strength = pipelines.strength_for(pipeline, run, steps)
                assert 0 < strength <= 1 and pipeline.get_timesteps(steps, strength, None)[1] == run


def test_outside_the_mask_the_picture_stays_exactly(painter: Painter, start: PictureFile) -> None:
    levels = np.zeros((64, 64), np.uint8)
    levels[:, 24:32], levels[:, 32:] = 128, 255
    mask = PictureFile("mask.png", encode_png(Image.fromarray(levels), {}))
    before, whole = pixels(start), paint(painter, varied(start, 0.9))
    masked = paint(painter, varied(start, 0.9, mask=mask))
    assert np.array_equal(masked[levels == 0], before[levels == 0])
    assert np.array_equal(masked[levels == 255], whole[levels == 255])
    half = before[levels == 128] + (whole[levels == 128].astype(float) - before[levels == 128]) * 128 / 255
    assert np.abs(masked[levels == 128] - half).max() <= 1


def test_a_start_picture_is_cut_down_to_sides_of_32_or_gets_the_size_that_is_asked_for(models: Path) -> None:
    painter = Painter(Painting(model="sd", models=models, device="cpu"))
    odd = varied(file(Image.new("RGB", (100, 75), "red")), 0.1)
    assert painter.paint(odd).pictures[0].size == (96, 64)
    assert painter.paint(replace(odd, size=(32, 48))).pictures[0].size == (32, 48)


def test_words_lead_the_toy_world_from_one_picture_to_another(toy: Painter, start: PictureFile) -> None:
    corner = (slice(-8, None), slice(-8, None))
    before, weak, strong = (
        each[corner].reshape(-1, 3).mean(0)
        for each in (pixels(start), *(paint(toy, varied(start, s)) for s in (0.1, 0.95)))
    )
    assert before[1] > before[2] + 40 and weak[1] > weak[2] + 20  # green
    assert strong[2] > strong[1] + 40  # blue


# What was taken


def test_what_was_taken_comes_back_from_the_parameters(toy: Painter, start: PictureFile) -> None:
    request = Request(prompt=OTHER, seed=5, start=start)
    painted = toy.paint(request)
    assert painted.request == replace(request, size=(64, 64), steps=12, cfg=2.0, sampler="ddim", checkpoint="toyworld")
    assert painted.facts == {"scale": 2.0, "steps": 12}
    text = parameters(painted.request)
    assert text.endswith("Steps: 12, Sampler: DDIM, CFG scale: 2.0, Seed: 5, Size: 64x64, Model: toyworld")
    read = replace(read_parameters(text), start=start)
    assert np.array_equal(paint(toy, read), np.asarray(painted.pictures[0]))


def test_a_request_chooses_its_sampler_and_the_next_one_has_the_models_own_again(toy: Painter) -> None:
    plain = Request(prompt=OTHER, seed=5, steps=6)
    euler = replace(plain, sampler="euler")
    first, other, karras, again = (
        paint(toy, each) for each in (plain, euler, replace(euler, scheduler="karras"), plain)
    )
    assert np.array_equal(first, again)
    assert len({each.tobytes() for each in (first, other, karras)}) == 3


# What is told


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start": PictureFile("x.png")}, "only names 'x.png'"),
        ({"start": PictureFile("x.png", b"no picture")}, "x.png is not a picture that can be read"),
        ({"strength": 0.01}, "less than one of 20 steps"),
        ({"sampler": "best"}, "There is no sampler 'best' without ComfyUI. There are: ddim,"),
        ({"scheduler": "best"}, "There is no scheduler 'best' without ComfyUI. There are: normal,"),
        ({"scheduler": "karras"}, "DDIMScheduler has no schedule 'karras'"),
    ],
)
def test_what_cannot_be_painted_is_told(toy: Painter, start: PictureFile, change: dict[str, Any], says: str) -> None:
    with pytest.raises(Told, match=says):
        toy.paint(replace(varied(start), **change))


def test_a_model_that_cannot_start_from_a_picture_is_named(start: PictureFile, monkeypatch: pytest.MonkeyPatch) -> None:
    class OddPipeline:
        scheduler = SimpleNamespace()
        config: dict[str, Any] = {}

    loaded = pipelines.Loaded(OddPipeline(), 4, 2.0, 64)
    monkeypatch.setattr(pipelines, "load", lambda *_: loaded)
    with pytest.raises(Told, match=r"toyworld \(OddPipeline\) cannot start from a picture"):
        Painter(Painting(model="toyworld", device="cpu")).paint(varied(start))


# A transform

CHAIN = Transform((Pair(2, 0.5), Pair(2, 0.4)), chained=True, save_middle=True, loop_to_loop=True, iterations=2)
COLORS = Colors(Anchored())


class Calls:
    """What a transform asks the painter for."""

    def __init__(self, painter: Painter) -> None:
        self.painter, self.requests = painter, list[Request]()

    def __call__(self, call: Call, picture: Picture) -> Picture:
        plain = Request(prompt=OTHER, seed=0)
        self.requests.append(of_call(plain, call, file(images.from_tensor(picture)[0])))
        return images.to_tensor(self.painter.paint(self.requests[-1]).pictures[0])


def mean_color(picture: Picture) -> torch.Tensor:
    return to_lab(picture.reshape(-1, 3))[1:].mean(1)


def test_a_chain_with_anchored_colour_is_walked_without_comfyui(toy: Painter, start: PictureFile) -> None:
    first = images.to_tensor(Image.fromarray(pixels(start)))
    calls = Calls(toy)
    kept = [each.picture for each in walk(first, CHAIN, 7, calls, COLORS)]
    assert [(r.noise_number, r.strength, r.cfg, r.steps) for r in calls.requests] == [
        (1, 0.5, 2, 50),
        (2, 0.4, 2, 50),
    ] * 2
    assert [r.seed == 7 for r in calls.requests] == [True, True, False, False]
    # Each starts from the picture before, as its file has it.
    starts = [images.to_tensor(Image.fromarray(pixels(r.start))) for r in calls.requests if r.start]
    assert all(torch.equal(one, other) for one, other in zip(starts, [first, *kept[:-1]], strict=True))

    # The words ask for another ground. Anchored, the colours stay; without, they go.
    drifted = [each.picture for each in walk(first, CHAIN, 7, Calls(toy))]
    before = mean_color(first)
    held, gone = ((mean_color(pictures[-1]) - before).norm() for pictures in (kept, drifted))
    assert held < gone / 2


def test_a_walk_goes_on_where_it_was_left(toy: Painter, start: PictureFile) -> None:
    first = images.to_tensor(Image.fromarray(pixels(start)))
    whole = {(each.call.loop, each.call.number): each.picture for each in walk(first, CHAIN, 7, Calls(toy), COLORS)}
    there = dict(list(whole.items())[:2])
    calls = Calls(toy)
    again = [*walk(first, CHAIN, 7, calls, COLORS, lambda call: there.get((call.loop, call.number)))]
    assert len(calls.requests) == 2 and [each.new for each in again] == [False, False, True, True]
    assert all(torch.equal(each.picture, whole[each.call.loop, each.call.number]) for each in again)

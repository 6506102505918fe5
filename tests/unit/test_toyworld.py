"""The toy world: what its painter paints and what its tagger reads there."""

import socket
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom

pytest.importorskip("diffusers")

from resonance.toyworld import painter
from resonance.toyworld.scenes import Scene, agreement, caption, draw, random_scene, tag_line
from training.measure import HOME, Reader, paint, right

FIRST = Scene("large", "red", "circle", "left", "blue")


def some_scenes(count: int, seed: int) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [random_scene(rng) for _ in range(count)]


def pictures(few: int, many: int) -> Any:
    """A few pictures, and in `nox -s long` as many as the share is to be believed from."""
    return pytest.mark.parametrize(("count", "many"), [(few, many), pytest.param(many, many, marks=pytest.mark.long)])


def least(share: float, count: int, many: int) -> float:
    """The share itself of many pictures; of few, what 99 of 100 painters with this share reach."""
    return share if count == many else float(binom.ppf(0.01, count, share)) / count


def drawings(scenes: list[Scene]) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(draw(scene, rng)) for scene in scenes]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return painter.load()


def test_painter_and_tagger_are_small() -> None:
    files = [painter.WEIGHTS, *(HOME / "tagger").iterdir()]
    assert sum(file.stat().st_size for file in files) < 4_000_000


def test_both_load_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    Reader()
    painter.load()


def test_a_scene_is_put_into_words_in_two_ways() -> None:
    assert tag_line(FIRST.tags) == "large, red, circle, left, blue background"
    assert caption(FIRST.tags) == "a large red circle on the left, blue background"
    assert caption(("", "", "", "top", "")) == "a shape at the top"
    assert agreement(FIRST, ["red", "white", "circle", "blue background"]) == {
        "size": False,
        "color": False,
        "shape": True,
        "place": False,
        "background": True,
    }


def test_the_tagger_reads_drawn_scenes(reader: Reader) -> None:
    scenes = some_scenes(300, seed=11)
    share = right(scenes, reader.lines(drawings(scenes)))
    assert min(share[kind] for kind in ("color", "background", "place", "size")) >= 0.99, share
    assert share["shape"] >= 0.97, share


@pictures(24, 100)
@pytest.mark.parametrize("put", [tag_line, caption])
def test_pictures_follow_their_words(put: Any, count: int, many: int, pipeline: Any, reader: Reader) -> None:
    scenes = some_scenes(count, seed=12)
    painted = list(paint(pipeline, [put(scene.tags) for scene in scenes]))
    assert {picture.size for picture in painted} == {(painter.SIZE, painter.SIZE)}
    share = right(scenes, reader.lines(painted))
    assert min(share["color"], share["background"]) >= least(0.95, count, many), share
    assert min(share["shape"], share["place"]) >= least(0.85, count, many), share


@pictures(8, 30)
def test_words_come_back_round_after_round(count: int, many: int, pipeline: Any, reader: Reader) -> None:
    scenes = some_scenes(count, seed=13)
    lines = reader.lines(drawings(scenes))
    for seed in range(3):
        lines = reader.lines(list(paint(pipeline, lines, seed)))
    share = right(scenes, lines)
    assert min(share["color"], share["background"]) >= least(0.9, count, many), share
    assert min(share["shape"], share["place"]) >= least(0.75, count, many), share


def test_words_that_the_painter_does_not_know_change_little(pipeline: Any, reader: Reader) -> None:
    scenes = some_scenes(20, seed=14)
    prompts = [f"masterpiece, {tag_line(scene.tags)}, watercolor" for scene in scenes]
    share = right(scenes, reader.lines(list(paint(pipeline, prompts))))
    assert min(share["color"], share["background"]) >= 0.9, share


def test_the_same_seed_paints_the_same_picture(pipeline: Any) -> None:
    once, again, other = (np.asarray(next(paint(pipeline, [tag_line(FIRST.tags)], seed))) for seed in (5, 5, 6))
    assert (once == again).all()
    assert (once != other).any()

"""Requests as graphs in the real ComfyUI: what they paint is what the Vary node and graphs by hand paint."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resonance.paint.comfy_graph import SAVER, Links, sampled, saved, to_graph
from resonance.paint.request import PictureFile, Request, of_call
from resonance.roulette import DrawnLora
from resonance.vary.transform import Pair, Transform, calls

from .comfy import Comfy, node
from .conftest import server
from .graphs import output
from .paint import paint
from .varying import Pixels, apart, forget, pictures, put, read, recorded, vary

BASE = Request(
    prompt="a red picture",
    seed=5,
    sampler="ddim",
    scheduler="ddim_uniform",
    start=PictureFile("start.png"),
    checkpoint="tiny_sd15.safetensors",
)


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("paint"), models, "probe", "patches", "calls") as comfy:
        put(comfy)
        yield comfy


def painted(comfy: Comfy, graph: dict[str, Any]) -> Pixels:
    [entry] = comfy.run(graph)[SAVER]["images"]
    return read(comfy.base / entry["type"] / entry["subfolder"] / entry["filename"])


def mask(comfy: Comfy) -> Pixels:
    """The right half of ``mask.png`` is white, what is next to it grey."""
    levels = np.zeros((64, 64), np.uint8)
    levels[:, 24:32] = 128
    levels[:, 32:] = 255
    Image.fromarray(levels).save(comfy.base / "input" / "mask.png")
    return levels


PROGRAM = {"program": "6@.35 7@.58"}
CALLS = tuple(calls(Transform((Pair(6, 0.35), Pair(7, 0.58)), iterations=1), 5))
"""The same: two parallel calls, with the first and the second noise of a seed."""


@pytest.mark.parametrize("masked", [pytest.param(False, marks=pytest.mark.long), True], ids=["whole", "masked"])
def test_on_the_links_of_a_workflow_the_calls_are_those_of_its_vary_node(comfy: Comfy, masked: bool) -> None:
    levels, before = mask(comfy), read(comfy.base / "input" / "start.png")
    nodes = {"mask": node("LoadImageMask", image="mask.png", channel="red")}
    workflow = vary(PROGRAM, iterations=1, nodes=nodes, **({"mask": ["mask", 0]} if masked else {}))
    forget(comfy)
    expected = pictures(comfy, comfy.run(workflow))
    by_node = recorded(comfy)

    theirs = {id_: workflow[id_] for id_ in ("load", "record", "positive", "negative")}
    links = Links(*(workflow["vary"]["inputs"][name] for name in Links._fields))
    base = replace(BASE, checkpoint=None, mask=PictureFile("mask.png") if masked else None)
    forget(comfy)
    made = list[Pixels]()
    for call in CALLS:
        request = of_call(base, call, PictureFile("start.png"))
        made.append(painted(comfy, saved(*sampled(theirs, links, request), rounded=True)))
    # Start picture, noise, schedule and decoded picture, to the byte.
    assert [each["what"] for each in by_node].count("decode") == 2
    assert alike_calls(recorded(comfy)) == alike_calls(by_node)
    for one, other in zip(made, expected, strict=True):
        same_but_for_float32(one, other)
    assert apart(*made) > 1
    if masked:
        for one in made:
            assert np.array_equal(one[levels == 0], before[levels == 0])
            assert apart(one[levels == 255], before[levels == 255]) > 5


def alike_calls(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the encoding, which ComfyUI does once for calls that start from one picture."""
    return [each for each in events if each["what"] != "encode"]


def same_but_for_float32(one: Pixels, other: Pixels) -> None:
    """Equal to the byte, but for values that lie on a half, see :func:`resonance.paint.comfy_graph.saved`."""
    off = np.abs(one.astype(int) - other)
    assert off.max() <= 1 and (off > 0).mean() < 0.001


def test_a_whole_graph_is_a_call_of_the_vary_node_too(comfy: Comfy) -> None:
    expected = pictures(comfy, comfy.run(vary(PROGRAM, iterations=1)))
    for call, picture in zip(CALLS, expected, strict=True):
        same_but_for_float32(painted(comfy, to_graph(of_call(BASE, call, PictureFile("start.png")), "x")), picture)


def test_a_start_picture_of_another_size_is_resized(comfy: Comfy) -> None:
    small = painted(comfy, to_graph(replace(BASE, size=(32, 48), steps=50, cfg=2.0, strength=0.04)))
    assert small.shape == (48, 32, 3)


@pytest.mark.parametrize("number", [1, 3])
def test_text_to_image_is_the_graph_that_one_would_write_by_hand(comfy: Comfy, number: int) -> None:
    by_hand = paint(
        "tiny_sd15", "a red picture", "blurry", cfg=2.0, seed=7, batch=number, loader="CheckpointLoaderSimple"
    )
    if number > 1:
        by_hand["pick"] = node("LatentFromBatch", samples=["latent", 0], batch_index=number - 1, length=1)
        by_hand["sampler"]["inputs"]["latent_image"] = ["pick", 0]
    by_hand["save"] = node("SaveImage", images=["decode", 0], filename_prefix="hand")
    [entry] = comfy.run(by_hand)["save"]["images"]
    expected = read(output(comfy) / entry["filename"])
    request = replace(
        BASE,
        negative="blurry",
        start=None,
        size=(64, 64),
        steps=4,
        cfg=2.0,
        sampler="euler",
        scheduler="normal",
        seed=7,
        noise_number=number,
    )
    assert np.array_equal(painted(comfy, to_graph(request)), expected)


def test_the_loras_of_a_request_act(comfy: Comfy) -> None:
    request = replace(BASE, start=None, size=(64, 64), steps=4, cfg=1.0, sampler="euler", scheduler="normal")
    swapped = replace(request, prompt="red", loras=(DrawnLora("tiny_lora.safetensors", 1.0, 0.0),))
    red, blue = (painted(comfy, to_graph(each)).mean((0, 1)) for each in (replace(request, prompt="red"), swapped))
    assert red[0] > red[2] + 40 and blue[2] > blue[0] + 40

"""A picture for each region of a canvas in a real ComfyUI: it acts where its region is, with every method."""

import os
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resonance.canvas.canvas import Canvas, RegionPicture
from resonance.canvas.listing import write

from .comfy import Comfy, RunFailed, node
from .graphs import COLOURS, listening
from .paint import CLIP, Look, hue, look, paint
from .referring import plain, refer, vision, words
from .regional import (
    AVERAGE,
    COUPLE,
    LEFT,
    METHODS,
    OMOST,
    OVERLAY,
    PAPER,
    RIGHT,
    layout,
    pictures,
    place,
    region,
    with_the_rest,
)
from .test_reference_ways import CHECKPOINTS, GIVEN, base
from .test_region_lora import these

LOOK = ["reference", 3]
"""What Reference Picture puts out for Regions."""


@pytest.fixture(scope="module", autouse=True)
def folder(comfy: Comfy, reference: Path) -> Path:
    folder = comfy.base / "input" / "canvases"
    folder.mkdir(parents=True)
    for name, colour in COLOURS.items():
        Image.new("RGB", (64, 64), colour).save(folder / f"{name}.png")
    return folder


def pictured(name: str, strength: float = 1.0) -> RegionPicture:
    return RegionPicture(f"canvases/{name}.png", strength)


BOTH = layout(region("the", LEFT, picture=pictured("red")), region("green", RIGHT))
"""A picture on the left, a word on the right."""


def nodes(canvas: Canvas, method: str, checkpoint: str = "sd15", **inputs: Any) -> dict[str, Any]:
    """Nodes that bind a canvas, with what looks at its pictures."""
    adapter = f"tiny_plus_{checkpoint}.safetensors"
    return {
        **place(canvas, method, **{"reference": LOOK, **inputs}),
        **plain("blue"),
        "vision": vision("tiny_vit_h"),
        "words": words(),
        "reference": refer(["words", 0], ["blue", 0], strength=0.0, adapter=adapter, clip_vision=["vision", 0]),
    }


def graph(canvas: Canvas, method: str, checkpoint: str = "sd15", **sampling: Any) -> dict[str, Any]:
    ours = {"model": ["regions", 0], "nodes": nodes(canvas, method, checkpoint), **sampling}
    return paint(f"tiny_{checkpoint}", ["regions", 1], ["regions", 2], **ours)


def made(comfy: Comfy, canvas: Canvas, method: str, **sampling: Any) -> Look:
    return look(comfy.run(graph(canvas, method, **sampling)))[0]


@pytest.mark.parametrize(
    ("method", "checkpoint", "cfg"),
    with_the_rest(
        [
            (COUPLE, "sd15", 1.0),
            (OMOST, "sd15", 2.0),
            (PAPER, "sd15", 1.0),
            (OVERLAY, "sd15", 2.0),
            (AVERAGE, "sd15", 1.0),
        ],
        product(METHODS, ("sd15", "sdxl"), (1.0, 2.0)),
    ),
)
def test_a_picture_acts_in_its_region_and_a_word_in_the_other(comfy: Comfy, method: str, checkpoint: str, cfg: float):
    picture = made(comfy, BOTH, method, checkpoint=checkpoint, cfg=cfg)
    red, _, blue = picture.left
    assert red > 150 and blue < 100 and hue(picture.right) == "green"


@pytest.mark.parametrize("method", these(COUPLE, OVERLAY))
def test_the_picture_of_the_global_region_acts_everywhere(comfy: Comfy, method: str):
    """That of a region without weight nowhere."""
    whole = replace(layout().whole, picture=pictured("red"))
    picture = made(comfy, Canvas((whole, region("the", LEFT, picture=pictured("blue"), weight=0))), method)
    assert hue(picture.left) == hue(picture.right) == "red"


@pytest.mark.parametrize("method", these(OVERLAY))
def test_strength_0_is_as_without(comfy: Comfy, method: str):
    """The file is not read, and nothing need be connected."""

    def pixels(**more: Any) -> str:
        canvas = layout(region("red", LEFT, **more), region("green", RIGHT))
        return pictures(comfy, place(canvas, method), cfg=2.0)[0].pixels

    assert pixels(picture=RegionPicture("nowhere.png", 0)) == pixels()


def test_the_picture_is_read_again_when_its_file_has_changed(comfy: Comfy, folder: Path):
    shutil.copy(folder / "red.png", folder / "mine.png")
    prompt = graph(layout(region("the", LEFT, picture=pictured("mine")), region("green", RIGHT)), COUPLE)
    assert hue(look(comfy.run(prompt))[0].left) == "red"
    again = comfy.wait(comfy.queue(prompt))
    assert {"canvas", "regions", "sampler"} <= cached(again)
    shutil.copy(folder / "blue.png", folder / "mine.png")
    os.utime(folder / "mine.png", ns=(0, 1))
    entry = comfy.wait(comfy.queue(prompt))
    assert hue(look(entry["outputs"])[0].left) == "blue"
    assert "vision" in cached(entry)


def cached(entry: dict[str, Any]) -> set[str]:
    """The nodes of a run that were not executed."""
    return {n for event, data in entry["status"]["messages"] if event == "execution_cached" for n in data["nodes"]}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "canvases/rad.png",
            r"There is no picture 'canvases/rad.png' in .*input: put the file there.*Nearest: canvases/red.png",
        ),
        ("canvases/out.png", r"'canvases/out.png' leads out of input/ through a link"),
        ("canvases/text.png", r"text.png is not a picture that can be read"),
        ("../secret.png", r"Item 1 of the list: picture is .*\.\./secret.png.*name of a picture in ComfyUI's input"),
        ("canvases", r"There is no picture 'canvases' in"),
    ],
)
def test_a_file_that_is_none_is_named_before_anything_is_sampled(comfy: Comfy, folder: Path, name: str, says: str):
    (folder / "text.png").write_text("No picture.")
    if not (folder / "out.png").is_symlink():
        Image.new("RGB", (8, 8)).save(comfy.base / "secret.png")
        (folder / "out.png").symlink_to(comfy.base / "secret.png")
    canvas = layout(region("the", LEFT, picture=RegionPicture(name)))
    with pytest.raises(RunFailed, match=says):
        made(comfy, canvas, COUPLE)


@pytest.mark.parametrize("method", [COUPLE, OVERLAY])
def test_pictures_without_anything_to_look_at_them_with_are_an_error(comfy: Comfy, method: str):
    with pytest.raises(
        RunFailed, match="a picture in region 1, and nothing to look at it with: connect reference of Regions"
    ):
        pictures(comfy, place(BOTH, method))


def test_what_looks_at_words_alone_says_that_a_picture_is_left_out(comfy: Comfy):
    ours = {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "canvas": node("ResonanceCanvas", canvas_text=write(BOTH), width=64, height=64),
        "encode": node("ResonanceEncodeCanvas", clip=CLIP, canvas=["canvas", 0]),
        "stats": node("CondStats", conditioning=["encode", 0]),
    }
    with listening(comfy, "resonance.text") as (client, heard):
        comfy.run(ours, client_id=client)
    [said] = [event["text"] for event in heard if event["node"] == "encode"]
    assert "Left out: the picture of region 1." in said


@pytest.mark.long
def test_revision_has_no_place_in_one_pass(comfy: Comfy):
    """In an area of its own it has."""

    def revised(method: str) -> Look:
        prompt = graph(BOTH, method, "sdxl", steps=2)
        eye = {"vision": vision("tiny_vit_g")}
        looking = refer(["words", 0], ["blue", 0], "Revision", strength=0.0, clip_vision=["vision", 0])
        return look(comfy.run({**prompt, **eye, "reference": looking}))[0]

    with pytest.raises(RunFailed, match="region 1 carries unclip_conditioning.*take area overlay or area average"):
        revised(COUPLE)
    assert (
        revised(OVERLAY).pixels
        != made(comfy, layout(region("the", LEFT), BOTH.locals[1]), OVERLAY, checkpoint="sdxl", steps=2).pixels
    )


@pytest.mark.long
@pytest.mark.parametrize("way", ["Redux", "reference latent"])
def test_a_transformer_looks_at_the_picture_of_an_area(comfy: Comfy, way: str):
    """Its strength counts beside a word."""

    def sides(strength: float) -> tuple[float, str]:
        canvas = layout(region("blue", LEFT, picture=pictured("red", strength)), region("green", RIGHT))
        looking = refer(["words", 0], ["blue", 0], way, strength=0.0, **GIVEN[way])
        ours = {**place(canvas, OVERLAY, reference=LOOK), **base(way), "reference": looking}
        prompt = paint(CHECKPOINTS[way], ["regions", 1], ["regions", 2], model=["regions", 0], nodes=ours)
        picture = look(comfy.run(prompt))[0]
        return picture.left[0] - picture.left[2], hue(picture.right)

    reds, others = zip(*map(sides, (0.0, 0.4, 1.0)), strict=True)
    assert reds[0] + 20 < reds[1] < reds[2] - 3, reds
    assert others == ("green",) * 3

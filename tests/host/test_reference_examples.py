"""The example workflows in which pictures are conditions, run with tiny models on plain pictures."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from examples import gen_img
from examples.reference import EXAMPLES, MODELS
from PIL import Image
from places import PACK

from .comfy import Comfy, node
from .conftest import server
from .paint import RGB, Look, look
from .small_templates import POOLED, SIDE, lay, small

SUFFIXES = (".safetensors", ".ckpt", ".pth")
long = pytest.mark.long


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, reference: Path) -> Iterator[Comfy]:
    base = tmp_path_factory.mktemp("pictures")
    lay(base / "models", reference)
    with server(base, reference, "patches") as comfy:
        for colour in ("red", "blue"):
            Image.new("RGB", (SIDE + 16, SIDE), colour).save(comfy.base / "input" / colour, "PNG")
        squares = Image.new("RGB", (SIDE, SIDE), "black")
        for x, y in product(range(0, SIDE, 16), repeat=2):
            squares.paste("white", (x, y, x + 8, y + 8))
        squares.save(comfy.base / "input" / "squares", "PNG")
        yield comfy


def made(comfy: Comfy, graph: dict[str, Any]) -> list[Look]:
    """What it saves."""
    graph["look"] = node("Stats", images=graph["31"]["inputs"]["images"])
    outputs = comfy.run(comfy.complete(graph), timeout=300)
    assert len(outputs["31"]["images"]) == len(outputs["look"]["stats"])
    return look(outputs)


def red(rgb: RGB) -> bool:
    return rgb[0] > rgb[2] + 60


def blue(rgb: RGB) -> bool:
    return rgb[2] > rgb[0] + 60


@long
def test_a_picture_is_painted_over(comfy: Comfy) -> None:
    """It is cut to the size that is painted; with little denoise its colour stays, with all of it nothing does."""
    graph = small("Picture to picture", "red")
    graph["20"]["inputs"]["denoise"] = 0.3
    [kept] = made(comfy, graph)
    graph["20"]["inputs"]["denoise"] = 1.0
    [lost] = made(comfy, graph)
    assert kept.size == lost.size == (SIDE, SIDE)
    assert red(kept.whole) and not red(lost.whole), (kept, lost)


@long
@pytest.mark.parametrize("name", ["unCLIP", "Style model", "IP-Adapter with words"])
def test_it_paints_what_the_picture_shows(comfy: Comfy, name: str) -> None:
    [first] = made(comfy, small(name, "red"))
    [second] = made(comfy, small(name, "blue"))
    assert red(first.whole) and blue(second.whole), (first, second)


def test_of_two_pictures_the_stronger_counts_more(comfy: Comfy) -> None:
    [first] = made(comfy, small("unCLIP with two pictures", "red", "blue", steps=4))
    [second] = made(comfy, small("unCLIP with two pictures", "blue", "red", steps=4))
    [alone] = made(comfy, small("unCLIP with two pictures", "blue", "blue", steps=4))
    assert red(first.whole) and blue(second.whole), (first, second)
    assert second.whole[0] > alone.whole[0] + 20, "the weaker one is seen, too"


@long
def test_revision_paints_from_pictures_alone(comfy: Comfy) -> None:
    for pictures, like in ((("red", "blue"), red), (("blue", "red"), blue)):
        graph = small("Revision", *pictures)
        graph["1"]["inputs"]["ckpt_name"] = POOLED
        [picture] = made(comfy, graph)
        assert like(picture.whole), picture


@long
def test_the_refiner_paints_over_in_another_size(comfy: Comfy) -> None:
    graph = small("unCLIP refined by SDXL", "red", "blue")
    graph["24"]["inputs"]["megapixels"] = 0.01
    [picture] = made(comfy, graph)
    assert picture.size == (96, 96) and red(picture.whole), picture


def test_style_first_and_words_later_is_neither_the_style_nor_the_words(comfy: Comfy) -> None:
    words = {"text_6": "blue"}
    [style] = made(comfy, small("Style model", "red", **words))
    [later] = made(comfy, small("Style first and words later", "red", **words))
    graph = small("Style model", "red", **words)
    graph["10"]["inputs"]["strength"] = 0.0
    [alone] = made(comfy, graph)
    assert red(style.whole) and blue(later.whole) and blue(alone.whole), (style, later, alone)
    assert later.whole[0] > alone.whole[0] + 5, "something of the picture is left"


@long
def test_four_variations_are_four_pictures_in_the_likeness_of_one(comfy: Comfy) -> None:
    for colour, like in (("red", red), ("blue", blue)):
        found = made(comfy, small("Four variations", text_5=colour))
        assert len({picture.pixels for picture in found}) == 4
        assert all(like(picture.whole) for picture in found), found


@long
def test_the_lines_of_one_picture_and_the_look_of_another(comfy: Comfy) -> None:
    """The tiny ControlNet tints with the colour of the lines, which is white. Much guidance would hide that."""
    found: list[Look] = []
    for lines in ("blue", "squares"):
        graph = small("Canny and a picture", "red", lines)
        graph["20"]["inputs"]["cfg"] = 2.0
        found += made(comfy, graph)
    plain, lined = found
    assert red(plain.whole) and red(lined.whole), found
    assert lined.whole[1] > plain.whole[1] + 10, found


def test_a_picture_pulls(comfy: Comfy) -> None:
    found: list[Look] = []
    for colour in ("red", "blue"):
        graph = small("Guided by a picture", colour, steps=3)
        graph["10"]["inputs"]["scale"] = 300.0
        graph["20"]["inputs"]["cfg"] = 1.0
        found += made(comfy, graph)
    first, second = found
    assert first.whole[0] > second.whole[0] + 20 and second.whole[2] > first.whole[2] + 20, found


def test_each_region_has_its_picture(comfy: Comfy) -> None:
    [picture] = made(comfy, small("A picture in each region", "red", "blue"))
    assert red(picture.left) and blue(picture.right), picture


# What core does


def test_a_part_is_painted_anew(comfy: Comfy) -> None:
    """The upper right; the rest stays."""
    [picture] = made(comfy, small("Inpaint", "red", text_6="blue"))
    assert red(picture.left) and picture.right[2] > picture.left[2] + 30 and picture.top[2] > picture.bottom[2] + 30


@long
def test_lines_act_as_long_as_they_are_told_to(comfy: Comfy) -> None:
    """They tint with their colour, which is white."""
    greens: list[float] = []
    for end in (0.0, 0.5, 1.0):
        graph = small("ControlNet range", "squares", text_6="red")
        graph["20"]["inputs"] |= {"cfg": 2.0, "sampler_name": "euler"}
        graph["13"]["inputs"]["end_percent"] = end
        greens.append(made(comfy, graph)[0].whole[1])
    assert greens[0] + 2 < greens[1] < greens[2] - 2, greens


@long
def test_clip_sees_the_picture_too(comfy: Comfy) -> None:
    """As strongly as it is told to; all is painted anew."""
    found: list[Look] = []
    for picture, strength in (("red", 1.0), ("blue", 1.0), ("blue", 0.0)):
        graph = small("CLIP vision strength", picture)
        graph["1"]["inputs"]["ckpt_name"] = POOLED
        graph["20"]["inputs"]["denoise"] = 1.0
        graph["10"]["inputs"]["strength"] = strength
        found += made(comfy, graph)
    first, second, none = found
    assert red(first.whole) and blue(second.whole) and not blue(none.whole), found


@pytest.mark.parametrize("name", [*EXAMPLES, *gen_img.EXAMPLES])
def test_each_file_says_where_it_is(name: str) -> None:
    """In the form in which the front end offers to fetch what is missing; and its pictures are there, and are told of."""
    workflow = json.loads((PACK / "example_workflows" / f"{name}.json").read_text())
    licences = (PACK / "example_workflows" / "LICENSES").read_text()
    told: set[str] = set()
    for part in workflow["nodes"]:
        values = [value for value in part.get("widgets_values") or () if isinstance(value, str)]
        models = part["properties"].get("models", [])
        assert [model["name"] for model in models] == [v for v in values if v.endswith(SUFFIXES)], part["type"]
        for model in models:
            assert (model["url"], model["directory"]) == MODELS[model["name"]]
            told.add(model["url"])
        if part["type"] == "LoadImage":
            assert (PACK / "example_workflows" / "pictures" / values[0]).is_file() and values[0] in licences
    [note] = [part["widgets_values"][0] for part in workflow["nodes"] if part["type"] == "MarkdownNote"]
    assert all(url in note for url in told) and "two usual mistakes" in note

"""What can lie under the regions in the editor: pictures, and where the words of a run acted."""

from pathlib import Path
from typing import Any

import pytest
from host.comfy import Comfy, node
from host.test_canvas import SEA, layout
from PIL import Image
from playwright.sync_api import Locator, expect

from .conftest import ONCE, OTHER_PAIR, PAIR
from .desk import Desk

LEFT = {"rect": [0, 90, 0, 45], "prefixes": ["red"], "suffixes": [], "color": [255, 0, 0]}
RIGHT = {"rect": [0, 90, 45, 90], "prefixes": ["blue"], "suffixes": [], "color": [0, 0, 255]}
HALVES = layout(SEA | {"prefixes": [], "suffixes": []}, LEFT, RIGHT)


@pytest.fixture
def photo(comfy: Comfy) -> Path:
    """A wide green picture in the input folder."""
    path = comfy.base / "input" / "wide.png"
    Image.new("RGB", (128, 64), "green").save(path)
    return path


def heat_graph(seed: int) -> dict[str, Any]:
    """Paints a red half and a blue one, and notes where the words acted."""
    load = node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors")
    size = {"width": 64, "height": 64}
    sampling = {"steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "seed": seed}
    words = {"positive": ["regions", 1], "negative": ["regions", 2]}
    couple = {"method.base_weight": 0.0, "method.feather": 0.0, "method.capture": "16"}
    return {
        "load": load,
        "canvas": node("ResonanceCanvas", canvas_text=HALVES, **size),
        "regions": node(
            "ResonanceRegions",
            model=["load", 0],
            clip=["load", 1],
            canvas=["canvas", 0],
            method="attention couple",
            **couple,
        ),
        "latent": node("EmptyLatentImage", batch_size=1, **size),
        "sampler": node("KSampler", model=["regions", 0], latent_image=["latent", 0], **words, **sampling),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=["load", 2]),
        "heat": node("ResonanceRegionHeat", model=["regions", 0], image=["decode", 0]),
        "save": node("PreviewImage", images=["heat", 0]),
    }


def numbered(graph: dict[str, Any]) -> dict[str, Any]:
    """The graph with numbers for ids, from 1, as the front end has them."""
    ids = {name: str(i + 1) for i, name in enumerate(graph)}

    def link(value: Any) -> Any:
        return [ids[value[0]], value[1]] if isinstance(value, list) else value

    return {
        ids[name]: {**part, "inputs": {key: link(value) for key, value in part["inputs"].items()}}
        for name, part in graph.items()
    }


def open_editor(desk: Desk) -> Locator:
    desk.page.keyboard.press("Control+Alt+e")
    return desk.page.locator("dialog[open]")


def background(desk: Desk) -> Locator:
    return desk.page.get_by_role("group", name="Background")


def choose(desk: Desk, name: str) -> None:
    background(desk).get_by_role("button", name=name, exact=True).click()


def image(desk: Desk) -> Locator:
    return desk.page.locator("dialog[open] svg image").first


@pytest.mark.one_page
@PAIR
def test_the_background_is_what_is_connected(desk: Desk, photo: Path) -> None:
    desk.load_api(
        {"1": node("ResonanceCanvas", canvas_text=HALVES, image=["2", 0]), "2": node("LoadImage", image="wide.png")}
    )
    open_editor(desk)
    choose(desk, "Connected image")
    expect(image(desk)).to_have_attribute("href", "/api/view?filename=wide.png&subfolder=&type=input")
    expect(background(desk).get_by_role("status")).to_have_text("The picture has another format and is shown whole.")
    expect(image(desk)).to_have_attribute("height", "45")
    slider = background(desk).get_by_role("slider", name="Opacity of the background")
    slider.focus()
    desk.page.keyboard.press("End")
    expect(image(desk)).to_have_attribute("opacity", "1")
    choose(desk, "None")
    expect(image(desk)).to_be_hidden()


def test_the_size_is_that_of_the_connected_image(desk: Desk, photo: Path) -> None:
    desk.load_api(
        {
            "1": node("ResonanceCanvas", canvas_text=HALVES, image=["3", 0]),
            "2": node("LoadImage", image="wide.png"),
            "3": node("ImageInvert", image=["2", 0]),
            "4": node("PreviewAny", source=["1", 3]),
        }
    )
    open_editor(desk)
    choose(desk, "Connected image")
    expect(background(desk).get_by_role("status")).to_contain_text("known only after a run")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("dialog[open]")).to_have_count(0)
    desk.run()
    expect(desk.page.locator(".resonance-preview .picture > svg")).to_have_attribute("viewBox", "0 0 180 90")
    open_editor(desk)
    choose(desk, "Connected image")
    expect(image(desk)).to_have_attribute("height", "90")
    expect(background(desk).get_by_role("status")).to_be_empty()


@ONCE
def test_the_background_is_a_file_of_ones_own(desk: Desk, photo: Path, tmp_path: Path) -> None:
    desk.load_api({"1": node("ResonanceCanvas", canvas_text=HALVES)})
    open_editor(desk)
    with desk.page.expect_file_chooser() as chooser:
        choose(desk, "File…")
    chooser.value.set_files(photo)
    desk.page.wait_for_function(
        "() => document.querySelector('dialog[open] svg image').href.baseVal.startsWith('blob:')"
    )
    broken = tmp_path / "<img src=x>.png"
    broken.write_text("no picture")
    with desk.page.expect_file_chooser() as chooser:
        choose(desk, "File…")
    chooser.value.set_files(broken)
    expect(background(desk).get_by_role("status")).to_have_text("The picture cannot be read.")


def test_the_background_is_the_last_result(desk: Desk, photo: Path) -> None:
    desk.load_api(
        {
            "1": node("ResonanceCanvas", canvas_text=HALVES),
            "2": node("LoadImage", image="wide.png"),
            "3": node("PreviewImage", images=["2", 0]),
        }
    )
    desk.run()
    open_editor(desk)
    choose(desk, "Last result")
    desk.page.wait_for_function(
        "() => document.querySelector('dialog[open] svg image').href.baseVal.includes('type=temp')"
    )


@pytest.mark.one_page
@OTHER_PAIR
def test_heat_is_shown_over_the_result(desk: Desk) -> None:
    desk.load_api(numbered(heat_graph(seed=len(desk.renderer))))
    open_editor(desk)
    choose(desk, "Heat")
    expect(background(desk).get_by_role("status")).to_contain_text("There is no heat of these regions")
    desk.page.keyboard.press("Escape")
    desk.run()
    editor = open_editor(desk)
    choose(desk, "Heat")
    maps = editor.locator("svg mask image")
    expect(maps).to_have_count(2)
    expect(image(desk)).to_have_attribute("opacity", "1")
    background(desk).get_by_label("Selected only").check()
    expect(maps).to_have_count(1)
    background(desk).get_by_role("slider", name="Opacity of the heat").focus()
    desk.page.keyboard.press("End")
    choose(desk, "Heat")
    expect(maps).to_have_count(0)

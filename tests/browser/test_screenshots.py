"""The pictures of docs/images, looked at in every test run and written by `nox -s screenshots`."""

import io
import json
import os
import re
from pathlib import Path

import pytest
from demo import PHOTOGRAPHS, photographs
from examples.canvas import LIGHTHOUSE
from fake_llm import FakeLLM
from gallery_session import make_session
from host.comfy import node
from host.graphs import output
from PIL import Image, ImageEnhance, ImageOps
from places import PACK
from playwright.sync_api import expect

from .conftest import pages
from .desk import Desk
from .editor import edit
from .gallery import Gallery
from .test_live import open_chat, start

pytestmark = [pytest.mark.long, pages("pinned-classic", "pinned-nodes2")]  # one front end is enough

FOLDER = PACK / "docs" / "images"
SESSION = "photographs"
ROUNDS = 5
ENLARGE = """() => {
    const [model, chat, text] = [1, 2, 3].map(id => app.graph.getNodeById(id))
    model.pos = [80, 100]
    chat.pos = [380, 100]
    chat.size = [440, 560]
    text.pos = [880, 100]
    app.canvas.setDirty(true, true)
}"""


def keep(desk: Desk, name: str) -> None:
    """Takes a screenshot, which is not empty; with RESONANCE_SCREENSHOTS=1 it is written."""
    desk.settle()
    with Image.open(io.BytesIO(desk.page.screenshot())) as image:
        picture = image.convert("RGB")
    assert len(picture.getcolors(picture.width * picture.height) or []) > 200
    if os.environ.get("RESONANCE_SCREENSHOTS") == "1":
        FOLDER.mkdir(parents=True, exist_ok=True)
        picture.quantize(256).save(FOLDER / f"{name}-{desk.renderer}.png", optimize=True)


def answer() -> str:
    """The lighthouse as a model writes it."""
    areas = [("on the top", "a large horizontal area"), ("on the bottom", "a large horizontal area")]
    areas += [("on the right", "a medium-sized vertical area"), ("on the bottom-left", "a small horizontal area")]
    colors = ["slategray", "darkslategray", "linen", "crimson"]
    regions = [
        {
            "location": location,
            "offset": "no offset",
            "area": area,
            "distance_to_viewer": 10 - n,
            "description": region["prefixes"][-1],
            "detailed_descriptions": region["suffixes"][:-1],
            "tags": region["suffixes"][-1],
            "atmosphere": "",
            "style": "",
            "quality_meta": "",
            "HTML_web_color_name": color,
        }
        for n, (region, (location, area), color) in enumerate(zip(LIGHTHOUSE[1:], areas, colors, strict=True))
    ]
    whole = {"description": LIGHTHOUSE[0]["prefixes"][0], "detailed_descriptions": LIGHTHOUSE[0]["suffixes"][:2]}
    whole |= {"tags": LIGHTHOUSE[0]["suffixes"][2], "HTML_web_color_name": "slategray"}
    return json.dumps({"global": whole, "regions": regions})


def photograph_session(out: Path) -> None:
    """A session whose pictures are photographs, a little more vivid in each round."""
    folder = make_session(out, SESSION, ROUNDS, 2 * sum(map(len, PHOTOGRAPHS.values())), pending=3)
    photographs(out.parent / "photographs")
    photos = [Image.open(path).convert("RGB") for path in sorted((out.parent / "photographs").iterdir())]
    photos += [ImageOps.mirror(photo) for photo in photos]
    for path in [*folder.glob("round-*/*.png"), *(out.parent / "input" / SESSION).iterdir()]:
        found = re.match(r"X(\d+)_r(\d+)", path.name)
        row, round_ = (int(found[1]), int(found[2])) if found else (int(path.stem), 0)
        photo = ImageOps.contain(photos[row - 1], (768, 768))
        strength = 1 + 0.08 * round_
        photo = ImageEnhance.Color(ImageEnhance.Contrast(photo).enhance(strength)).enhance(strength)
        photo.save(path, compress_level=1)


def test_the_editor(desk: Desk) -> None:
    sizes = {"width": 1216, "height": 832}
    desk.load_api({"1": node("ResonanceCanvas", canvas_text=json.dumps(LIGHTHOUSE), **sizes)})
    editor = edit(desk)
    editor.row("lighthouse").click()
    expect(editor.dialog.locator(".resonance-form")).to_contain_text("75")
    keep(desk, "editor")


def test_a_canvas_while_it_is_written(desk: Desk) -> None:
    with FakeLLM() as fake:
        fake.script, fake.pause = [(answer(), "stop")], 0.015
        open_chat(desk, fake, "a lighthouse in a storm, a red boat on the left")
        desk.page.evaluate(ENLARGE)
        start(desk)
        desk.page.wait_for_function("() => document.querySelectorAll('.picture.live .area').length === 3")
        keep(desk, "live")
        desk.comfy.post("/interrupt")
        desk.comfy.idle()


def test_the_gallery(desk: Desk) -> None:
    if not (output(desk.comfy) / SESSION).exists():
        photograph_session(output(desk.comfy))
    gallery = Gallery(desk).open(SESSION)
    gallery.root.get_by_role("button", name="Large").click()
    expect(gallery.cells.locator("img").first).to_be_visible()
    desk.page.wait_for_function("() => [...document.querySelectorAll('.resonance-gallery img')].every(i => i.complete)")
    keep(desk, "gallery")
    gallery.view("X0001", 3)
    desk.page.wait_for_function("() => [...document.querySelectorAll('.resonance-large img')].every(i => i.complete)")
    keep(desk, "round")

"""The moving pictures of docs/images: played in every test run, written by `nox -s screenshots`."""

import io
import os
import time

import pytest
from fake_llm import FakeLLM
from host.comfy import node
from host.graphs import output
from PIL import Image, ImageChops
from places import PACK
from playwright.sync_api import FloatRect, expect

from .conftest import VIEW, pages
from .desk import Desk
from .gallery import Gallery
from .test_live import live, open_chat, start
from .test_screenshots import answer

pytestmark = [pytest.mark.long, pages("pinned-nodes2")]  # one page is enough

FOLDER = PACK / "docs" / "images"
WIDTH, LARGEST = 900, 2 * 2**20
ROUNDS, SIDE = 6, 256
WRITTEN = os.environ.get("RESONANCE_SCREENSHOTS") == "1"


class Film:
    """Screenshots of a part of the page, each of which differs from the one before."""

    def __init__(self, desk: Desk, x: int, y: int, width: int, height: int) -> None:
        self.desk, self.frames = desk, list[Image.Image]()
        self._clip: FloatRect = {"x": x, "y": y, "width": width, "height": height}

    def shoot(self) -> None:
        shot = self.desk.page.screenshot(clip=self._clip)
        image = Image.open(io.BytesIO(shot)).convert("RGB")
        image = image.resize((WIDTH, round(WIDTH * image.height / image.width)), Image.Resampling.LANCZOS)
        if not self.frames or ImageChops.difference(image, self.frames[-1]).getbbox():
            self.frames.append(image)

    def keep(self, name: str, pace: int, least: int) -> None:
        """Shows each frame for ``pace`` milliseconds and the last one longer; with RESONANCE_SCREENSHOTS=1 it is written."""
        assert len(self.frames) >= least
        film, durations = io.BytesIO(), [*[pace] * (len(self.frames) - 1), 2500]
        first, *others = self.frames
        first.save(film, "WEBP", save_all=True, append_images=others, duration=durations, loop=0, quality=75, method=4)
        assert film.tell() < LARGEST
        if WRITTEN:
            (FOLDER / f"{name}.webp").write_bytes(film.getvalue())


ENLARGE = """() => {
    for (const node of app.graph.nodes) node.pos = [2000, 0]
    const chat = app.graph.getNodeById(2)
    chat.pos = [75, -100]
    chat.size = [850, 1150]
    app.canvas.setDirty(true, true)
}"""


def test_a_layout_that_is_written(desk: Desk) -> None:
    film = Film(desk, 60, 215, 880, 450)
    with FakeLLM() as fake:
        fake.script, fake.pause = [(answer(), "stop")], 0.08 if WRITTEN else 0.03
        open_chat(desk, fake, "a lighthouse in a storm, a red boat on the left")
        desk.page.evaluate(ENLARGE)
        desk.settle()
        film.shoot()
        start(desk)
        expect(live(desk)).to_have_count(1)
        while desk.comfy.get("/prompt")["exec_info"]["queue_remaining"] and len(film.frames) < 60:
            film.shoot()
            desk.page.wait_for_timeout(150)
    desk.comfy.idle()
    desk.settle()
    film.shoot()
    film.keep("layout", 200, 3)


def resonating() -> dict[str, object]:
    """Rounds whose painter is ComfyUI's own blur and sharpen: what a picture has grows from round to round."""
    return {
        "1": node("ResonanceRoundInput", session="resonating", first_folder="[samples]", rounds=ROUNDS, seed=0),
        "2": node("ResonanceLoadTagger", model="tiny-onnx"),
        "3": node("ResonanceTagImages", tagger=["2", 0], images=["1", 0]),
        "4": node("ResonanceRoundWords", item=["1", 1], tags=["3", 0]),
        "5": node("ImageScaleToMaxDimension", image=["1", 0], upscale_method="lanczos", largest_size=SIDE),
        "6": node("ImageBlur", image=["5", 0], blur_radius=3, sigma=0.8),
        "7": node("ImageSharpen", image=["6", 0], sharpen_radius=10, sigma=0.6, alpha=0.25),
        "8": node("ResonanceRoundOutput", images=["7", 0], item=["1", 1], words=["4", 0]),
    }


PLACES = """() => {
    for (const node of app.graph.nodes) node.pos = [2000, 0]
    app.graph.getNodeById(1).pos = [925, 130]
    app.canvas.setDirty(true, true)
}"""


def test_rounds_that_are_made(new_desk: Desk) -> None:
    desk = new_desk  # a wide sidebar is remembered
    desk.load_api(resonating())
    desk.page.evaluate(PLACES)
    gallery = Gallery(desk)
    gallery.button.click()
    gutter = desk.page.locator(".p-splitter-gutter").first.bounding_box()
    assert gutter
    desk.drag((gutter["x"] + 2, 400), (895, 400))
    film = Film(desk, 58, 40, VIEW["width"] - 58, 500)
    start(desk)
    folder, seen = output(desk.comfy) / "resonating", -1
    gallery.choose("resonating")
    end = time.monotonic() + 200
    while desk.comfy.get("/prompt")["exec_info"]["queue_remaining"] and time.monotonic() < end:
        if (made := len(list(folder.glob("round-*/*.png")))) != seen:
            seen = made
            desk.page.wait_for_timeout(300)
            film.shoot()
        desk.page.wait_for_timeout(50)
    desk.comfy.idle()
    desk.page.wait_for_timeout(1500)
    film.shoot()
    assert len(list(folder.glob("round-*/*.png"))) == 3 * ROUNDS
    film.keep("rounds", 350, 6)

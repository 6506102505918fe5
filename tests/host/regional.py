"""Graphs that bind words to regions, and the pictures that come of it. Needs the pack ``patches``."""

from collections.abc import Iterable
from typing import Any

import pytest

from resonance.canvas.canvas import Canvas, Rect, Region
from resonance.canvas.listing import write

from .comfy import Comfy, node
from .paint import CLIP, MODEL, Look, hue, look, paint

LEFT, RIGHT, TOP, BOTTOM, WHOLE = (0, 90, 0, 45), (0, 90, 45, 90), (0, 45, 0, 90), (45, 90, 0, 90), (0, 90, 0, 90)
COUPLE, OMOST, PAPER = ONE_PASS = ("attention couple", "dense diffusion (omost)", "dense diffusion (paper)")
OVERLAY, AVERAGE = AREA = ("area overlay", "area average")
METHODS = (*ONE_PASS, *AREA)
FAMILIES = ("sd15", "sd15_topology", "sd2", "sdxl")

SETTINGS: dict[str, dict[str, Any]] = {
    COUPLE: {"base_weight": 0.0, "feather": 0.0, "capture": "off"},
    OMOST: {"capture": "off"},
    # The paper's method acts in the first steps, where a trained model decides on the layout. The tiny ones decide on a
    # colour in the last step, so it has to act up to there to be seen.
    PAPER: {"creg": 1.0, "sreg": 0.3, "sizereg": 1.0, "steps": 1.0, "fade": 0.0, "capture": "off"},
    OVERLAY: {"global_strength": 0.02, "region_strength": 0.98},
    AVERAGE: {"global_strength": 0.02, "region_strength": 0.98},
}


def with_the_rest(pairs: Iterable[Any], every: Iterable[Any]) -> list[Any]:
    """Cases that have every pair in one of them; in `nox -s long` all others too."""
    cases = list(pairs)
    return cases + [pytest.param(*case, marks=pytest.mark.long) for case in every if case not in cases]


def region(word: str, place: Rect, **more: Any) -> Region:
    return Region(place, ("a",), (word,), **more)


def layout(*regions: Region, whole: str = "the") -> Canvas:
    return Canvas((Region(prefixes=("a",), suffixes=(whole,)), *regions))


HALVES = layout(region("red", LEFT), region("blue", RIGHT))


def place(canvas: Canvas | None, method: str, settings: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    """Nodes that bind the words of a canvas, under the ids ``canvas`` and ``regions``."""
    chosen = {f"method.{key}": value for key, value in {**SETTINGS[method], **(settings or {})}.items()}
    nodes = {}
    if canvas:
        nodes["canvas"] = node("ResonanceCanvas", canvas_text=write(canvas), width=1024, height=1024)
        inputs = {"canvas": ["canvas", 0], **inputs}
    inputs = {"model": MODEL, "clip": CLIP, "method": method, **chosen, **inputs}
    return {**nodes, "regions": node("ResonanceRegions", **inputs)}


def pictures(comfy: Comfy, nodes: dict[str, Any], family: str = "sd15", **sampling: Any) -> list[Look]:
    model = sampling.pop("model", ["regions", 0])
    prompt = paint(f"tiny_{family}", ["regions", 1], ["regions", 2], model=model, nodes=nodes, **sampling)
    return look(comfy.run(prompt))


def leans(rgb: tuple[float, float, float], to: str, from_: str) -> bool:
    """Whether one colour is clearly stronger than another. At cfg 7 or after many steps not every hue is pure."""
    names = ("red", "green", "blue")
    return rgb[names.index(to)] > rgb[names.index(from_)] + 40


def hues(picture: Look) -> tuple[str, str]:
    return hue(picture.left), hue(picture.right)

"""What an editor imports: every text that a layout can come from."""

import json

import pytest

from resonance.canvas.boxes import from_boxes, to_boxes
from resonance.canvas.canvas import CanvasError
from resonance.canvas.exchange import read_any
from resonance.canvas.listing import write
from resonance.canvas.read import read_canvas

from .canvas_samples import ANSWER, PROGRAM

SAMPLE = read_canvas(PROGRAM).canvas

ELEMENT = {"type": "obj", "bbox": [100, 200, 500, 900], "desc": "A gull"}
IDEOGRAM = {
    "high_level_description": "A bay",
    "compositional_deconstruction": {"background": "Fog", "elements": [ELEMENT]},
}


@pytest.mark.parametrize("text", [PROGRAM, ANSWER, f"As you wish: {ANSWER}", write(SAMPLE)])
def test_canvases_answers_and_programs_are_read_as_ever(text: str):
    assert read_any(text, 64, 64) == read_canvas(text)
    assert read_any(text, 64, 64).canvas == SAMPLE


def test_boxes_are_measured_in_the_picture():
    frames = to_boxes(SAMPLE, 900, 450)
    for value in (frames, frames[0]):
        assert read_any(json.dumps(value), 900, 450).canvas == from_boxes(frames, 900, 450)
    assert read_any(json.dumps(frames[0][0]), 900, 450).canvas.locals[0].rect == SAMPLE.locals[0].rect


@pytest.mark.parametrize("value", [IDEOGRAM, ELEMENT, [ELEMENT]])
def test_elements_are_read(value: object):
    [region] = read_any(json.dumps(value), 64, 64).canvas.locals
    assert region.rect == (9, 45, 18, 81) and region.prefixes[-1] == "A gull."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The text is empty"),
        ("<img src=x onerror=alert(1)>", "no canvas in the text"),
        (json.dumps([ELEMENT, {}]), "Box 2 has no place"),
        (json.dumps([ELEMENT] * 500), "has 500 boxes"),
        ("[" * 100_000, "nested too deeply"),
        ("[" + " " * 2**23 + "]", "longer than 8,388,608 letters"),
        ("9" * 5000, "no canvas"),
    ],
)
def test_what_is_no_canvas_gives_one_clear_sentence(text: str, said: str):
    with pytest.raises(CanvasError, match=said):
        read_any(text, 64, 64)

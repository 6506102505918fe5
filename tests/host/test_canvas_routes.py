"""What the canvas editor asks the server."""

import json
import re
from typing import Any

import pytest
import requests
from unit.answers import ANSWERS, BOXES, Right, check, check_notes

from resonance.canvas.listing import read_list

from .comfy import Comfy

WHOLE = {"rect": [0, 90, 0, 90], "prefixes": ["A bay."], "suffixes": [], "color": [0, 0, 128]}
PIER = {
    "rect": [20, 70, 0, 40],
    "prefixes": ["A bay.", "A pier."],
    "suffixes": ["wood."],
    "color": [255, 0, 0],
    "tags": 0,
}
SIZE = {"width": 900, "height": 450}


def ask(comfy: Comfy, route: str, body: Any) -> Any:
    answer = comfy.post(f"/resonance/canvas/{route}", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_canvas_is_written_and_read_in_each_form(comfy: Comfy) -> None:
    regions = [WHOLE, PIER | {"name": "pier", "mood": [1]}]
    program = ask(comfy, "write", {"regions": regions, "form": "program", **SIZE})["text"]
    assert "location='on the left'" in program
    assert ask(comfy, "read", {"text": program, **SIZE}) == {"regions": [WHOLE, PIER], "notes": []}
    boxes = ask(comfy, "write", {"regions": regions, "form": "boxes", **SIZE})["text"]
    [[box]] = json.loads(boxes)
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 100, 400, 250)
    assert ask(comfy, "read", {"text": boxes, **SIZE})["regions"][1]["rect"] == PIER["rect"]
    assert ask(comfy, "read", {"text": json.dumps(regions), **SIZE})["regions"] == regions


@pytest.mark.parametrize("texts", [ANSWERS, BOXES], ids=["answers", "boxes"])
def test_the_import_reads_every_text_of_the_table(comfy: Comfy, texts: dict[str, tuple[str, Right | str]]) -> None:
    for name, (text, right) in texts.items():
        answer = comfy.post("/resonance/canvas/read", {"text": text, "width": 1000, "height": 1000})
        said = answer.json()
        if isinstance(right, str):
            assert answer.status_code == 400 and re.search(right, said["error"]), name
        else:
            check(read_list(said["regions"]), right)
            check_notes(said["notes"], right)


def test_what_was_corrected_is_noted(comfy: Comfy) -> None:
    text = (
        "c.add_local_description('left', 'no offset', 'a large square area', 1, 'A pier', [], '', '', '', '', 'redd')"
    )
    notes = ask(comfy, "read", {"text": text, **SIZE})["notes"]
    assert any("'redd'" in note for note in notes) and any("no global description" in note for note in notes)


def test_tokens_are_those_of_each_bag_and_what_is_left_out(comfy: Comfy) -> None:
    red = " ".join(["red"] * 30)
    regions = [
        {"prefixes": [], "suffixes": []},
        {"rect": [0, 9, 0, 9], "prefixes": ["red red"], "suffixes": [red, red, f"{red} red", "red"]},
        {"rect": [0, 9, 0, 9], "prefixes": [f"{red} {red} {red}"], "suffixes": ["red"]},
        {"rect": [0, 9, 0, 9], "prefixes": ["(red:1.3) embedding:absent"], "suffixes": ["red \\(red\\)"]},
    ]
    assert ask(comfy, "tokens", {"regions": regions}) == {
        "bags": [[0], [62, 34], [75], [5]],
        "left_out": [0, 0, 16, 0],
        "room": 75,
    }


def test_what_cannot_be_done_is_a_sentence(comfy: Comfy) -> None:
    def refused(route: str, body: Any, status: int = 400) -> str:
        answer = comfy.post(f"/resonance/canvas/{route}", body)
        assert answer.status_code == status
        return answer.json()["error"]

    assert "There is no canvas in the text" in refused("read", {"text": "hello", **SIZE})
    assert "has no text" in refused("read", {**SIZE})
    assert "width and height" in refused("read", {"text": "[[{}]]", "width": 0, "height": True})
    assert "not an object" in refused("read", ["text"])
    assert "rect is missing" in refused("write", {"regions": [{}, {}], "form": "program"})
    assert "not written as 'svg'" in refused("write", {"regions": [{}], "form": "svg"})
    assert "is a list of regions" in refused("tokens", {})
    assert "longer than 8,388,608 letters" in refused("read", {"text": "[" + " " * 2**23, **SIZE})
    assert "more than 16,777,216 bytes" in refused("read", {"text": " " * 2**24, **SIZE}, 413)
    broken = requests.post(f"{comfy.url}/resonance/canvas/read", data="{", timeout=60)
    assert broken.status_code == 400 and broken.json()["error"]


@pytest.mark.parametrize("route", ["transform", "canvas/read", "canvas/write", "canvas/tokens"])
def test_a_body_is_bounded_however_it_is_sent_and_said_in_a_sentence(comfy: Comfy, route: str) -> None:
    def post(data: Any) -> requests.Response:
        return requests.post(f"{comfy.url}/resonance/{route}", data=data, timeout=60)

    endless = post(b"[" * (1 << 20) for _ in range(40))  # in chunks, of which nobody says how many they are
    assert endless.status_code == 413 and "more than" in endless.json()["error"]
    for odd, said in (
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": "\xe9"}', "not UTF-8"),
        (b"", "no JSON"),
    ):
        answer = post(odd)
        assert answer.status_code == 400 and said in answer.json()["error"], answer.text

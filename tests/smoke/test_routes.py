"""One request to each route."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import requests
from host.comfy import Comfy
from host.test_canvas import BOAT, SEA
from PIL import Image

from .conftest import SESSION

ROUND = f"/resonance/rounds/{SESSION}"
ITEM = f"{ROUND}/items/1"
SIZE = {"width": 900, "height": 450}
Said = Callable[[requests.Response], bool]


def of_json(right: Callable[[Any], bool]) -> Said:
    return lambda answer: right(answer.json())


def red(answer: requests.Response) -> bool:
    pixel = Image.open(BytesIO(answer.content)).convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel[0] > 200 and max(pixel[1:]) < 50


CASES: dict[str, tuple[str, Any, Said]] = {
    "GET /resonance/rounds": (
        "/resonance/rounds",
        None,
        of_json(lambda all_: SESSION in [one["session"] for one in all_]),
    ),
    "GET /resonance/rounds/{session}": (
        ROUND,
        None,
        of_json(lambda one: (one["state"], one["done"]) == ("finished", 1)),
    ),
    "GET /resonance/rounds/{session}/grid": (
        f"{ROUND}/grid",
        None,
        of_json(lambda grid: grid["lineages"] == ["X0001"]),
    ),
    "GET /resonance/rounds/{session}/folder": (
        f"{ROUND}/folder",
        None,
        of_json(lambda said: said["folder"].endswith(f"/output/{SESSION}")),
    ),
    "GET /resonance/rounds/{session}/items/{id}": (ITEM, None, of_json(lambda item: item["lineage"] == "X0001")),
    "GET /resonance/rounds/{session}/items/{id}/drift": (
        f"{ITEM}/drift",
        None,
        of_json(lambda drift: [point["round"] for point in drift["points"]] == [1, 2]),
    ),
    "GET /resonance/rounds/{session}/items/{id}/source": (f"{ITEM}/source", None, red),
    "GET /resonance/rounds/{session}/items/{id}/result/{number}": (f"{ITEM}/result/1?full=1", None, red),
    "GET /resonance/rounds/{session}/items/{id}/result/{number}/workflow": (
        f"{ITEM}/result/1/workflow",
        None,
        of_json(lambda said: "ResonanceRoundOutput" in said["prompt"]),
    ),
    "POST /resonance/rounds/{session}/pause": (f"{ROUND}/pause", {}, of_json(lambda said: said == {})),
    "POST /resonance/rounds/{session}/resume": (f"{ROUND}/resume", {}, of_json(lambda said: said == {})),
    "POST /resonance/rounds/{session}/retry": (f"{ROUND}/retry", {}, of_json(lambda said: said == {"items": 0})),
    "POST /resonance/rounds/{session}/remake": (f"{ROUND}/remake", {}, of_json(lambda said: said == {"items": 0})),
    "GET /resonance/folders": (
        "/resonance/folders",
        None,
        of_json(lambda said: {"name": "[samples]", "pictures": 3} in said["folders"]),
    ),
    "POST /resonance/folders": (
        "/resonance/folders",
        {"name": "new"},
        of_json(lambda said: said == {"subfolder": "new", "folder": "new"}),
    ),
    "POST /resonance/canvas/read": (
        "/resonance/canvas/read",
        {"text": json.dumps([SEA, BOAT]), **SIZE},
        of_json(lambda said: said == {"regions": [SEA, BOAT], "notes": []}),
    ),
    "POST /resonance/canvas/write": (
        "/resonance/canvas/write",
        {"regions": [SEA, BOAT], "form": "program", **SIZE},
        of_json(lambda said: "description='A red boat'" in said["text"]),
    ),
    "POST /resonance/canvas/tokens": (
        "/resonance/canvas/tokens",
        {"regions": [{"prefixes": [], "suffixes": ["red red"]}]},
        of_json(lambda said: said == {"bags": [[2]], "left_out": [0], "room": 75}),
    ),
    "POST /resonance/transform": (
        "/resonance/transform",
        {"transform": "beast", "iterations": 0},
        of_json(lambda table: (table["chained"], table["kept"]) == (True, 1)),
    ),
}
"""By route: what is asked for, with which body, and what must be answered."""


def test_no_route_is_left_out(comfy: Comfy) -> None:
    there = [route for route in comfy.get("/probe/routes") if " /resonance/" in route]
    assert sorted(route for route in there if not route.startswith("HEAD")) == sorted(CASES)


@pytest.mark.parametrize("route", CASES)
@pytest.mark.usefixtures("seen")
def test_route(comfy: Comfy, route: str) -> None:
    path, body, right = CASES[route]
    answer = comfy.post(path, body) if body is not None else requests.get(comfy.url + path, timeout=60)
    assert answer.status_code == 200 and right(answer), answer.text[:500]

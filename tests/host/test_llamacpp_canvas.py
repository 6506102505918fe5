"""Canvas Chat with the real llama.cpp and a model of random weights."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .comfy import Comfy, node
from .conftest import server
from .test_canvas import chat, run, shows
from .test_llamacpp import holds_model  # skips all of this without llama.cpp
from .test_llm import load


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("llamacpp_canvas"), models, "probe") as comfy:
        yield comfy


@pytest.mark.parametrize(("form", "unload"), [("json", True), ("omost program", False)])
def test_a_model_of_random_weights_lays_out_a_picture(comfy: Comfy, form: str, unload: bool):
    wild = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 20000}
    graph = {"llm": load(mmproj="none", context=32768)}
    graph["chat"] = chat(["llm", 0], answer_form=form, unload_after=unload, **wild)
    graph["canvas"] = node("ResonanceCanvas", canvas=["chat", 0])
    seen = run(comfy, shows(graph, json=["canvas", 3]))
    regions = json.loads(seen["json"])
    assert regions[0]["rect"] == [0, 90, 0, 90] and all(r["prefixes"] and r["suffixes"] for r in regions)
    assert holds_model(comfy) is not unload

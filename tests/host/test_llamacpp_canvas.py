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


@pytest.mark.parametrize("unload", [False, True])
def test_a_model_of_random_weights_lays_out_a_picture(comfy: Comfy, unload: bool):
    wild = {"temperature": 1.0, "top_p": 1.0, "seed": int(unload), "answer_form": "omost program"}
    graph = {"llm": load(mmproj="none", context=8192), "chat": chat(["llm", 0], unload_after=unload, **wild)}
    graph["canvas"] = node("ResonanceCanvas", canvas=["chat", 0])
    seen = run(comfy, shows(graph, json=["canvas", 3], text=["chat", 2]))
    assert seen["text"].startswith("```python") and seen["text"].endswith("```")
    whole = json.loads(seen["json"])[0]
    assert whole["rect"] == [0, 90, 0, 90] and whole["prefixes"] and whole["suffixes"]
    assert holds_model(comfy) is not unload

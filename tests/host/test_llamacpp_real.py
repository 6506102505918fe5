"""Canvas Chat with a model that was trained, though a small one: whatever it finishes under a grammar is a layout."""

import json
from collections.abc import Iterator

import pytest
from models.real_llm import MISSING, SENTENCES, gemma

from .comfy import Comfy, RunFailed, node
from .conftest import server
from .test_canvas import chat, run, shows
from .test_llamacpp import holds_model  # noqa: F401 - skips all of this without llama.cpp
from .test_llm import load


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comfy]:
    models = tmp_path_factory.mktemp("real")
    (models / "llm").mkdir()
    if gemma(models / "llm") is None:
        pytest.skip(MISSING)
    with server(tmp_path_factory.mktemp("llamacpp_real"), models, "probe") as comfy:
        yield comfy


@pytest.mark.parametrize(("form", "end"), [("json", "\n]}"), ("omost program", ")\n```")])
@pytest.mark.parametrize("count", [1, pytest.param(len(SENTENCES), marks=pytest.mark.long)])
def test_what_is_finished_is_a_layout_and_what_is_cut_off_says_so(comfy: Comfy, form: str, end: str, count: int):
    finished = 0
    for seed, sentence in enumerate(SENTENCES[:count]):
        graph = {
            "llm": load("gemma-3-270m.gguf", mmproj="none", context=4096, threads=0),
            "chat": chat(["llm", 0], sentence, answer_form=form, max_tokens=400, seed=seed),
            "canvas": node("ResonanceCanvas", canvas=["chat", 0]),
        }
        try:
            seen = run(comfy, shows(graph, json=["canvas", 3], text=["chat", 2]))
        except RunFailed as error:
            assert "The answer holds no canvas. Raise max_tokens." in str(error)
            continue
        regions = json.loads(seen["json"])
        print(f"{form}, {sentence}: {len(regions)} regions\n{seen['text']}")
        if seen["text"].endswith(end):
            finished += 1
            assert len(regions) > 1
        assert regions[0]["rect"] == [0, 90, 0, 90]
    assert finished >= count // 10

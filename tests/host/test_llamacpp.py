"""Load LLM in a real ComfyUI with the real llama.cpp."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from .comfy import Comfy
from .conftest import server
from .test_llm import BLUE, RED, Texts, captions, describe, interrupt, load, until

if os.environ.get("RESONANCE_REQUIRE_LLAMA") != "1":
    pytest.importorskip("llama_cpp")


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("llamacpp"), models, "probe") as comfy:
        yield comfy


def holds_model(comfy: Comfy) -> bool:
    """Whether the server has the model's file mapped, as it has while the model is loaded."""
    assert comfy.process
    return any("tiny.gguf" in m.path for m in psutil.Process(comfy.process.pid).memory_maps())


def test_pictures_are_described_and_the_model_is_kept_until_memory_is_freed(comfy: Comfy):
    outputs = comfy.run(describe(load(), RED, RED, BLUE, temperature=1.0, whole_sentences=False))
    first, second, other = captions(outputs)
    assert first == second != other
    again = comfy.run(describe(load(), RED, temperature=1.0, whole_sentences=False, longest_side=512))
    assert captions(again) == [first]
    assert holds_model(comfy)
    comfy.post("/free", {"unload_models": True})
    until(lambda: not holds_model(comfy))
    third = comfy.run(describe(load(), RED, temperature=1.0, whole_sentences=False, longest_side=256))
    assert captions(third) == [first]


def test_unload_after_run(comfy: Comfy):
    comfy.run(describe(load(unload_after_run=True, context=1024), RED, BLUE))
    assert not holds_model(comfy)


def test_an_interrupt_ends_it_within_a_second(comfy: Comfy):
    texts = Texts(comfy)
    graph = describe(load(context=8192), RED, temperature=1.0, max_tokens=8000)
    run = comfy.queue(graph, client_id="texts")
    until(lambda: texts.on("caption", most=1))
    assert interrupt(comfy, run) < 1


def test_memory_that_is_freed_while_the_model_writes_is_freed_when_it_is_done(comfy: Comfy):
    texts = Texts(comfy)
    graph = describe(load(context=8192), RED, temperature=1.0, max_tokens=2000, seed=5)
    run = comfy.queue(graph, client_id="texts")
    until(lambda: texts.on("caption", most=1))
    start = time.monotonic()
    comfy.post("/free", {"unload_models": True})
    assert comfy.get("/prompt")["exec_info"]["queue_remaining"] == 1
    assert time.monotonic() - start < 1, "the server waited for the model"
    assert captions(comfy.wait(run)["outputs"])
    until(lambda: not holds_model(comfy))


def test_nothing_of_llama_cpp_floods_the_log(comfy: Comfy):
    assert not [line for line in comfy.read_log().splitlines() if "llama_" in line or "clip_" in line or "mtmd" in line]

"""A random model of half a megabyte, held to the grammars by the real llama.cpp: whatever it says is a canvas."""

import os
from collections.abc import Callable, Iterator

import pytest

from resonance.canvas.canvas import CanvasError
from resonance.canvas.grammar import json_grammar, program_grammar
from resonance.canvas.read import partial, read_canvas
from resonance.llm.chat import Answer, Message, Request, Sampling
from resonance.llm.llamacpp import Model, Settings

if os.environ.get("RESONANCE_REQUIRE_LLAMA") != "1":
    pytest.importorskip("llama_cpp")

GRAMMARS = [program_grammar, json_grammar]
SMALL = {"regions": 2, "details": 2, "length": 8}
"""Random answers run to every bound."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    from models import llm

    path = tmp_path_factory.mktemp("llm") / "tiny.gguf"
    llm.build_gguf(path)
    # One thread: on a busy machine llama.cpp's threads wait for one another longer than so small a model takes.
    model = Model(Settings(path, context=8192, threads=1))
    yield model
    model.close()


def say(model: Model, grammar: str, seed: int, max_tokens: int) -> Answer:
    sampling = Sampling(max_tokens, temperature=1.0, top_p=1.0, top_k=0, seed=seed)
    request = Request((Message("user", f"Picture {seed}"),), sampling, grammar=grammar)
    return model.chat(request, lambda text, thoughts: None, lambda: False)


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_200_answers_under_a_grammar_are_canvases_without_corrections(model: Model, grammar: Callable[..., str]):
    small = grammar(**SMALL)
    texts = set[str]()
    for seed in range(200):
        answer = say(model, small, seed, 4000)
        assert answer.finished
        reading = read_canvas(answer.text)
        assert reading.notes == () and reading.finished
        assert partial(answer.text) == reading.canvas and reading.canvas.locals
        texts.add(answer.text)
    assert len(texts) > 190, "the model says the same whatever the seed"


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_the_grammars_as_they_are_used_are_taken_and_obeyed(model: Model, grammar: Callable[..., str]):
    answer = say(model, grammar(), 0, 3000)
    reading = read_canvas(answer.text)
    assert reading.canvas.locals and reading.finished == answer.finished
    assert all("breaks off" in note for note in reading.notes)


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_answers_that_were_cut_off_keep_what_was_complete(model: Model, grammar: Callable[..., str]):
    small = grammar(**SMALL)
    kept: list[int] = []
    for seed in range(24):
        answer = say(model, small, seed, 60 + 40 * seed)
        try:
            reading = read_canvas(answer.text)
        except CanvasError:
            kept.append(0)
            continue
        assert reading.finished == answer.finished
        assert answer.finished or all("breaks off" in note for note in reading.notes)
        kept.append(len(reading.canvas.regions))
    assert {0, 1, 2} <= set(kept)

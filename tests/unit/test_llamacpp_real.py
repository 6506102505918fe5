"""`resonance canvas` with a model that was trained, though a small one: whatever it finishes under a grammar is a layout."""

import json
import os
from pathlib import Path

import pytest
from models.real_llm import MISSING, SENTENCES, gemma
from typer.testing import CliRunner

from resonance.canvas.read import read_canvas
from resonance.cli.app import app

if os.environ.get("RESONANCE_REQUIRE_LLAMA") != "1":
    pytest.importorskip("llama_cpp")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gemma(tmp_path_factory.mktemp("real")) or pytest.skip(MISSING)


@pytest.mark.parametrize("form", ["json", "program"])
@pytest.mark.parametrize("count", [1, pytest.param(len(SENTENCES), marks=pytest.mark.long)])
def test_what_is_finished_is_a_layout_and_what_is_cut_off_says_so(model: Path, form: str, count: int):
    finished = 0
    for seed, sentence in enumerate(SENTENCES[:count]):
        asked = [
            "--llm",
            model,
            "--answer-form",
            form,
            "--seed",
            seed,
            "--max-tokens",
            400,
            "--context",
            4096,
            "--json",
        ]
        done = CliRunner().invoke(app, ["canvas", sentence, *map(str, asked)])
        print(f"{form}, {sentence}: {done.output}")
        if done.exit_code:
            assert "The answer holds no canvas. Raise max_tokens." in done.output
            continue
        event = json.loads(done.stdout)
        if not any("cut off" in note for note in event["notes"]):
            finished += 1
            assert event["regions"] > 1 and event["notes"] == []
        assert len(read_canvas(event["text"]).canvas.regions) == event["regions"]
    assert finished >= count // 10

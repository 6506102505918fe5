"""Old spellings of commands, row by row."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from resonance.cli.app import app
from resonance.cli.spellings import SPELLINGS, current

CHAIN, REHYDRATE, DESCRIBE, CANVAS = SPELLINGS

ROWS = [
    (CHAIN, "rounds W.json A B", "img2tag2img W.json A B"),
    (
        CHAIN,
        "rounds W.json A B C --config_file mine.toml --dump --sort --seed 4 --model.steps 30 --blank --cfg=5.5",
        "img2tag2img W.json A B C --config_file mine.toml --dump --sort --seed 4 --model.steps 30 --blank --cfg=5.5",
    ),
    (CHAIN, "rounds --steps 3 --retry W.json A B --json", "img2tag2img W.json A B --json --steps 3 --retry"),
    (REHYDRATE, "rounds --rehydrate queue.json", "rehydrate queue.json"),
    (REHYDRATE, "rounds --json --rehydrate=queue.json --server URL", "rehydrate queue.json --json --server URL"),
    (DESCRIBE, "describe A --llm URL --model NAME", "describe A --llm URL --llm-model NAME"),
    (DESCRIBE, "describe A --model=NAME --llm URL", "describe A --llm-model=NAME --llm URL"),
    (CANVAS, "canvas boat --model NAME --llm URL", "canvas boat --llm-model NAME --llm URL"),
]

CURRENT = [
    "",
    "--help",
    "rounds",
    "rounds holiday --first A --workflow W.json",
    "rounds --workflow W.json holiday --first A",
    "rounds W.json",
    "rounds holiday --first A --model toyworld",
    "img2tag2img W.json A B --model.steps 30",
    "rehydrate queue.json",
    "describe A --llm URL --llm-model NAME",
    "canvas W.json --to png",
]


@pytest.mark.parametrize(("spelling", "old", "new"), ROWS)
def test_an_old_spelling_is_written_anew_and_told_once(spelling: object, old: str, new: str):
    told: list[str] = []
    assert current(old.split(), told.append) == new.split()
    [line] = told
    assert f"resonance {spelling.old}'" in line and f"resonance {spelling.new}'" in line
    assert "\n" not in line


def test_every_row_is_tested():
    assert [spelling for spelling, *_ in ROWS if spelling not in SPELLINGS] == []
    assert {spelling.old for spelling in SPELLINGS} == {spelling.old for spelling, *_ in ROWS}


@pytest.mark.parametrize("words", CURRENT)
def test_what_is_spelled_well_is_left_alone(words: str):
    told: list[str] = []
    assert current(words.split(), told.append) == words.split() and told == []


def test_stdout_holds_nothing_but_events(tmp_path: Path):
    done = CliRunner().invoke(app, ["rounds", "--rehydrate", str(tmp_path / "none.json"), "--json"])
    assert done.exit_code == 1
    [event] = map(json.loads, done.stdout.splitlines())
    assert event["event"] == "error" and "none.json cannot be read" in event["text"]
    assert done.stderr.startswith("Note: 'resonance rounds --rehydrate FILE' is now 'resonance rehydrate FILE'.\n")

"""`resonance explore`: what is asked for, what is told, and the loop of tries."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from resonance.cli import engines
from resonance.cli.app import app
from resonance.drive.exploration import FIXED, RULES, Exploring, Paced, graph_for, named
from resonance.drive.job import Job
from resonance.drive.workflow import ItemWorkflow
from resonance.graph import EXPLORE
from resonance.session.item import Item
from resonance.session.naming import prompt_hash
from resonance.session.query import reading
from resonance.told import Told
from resonance.vary.grid import explored, split
from resonance.vary.waits import read_waits

from .test_driver import Fake

SMALL = ("--aspects", "64x64", "--scales", "2,3", "--seeds", "2", "--steps", "4", "--model", "fake")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Stands for diffusers."""
    fake = Fake()
    monkeypatch.setattr(engines, "_embedded", lambda setup, number=1: fake)
    return fake


def run(base: Path, *words: str, status: int = 0, typed: str = "") -> str:
    places = ("--output", str(base / "output"), "--input", str(base / "input"))
    result = CliRunner().invoke(app, ["explore", *words, *places], input=typed)
    assert result.exit_code == status, (result.output, result.exception)
    return result.stderr


def payloads(folder: Path) -> list[dict[str, Any]]:
    with reading(folder) as ledger:
        return [ledger.item(cell.id).payload for cell in ledger.cells()]


def test_it_makes_what_explore_would_make(tmp_path: Path, engine: Fake) -> None:
    run(tmp_path, "s", "a|b", "c\n---\nd", *SMALL)
    wanted = explored("a|b\n---\nc\n---\nd", "", "64x64", "batch CLI", "2,3", FIXED, 4)
    found = payloads(tmp_path / "output" / "s")
    assert [{k: v for k, v in each.items() if k != "seed"} for each in found] == [c._asdict() for c in wanted] * 2
    assert (tmp_path / "output" / "s" / prompt_hash("a|b") / "prompt.txt").read_text() == "a|b\n"


def test_a_negative_behind_a_bar_is_read_as_before_and_said_once(tmp_path: Path, engine: Fake) -> None:
    said = run(tmp_path, "s", "boat|blurry", "boat, |_| --n blurry", *SMALL)
    assert said.count("Write it behind --n instead: boat --n blurry") == said.count("as before") == 1
    made = {split(each["prompt"]) for each in payloads(tmp_path / "output" / "s")}
    assert made == {("boat", "blurry"), ("boat, |_|", "blurry")}


def test_what_is_not_asked_for_is_as_before(tmp_path: Path, engine: Fake) -> None:
    run(tmp_path, "s", "a", *SMALL)
    run(tmp_path, "s", "--scales", "2,3,5", "--model", "fake")
    assert [each["scale"] for each in payloads(tmp_path / "output" / "s")] == [2, 3, 5] * 2
    assert len(engine.made) == 6


def test_the_prompt_of_a_picture_is_gone_on_with(tmp_path: Path, engine: Fake) -> None:
    run(tmp_path, "s", "a boat", *SMALL)
    picture = next((tmp_path / "output" / "s" / prompt_hash("a boat")).glob("*.png"))
    run(tmp_path, "more", ", in space", "--like", str(picture), *SMALL)
    assert {each["prompt"] for each in payloads(tmp_path / "output" / "more")} == {"a boat, in space"}


def test_what_is_wrong_is_said_and_makes_no_session(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        return " ".join(run(tmp_path, "s", *words, status=1).split())

    assert "pass a PROMPT" in said("--model", "toyworld")
    assert "is not an aspect" in said("a", "--aspects", "tall", "--model", "toyworld")
    assert "Expected seconds to wait" in said("a", "--waits", "1,2", "--model", "toyworld")
    assert "pass one of them" in said("a", "--steps", "4", "--steps-rule", "H", "--model", "toyworld")
    assert "--model toyworld" in said("a")
    assert not (tmp_path / "output" / "s").exists()


def test_tries_go_on_by_what_comes_through_a_pipe(tmp_path: Path, engine: Fake) -> None:
    run(
        tmp_path, "s", "a", *SMALL, "--interactive", "--tries", "1", typed="\nb\nc\n5\nx\na\nnone\ne\ne2\ns\nq\nnever\n"
    )
    tried = payloads(tmp_path / "output" / "s-tries")
    assert [(each["prompt"], each["scale"]) for each in tried] == [
        *[("a", 2)] * 2,
        ("b", 2),
        ("b", 5),
        ("x", 5),
        ("e2", 5),
    ]
    assert len({each["seed"] for each in tried}) == 6, "each is a fresh seed"
    assert len(list((tmp_path / "output" / "s-tries" / "scratch").glob("*.png"))) == 6
    kept = payloads(tmp_path / "output" / "s")
    assert [(each["prompt"], each["scale"]) for each in kept] == [("e2", 2), ("e2", 3)] * 2


def test_the_recorded_graph_says_what_is_explored() -> None:
    asked = Exploring(prompts="a", scales="2", rule=FIXED, steps=3, seeds=0)
    recipe = ItemWorkflow(named(graph_for("x.safetensors", "ddim", "normal"), "scratch", "lineage"), None, EXPLORE)
    graph = recipe.request(session="s", seed=5, **asked.inputs())["prompt"]
    assert Exploring.of_graph(graph["explore"]["inputs"]) == asked
    assert graph["save"]["inputs"]["folder_rule"] == "scratch"
    with pytest.raises(Told, match="prompts"):
        Exploring.of_graph({"prompts": ["1", 0]})


@pytest.mark.parametrize("rule", RULES)
def test_combinations_are_asked_for_again(rule: str) -> None:
    asked = Exploring(
        prompts="a\n---\nb|c", aspects="portrait, 3:2", scales="6, 7.123456, .000001", seeds=2, rule=rule, steps=9
    )
    again = Exploring.of(asked.combinations(), 2)
    assert [each.key for each in again.combinations()] == [each.key for each in asked.combinations()]
    with pytest.raises(Told, match="not a product"):
        Exploring.of(asked.combinations()[:-1], 2)


def test_an_engine_waits_between_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def work() -> None:
        paced = Paced(Fake(), read_waits("1,2,3"))
        for _ in range(10):
            await paced.make(Job(item=Item(session="s", round=1, index=1, lineage="X", seed=1)), "run")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(work())
    assert waited[::2] == [0, 1, 1, 2, 1, 1, 2, 1, 1, 3]


def test_the_help_has_two_examples() -> None:
    said = CliRunner().invoke(app, ["explore", "--help"]).output
    assert said.count("resonance explore cliff") == 2

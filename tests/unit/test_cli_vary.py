"""`resonance vary` without ComfyUI: what is asked for, what is made, and what is told."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import tiny_diffusers
from PIL import Image
from typer.testing import CliRunner

from resonance import images
from resonance.cli import engines
from resonance.cli.app import app
from resonance.drive.embedded.painter import Painter, Painting
from resonance.drive.varying import Changes, Chosen, LegJob, changed, graph_for, varys_of, with_pictures
from resonance.drive.varying import Source as Varied
from resonance.paint.request import PictureFile, Request, of_call
from resonance.session.naming import prompt_hash
from resonance.session.query import reading
from resonance.told import Told
from resonance.vary.modes import colors, read_color
from resonance.vary.settings import MODES, NONE
from resonance.vary.transform import PRESETS, Call, Transform, calls, read_program
from resonance.vary.walk import walk

from .test_driver import Fake

NINE = ("normal", "shake", "focus", "unstuck", "unfocus", "beast", "god", "enhance", "finalize")
HERE = ("shake", "unstuck", "finalize")
"""Of these nine, in the suite: those with most steps, and a chain. The others are run on a server (tests/host/test_shell_vary.py)."""
SMALL = ("--prompt", "a|b", "--model", "fake")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Stands for diffusers."""
    fake = Fake(act=lambda job: jobs.append(job))
    jobs: list[Any] = []
    fake.jobs = jobs  # type: ignore[attr-defined]
    monkeypatch.setattr(engines, "_embedded", lambda setup, number=1: fake)
    return fake


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "start.png"
    Image.new("RGB", (70, 40), "orange").save(path)
    return str(path)


def run(base: Path, *words: str, status: int = 0) -> str:
    places = ("--output", str(base / "output"), "--input", str(base / "input"))
    result = CliRunner().invoke(app, ["vary", *words, *places])
    assert result.exit_code == status, (result.output, result.exception)
    return result.stderr


def payloads(folder: Path) -> list[dict[str, Any]]:
    with reading(folder) as ledger:
        return [ledger.item(cell.id).payload for cell in ledger.cells()]


def check(folder: Path, name: str, prompt: str) -> None:
    """The ledger and the folder of the prompt hold what a transform of the batch CLI keeps."""
    kept = [call for call in calls(PRESETS[name], 0) if call.kept]
    assert sorted((p["loop"], p["number"], p["seed"], p["scale"], p["strength"]) for p in payloads(folder)) == sorted(
        (call.loop, call.number, call.seed, call.pair.scale, call.pair.strength) for call in kept
    )
    names = [path.name for path in (folder / prompt_hash(prompt)).glob("*.png")]
    facts = [
        re.fullmatch(r"[\d-]{10}T[\d-]{8}_scale-([\d.]+)_steps-50_strength-([\d.]+)_seed-(\d+)(?:_\d+)?\.png", each)
        for each in names
    ]
    assert sorted((f[1], f[2], f[3]) for f in facts if f) == sorted(
        (str(float(c.pair.scale)), str(float(c.pair.strength)), str(c.seed)) for c in kept
    )


# With diffusers


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_diffusers.stable_diffusion(folder / "checkpoints" / "sd")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.png"
    across, down = np.meshgrid(np.linspace(0, 1, 32), np.linspace(0, 1, 32))
    Image.fromarray((np.stack([across, down, 0.8 - 0.5 * down], -1) * 255).astype(np.uint8)).save(path)
    return str(path)


@pytest.mark.parametrize(
    "name", [name if name in HERE else pytest.param(name, marks=pytest.mark.long) for name in NINE]
)
def test_a_transform_of_the_batch_cli_is_run_three_times(tmp_path: Path, models: Path, small: str, name: str) -> None:
    run(tmp_path, "s", small, "--prompt", "red", "--transform", name, "--model", "sd", "--models", str(models))
    folder = tmp_path / "output" / "s"
    check(folder, name, "red")
    pictures = [each.read_bytes() for each in folder.rglob("*.png")]
    assert len(set(pictures)) == len(pictures) == 1 + len(payloads(folder)), "no two are alike"


@pytest.mark.parametrize(
    "color", ["anchored", "adaptive", *(pytest.param(color, marks=pytest.mark.long) for color in ("none", "S"))]
)
def test_the_pictures_are_those_of_a_walk(tmp_path: Path, models: Path, small: str, color: str) -> None:
    """Only the ends of the loops are kept: what lies between is in no file."""
    program = ("--transform", "6@.3 > 9@.4 > 4@.2", "--loop-to-loop", "--iterations", "3", "--color", color)
    mask = tmp_path / "mask.png"
    Image.fromarray(np.repeat(np.array([[0] * 16 + [255] * 16], np.uint8), 32, 0)).save(mask)
    more = ("--mask", str(mask), "--reference-through-vae", "--model", "sd", "--models", str(models))
    run(tmp_path, "s", small, "--prompt", "red", *program, *more)
    painter = Painter(Painting(model="sd", models=models))
    file, place = PictureFile("start"), PictureFile("mask", mask.read_bytes())
    asked = Request(prompt="red", seed=0, sampler="ddim", start=file, mask=place)

    def paint(call: Call, picture: torch.Tensor) -> torch.Tensor:
        return painter.again(of_call(asked, call, file), picture)

    how = colors(read_color(color))
    how = how and replace(how, mask=images.to_tensor(images.read(mask))[0, ..., 0], reference=painter.through_vae)
    start = images.to_tensor(images.read(Path(small)))
    transform = Transform(read_program("6@.3 > 9@.4 > 4@.2")[0], chained=True, loop_to_loop=True, iterations=3)
    with reading(tmp_path / "output" / "s") as ledger:
        files = [ledger.files(cell.id)[0] for cell in ledger.cells()]
    made = [images.to_tensor(images.read(tmp_path / "output" / "s" / file)) for file in files]
    wanted = [kept.picture for kept in walk(start, transform, 0, paint, how)]
    assert len(made) == 3 and all(torch.equal(one, other) for one, other in zip(made, wanted, strict=True))
    assert torch.equal(made[2][:, :, :16], start[:, :, :16])


# What is asked for


def test_pictures_are_varied_as_the_batch_cli_opens_them(tmp_path: Path, engine: Fake, picture: str) -> None:
    run(tmp_path, "s", picture, *SMALL, "--transform", "normal", "--iterations", "1", "--seed", "9")
    [start] = (tmp_path / "output" / "s" / "start").glob("*.png")
    with Image.open(start) as image:
        assert image.size == (64, 32), "sides are cut down to a multiple of 32"
    assert {each["seed"] for each in payloads(tmp_path / "output" / "s")} == {9}
    jobs: list[LegJob] = engine.jobs  # type: ignore[attr-defined]
    assert [job.picture for job in jobs] == [start.read_bytes()] * 3
    assert {job.vary.words for job in jobs} == {"a|b"}


def test_more_iterations_of_a_chain_add_what_is_missing(tmp_path: Path, engine: Fake, picture: str) -> None:
    asked = (*SMALL, "--transform", "6@.3 > 7@.2", "--save-middle", "--loop-to-loop", "--color", "anchored:anchor=0.5")
    run(tmp_path, "s", picture, *asked, "--iterations", "2")
    run(tmp_path, "s", picture, *asked, "--iterations", "3")
    assert len(payloads(tmp_path / "output" / "s")) == 6 == len(engine.made)
    run(tmp_path, "s", picture, *asked, "--iterations", "3", "--color", "adaptive")
    assert len(payloads(tmp_path / "output" / "s")) == 12, "other colours are other pictures"


def test_the_prompt_of_what_was_explored_is_added_to(tmp_path: Path, engine: Fake) -> None:
    small = ("--aspects", "64x64", "--scales", "2", "--seeds", "1", "--steps", "4", "--model", "fake")
    explored = ["explore", "e", "a boat", *small, "--output", str(tmp_path / "output")]
    assert CliRunner().invoke(app, explored).exit_code == 0
    [found] = (tmp_path / "output" / "e" / prompt_hash("a boat")).glob("*.png")
    run(tmp_path, "s", str(found), "--add", ", in space", "--model", "fake", "--transform", "finalize")
    check(tmp_path / "output" / "s", "finalize", "a boat, in space")
    inside = f"e/{prompt_hash('a boat')}/{found.name} [output]"
    run(tmp_path, "t", inside, "--model", "fake", "--transform", "finalize")
    check(tmp_path / "output" / "t", "finalize", "a boat")


def test_what_failed_is_tried_again_when_asked(tmp_path: Path, engine: Fake, picture: str) -> None:
    def fail(job: Any) -> None:
        if job.item.lineage == "X0002" and failing:
            raise Told("no paint")

    failing, engine.act = [True], fail
    run(tmp_path, "s", picture, *SMALL)
    assert len(engine.made) == 8
    run(tmp_path, "s", picture, *SMALL)
    assert len(engine.made) == 8
    failing.clear()
    run(tmp_path, "s", picture, *SMALL, "--retry")
    assert len(engine.made) == 9


def test_what_is_wrong_is_said_and_makes_no_session(tmp_path: Path, picture: str) -> None:
    def said(*words: str) -> str:
        return " ".join(run(tmp_path, "s", *words, status=1).split())

    toy = ("--model", "toyworld")
    assert "Which pictures" in said(*toy)
    assert "carries no prompt" in said(picture, *toy)
    asked = (picture, "--prompt", "a", *toy)
    assert "is not a pair of the program 'wild'" in said(*asked, "--transform", "wild")
    assert "leave out --save-middle" in said(*asked, "--save-middle")
    assert "none, adaptive, anchored" in said(*asked, "--color", "vivid")
    assert "has no number 'blend'" in said(*asked, "--color", "adaptive:blend=1")
    assert "must be a number" in said(*asked, "--color", "anchored:blend=much")
    assert "pass both" in said(*asked, "--correct", "when kept")
    assert "says itself when" in said(*asked, "--color", "S", "--correct", "when kept")
    assert "Expected seconds to wait" in said(*asked, "--waits", "1,2")
    assert "needs the prompt" in said(picture, "--prompt", " ", *toy)
    assert "--model toyworld" in said(picture, "--prompt", "a")
    assert "--model toyworld" in said()
    workflow = tmp_path / "w.json"
    workflow.write_text('{"1": {"class_type": "PreviewAny", "inputs": {}}}')
    assert "one Vary, got 0" in said("--workflow", str(workflow))
    one = graph_for("x", "ddim", "normal", [Varied(file=PictureFile("x"))], Chosen(), Changes(session="s"))
    workflow.write_text(json.dumps(one))
    assert "go with --model" in said("--workflow", str(workflow), "--prompt", "a")
    assert "pass --transform, too" in said("--workflow", str(workflow), "--era", "H")
    assert not (tmp_path / "output" / "s").exists()


def test_a_session_of_another_kind_is_refused(tmp_path: Path, engine: Fake, picture: str) -> None:
    run(tmp_path, "s", picture, *SMALL)
    asked = ["explore", "s", "a", "--model", "fake", "--output", str(tmp_path / "output")]
    assert "one of 'vary'" in CliRunner().invoke(app, asked).stderr


# Graphs


def test_the_graph_has_a_vary_for_each_picture_and_its_words() -> None:
    file = PictureFile("x.png", b"")
    sources = [Varied(file=file, words="a|b", mask=file), Varied(file=file, words="c")]
    changes = Changes(session="s", seed=3, color=read_color("adaptive"), cooldown="1,2,3")
    graph = graph_for("x.safetensors", "ddim", "normal", sources, Chosen(name="shake", era="H", iterations=2), changes)
    assert varys_of(graph, "s") == ["vary 1", "vary 2"] and varys_of(graph, "t") == []
    first = graph["vary 1"]["inputs"]
    assert (graph[first["positive"][0]]["inputs"]["text"], graph[first["negative"][0]]["inputs"]["text"]) == ("a", "b")
    assert first["words"] == "a|b" and graph[first["mask"][0]]["class_type"] == "LoadImageMask"
    assert (first["color"], first["color.correct"], first["cooldown"]) == ("adaptive", "after every transform", "1,2,3")
    assert "mask" not in graph["vary 2"]["inputs"] and first["image"] != graph["vary 2"]["inputs"]["image"]
    wanted = {"transform": "shake", "transform.era": "H", "iterations": 2}
    assert graph[first["transform"][0]]["inputs"] == wanted


def test_a_workflow_keeps_what_is_not_asked_for() -> None:
    file = PictureFile("x.png", b"")
    made = graph_for("x", "ddim", "normal", [Varied(file=file)], Chosen(), Changes(session="s", color=read_color("S")))
    graph = {**made, "vary 1": {**made["vary 1"], "inputs": {**made["vary 1"]["inputs"], "save_as": "off"}}}
    new = changed(graph, ["vary 1"], None, 7, Changes(session="t", folder="scratch"))
    inputs = new["vary 1"]["inputs"]
    assert (inputs["color"], inputs["save_as"], inputs["save_as.session"]) == ("S", "on", "t")
    assert (inputs["save_as.folder_rule"], inputs["save_as.name_rule"]) == ("scratch", "variation")
    assert new["transform"]["inputs"]["iterations"] == 7 and graph["transform"]["inputs"]["iterations"] == 0
    two = with_pictures(new, ["vary 1"], [Varied(file=file), Varied(file=file)])
    assert len(varys_of(two, "t")) == 2
    linked = {**graph, "vary 1": {**graph["vary 1"], "inputs": {**graph["vary 1"]["inputs"], "transform": ["load", 0]}}}
    with pytest.raises(Told, match="connected to Vary directly"):
        changed(linked, ["vary 1"], None, 7, Changes(session="t"))


@pytest.mark.parametrize("mode", [NONE, *MODES])
def test_a_colour_mode_is_read_as_the_node_has_it(mode: str) -> None:
    read = colors(read_color(mode))
    assert (read is None) == (mode == NONE)
    assert read_color("own:l_boost=1,repeats=3")["repeats"] == 3

"""`resonance vary` with a real ComfyUI: the batch CLI's transforms, killed and resumed, and handed over in both directions."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_ledger import raw
from typer.testing import CliRunner

from resonance.cli.app import app
from resonance.session.naming import prompt_hash
from resonance.vary.transform import PRESETS, Transform, calls

from . import shell
from .comfy import Comfy, RunFailed
from .conftest import server
from .graphs import output, until
from .test_vary import done, items
from .varying import ANCHORED, put, read, vary

WORDS = "a red picture|blue"
FEW = ("god", "enhance")
MANY = tuple(
    pytest.param(name, marks=pytest.mark.long)
    for name in ("normal", "beast", "shake", "focus", "unstuck", "unfocus", "finalize")
)
"""In the suite they are run without a server (tests/unit/test_cli_vary.py)."""
CHAIN = "6@.1 > 7@.12 > 8@.14"
MODEL = ("--model", "tiny_sd15.safetensors")


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, families: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("shell vary"), families, "probe", "patches", "calls") as comfy:
        put(comfy)
        put(comfy, "small.png", (32, 32))
        yield comfy


def words(comfy: Comfy, session: str, *more: str | Path) -> list[str | Path]:
    return ["vary", session, *more, "--output", output(comfy), "--input", comfy.base / "input", "--server", comfy.url]


def picture(comfy: Comfy, name: str = "small.png") -> Path:
    return comfy.base / "input" / name


def here(*asked: str | Path) -> str:
    """Runs the command in this process."""
    result = CliRunner().invoke(app, list(map(str, asked)))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stderr


def rows(folder: Path) -> list[tuple[int, str, str, dict[str, Any]]]:
    """(round, lineage, state, payload) of every item."""
    with raw(folder) as db:
        found = db.execute("SELECT round, lineage, state, payload FROM item ORDER BY round, lineage").fetchall()
    return [(row[0], row[1], row[2], json.loads(row[3])) for row in found]


def check(folder: Path, transform: Transform, seed: int = 0, prompt: str = WORDS) -> None:
    """Every kept picture of the transform is there once, in the ledger and on disk, under the batch CLI's names."""
    kept = [call for call in calls(transform, seed) if call.kept]
    found = rows(folder)
    assert [state for _, _, state, _ in found] == ["done"] * len(kept)
    assert sorted((r, p["row"], p["loop"], p["number"], p["seed"]) for r, _, _, p in found) == sorted(
        (call.round, call.row, call.loop, call.number, call.seed) for call in kept
    )
    varied = folder / prompt_hash(prompt)
    assert (varied / "prompt.txt").read_text() == f"{prompt}\n"
    names = [path.name for path in varied.glob("*.png")]
    facts = [
        re.fullmatch(r"[\d-]{10}T[\d-]{8}_scale-([\d.]+)_steps-50_strength-([\d.]+)_seed-(\d+)(?:_\d+)?\.png", name)
        for name in names
    ]
    assert sorted((f[1], f[2], f[3]) for f in facts if f) == sorted(
        (str(float(c.pair.scale)), str(float(c.pair.strength)), str(c.seed)) for c in kept
    )


def by_place(folder: Path) -> dict[tuple[int, str], np.ndarray[Any, Any]]:
    """The pixels of every kept picture, by round and lineage."""
    with raw(folder) as db:
        sql = "SELECT i.round, i.lineage, r.file FROM item i JOIN result r ON r.item = i.id WHERE i.state = 'done'"
        return {(round_, lineage): read(folder / file) for round_, lineage, file in db.execute(sql)}


def same(one: Path, other: Path) -> bool:
    ours, theirs = by_place(one), by_place(other)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[place], theirs[place]) for place in ours)


@pytest.mark.parametrize("name", [*FEW, *MANY])
def test_a_transform_of_the_batch_cli_is_run_three_times(comfy: Comfy, name: str) -> None:
    here(*words(comfy, f"nine {name}", picture(comfy), "--prompt", WORDS, "--transform", name, *MODEL))
    check(output(comfy) / f"nine {name}", PRESETS[name])
    assert PRESETS[name].iterations == 3


@pytest.mark.parametrize(
    "color", ["anchored", "none", *(pytest.param(color, marks=pytest.mark.long) for color in ("adaptive", "S"))]
)
def test_the_pictures_are_those_of_the_browser(comfy: Comfy, color: str) -> None:
    """A chain of which only ends are kept, loop after loop: what is not kept lies in no file between."""
    session = f"browser {color}"
    settings = ANCHORED if color == "anchored" else {}
    prompt = vary(
        {"program": CHAIN, "loop_to_loop": True}, image="small.png", color=color, iterations=3, save=session, **settings
    )
    comfy.run(prompt)
    file = comfy.base / "workflow.json"
    file.write_text(
        json.dumps({**prompt, "vary": {**prompt["vary"], "inputs": {**prompt["vary"]["inputs"], "save_as": "off"}}})
    )
    here(*words(comfy, f"shell {color}", "--workflow", file))
    assert len(rows(output(comfy) / session)) == 3
    assert same(output(comfy) / session, output(comfy) / f"shell {color}")


def test_killed_and_resumed_every_picture_is_made_once(comfy: Comfy) -> None:
    folder = output(comfy) / "killed"
    program = ("--transform", CHAIN, "--save-middle", "--loop-to-loop", "--iterations", "3", "--seed", "7")
    asked = words(comfy, "killed", picture(comfy), "--prompt", WORDS, *program, *MODEL)
    for number, point in enumerate(("before commit", "after the run", "after queueing", "after upload")):
        shell.run(*asked, status=-signal.SIGKILL, point=point, passes=number + 1)
    shell.run(*asked)
    transform = Transform(PRESETS["god"].pairs, True, True, True, 3)
    assert [call.round for call in calls(transform, 7)] == sorted({row[0] for row in rows(folder)})
    assert len(list((folder / prompt_hash(WORDS)).glob("*.png"))) == 9 == len(rows(folder))
    assert all(state == "done" for _, _, state, _ in rows(folder))


@pytest.mark.long
def test_begun_by_the_command_it_goes_on_in_the_browser(comfy: Comfy) -> None:
    folder = output(comfy) / "shell first"
    other = comfy.base / "elsewhere.png"
    Image.new("RGB", (70, 40), "orange").save(other)  # the browser cannot read it there
    asked = words(comfy, "shell first", picture(comfy), other, "--prompt", WORDS, "--transform", "normal", *MODEL)
    shell.run(*asked, status=-signal.SIGKILL, point="after commit", passes=4)
    before = by_place(folder)
    assert 4 <= len(before) < 18
    assert comfy.post("/resonance/rounds/shell first/resume").status_code == 200
    until(lambda: done(comfy, "shell first") == 18, 60)
    comfy.idle()
    assert len(rows(folder)) == 18
    assert all(np.array_equal(pixels, by_place(folder)[place]) for place, pixels in before.items())
    assert {pixels.shape for pixels in by_place(folder).values()} == {(32, 32, 3), (32, 64, 3)}


@pytest.mark.long
def test_begun_in_the_browser_it_goes_on_by_the_command(comfy: Comfy) -> None:
    folder = output(comfy) / "browser first"
    own = {"program": CHAIN, "save_middle": True, "loop_to_loop": True}
    prompt = vary(own, image="small.png", iterations=4, save="browser first", seconds=0.05)
    comfy.queue(prompt)
    until(lambda: done(comfy, "browser first") >= 2, 60)
    comfy.post("/resonance/rounds/browser first/pause")
    comfy.idle()
    before = {item["id"]: item["committed"] for item in items(comfy, "browser first") if item["state"] == "done"}
    assert len(before) < 12
    shell.run(*words(comfy, "browser first"))
    after = {item["id"]: item["committed"] for item in items(comfy, "browser first")}
    assert len(after) == 12 and before.items() <= after.items()
    whole = vary(own, image="small.png", iterations=4, save="browser alone")
    comfy.run(whole)
    assert same(folder, output(comfy) / "browser alone")
    shell.run(*words(comfy, "browser first", "--iterations", "5"))  # more of the same
    assert len(items(comfy, "browser first")) == 15


@pytest.mark.long
def test_taken_over_from_a_browser_that_works_on_it(comfy: Comfy) -> None:
    own = {"program": CHAIN, "save_middle": True, "loop_to_loop": True}
    comfy.queue(vary(own, image="small.png", iterations=4, save="taken", seconds=0.1))
    until(lambda: done(comfy, "taken") >= 1, 60)
    shell.run(*words(comfy, "taken", "--take"))
    found = items(comfy, "taken")
    assert len(found) == 12 and all(item["state"] == "done" for item in found)


def test_a_file_that_is_gone_is_made_again(comfy: Comfy) -> None:
    asked = words(comfy, "gone", picture(comfy), "--prompt", WORDS, "--transform", CHAIN, "--save-middle", *MODEL)
    here(*asked)
    folder = output(comfy) / "gone"
    before = by_place(folder)
    first = min((folder / prompt_hash(WORDS)).glob("*.png"))
    first.unlink()
    here(*asked)
    assert first.is_file() and len(rows(folder)) == len(before) == 9
    assert all(np.array_equal(pixels, by_place(folder)[place]) for place, pixels in before.items())


@pytest.mark.long
def test_what_is_under_a_black_mask_stays(comfy: Comfy) -> None:
    mask = comfy.base / "mask.png"
    Image.fromarray(np.repeat(np.array([[0] * 16 + [255] * 16], np.uint8), 32, 0)).save(mask)
    here(*words(comfy, "masked", picture(comfy), "--mask", mask, "--prompt", WORDS, "--transform", "unstuck", *MODEL))
    start = read(picture(comfy))
    for pixels in by_place(output(comfy) / "masked").values():
        assert np.array_equal(pixels[:, :16], start[:, :16])
        assert not np.array_equal(pixels[:, 16:], start[:, 16:])
    before = len(rows(output(comfy) / "masked"))
    comfy.post("/resonance/rounds/masked/resume")  # the browser finds all that is there
    comfy.idle()
    assert len(rows(output(comfy) / "masked")) == before == 9


def test_what_was_explored_is_varied_with_an_addition(comfy: Comfy) -> None:
    explored = output(comfy) / "explored" / prompt_hash("a boat")
    explored.mkdir(parents=True)
    Image.new("RGB", (32, 32), "navy").save(explored / "x.png")
    (explored / "prompt.txt").write_text("a boat\n")
    here(*words(comfy, "added", explored / "x.png", "--add", ", in space", "--transform", "finalize", *MODEL))
    check(output(comfy) / "added", PRESETS["finalize"], prompt="a boat, in space")
    assert list(explored.iterdir()) and (explored / "prompt.txt").read_text() == "a boat\n"


def test_what_a_server_refuses_is_said_and_makes_no_session(comfy: Comfy) -> None:
    asked = words(comfy, "refused", picture(comfy), "--prompt", WORDS, "--model", "none.safetensors")
    result = CliRunner().invoke(app, list(map(str, asked)))
    assert result.exit_code == 1 and "none.safetensors" in result.stderr
    assert not (output(comfy) / "refused").exists()


def test_a_question_that_vary_does_not_know_is_named(comfy: Comfy) -> None:
    prompt = vary("normal", image="small.png", save="asked", quick=True)
    with pytest.raises(RunFailed, match="'dance': Resonance is older here than the command"):
        comfy.run(prompt, extra_data={"resonance_vary": {"kind": "dance"}})
    assert not (output(comfy) / "asked").exists()


# Without ComfyUI


@pytest.fixture
def toy(tmp_path: Path) -> list[str | Path]:
    """Asks for six pictures of the toy world."""
    Image.new("RGB", (64, 64), "orange").save(tmp_path / "x.png")
    program = ("--transform", CHAIN, "--save-middle", "--loop-to-loop", "--iterations", "2", "--color", "anchored")
    asked = ("vary", "toy", tmp_path / "x.png", "--prompt", WORDS, *program, "--model", "toyworld")
    return [*asked, "--output", tmp_path]


def test_the_embedded_painter_is_killed_and_resumed(tmp_path: Path, toy: list[str | Path]) -> None:
    for number, point in enumerate(("half-written file", "after rename")):
        shell.run(*toy, status=-signal.SIGKILL, point=point, passes=number + 1)
    shell.run(*toy)
    names = {path.name: path.read_bytes() for path in (tmp_path / "toy" / prompt_hash(WORDS)).glob("*.png")}
    assert len(names) == 6 == len(rows(tmp_path / "toy")) == len(set(names.values()))
    shell.run("vary", "whole", *toy[2:])
    assert same(tmp_path / "toy", tmp_path / "whole")


@pytest.mark.long
def test_workers_of_a_cluster_vary(tmp_path: Path, toy: list[str | Path]) -> None:
    pytest.importorskip("ray")
    events, _ = shell.run(*toy, "--cluster", "local", "--workers", "2", "--json")
    assert events[-1]["state"] == "finished" and events[-1]["done"] == 6


@pytest.mark.long
def test_workers_of_a_cluster_vary_on_a_server(comfy: Comfy) -> None:
    pytest.importorskip("ray")
    asked = words(comfy, "cluster", picture(comfy), "--prompt", WORDS, "--transform", "beast", *MODEL)
    events, _ = shell.run(*asked, "--cluster", "local", "--json")
    assert events[-1]["state"] == "finished" and events[-1]["done"] == 3
    here(*words(comfy, "alone", picture(comfy), "--prompt", WORDS, "--transform", "beast", *MODEL))
    assert same(output(comfy) / "cluster", output(comfy) / "alone")

"""`resonance explore` with a real ComfyUI and without: killed and resumed, and handed over in both directions."""

import json
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from raw_ledger import raw

from resonance.session.naming import prompt_hash
from resonance.vary.transform import seed_of

from . import shell
from .comfy import Comfy
from .conftest import server
from .graphs import output, until
from .test_explore import explore

PROMPT = "red|blue"


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("shell explore"), models, "probe") as comfy:
        yield comfy


def words(comfy: Comfy, session: str, *more: str | Path) -> list[str | Path]:
    return ["explore", session, *more, "--output", output(comfy), "--server", comfy.url]


def rows(folder: Path) -> list[tuple[int, str, str, dict[str, Any]]]:
    """(round, lineage, state, payload) of every item."""
    with raw(folder) as db:
        found = db.execute("SELECT round, lineage, state, payload FROM item ORDER BY round, lineage").fetchall()
    return [(row[0], row[1], row[2], json.loads(row[3])) for row in found]


def made(folder: Path) -> int:
    try:
        return sum(state == "done" for _, _, state, _ in rows(folder))
    except sqlite3.OperationalError:  # it is not there yet
        return 0


def check(folder: Path, sides: list[tuple[int, int]], scales: list[float], seeds: int, seed: int = 7) -> None:
    """Every combination of every seed is there once, in the ledger and on disk, under the batch CLI's names."""
    wanted = [(*size, scale) for size in sides for scale in scales]
    found = rows(folder)
    assert [(r, lineage, state) for r, lineage, state, _ in found] == [
        (r, f"X{n:04d}", "done") for r in range(1, seeds + 1) for n in range(1, len(wanted) + 1)
    ]
    assert [(p["width"], p["height"], p["scale"], p["seed"], p["prompt"]) for *_, p in found] == [
        (*each, seed_of(seed, r), PROMPT) for r in range(1, seeds + 1) for each in wanted
    ]
    explored = folder / prompt_hash(PROMPT)
    assert (explored / "prompt.txt").read_text() == f"{PROMPT}\n"
    names = [path.name for path in explored.glob("*.png")]
    assert len(names) == len(found)
    facts = [re.fullmatch(r"[\d-]{10}T[\d-]{8}_scale-([\d.]+)_steps-(\d+)_seed-(\d+)(?:_\d+)?\.png", n) for n in names]
    assert sorted((float(f[1]), int(f[2]), int(f[3])) for f in facts if f) == sorted(
        (float(p["scale"]), p["steps"], p["seed"]) for *_, p in found
    )


def test_killed_and_resumed_with_a_checkpoint_every_combination_is_made_once(comfy: Comfy) -> None:
    folder = output(comfy) / "killed"
    more = (PROMPT, "--aspects", "64x48, 48x64", "--scales", "2,3", "--seeds", "2", "--steps", "2", "--seed", "7")
    asked = words(comfy, "killed", *more, "--model", "tiny_sd15.safetensors")
    for number, point in enumerate(("before commit", "after the run", "after queueing")):
        shell.run(*asked, status=-signal.SIGKILL, point=point, passes=number)
    shell.run(*asked)
    check(folder, [(64, 48), (48, 64)], [2, 3], 2)
    shell.run(*words(comfy, "killed", "--seeds", "3"))  # asks for the rest as before
    check(folder, [(64, 48), (48, 64)], [2, 3], 3)


def test_begun_by_the_command_it_goes_on_in_the_browser(comfy: Comfy) -> None:
    folder = output(comfy) / "shell first"
    more = (PROMPT, "--aspects", "64x48", "--scales", "2,3", "--seeds", "4", "--steps", "2", "--seed", "7")
    asked = words(comfy, "shell first", *more, "--model", "tiny_sd15.safetensors")
    shell.run(*asked, status=-signal.SIGKILL, point="after commit", passes=2)
    assert made(folder) < 8
    assert comfy.post("/resonance/rounds/shell first/resume").status_code == 200
    until(lambda: made(folder) == 8, 60)
    comfy.idle()
    check(folder, [(64, 48)], [2, 3], 4)


def test_begun_in_the_browser_it_goes_on_by_the_command_with_the_same_items(comfy: Comfy) -> None:
    folder = output(comfy) / "browser first"
    saved = {"folder_rule": "prompt hash", "name_rule": "variation"}
    asked = {"prompts": PROMPT, "aspects": "64x48, 3:2", "scales": "2, 3", "seeds": 4}
    comfy.queue(explore("browser first", {"seconds": 0.3}, saved, **asked))
    until(lambda: made(folder) >= 2, 60)
    comfy.post("/resonance/rounds/browser first/pause")
    comfy.idle()
    before = made(folder)
    assert before < 16
    shell.run(*words(comfy, "browser first"))
    check(folder, [(64, 48), (704, 448)], [2, 3], 4)


def test_taken_over_from_a_browser_that_works_on_it(comfy: Comfy) -> None:
    folder = output(comfy) / "taken"
    saved = {"folder_rule": "prompt hash", "name_rule": "variation"}
    asked = {"prompts": PROMPT, "aspects": "64x48", "scales": "2, 3", "seeds": 4}
    comfy.queue(explore("taken", {"seconds": 0.3}, saved, **asked))
    until(lambda: made(folder) >= 1, 60)
    shell.run(*words(comfy, "taken", "--take"))
    check(folder, [(64, 48)], [2, 3], 4)


def test_tries_on_a_server_lead_to_what_is_explored(comfy: Comfy) -> None:
    """What is typed comes through a pipe."""
    more = (PROMPT, "--aspects", "64x48", "--scales", "2,3", "--seeds", "1", "--steps", "2", "--tries", "2")
    asked = words(comfy, "typed", *more, "--seed", "7", "--model", "tiny_sd15.safetensors", "--interactive")
    process = shell.started(*asked, stdin=subprocess.PIPE)
    _, said = process.communicate("\ngreen\n" + "e\n" + f"{PROMPT}\ns\nq\n", timeout=120)
    assert process.returncode == 0, said
    check(output(comfy) / "typed", [(64, 48)], [2, 3], 1)
    tried = [(row[3]["prompt"], row[3]["scale"]) for row in rows(output(comfy) / "typed-tries")]
    assert tried == [(PROMPT, 2)] * 4 + [("green", 2)] * 2 + [(PROMPT, 2)] * 2
    assert len(list((output(comfy) / "typed-tries" / "scratch").glob("*.png"))) == 8


@pytest.mark.long
def test_workers_of_a_cluster_explore(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    more = (PROMPT, "--aspects", "64x64", "--scales", "2,3", "--seeds", "2", "--steps", "2", "--seed", "7")
    workers = ("--cluster", "local", "--workers", "2", "--json")
    events, _ = shell.run("explore", "toy", *more, "--model", "toyworld", "--output", tmp_path, *workers)
    assert events[-1]["state"] == "finished"
    check(tmp_path / "toy", [(64, 64)], [2, 3], 2)


def test_the_embedded_painter_is_killed_and_resumed(tmp_path: Path) -> None:
    more = (PROMPT, "--aspects", "64x64", "--scales", "2,3", "--seeds", "2", "--steps", "2", "--seed", "7")
    asked = ("explore", "toy", *more, "--model", "toyworld", "--output", tmp_path)
    shell.run(*asked, status=-signal.SIGKILL, point="before commit", passes=1)
    shell.run(*asked)
    check(tmp_path / "toy", [(64, 64)], [2, 3], 2)
    shell.run("explore", "toy", "--seeds", "3", "--model", "toyworld", "--output", tmp_path)
    check(tmp_path / "toy", [(64, 64)], [2, 3], 3)

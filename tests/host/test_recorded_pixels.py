"""Ten runs paint, to the byte, what they painted when they were recorded. In the suite five of them."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
import requests
import torch
from PIL import Image
from places import PACK

from . import recording
from .comfy import Comfy
from .recorded_runs import RUNS, SESSIONS, couple, dense, explore, put, rounds, sheet

FILE = "pixels.json"
FEW = (rounds, explore, couple, dense, sheet)
PROBE = (PACK / "tests" / "host" / "packs" / "probe",)
PLAIN = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OMP_NUM_THREADS": "1",
}
"""The same arithmetic on every CPU."""
BUILD = "import sys, pathlib; from models import checkpoint, tagger; f = pathlib.Path(sys.argv[1]); checkpoint.build(f); tagger.build(f)"
MADE_WITH = {"torch": torch.__version__.split("+")[0], "machine": platform.machine()}


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comfy]:
    if not recording.RECORD and recording.read(FILE)["made with"] != MADE_WITH:
        pytest.skip(f"recorded with {recording.read(FILE)['made with']}, and this is {MADE_WITH}")
    base = tmp_path_factory.mktemp("pixels")
    env = {**os.environ, **PLAIN, "PYTHONPATH": str(PACK / "tests")}
    subprocess.run([sys.executable, "-c", BUILD, str(base / "models")], env=env, check=True)
    with Comfy(base, PROBE, env=PLAIN) as comfy:
        put(base / "input")
        yield comfy


def pixels(data: bytes) -> dict[str, Any]:
    with Image.open(BytesIO(data)) as image:
        return {"size": list(image.size), "sha256": hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()}


def view(comfy: Comfy, place: dict[str, str]) -> dict[str, Any]:
    answer = requests.get(f"{comfy.url}/view", params=place, timeout=60)
    answer.raise_for_status()
    return pixels(answer.content)


def session(comfy: Comfy, name: str) -> dict[str, Any]:
    """The pictures of a session, by round and lineage."""
    found = {}
    grid = comfy.get(f"/resonance/rounds/{name}/grid")
    assert grid["status"]["state"] == "finished", grid["status"]
    for id_, *_ in grid["items"]:
        item = comfy.get(f"/resonance/rounds/{name}/items/{id_}")
        for number, place in enumerate(item["pictures"], 1):
            found[f"{item['round']} {item['lineage']} {number}"] = view(comfy, place)
    return found


def shown(outputs: dict[str, Any]) -> dict[str, Any]:
    """Where the pictures of all nodes that show some are."""
    return {
        f"{node_id} {number}": place
        for node_id, output in sorted(outputs.items())
        if node_id.startswith("shown")
        for number, place in enumerate(output["images"], 1)
    }


@pytest.mark.parametrize(
    "run",
    [run if run in FEW else pytest.param(run, marks=pytest.mark.long) for run in RUNS],
    ids=[run.__name__ for run in RUNS],
)
def test_a_run_paints_the_recorded_pixels(comfy: Comfy, run: Callable[[], dict[str, Any]]) -> None:
    name = run.__name__
    outputs = comfy.run(comfy.complete(run()), timeout=600)
    comfy.idle(600)
    pictures = {key: view(comfy, place) for key, place in shown(outputs).items()}
    painted = session(comfy, name) if name in SESSIONS else pictures
    assert painted
    if recording.RECORD:
        runs = recording.read(FILE)["runs"] | {name: painted}
        recording.write(FILE, {"made with": MADE_WITH, "runs": runs})
    found = recording.differences(recording.read(FILE)["runs"][name], painted)
    assert not found, "\n".join(["Pixels are not those of the recording.", *found, recording.advice(__file__)])

"""Writes tests/recordings/sessions: sessions that are half done, as the commit that is checked out makes them.

They show that sessions of earlier commits go on, so those that are there stay as they are; give a new one a new name.
"""

import json
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
from host import recorded_runs as runs
from host.comfy import Comfy, RunFailed
from models import checkpoint, tagger
from PIL import Image
from places import PACK

FOLDER = PACK / "tests" / "recordings" / "sessions"
COLOURS = {"1-red": (220, 30, 20), "2-green": (40, 190, 30), "3-blue": (30, 40, 210), "4-dark": (60, 20, 30)}


def rounds() -> dict[str, Any]:
    graph = runs.rounds()
    graph["input"]["inputs"] |= {"first_folder": "four", "rounds": 3, "words_first": False}
    graph["latent"]["inputs"]["batch_size"] = 1
    del graph["output"]["inputs"]["before"]
    return graph


def explore() -> dict[str, Any]:
    graph = runs.explore()
    graph["explore"]["inputs"] |= {"seeds": 2, "aspects": "64x48, 48x64"}
    return graph


def vary() -> dict[str, Any]:
    graph = runs.chain()
    graph["image"]["inputs"]["image"] = "four/1-red.png"
    graph["transform"]["inputs"]["transform.program"] = "6@.1 > 3@.14 > 7@.1"
    graph["vary"]["inputs"]["save_as.session"] = "vary"
    return graph


KINDS = {"rounds": (rounds, 6), "explore": (explore, 5), "vary": (vary, 3)}
"""Graph, and how many items are done when it is stopped."""


def pictures(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, colour in COLOURS.items():
        Image.new("RGB", (64, 64), colour).save(folder / f"{name}.png")
    (folder / "5-broken.png").write_text("not a picture")


def make(comfy: Comfy, kind: str) -> dict[str, Any]:
    """Runs a graph until so many items are done; returns it."""
    build, wanted = KINDS[kind]
    graph = comfy.complete(build())
    run = comfy.queue(graph)
    while done(comfy, kind) < wanted:
        time.sleep(0.02)
    comfy.post("/interrupt" if kind == "vary" else f"/resonance/rounds/{kind}/pause")
    try:
        comfy.wait(run)
    except RunFailed as error:
        assert "interrupted" in str(error)
    comfy.idle()
    return graph


def done(comfy: Comfy, session: str) -> int:
    answer = requests.get(f"{comfy.url}/resonance/rounds/{session}/grid", timeout=60)
    return sum(item[3] == "done" for item in answer.json()["items"]) if answer.ok else 0


def keep(comfy: Comfy, kind: str, graph: dict[str, Any]) -> None:
    folder = FOLDER / kind
    shutil.copytree(comfy.base / "output" / kind, folder / "output" / kind, ignore=shutil.ignore_patterns("thumbs"))
    shutil.copytree(comfy.base / "input", folder / "input", ignore=shutil.ignore_patterns("3d", "*.md"))
    db = sqlite3.connect(folder / "output" / kind / "ledger.sqlite3")
    db.execute("UPDATE session SET owner = 'studio, process 4711'")
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    (folder / "graph.json").write_text(json.dumps(graph, indent=1) + "\n")


if __name__ == "__main__":
    missing = [kind for kind in KINDS if not (FOLDER / kind).exists()]
    with tempfile.TemporaryDirectory() as base:
        checkpoint.build(Path(base, "models"))
        tagger.build(Path(base, "models"))
        pictures(Path(base, "input", "four"))
        comfy = Comfy(Path(base)).start(timeout=600)
        try:
            graphs = {kind: make(comfy, kind) for kind in missing}
        finally:
            comfy.stop()
        for kind, graph in graphs.items():
            keep(comfy, kind, graph)

"""Sessions that an earlier commit left half done: they look as they did, and go on to the end.

``tests/recordings/sessions`` holds them, with the pictures that they started from and the graphs that were run.
``tests/write_sessions.py`` made them.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import recording, shell
from .comfy import Comfy
from .conftest import server
from .graphs import until

SESSIONS = recording.FOLDER / "sessions"
KINDS = {"rounds": (3, 12), "explore": (2, 8), "vary": (6, 6)}
"""How many rounds there are in the end, and how many items with a result."""


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("sessions"), models) as comfy:
        yield comfy


@dataclass
class Session:
    """A fresh copy of a session in a server's folders, which has the name of its kind."""

    comfy: Comfy
    kind: str

    @property
    def folder(self) -> Path:
        return self.comfy.base / "output" / self.kind

    def get(self, path: str) -> Any:
        return self.comfy.get(f"/resonance/rounds/{self.kind}/{path}")

    def items(self) -> list[dict[str, Any]]:
        return [self.get(f"items/{id_}") for id_, *_ in self.get("grid")["items"]]

    def done(self) -> dict[int, dict[str, Any]]:
        """By its id all that is known of each item that is done, and its files' bytes and times."""
        found = {}
        for item in self.items():
            if item["state"] == "done":
                kept = {
                    key: item[key] for key in ("round", "lineage", "words", "prompt", "source", "committed", "json")
                }
                paths = [self.folder / file for file in item["files"]]
                files = {
                    file: (path.read_bytes(), path.stat().st_mtime_ns)
                    for file, path in zip(item["files"], paths, strict=True)
                }
                found[item["id"]] = {**kept, "files": files}
        return found

    def command(self, *words: str) -> list[str | Path]:
        return [*words, "--output", self.comfy.base / "output", "--input", self.comfy.base / "input"]


def put(comfy: Comfy, kind: str) -> Session:
    session = Session(comfy, kind)
    shutil.rmtree(session.folder, ignore_errors=True)
    shutil.copytree(SESSIONS / kind / "output", comfy.base / "output", dirs_exist_ok=True)
    shutil.copytree(SESSIONS / kind / "input", comfy.base / "input", dirs_exist_ok=True)
    return session


def shown(session: Session) -> dict[str, Any]:
    """What the gallery is told: everything at a glance, the last item that is done, and how it drifted."""
    last = f"items/{max(session.done())}"
    while (drift := session.get(f"{last}/drift"))["missing"]:
        pass  # it makes thumbnails for a second, and the next call goes on
    return {"grid": session.get("grid"), "item": session.get(last), "drift": drift}


def reported(session: Session, out: Path) -> str:
    """The report, less its pictures."""
    shell.run(*session.command("report", session.kind, "--out", str(out)), env={"TZ": "UTC"})
    page = re.sub(r"data:(image/\w+);base64,[\w+/=]+", r"data:\1", out.read_text(encoding="utf-8"))
    return page.replace(str(session.comfy.base), "BASE")


def check_whole(session: Session, before: dict[int, dict[str, Any]]) -> None:
    """Nothing that was done was touched, and every item has exactly one result."""
    rounds, count = KINDS[session.kind]
    grid = session.get("grid")
    assert grid["status"]["state"] == "finished" and grid["rounds"] == list(range(1, rounds + 1)), grid["status"]
    results = [number for *_, state, _, number in grid["items"] if state != "skipped"]
    assert results == [1] * count
    after = session.done()
    assert len(after) == count and before == {id_: after[id_] for id_ in before}
    files = [file for item in after.values() for file in item["files"]]
    assert sorted(files) == sorted(set(files))
    there = {path.relative_to(session.folder).as_posix() for path in session.folder.glob("*/*.png")}
    assert {file for file in there if not file.startswith(("start/", "thumbs/"))} == set(files)


def by_turns(now: str) -> list[Any]:
    """Every kind of session; all but one in `nox -s long`."""
    return [kind if kind == now else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]


def graph(kind: str) -> dict[str, Any]:
    return json.loads((SESSIONS / kind / "graph.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_gallery_tells_of_it_what_it_told(comfy: Comfy, kind: str) -> None:
    now = shown(put(comfy, kind))
    if recording.RECORD:
        recording.write(f"sessions/{kind}/gallery.json", now)
    found = recording.differences(recording.read(f"sessions/{kind}/gallery.json"), now)
    assert not found, "\n".join(["The gallery tells something else of it.", *found, recording.advice(__file__)])


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_is_the_recorded_one(comfy: Comfy, kind: str, tmp_path: Path) -> None:
    now, path = reported(put(comfy, kind), tmp_path / "page.html"), SESSIONS / kind / "report.html"
    if recording.RECORD:
        path.write_text(now, encoding="utf-8")
    assert now.splitlines() == path.read_text(encoding="utf-8").splitlines(), recording.advice(__file__)


@pytest.mark.parametrize("kind", by_turns("rounds"))
def test_the_same_graph_goes_on_with_it(comfy: Comfy, kind: str) -> None:
    session = put(comfy, kind)
    before = session.done()
    comfy.run(graph(kind), timeout=600)
    comfy.idle(600)
    check_whole(session, before)


@pytest.mark.parametrize("kind", ["explore", pytest.param("rounds", marks=pytest.mark.long)])
def test_resume_goes_on_with_it_once_somebody_has_run_it_here(comfy: Comfy, kind: str) -> None:
    session = put(comfy, kind)
    before = session.done()
    assert session.get("grid")["status"]["state"] == "paused"
    assert comfy.post(f"/resonance/rounds/{kind}/resume").status_code == 409
    comfy.queue(graph(kind))
    until(lambda: session.get("grid")["status"]["state"] == "open")
    comfy.post(f"/resonance/rounds/{kind}/pause")
    comfy.idle(600)
    assert session.get("grid")["status"]["state"] == "paused"
    assert comfy.post(f"/resonance/rounds/{kind}/resume").ok
    comfy.idle(600)
    check_whole(session, before)


@pytest.mark.parametrize("kind", by_turns("vary"))
def test_the_command_goes_on_with_it(comfy: Comfy, kind: str) -> None:
    session = put(comfy, kind)
    before = session.done()
    workflow = ("--workflow", str(SESSIONS / kind / "graph.json"))
    shell.run(*session.command(kind, kind, "--server", comfy.url, *workflow), timeout=600)
    check_whole(session, before)

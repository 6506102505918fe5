"""Rounds when the server dies, when another one wants the session, and when the disk is full."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from .comfy import PACK, Comfy, RunFailed
from .graphs import check_whole, claimed, items, output, pictures, quick, said, until

PACKS = tuple(PACK / "tests" / "host" / "packs" / name for name in ("probe", "traps"))
POINTS = (
    "after claim",
    "half-written file",
    "before rename",
    "after rename",
    "before commit",
    "after commit",
    "after queueing the successor",
)
QUEUED = "after queueing the successor"
KEPT = ("after claim", "before commit", QUEUED)
"""Those of them in the suite: what the session does is killed at every point without ComfyUI, in tests/unit/test_crash.py."""
ROUNDS, COUNT = 2, 4


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crash")


@pytest.fixture(scope="module")
def comfy(base: Path) -> Iterator[Comfy]:
    """One base directory; the server in it dies and is started again."""
    comfy = Comfy(base, PACKS)
    yield comfy
    comfy.stop()


def start(comfy: Comfy, point: str = "", passes: int = 0) -> None:
    """A server that dies when it has passed the point so many times."""
    armed = comfy.base / "armed"
    armed.unlink(missing_ok=True)
    if point:
        armed.write_text(str(passes))
    comfy.env = {"RESONANCE_TRAP": point, "RESONANCE_TRAP_ARMED": str(armed)}
    comfy.start()


def log(comfy: Comfy) -> list[tuple[str, str]]:
    """(lineage, round) of every description that was made."""
    path = output(comfy) / "described.log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line.split()[0], line.split()[1]) for line in lines]


def described(comfy: Comfy, session: str) -> set[tuple[str, str]]:
    """(lineage, round) of every item whose words the ledger holds."""
    return {
        (item["lineage"], str(round_))
        for round_ in range(1, ROUNDS + 1)
        for item in items(comfy, session, round_)
        if item["words"]
    }


@pytest.mark.parametrize(
    ("words_first", "points"),
    [
        pytest.param(False, KEPT, id="one by one"),
        pytest.param(True, (QUEUED,), id="words first"),
        pytest.param(False, POINTS, id="one by one, everywhere", marks=pytest.mark.long),
        pytest.param(True, (QUEUED, "after claim", "before commit"), id="words first, more", marks=pytest.mark.long),
    ],
)
def test_killed_at_named_points_each_item_is_committed_once(comfy: Comfy, words_first: bool, points: tuple[str, ...]):
    session = f"points {words_first} {len(points)}"
    pictures(comfy, session, "red", "green", "blue", "red")
    (output(comfy) / "described.log").unlink(missing_ok=True)
    graph = quick(session, session, rounds=ROUNDS, words_first=words_first)
    for passes, point in enumerate(points):
        start(comfy, point, passes=passes % 2)
        comfy.queue(graph)
        until(lambda: comfy.dead, 60)
        assert comfy.process and comfy.process.returncode == -signal.SIGKILL, point
        assert Counter(log(comfy)) == Counter(described(comfy, session)), f"{point}: words that were said are stored"
    start(comfy)
    comfy.queue(graph)
    comfy.idle()
    check_whole(comfy, session, ROUNDS, COUNT)
    assert max(Counter(log(comfy)).values()) == 1, "no words were said twice"


def test_pictures_that_are_made_again_are_made_once_though_the_server_dies(comfy: Comfy):
    session = "again"
    pictures(comfy, session, "red", "green", "blue", "red")
    graph = quick(session, session)
    start(comfy, "before commit", passes=5)
    comfy.run(graph)
    comfy.idle()
    folder = output(comfy) / session
    before = {path.name: path.read_bytes() for path in (folder / "round-0001").iterdir()}
    shutil.rmtree(folder / "round-0001")
    comfy.run(graph)
    assert comfy.post(f"/resonance/rounds/{session}/remake?round=1").json() == {"items": COUNT}
    until(lambda: comfy.dead, 60)
    assert len(list((folder / "round-0001").glob("*.png"))) == 2, "it died when the second was written"
    start(comfy)
    comfy.queue(graph)
    comfy.idle()
    check_whole(comfy, session, 1, COUNT)
    assert {path.name: path.read_bytes() for path in (folder / "round-0001").iterdir()} == before


@pytest.mark.parametrize("moments", [2, pytest.param(6, marks=pytest.mark.long)])
def test_killed_at_random_moments_each_item_is_committed_once(comfy: Comfy, moments: int):
    session = f"random {moments}"
    pictures(comfy, session, "red", "green", "blue", "red")
    (output(comfy) / "described.log").unlink(missing_ok=True)
    graph = quick(session, session, rounds=ROUNDS, paint={"seconds": 0.4})
    chance = random.Random(1)
    kept: set[tuple[str, str]] = set()
    known = 0
    for moment in range(moments):
        start(comfy)
        comfy.queue(graph)
        until(lambda: claimed(comfy, session), 60)
        # Every other time late enough for one picture: an item that dies five times in a row is parked.
        time.sleep(chance.uniform(0.5, 0.8) if moment % 2 else chance.uniform(0.0, 0.3))
        comfy.stop(signal.SIGKILL)
        assert not kept & set(log(comfy)[known:]), "stored words are not asked for again"
        kept, known = described(comfy, session), len(log(comfy))
    start(comfy)
    comfy.queue(graph)
    comfy.idle()
    assert not kept & set(log(comfy)[known:])
    check_whole(comfy, session, ROUNDS, COUNT)


def test_an_item_on_which_the_server_dies_five_times_is_parked_and_named(comfy: Comfy):
    session = "deadly"
    pictures(comfy, session, "red")
    graph = quick(session, session)
    start(comfy, "before commit")
    comfy.queue(graph)
    until(lambda: comfy.dead, 60)
    with sqlite3.connect(output(comfy) / session / "ledger.sqlite3") as ledger:
        ledger.execute("UPDATE item SET deaths = 4")
    ledger.close()
    start(comfy)
    [text] = said(comfy, graph)
    assert "1 failed" in text["text"]
    (item,) = items(comfy, session, 1)
    assert item["state"] == "parked" and "5 times in a row" in item["error"]
    assert comfy.post(f"/resonance/rounds/{session}/retry").json() == {"items": 1}
    comfy.idle()
    check_whole(comfy, session, 1, 1)


def test_a_second_server_is_told_who_owns_the_session(comfy: Comfy, tmp_path: Path):
    session = "shared"
    pictures(comfy, session, "red", "green")
    start(comfy)
    graph = quick(session, session, paint={"seconds": 100.0})
    comfy.queue(graph)
    until(lambda: claimed(comfy, session))
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "input").symlink_to(comfy.base / "input")
    with Comfy(tmp_path / "second", PACKS, ("--output-directory", str(output(comfy)))) as second:
        assert comfy.process
        with pytest.raises(RunFailed, match=rf"is open in another program \(.*process {comfy.process.pid}\)"):
            second.run(quick(session, session))
        assert second.get(f"/resonance/rounds/{session}")["state"] == "open", "it can be looked at"
        comfy.stop(signal.SIGKILL)
        second.queue(quick(session, session))
        second.idle()
        check_whole(second, session, 1, 2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=520m", "tmpfs", str(disk)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("this user cannot mount a tmpfs")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fast enough to be done while a picture is painted."""
    ballast = disk / "ballast"
    left = shutil.disk_usage(disk).free - leave
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, left - (1 << 20))
        file.seek(0, os.SEEK_END)
        for _ in range((1 << 20) // 4096):
            file.write(bytes(4096))
    return ballast


def test_a_full_disk_pauses_with_the_reason_and_loses_nothing(tmp_path: Path, small_disk: Path):
    session = "full"
    comfy = Comfy(tmp_path / "base", PACKS, ("--output-directory", str(small_disk)))
    pictures(comfy, session, "red", "green", "blue")
    graph = quick(session, session, rounds=2)
    with comfy:
        comfy.queue(quick(session, session, rounds=2, paint={"seconds": 4.0}))
        until(lambda: claimed(comfy, session))
        ballast = fill(small_disk, leave=1000)
        comfy.idle()
        assert "No space left on device" in comfy.read_log()
        assert not list(small_disk.rglob("*.tmp"))
        assert all(i["state"] in ("claimed", "pending") for i in items(comfy, session, 1))
        ballast.unlink()

        ballast = fill(small_disk, leave=100 << 20)
        with pytest.raises(RunFailed, match=r"is paused: only \d+ MB are free.*500 are needed"):
            comfy.run(graph)
        assert comfy.get(f"/resonance/rounds/{session}")["state"] == "paused"
        ballast.unlink()

        comfy.queue(graph)
        comfy.idle()
        check_whole(comfy, session, 2, 3)
        assert all(i["attempts"] == 0 for i in items(comfy, session, 1)), "a full disk costs no attempt"

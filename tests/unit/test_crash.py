"""Kills: at every named point and at random moments, in a process that imports only the session."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from crash_child import DATA, POINTS
from places import PACK

from resonance.session import query

COUNT, ROUNDS = 6, 3
CHILD = PACK / "tests" / "crash_child.py"
RANDOM = 60
"""Random moments in the suite; ``nox -s crash`` has a thousand."""


def start(base: Path, point: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, str(CHILD), str(base), str(COUNT), str(ROUNDS), point]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def check(base: Path) -> None:
    """Each item has exactly one committed result, every file of it is whole, and no file is there without a row."""
    folder = base / "output" / "s"
    rows: Counter[str] = Counter()
    for round_ in range(1, ROUNDS + 1):
        items = query.read(folder, round_)[1]
        assert [(item["state"], len(item["files"])) for item in items] == [("done", 1)] * COUNT
        rows.update(file for item in items for file in item["files"])
    there = {path.relative_to(folder).as_posix(): path for path in folder.glob("*/*")}
    assert set(there) == set(rows) and set(rows.values()) == {1}
    assert all(path.read_bytes() == DATA for path in there.values())


def temporaries(base: Path) -> int:
    return len(list((base / "output" / "s").glob("*/.*.tmp")))


def finish(base: Path) -> None:
    child = start(base)
    said, _ = child.communicate(timeout=120)
    assert child.returncode == 0, said.decode()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_it_goes_on_as_if_nothing_had_been(tmp_path: Path, point: str):
    child = start(tmp_path, point)
    child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL
    assert temporaries(tmp_path) <= 1
    finish(tmp_path)
    check(tmp_path)


def kills(base: Path, count: int, seed: int) -> int:
    """Kills one session after another at random moments, ``count`` times, and checks each that came to its end."""
    choose, killed, sessions = random.Random(seed), 0, 0
    while killed < count:
        place = base / str(sessions)
        sessions += 1
        ended = False
        while not ended:
            (place / "begun").unlink(missing_ok=True)
            child = start(place)
            while not (place / "begun").exists() and child.poll() is None:
                time.sleep(0.001)
            time.sleep(choose.uniform(0, 0.12))
            if killed < count and child.poll() is None:
                child.kill()
                killed += 1
            said, _ = child.communicate(timeout=120)
            ended = child.returncode == 0
            assert ended or child.returncode == -signal.SIGKILL, said.decode()
            assert temporaries(place) <= 1
        check(place)
    return sessions


def test_killed_at_random_moments_each_item_has_one_result(tmp_path: Path):
    assert kills(tmp_path, RANDOM, 1)


@pytest.mark.long
def test_a_thousand_kills(tmp_path: Path):
    sessions = kills(tmp_path, 1000, 2)
    print(f"1000 kills at random moments in {sessions} sessions of {COUNT} x {ROUNDS} items: each item has one result")

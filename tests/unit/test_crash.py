"""Kills: at every named point and at random moments, in a process that imports only the session."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from crash_child import DATA, POINTS
from PIL import Image
from places import PACK

from resonance.session import query
from resonance.session.chain import Chain, Stop, own
from resonance.session.fill.pictures import Pictures
from resonance.session.made import Made
from resonance.session.naming import NameRule, Naming
from resonance.session.reason import Outcome, Reason

COUNT, ROUNDS = 6, 3
RANDOM = 25
"""Random moments in the suite; ``nox -s crash`` has a thousand."""


class Children:
    """Processes that work on a session, from one that has imported it."""

    def __init__(self) -> None:
        command = [sys.executable, str(PACK / "tests" / "crash_child.py")]
        self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, base: Path, point: str = "", rule: NameRule = "lineage") -> int:
        """The id of a new one."""
        assert self._parent.stdin
        print(json.dumps([str(base), COUNT, ROUNDS, point, rule]), file=self._parent.stdin, flush=True)
        return self._said()

    def end(self) -> int:
        """How it ended, once it has."""
        return self._said()

    def close(self) -> None:
        self._parent.kill()
        self._parent.communicate()

    def _said(self) -> int:
        assert self._parent.stdout
        return int(self._parent.stdout.readline())


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    children = Children()
    yield children
    children.close()


def check(base: Path, rule: NameRule = "lineage") -> None:
    """Each item has exactly one committed result, every file of it is whole, and no file is there without a row. Where names are
    sequential there is no hole, and nothing twice."""
    folder = base / "output" / "s"
    rows: Counter[str] = Counter()
    for round_ in range(1, ROUNDS + 1):
        items = query.read_round(folder, round_)[1]
        assert [(item["state"], len(item["files"])) for item in items] == [("done", 1)] * COUNT
        rows.update(file for item in items for file in item["files"])
    there = {path.relative_to(folder).as_posix(): path for path in folder.glob("*/*")}
    assert set(there) == set(rows) and set(rows.values()) == {1}
    assert all(path.read_bytes() == DATA for path in there.values())
    if rule == "sequential":
        names = sorted(path.name for path in there.values())
        assert names == [f"im_{n:06}.png" for n in range(1, COUNT * ROUNDS + 1)]


def temporaries(base: Path) -> int:
    return len(list((base / "output" / "s").glob("*/.*.tmp")))


@pytest.mark.parametrize(
    ("point", "rule"),
    [*((point, "lineage") for point in POINTS), *((point, "sequential") for point in POINTS[1:-1])],
)
def test_killed_at_a_named_point_it_goes_on_as_if_nothing_had_been(
    tmp_path: Path, children: Children, point: str, rule: NameRule
):
    children.start(tmp_path, point, rule)
    assert children.end() == -signal.SIGKILL
    assert temporaries(tmp_path) <= 1
    children.start(tmp_path, rule=rule)
    assert children.end() == 0
    check(tmp_path, rule)


@pytest.mark.parametrize("point", ["after rename", "before commit"])
def test_what_was_written_under_a_number_and_not_committed_is_gone_under_whatever_name_others_get_it(
    tmp_path: Path, children: Children, point: str
):
    children.start(tmp_path, point, "sequential")
    assert children.end() == -signal.SIGKILL
    folder = tmp_path / "output" / "s"
    assert sorted(path.name for path in folder.glob("*/im_*")) == ["im_000001.png", "im_000002.png"]
    fill = Pictures("first", ROUNDS, {"input": tmp_path / "input", "output": tmp_path / "output"})
    chain = Chain(own(folder, None, fill.kind, ""), fill)
    assert [path.name for path in folder.glob("*/im_*")] == ["im_000001.png"]
    chain.settle_all(lambda run, process: Outcome(Reason.INTERRUPTED))
    chain.begin()
    items = chain.claim("run", most=COUNT)
    assert not isinstance(items, Stop)
    picture = Image.new("RGB", (4, 4))
    for item in reversed(items):  # what was written as 2 is made last
        chain.keep(item, Made(pictures=(picture,), naming=Naming(pattern="new/{n:06}", format="jpeg")))
    chain.close()
    there = sorted(path.relative_to(folder / "round-0001").as_posix() for path in folder.rglob("*.[jp][pn]g"))
    assert there == ["im_000001.png", *(f"new/{n:06}.jpg" for n in range(2, COUNT + 1))]


def kills(base: Path, children: Children, count: int, seed: int, rule: NameRule = "lineage") -> int:
    """Kills one session after another at random moments, ``count`` times, checks each that came to its end, and returns how
    many they were."""
    choose, killed, sessions = random.Random(seed), 0, 0
    while killed < count:
        place = base / str(sessions)
        sessions += 1
        while True:
            (place / "begun").unlink(missing_ok=True)
            pid = children.start(place, rule=rule)
            if killed < count:
                while not (place / "begun").exists():
                    time.sleep(0.0005)
                time.sleep(choose.uniform(0, 0.1))
                with suppress(ProcessLookupError):  # it has come to its end
                    os.kill(pid, signal.SIGKILL)
            ended = children.end()
            killed += ended == -signal.SIGKILL
            assert ended in (0, -signal.SIGKILL) and temporaries(place) <= 1
            if ended == 0:
                break
        check(place, rule)
    return sessions


def test_killed_at_random_moments_each_item_has_one_result(tmp_path: Path, children: Children):
    assert kills(tmp_path, children, RANDOM, 1)


@pytest.mark.parametrize("count", [8, pytest.param(300, marks=pytest.mark.long)])
def test_killed_at_random_moments_numbers_have_no_hole_and_none_is_given_twice(
    tmp_path: Path, children: Children, count: int
):
    assert kills(tmp_path, children, count, 3, "sequential")


@pytest.mark.long
def test_a_thousand_kills(tmp_path: Path, children: Children):
    sessions = kills(tmp_path, children, 1000, 2)
    print(f"1000 kills at random moments in {sessions} sessions of {COUNT} x {ROUNDS} items: each item has one result")

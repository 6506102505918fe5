"""The ground moves while ComfyUI works on a session: its folder is renamed, its ledger deleted or replaced."""

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from resonance.session import query
from resonance.session.ledger import Ledger
from resonance.session.status import FILE

from .comfy import Comfy, RunFailed
from .conftest import server
from .graphs import check_whole, claimed, items, output, pictures, quick, until

COUNT = 12
SLOW = {"seconds": 0.15}
MOVED = "was renamed, deleted or replaced while the session was worked on: nothing more is saved"


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("moved"), models, "probe", "faults") as comfy:
        yield comfy


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return "".join(c if c.isalnum() else "-" for c in request.node.name)[-60:].strip("-")


def begin(comfy: Comfy, name: str) -> Path:
    """A session that is at work, with some pictures done."""
    pictures(comfy, name, *("red", "green", "blue") * (COUNT // 3))
    comfy.queue(quick(name, name, rounds=2, paint=SLOW))
    folder = output(comfy) / name
    until(lambda: done(folder) >= 3, 60)
    return folder


def done(folder: Path) -> int:
    try:
        return sum(item["state"] == "done" for item in query.read_round(folder, 1)[1])
    except query.NoLedger:
        return 0


def saved(folder: Path) -> int:
    return len(list(folder.glob("round-*/*.png")))


def test_a_renamed_folder_pauses_and_goes_on_under_its_new_name(comfy: Comfy, name: str) -> None:
    folder = begin(comfy, name)
    moved = folder.with_name(f"{name}-moved")
    os.rename(folder, moved)
    comfy.idle()
    assert not folder.exists(), "nothing is saved where the session was, and none begins anew"
    status, items = query.read_round(moved)
    assert status.state == "paused" and MOVED in status.reason
    assert saved(moved) in (done(moved), done(moved) + 1)  # a picture that was just being written
    assert {item["state"] for item in items} == {"done", "pending"} and all(item["attempts"] == 0 for item in items)
    assert MOVED in comfy.read_log()
    assert comfy.post(f"/resonance/rounds/{moved.name}/resume").status_code == 200
    comfy.idle()
    status, items = query.read_round(moved, 1)
    assert [item["state"] for item in items] == ["done"] * COUNT


def test_put_back_it_goes_on_as_if_nothing_had_been(comfy: Comfy, name: str) -> None:
    folder = begin(comfy, name)
    away = folder.with_name(f"{name}-away")
    os.rename(folder, away)
    comfy.idle()
    os.rename(away, folder)
    comfy.run(quick(name, name, rounds=2))
    comfy.idle()
    check_whole(comfy, name, 2, COUNT)


def test_a_deleted_ledger_pauses_and_nothing_is_saved_into_nowhere(comfy: Comfy, name: str) -> None:
    folder = begin(comfy, name)
    for path in folder.glob(f"{FILE}*"):
        path.unlink()
    before = saved(folder)
    comfy.idle()
    assert saved(folder) <= before + 1 and not (folder / FILE).exists()
    assert MOVED in comfy.read_log()


def test_a_replaced_ledger_is_not_written_to(comfy: Comfy, name: str) -> None:
    folder = begin(comfy, name)
    other = comfy.base / f"{name}-other"
    Ledger(other, seed=9).close()
    shutil.copy2(other / FILE, folder / "new")
    os.replace(folder / "new", folder / FILE)
    for suffix in ("-wal", "-shm"):
        (folder / f"{FILE}{suffix}").unlink(missing_ok=True)
    comfy.idle()
    with sqlite3.connect(folder / FILE) as db:
        assert db.execute("SELECT seed FROM session").fetchone()[0] == 9
        assert db.execute("SELECT count(*) FROM item").fetchone()[0] == 0


def test_a_deleted_folder_stays_deleted(comfy: Comfy, name: str) -> None:
    folder = begin(comfy, name)
    shutil.rmtree(folder, ignore_errors=True)
    comfy.idle()
    assert saved(folder) == 0
    assert MOVED in comfy.read_log()
    shutil.rmtree(folder, ignore_errors=True)
    comfy.run(quick(name, name, rounds=1))
    comfy.idle()
    check_whole(comfy, name, 1, COUNT)


@pytest.mark.parametrize("again", [False, True])
def test_removed_pictures_are_counted_and_can_be_made_again(comfy: Comfy, name: str, again: bool) -> None:
    pictures(comfy, name, "red", "green", "blue", "red")
    comfy.run(quick(name, name))
    comfy.idle()
    folder = output(comfy) / name
    gone = sorted((folder / "round-0001").iterdir())[1:3]
    for path in gone:
        path.unlink()
    comfy.run(quick(name, name, rounds=2))
    comfy.idle()
    status, found = query.read_round(folder, 1)
    assert status.state == "finished" and status.text().startswith("round 2: 2 of 2, 2 removed")
    assert [item["state"] for item in found] == ["done", "removed", "removed", "done"]
    grid = comfy.get(f"/resonance/rounds/{name}/grid")
    assert grid["status"]["removed"] == 2 and [item[3] for item in grid["items"]].count("removed") == 2
    if again:
        assert comfy.post(f"/resonance/rounds/{name}/remake").json() == {"items": 2}
        comfy.idle()
        check_whole(comfy, name, 2, 4)


@pytest.mark.parametrize("what", ["the folder", "all pictures"])
def test_without_any_picture_of_the_round_before_it_pauses(comfy: Comfy, name: str, what: str) -> None:
    pictures(comfy, name, "red", "green", "blue")
    comfy.run(quick(name, name))
    comfy.idle()
    folder = output(comfy) / name
    away = comfy.base / f"{name}-away"
    os.rename(folder / "round-0001", away)
    if what == "all pictures":
        (folder / "round-0001").mkdir()
    wanted = (
        f"The 3 pictures of round 1 are gone from output/{name}/round-0001: put them back, or have them made again."
    )
    with pytest.raises(RunFailed, match=wanted):
        comfy.run(quick(name, name, rounds=2))
    status, _ = query.read_round(folder, 1)
    assert (status.state, status.reason, status.removed) == ("paused", wanted, 3)
    assert not query.read_round(folder, 2)[1]
    shutil.rmtree(folder / "round-0001", ignore_errors=True)
    os.rename(away, folder / "round-0001")
    comfy.run(quick(name, name, rounds=2))
    comfy.idle()
    check_whole(comfy, name, 2, 3)


def test_a_first_folder_that_goes_while_it_is_worked_on_pauses(comfy: Comfy, name: str) -> None:
    folder = begin(comfy, name)
    first = comfy.base / "input" / name
    os.rename(first, first.with_name(f"{name}-away"))
    comfy.idle()
    status, found = query.read_round(folder, 1)
    assert (
        status.state == "paused" and "None of the pictures that round 1 starts from are there any more" in status.reason
    )
    assert {item["state"] for item in found} == {"done", "pending"}
    os.rename(first.with_name(f"{name}-away"), first)
    comfy.run(quick(name, name, rounds=1))
    comfy.idle()
    check_whole(comfy, name, 1, COUNT)


def test_the_workflow_of_a_session_from_elsewhere_is_not_run_before_somebody_has_run_it_here(
    comfy: Comfy, name: str
) -> None:
    pictures(comfy, name, "red", "green")
    comfy.run(quick(name, name, rounds=1))
    comfy.idle()
    folder = output(comfy) / name
    with sqlite3.connect(folder / FILE) as db:
        db.execute("UPDATE session SET mark = 'another', rounds = 2, state = 'paused'")
    for command in ("resume", "retry", "remake"):
        answer = comfy.post(f"/resonance/rounds/{name}/{command}")
        assert (
            answer.status_code == 409
            and "was not kept by this installation, so it is not run unseen" in answer.json()["error"]
        )
    assert query.read_round(folder)[0].state == "paused" and saved(folder) == 2
    comfy.run(quick(name, name, rounds=2, keep_going=False))
    assert comfy.post(f"/resonance/rounds/{name}/resume").status_code == 200
    comfy.idle()


def test_a_pipe_and_a_disk_that_does_not_answer_cost_their_own_pictures(comfy: Comfy, name: str) -> None:
    pictures(comfy, name, "red", "green", "blue")
    first = comfy.base / "input" / name
    os.mkfifo(first / "0.png")
    (first / "2-green.png").rename(first / "never.png")
    comfy.run(quick(name, name, rounds=2))
    comfy.idle()
    found = {item["source"].split("/")[1].split(".")[0]: item for item in items(comfy, name, 1)}
    assert {stem: item["state"] for stem, item in found.items()} == {
        "0": "skipped",
        "1-red": "done",
        "3-blue": "done",
        "never": "skipped",
    }
    assert "it is not a file" in found["0"]["error"] and "its disk took more than 3 s" in found["never"]["error"]
    assert [item["state"] for item in items(comfy, name, 2)] == ["done", "done"]


def test_a_disk_that_does_not_answer_is_not_waited_for_after_an_interrupt(comfy: Comfy, name: str) -> None:
    pictures(comfy, name, "red")
    (comfy.base / "input" / name / "1-red.png").rename(comfy.base / "input" / name / "never.png")
    run = comfy.queue(quick(name, name))
    until(lambda: claimed(comfy, name))
    start = time.monotonic()
    comfy.post("/interrupt")
    with pytest.raises(RunFailed, match="interrupted"):
        comfy.wait(run)
    assert time.monotonic() - start < 1
    comfy.idle()
    assert [item["state"] for item in items(comfy, name, 1)] in (["pending"], ["claimed"])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("ENOSPC", r"the disk is full \(.*No space left on device"),
        ("EROFS", "3 items in a row failed with: .*Read-only file system"),
    ],
)
def test_a_disk_that_cannot_be_written_pauses_and_all_goes_on_once_it_can(
    comfy: Comfy, name: str, fault: str, says: str
) -> None:
    folder = begin(comfy, name)
    (folder / "fault").write_text(fault)
    comfy.idle()
    (folder / "fault").unlink()
    status, found = query.read_round(folder, 1)
    assert status.state == "paused" and re.match(says, status.reason), status.reason
    assert saved(folder) == done(folder) and {item["state"] for item in found} == {"done", "pending"}
    comfy.run(quick(name, name, rounds=2))
    comfy.idle()
    check_whole(comfy, name, 2, COUNT)

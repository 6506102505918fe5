"""`resonance rounds` with a real ComfyUI: from beginning to end, killed, handed over."""

import json
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from raw_ledger import raw

from resonance.files import formats
from resonance.session.item import Item
from resonance.session.status import FILE

from . import shell
from .comfy import PACK, Comfy
from .graphs import check_whole, claimed, items, mean, output, pictures, quick, until

PROBE = (PACK / "tests" / "host" / "packs" / "probe",)
POINTS = (
    "in the claim",
    "after claim",
    "after upload",
    "after queueing",
    "after the run",
    "after the download",
    "after the words",
    "half-written file",
    "before rename",
    "after rename",
    "before commit",
    "after commit",
)
KEPT = ("after claim", "after upload", "after queueing", "after the run", "after the download", "after the words")
"""Those of them in the suite: what the session does is killed at every point without the command, in tests/unit/test_crash.py."""
COLOURS = ("red", "green", "blue", "red")


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comfy]:
    with Comfy(tmp_path_factory.mktemp("shell"), PROBE) as comfy:
        yield comfy


def workflow(comfy: Comfy, name: str, **settings: Any) -> Path:
    """The quick graph as somebody exported it."""
    path = comfy.base / f"{name}.json"
    path.write_text(json.dumps(quick("as exported", "nowhere", **settings)))
    return path


def words(comfy: Comfy, session: str, *more: str | Path, begin: bool = True) -> list[str | Path]:
    """The words of a command that begins a session, or goes on with it."""
    first = ["--first", session] if begin else []
    places = ("--output", output(comfy), "--input", comfy.base / "input", "--server", comfy.url)
    return ["rounds", session, *first, *places, *more]


def owner(comfy: Comfy, session: str) -> str:
    with raw(output(comfy) / session) as db:
        return db.execute("SELECT owner FROM session").fetchone()[0]


def done(comfy: Comfy, session: str) -> list[list[str]]:
    """The files of what is committed, in the order of rounds and items."""
    with raw(output(comfy) / session) as db:
        last = db.execute("SELECT max(round) FROM item").fetchone()[0]
    found = [i for round_ in range(1, last + 1) for i in items(comfy, session, round_)]
    return [i["files"] for i in found if i["state"] == "done"]


def test_what_was_thrown_away_is_told_and_made_again(comfy: Comfy) -> None:
    session = "thrown away"
    pictures(comfy, session, "red", "green", "blue")
    asked = words(comfy, session, "--workflow", workflow(comfy, session))
    shell.run(*asked, "--rounds", "1")
    gone = sorted((output(comfy) / session / "round-0001").iterdir())[0]
    gone.unlink()
    _, said = shell.run(*asked, "--rounds", "2")
    assert "1 removed. --remake makes what was removed again." in said
    _, said = shell.run(*asked, "--rounds", "2", "--remake")
    assert "removed" not in said
    check_whole(comfy, session, 2, 3)


def test_a_workflow_from_elsewhere_is_not_run_unseen(comfy: Comfy) -> None:
    session = "from elsewhere"
    pictures(comfy, session, "red", "green")
    given = ("--workflow", workflow(comfy, session))
    shell.run(*words(comfy, session, *given), "--rounds", "1")
    with sqlite3.connect(output(comfy) / session / FILE) as db:
        db.execute("UPDATE session SET mark = 'of another installation'")
    more = words(comfy, session, "--rounds", "2", begin=False)
    _, said = shell.run(*more, status=1)
    assert "was not kept by this installation, so it is not run unseen." in said and "with --workflow." in said
    shell.run(*more, *given)
    shell.run(*words(comfy, session, "--rounds", "3", begin=False))
    check_whole(comfy, session, 3, 2)


def test_three_rounds_over_twelve_pictures(comfy: Comfy) -> None:
    session = "dozen"
    pictures(comfy, session, *COLOURS * 3)
    file = workflow(comfy, session)
    events, said = shell.run(*words(comfy, session, "--workflow", file, "--rounds", "3", "--seed", "5", "--json"))
    check_whole(comfy, session, 3, 12)
    assert events[-1] == {"event": "ended", "state": "finished", "reason": "", "done": 36, "failed": 0}
    assert [e["total"] for e in events if e["event"] == "round"] == [12] * 3
    assert "Finished: round 3, 36 pictures made." in said
    made = items(comfy, session, 2)[1]
    assert made["words"]["tags"] == "green" and made["prompt"] == "green"
    with Image.open(output(comfy) / session / made["files"][0]) as image:
        texts = image.info
    assert Item.from_json(texts["resonance"]).source == made["source"]
    assert json.loads(texts["prompt"]) == json.loads(file.read_text())
    assert comfy.get("/history") == {}, "nothing is left behind"


def test_pictures_are_saved_in_the_format_and_under_the_names_that_are_asked_for(comfy: Comfy) -> None:
    session = "saved so"
    pictures(comfy, session, "red", "blue")
    file = workflow(comfy, session)
    saved = ("--format", "jpeg", "--name-pattern", "{lineage}/{round} {model}")
    shell.run(*words(comfy, session, "--workflow", file, "--rounds", "2", *saved))
    for round_ in (1, 2):
        for item, channel in zip(items(comfy, session, round_), (0, 2), strict=True):
            path = output(comfy) / session / item["files"][0]
            assert path.name == f"000{round_} no-model.jpg"
            assert mean(path)[channel] > 200
            inputs = json.loads(formats.texts(path)["prompt"])["5"]["inputs"]
            assert (inputs["format"], inputs["name_pattern"]) == (saved[1], saved[3])


def test_all_words_of_a_round_come_first_where_the_workflow_asks_for_it(comfy: Comfy) -> None:
    session = "words first"
    pictures(comfy, session, *COLOURS)
    file = workflow(comfy, session, words_first=True)
    events, _ = shell.run(*words(comfy, session, "--workflow", file, "--rounds", "2", "--json"))
    told = [(event["event"], event["round"]) for event in events if event["event"] in ("described", "begun")]
    count = len(COLOURS)
    for round_ in (1, 2):
        described = [index for index, each in enumerate(told) if each == ("described", round_)]
        begun = [index for index, each in enumerate(told) if each == ("begun", round_)]
        assert len(described) == count and len(begun) == 2 * count, "each is begun to be described and to be painted"
        assert begun[count] > described[-1]
    check_whole(comfy, session, 2, count)


def test_the_pictures_are_those_that_the_browser_makes(comfy: Comfy) -> None:
    pictures(comfy, "both", *COLOURS)
    comfy.queue(quick("by the browser", "both", rounds=2, seed=3))
    comfy.idle()
    file = workflow(comfy, "both")
    asked = words(
        comfy, "by the shell", "--first", "both", "--rounds", "2", "--seed", "3", "--workflow", file, begin=False
    )
    shell.run(*asked)
    for round_ in (1, 2):
        for one, other in zip(
            items(comfy, "by the browser", round_), items(comfy, "by the shell", round_), strict=True
        ):
            with (
                Image.open(output(comfy) / "by the browser" / one["files"][0]) as a,
                Image.open(output(comfy) / "by the shell" / other["files"][0]) as b,
            ):
                assert a.tobytes() == b.tobytes()
            assert one["words"] == other["words"] and one["files"] == other["files"]


@pytest.mark.parametrize("points", [KEPT, pytest.param(POINTS, marks=pytest.mark.long)], ids=len)
def test_killed_at_named_points_each_item_is_committed_once(comfy: Comfy, points: tuple[str, ...]) -> None:
    session = f"{len(points)} points"
    pictures(comfy, session, *COLOURS)
    asked = words(comfy, session, "--workflow", workflow(comfy, session), "--rounds", "3")
    for number, point in enumerate(points):
        shell.run(*asked, status=-signal.SIGKILL, point=point, passes=number % 2)
    shell.run(*asked)
    check_whole(comfy, session, 3, 4)


@pytest.mark.parametrize("moments", [2, pytest.param(5, marks=pytest.mark.long)])
def test_killed_at_random_moments_each_item_is_committed_once(comfy: Comfy, moments: int) -> None:
    session = f"random {moments}"
    pictures(comfy, session, *COLOURS)
    file = workflow(comfy, session, paint={"seconds": 0.3})
    asked = words(comfy, session, "--workflow", file, "--rounds", "2")
    chance = random.Random(1)
    for moment in range(moments):
        process = shell.started(*asked)
        until(lambda: claimed(comfy, session), 30)
        time.sleep(chance.uniform(0.4, 0.9) if moment % 2 else chance.uniform(0.0, 0.3))
        process.kill()
        process.communicate()
    shell.run(*asked)
    check_whole(comfy, session, 2, 4)


def test_the_server_is_killed_and_comes_back_and_the_command_goes_on(comfy: Comfy) -> None:
    session = "server"
    pictures(comfy, session, *COLOURS)
    file = workflow(comfy, session, paint={"seconds": 0.3})
    chance = random.Random(2)
    process = shell.started(*words(comfy, session, "--workflow", file, "--rounds", "2"))
    until(lambda: claimed(comfy, session), 30)
    for _ in range(2):
        time.sleep(chance.uniform(0.1, 0.6))
        comfy.stop(signal.SIGKILL)
        comfy.start(port=comfy.port)
        until(lambda: claimed(comfy, session), 30)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    check_whole(comfy, session, 2, 4)
    assert not any(i["attempts"] for i in items(comfy, session, 1)), "a server's death is no fault of the item"


def test_ctrl_c_once_finishes_the_picture_and_twice_does_not(comfy: Comfy) -> None:
    session = "stopped"
    pictures(comfy, session, *COLOURS)
    file = workflow(comfy, session, paint={"seconds": 1.5})
    asked = words(comfy, session, "--workflow", file, "--rounds", "1")
    for times, done in ((1, 1), (2, 1)):
        process = shell.started(*asked)
        until(lambda: claimed(comfy, session), 30)
        for _ in range(times):
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 130, err
        states = [i["state"] for i in items(comfy, session, 1)]
        assert states == ["done"] * done + ["pending"] * (4 - done), (times, err)
        assert "by request" in err and "The same command goes on" in err
        assert comfy.get("/queue") == {"queue_running": [], "queue_pending": []}


def test_begun_in_the_browser_it_goes_on_in_the_shell_and_back(comfy: Comfy) -> None:
    session = "handed over"
    pictures(comfy, session, *COLOURS)
    comfy.queue(quick(session, session, rounds=0, paint={"seconds": 0.3}))
    until(lambda: claimed(comfy, session))
    _, said = shell.run(*words(comfy, session, begin=False), status=1)
    assert "is open in another program" in said and "--take" in said
    process = shell.started(*words(comfy, session, "--take", begin=False))
    until(lambda: owner(comfy, session).startswith("resonance on "), 60)
    by_server = done(comfy, session)
    until(lambda: len(done(comfy, session)) > len(by_server) + 5, 60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    before = done(comfy, session)
    assert before[: len(by_server)] == by_server
    assert comfy.post(f"/resonance/rounds/{session}/resume").status_code == 200
    until(lambda: len(done(comfy, session)) > len(before) + 5, 60)
    comfy.post(f"/resonance/rounds/{session}/pause")
    comfy.idle()
    after = done(comfy, session)
    assert after[: len(before)] == before
    folder = output(comfy) / session
    files = sorted(str(path.relative_to(folder)) for path in folder.glob("round-*/*"))
    assert files == sorted(file for each in after for file in each), "each item has one result, and no other is there"


def test_begun_in_the_shell_it_goes_on_in_the_browser(comfy: Comfy) -> None:
    session = "shell first"
    pictures(comfy, session, *COLOURS)
    file = workflow(comfy, session)
    shell.run(*words(comfy, session, "--workflow", file, "--rounds", "1"))
    comfy.queue(quick(session, session, rounds=2))
    comfy.idle()
    check_whole(comfy, session, 2, 4)


def test_what_is_asked_for_wrongly_is_said_in_a_sentence(comfy: Comfy, tmp_path: Path) -> None:
    def said(*more: str | Path, session: str = "wrong", begin: bool = False) -> str:
        events, err = shell.run(*words(comfy, session, *more, "--json", begin=begin), status=1)
        assert events[-1]["event"] == "error" and "Traceback" not in err
        return events[-1]["text"]

    pictures(comfy, "wrong", "red")
    assert "To begin it, pass --first FOLDER" in said()
    assert "There is no folder 'nowhere'" in said("--first", "nowhere", "--workflow", workflow(comfy, "wrong"))
    assert "--workflow FILE" in said(begin=True) and "--model toyworld" in said(begin=True)
    editor = tmp_path / "editor.json"
    editor.write_text(json.dumps({"nodes": [], "links": []}))
    assert "Workflow > Export (API)" in said("--workflow", editor, begin=True)
    assert "'..' must not" in said(session="..").replace('"', "'") or "name '..'" in said(session="..")
    _, err = shell.run(*words(comfy, "wrong", "--no-such", "1", "--json"), status=2)
    assert "--no-such" in err
    assert not (output(comfy) / "wrong").exists()

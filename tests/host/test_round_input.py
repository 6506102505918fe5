"""What Round Input says and takes: folders, order, a session that is finished, stopped, or has lost its pictures."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from .comfy import Comfy, RunFailed
from .graphs import check_whole, items, listening, output, pictures, quick, said, until


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", "-", request.node.name.replace("test_", ""))[:60].strip("-")


def known(folder: Path, found: list[dict[str, Any]]) -> list[Any]:
    """What is to be the same again of items and their pictures."""
    same: list[Any] = []
    for item in found:
        for file in item["files"]:
            with Image.open(folder / file) as image:
                same.append((item["words"], item["prompt"], file, image.tobytes(), image.info["resonance"]))
    return same


def test_a_finished_session_says_so_and_is_no_failure(comfy: Comfy, name: str) -> None:
    pictures(comfy, name, "red", "green")
    comfy.run(quick(name, name))
    comfy.idle()
    [text] = said(comfy, quick(name, name))
    assert text["text"] == (
        f"Session {name!r} is finished: 1 round, 2 pictures in the last. Raise the number of rounds, add pictures to the first"
        " folder, or choose another session name."
    )
    check_whole(comfy, name, 1, 2)


def test_five_presses_at_once_are_no_run_instant(comfy: Comfy, name: str) -> None:
    pictures(comfy, name, "red")
    comfy.run(quick(name, name))
    comfy.idle()
    for run in [comfy.queue(quick(name, name)) for _ in range(8)]:
        comfy.wait(run)


def test_a_session_that_was_interrupted_shows_no_time_that_is_left(comfy: Comfy, name: str) -> None:
    pictures(comfy, name, "red", "green", "blue", "red")
    with listening(comfy, "resonance.text") as (client, heard):
        comfy.queue(quick(name, name, paint={"seconds": 0.2}), client_id=client)
        until(lambda: any("left" in each["text"] for each in heard))
        comfy.post("/interrupt")
        comfy.idle()
    assert re.fullmatch(r"round 1: stopped at [23] of 4; Run goes on", heard[-1]["text"]), heard
    comfy.run(quick(name, name))
    comfy.idle()
    check_whole(comfy, name, 1, 4)


@pytest.mark.parametrize("rounds", [2, 3])
def test_pictures_that_are_gone_are_named_and_made_again(comfy: Comfy, name: str, rounds: int) -> None:
    pictures(comfy, name, "red", "green", "blue", "red")
    comfy.run(quick(name, name))
    comfy.idle()
    folder = output(comfy) / name
    thrown_away = sorted((folder / "round-0001").iterdir())[0]
    thrown_away.unlink()
    comfy.run(quick(name, name, rounds=2))
    comfy.idle()
    before = known(folder, items(comfy, name, 2))
    shutil.rmtree(folder / "round-0002")
    wanted = (
        f"The 3 pictures of round 2 are gone from output/{name}/round-0002: put them back, or have them made again."
    )
    with listening(comfy, "resonance.gone") as (client, offers):
        if rounds == 2:
            [text] = said(comfy, quick(name, name, rounds=rounds))
            assert text["text"].endswith(wanted)
            comfy.run(quick(name, name, rounds=rounds), client_id=client)
        else:
            with pytest.raises(RunFailed, match=wanted):
                comfy.run(quick(name, name, rounds=rounds), client_id=client)
    assert offers == [{"node": "1", "session": name, "round": 2}]
    assert comfy.post(f"/resonance/rounds/{name}/remake?round=2").json() == {"items": 3}
    comfy.idle()
    assert known(folder, items(comfy, name, 2)) == before
    assert not thrown_away.exists() and len(items(comfy, name, rounds)) == 3
    assert {item["state"] for item in items(comfy, name, rounds)} == {"done"}
    assert comfy.get(f"/resonance/rounds/{name}")["removed"] == 1


def test_one_picture_that_is_gone_is_named_too(comfy: Comfy, name: str) -> None:
    pictures(comfy, name, "red", "green")
    comfy.run(quick(name, name))
    comfy.idle()
    next((output(comfy) / name / "round-0001").iterdir()).unlink()
    [text] = said(comfy, quick(name, name))
    assert (
        f"A picture of round 1 is gone from output/{name}/round-0001: put it back, or have it made again."
        in text["text"]
    )


def test_order_start_and_count_are_those_that_the_session_began_with(comfy: Comfy, name: str) -> None:
    pictures(comfy, name, "red", "green", "blue", "red")
    comfy.run(quick(name, name, rounds=2, start=1, count=2))
    comfy.run(quick(name, name, rounds=2, order="shuffled", count=4))
    comfy.idle()
    assert [item["source"] for item in items(comfy, name, 1)] == [
        f"{name}/2-green.png [input]",
        f"{name}/3-blue.png [input]",
    ]
    check_whole(comfy, name, 2, 2)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"first_folder": ""}, "No folder is named"),
        ({"first_folder": " "}, "No folder is named"),
        ({"session": ""}, "must not be empty"),
        ({"start": 9}, "start skips 9 pictures, and the first folder holds 1: lower it"),
        ({"order": "size"}, "not in list"),
    ],
)
def test_what_is_not_named_or_not_there_begins_nothing(
    comfy: Comfy, name: str, asked: dict[str, Any], says: str
) -> None:
    pictures(comfy, name, "red")
    graph = quick(name, name)
    graph["1"]["inputs"].update(asked)
    before = sorted(output(comfy).iterdir())
    with pytest.raises(RunFailed, match=says):
        comfy.run(graph)
    assert sorted(output(comfy).iterdir()) == before


def test_folders_are_listed_as_round_input_takes_them(comfy: Comfy, name: str) -> None:
    pictures(comfy, f"{name}/sub", "red", "green")
    found = comfy.get("/resonance/folders")
    assert {"name": name, "pictures": 2} in found["folders"] and {"name": "[samples]", "pictures": 3} in found[
        "folders"
    ]
    assert found["all"] and ".png" in found["suffixes"] and ".txt" not in found["suffixes"]
    comfy.run(quick(name, next(each["name"] for each in found["folders"] if each["name"] == f"{name}/sub")))
    comfy.idle()
    check_whole(comfy, name, 1, 2)


def test_pictures_that_are_uploaded_go_into_a_new_folder(comfy: Comfy, name: str) -> None:
    made = [comfy.post("/resonance/folders", {"name": name}).json() for _ in range(2)]
    assert [each["subfolder"] for each in made] == [name, f"{name} 2"]
    pictures(comfy, f"{name}-own", "red")
    picture = (comfy.base / "input" / f"{name}-own" / "1-red.png").read_bytes()
    for each in made:
        data = {"type": "input", "subfolder": each["subfolder"]}
        answer = requests.post(f"{comfy.url}/upload/image", data=data, files={"image": ("a.png", picture)}, timeout=60)
        assert answer.json()["name"] == "a.png"
    comfy.run(quick(name, made[1]["folder"]))
    comfy.idle()
    check_whole(comfy, name, 1, 1)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"name": 1}', b"[" * 100_000, b"\xff", b'{"name": "' + b"x" * 20_000 + b'"}']
)
def test_what_is_no_name_of_a_folder_is_refused(comfy: Comfy, body: bytes) -> None:
    before = sorted((comfy.base / "input").iterdir())
    answer = requests.post(f"{comfy.url}/resonance/folders", data=body, timeout=60)
    assert answer.status_code in (400, 413) and answer.json()["error"].endswith(".")
    assert sorted((comfy.base / "input").iterdir()) == before


@pytest.mark.parametrize("wanted", ["../out", "/etc", "..", "a\\..\\..\\b", "con", "x/y"])
def test_no_name_leads_out_of_the_input_folder(comfy: Comfy, wanted: str) -> None:
    made = comfy.post("/resonance/folders", {"name": wanted}).json()
    assert re.fullmatch(r"pictures( \d+)?", made["subfolder"]), json.dumps(made)
    assert (comfy.base / "input" / made["subfolder"]).is_dir()

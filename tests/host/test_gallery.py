"""What the gallery asks the server for, while ComfyUI works and while somebody means harm."""

import json
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
import requests
from gallery_session import MARKUP, PACE, make_session
from PIL import Image

from resonance.session import status
from resonance.session.ledger import Ledger

from .comfy import Comfy
from .graphs import claimed, items, listening, output, pictures, quick, until


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name.replace("test_", "").replace("[", " ").replace("]", "")[:60]


def fetch(comfy: Comfy, session: str, path: str) -> requests.Response:
    return requests.get(f"{comfy.url}/resonance/rounds/{quote(session, safe='')}/{path}", timeout=60)


def grid(comfy: Comfy, session: str) -> dict[str, Any]:
    return fetch(comfy, session, "grid").json()


def refusal(answer: requests.Response) -> str:
    assert answer.headers["Content-Type"].startswith("application/json"), answer.text
    assert "immutable" not in answer.headers.get("Cache-Control", "")
    return f"{answer.status_code} {answer.json()['error']}"


def picture(answer: requests.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    image = Image.open(BytesIO(answer.content))
    image.load()
    assert answer.headers["Content-Type"] == Image.MIME[str(image.format)]
    return image


def test_sessions_are_listed_the_newest_change_first(comfy: Comfy, name: str):
    make_session(output(comfy), name + " old", rounds=2, lineages=30, pending=10)
    time.sleep(0.01)
    Ledger(output(comfy) / (name + " new"), seed=3).close()
    found = comfy.get("/resonance/rounds")
    assert [s["changed"] for s in found] == sorted((s["changed"] for s in found), reverse=True)
    new, old = (next(s for s in found if s["session"] == f"{name} {which}") for which in ("new", "old"))
    assert (new["pace"], new["eta"]) == (None, None) and found.index(new) < found.index(old)
    assert old["pace"] == pytest.approx(PACE) and old["eta"] == pytest.approx(10 * PACE)


def test_a_session_of_five_thousand_is_there_at_once(comfy: Comfy, name: str):
    make_session(output(comfy), name, rounds=50, lineages=100, failed=3, pending=2)
    started = time.monotonic()
    answer = fetch(comfy, name, "grid")
    assert time.monotonic() - started < 1
    assert len(answer.content) < 5000 * 50
    found = answer.json()
    assert (found["status"]["done"], found["status"]["failed"], found["status"]["round"]) == (95, 3, 50)
    assert len(found["items"]) == 5000 and len(found["lineages"]) == 100 and found["rounds"] == list(range(1, 51))
    first = fetch(comfy, name, "grid?first=1").json()
    assert first["more"] and not found["more"] and first["rounds"] == found["rounds"]
    assert first["lineages"] == found["lineages"][:80]
    assert first["items"] == [item for item in found["items"] if item[2] < 80]
    id_, round_, row, state, committed, files = found["items"][-1]
    item = fetch(comfy, name, f"items/{id_}").json()
    assert (item["round"], item["lineage"], item["state"]) == (round_, found["lineages"][row], state)
    assert (item["committed"], len(item["files"]), item["error"]) == (committed, files, "KSampler: out of paint")


def test_an_item_and_its_drift(comfy: Comfy, name: str):
    make_session(output(comfy), name, rounds=3, lineages=2)
    item = fetch(comfy, name, "items/4").json()
    assert (item["round"], item["lineage"], item["parent"], item["children"]) == (2, "X0002", 2, [6])
    assert (len(item["change"]["kept"]), len(item["change"]["added"]), len(item["change"]["dropped"])) == (11, 1, 1)
    (view,) = item["pictures"]
    assert requests.get(comfy.url + "/view", params=view, timeout=60).headers["Content-Type"] == "image/png"
    drift = fetch(comfy, name, "items/4/drift").json()
    points = drift["points"]
    assert (drift["every"], drift["missing"]) == (1, 0)
    assert [(p["id"], p["round"]) for p in points] == [(2, 1), (4, 2), (6, 3), (6, 4)]
    assert points[0]["kept"] == 1 and points[-1]["kept"] is None and all(len(p["lab"]) == 3 for p in points)


def test_the_json_of_an_item_repeats_it(comfy: Comfy, name: str):
    pictures(comfy, name, "blue")
    comfy.wait(comfy.queue(quick(name, name)))
    comfy.idle()
    item = fetch(comfy, name, "items/1").json()
    saved = output(comfy) / name / item["files"][0]
    with Image.open(saved) as image:
        assert json.loads(item["json"]) == json.loads(image.text["resonance"])
        pixels = np.asarray(image)
    graph = quick(name, name)
    graph["1"]["inputs"]["item"] = item["json"]
    (again,) = comfy.run(graph)["5"]["images"]
    with Image.open(comfy.base / "temp" / again["subfolder"] / again["filename"]) as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_thumbnails_and_whole_pictures(comfy: Comfy, name: str):
    folder = make_session(output(comfy), name, rounds=2, lineages=2, size=400)
    for which, file in (("source", comfy.base / "input" / name / "1.png"), ("result/1", None)):
        small, whole = fetch(comfy, name, f"items/1/{which}"), fetch(comfy, name, f"items/1/{which}?full=1")
        assert picture(small).size == (192, 128) and picture(small).format == "WEBP"
        assert picture(whole).size == (600, 400) and picture(whole).format == "PNG"
        assert whole.content == (file or folder / items(comfy, name, 1)[0]["files"][0]).read_bytes()
        assert fetch(comfy, name, f"items/1/{which}?full=0").content == small.content
        for address in (f"items/1/{which}?v=17", f"items/1/{which}?full=1&v=17.5"):
            assert fetch(comfy, name, address).headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert small.headers["Cache-Control"] == "no-cache"
    assert fetch(comfy, name, "items/3/source").content == fetch(comfy, name, "items/1/result/1").content
    assert len(list((folder / ".thumbnails").iterdir())) == 2, "a result and the source it becomes are one picture"
    api = requests.get(f"{comfy.url}/api/resonance/rounds/{quote(name)}/items/1/source", timeout=60)
    assert picture(api).size == (192, 128)


def test_formats_that_browsers_do_not_show_are_shown_as_png(comfy: Comfy, name: str):
    make_session(output(comfy), name, rounds=1, lineages=1)
    file = comfy.base / "input" / name / "1.png"
    for kind, right in (("BMP", "PNG"), ("TIFF", "PNG"), ("GIF", "PNG"), ("JPEG", "JPEG"), ("WEBP", "WEBP")):
        Image.new("RGB", (300, 200), (0, 0, 255)).save(file, kind)
        whole = picture(fetch(comfy, name, "items/1/source?full=1"))
        assert (whole.format, whole.size) == (right, (300, 200))
        assert picture(fetch(comfy, name, "items/1/source")).size == (192, 128)


def test_a_picture_that_is_replaced_is_shown_anew(comfy: Comfy, name: str):
    folder = make_session(output(comfy), name, rounds=1, lineages=1)
    before = fetch(comfy, name, "items/1/result/1").content
    Image.new("RGB", (96, 64), (0, 0, 9)).save(folder / items(comfy, name, 1)[0]["files"][0])
    after = fetch(comfy, name, "items/1/result/1")
    assert after.content != before and picture(after).convert("RGB").getpixel((5, 5))[2] < 20


def test_pictures_that_are_missing_or_broken_are_refused_in_words(comfy: Comfy, name: str):
    folder = make_session(output(comfy), name, rounds=1, lineages=3, failed=1)
    ours = comfy.base / "input" / name
    (ours / "1.png").unlink()
    (ours / "2.png").write_text("<script>alert(1)</script>")
    (folder / items(comfy, name, 1)[1]["files"][0]).write_bytes((ours / "3.png").read_bytes()[:50])
    for full in ("full=0", "full=1", "full=1&v=3"):
        assert refusal(fetch(comfy, name, f"items/1/source?{full}")) == "404 1.png: the file is gone"
        assert refusal(fetch(comfy, name, f"items/2/source?{full}")).startswith("404 2.png is not a picture")
    assert refusal(fetch(comfy, name, "items/2/result/1")).startswith("404 X0002_r0001_")
    assert "has 0 results, and no result 1" in refusal(fetch(comfy, name, "items/3/result/1"))
    assert "no result 0" in refusal(fetch(comfy, name, "items/1/result/0"))
    assert [p["lab"] for p in fetch(comfy, name, "items/1/drift").json()["points"]][0] is None
    assert str(comfy.base) not in "".join(
        fetch(comfy, name, f"items/{n}/{which}").text for n in (1, 2, 3) for which in ("source", "result/1")
    )


def test_what_does_not_exist_is_refused_in_words(comfy: Comfy, name: str):
    make_session(output(comfy), name, rounds=1, lineages=1)
    for path in ("items/99", "items/99/drift", "items/99/source", "items/99/result/1", "items/99/source?full=1"):
        assert refusal(fetch(comfy, name, path)) == "404 The session has no item 99."
    for path in ("grid", "items/1", "items/1/drift", "items/1/source", "items/1/result/1"):
        assert refusal(fetch(comfy, "nothing here", path)) == "404 There is no such session in the output folder."
    for round_ in ("9" * 30, "-1", "x"):
        answer = requests.get(f"{comfy.url}/resonance/rounds/{quote(name)}?round={round_}", timeout=60)
        assert answer.status_code == 200 and len(answer.json()["items"]) == 1
    for path in ("items/x", "items/-1", f"items/{'9' * 30}", "items/1/result/x", "items/1/result/-1", "items/1/secret"):
        assert fetch(comfy, name, path).status_code == 404


@pytest.mark.parametrize("session", ["..", "../output", "a/b", "a\\b", "CON", "x" * 200, "\x00", ".", " "])
def test_no_session_name_leads_elsewhere(comfy: Comfy, session: str):
    for path in ("grid", "items/1", "items/1/drift", "items/1/source", "items/1/result/1?full=1"):
        answer = fetch(comfy, session, path)
        assert answer.status_code in (400, 404, 405), answer.text


def test_no_ledger_leads_elsewhere(comfy: Comfy, name: str, tmp_path: Path):
    """A session's folder may come from somebody else."""
    folder = make_session(output(comfy), name, rounds=1, lineages=1)
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    Image.new("RGB", (8, 8)).save(comfy.base / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "out").symlink_to(tmp_path)
    ledger = Ledger(folder)
    for file in (
        "../../secret.png",
        str(tmp_path / "secret.png"),
        "link.png",
        "out/secret.png",
        "x/../../../secret.png",
    ):
        ledger._db.execute("UPDATE result SET file = ?", (file,))
        ledger._db.execute("UPDATE item SET source = ?", (f"{name}/{file} [output]",))
        for which in ("source", "result/1"):
            for full in (0, 1):
                said = refusal(fetch(comfy, name, f"items/1/{which}?full={full}"))
                assert "is not a path below" in said or "leads out" in said or "is gone" in said
    for file in ("ledger.sqlite3", "ledger.lock", "round-0001"):
        ledger._db.execute("UPDATE result SET file = ?", (file,))
        assert refusal(fetch(comfy, name, "items/1/result/1?full=1")).startswith(f"404 {file} is not a")
    ledger.close()


def test_a_ledger_that_is_none_disturbs_no_other(comfy: Comfy, name: str):
    folder = make_session(output(comfy), name, rounds=1, lineages=1)
    for kind, data in (("broken", b"no ledger" * 99), ("empty", b"")):
        (output(comfy) / f"{name} {kind}").mkdir()
        (output(comfy) / f"{name} {kind}" / status.FILE).write_bytes(data)
        assert fetch(comfy, f"{name} {kind}", "grid").status_code in (404, 503)
    assert name in [s["session"] for s in comfy.get("/resonance/rounds")]
    shutil.rmtree(folder)
    assert refusal(fetch(comfy, name, "grid")) == "404 There is no such session in the output folder."


def test_markup_travels_as_text(comfy: Comfy, name: str):
    session = f"{name} '&amp; %3Cb%3E #"
    make_session(output(comfy), session, rounds=2, lineages=4, failed=1, hostile=True)
    found = grid(comfy, session)
    assert MARKUP in found["lineages"] and found["status"]["session"] == session
    said = [fetch(comfy, session, f"items/{item[0]}").json() for item in found["items"]]
    assert MARKUP in said[-1]["error"] and all(MARKUP in item["words"]["caption"] for item in said)
    assert picture(fetch(comfy, session, "items/1/source")).size == (96, 64), "escapes in a name are letters"
    assert picture(fetch(comfy, session, "items/2/source")).size == (96, 64), "and so is markup"


def test_many_ask_for_the_same_thumbnail_at_once(comfy: Comfy, name: str):
    folder = make_session(output(comfy), name, rounds=1, lineages=2, size=2000)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: fetch(comfy, name, f"items/{n % 2 + 1}/result/1"), range(32)))
    assert len({picture(answer).tobytes() for answer in answers}) == 2
    assert len(list((folder / ".thumbnails").iterdir())) == 2


def test_a_scroll_through_large_pictures_leaves_the_server_free(comfy: Comfy, name: str):
    """Requests that the browser took back are not worked off, and others are answered meanwhile."""
    count = 60
    folder = make_session(output(comfy), name, rounds=1, lineages=count)
    Image.new("RGB", (3000, 2000)).save(folder / "large.png")
    for file in (folder / "round-0001").iterdir():
        file.unlink()
        file.hardlink_to(folder / "large.png")
    address = urlsplit(comfy.url)
    connections: list[socket.socket] = []
    for id_ in range(1, count + 1):
        connection = socket.create_connection((address.hostname, address.port))
        path = f"/resonance/rounds/{quote(name)}/items/{id_}/result/1"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        connections.append(connection)
    waits: list[float] = []
    for _ in range(5):
        started = time.monotonic()
        grid(comfy, name)
        waits.append(time.monotonic() - started)
    assert max(waits) < 1, waits
    for connection in connections:
        connection.close()
    assert picture(fetch(comfy, name, f"items/{count}/result/1")).size == (192, 128)
    assert len(list((folder / ".thumbnails").iterdir())) < count


def test_the_session_folder_with_thumbnails_is_still_a_folder_of_pictures(comfy: Comfy, name: str):
    make_session(output(comfy), name, rounds=1, lineages=2)
    for id_ in (1, 2):
        picture(fetch(comfy, name, f"items/{id_}/result/1"))
    comfy.wait(comfy.queue(quick(name + " next", f"{name} [output]")))
    comfy.idle()
    assert [i["state"] for i in items(comfy, name + " next", 1)] == ["done"] * 2


def test_events_alone_keep_the_grid_up_to_date(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    (comfy.base / "input" / name / "4-broken.png").write_text("no picture")
    graph = quick(name, name, rounds=1, paint={"fail": "X0002"}, words_first=True)
    with listening(comfy) as (client, heard):
        comfy.queue(graph, client_id=client)
        comfy.idle()
    told: dict[str, list[Any]] = {}
    for event in heard:
        assert event["session"] == name and "pace" in event
        if event["changed"]:
            id_, round_, lineage, *stands = event["changed"]
            told.setdefault(lineage, []).append(stands)
    found = grid(comfy, name)
    assert {lineage: stands[-1] for lineage, stands in told.items()} == {
        found["lineages"][row]: stands for _, _, row, *stands in found["items"]
    }
    assert [state for state, _, _ in told["X0001"]] == ["claimed", "pending", "claimed", "done"]
    assert [state for state, _, _ in told["X0002"]][-2:] == ["claimed", "failed"]
    assert [state for state, _, _ in told["X0004"]] == ["skipped"]


def test_a_session_is_looked_at_while_it_is_written(comfy: Comfy, name: str):
    pictures(comfy, name, *["red", "green"] * 10)
    comfy.queue(quick(name, name, rounds=2, paint={"seconds": 0.02}))
    until(lambda: claimed(comfy, name))
    done: list[int] = []
    while comfy.get("/prompt")["exec_info"]["queue_remaining"]:
        found = grid(comfy, name)["items"]
        for id_, _, _, state, committed, files in found:
            assert (state == "done") == (committed is not None) == (files == 1), (id_, state, committed, files)
        finished = [item[0] for item in found if item[3] == "done"]
        done.append(len(finished))
        if finished:
            assert picture(fetch(comfy, name, f"items/{finished[-1]}/result/1?v=1")).size == (64, 64)
            assert fetch(comfy, name, f"items/{finished[-1]}").json()["state"] == "done"
            assert fetch(comfy, name, f"items/{finished[0]}/drift").status_code == 200
    assert done == sorted(done) and len(set(done)) > 5
    assert [item[3] for item in grid(comfy, name)["items"]] == ["done"] * 40

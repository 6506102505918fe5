"""Sessions of strangers in the output folder of a running ComfyUI: they cost at most their own answers."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from gallery_session import make_session
from hostile import FILE, ODD, SPOILT, flipped, raw, spoil

from .comfy import Comfy
from .conftest import server

CLIENTS = 20
SECONDS = 6.0


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    """With one good session of 1,200 items and forty others."""
    base = tmp_path_factory.mktemp("hostile")
    with server(base, models, "probe") as comfy:
        output = base / "output"
        good = make_session(output, "good", rounds=3, lineages=400)
        small = make_session(base / "small" / "output", "small", rounds=2, lineages=3)
        for name, how in (SPOILT | ODD).items():
            spoil(shutil.copytree(small, output / name) / FILE, how)
        whole = (small / FILE).read_bytes()
        for name, data in (raw(whole) | {f"flipped {n}": flipped(whole, n) for n in range(6)}).items():
            (output / name).mkdir()
            (output / name / FILE).write_bytes(data)
        with (shutil.copytree(small, output / "sparse") / FILE).open("r+b") as file:
            file.truncate(2 << 30)
        assert len(list(output.iterdir())) >= 41 and good.is_dir()
        yield comfy


def test_with_forty_bad_ledgers_and_twenty_clients_the_good_session_answers_at_once(comfy: Comfy) -> None:
    names = sorted(path.name for path in (comfy.base / "output").iterdir() if path.name != "good")
    took: dict[str, list[float]] = {}
    wrong: list[str] = []
    lists: list[tuple[float, Any]] = []
    end = time.monotonic() + SECONDS

    def ask(what: str, path: str) -> requests.Response | None:
        start = time.monotonic()
        try:
            answer = requests.get(comfy.url + path, timeout=20)
        except requests.RequestException as error:
            wrong.append(f"{path}: {error!r}")
            return None
        took.setdefault(what, []).append(time.monotonic() - start)
        return answer

    def stranger(number: int) -> None:
        turn = number
        while time.monotonic() < end:
            name = names[turn % len(names)]
            answer = ask("a bad grid", f"/resonance/rounds/{name}/grid")
            if answer is not None and (answer.status_code == 500 or "NaN" in answer.text or "Infinity" in answer.text):
                wrong.append(f"{name}: {answer.status_code} {answer.text[:200]}")
            turn += 1

    def lister() -> None:
        while time.monotonic() < end:
            start = time.monotonic()
            answer = ask("the list", "/resonance/rounds")
            if answer is not None:
                lists.append((time.monotonic() - start, answer.json()))

    def user() -> None:
        while time.monotonic() < end:
            for what, path in {
                "the grid": "/resonance/rounds/good/grid",
                "a picture": "/resonance/rounds/good/items/1/result/1",
                "the page": "/",
            }.items():
                answer = ask(what, path)
                if answer is not None and answer.status_code != 200:
                    wrong.append(f"{path}: {answer.status_code} {answer.text[:200]}")
            time.sleep(0.1)

    jobs = [threading.Thread(target=stranger, args=(n,)) for n in range(CLIENTS - 2)]
    jobs += [threading.Thread(target=job) for job in (lister, user)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert wrong == []
    slowest = {what: round(max(seconds), 2) for what, seconds in took.items()}
    assert all(slowest[what] < 1 for what in ("the grid", "a picture", "the page")), slowest
    (first, found), *later = lists
    assert first < 15 and later and max(seconds for seconds, _ in later) < 1, slowest
    assert {each["session"] for each in found if "seed" in each} >= {"good", *ODD}
    assert {each["session"]: bool(each.get("unread")) for each in found if "seed" not in each}.items() >= {
        name: True for name in SPOILT if name != "very many items"
    }.items()
    assert {each["session"] for each in found} == {"good", *names}


def test_a_bad_session_is_neither_paused_nor_resumed(comfy: Comfy) -> None:
    for name in ("endless session", "no results", "text", "cut"):
        for command in ("pause", "resume", "retry"):
            answer = comfy.post(f"/resonance/rounds/{name}/{command}")
            assert answer.status_code in (404, 409, 503), (name, command, answer.text)
            assert answer.json()["error"].endswith("."), answer.text
    assert "Traceback" not in comfy.read_log()

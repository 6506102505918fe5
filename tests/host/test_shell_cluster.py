"""`resonance rounds --cluster` with real ComfyUI servers: those that are there, and those that workers start."""

import json
import shlex
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from . import shell
from .comfy import PACK, Comfy, find_comfyui
from .graphs import check_whole, items, pictures, quick

PROBE = (PACK / "tests" / "host" / "packs" / "probe",)
COLOURS = ("red", "green", "blue") * 4


def asked(comfy: Comfy, session: str, *more: str | Path) -> list[str | Path]:
    """A command that begins a session of one round on a cluster of this machine."""
    pictures(comfy, session, *COLOURS)
    file = comfy.base / f"{session}.json"
    file.write_text(json.dumps(quick("as exported", "nowhere", paint={"seconds": 0.3})))
    places = ("--output", comfy.base / "output", "--input", comfy.base / "input")
    return ["rounds", session, "--first", session, *places, "--workflow", file, "--cluster", "local", "--json", *more]


def engines(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["engine"].split(",")[0] for event in events if event["event"] == "done")


@pytest.mark.long
def test_two_servers_share_the_pictures_of_a_round(tmp_path: Path) -> None:
    with Comfy(tmp_path / "one", PROBE) as one, Comfy(tmp_path / "other", PROBE) as other:
        servers = ("--server", one.url, "--server", other.url)
        events, _ = shell.run(*asked(one, "shared", *servers, "--rounds", "2"))
        assert events[-1] == {"event": "ended", "state": "finished", "reason": "", "done": 24, "failed": 0}
        check_whole(one, "shared", 2, 12)
        assert items(one, "shared", 1)[1]["words"]["tags"] == "green"
        made = engines(events)
        assert set(made) == {"worker 1", "worker 2"} and min(made.values()) >= 4
        for server in (one, other):
            assert server.get("/history") == {}, "nothing is left behind"


def servers_of(base: Path) -> list[psutil.Process]:
    """The ComfyUIs that work in a base directory."""
    return [
        p
        for p in psutil.process_iter(["cmdline"])
        if str(base) in (p.info["cmdline"] or []) and "main.py" in p.info["cmdline"]
    ]


@pytest.mark.long
def test_workers_start_servers_and_a_killed_worker_takes_its_server_along(tmp_path: Path) -> None:
    comfy = Comfy(tmp_path, PROBE)
    start = (
        "--cpu",
        "--base-directory",
        tmp_path,
        "--disable-all-custom-nodes",
        "--whitelist-custom-nodes",
        "resonance",
        "probe",
    )
    comfyui = find_comfyui()
    assert comfyui
    words = asked(
        comfy,
        "started",
        "--rounds",
        "2",
        "--workers",
        "2",
        "--comfyui",
        comfyui,
        "--comfyui-args",
        shlex.join(map(str, start)),
    )
    process = shell.started(*words)
    assert process.stdout
    try:
        events: list[dict[str, Any]] = []
        for line in process.stdout:
            events.append(json.loads(line))
            if len(engines(events)) == 2 and len(events) > 10:
                break
        victim = servers_of(tmp_path)[0]
        worker = victim.parent()
        assert worker
        worker.send_signal(signal.SIGKILL)
        events += map(json.loads, process.stdout)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
    assert events[-1] == {"event": "ended", "state": "finished", "reason": "", "done": 24, "failed": 0}
    assert [event["back"] for event in events if event["event"] == "lost"] == [True]
    assert [event for event in events if event["event"] == "failed"] == []
    check_whole(comfy, "started", 2, 12)
    assert not victim.is_running() and servers_of(tmp_path) == []

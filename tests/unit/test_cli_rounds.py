"""`resonance rounds` without a ComfyUI: where things are looked for, and what is said of what cannot be done."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from resonance.cli.app import app
from resonance.cli.driving import drive_and_show
from resonance.cli.output import Output
from resonance.cli.places import Places
from resonance.cli.server import Launch, StartedComfyUI
from resonance.drive import comfyui
from resonance.drive.job import EngineLost, Job
from resonance.drive.session import Jobs
from resonance.files.pictures import listing

from .test_driver import Fake, chain, items

GRAPH = {
    "1": {"class_type": "ResonanceRoundInput", "inputs": {}},
    "2": {"class_type": "ResonanceRoundOutput", "inputs": {"images": ["1", 0], "item": ["1", 1]}},
}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Folders with a picture each: two inside of ComfyUI's, one outside, and one to which a link leads."""
    for name in ("input/in side", "output/s/round-0001", "here/ä [1]", "far"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / "a.png")
    (tmp_path / "input" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "workflow.json").write_text(json.dumps(GRAPH))
    monkeypatch.chdir(tmp_path / "here")
    return Places(None, tmp_path / "input", tmp_path / "output")


@pytest.mark.parametrize(
    ("given", "name", "picture"),
    [
        ("in side", "in side", "in side/a.png [input]"),
        ("s [output]", "s [output]", "s/round-0001/a.png [output]"),
        ("../input/in side/", "in side [input]", "in side/a.png [input]"),
        ("../output/s", "s [output]", "s/round-0001/a.png [output]"),
        ("../input", "[input]", "in side/a.png [input]"),
        ("ä [1]", "ä [1] [pictures]", "ä [1]/a.png [pictures]"),
        (".", "here [pictures]", "here/ä [1]/a.png [pictures]"),
        ("../input/link", "far [pictures]", "far/a.png [pictures]"),
    ],
)
def test_the_first_folder_is_named_so_that_its_pictures_are_found(
    places: Places, given: str, name: str, picture: str
) -> None:
    found, roots = places.first(given)
    assert found == name
    assert listing(found, roots) == [picture]


def said(places: Places, *words: str) -> str:
    """What a command says before it ends with status 1."""
    where = ("--output", str(places.output), "--input", str(places.input), "--json")
    result = CliRunner().invoke(app, ["rounds", *words, *where])
    assert result.exit_code == 1, (result.output, result.exception)
    event = json.loads(result.stdout.splitlines()[-1])
    assert event["event"] == "error" and event["text"] in result.stderr
    return event["text"]


def test_what_is_asked_for_wrongly_is_said_and_makes_no_session(places: Places) -> None:
    begin = ("new", "--first", "in side", "--workflow", "../workflow.json")
    assert "There is no folder 'nowhere': neither " in said(places, "new", "--first", "nowhere")
    assert "is not an address of a ComfyUI" in said(places, *begin, "--server", "127.0.0.1:8188")
    assert """--comfyui-args "--cpu 'x": No closing quotation.""" in said(places, *begin, "--comfyui-args", "--cpu 'x")
    stray = CliRunner().invoke(app, ["rounds", *begin, "--servr", "http://127.0.0.1:8188"])
    assert stray.exit_code == 2 and "--servr" in stray.stderr
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        assert f"ComfyUI at {address} does not answer" in said(places, *begin, "--server", address, "--take")
    assert not (places.output / "new").exists()


def test_a_damaged_ledger_is_said_with_the_way_to_a_new_one(places: Places) -> None:
    ledger = places.output / "s" / "ledger.sqlite3"
    ledger.write_bytes(b"no database at all")
    text = said(places, "s")
    assert (
        "The ledger in s cannot be read: file is not a database." in text
        and f"resonance report {places.output / 's'} --rebuild" in text
    )


def test_when_nobody_reads_any_more_the_command_ends_as_the_shell_expects() -> None:
    with pytest.raises(BrokenPipeError), Output(True).errors():
        raise BrokenPipeError


@pytest.mark.parametrize("sent", [0, signal.SIGINT, signal.SIGTERM])
def test_events_can_be_read_and_signals_are_as_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sent: int
) -> None:
    def act(job: Job) -> None:
        if sent and job.item.index == 2:
            os.kill(os.getpid(), sent)

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    driven = chain(tmp_path, rounds=1)
    status = 0
    try:
        asyncio.run(drive_and_show(driven, Jobs(driven), [Fake(pause=0.05, act=act)], Output(True)))
    except typer.Exit as end:
        status = end.exit_code
    finally:
        driven.close()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    out, err = capsys.readouterr()
    last: dict[str, Any] = [json.loads(line) for line in out.splitlines()][-1]
    assert (status, last["state"], last["done"]) == ((130, "paused", 2) if sent else (0, "finished", 4))
    assert ("Ctrl-C once more stops at once" in err) is bool(sent)
    assert [i["state"] for i in items(tmp_path, 1)] == ["done"] * last["done"] + ["pending"] * (4 - last["done"])


def test_stopping_at_once_does_not_wait_for_a_server_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comfyui, "STOP_SECONDS", 0.1)

    async def stopped() -> float:
        silent = await asyncio.start_server(lambda reader, writer: asyncio.sleep(60), "127.0.0.1", 0)
        server = comfyui.Server(f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}")
        running = asyncio.create_task(server.run({}, str(uuid.uuid4())))
        await asyncio.sleep(0.1)
        start = time.monotonic()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await server.close()
        silent.close()
        return time.monotonic() - start

    assert asyncio.run(stopped()) < 1


SLOW_TO_END = """
import http.server, signal, sys, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"exec_info": {"queue_remaining": 0}}')
def end(*_):
    server.socket.close()
    time.sleep(0.5)
    sys.exit(3)
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Answer)
signal.signal(signal.SIGINT, end)
server.serve_forever()
"""


def engine(folder: Path, program: str) -> StartedComfyUI:
    """An engine that starts this program instead of ComfyUI's."""
    (folder / "main.py").write_text(program)
    return StartedComfyUI(Launch(folder, folder / "log"), recipe=None)  # type: ignore[arg-type]


def test_a_comfyui_that_ends_slowly_is_started_again(tmp_path: Path) -> None:
    async def twice() -> tuple[int, int]:
        started = engine(tmp_path, SLOW_TO_END)
        try:
            await started.ready()
            assert started.child
            first = started.child.pid
            os.kill(first, signal.SIGINT)
            time.sleep(0.2)
            await started.ready()
            return first, started.child.pid
        finally:
            await started.close()

    first, second = asyncio.run(twice())
    assert first != second


def test_a_comfyui_that_cannot_start_is_said_with_the_end_of_its_log(tmp_path: Path) -> None:
    failing = engine(tmp_path, "import sys\nsys.exit('\\x1b[31mno torch\\x1b[0m')")
    with pytest.raises(
        EngineLost, match=r"ended with status 1 when it started\. Its log, .*comfyui\.log, ends: no torch\.$"
    ):
        asyncio.run(failing.ready())
    assert sys.executable == failing.launch.python

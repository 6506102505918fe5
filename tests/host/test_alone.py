"""A command that is alone, with a real ComfyUI: signals in its first second, another one beside it, a wire that breaks.

What needs no other process is in tests/unit/test_alone.py.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from raw_ledger import raw

from resonance.drive import comfyui
from resonance.drive.comfyui import ComfyUI, Server
from resonance.drive.driver import Ended, drive
from resonance.drive.session import Jobs, opened
from resonance.drive.workflow import ItemWorkflow
from resonance.session.fill.pictures import Pictures

from . import forks, shell
from .comfy import PACK, Comfy, RunFailed
from .conftest import server
from .graphs import output, pictures, quick, until
from .test_explore import explore
from .varying import put, vary

INT, TERM = signal.SIGINT, signal.SIGTERM
KINDS = ("rounds", "explore", "vary")
PACKS = ("probe", "patches", "calls")
FIRST = ("red", "green")
SLOW = pytest.mark.long


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comfy]:
    packs = tuple(PACK / "tests" / "host" / "packs" / each for each in PACKS)
    with Comfy(tmp_path_factory.mktemp("alone"), packs) as comfy:
        pictures(comfy, "first", *FIRST)
        put(comfy, size=(32, 32))
        yield comfy


@pytest.fixture
def painted(request: pytest.FixtureRequest, comfy: Comfy, kind: str) -> None:
    """Only Vary needs a model, and only at night."""
    if kind == "vary":
        models: Path = request.getfixturevalue("models")
        shutil.copytree(models, comfy.base / "models", dirs_exist_ok=True)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return "".join(each if each.isalnum() else "-" for each in request.node.name.replace("test_", ""))[-60:].strip("-")


def graph(comfy: Comfy, kind: str, session: str, seconds: float = 0.1) -> dict[str, Any]:
    """What makes a session of this kind in ComfyUI, in some seconds a picture."""
    graphs = {
        "rounds": lambda: quick(session, "first", rounds=2, paint={"seconds": seconds}),
        "explore": lambda: explore(session, seeds=3, dots={"seconds": seconds}),
        "vary": lambda: vary({"program": "6@.1"}, iterations=3, save=session, quick=True, seconds=seconds),
    }
    return comfy.complete(graphs[kind]())


def words(comfy: Comfy, kind: str, session: str, *more: str | Path, seconds: float = 0.1) -> list[str | Path]:
    """The command that makes the same. Asked again, it goes on."""
    file = comfy.base / f"{kind}-{seconds}.json"
    if not file.exists():
        file.write_text(json.dumps(graph(comfy, kind, "as-exported", seconds)))
    asked = {"rounds": ("--first", "first", "--rounds", "2"), "explore": (), "vary": ()}[kind]
    places = ("--output", output(comfy), "--input", comfy.base / "input")
    return [kind, session, *asked, "--workflow", file, *places, *(more or ("--server", comfy.url))]


def check(comfy: Comfy, session: str) -> None:
    """The session is finished: every picture is there once, in the ledger and on disk."""
    folder = output(comfy) / session
    counts = {"rounds": 2 * len(FIRST), "explore": 3, "vary": 3}
    with raw(folder) as db:
        state, kind = db.execute("SELECT state, kind FROM session").fetchone()
        assert state == "finished"
        assert [row[0] for row in db.execute("SELECT state FROM item")] == ["done"] * counts[kind]
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        files = sorted(row[0] for row in db.execute("SELECT file FROM result"))
    there = (path for path in folder.glob("[!.]*/*") if path.suffix != ".txt" and path.parent.name != "start")
    assert files == sorted(path.relative_to(folder).as_posix() for path in there)


# Signals in the first second


@pytest.mark.parametrize(
    ("kind", "point", "sent"),
    [
        ("rounds", "resonance.cli.app", (INT,)),
        ("explore", "connecting", (INT, INT)),
        pytest.param("vary", "connecting", (TERM,), marks=SLOW),
        pytest.param("explore", "resonance.cli.exploring", (TERM,), marks=SLOW),
        pytest.param("vary", "resonance.drive.varying", (INT, INT), marks=SLOW),
        pytest.param("rounds", "connecting", (TERM,), marks=SLOW),
        pytest.param("vary", "resonance.cli.app", (TERM,), marks=SLOW),
        pytest.param("explore", "resonance.cli.app", (INT, TERM), marks=SLOW),
        pytest.param("rounds", "resonance.drive.session", (TERM, TERM), marks=SLOW),
        pytest.param("vary", "connecting", (INT, INT), marks=SLOW),
        pytest.param("rounds", "connecting", (INT, TERM), marks=SLOW),
        pytest.param("vary", "after upload", (TERM, TERM), marks=SLOW),
    ],
    ids=lambda each: str(each).replace("resonance.", ""),
)
@pytest.mark.skipif(not forks.POSSIBLE, reason="signals")
@pytest.mark.usefixtures("painted")
def test_a_signal_in_the_first_second_ends_it_without_a_traceback_and_loses_nothing(
    comfy: Comfy, name: str, kind: str, point: str, sent: Sequence[int]
) -> None:
    """A shell tells 130 or 143 of one that a signal has ended, too."""
    asked, ended = words(comfy, kind, name), tuple(-each for each in sent)
    _, said = shell.run(
        *asked, status=ended if point.startswith("resonance") else (130, *ended[1:]), point=point, sent=sent
    )
    lines = said.splitlines()
    assert not lines or (len(lines) < 5 and "The same command goes on." in lines[-1]), said
    comfy.idle()
    shell.run(*asked)
    check(comfy, name)


@pytest.mark.long
@pytest.mark.parametrize("moment", [0, 0.05, 0.1, 0.2, 0.4, 0.8])
@pytest.mark.parametrize(("kind", "sent"), [("rounds", INT), ("explore", TERM), ("vary", INT), ("describe", INT)])
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.usefixtures("painted")
def test_so_it_does_at_any_moment_of_it(comfy: Comfy, name: str, kind: str, sent: int, moment: float) -> None:
    """Before the first line of ours is run Python may show a traceback of its own."""
    folder = comfy.base / "input" / "first"
    asked = [kind, folder, "--tagger", "toyworld"] if kind == "describe" else words(comfy, kind, name)
    command = shell.started(*asked)
    time.sleep(moment)
    command.send_signal(sent)
    _, said = command.communicate(timeout=30)
    assert "in main" not in said and (command.returncode in (130, -sent) or "Traceback" in said), (
        command.returncode,
        said,
    )
    if kind != "describe":
        comfy.idle()
        shell.run(*asked)
        check(comfy, name)


@pytest.mark.parametrize(
    ("asked", "point", "sent"),
    [
        (("describe", "FOLDER", "--tagger", "toyworld"), "resonance.cli.describe", INT),
        (("describe", "FOLDER", "--tagger", "toyworld"), "resonance.drive.embedded.describer", TERM),
        pytest.param(("report", "session"), "resonance.cli.report", TERM, marks=SLOW),
        pytest.param(("img2tag2img", "w.json", "a", "b"), "resonance.img2tag2img.config", INT, marks=SLOW),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else None,
)
@pytest.mark.skipif(not forks.POSSIBLE, reason="signals")
def test_so_does_one_of_the_other_commands(comfy: Comfy, asked: tuple[str, ...], point: str, sent: int) -> None:
    folder = comfy.base / "input" / "first"
    _, said = shell.run(
        *(folder if each == "FOLDER" else each for each in asked), status=-sent, point=point, sent=(sent,)
    )
    assert said == "" and not list(folder.glob("*.txt"))


SILENT = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[sys.argv.index("--temp-directory") + 1], "pid").write_text(str(os.getpid()))
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("vary", (TERM,)),
        pytest.param("rounds", (INT,), marks=SLOW),
        pytest.param("vary", (INT, INT), marks=SLOW),
        pytest.param("explore", (TERM, TERM), marks=SLOW),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_server_that_is_being_started_is_ended_with_it(
    comfy: Comfy, name: str, tmp_path: Path, kind: str, sent: Sequence[int]
) -> None:
    """Where there is no setpriv, too, such as on a Mac."""
    (tmp_path / "comfy").mkdir()
    (tmp_path / "main.py").write_text(SILENT)
    asked = words(comfy, kind, name, "--comfyui", tmp_path)
    command = shell.started(*asked, env={"PATH": str(Path(sys.executable).parent)})
    noted = output(comfy) / name / ".comfyui" / "1" / "pid"
    until(lambda: noted.is_file() and bool(noted.read_text()), 30)
    child = int(noted.read_text())
    for each in sent:
        command.send_signal(each)
        time.sleep(0.1)
    _, said = command.communicate(timeout=30)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert command.returncode in (130, *(-each for each in sent[1:])) and "Traceback" not in said, said


@pytest.mark.long
@pytest.mark.parametrize("moment", [0, 0.1, 0.4, 0.8])
@pytest.mark.parametrize(("kind", "how"), [("rounds", TERM), ("explore", INT), ("vary", TERM)])
def test_a_comfyui_that_is_ended_in_the_first_second_of_a_run_goes_on(
    tmp_path: Path, models: Path, name: str, kind: str, moment: float, how: int
) -> None:
    with server(tmp_path, models, *PACKS) as comfy:
        pictures(comfy, "first", *FIRST)
        put(comfy, size=(32, 32))
        asked = graph(comfy, kind, name, 0.5)
        comfy.queue(asked)
        time.sleep(moment)
        comfy.stop(how)
        comfy.start()
        comfy.run(asked)
        comfy.idle()
        check(comfy, name)


# Two on one session


@pytest.mark.parametrize("kind", ["explore", *(pytest.param(kind, marks=SLOW) for kind in ("rounds", "vary"))])
@pytest.mark.usefixtures("painted")
def test_of_two_commands_that_are_begun_together_one_goes_on(comfy: Comfy, name: str, kind: str) -> None:
    asked = words(comfy, kind, name, seconds=0.5)
    with ThreadPoolExecutor(2) as both:
        said = [text for _, text in both.map(lambda _: shell.run(*asked, status=(0, 1)), range(2))]
    [refused] = (text for text in said if "Finished: " not in text)
    assert refused.startswith(f"Error: Session {name!r} is open in another program") and refused.count("\n") == 1
    check(comfy, name)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("painted")
def test_of_two_comfyuis_with_one_output_folder_and_a_command_one_goes_on(
    comfy: Comfy, models: Path, tmp_path: Path, name: str, kind: str
) -> None:
    asked, said = graph(comfy, kind, name, 0.5), list[str]()

    def run(one: Comfy) -> None:
        try:
            one.run(asked)
        except RunFailed as error:
            said.append(str(error))

    places = ("--output-directory", str(output(comfy)), "--input-directory", str(comfy.base / "input"))
    with server(tmp_path, models, *PACKS, args=places) as other, ThreadPoolExecutor(2) as both:
        list(both.map(run, (comfy, other)))
        _, by_command = shell.run(*words(comfy, kind, name, seconds=0.5), status=(0, 1))
        comfy.idle()
        other.idle()
    assert f"Session {name!r} is open in another program" in "".join(said) and len(said) == 1
    assert f"Session {name!r} is open in another program" in by_command or "Finished: " in by_command
    check(comfy, name)


# A wire that breaks


class Wire:
    """A proxy before a server, which spoils what it carries to a path, so many times.

    Args:
        fault: ``cut``, ``half`` of an answer, ``silence``, or what is answered instead.
    """

    def __init__(self, comfy: Comfy, path: str, fault: str, times: int) -> None:
        self.comfy, self.path, self.fault, self.left = comfy, path, fault, times

    async def __aenter__(self) -> "Wire":
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", self.carry)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def carry(self, request: web.Request) -> web.StreamResponse:
        assert request.transport
        spoilt = f"{request.method} {request.path}".startswith(self.path) and self.left > 0
        if spoilt:
            self.left -= 1
        if spoilt and self.fault == "cut":
            request.transport.abort()
        elif spoilt and self.fault == "silence":
            await asyncio.sleep(5)
        elif spoilt and self.fault != "half":
            return web.Response(text=self.fault, content_type="text/html")
        target = self.comfy.url + str(request.rel_url)
        async with aiohttp.ClientSession() as session:
            if request.path == "/ws":
                return await self.carry_events(request, session, target)
            kind = {"Content-Type": request.headers.get("Content-Type", "")}
            async with session.request(request.method, target, data=await request.read(), headers=kind) as answer:
                said = await answer.read()
        if not spoilt or self.fault != "half":
            return web.Response(body=said, status=answer.status, content_type=answer.content_type)
        half = web.StreamResponse(headers={"Content-Length": str(len(said) + 1)})
        await half.prepare(request)
        await half.write(said)
        request.transport.close()
        return half

    async def carry_events(
        self, request: web.Request, session: aiohttp.ClientSession, target: str
    ) -> web.StreamResponse:
        near = web.WebSocketResponse()
        await near.prepare(request)
        async with session.ws_connect(target) as far:

            async def carry() -> None:
                async for event in far:
                    if event.type is aiohttp.WSMsgType.TEXT:
                        await near.send_str(event.data)
                        if self.path == "event" and self.left and '"executing"' in event.data:
                            self.left -= 1
                            assert request.transport
                            request.transport.abort()

            carrying = asyncio.create_task(carry())
            await near.receive()  # nothing, until the driver goes
            carrying.cancel()
        return near


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comfyui, "READ_SECONDS", 0.5)
    monkeypatch.setattr(comfyui, "BACK_SECONDS", 1.0)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("event", "cut"),
        ("GET /prompt", "<html>Welcome!</html>"),
        ("POST /upload/image", "half"),
        ("POST /prompt", "cut"),
        ("POST /prompt", "half"),
        ("GET /history", "silence"),
        ("GET /history", "[]"),
        ("POST /history", "cut"),
        ("GET /view", "half"),
        ("GET /ws", "<html>Welcome!</html>"),
    ],
)
def test_what_a_wire_spoils_once_costs_no_attempt(
    comfy: Comfy, name: str, path: str, fault: str, impatient: None
) -> None:
    told, ended = asyncio.run(driven(comfy, name, Wire(comfy, path, fault, 1)))
    assert ended == Ended("finished", "", 2 * len(FIRST)) and len(told) <= 1, told
    check(comfy, name)
    with raw(output(comfy) / name) as db:
        assert db.execute("SELECT sum(attempts) FROM item").fetchone()[0] == 0
    assert comfy.get("/queue") == {"queue_running": [], "queue_pending": []} and comfy.get("/history") == {}


@pytest.mark.parametrize(("path", "fault"), [("POST /upload/image", "[]"), ("GET /", "<html>Welcome!</html>")])
def test_what_it_spoils_for_ever_ends_with_a_sentence_and_goes_on_when_it_is_well(
    comfy: Comfy, name: str, path: str, fault: str, impatient: None
) -> None:
    wire = Wire(comfy, path, fault, 10**6)
    told, ended = asyncio.run(driven(comfy, name, wire))
    assert told and all(each.startswith("is no ComfyUI") for each in told) and ended.done == 0
    shell.run(*words(comfy, "rounds", name), "--retry")
    check(comfy, name)


async def driven(comfy: Comfy, session: str, wire: Wire) -> tuple[list[str], Ended]:
    """How a session of rounds ends over a wire, and what is told of it."""
    told: list[str] = []
    roots = {"input": comfy.base / "input", "output": output(comfy)}
    chain = opened(output(comfy) / session, Pictures("first", 2, roots), 1)
    async with wire:
        engine = ComfyUI(Server(wire.url), ItemWorkflow(quick(session, "first")), patience=1)

        def tell(event: str, **facts: Any) -> None:
            if "error" in facts:
                told.append(facts["error"].split(wire.url)[-1].strip())

        try:
            return told, await drive(chain, Jobs(chain), [engine], tell)
        finally:
            await engine.close()
            chain.close()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["vary"])
@pytest.mark.usefixtures("painted")
def test_a_server_that_is_lost_while_vary_asks_what_to_make_is_asked_again(comfy: Comfy, name: str, kind: str) -> None:
    async def work() -> str:
        async with Wire(comfy, "POST /prompt", "cut", 1) as wire:
            asked = words(comfy, kind, name, "--server", wire.url)
            return (await asyncio.to_thread(shell.run, *asked))[1]

    assert "Finished: " in asyncio.run(work())
    check(comfy, name)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_started_anew_under_a_command_costs_no_attempt(
    tmp_path: Path, models: Path, name: str, kind: str
) -> None:
    with server(tmp_path, models, *PACKS) as comfy:
        pictures(comfy, "first", *FIRST)
        put(comfy, size=(32, 32))
        command = shell.started(*words(comfy, kind, name, seconds=0.5))
        for pictures_made in (1, 2):
            until(lambda made=pictures_made: len(list((output(comfy) / name).glob("[!s.]*/*.png"))) >= made, 60)
            comfy.stop(signal.SIGKILL)
            comfy.start(port=comfy.port)
        _, said = command.communicate(timeout=60)
        assert command.returncode == 0 and "Finished: " in said, said
        check(comfy, name)
        with raw(output(comfy) / name) as db:
            assert db.execute("SELECT sum(attempts) FROM item").fetchone()[0] == 0


# A clock that was ahead


def test_what_was_uploaded_after_the_clock_was_set_back_is_not_taken_for_the_oldest(comfy: Comfy) -> None:
    folder = comfy.base / "temp" / "resonance"
    folder.mkdir(exist_ok=True)
    tomorrow = time.time() + 86400
    old = [folder / f"tomorrow-{number}.png" for number in range(600)]
    for path in old:
        path.touch()
        os.utime(path, (tomorrow, tomorrow))

    async def work() -> str:
        picture = (comfy.base / "input" / "first" / "1-red.png").read_bytes()
        waiting, other = Server(comfy.url), Server(comfy.url)
        uploaded = await waiting.upload(picture, ".png")
        item = {"session": "any", "round": 1, "index": 1, "lineage": "X0001", "seed": 1, "source": uploaded}
        asked = quick("any", "any", item=json.dumps(item))
        await other.run(asked, "0" * 32)
        await waiting.close()
        await other.close()
        return uploaded

    uploaded = asyncio.run(work())
    assert (comfy.base / "temp" / uploaded.removesuffix(" [temp]")).is_file()
    assert len(list(folder.iterdir())) <= 501
    for path in old:
        path.unlink(missing_ok=True)


# A copy


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("painted")
def test_a_copy_of_a_session_at_work_goes_on_in_comfyui(comfy: Comfy, name: str, kind: str) -> None:
    folder, copy = output(comfy) / name, output(comfy) / f"{name}-copy"
    comfy.queue(graph(comfy, kind, name, 0.3))
    begun = len(FIRST) + 1 if kind == "rounds" else 2  # the second round is on
    until(lambda: len(list(folder.glob("[!s.]*/*.png"))) >= begun)
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.tmp"))
    comfy.idle()
    check(comfy, name)
    assert comfy.post(f"/resonance/rounds/{copy.name}/resume").status_code == 200
    comfy.idle()
    check(comfy, copy.name)


# A folder in which nothing may be written


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("setpriv"), reason="permissions hold for root, too")
def test_comfyui_shows_what_is_read_only_and_says_that_it_does_not_go_on(tmp_path: Path, models: Path) -> None:
    bound = "-dac_override,-dac_read_search"
    comfy = server(tmp_path, models, *PACKS)
    with comfy:
        pictures(comfy, "first", *FIRST)
        put(comfy, size=(32, 32))
        for kind in KINDS:
            comfy.run(graph(comfy, kind, kind))
            comfy.idle()
            check(comfy, kind)
    places = [output(comfy), *output(comfy).rglob("*")]
    modes = [path.stat().st_mode for path in places]
    for path, mode in zip(places, modes, strict=True):
        path.chmod(mode & ~0o222)
    comfy.before = ("setpriv", f"--bounding-set={bound}", f"--inh-caps={bound}") if os.geteuid() == 0 else ()
    try:
        with comfy:
            for kind in KINDS:
                for session in (kind, f"new {kind}"):
                    with pytest.raises(RunFailed, match=rf"/{session} cannot be written to \(Permission denied\)\."):
                        comfy.run(graph(comfy, kind, session))
                assert comfy.get(f"/resonance/rounds/{kind}")["state"] == "finished"
                assert comfy.get(f"/resonance/rounds/{kind}/grid")
                refused = comfy.post(f"/resonance/rounds/{kind}/resume")
                assert refused.status_code == 400 and "cannot be written to" in refused.json()["error"]
            assert {each["session"] for each in comfy.get("/resonance/rounds")} == set(KINDS)
            assert comfy._connections.get(f"{comfy.url}/resonance/rounds/vary/items/1/result/1").status_code == 200
            assert comfy.read_log().count("are not kept") == 1
    finally:
        for path, mode in zip(places, modes, strict=True):
            path.chmod(mode)

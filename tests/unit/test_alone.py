"""A command that is alone: a disk without locks or without leave to write, a clock that jumps, a copy, another command beside it.

Rounds, Explore and Vary by turns: what they have in common is one. What needs processes is in tests/host/test_alone.py.
"""

import asyncio
import ctypes
import errno
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from raw_ledger import raw
from typer.testing import CliRunner

from resonance.cli import engines, varying
from resonance.cli.app import app
from resonance.cli.server import Launch, StartedComfyUI
from resonance.drive.comfyui import Server
from resonance.drive.job import EngineLost, Job
from resonance.drive.varying import PlanJob
from resonance.session import chain as chains
from resonance.session import ledger as ledgers
from resonance.session import opening
from resonance.session.chain import Chain
from resonance.session.item import Item
from resonance.session.ledger import DEATHS, STREAK, Ledger
from resonance.session.made import Made
from resonance.session.query import overview, owner_of, read_round
from resonance.session.status import FILE
from resonance.told import Told

from .test_driver import PNG, Ended, Fake, chain, items, run

FIRST = 3
COUNTS = {"rounds": 2 * FIRST, "explore": 4, "vary": 3}
"""Pictures that each makes in all."""
KINDS = list(COUNTS)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Stands for diffusers."""
    fake = Fake()
    monkeypatch.setattr(engines, "_embedded", lambda setup, number=1: fake)
    return fake


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for number in range(FIRST):
        path = tmp_path / "input" / "first" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), "red").save(path)
    (tmp_path / "output").mkdir()
    return tmp_path


def command(base: Path, kind: str, *, status: int = 0) -> str:
    """What the command says to a person. Asked again, it goes on."""
    words = {
        "rounds": ["--first", "first", "--rounds", "2", "--model", "toyworld"],
        "explore": [
            "a --n b",
            "--aspects",
            "64x64",
            "--scales",
            "2,3",
            "--seeds",
            "2",
            "--steps",
            "4",
            "--model",
            "fake",
        ],
        "vary": [str(base / "input/first/0.png"), "--prompt", "a", "--transform", "4@.5", "--iterations", "3"],
    }
    more = ["--model", "fake"] if kind == "vary" else []
    places = ["--output", str(base / "output"), "--input", str(base / "input")]
    done = CliRunner().invoke(app, [kind, "s", *words[kind], *more, *places])
    assert done.exit_code == status, (done.output, done.exception)
    return done.stderr


def sentence(base: Path, kind: str) -> str:
    """What it says when it can do nothing: one line."""
    said = command(base, kind, status=1)
    assert said.count("\n") == 1 and said.startswith("Error: "), said
    return said


def check(base: Path, kind: str) -> None:
    """The session is finished: every picture is there once, in the ledger and on disk."""
    folder = base / "output" / "s"
    with raw(folder) as db:
        assert [row[0] for row in db.execute("SELECT state FROM item")] == ["done"] * COUNTS[kind]
        assert db.execute("SELECT state FROM session").fetchone()[0] == "finished"
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        files = sorted(row[0] for row in db.execute("SELECT file FROM result"))
    there = (path for path in folder.glob("[!.]*/*.png") if path.parent.name != "start")
    assert files == sorted(path.relative_to(folder).as_posix() for path in there)


def done(base: Path) -> int:
    with raw(base / "output" / "s") as db:
        return db.execute("SELECT count(*) FROM item WHERE state = 'done'").fetchone()[0]


def when(engine: Fake, number: int, act: Callable[[], None]) -> None:
    """Does something while the ``number``-th picture is made."""

    def count(job: Job) -> None:
        nonlocal number
        number -= 1
        if number == 0:
            act()

    engine.act = count


# A disk without locks


@contextmanager
def without_locks(code: int) -> Generator[None]:
    import fcntl

    def refuse(handle: int, what: int) -> None:
        raise OSError(code, os.strerror(code))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", refuse)
        yield


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
@pytest.mark.parametrize(
    ("kind", "code"), [("rounds", errno.ENOLCK), ("explore", errno.EOPNOTSUPP), ("vary", errno.ENOLCK)]
)
def test_on_a_disk_without_locks_nothing_is_begun_nor_goes_on(base: Path, engine: Fake, kind: str, code: int) -> None:
    with without_locks(code):
        assert "cannot be locked" in (said := sentence(base, kind)) and "move or copy it to one" in said
    when(engine, 2, lambda: os.kill(os.getpid(), 2))
    command(base, kind, status=130)
    before = done(base)
    assert 0 < before < COUNTS[kind]
    with without_locks(code):
        assert "cannot be locked" in sentence(base, kind)
    assert done(base) == before
    command(base, kind)
    check(base, kind)


LOCKED = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX, 512, 0x40000000)  # where SQLite's locks are
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """What SQLite meets on a disk that refuses its locks: it cannot tell that from another program's."""
    asked = [sys.executable, "-c", LOCKED, str(folder / FILE)]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        yield
        other.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="lockf")
def test_a_ledger_that_cannot_be_locked_is_looked_at(base: Path, engine: Fake) -> None:
    command(base, "rounds")
    folder = base / "output" / "s"
    with locked(folder):
        begun = time.monotonic()
        assert read_round(folder)[0].text() == f"round 2: {FIRST} of {FIRST}, finished"
        assert time.monotonic() - begun < 3
        assert [each.session for each in overview(folder.parent)] == ["s"]
        (folder / f"{FILE}-wal").write_bytes(b"x")
        refused = pytest.raises(
            opening.Unreachable, match=r"database is locked\. Another program has locked it, or its disk"
        )
        with refused, opening.open_to_read(folder, 0.2):
            pass


# A folder in which nothing may be written


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


DAC_OVERRIDE = 0b11 << 1
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root write where nobody may."""


@contextmanager
def as_anybody() -> Generator[None]:
    """Permissions hold for root, too: in this thread and those that it starts."""
    if os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, words = _Header(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(ctypes.byref(header), words) == 0
    before = words[0]
    words[0] = before & ~DAC_OVERRIDE
    assert libc.capset(ctypes.byref(header), words) == 0
    try:
        yield
    finally:
        words[0] = before
        assert libc.capset(ctypes.byref(header), words) == 0


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    places = [folder, *folder.rglob("*")]
    modes = [path.stat().st_mode for path in places]
    for path, mode in zip(places, modes, strict=True):
        path.chmod(mode & ~0o222)
    try:
        with as_anybody():
            yield
    finally:
        for path, mode in zip(places, modes, strict=True):
            path.chmod(mode)


@pytest.mark.skipif(sys.platform != "linux", reason="permissions")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_only_is_looked_at_and_goes_on_when_it_is_not(base: Path, engine: Fake, kind: str) -> None:
    folder = base / "output" / "s"
    with read_only(folder.parent):
        assert "s cannot be written to (Permission denied)" in sentence(base, kind)
    when(engine, 2, lambda: os.kill(os.getpid(), 2))
    command(base, kind, status=130)
    before = done(base)
    with read_only(folder.parent):
        assert "move or copy it to one. It can be looked at where it is." in sentence(base, kind)
        assert sum(cell["state"] == "done" for cell in read_round(folder, 1)[1]) == before
        [status] = overview(folder.parent)
        assert (status.session, getattr(status, "state", None)) == ("s", "paused")
        asked = ["report", "s", "--output", str(folder.parent), "--input", str(base / "input")]
        refused = CliRunner().invoke(app, asked)
        assert refused.exit_code == 1 and "name another file with --out" in refused.stderr
        shown = CliRunner().invoke(app, [*asked, "--out", str(base / "page.html")])
        assert shown.exit_code == 0 and shown.stderr.count("\n") <= 2, shown.stderr
    command(base, kind)
    check(base, kind)


@pytest.mark.skipif(sys.platform != "linux", reason="permissions")
def test_of_a_crashed_session_that_is_read_only_nothing_is_left_out(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "s", seed=1)
    with ledger.transaction():
        ledger.add(1, [("a.png [input]", "X0001")])
    for name in ("whole", "no shm"):
        shutil.copytree(tmp_path / "s", tmp_path / name)
    ledger.close()
    (tmp_path / "no shm" / f"{FILE}-shm").unlink()
    with read_only(tmp_path):
        assert read_round(tmp_path / "whole")[0].total == 1
        with pytest.raises(opening.Unreachable, match=f"Some of it lies in {FILE}-wal, .* copy the session's folder"):
            read_round(tmp_path / "no shm")
    shutil.copytree(tmp_path / "no shm", tmp_path / "copy")
    assert read_round(tmp_path / "copy")[0].total == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_ledger_that_becomes_read_only_at_work_ends_it_with_a_sentence(
    base: Path, engine: Fake, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[Ledger] = []
    plain = Ledger.__init__

    def remember(self: Ledger, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        known.append(self)

    monkeypatch.setattr(Ledger, "__init__", remember)
    when(engine, 2, lambda: known[-1]._db.execute("PRAGMA query_only = ON") and None)
    said = command(base, kind, status=1).splitlines()
    assert [line for line in said if line.startswith("Error: ")] == said[-1:] and "Traceback" not in said
    assert "ledger.sqlite3 cannot be written: attempt to write a readonly database. See that you may" in said[-1]
    monkeypatch.undo()
    monkeypatch.setattr(engines, "_embedded", lambda setup, number=1: Fake())
    command(base, kind)
    check(base, kind)


# A clock that jumps


@pytest.mark.parametrize("kind", KINDS)
def test_no_clock_decides_what_is_made(
    base: Path, engine: Fake, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance, started = random.Random(kind), time.time()
    # Its own clock: other threads read the real one meanwhile.
    jumping = SimpleNamespace(time=lambda: started + chance.choice((-3e8, -3600, 0, 0, 3600, 3e8)))
    monkeypatch.setattr(ledgers, "time", jumping)
    command(base, kind)
    check(base, kind)
    status = read_round(base / "output" / "s")[0]
    assert status.pace is not None and status.pace >= 0 and status.eta is None
    order = [(item.round, item.lineage) for item in engine.made]
    monkeypatch.undo()
    fresh, again = tmp_path_factory.mktemp("steady"), Fake()
    monkeypatch.setattr(engines, "_embedded", lambda setup, number=1: again)
    shutil.copytree(base / "input", fresh / "input")
    command(fresh, kind)
    assert [(item.round, item.lineage) for item in again.made] == order


def test_a_clock_that_is_set_among_many_pictures_does_not_change_the_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path / "s", seed=1)
    with ledger.transaction():
        ledger.add(1, [(f"{n}.png [input]", f"X{n:04d}") for n in range(1, 9)])
    for now in (1000, 1010, 1020, -5, 5, 15):
        monkeypatch.setattr(ledgers, "time", SimpleNamespace(time=lambda now=now: now))
        item = ledger.next(1)
        assert item
        ledger.commit(ledger.claim(item, "run"), [])
    status = ledger.status()
    ledger.close()
    assert (status.pace, status.eta) == (10, 20)


# A copy


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "left_out"), [("rounds", ()), ("explore", ("-shm",)), ("vary", (".lock", "-shm")), ("rounds", ("-shm",))]
)
def test_a_session_that_was_copied_at_work_goes_on_elsewhere(
    base: Path, engine: Fake, kind: str, left_out: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"

    def copy() -> None:
        shutil.copytree(base / "output", elsewhere / "output")
        shutil.copytree(base / "input", elsewhere / "input")

    monkeypatch.setattr(chains, "socket", SimpleNamespace(gethostname=lambda: "a-machine-far-away"))
    engine.pause = 0.05
    when(engine, 3, copy)
    command(base, kind)
    monkeypatch.setattr(chains, "socket", socket)
    folder = elsewhere / "output" / "s"
    for path in folder.glob("ledger*"):
        if path.name.endswith(left_out or "none"):
            path.unlink()
    assert owner_of(folder).startswith("resonance on a-machine-far-away, process ")
    before = done(elsewhere)
    assert 0 < before < COUNTS[kind]
    engine.made.clear()
    command(elsewhere, kind)
    check(elsewhere, kind)
    # What was written while it was copied may be in the ledger and not in the folder: that is made again.
    assert COUNTS[kind] - before <= len(engine.made) < COUNTS[kind]
    assert os.uname().nodename in owner_of(folder)


@pytest.mark.long
def test_a_copy_without_what_was_written_last_is_not_begun_anew(base: Path, engine: Fake, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    engine.pause = 0.02
    when(engine, 5, lambda: (shutil.copytree(base, elsewhere, ignore=shutil.ignore_patterns("elsewhere")), None)[1])
    command(base, "rounds")
    folder = elsewhere / "output" / "s"
    for path in folder.glob(f"{FILE}-*"):
        path.unlink()
    there = {path: path.read_bytes() for path in folder.glob("*/*.png")}
    said = sentence(elsewhere, "rounds")
    assert "The ledger in s is empty, and there are pictures beside it" in said and "--rebuild" in said
    assert {path: path.read_bytes() for path in folder.glob("*/*.png")} == there
    asked = ["report", "s", "--rebuild", "--output", str(folder.parent), "--input", str(elsewhere / "input")]
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert done(elsewhere) == len(there) >= FIRST
    command(elsewhere, "rounds")
    check(elsewhere, "rounds")


def test_of_what_is_not_there_on_another_machine_nothing_is_lost(base: Path, engine: Fake) -> None:
    when(engine, 2, lambda: os.kill(os.getpid(), 2))
    command(base, "rounds", status=130)
    (base / "input").rename(base / "away")
    places = ["--output", str(base / "output"), "--input", str(base / "input")]
    gone = CliRunner().invoke(app, ["rounds", "s", "--model", "toyworld", *places])
    assert (
        gone.exit_code == 1
        and "Paused: None of the pictures that round 1 starts from are there any more" in gone.stderr
    )
    (base / "away").rename(base / "input")
    again = CliRunner().invoke(app, ["rounds", "s", "--model", "toyworld", *places])
    assert again.exit_code == 0, again.output
    check(base, "rounds")


# Another command


def test_of_two_that_begin_at_the_same_moment_one_goes_on(tmp_path: Path) -> None:
    def begin(place: Path, start: threading.Barrier) -> Chain | str:
        start.wait()
        try:
            return chain(place)
        except Told as error:
            return str(error)

    with ThreadPoolExecutor(2) as two:
        for number in range(8):
            place, start = tmp_path / str(number), threading.Barrier(2)
            chain(place, name="other").close()
            got = list(two.map(begin, [place] * 2, [start] * 2))
            [said] = (each for each in got if isinstance(each, str))
            assert "Session 's' is open in another program" in said
            [begun] = (each for each in got if isinstance(each, Chain))
            assert run(begun, Fake()).state == "finished"
            assert [item["state"] for round_ in (1, 2) for item in items(place, round_)] == ["done"] * 8


IDLE = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"exec_info": {"queue_remaining": 0}}')
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Answer).serve_forever()
"""


def test_a_comfyui_of_its_own_is_not_started_in_the_folder_of_another(tmp_path: Path) -> None:
    """It empties its temporary folder when it starts."""
    (tmp_path / "main.py").write_text(IDLE)
    one, other = (StartedComfyUI(Launch(tmp_path, tmp_path / "log"), recipe=None) for _ in range(2))  # type: ignore[arg-type]

    async def work() -> None:
        await one.ready()
        with pytest.raises(
            EngineLost, match=r"Another command has a ComfyUI at work in .*log\. Stop it there, or wait"
        ):
            await other.ready()
        await one.close()
        await other.ready()
        await other.close()

    asyncio.run(work())


# A server that is lost, or that something else has taken the place of


def test_an_engine_that_is_lost_again_and_again_does_not_have_every_item_parked(tmp_path: Path) -> None:
    def lose(job: Job) -> None:
        raise EngineLost("ComfyUI at http://there does not answer.")

    told: list[str] = []
    ended = run(chain(tmp_path, 6), Fake(act=lose), tell=lambda event, **facts: told.append(facts.get("error", "")))
    assert ended == Ended("open", "no engine is left")
    assert told.count("ComfyUI at http://there does not answer.") == DEATHS * STREAK
    assert told[-1] == f"fake was lost {DEATHS * STREAK} times in a row."
    states = [item["state"] for item in items(tmp_path, 1)]
    assert states == ["parked"] * STREAK + ["pending"] * (6 - STREAK)
    assert items(tmp_path, 1)[0]["error"] == "ComfyUI at http://there does not answer, 5 times in a row"


def test_an_engine_that_comes_back_is_asked_again(tmp_path: Path) -> None:
    tries = 0

    def lose(job: Job) -> None:
        nonlocal tries
        tries += 1
        if tries % (DEATHS - 1):
            raise EngineLost("gone")

    assert run(chain(tmp_path, 8), Fake(act=lose)) == Ended("finished", "", 16)


def test_a_server_that_is_lost_while_vary_asks_what_to_make_is_asked_once_more() -> None:
    def lose(job: Job) -> None:
        nonlocal times
        times -= 1
        if times >= 0:
            raise EngineLost("gone")

    question, engine = PlanJob(item=Item(session="s", round=1, index=1, lineage="", seed=0)), Fake(act=lose)
    times = 1
    assert asyncio.run(varying._made(engine, question)).pictures and engine.waits == 2
    times = 2
    with pytest.raises(EngineLost):
        asyncio.run(varying._made(engine, question))


class Other:
    """What has taken a server's place, and answers everything with the same."""

    def __init__(self, said: bytes) -> None:
        self.said = said

    async def __aenter__(self) -> Server:
        self.listening = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.server = Server(f"http://127.0.0.1:{self.listening.sockets[0].getsockname()[1]}")
        return self.server

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()
        self.listening.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + self.said)
        writer.close()


@pytest.mark.parametrize(
    "said",
    [b"<html>Welcome!</html>", b"{}", b"[]", b"5", b'{"prompt_id": 1, "name": [', b"null", b"[" * 100_000],
    ids=lambda said: repr(said[:24]),
)
def test_what_another_program_answers_is_no_fault_of_the_item(said: bytes) -> None:
    id_ = "0" * 32

    async def work() -> None:
        async with Other(said) as server:
            asked: dict[str, Callable[[], Any]] = {
                "upload": lambda: server.upload(PNG, ".png"),
                "queue": lambda: server._waits(id_),
                "post": lambda: server._post(id_, {}),
                "history": lambda: server._entry(id_),
            }
            for what, ask in asked.items():
                with pytest.raises(EngineLost) as lost:
                    await ask()
                known = what == "history" and said == b"{}"
                text = "does not know the run any more" if known else "is no ComfyUI."
                assert text in str(lost.value), what
            with pytest.raises(EngineLost, match=r"does not answer: it takes no websocket \(status 200\)\.$"):
                await server.run({}, "0" * 32)

    asyncio.run(work())


def test_an_answer_that_breaks_off_is_told_in_words() -> None:
    class Half(Other):
        async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            writer.close()

    async def work() -> None:
        async with Half(b"") as server:
            with pytest.raises(EngineLost, match=r"does not answer: its answer broke off\.$"):
                await server.models("loras")

    asyncio.run(work())


def test_what_is_no_picture_is_told_alike_each_time(tmp_path: Path) -> None:
    """Three items in a row with the same error pause the session."""
    engine = Fake()

    async def page(job: Job, run: str) -> Made:
        return Made(pictures=(b"<html>",))

    engine.make = page  # type: ignore[method-assign]
    ended = run(chain(tmp_path), engine)
    assert ended.reason == "3 items in a row failed with: What was made is not a picture that can be read."

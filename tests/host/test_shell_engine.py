"""A driver's jobs on a real ComfyUI: what comes back, what is left behind, and what happens when something breaks."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

from resonance.cli.server import Launch, StartedComfyUI
from resonance.drive import comfyui
from resonance.drive.comfyui import ComfyUI, OwnGraph, Server
from resonance.drive.job import EngineLost, Job, JobFailed
from resonance.drive.workflow import ItemWorkflow
from resonance.session.item import Item, Words, derive
from resonance.session.made import Made
from resonance.session.naming import Naming
from resonance.told import Told

from .comfy import PACK, Comfy, find_comfyui, node
from .conftest import server
from .graphs import check_whole, claimed, items, output, pictures, quick, until
from .paint import paint

PROBE = PACK / "tests" / "host" / "packs" / "probe"
T = TypeVar("T")


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("engine"), models, "probe", "patches") as comfy:
        yield comfy


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name.replace("test_", "")[:60]


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves anything in the queue, nor one of its own runs in the history."""
    yield
    if "comfy" in request.fixturenames:
        comfy: Comfy = request.getfixturevalue("comfy")
        comfy.idle()
        assert not RUNS & set(comfy.get("/history"))


RUNS: set[str] = set()


def picture(colour: str = "red", size: tuple[int, int] = (48, 32)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def job(lineage: str = "X0001", colour: str = "red", round_: int = 1, first: bytes | None = None) -> Job:
    seed = derive(1, round_, lineage, "sampler")
    return Job(
        item=Item(session="driven", round=round_, index=1, lineage=lineage, seed=seed, total=1, source="x.png [input]"),
        picture=picture(colour),
        name="x.png",
        first=first,
    )


def pixels(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image)


def new() -> str:
    RUNS.add(run := str(uuid.uuid4()))
    return run


@asynccontextmanager
async def engine(url: str, graph: dict[str, Any], workflow: Any = None) -> AsyncIterator[ComfyUI]:
    made = ComfyUI(Server(url), ItemWorkflow(graph, workflow), patience=5)
    try:
        yield made
    finally:
        await made.close()


def make(url: str, graph: dict[str, Any], job_: Job, workflow: Any = None) -> Made:
    async def work() -> Made:
        async with engine(url, graph, workflow) as one:
            await one.ready()
            return await one.make(job_, new())

    return asyncio.run(work())


def slow(seconds: float) -> dict[str, Any]:
    return quick("any", "any", paint={"seconds": seconds})


async def running(comfy: Comfy, run: str) -> None:
    await asyncio.to_thread(until, lambda: run in queued(comfy, "queue_running"))


def queued(comfy: Comfy, *parts: str) -> list[str]:
    queue = comfy.get("/queue")
    return [entry[1] for part in parts or ("queue_running", "queue_pending") for entry in queue[part]]


def test_a_driver_gets_the_pixels_that_the_servers_own_chain_makes(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "blue")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40), (0, 255, 0)).save(comfy.base / "input" / name / "3-turned.jpg", exif=exif)
    graph, workflow = quick(name, name), {"nodes": [{"title": "ü"}]}
    comfy.wait(comfy.queue(graph, workflow))
    comfy.idle()

    async def work() -> list[Made]:
        async with engine(comfy.url, graph, workflow) as one:
            await one.ready()
            jobs: list[Job] = []
            for found in items(comfy, name, 1):
                source = comfy.base / "input" / found["source"].removesuffix(" [input]")
                seed = derive(1, 1, found["lineage"], "sampler")
                item = Item(
                    session=name,
                    round=1,
                    index=found["number"],
                    lineage=found["lineage"],
                    seed=seed,
                    total=3,
                    source=found["source"],
                )
                jobs.append(Job(item=item, picture=source.read_bytes(), name=source.name))
            return [await one.make(each, new()) for each in jobs]

    for made, item in zip(asyncio.run(work()), items(comfy, name, 1), strict=True):
        saved = output(comfy) / name / item["files"][0]
        assert np.array_equal(pixels(made.pictures[0]), pixels(saved.read_bytes()))
        assert made.words == Words(**item["words"]) and made.prompt == item["prompt"]
        assert (made.takes, made.naming, made.facts, made.before, made.names) == ("first", Naming(), {}, (), ())
        with Image.open(saved) as image:
            assert {**made.texts} == {key: image.text[key] for key in ("prompt", "workflow")}
    sent = [path.read_bytes() for path in (comfy.base / "temp" / "resonance").glob("*.jpg")]
    assert sent == [(comfy.base / "input" / name / "3-turned.jpg").read_bytes()], "sent as it is"


def test_all_that_round_output_was_told_comes_back(comfy: Comfy, name: str):
    graph = quick(name, name, paint={"batch": 2}, takes="all")
    graph["5"]["inputs"] |= {"before": ["1", 0], "folder_rule": "scratch", "name_rule": "variation", "scale": ["6", 0]}
    graph["6"] = node("PrimitiveFloat", value=6.5)
    made = make(comfy.url, graph, job())
    assert len(made.pictures) == 2 and not np.array_equal(*map(pixels, made.pictures))
    assert [pixels(each).shape for each in made.before] == [(32, 48, 3)]
    assert (made.takes, made.naming, made.facts) == ("all", Naming("scratch", "variation"), {"scale": 6.5})
    assert made.words == Words("red") and made.prompt == "red"
    stored = Job(
        item=Item(
            session="driven",
            round=1,
            index=1,
            lineage="X0001",
            seed=7,
            total=1,
            source="x.png",
            words=Words("blue", "a sea"),
        ),
        picture=picture("red"),
        name="x.png",
    )
    again = make(comfy.url, graph, stored)
    assert again.words == Words("blue", "a sea") and again.prompt == "blue", "not described twice"


def test_the_first_picture_of_a_lineage_is_sent_to_a_workflow_that_wants_it(comfy: Comfy, name: str):
    graph = quick(name, name)
    graph["6"] = node("ProbeShape", images=["1", 7], lineage=["1", 2])
    graph["5"]["inputs"]["images"] = ["6", 0]
    assert ItemWorkflow(graph).wants_first and not ItemWorkflow(quick(name, name)).wants_first
    make(comfy.url, graph, job("X0071"))
    make(comfy.url, graph, job("X0072", "red", 2, picture("blue", (8, 4))))
    shapes = (output(comfy) / "shapes.log").read_text().splitlines()
    assert shapes[-2:] == ["X0071 48x32 1 0 0", "X0072 8x4 0 0 1"]
    with pytest.raises(JobFailed, match="asks for the first picture"):
        make(comfy.url, graph, job("X0073", round_=2))


def test_what_goes_wrong_in_the_graph_is_told_in_comfyuis_words_on_one_line(comfy: Comfy, name: str):
    with pytest.raises(JobFailed, match=r"^ProbePaint: no paint for X0001$"):
        make(comfy.url, quick(name, name, paint={"fail": "X0001"}), job())
    graph = quick(name, name)
    with pytest.raises(JobFailed, match=r"ResonanceRoundOutput 5: Value not in list: next_round_takes: 'some' not in"):
        make(comfy.url, quick(name, name, takes="some"), job())
    with pytest.raises(JobFailed, match="Node 'NoSuchNode' not found. .* installed: Node ID '#9'") as refusal:
        make(comfy.url, {**graph, "9": node("NoSuchNode")}, job())
    assert "\n" not in str(refusal.value)
    with pytest.raises(JobFailed, match=r"PreviewImage 9: Required input is missing: images"):
        make(comfy.url, {**graph, "9": node("PreviewImage")}, job())
    with pytest.raises(JobFailed, match="not a picture that can be read"):
        make(comfy.url, graph, Job(item=job().item, picture=b"nothing", name="x.png"))
    twice = {**graph, "8": node("ResonanceRoundOutput", **graph["5"]["inputs"])}
    with pytest.raises(JobFailed, match="Only one Round Output may run"):
        make(comfy.url, twice, job())


def test_a_cancelled_job_stops_at_once_and_nobody_elses(comfy: Comfy, name: str):
    async def work() -> float:
        async with engine(comfy.url, slow(60)) as one:
            mine = new()
            task = asyncio.create_task(one.make(job(), mine))
            await running(comfy, mine)
            others = [await asyncio.to_thread(comfy.queue, node_graph) for node_graph in foreign]
            began = time.monotonic()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            took = time.monotonic() - began
            assert task.cancelled() and mine not in queued(comfy)
            later = asyncio.create_task(one.make(job(), second := new()))
            await asyncio.to_thread(until, lambda: second in queued(comfy, "queue_pending"))
            later.cancel()
            await asyncio.gather(later, return_exceptions=True)
            assert second not in queued(comfy) and set(others) <= {*queued(comfy), *comfy.get("/history")}
            for other in others:
                assert (await asyncio.to_thread(comfy.wait, other))["status"]["status_str"] == "success"
            return took

    foreign = [sleeping(comfy, seconds) for seconds in (1.0, 0.1)]
    assert asyncio.run(work()) < 1


def sleeping(comfy: Comfy, seconds: float) -> dict[str, Any]:
    """Another client's graph; no two are the same to ComfyUI's cache."""
    blank = comfy.complete({"1": node("EmptyImage", width=8, height=8, color=int(time.time() * 1000) % 2**20)})
    return {
        **blank,
        "2": node("ProbeSleep", image=["1", 0], seconds=seconds),
        "3": node("PreviewImage", images=["2", 0]),
    }


def test_runs_of_others_behind_it_are_not_waited_for(comfy: Comfy, name: str):
    async def work() -> None:
        async with engine(comfy.url, slow(0.5)) as one:
            mine = new()
            task = asyncio.create_task(one.make(job(), mine))
            await running(comfy, mine)
            other = await asyncio.to_thread(comfy.queue, sleeping(comfy, 2.0))
            assert (await task).pictures
            assert queued(comfy) == [other]
            await asyncio.to_thread(comfy.wait, other)

    asyncio.run(work())


def test_a_run_that_somebody_takes_out_of_the_queue_is_lost_at_once(comfy: Comfy, name: str):
    async def work() -> None:
        other = comfy.queue(sleeping(comfy, 1.5))
        async with engine(comfy.url, slow(0)) as one:
            task = asyncio.create_task(one.make(job(), mine := new()))
            await asyncio.to_thread(until, lambda: mine in queued(comfy, "queue_pending"))
            comfy.post("/queue", {"clear": True})
            with pytest.raises(EngineLost, match="does not know the run any more"):
                await asyncio.wait_for(task, 1)
        assert queued(comfy) == [other]

    asyncio.run(work())


def test_an_interrupt_in_the_browser_fails_the_job(comfy: Comfy, name: str):
    async def work() -> None:
        async with engine(comfy.url, slow(60)) as one:
            task = asyncio.create_task(one.make(job(), mine := new()))
            await running(comfy, mine)
            comfy.post("/interrupt", {})
            with pytest.raises(JobFailed, match="interrupted"):
                await asyncio.wait_for(task, 2)

    asyncio.run(work())


def test_a_run_that_another_driver_left_is_stopped_and_dropped(comfy: Comfy, name: str):
    async def work() -> None:
        graph = slow(60)
        graph["1"]["inputs"]["item"] = json.dumps({**json.loads(job().item.to_json()), "source": "x.png [input]"})
        (comfy.base / "input" / "x.png").write_bytes(picture())
        left = comfy.queue(graph, prompt_id=new())
        await running(comfy, left)
        async with engine(comfy.url, graph) as one:
            await one.forget(new())
            assert queued(comfy) == [left]
            await one.forget(left)
        assert queued(comfy) == []

    asyncio.run(work())


class Wire:
    """A TCP connection to the server that can be cut."""

    def __init__(self, comfy: Comfy) -> None:
        self.target, self.port, self.ends = comfy.port, 0, list[asyncio.StreamWriter]()

    async def open(self) -> None:
        self.server = await asyncio.start_server(self.connect, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self.target)
        self.ends += [writer, forth]

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(2**16):
                sink.write(data)
            sink.close()

        await asyncio.gather(carry(reader, forth), carry(back, writer), return_exceptions=True)

    def cut(self) -> None:
        for end in self.ends:
            end.close()
        self.ends.clear()

    def close(self) -> None:
        self.server.close()
        self.cut()


def test_a_cut_connection_is_made_anew_and_what_was_missed_is_asked_for(comfy: Comfy, name: str):
    async def work() -> None:
        wire = Wire(comfy)
        await wire.open()
        async with engine(f"http://127.0.0.1:{wire.port}/", slow(0.8)) as one:
            for pause in (0.1, 0.9):  # comes back while it runs, and when it is over
                task = asyncio.create_task(one.make(job(), mine := new()))
                await running(comfy, mine)
                await asyncio.sleep(pause - 0.05 if pause < 0.5 else 0.6)
                wire.cut()
                assert (await asyncio.wait_for(task, 5)).pictures
            task = asyncio.create_task(one.make(job(), lost := new()))
            await running(comfy, lost)
            wire.close()
            with pytest.raises(EngineLost, match="does not answer"):
                await asyncio.wait_for(task, 5)
            assert lost in queued(comfy)
            await wire.open()
            await one.ready()
            assert lost not in queued(comfy), "given up, and not worked on for nobody"
        wire.close()

    asyncio.run(work())


def test_silence_is_looked_into(comfy: Comfy, name: str, monkeypatch: pytest.MonkeyPatch):
    """ComfyUI forgets a client's new websocket when it notices that the old one is dead, and keeps it open."""
    monkeypatch.setattr(comfyui, "SILENT_SECONDS", 0.3)
    heard = 0
    hear = Server._hear

    async def count(*args: Any) -> bool:
        nonlocal heard
        heard += 1
        return await hear(*args)

    monkeypatch.setattr(Server, "_hear", count)
    assert make(comfy.url, slow(2.0), job()).pictures
    assert heard > 1


def test_what_does_not_answer_or_is_no_comfyui_is_lost(tmp_path: Path):
    async def work() -> None:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            writer.close()

        other = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        server = Server(f"http://127.0.0.1:{port}")
        with pytest.raises(EngineLost, match="is no ComfyUI"):
            await server.ready(0.5)
        other.close()
        began = time.monotonic()
        with pytest.raises(EngineLost, match=f"ComfyUI at http://127.0.0.1:{port} does not answer"):
            await server.ready(1)
        assert 0.5 < time.monotonic() - began < 2
        with pytest.raises(EngineLost):
            await server.run({}, str(uuid.uuid4()))
        await server.close()

    asyncio.run(work())


def test_own_graphs_bring_what_their_savers_saved(comfy: Comfy, name: str):
    async def work() -> Made:
        server = Server(comfy.url)
        blank = comfy.complete({"1": node("EmptyImage", width=8, height=8, batch_size=2, color=255)})
        graph = {
            **blank,
            "2": node("SaveImage", images=["1", 0], filename_prefix=f"{name}/one"),
            "3": node("PreviewImage", images=["1", 0]),
        }
        made = await ComfyUI(server, OwnGraph()).make(Job(item=job().item, graph=graph), new())
        await server.close()
        return made

    made = asyncio.run(work())
    assert made.names == (f"{name}/one_00001_.png", f"{name}/one_00002_.png")
    assert [(output(comfy) / each).read_bytes() for each in made.names] == list(made.pictures)


def test_the_steps_of_a_run_are_heard(comfy: Comfy, name: str):
    async def work() -> None:
        server = Server(comfy.url, lambda *step: steps.append(step))
        await server.run(paint("tiny_sd15", "red", steps=4), new())
        await server.close()

    steps: list[tuple[str, int, int]] = []
    asyncio.run(work())
    assert steps[-1] == ("KSampler", 4, 4) and {step[0] for step in steps} == {"KSampler"}


def test_the_server_lists_models_and_lets_go_of_a_session(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")

    async def work() -> None:
        server = Server(comfy.url)
        assert "tiny_sd15.safetensors" in await server.models("checkpoints")
        with pytest.raises(JobFailed, match="refuses GET /models/nonsense"):
            await server.models("nonsense")
        comfy.queue(quick(name, name, paint={"seconds": 0.5}))
        await asyncio.to_thread(until, lambda: claimed(comfy, name))
        await server.pause(name)
        await server.pause("no such session")
        with pytest.raises(Told, match="cannot pause session 'con': .*session name"):
            await server.pause("con")
        await server.close()

    asyncio.run(work())
    comfy.idle()
    assert [item["state"] for item in items(comfy, name, 1)] == ["done", "pending", "pending"]
    comfy.post(f"/resonance/rounds/{name}/resume")
    comfy.idle()
    check_whole(comfy, name, 1, 3)


def test_the_temporary_folder_does_not_fill_up(comfy: Comfy, name: str):
    folder = comfy.base / "temp" / "resonance"
    folder.mkdir(exist_ok=True)
    old = [folder / f"old-{number}.png" for number in range(600)]
    for path in old:
        path.touch()
        os.utime(path, (1, 1))
    assert make(comfy.url, slow(0), job()).pictures
    assert len(list(folder.iterdir())) <= 501
    for path in old:
        path.unlink(missing_ok=True)


@pytest.mark.long
def test_a_comfyui_of_its_own_is_started_again_when_it_dies_and_ends_with_the_command(tmp_path: Path):
    base, found = tmp_path / "base", find_comfyui()
    assert found
    Comfy(base, (PROBE,))  # makes its folders
    only = ("--disable-all-custom-nodes", "--whitelist-custom-nodes", "resonance", "probe")
    launch = Launch(found, tmp_path / "state", ("--cpu", "--base-directory", str(base), "--disable-api-nodes", *only))

    async def work() -> list[int]:
        one = StartedComfyUI(launch, ItemWorkflow(slow(0.5)))
        await one.forget(str(uuid.uuid4()))
        await one.ready()
        assert one.child
        first = one.child.pid
        assert (await one.make(job(), str(uuid.uuid4()))).pictures
        assert os.getsid(first) != os.getsid(0), "Ctrl-C in the terminal does not reach it"
        task = asyncio.create_task(one.make(job(), str(uuid.uuid4())))
        await asyncio.sleep(0.3)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(EngineLost, match="does not answer"):
            await asyncio.wait_for(task, 3)
        await one.ready()
        second = one.child.pid
        assert (await one.make(job(), str(uuid.uuid4()))).pictures
        await one.close()
        return [first, second]

    pids = asyncio.run(work())
    assert len(set(pids)) == 2 and not any(map(alive, pids))
    assert "got prompt" in (tmp_path / "state" / "comfyui.log").read_text()
    assert not (base / "temp").exists(), "the temporary folder of another one is left alone"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_comfyui_that_cannot_start_says_why(tmp_path: Path):
    found = find_comfyui()
    assert found
    wrong = Launch(found, tmp_path / "state", ("--no-such-option",))

    async def work() -> None:
        with pytest.raises(EngineLost, match=r"ended with status 2 .*comfyui.log, ends: .*--no-such-option"):
            await StartedComfyUI(wrong, OwnGraph()).ready()

    asyncio.run(work())


@pytest.mark.skipif(not shutil.which("setpriv"), reason="without setpriv it outlives a killed command")
def test_a_killed_command_takes_its_comfyui_along(tmp_path: Path):
    program = f"""
import asyncio, sys
from pathlib import Path
from resonance.cli.server import Launch, Started
child = Started(Launch(Path({str(find_comfyui())!r}), Path({str(tmp_path)!r}), ("--cpu",)), 1)
print(child.pid, flush=True)
sys.stdin.read()
"""
    command = subprocess.Popen([sys.executable, "-c", program], cwd=PACK, stdin=-1, stdout=-1, text=True)
    assert command.stdout
    child = int(command.stdout.readline())
    until(lambda: Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[1:2] == [b"main.py"])  # no longer setpriv
    command.kill()
    command.wait()
    until(lambda: not alive(child), 5)

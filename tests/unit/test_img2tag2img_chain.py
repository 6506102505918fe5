import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner

from resonance.cli import img2tag2img as command
from resonance.cli import rehydrate
from resonance.cli.app import app
from resonance.cli.output import Output
from resonance.drive.driver import Ended, Halt, drive
from resonance.drive.job import Job, JobFailed
from resonance.files.names import check_name
from resonance.gallery import drift, grid, rows
from resonance.img2tag2img import config, queue, template
from resonance.img2tag2img.fill import FolderJobs, opened
from resonance.img2tag2img.folders import Folders, prepare, session_name
from resonance.session import query
from resonance.session.chain import Chain, Stop, Unreadable
from resonance.session.made import Made
from resonance.session.owning import Busy
from resonance.told import Told

from .img2tag2img_steps import WORKFLOWS, toml


def png(text: str = "", size: tuple[int, int] = (6, 4)) -> bytes:
    buffer, info = BytesIO(), PngInfo()
    info.add_text("parameters", f"{text}\nNegative prompt: blurry\nSteps: 25, Sampler: euler")
    Image.new("RGB", size, "red").save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


@dataclass
class Place:
    """An archive with pictures, and what is asked for there."""

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)
    workflow: Path = WORKFLOWS["sdxl-toml"]

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    def put(self, *names: str, data: bytes | None = None) -> None:
        for name in names:
            path = self.archive / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data or png(name))

    def folders(self, *names: str) -> Folders:
        path = self.root / "c.toml"
        path.write_text(
            toml({"paths.archive": str(self.archive), "model.checkpoint": "a.safetensors", **self.settings})
        )
        return prepare(template.load(self.workflow), config.load(path), names)

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.archive / folder).iterdir() if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@dataclass
class FakeEngine:
    """Saves as the saver of img2tag2img's workflows would, with a clock that goes on with every run.

    Attributes:
        disk: the server writes there, and hands nothing out.
    """

    disk: Path | None = None
    graphs: list[Mapping[str, Any]] = field(default_factory=list)
    fails: Callable[[Job], bool] = lambda _: False
    name = "fake"

    async def ready(self) -> None: ...

    async def forget(self, run: str) -> None: ...

    async def close(self) -> None: ...

    async def make(self, job: Job, run: str) -> Made:
        assert job.graph
        if self.fails(job):
            raise JobFailed("no luck")
        self.graphs.append(job.graph)
        return saved(job.graph, len(self.graphs), self.disk)


def saved(graph: Mapping[str, Any], clock: int, disk: Path | None = None) -> Made:
    saver = graph["save_image"]["inputs"]
    stem = saver["filename"].replace("%time", f"2024-01-01-{clock:06d}").replace("%basemodelname", "a")
    stem = stem.replace("%seed", str(graph["seed"]["inputs"]["seed"]))
    count = len(graph["batch_images"]["inputs"]) * graph["load_model"]["inputs"]["batch_size"]
    numbers = [""] if count == 1 else [f"_{n:02d}" for n in range(1, count + 1)]
    names = [f"{stem}{number}.png" for number in numbers]
    pictures = [png(f"a cat {n}") for n in range(count)]
    if disk is None:
        return Made(pictures=tuple(pictures), names=tuple(f"some/where/{name}" for name in names))
    disk.mkdir(parents=True, exist_ok=True)
    for name, data in zip(names, pictures, strict=True):
        (disk / name).write_bytes(data)
    return Made(pictures=(b"",) * count, names=tuple(names))


def run(folders: Folders, engine: FakeEngine, seed: int = 7, sort: bool = False, stop_after: int = 0) -> Ended:
    chain = opened(folders, seed, sort)
    halt = Halt()

    def tell(event: str, **facts: Any) -> None:
        if event == "done" and stop_after and len(engine.graphs) >= stop_after:
            halt.ask()

    try:
        return asyncio.run(drive(chain, FolderJobs(chain, folders), [engine], tell, halt))
    finally:
        chain.close()


def items(folders: Folders, round_: int) -> list[dict[str, Any]]:
    return query.read_round(folders.session, round_)[1]


def claimed(chain: Chain, folders: Folders) -> Job:
    """The next item's job, claimed."""
    got = chain.claim("run")
    assert not isinstance(got, Stop)
    return FolderJobs(chain, folders)(got[0])


# A chain from end to end


def test_three_folders_make_two_rounds_and_every_picture_has_one_successor(place: Place):
    place.put("first/10.png", "first/X0001_a.png", "first/2024_b.png", "first/deep/c.png", "first/2.png")
    place.put("first/notes.txt", "first/.hidden.png")
    folders, engine = place.folders("first", "second", "third"), FakeEngine()
    assert run(folders, engine) == Ended("finished", "", 10)
    assert [item["source"] for item in items(folders, 1)] == [
        f"first/{name}.png [archive]" for name in ("2", "10", "2024_b", "deep/c", "X0001_a")
    ]
    lineages = ["X0002", "X0003", "2024", "X0004", "X0001"]
    assert [item["lineage"] for item in items(folders, 1)] == lineages
    assert [item["lineage"] for item in items(folders, 2)] == sorted(lineages)
    for round_, folder in ((1, "second"), (2, "third")):
        made = items(folders, round_)
        assert sorted(name for item in made for name in item["files"]) == [f"{folder}/{n}" for n in place.names(folder)]
        assert all(item["files"][0].startswith(f"{folder}/{item['lineage']}_2024-01-01-") for item in made)
    assert items(folders, 1)[0]["prompt"] == "a cat 0"
    assert items(folders, 1)[0]["draw"] == {
        "checkpoint": "a.safetensors",
        "loras": [],
        "triggers": "",
        "neg_triggers": "",
    }
    assert run(folders, engine).done == 0
    for name in ("10.png", "X0001_a.png", "2024_b.png", "deep/c.png", "2.png"):
        (place.archive / "first" / name).unlink()
    assert run(place.folders("first", "second", "third"), engine).done == 0


def test_gallery_and_report_show_a_session_whose_archive_is_the_output_folder(place: Place):
    place.put("a/1.png", "a/2.png")
    run(place.folders("a", "b", "c"), FakeEngine())
    [status] = query.overview(place.archive)
    [folder] = query.sessions(place.archive)
    assert (status.session, status.state, folder.name) == ("a-b-c", "finished", "a-b-c")
    seen = grid.grid(folder)
    assert (seen["rounds"], seen["lineages"], len(seen["items"])) == ([1, 2], ["X0001", "X0002"], 4)
    first = grid.item(folder, 1, place.archive)
    assert first["children"] and first["pictures"][0]["subfolder"] == "b"
    assert grid.result(folder, 1, 1).parent == place.archive / "b"
    assert grid.item(folder, first["children"][0], place.archive)["parent"] == 1
    assert len(drift.drift(folder, 1, {"archive": place.archive})["points"]) == 3
    told = rows.session(folder)
    assert (told.kind, told.rounds, told.pictures, len(told.rows)) == ("folders", 2, 4, 2)
    row = rows.read_rows(folder, told.kind, *told.rows[0])
    assert [step.picture for step in row.steps] == [
        f"{file} [archive]" for file in (first["files"][0], *files(folder, 1))
    ]
    page = place.archive / "page.html"
    done = CliRunner().invoke(app, ["report", str(folder), "--out", str(page)])
    assert done.exit_code == 0, done.output
    assert page.read_text("utf-8").count("data:image/") == 6, "two rows of three pictures"


def files(folder: Path, id_: int) -> list[str]:
    """The files that were made of what was made of an item."""
    with query.reading(folder) as ledger:
        return [file for child in ledger.children(ledger.item(id_)) for file in ledger.files(child.id)]


def test_all_kinds_of_pictures_are_taken_and_damaged_ones_are_skipped(place: Place):
    place.put("a/1.png")
    for name in ("2.JPG", "3.jpeg", "4.webp", "5.PNG"):
        Image.new("RGB", (4, 6)).save(place.archive / "a" / name)
    place.put("a/6.png", data=b"no picture")
    folders = place.folders("a", "b")
    assert run(folders, FakeEngine()).done == 5
    assert [item["state"] for item in items(folders, 1)] == ["done"] * 5 + ["skipped"]


def test_pictures_that_the_user_puts_between_rounds_count_too(place: Place):
    place.put("a/1.png")
    folders, engine = place.folders("a", "b", "c"), FakeEngine()
    place.put("b/mine.png", "b/X0001_mine.png")
    run(folders, engine)
    assert [item["lineage"] for item in items(folders, 2)] == ["X0002", "X0001", "X0001b"]
    place.put("a/2.png")
    assert run(folders, engine).done == 2
    assert items(folders, 1)[1]["lineage"] == items(folders, 2)[3]["lineage"] == "X0003"
    assert len(place.names("c")) == 4


def test_of_what_is_saved_before_and_after_face_repair_the_next_round_takes_the_repaired(place: Place):
    place.put("a/1.png", "a/2.png")
    place.settings["misc.save_predetail"] = True
    folders = place.folders("a", "b", "c", "d")
    assert run(folders, FakeEngine()).done == 6
    assert [len(place.names(folder)) for folder in "bcd"] == [4, 4, 4]
    assert all(item["source"].endswith("_02.png [archive]") for item in items(folders, 2))


def test_a_batch_gives_each_picture_a_lineage_of_its_own(place: Place):
    place.put("a/1.png")
    place.settings["overload.merge"] = {"load_model": {"inputs": {"batch_size": 2}}}
    place.settings["misc.save_predetail"] = True
    folders = place.folders("a", "b", "c")
    run(folders, FakeEngine())
    assert [len(place.names(folder)) for folder in "bc"] == [4, 8]
    assert [(i["lineage"], i["source"][-16:]) for i in items(folders, 2)] == [
        ("X0001.1", "_03.png [archive]"[-16:]),
        ("X0001.2", "_04.png [archive]"[-16:]),
    ]


@pytest.mark.parametrize("names", [("a", "b", "a", "b"), ("a", "a/b", "a/b/c"), ("a", "a", "a")])
def test_folders_may_come_twice_or_contain_one_another(place: Place, names: tuple[str, ...]):
    place.put("a/1.png")
    folders, engine = place.folders(*names), FakeEngine()
    assert run(folders, engine).state == "finished"
    assert len(items(folders, 1)) == 1
    assert run(folders, engine).done == 0


# Resume


def resumed(place: Place, root: Path) -> list[Mapping[str, Any]]:
    """What is asked for by a chain that is stopped after every two pictures."""
    engine = FakeEngine()
    folders = Place(root, place.settings).folders("a", "b", "c")
    for count in range(2, 100, 2):
        if run(folders, engine, stop_after=count).state == "finished":
            return engine.graphs
    raise AssertionError


def test_a_resumed_chain_repeats_nothing_and_asks_for_the_same(place: Place, tmp_path: Path):
    place.settings |= {
        "lora": [{"name": name} for name in ("None", "x", "y", "z")],
        "prompt.preamble": ["one", "two", "three"],
        "paths.output": "",
    }
    for root in (tmp_path, tmp_path / "other"):
        Place(root).put(*[f"a/{n}.png" for n in range(5)])
    whole, parts = FakeEngine(), resumed(place, tmp_path / "other")
    run(place.folders("a", "b", "c"), whole)

    def plain(graphs: list[Mapping[str, Any]]) -> list[Any]:
        return [{**graph, "image_loader": None} for graph in graphs]

    assert plain(parts) == plain(whole.graphs)
    assert len({graph["seed"]["inputs"]["seed"] for graph in parts}) == 10
    assert len({graph["lora_stacker"]["inputs"]["lora_name_1"] for graph in parts}) > 1


class PowerCut(BaseException): ...


def test_a_crash_between_file_and_commit_leaves_one_picture_of_the_item(place: Place, monkeypatch: pytest.MonkeyPatch):
    place.put("a/1.png", "a/2.png")
    folders = place.folders("a", "b", "c")
    chain = opened(folders, 7)
    job = claimed(chain, folders)
    assert job.graph

    def cut(*_: object) -> None:
        raise PowerCut

    monkeypatch.setattr(chain.ledger, "commit", cut)
    with pytest.raises(PowerCut):
        chain.keep(job.item, saved(job.graph, 900))
    (place.archive / "b" / f".{place.names('b')[0]}.tmp").touch()  # and one that was being written
    chain.close()
    assert len(place.names("b")) == 2
    engine = FakeEngine()
    assert run(folders, engine).done == 4
    assert [name[:5] for name in place.names("b")] == ["X0001", "X0002"]
    assert not [name for name in place.names("b") if "000900" in name]
    assert engine.graphs[0] == job.graph


def test_what_a_server_saves_late_is_no_picture_of_the_next_round(place: Place):
    place.put("a/1.png", "a/2.png")
    folders, engine = place.folders("a", "b", "c"), FakeEngine()
    assert run(folders, engine, stop_after=2).done == 2
    saved(engine.graphs[0], 900, place.archive / "b")  # by another server, which had lost its connection
    assert run(folders, engine).done == 2
    assert len(place.names("b")) == 3 and len(place.names("c")) == 2


def test_two_chains_through_the_same_folder_leave_each_other_s_pictures_alone(place: Place):
    place.put("a/1.png")
    run(place.folders("a", "b"), FakeEngine(), seed=0)
    first = place.names("b")
    run(place.folders("a", "b", "c"), FakeEngine(), seed=0)
    assert set(first) < set(place.names("b"))
    assert len(place.names("b")) == len(place.names("c")) == 2


def test_what_is_not_left_behind_by_the_item_is_never_removed(place: Place):
    place.put("a/1.png")
    place.settings["overload.merge"] = {"seed": {"inputs": {"seed": 5}}}
    kept = [
        "X0001_2020_a_5.png",
        "X0001_2020_a_55.png",
        "X0001b_2020_a_5.png",
        "X0001_2020_a_5_notes.txt",
        "X0001_5.png",
    ]
    place.put(*[f"b/{name}" for name in kept])
    os.utime(place.archive / "b" / kept[0], (1e9, 1e9))  # another chain's, with the same fixed seed
    folders = place.folders("a", "b")
    run(folders, FakeEngine())
    assert set(kept) < set(place.names("b"))
    assert len(place.names("b")) == len(kept) + 1


def test_a_seed_of_another_kind_does_no_harm(place: Place):
    place.put("a/1.png")
    place.settings["overload.replace"] = {"seed": {"class_type": "Counter", "inputs": {"start": 3}}}
    folders = place.folders("a", "b")
    chain = opened(folders, 7)
    try:
        job = claimed(chain, folders)
        assert job.graph and "seed" not in job.graph["seed"]["inputs"]
        assert chain.keep(job.item, Made(pictures=(png(),), names=("X0001_x.png",))) == ["b/X0001_x.png"]
    finally:
        chain.close()


def test_a_result_that_the_ledger_knows_is_never_removed(place: Place):
    place.put("a/1.png")
    place.settings["overload.merge"] = {"seed": {"inputs": {"seed": 5}}}
    run(place.folders("a", "b", "a", "b"), FakeEngine())
    assert len([name for name in place.names("b") if name.startswith("X0001_2024")]) == 2


# Where pictures come from


def test_a_picture_that_the_server_has_written_there_already_is_left_alone(place: Place):
    place.put("a/1.png")
    folders = place.folders("a", "b", "c")
    chain = opened(folders, 7)
    try:
        job = claimed(chain, folders)
        assert job.graph
        files = chain.keep(job.item, saved(job.graph, 1, place.archive / "b"))
        assert [f"b/{name}" for name in place.names("b")] == files
        job = claimed(chain, folders)
        assert job.graph
        made = saved(job.graph, 2)
        path = place.archive / "c" / made.names[0].rsplit("/", 1)[-1]
        path.parent.mkdir()
        path.write_bytes(made.pictures[0])
        before = path.stat().st_ino
        chain.keep(job.item, made)
        assert path.stat().st_ino == before
    finally:
        chain.close()


def test_the_prompt_is_read_from_where_the_server_wrote_it(place: Place):
    place.put("a/1.png")
    folders = place.folders("a", "b")
    run(folders, FakeEngine(place.archive / "b"))
    assert items(folders, 1)[0]["prompt"] == "a cat 0"


def test_pictures_that_are_out_of_reach_are_told_apart(place: Place):
    place.put("a/1.png")
    folders = place.folders("a", "b")
    chain = opened(folders, 7)
    try:
        job = claimed(chain, folders)
        for made, answer in (
            (Made(pictures=(b"",), names=("X0001_x.png",)), r"set paths\.output"),
            (Made(pictures=()), "nothing reached the node save_image"),
            (Made(pictures=(b"x",), names=("run.sh",)), "which is not a picture"),
        ):
            with pytest.raises(Told, match=answer):
                chain.keep(job.item, made)
        chain.keep(job.item, Made(pictures=(png(),), names=("../../X0001_12:30.png",)))
        assert place.names("b") == ["X0001_12_30.png"]
    finally:
        chain.close()


def test_a_picture_that_went_is_unreadable_and_a_wrong_workflow_is_not(place: Place):
    place.put("a/1.png", "a/2.png")
    folders = place.folders("a", "b")
    chain = opened(folders, 7)
    try:
        got = chain.claim("run")
        assert not isinstance(got, Stop) and got[0].source
        item = got[0]
        nodes = {"load_model": {"class_type": "A", "inputs": {}}}
        wrong = replace(folders, config=replace(folders.config, overload_replace=(nodes,)))
        with pytest.raises(JobFailed, match="load_model has no input base_ckpt_name or ckpt_name"):
            FolderJobs(chain, wrong)(item)
        folders.locate(str(item.source)).unlink()
        with pytest.raises(Unreadable, match="the file is gone"):
            FolderJobs(chain, folders)(item)
    finally:
        chain.close()


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        (("a",), "needs two folders or more"),
        (("a", "../b"), "is not a path below archive/"),
        (("a", "/b"), "is not a path below archive/"),
        (("gone", "b"), "There is no folder 'gone"),
        (("empty", "b"), "There are no pictures in 'empty"),
    ],
)
def test_folders_that_cannot_be_a_chain_are_refused_before_anything_is_made(
    place: Place, names: tuple[str, ...], answer: str
):
    place.put("a/1.png", "empty/x.txt")
    with pytest.raises(Told, match=re.escape(answer)):
        place.folders(*names)
    assert not (place.archive / ".resonance").exists()


def test_two_programs_do_not_work_on_the_same_folders(place: Place):
    place.put("a/1.png")
    folders = place.folders("a", "b")
    chain = opened(folders, 7)
    try:
        with pytest.raises(Busy, match=r"open in another program \(resonance on .*, process \d+\)"):
            opened(folders, 7)
    finally:
        chain.close()


def test_an_archive_that_is_not_there_is_named(place: Place):
    with pytest.raises(Told, match=r"paths\.archive \(archive_path in INI files\): there is no folder .*archive"):
        place.folders("a", "b")


@given(st.lists(st.lists(st.text("ab-_/.é:", min_size=1, max_size=40), min_size=2, max_size=5), unique_by=tuple))
def test_every_chain_of_folders_has_a_session_name_of_its_own(chains: list[list[str]]):
    names = [session_name(chain) for chain in chains]
    assert len(set(names)) == len(names)
    assert [check_name(name) for name in names] == names


def test_a_short_chain_s_session_is_named_by_its_folders():
    assert session_name(["first", "second"]) == "first-second"
    assert re.fullmatch(r"a_b-c-[0-9a-f]{12}", session_name(["a/b", "c"]))


# Sort, dump, rehydrate


def models_of(graph: Mapping[str, Any]) -> tuple[str, str]:
    stack = graph["lora_stacker"]["inputs"]
    names = sorted(stack[f"lora_name_{slot}"] for slot in (1, 2))
    return graph["load_model"]["inputs"]["base_ckpt_name"], "!".join(names)


MANY = {
    "model.checkpoint": ["b", "a", "c"],
    "lora": [{"name": name} for name in ("None", "x", "y")],
    "model.force_lora": [{"name": "fast"}],
}


def test_sorted_items_change_models_as_seldom_as_possible_and_rounds_do_not_mix(place: Place):
    place.put(*[f"a/{n}.png" for n in range(24)])
    place.settings |= MANY
    plain, by_models = FakeEngine(), FakeEngine()
    run(place.folders("a", "b", "c"), plain)
    assert [int(i["source"][2:-14]) for i in items(place.folders("a", "b", "c"), 1)] == list(range(24))
    run(place.folders("a", "d", "e"), by_models, sort=True)
    for at in (0, 24):
        wanted = [models_of(graph) for graph in by_models.graphs[at : at + 24]]
        assert [key for n, key in enumerate(wanted) if n == 0 or wanted[n - 1] != key] == sorted(
            set(wanted), key=wanted.index
        )
        assert sorted(wanted) != [models_of(graph) for graph in plain.graphs[at : at + 24]]


def test_dumped_requests_are_those_that_a_server_would_get(place: Place, tmp_path: Path):
    place.put(*[f"a/{n}.png" for n in range(6)], "b/deep/mine_1.png")
    place.put("a/7.png", data=b"x")
    place.settings |= MANY
    folders = place.folders("a", "b/deep", "c")
    into = tmp_path / "dumped"
    into.mkdir()
    found = list(queue.dump(folders, into, 7, sort=True))
    assert not folders.session.exists()
    assert [each.error[:6] for each in found if each.path is None] == ["7.png "]
    paths = [each.path for each in found if each.path]
    assert all(re.fullmatch(r"b_deep_X000\d_workflow_[0-9a-f]{8}\.json", path.name) for path in paths[:6])
    assert re.fullmatch(r"c_X0001_workflow_[0-9a-f]{8}\.json", paths[6].name)
    assert paths[0].read_text().startswith('{\n    "image_loader": {\n        "class_type"')
    graphs = [json.loads(path.read_text()) for path in paths[:6]]
    assert [models_of(graph) for graph in graphs] == sorted(map(models_of, graphs))
    engine = FakeEngine()
    run(folders, engine, stop_after=6)
    by_seed = {graph["seed"]["inputs"]["seed"]: graph for graph in engine.graphs}
    assert all(graph == by_seed[graph["seed"]["inputs"]["seed"]] for graph in graphs)
    again = [json.loads(each.path.read_text()) for each in queue.dump(folders, into, 99) if each.path]
    assert all(graph in again for graph in graphs)  # the session's seed, not the one given


class FakeServer:
    def __init__(self) -> None:
        self.ran: list[tuple[Mapping[str, Any], str, Any]] = []

    async def run(self, graph: Mapping[str, Any], run: str, extra: Any = None) -> dict[str, Any]:
        self.ran.append((graph, run, extra))
        if "bad" in graph:
            raise JobFailed("ComfyUI refuses the graph")
        return {}


def test_a_captured_queue_is_run_again_first_what_ran_then_what_waited(tmp_path: Path, capsys: Any):
    queued = {
        "queue_running": [
            [3, "id", {"n": {"class_type": "A"}}, {"client_id": "c", "extra_pnginfo": {"workflow": 1}}, ["n"]]
        ],
        "queue_pending": [[4, "id", {"bad": {}}, {}, []], [5, "id", {"last": {}}, {}, []]],
    }
    (tmp_path / "queue.json").write_text(json.dumps(queued))
    server = FakeServer()
    failed = asyncio.run(rehydrate.run(Output(True), tmp_path / "queue.json", server))
    assert failed == 1
    assert [list(graph)[0] for graph, _, _ in server.ran] == ["n", "bad", "last"]
    assert len({run for _, run, _ in server.ran}) == 3
    assert [extra for _, _, extra in server.ran] == [{"extra_pnginfo": {"workflow": 1}}, {}, {}]
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[1] == {"event": "rehydrated", "number": 2, "total": 3, "error": "ComfyUI refuses the graph"}


@pytest.mark.parametrize("text", ["", "[]", '{"queue_running": []}', '{"queue_running": [[1]], "queue_pending": []}'])
def test_other_files_are_no_captured_queue(tmp_path: Path, text: str):
    (tmp_path / "queue.json").write_text(text)
    with pytest.raises(Told, match=r"queue\.json is not a captured queue. Expected what ComfyUI answers to GET /queue"):
        queue.captured(tmp_path / "queue.json")


def test_a_captured_queue_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(Told, match=r"none\.json cannot be read"):
        queue.captured(tmp_path / "none.json")


# The command's part


def test_the_command_takes_folders_then_keys_and_finds_its_configuration(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    place.put("a/1.png", "a/2.png")
    output = Output(True)
    monkeypatch.chdir(tmp_path)
    words = ["a", "b", "--model.steps", "3", "--paths.output="]
    with pytest.raises(Told, match=r"no default\.toml or default\.ini in .* Name a configuration with --config_file"):
        command.prepare(output, place.workflow, words)
    text = toml({"paths.archive": str(place.archive), "model.checkpoint": "a"})
    (tmp_path / "default.toml").write_text(text)
    folders = command.prepare(output, place.workflow, words)
    assert (folders.names, folders.config.model_steps, folders.config.paths_output) == (("a", "b"), 3, ("",))
    assert "Needs the packs Efficiency Nodes and Impact." in capsys.readouterr().err
    (tmp_path / "mine.cfg").write_text(text + "\nmodel.steps = 9")
    assert command.prepare(output, place.workflow, ["a", "b"], tmp_path / "mine.cfg").config.model_steps == 9
    assert command.dump(output, folders, 7) == 2
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["source"] for each in told] == ["a/1.png [archive]", "a/2.png [archive]"]
    assert all((tmp_path / each["file"]).is_file() for each in told)


def test_a_round_of_many_pictures_is_taken_quickly(place: Place):
    place.put("a/0.png")
    for number in range(1, 5000):
        os.link(place.archive / "a" / "0.png", place.archive / "a" / f"{number}.png")
    chain = opened(place.folders("a", "b"), 7)
    try:
        begun = time.perf_counter()
        with chain.ledger.transaction():
            assert chain.fill.open_round(chain.ledger) == 1
        assert time.perf_counter() - begun < 5
        assert len(chain.ledger.lineages(1)) == 5000
    finally:
        chain.close()

"""One run of each command: ``test_rounds`` is that of ``resonance rounds``."""

import json
from pathlib import Path
from typing import Any

import pytest
from host.comfy import Comfy
from host.graphs import check_whole, items, mean, output, pictures, quick
from host.test_canvas import BOAT, SEA, layout
from host.test_shell_folders import MODELS, Archive
from host.varying import put
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from resonance.cli.app import app

from .conftest import SESSION

MODEL = ("--model", "tiny_sd15.safetensors")


def run(*words: str | Path) -> list[dict[str, Any]]:
    """The events of a command."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    return [json.loads(line) for line in done.stdout.splitlines()]


def places(comfy: Comfy) -> list[str | Path]:
    return ["--output", output(comfy), "--server", comfy.url]


def red(path: Path) -> bool:
    strong, *weak = mean(path)
    return strong > max(weak) + 50


def test_no_command_is_left_out() -> None:
    assert [name for name in get_command(app).commands if f"test_{name}" not in globals()] == []  # type: ignore[attr-defined]


def test_rounds(comfy: Comfy, tmp_path: Path) -> None:
    pictures(comfy, "by command", "red", "blue")
    workflow = tmp_path / "workflow.json"
    workflow.write_text(json.dumps(quick("as exported", "nowhere")))
    asked = ("--first", "by command", "--rounds", "2", "--input", comfy.base / "input", "--workflow", workflow)
    run("rounds", "by command", *asked, *places(comfy))
    check_whole(comfy, "by command", 2, 2)


def test_paint(comfy: Comfy, tmp_path: Path) -> None:
    line = "--prompt red --W 64 --H 64 --steps 2 --ckpt tiny_sd15.safetensors --outdir"
    run("paint", *line.split(), tmp_path / "painted", "--server", comfy.url)
    [picture] = (tmp_path / "painted").rglob("im_*.png")
    assert Image.open(picture).size == (64, 64)


def test_explore(comfy: Comfy) -> None:
    asked = ("red|blue", "--aspects", "64x64", "--scales", "2,3", "--seeds", "1", "--steps", "4")
    run("explore", "tried", *asked, *MODEL, *places(comfy))
    found = [output(comfy) / "tried" / file for item in items(comfy, "tried", 1) for file in item["files"]]
    assert len(found) == 2 and all(map(red, found))


def test_vary(comfy: Comfy) -> None:
    put(comfy, "small.png", (32, 32))
    asked = ("--prompt", "a red picture", "--transform", "6@.1", "--iterations", "1", "--input", comfy.base / "input")
    run("vary", "varied", comfy.base / "input" / "small.png", *asked, *MODEL, *places(comfy))
    [item] = items(comfy, "varied", 1)
    assert item["state"] == "done" and len(item["files"]) == 1


def test_img2tag2img(comfy: Comfy, tmp_path: Path) -> None:
    for kind, names in MODELS.items():
        for name in names:
            file = comfy.base / "models" / kind / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    archive = Archive(tmp_path, comfy)
    archive.put("red")
    run(*archive.words("a", "b"))
    archive.check_whole("a", "b", count=1)
    [name] = archive.names("b")
    assert red(archive.path / "b" / name)


def test_rehydrate(comfy: Comfy, tmp_path: Path) -> None:
    graph = {
        "red": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0xFF0000}},
        "save": {"class_type": "SaveImage", "inputs": {"images": ["red", 0], "filename_prefix": "again"}},
    }
    capture = tmp_path / "queue.json"
    capture.write_text(json.dumps({"queue_running": [], "queue_pending": [[0, "id", graph, {}, ["save"]]]}))
    assert [event["error"] for event in run("rehydrate", capture, "--server", comfy.url)] == [""]
    [file] = output(comfy).glob("again*.png")
    assert red(file)


def test_describe(comfy: Comfy, tmp_path: Path) -> None:
    Image.new("RGB", (32, 24), "blue").save(tmp_path / "a.png")
    run("describe", tmp_path, "--tagger", "tiny-onnx", "--taggers", comfy.base / "models" / "taggers")
    assert (tmp_path / "a.txt").read_text().startswith("blue")


def test_canvas(tmp_path: Path) -> None:
    (tmp_path / "boat.json").write_text(layout(SEA, BOAT))
    run("canvas", tmp_path / "boat.json", "--to", "png", "--size", "90x90", "--out", tmp_path / "boat.png")
    with Image.open(tmp_path / "boat.png") as sketch:
        assert sketch.convert("RGB").getpixel((80, 10)) == tuple(SEA["color"])


@pytest.mark.usefixtures("seen")
def test_report(comfy: Comfy, tmp_path: Path) -> None:
    run("report", SESSION, "--out", tmp_path / "page.html", "--output", output(comfy), "--input", comfy.base / "input")
    page = (tmp_path / "page.html").read_text()
    assert "X0001" in page and page.count("data:image/webp") == 2

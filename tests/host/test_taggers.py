"""Taggers in a real ComfyUI, over HTTP."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from fake_hub import Hub
from models import tagger as tiny

from .comfy import Comfy, RunFailed, node
from .conftest import server

ENGINES = {"tiny-torch": "torch", "tiny-onnx": "onnx"}
COLOURS = {"red": 0xFF0000, "green": 0x00FF00, "blue": 0x0000FF, "white": 0xFFFFFF}


def graph(model: str, *colours: str, engine: str = "auto", download: bool = False, **tag: Any) -> dict[str, Any]:
    """Tags one plain picture per colour, as one batch; the three outputs are shown by probes t, r and s."""
    prompt = {
        f"i{i}": node("EmptyImage", width=64, height=64, batch_size=1, color=COLOURS[c]) for i, c in enumerate(colours)
    }
    images = ["i0", 0]
    for i in range(1, len(colours)):
        prompt[f"b{i}"] = node("ImageBatch", image1=images, image2=[f"i{i}", 0])
        images = [f"b{i}", 0]
    options = {
        "general_threshold": -1,
        "character_threshold": -1,
        "general_mcut": False,
        "character_mcut": False,
        "exclude": "",
    }
    options |= {"order": "by category", "maximum": 0, "categories": "character, general", "underscores_to_blanks": True}
    options |= {"escape_parentheses": True, "separator": ", ", **tag}
    return prompt | {
        "load": node("ResonanceLoadTagger", model=model, engine=engine, device="auto", download=download),
        "tag": node("ResonanceTagImages", tagger=["load", 0], images=images, **options),
        **{probe: node("ProbeValue", value=["tag", output]) for output, probe in enumerate("trs")},
    }


def shown(outputs: dict[str, Any], probe: str = "t") -> list[Any]:
    return json.loads(outputs[probe]["value"][0])


def loads(comfy: Comfy) -> int:
    return comfy.read_log().count("Tagger tiny-")


@pytest.fixture
def folder(models: Path) -> Iterator[Path]:
    """A tagger that a test may spoil."""
    path = models / "taggers" / "spoilt"
    tiny.onnx_tagger(path)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("model", ENGINES)
def test_a_red_picture_is_tagged_red(comfy: Comfy, model: str) -> None:
    outputs = comfy.run(graph(model, "red"))
    assert shown(outputs) == ["red"]
    assert shown(outputs, "r") == ["sensitive"]
    (scores,) = shown(outputs, "s")
    assert scores["general"]["red"] > 0.99
    assert list(scores) == ["rating", "general", "character"]
    assert f"Tagger {model} loaded: {ENGINES[model]} on" in comfy.read_log()


@pytest.mark.parametrize("model", ENGINES)
def test_each_picture_of_a_batch_has_its_own_line(comfy: Comfy, model: str) -> None:
    outputs = comfy.run(graph(model, "green", "white", "blue"))
    assert shown(outputs) == ["green", r"snow queen \(tale\), bright, ^_^, paper \(material\)", "blue"]
    assert shown(outputs, "r") == ["general"] * 3
    assert [list(scores["general"])[0] for scores in shown(outputs, "s")] == ["green", "bright", "blue"]


def test_options_reach_the_text(comfy: Comfy) -> None:
    options = {
        "exclude": "Snow Queen \\(tale\\)\nbright",
        "escape_parentheses": False,
        "underscores_to_blanks": False,
        "separator": " | ",
        "general_threshold": 0.9,
        "categories": "general, character, rating",
    }
    assert shown(comfy.run(graph("tiny-onnx", "white", **options))) == ["^_^ | paper_(material) | general"]
    assert shown(comfy.run(graph("tiny-onnx", "white", maximum=1, order="best first"))) == ["bright"]
    assert shown(comfy.run(graph("tiny-onnx", "white", character_threshold=1.0, general_mcut=True))) == [
        r"bright, ^_^, paper \(material\)"
    ]


def test_a_wrong_category_is_refused_when_queued(comfy: Comfy) -> None:
    with pytest.raises(RunFailed, match="charakter: no such category of tags"):
        comfy.run(graph("tiny-onnx", "red", categories="charakter"))


@pytest.mark.parametrize("model", ENGINES)
def test_a_tagger_is_loaded_once_and_dropped_on_free(comfy: Comfy, model: str) -> None:
    comfy.post("/free", {"unload_models": True})
    before = loads(comfy)
    for colour in ("red", "green", "blue", "white"):
        comfy.run(graph(model, colour))
    assert loads(comfy) == before + 1
    comfy.post("/free", {"unload_models": True})
    assert shown(comfy.run(graph(model, "red", "red"))) == ["red", "red"]
    assert loads(comfy) == before + 2


def test_the_node_shows_what_runs_the_tagger(comfy: Comfy) -> None:
    client = websocket.create_connection(f"ws://127.0.0.1:{comfy.port}/ws?clientId=watcher", timeout=30)
    try:
        comfy.run(graph("tiny-onnx", "red", "green"), client_id="watcher")
        texts = []
        while not any("runs on" in text for text in texts):
            message = client.recv()
            if isinstance(message, str) and (event := json.loads(message))["type"] == "resonance.text":
                texts.append(event["data"]["text"])
        assert texts[-1] == "tiny-onnx runs on CPU (onnx)"
    finally:
        client.close()


def test_a_missing_tagger_is_refused_when_queued(comfy: Comfy, models: Path) -> None:
    with pytest.raises(RunFailed) as error:
        comfy.run(graph("joytag", "red"))
    for part in (
        "joytag",
        "model.onnx",
        "top_tags.txt",
        "taggers",
        "https://huggingface.co/fancyfeast/joytag",
        "download",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize("name", ["../taggers/tiny-onnx", "..", "/etc", "nobody"])
def test_a_name_outside_the_folder_is_refused(comfy: Comfy, name: str) -> None:
    with pytest.raises(RunFailed, match=f"There is no tagger '{name}'"):
        comfy.run(graph(name, "red", download=True))


def test_an_engine_that_does_not_fit_is_refused(comfy: Comfy) -> None:
    with pytest.raises(RunFailed, match="Value not in list"):
        comfy.run(graph("tiny-onnx", "red", engine="tensorflow"))
    with pytest.raises(RunFailed, match="'tiny-onnx' lacks model.safetensors, config.json in"):
        comfy.run(graph("tiny-onnx", "red", engine="torch"))


def test_a_list_that_does_not_fit_and_a_broken_model_are_errors_of_one_sentence(comfy: Comfy, folder: Path) -> None:
    labels = folder / "selected_tags.csv"
    labels.write_text("".join(labels.read_text().splitlines(keepends=True)[:-2]))
    with pytest.raises(RunFailed, match="scores 13 tags but the list of tags has 11"):
        comfy.run(graph("spoilt", "red"))
    (folder / "model.onnx").write_bytes(b"nonsense")
    with pytest.raises(RunFailed, match="onnxruntime .* cannot load .*model.onnx"):
        comfy.run(graph("spoilt", "red"))


def test_a_repaired_tagger_is_loaded_again(comfy: Comfy, folder: Path) -> None:
    assert shown(comfy.run(graph("spoilt", "red"))) == ["red"]
    labels = folder / "selected_tags.csv"
    labels.write_text(labels.read_text().replace(",red,", ",crimson,"))
    assert shown(comfy.run(graph("spoilt", "red", maximum=5))) == ["crimson"]


def test_a_download_can_be_interrupted_and_goes_on(tmp_path: Path, models: Path) -> None:
    tiny.onnx_tagger(tmp_path / "hub")
    model = (tmp_path / "hub" / "model.onnx").read_bytes()
    # A graph may carry a text that nobody reads: this one makes it 3 MB long (field 6 of ModelProto, length, text).
    model += b"\x32" + b"\xc0\x8d\xb7\x01" + b" " * 3_000_000
    page = "/SmilingWolf/wd-v1-4-moat-tagger-v2/resolve/main/"
    files = {
        page + "model.onnx": model,
        page + "selected_tags.csv": (tmp_path / "hub" / "selected_tags.csv").read_bytes(),
    }
    target = tmp_path / "base" / "models" / "taggers" / "wd-v1-4-moat-tagger-v2"
    target.parent.mkdir(parents=True)
    prompt = graph("wd-v1-4-moat-tagger-v2", "red", download=True)
    with (
        Hub(files, pause=0.1) as hub,
        server(tmp_path / "base", models, "probe", env={"HF_ENDPOINT": hub.url}) as comfy,
    ):
        prompt_id = comfy.queue(prompt)
        while not list(target.glob("*.incomplete")):
            time.sleep(0.05)
        time.sleep(0.5)
        comfy.post("/interrupt")
        start = time.monotonic()
        with pytest.raises(RunFailed, match="interrupted"):
            comfy.wait(prompt_id)
        assert time.monotonic() - start < 2
        (part,) = target.iterdir()
        had = part.stat().st_size
        assert part.suffix == ".incomplete" and 0 < had < len(model)

        hub.pause = 0
        assert shown(comfy.run(prompt)) == ["red"]
        assert hub.asked[1] == f"bytes={had}-"
        assert sorted(path.name for path in target.iterdir()) == ["model.onnx", "selected_tags.csv"]
        assert shown(comfy.run(graph("wd-v1-4-moat-tagger-v2", "green"))) == ["green"]


def test_without_the_libraries_the_pack_loads_and_the_node_says_what_to_type(tmp_path: Path, models: Path) -> None:
    for name in ("timm", "onnxruntime"):
        (tmp_path / "absent" / name).mkdir(parents=True)
        (tmp_path / "absent" / name / "__init__.py").write_text(f"raise ModuleNotFoundError({name!r})")
    with server(tmp_path / "base", models, "probe", env={"PYTHONPATH": str(tmp_path / "absent")}) as comfy:
        assert "ResonanceTagImages" in comfy.get("/object_info")
        with pytest.raises(RunFailed, match="needs timm. Install it with: .* -m pip install timm"):
            comfy.run(graph("tiny-torch", "red"))
        with pytest.raises(RunFailed, match="needs onnxruntime. Install it with: .* -m pip install onnxruntime"):
            comfy.run(graph("tiny-onnx", "red"))

"""The texts of saved pictures: A1111's, kohya's keys, hashes of files; and pictures without any."""

import hashlib
import json
import os
from copy import deepcopy
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from infotext import a1111, civitai
from PIL import Image

from resonance.files import formats, hashes
from resonance.files.settings import FORMAT, SUFFIXES, Format
from resonance.paint.how import Lora, how, loras_of, painted_texts
from resonance.paint.lines import read_lines
from resonance.paint.read_back import read_back
from resonance.paint.request import Request
from resonance.paint.shots import Widgets
from resonance.paint.wildcards import WildcardFiles
from resonance.session import saving
from resonance.session.fill.lines import Lines
from resonance.session.item import Item
from resonance.session.ledger import Ledger
from resonance.session.made import Made
from resonance.session.naming import Naming
from resonance.session.payloads import PromptLine

TEXT = "a {red|blue} boat --n bad --d 7,8 --nl 1.5 --c a guide --s 9 --ow 512 --ct 8\nb --nl none"
LINES = {"class_type": "ResonancePromptLines", "inputs": {}}
GRAPH: dict[str, dict[str, Any]] = {
    "1": LINES,
    "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "3": {
        "class_type": "ResonanceEncodeLine",
        "inputs": {"clip": ["2", 1], "positive": "x", "negative": "else", "item": ["1", 0]},
    },
    "4": {"class_type": "CFGGuider", "inputs": {"model": ["11", 0], "positive": ["3", 0], "negative": ["3", 1], "cfg": ["1", 6]}},
    "5": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {"noise": ["6", 0], "guider": ["4", 0], "sampler": ["6", 1], "sigmas": ["8", 0], "latent_image": ["1", 3]},
    },
    "6": {"class_type": "ResonancePerPictureNoise", "inputs": {"sampler": ["7", 0], "item": ["1", 0], "seed": 0}},
    "7": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler_ancestral"}},
    "8": {"class_type": "BasicScheduler", "inputs": {"model": ["2", 0], "scheduler": "karras", "steps": ["1", 7], "denoise": 1.0}},
    "9": {"class_type": "ResonanceRoundOutput", "inputs": {"images": ["5", 0], "item": ["1", 0]}},
    "10": {"class_type": "LoraLoader", "inputs": {"model": ["2", 0], "lora_name": "b/ink.safetensors", "strength_model": 0.5}},
    "11": {
        "class_type": "ResonanceLoRAStack",
        "inputs": {"model": ["10", 0], "lora_1": "c.safetensors", "lora_2": "none", "lora_3": "d.pt", "strength_3": -1.0}
        | {"multipliers": "0.5,2", "item": ["1", 0]},
    },
}  # fmt: skip
TEXTS = {"prompt": json.dumps(GRAPH), "workflow": '{"nodes": []}'}


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    (tmp_path / "output").mkdir()
    ledger = Ledger(tmp_path / "output" / "s", 5, "p", "lines")
    with ledger.transaction():
        wildcards = WildcardFiles([])
        widgets = Widgets(width=64, height=48, steps=20, scale=7.0)
        Lines(text=read_lines(TEXT, wildcards), widgets=widgets, wildcards=wildcards, per_line=2).begin(ledger)
    yield ledger
    ledger.close()


def claimed(ledger: Ledger) -> Item:
    with ledger.transaction():
        item = ledger.next(1)
        assert item
        return ledger.claim(item, "run")


def painted(size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.new("RGB", size, "red")


def test_each_picture_of_the_lines_carries_its_own_keys_beside_comfyuis(ledger: Ledger):
    found = list[dict[str, str]]()
    for size in ((64, 48), (32, 24), (64, 48), (64, 48)):
        item = claimed(ledger)
        made = Made(pictures=(painted(size),), how=how(GRAPH, item, "", {"Lora hashes": "ink: 12"}), texts=TEXTS)
        [file] = saving.keep(ledger, item, made)
        found.append(formats.texts(ledger.folder / file))
        assert read_back(ledger.folder / file).form == "Resonance"
    first, second, third, _ = found
    colors = [texts["kohya-prompt"].split()[1] for texts in (first, second)]
    assert set(colors) <= {"red", "blue"}
    kohya = {
        key: text for key, text in first.items() if key not in (*TEXTS, "resonance", "parameters", "resonance_file")
    }
    assert kohya == {
        "kohya-prompt": f"a {colors[0]} boat",
        "raw-prompt": "a {red|blue} boat",
        "negative-prompt": "bad",
        "negative-scale": "1.5",
        "clip-prompt": "a guide",
        "seed": "7",
        "sampler": "euler_a",
        "steps": "9",
        "scale": "7.0",
        "original-width": "512",
        "original-height": "48",
        "original-width-negative": "512",
        "original-height-negative": "48",
        "crop-top": "8",
        "crop-left": "0",
    }
    assert json.loads(first["prompt"]) == GRAPH, "which ComfyUI's page reads"
    assert second["seed"] == "8" and a1111(second["parameters"])[2]["Size"] == "32x24"
    assert third["kohya-prompt"] == "b" and third["negative-prompt"] == "else" and third["steps"] == "20"
    assert not third.keys() & {"negative-scale", "clip-prompt", "original-width"}
    facts = {
        "Steps": "9",
        "Sampler": "Euler a",
        "Schedule type": "Karras",
        "CFG scale": "7.0",
        "Seed": "7",
        "Size": "64x48",
    }
    said = f"a {colors[0]} boat <lora:ink:0.5> <lora:c:0.5> <lora:d:-2>"
    assert a1111(first["parameters"]) == (said, "bad", facts | {"Model": "a", "Lora hashes": "ink: 12"})
    assert civitai(first["parameters"])[2].items() >= facts.items()


def test_what_a_line_of_a_newer_version_gives_keeps_no_picture_from_being_saved():
    line = PromptLine(key="k", line="x", prompt="x", width=8, height=8, steps=9, scale=3, seed=7, options="--zz 3")
    texts = how(GRAPH, Item(session="s", round=1, index=1, lineage="X0001", seed=7, payload=line), "").texts((8, 8))
    assert (
        texts["kohya-prompt"] == "x"
        and "<lora:ink:0.5>" in texts["parameters"]
        and "<lora:c" not in texts["parameters"]
    )


def test_kohyas_keys_leave_a_jpeg_to_a_large_workflow_alone(ledger: Ledger):
    item, large = claimed(ledger), json.dumps({"nodes": ["x" * 1000] * 70})
    made = Made(
        pictures=(painted(),), how=how(GRAPH, item, ""), texts=TEXTS | {"workflow": large}, naming=Naming(format="jpeg")
    )
    [file] = saving.keep(ledger, item, made)
    path = ledger.folder / file
    assert path.with_suffix(".json").read_text() == large, "which ComfyUI's page opens"
    assert formats.texts(path)["raw-prompt"] == "a {red|blue} boat"


def test_a_first_pass_says_its_own_seed_and_size():
    item = Item(session="s", round=1, index=1, lineage="X0001", seed=7)
    texts = how(GRAPH, item, "x").texts((32, 16), seed=6)
    facts = a1111(texts["parameters"])[2]
    assert (texts["seed"], facts["Seed"], facts["Size"]) == ("6", "6", "32x16")


def test_pictures_without_a_graph_have_kohyas_own_prompt(ledger: Ledger):
    item = claimed(ledger)
    request = Request(prompt="a red boat", negative="bad", seed=7, size=(64, 48), steps=9, cfg=7.0, sampler="ddim")
    [file] = saving.keep(ledger, item, Made(pictures=(painted(),), texts=painted_texts(request, item.payload)))
    texts = formats.texts(ledger.folder / file)
    assert (texts["prompt"], texts["sampler"], texts["raw-prompt"]) == ("a red boat", "ddim", "a {red|blue} boat")
    assert "kohya-prompt" not in texts and a1111(texts["parameters"])[2]["Sampler"] == "DDIM"


def test_a_lora_of_which_the_strength_is_not_known_is_left_out():
    item = Item(session="s", round=1, index=1, lineage="X0001", seed=7)
    for changes in ({"strength_1": ["1", 0]}, {"lora_1": ["1", 0]}):
        graph = deepcopy(GRAPH)
        graph["11"]["inputs"] |= changes
        assert [lora.name for lora in loras_of(graph, item)] == ["b/ink.safetensors", "d.pt"]
    graph["11"]["inputs"]["multipliers"] = ["1", 0]
    assert loras_of(graph, item) == [Lora("b/ink.safetensors", 0.5)]
    line = PromptLine(key="k", line="x", prompt="x", width=8, height=8, steps=9, scale=3, seed=7, options="--am 3")
    assert loras_of(GRAPH, replace(item, payload=line))[1:] == [Lora("c.safetensors", 3.0), Lora("d.pt", -3.0)]
    graph["10"]["inputs"]["model"] = ["11", 0]
    assert loras_of(graph, item) == [Lora("b/ink.safetensors", 0.5)], "a graph that goes round in a circle"


@pytest.mark.parametrize("format", FORMAT.choices)
def test_pictures_without_metadata_carry_nothing(format: Format, ledger: Ledger):
    item = claimed(ledger)
    full = how(GRAPH, item, "").texts((64, 48)) | TEXTS | {"resonance": item.to_json()}
    before = formats.encode(painted(), full, format).data
    assert formats.texts_of(Image.open(BytesIO(before)))
    made = Made(
        pictures=(painted(), before),
        how=how(GRAPH, item, ""),
        texts=TEXTS,
        naming=Naming(format=format, metadata=False, parameters=True),
    )
    for file in saving.keep(ledger, item, made):
        path = ledger.folder / file
        assert path.suffix == SUFFIXES[format] and formats.texts(path) == {}
        assert not any(word in path.read_bytes() for word in (b"boat", b"Sampler", b"b\0o\0a\0t", b"lineage"))
        assert not path.with_suffix(".json").exists()


def safetensors(path: Path, metadata: dict[str, str], data: bytes = b"weights" * 1000) -> Path:
    header = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return path


def test_hashes_are_those_by_which_civitai_knows_files_and_each_is_read_once(tmp_path: Path):
    reads = list[int]()

    def check() -> None:
        reads.append(1)

    file = safetensors(tmp_path / "a.safetensors", {"ss_tag": "x"})
    whole, weights = (hashlib.sha256(data).hexdigest() for data in (file.read_bytes(), b"weights" * 1000))
    for _ in range(2):
        assert (hashes.model_hash(file, check), hashes.lora_hash(file, check)) == (whole[:10], weights[:12])
    assert len(reads) == 2
    safetensors(file, {"ss_tag": "other"})
    os.utime(file, ns=(1, 1))
    assert hashes.model_hash(file, check) != whole[:10] and hashes.lora_hash(file, check) == weights[:12]
    told = safetensors(tmp_path / "b.safetensors", {"sshs_model_hash": "0123456789abcdef"})
    assert hashes.lora_hash(told, check) == "0123456789ab" and len(reads) == 4
    (tmp_path / "c.pt").write_bytes(b"pickled")
    assert hashes.lora_hash(tmp_path / "c.pt", check) == hashlib.sha256(b"pickled").hexdigest()[:12]
    assert hashes.model_hash(tmp_path / "gone", check) == hashes.lora_hash(tmp_path / "gone", check) == ""


def test_reading_a_large_file_can_be_stopped_and_begins_anew(tmp_path: Path):
    file = safetensors(tmp_path / "a.safetensors", {})

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hashes.model_hash(file, stop)
    assert hashes.model_hash(file, lambda: None) == hashlib.sha256(file.read_bytes()).hexdigest()[:10]

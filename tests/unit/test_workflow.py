"""Workflows that a driver runs, and what is said of those that it cannot run."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resonance.drive.comfyui import OwnGraph, Server
from resonance.drive.job import Job, JobFailed
from resonance.drive.workflow import ItemWorkflow, load
from resonance.files import store
from resonance.session.item import Item
from resonance.told import Told

WORKFLOW = {"nodes": [], "links": []}


def graph(**inputs: Any) -> dict[str, Any]:
    return {
        "1": {"class_type": "ResonanceRoundInput", "inputs": {"session": "s", **inputs}, "_meta": {"title": "ü"}},
        "2": {"class_type": "ResonanceRoundOutput", "inputs": {"images": ["1", 0], "item": ["1", 1]}},
    }


def roulette(**inputs: Any) -> dict[str, Any]:
    return {"class_type": "ResonanceModelRoulette", "inputs": inputs}


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def saved(path: Path, **texts: str) -> Path:
    path.write_bytes(store.encode_png(Image.new("RGB", (4, 4)), texts))
    return path


def test_a_json_file_in_api_form_is_read(tmp_path: Path):
    assert load(written(tmp_path / "a.json", graph())).graph == graph()
    assert load(written(tmp_path / "b.JSON", "\ufeff" + json.dumps(graph()))).graph == graph()


def test_a_picture_that_comfyui_saved_is_read(tmp_path: Path):
    marked = graph()
    marked["1"]["is_changed"] = [None]
    read = load(saved(tmp_path / "a.png", prompt=json.dumps(marked), workflow=json.dumps(WORKFLOW)))
    assert read.graph == graph()
    request = read.request(session="mine", first_folder="pictures", rounds=5)
    assert request["extra_data"] == {"extra_pnginfo": {"workflow": WORKFLOW}}
    inputs = request["prompt"]["1"]["inputs"]
    assert (inputs["session"], inputs["first_folder"], inputs["rounds"]) == ("mine", "pictures", 5)
    assert read.graph == graph(), "and stays as it was loaded"


def test_what_cannot_be_run_is_refused_with_the_file_and_the_way_out(tmp_path: Path):
    refused = {
        r"a\.json: this is a workflow as ComfyUI's editor saves it\. .*Workflow > Export \(API\)": WORKFLOW,
        r"a\.json: this is not a workflow in API form": {"1": {"class_type": "KSampler"}},
        r"not a workflow in API form\. In ComfyUI": [],
        r"expected a workflow with one Round Input and a Round Output, got 1 and 0": {"1": graph()["1"]},
        r"got 2 and 1": {**graph(), "3": graph()["1"]},
        r"a\.json: the workflow is no JSON": "{",
    }
    for message, content in refused.items():
        with pytest.raises(Told, match=message):
            load(written(tmp_path / "a.json", content))
    for content in ("[" * 100_000, f'{{"1": {"9" * 5000}}}'):
        with pytest.raises(Told, match=r"a\.json: the workflow is no JSON"):
            load(written(tmp_path / "a.json", content))
    with pytest.raises(Told, match=r"a\.png: expected a picture that ComfyUI saved with its workflow"):
        load(saved(tmp_path / "a.png", workflow="{}"))
    with pytest.raises(Told, match=r"a\.txt: this is neither a \.json file nor a picture"):
        load(written(tmp_path / "a.txt", "{}"))
    with pytest.raises(Told, match="nothing"):
        load(tmp_path / "nothing.json")


def test_the_plan_is_the_text_of_the_model_roulette():
    assert ItemWorkflow(graph()).plan_text is None
    text = 'model.checkpoint = "a.safetensors"'
    assert ItemWorkflow({**graph(plan=["3", 0]), "3": roulette(text=text)}).plan_text == text
    for other in (roulette(text=["4", 0]), {"class_type": "Reroute", "inputs": {}}):
        with pytest.raises(Told, match="must come from a Model Roulette"):
            ItemWorkflow({**graph(plan=["3", 0]), "3": other})


def test_the_first_picture_is_wanted_where_it_is_connected():
    assert not ItemWorkflow(graph()).wants_first
    assert ItemWorkflow(
        {**graph(), "3": {"class_type": "ColorTransfer", "inputs": {"reference": ["1", 7]}}}
    ).wants_first


@pytest.mark.parametrize("address", ["127.0.0.1:8188", "ftp://host", "ws://host:1", "", "http://", "http://h:1/?a=b"])
def test_other_addresses_are_refused(address: str):
    with pytest.raises(Told, match=r"is not an address of a ComfyUI server\. Expected one like http://127.0.0.1:8188"):
        Server(address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://127.0.0.1:8188", "http://127.0.0.1:8188"),
        (" https://me:word@example.com/comfy/ ", "https://example.com/comfy"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str):
    assert Server(address).address == shown


def test_pictures_that_comfyui_does_not_hand_out_have_a_name_only():
    class Fake:
        async def run(self, graph: Any, run: str) -> dict[str, Any]:
            shown = [{"filename": "a.png", "subfolder": "/far/away", "type": "output"}, {"filename": "b.png"}]
            return {
                "1": {"images": shown, "text": ["b.png"]},
                "2": {"gifs": [{"filename": "c.webp", "type": "output"}]},
            }

        async def view(self, entry: dict[str, str]) -> bytes | None:
            return b"c" if entry["filename"] == "c.webp" else None

    job = Job(item=Item(session="s", round=1, index=1, lineage="X0001", seed=1), graph={"1": {}})
    made = asyncio.run(OwnGraph().make(Fake(), job, "run"))  # type: ignore[arg-type]
    assert (made.names, made.pictures) == (("/far/away/a.png", "c.webp"), (b"", b"c"))


@pytest.mark.parametrize("words", [{"tags": "red", "lang": "en"}, {"tags": ["red"]}])
def test_words_that_a_newer_server_says_are_refused_in_words(words: dict[str, Any]):
    class Fake:
        async def upload(self, data: bytes, suffix: str) -> str:
            return "a.png [input]"

        async def run(self, graph: Any, run: str, extra: Any) -> dict[str, Any]:
            return {"1": {"resonance_words": [words]}}

    item = Item(session="s", round=1, index=1, lineage="X0001", seed=1, phase="describe")
    with pytest.raises(JobFailed, match="The server's words have '(lang|tags)', which this version does not know"):
        asyncio.run(ItemWorkflow(graph()).make(Fake(), Job(item=item), "run"))  # type: ignore[arg-type]

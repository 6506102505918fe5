"""Workflows that a driver runs, and what is said of those that it cannot run."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resonance.drive.comfyui import OwnGraph, Server
from resonance.drive.job import Job, JobFailed
from resonance.drive.workflow import ItemWorkflow, load
from resonance.files import store
from resonance.graph import PROMPT_LINES
from resonance.paint.request import PictureFile
from resonance.session.item import Item, batch_from_json
from resonance.session.payloads import PromptLine
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


class LinesServer:
    """Keeps what it is sent, and answers with as many results as ``count`` says, each with a picture before it."""

    address = "http://here"

    def __init__(self, count: int) -> None:
        self.count = count
        self.sent = dict[str, bytes]()
        self.graphs: list[dict[str, Any]] = []

    async def upload(self, data: bytes, suffix: str) -> str:
        name = f"resonance/{len(self.sent)}{suffix} [temp]"
        self.sent[name] = data
        return name

    async def run(self, graph: Any, run: str, extra: Any) -> dict[str, Any]:
        self.graphs.append(graph)
        said = {"results": 1, "words": "", "takes": "none", "facts": {}}
        names = [f"{number}{what}" for number in range(self.count) for what in ("", "before")]
        return {"2": {"resonance_made": [said] * self.count, "images": [{"filename": name} for name in names]}}

    async def view(self, entry: dict[str, str]) -> bytes:
        return entry["filename"].encode()


def lines_graph(**inputs: Any) -> dict[str, Any]:
    return {
        "1": {"class_type": "ResonancePromptLines", "inputs": {"session": "s", "lines": "a", **inputs}},
        "2": {"class_type": "ResonanceRoundOutput", "inputs": {"images": ["3", 0], "item": ["1", 0]}},
        "3": {"class_type": "ResonanceEncodeLine", "inputs": {"item": ["1", 0]}},
    }


def line(words: str, **more: Any) -> Job:
    payload = PromptLine(key=words, line=words, prompt=words, width=64, height=64, steps=20, scale=7.0, seed=3, **more)
    return Job(item=Item(session="s", round=1, index=1, lineage="X0001", seed=3, payload=payload))


def test_a_batch_of_lines_is_handed_over_as_a_list_with_pictures_that_are_sent():
    async def make(count: int, *jobs: Job) -> Any:
        server = LinesServer(count)
        job = replace(jobs[0], beside=jobs[1:])
        return server, await ItemWorkflow(lines_graph(), kind=PROMPT_LINES).make(server, job, "run")  # type: ignore[arg-type]

    mask, guide = PictureFile("my mask.png", b"mask"), PictureFile("guide.webp", b"guide")
    first = replace(
        line("a", mask="m/my mask.png [input]", guide="g/guide.webp [output]"),
        picture=b"start",
        name="start.jpg",
        mask=mask,
        guide=guide,
    )
    server, made = asyncio.run(make(2, first, line("b"), line("c")))
    assert server.sent == {
        "resonance/0.jpg [temp]": b"start",
        "resonance/1.png [temp]": b"mask",
        "resonance/2.webp [temp]": b"guide",
    }
    items = batch_from_json(server.graphs[0]["1"]["inputs"]["item"])
    assert [item.payload.words for item in items] == ["a", "b", "c"]
    assert isinstance(items[0].payload, PromptLine) and isinstance(items[1].payload, PromptLine)
    assert (items[0].source, items[0].payload.mask) == ("resonance/0.jpg [temp]", "resonance/1.png [temp]")
    assert items[0].payload.guide == "resonance/2.webp [temp]"
    assert (items[1].source, items[1].payload.mask, items[1].payload.guide) == (None, None, None)
    assert [(each.pictures, each.before) for each in made.batch] == [((b"0",), (b"0before",)), ((b"1",), (b"1before",))]
    server, made = asyncio.run(make(1, line("a")))
    assert server.graphs[0]["1"]["inputs"]["item"].startswith("{") and len(made.batch) == 1
    with pytest.raises(JobFailed, match="several results of one item"):
        asyncio.run(make(3, line("a"), line("b")))


def test_a_workflow_with_prompt_lines_says_what_it_takes_and_is_refused_by_the_nodes_name():
    recipe = ItemWorkflow(lines_graph(), WORKFLOW, PROMPT_LINES)
    assert recipe.lines.takers() == ["Encode Line"] and recipe.lines.alone().startswith("One picture is painted")
    asked = {"session": "mine", "lines": "a\nb", "width": 512, "batch_size": 4, "start_pictures": "p"}
    inputs = recipe.request(**asked)["prompt"]["1"]["inputs"]
    assert inputs == {**asked, "keep_going": True, "item": ""}
    with pytest.raises(Told, match="expected a workflow with one Prompt Lines and a Round Output, got 0 and 1"):
        ItemWorkflow(graph(), kind=PROMPT_LINES)
    assert ItemWorkflow(lines_graph(item="pasted"), kind=PROMPT_LINES).request()["prompt"]["1"]["inputs"]["item"] == ""

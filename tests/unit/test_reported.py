"""Faults as they were reported, each with what is right. The answers of servers among them are in test_llm_answers.py."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_llm import FakeLLM
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from resonance import images
from resonance.canvas import chat
from resonance.canvas.canvas import CanvasError
from resonance.canvas.exchange import read_any
from resonance.files.pictures import listing, locate
from resonance.interpret.taggers.labels import read_labels
from resonance.interpret.taggers.select import plain_list
from resonance.llm.caption import caption_text
from resonance.llm.chat import LLMError, Message, Request, ask
from resonance.llm.conversation import Conversation
from resonance.llm.http import connect
from resonance.llm.server import Limits, LLMServer
from resonance.prompt import compose
from resonance.session import query
from resonance.session.fill.pictures import Pictures
from resonance.session.ledger import Ledger
from resonance.vary.grid import split

DRAFT = '{"global": {"description": "draft"}, "regions": []}'
BEACH = '{"global": {"description": "a beach"}, "regions": []}'
QUESTION = Request((Message("user", "x"),))


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


def server(fake: FakeLLM, tmp_path: Path, mode: str = "ok", **limits: Any) -> LLMServer:
    return LLMServer(f"{fake.url}/{mode}", tmp_path / "keys.json", timeout=5, limits=Limits(**limits))


FORMS = [
    "<thinking>{}</thinking>{}",
    "[THINK]{}[/THINK]{}",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>{}",
]


@pytest.mark.parametrize("form", FORMS)
def test_thoughts_are_no_caption_and_no_canvas(fake: FakeLLM, tmp_path: Path, form: str) -> None:
    fake.script = [(form.format("hm", "A red boat."), "stop"), (form.format(DRAFT, BEACH), "stop")]
    engine = connect(server(fake, tmp_path))
    assert caption_text(ask(engine, QUESTION), True, True) == "A red boat."
    turn = chat.turn(Conversation(), "m", ask(engine, QUESTION))
    assert turn.canvas.whole.prefixes == ("a beach.",)


def test_an_embedding_model_is_not_taken(fake: FakeLLM, tmp_path: Path) -> None:
    fake.routes = {"/ok/v1/models": {"data": [{"id": "text-embedding-nomic-embed-text-v1.5"}, {"id": "qwen3-vl-4b"}]}}
    assert connect(server(fake, tmp_path)).model == "qwen3-vl-4b"


def test_a_server_that_still_loads_is_named(fake: FakeLLM, tmp_path: Path) -> None:
    fake.loads_until = time.monotonic() + 60
    with pytest.raises(LLMError, match=r"answers 503 \(Loading model\)"):
        connect(server(fake, tmp_path, wait_seconds=0))


def test_parentheses_of_a_caption_are_text() -> None:
    found = compose(tags="boat", caption="A red boat (wooden, 16:9) at dawn (6:30).")
    assert found == r"boat, A red boat \(wooden, 16:9\) at dawn \(6:30\)."


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="no such names there")
def test_files_of_any_name_are_read(tmp_path: Path) -> None:
    roots = {"input": tmp_path / "in"}
    for name in (b"p/a.png", b"p/shot 12:30.png", b"p/what?.png", b"p/caf\xe9.png", b"holiday [2024]/a.png"):
        path = os.path.join(os.fsencode(roots["input"]), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            Image.new("RGB", (8, 8)).save(file, "PNG")
    sources = listing("p", roots)
    assert sources == ["p/a.png [input]", "p/shot 12:30.png [input]", "p/what?.png [input]"]
    assert [images.read(locate(source, roots)[1]).size for source in sources] == [(8, 8)] * 3
    assert listing("holiday [2024]", roots) == ["holiday [2024]/a.png [input]"]
    (tmp_path / "session").mkdir()
    ledger = Ledger(tmp_path / "session", 1, kind="rounds")
    with ledger.transaction():
        Pictures("p", 1, roots).begin(ledger)
    ledger.close()
    assert len(query.read_round(ledger.folder)[1]) == 3


def test_pictures_that_core_reads_are_read(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("workflow", "x" * 2_000_000, zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "big.png", pnginfo=info)
    rows = (np.arange(64) * 1000).astype(">u2").tobytes()
    Image.frombytes("I;16B", (8, 8), rows).save(tmp_path / "be.tif")
    assert [images.read(tmp_path / name).size for name in ("big.png", "be.tif")] == [(8, 8)] * 2


def test_json_that_is_no_canvas_is_refused_and_a_canvas_in_a_list_is_read() -> None:
    with pytest.raises(CanvasError, match="bbox_2d"):
        read_any('[{"bbox_2d": [10, 20, 300, 400], "label": "boat"}]', 1024, 1024)
    assert read_any(f"[{BEACH}]", 1024, 1024).canvas.whole.prefixes == ("a beach.",)
    text = '{"Global": {"Description": "a beach"}, "Regions": [{"Location": "on the left", "Description": "a boat"}]}'
    read = read_any(text, 1024, 1024).canvas
    assert read.whole.prefixes == ("a beach.",) and len(read.locals) == 1


def test_an_ideogram_prompt_in_a_fence_is_read() -> None:
    elements = [{"type": "obj", "bbox": [0, 0, 500, 500], "desc": "boat"}]
    parts = {"background": "b", "elements": elements}
    prompt = json.dumps({"high_level_description": "a", "compositional_deconstruction": parts})
    assert len(read_any(f"```json\n{prompt}\n```", 1024, 1024).canvas.locals) == 1


def test_full_width_commas_part_lists() -> None:
    assert compose(tags="monochrome, boat", banned="monochrome，signature") == "boat"
    assert sorted(plain_list("monochrome，signature")) == ["monochrome", "signature"]


def test_a_bar_in_a_tag_is_part_of_it() -> None:
    assert split("1girl, |_|, smile") == ("1girl, |_|, smile", "")


def test_a_list_of_another_board_is_read_as_that_boards(tmp_path: Path) -> None:
    (tmp_path / "selected_tags.csv").write_text("tag_id,name,category,count\n1,solo,0,1\n2,wolf,5,1\n3,hi_res,7,1\n")
    assert [*read_labels(tmp_path / "selected_tags.csv").categories] == ["general", "species", "meta"]

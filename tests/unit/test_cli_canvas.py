"""`resonance canvas`: every form in, every form out, and what a model lays out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_llm import FakeLLM
from PIL import Image
from typer.testing import CliRunner, Result

from resonance.canvas.boxes import from_boxes, to_boxes, to_ideogram
from resonance.canvas.exchange import read_any
from resonance.canvas.listing import read_list, write
from resonance.canvas.read import read_canvas
from resonance.cli.app import app
from resonance.cli.llm import LanguageModel
from resonance.llm import sending
from resonance.llm.chat import Abilities, Answer, Interrupted

from .canvas_samples import ANSWER, PROGRAM

SAMPLE = read_canvas(PROGRAM).canvas
RICH = read_list(
    [
        {"prefixes": ["A bay."], "color": [0, 0, 255]},
        {
            "rect": [0, 90, 0, 45],
            "prefixes": ["A bay.", "A gull."],
            "color": [255, 0, 0],
            "name": "gull / left",
            "weight": 2,
            "picture": {"file": "gull.png"},
        },
    ]
)


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


def canvas(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["canvas", *map(str, arguments)])


def event(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout)


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    file = tmp_path / "rich.json"
    file.write_text(write(RICH))
    return file


# Forms


@pytest.mark.parametrize("text", [PROGRAM, ANSWER, f"As you wish: {ANSWER}", write(SAMPLE)])
@pytest.mark.parametrize("to", ["json", "program", "boxes", "ideogram"])
def test_any_form_becomes_any_other(tmp_path: Path, text: str, to: str):
    file = tmp_path / "canvas.txt"
    file.write_text(text)
    done = canvas(file, "--to", to, "--size", "900x450")
    assert done.exit_code == 0, done.output
    if to in ("json", "program"):
        assert read_canvas(done.stdout).canvas == SAMPLE
    else:
        wanted = to_boxes(SAMPLE, 900, 450) if to == "boxes" else to_ideogram(SAMPLE)
        assert json.loads(done.stdout) == wanted
        assert [r.rect for r in read_any(done.stdout, 900, 450).canvas.locals] == [r.rect for r in SAMPLE.locals]


def test_an_ideogram_prompt_is_read_back_with_places_words_and_colors():
    again = from_boxes(to_ideogram(SAMPLE), 64, 64)
    assert [(r.rect, r.color) for r in again.locals] == [(r.rect, r.color) for r in SAMPLE.locals]
    assert again.whole.prefixes == SAMPLE.whole.prefixes
    assert to_ideogram(again) == to_ideogram(SAMPLE)


def test_boxes_are_measured_in_the_size_that_is_given(tmp_path: Path):
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps(to_boxes(SAMPLE, 1216, 832)))
    done = canvas(file, "--size", "1216x832", "--out", tmp_path / "new" / "canvas.json")
    assert done.exit_code == 0 and done.stdout == ""
    found = read_canvas((tmp_path / "new" / "canvas.json").read_text()).canvas
    assert [r.rect for r in found.locals] == [r.rect for r in SAMPLE.locals]


def test_a_sketch_has_the_colors_in_their_places(rich: Path, tmp_path: Path):
    done = canvas(rich, "--to", "png", "--size", "128x64", "--out", tmp_path / "a.png")
    assert done.exit_code == 0, done.output
    pixels = np.asarray(Image.open(tmp_path / "a.png")).astype(int)
    assert pixels.shape == (64, 128, 3)
    red, blue = pixels[32, 16], pixels[32, 112]
    assert red[0] > 150 > red[2] and (blue == (0, 0, 255)).all()


def test_masks_are_one_picture_a_region(rich: Path, tmp_path: Path):
    done = canvas(rich, "--to", "masks", "--size", "128x64", "--out", tmp_path / "masks")
    assert done.exit_code == 0, done.output
    whole, gull = sorted((tmp_path / "masks").iterdir())
    assert (whole.name, gull.name) == ("000-global.png", "001-gull-left.png")
    pixels = np.asarray(Image.open(gull))
    assert pixels.shape == (64, 128) and (pixels[:, :64] == 255).all() and (pixels[:, 64:] == 0).all()
    assert (np.asarray(Image.open(whole)) == 255).all()


def test_what_a_form_has_no_place_for_is_told(rich: Path):
    assert "name, weight, picture: left out, because --to program" in canvas(rich, "--to", "program").stderr
    assert "Note: weight, picture: left out, because --to boxes" in canvas(rich, "--to", "boxes").stderr
    assert canvas(rich).stderr == ""


def test_what_was_corrected_is_told(tmp_path: Path):
    file = tmp_path / "a.txt"
    file.write_text(PROGRAM.replace("'on the right'", "'on the rigth'"))
    done = canvas(file, "--json")
    assert "was read as 'on the right'" in done.stderr
    assert event(done)["regions"] == 3 and "on the rigth" in event(done)["notes"][0]
    assert read_canvas(event(done)["text"]).canvas == SAMPLE


def test_a_program_is_read_and_never_run(tmp_path: Path):
    file = tmp_path / "a.py"
    file.write_text(PROGRAM.replace("canvas = Canvas()", f"canvas = Canvas()\nopen({str(tmp_path / 'ran')!r}, 'w')"))
    canvas(file)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a boat"], "There is no file 'a boat'. To have it laid out, name a model with --llm"),
        (["a" * 5000], "There is no file"),
        (["RICH", "--llm", "http://127.0.0.1:9"], "is a file, which is read without a model"),
        (["RICH", "--to", "png"], "Name the file for --to png with --out"),
        (["RICH", "--to", "masks"], "Name a folder for --to masks with --out"),
        (["RICH", "--size", "12"], "Expected a --size such as 1216x832 with sides from 64 to 16384 pixels, got '12'"),
        (["RICH", "--size", "99999x64"], "got '99999x64'"),
        (["EMPTY"], "The text is empty"),
        (["BINARY"], "is not text in UTF-8"),
    ],
)
def test_what_cannot_be_done_is_told(rich: Path, tmp_path: Path, arguments: list[str], said: str):
    files = {"RICH": rich, "EMPTY": tmp_path / "empty", "BINARY": tmp_path / "binary"}
    files["EMPTY"].write_text("")
    files["BINARY"].write_bytes(b"\xff\xfe\x00")
    done = canvas(*(files.get(argument, argument) for argument in arguments))
    assert done.exit_code == 1 and said in done.stderr, done.output


# A model


@pytest.mark.parametrize(("form", "answer"), [("json", ANSWER), ("program", PROGRAM)])
def test_a_model_lays_out_a_text(fake: FakeLLM, form: str, answer: str):
    fake.script = [(answer, "stop")]
    done = canvas("  a harbour ", "--llm", f"{fake.url}/llamacpp", "--answer-form", form, "--seed", 3)
    assert done.exit_code == 0, done.output
    assert read_canvas(done.stdout).canvas == SAMPLE
    [body] = fake.bodies
    assert body["messages"][-1] == {"role": "user", "content": "a harbour"}
    assert "You lay out pictures" in body["messages"][0]["content"]
    assert body["seed"] == 3 and body["max_tokens"] == 4096 and "grammar" in body


def test_an_answer_that_breaks_off_gives_what_was_complete(fake: FakeLLM):
    fake.script = [(ANSWER[: ANSWER.rindex('"description"')], "length")]
    done = canvas("a harbour", "--llm", f"{fake.url}/ok", "--no-grammar")
    assert done.exit_code == 0
    assert "the answer was cut off" in done.stderr and len(read_canvas(done.stdout).canvas.regions) == 2
    assert "response_format" not in fake.bodies[0]


def test_a_server_that_loads_its_model_is_waited_for(fake: FakeLLM, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "SOONEST", 0.1)
    fake.script, fake.loads_for = [(PROGRAM, "stop")], 0.2
    done = canvas("a harbour", "--llm", f"{fake.url}/ok")
    assert done.exit_code == 0, done.output
    assert read_canvas(done.stdout).canvas == SAMPLE
    assert f"{fake.url} answers 503 (Loading model). Asking again in" in done.stderr


def test_an_answer_without_a_canvas_is_told(fake: FakeLLM):
    fake.script = [("I would rather not.", "stop")]
    done = canvas("a harbour", "--llm", f"{fake.url}/ok", "--json")
    assert done.exit_code == 1
    assert "The answer holds no canvas" in event(done)["text"] and "I would rather not." in done.stderr


def test_ctrl_c_while_llama_cpp_computes_is_no_fault(monkeypatch: pytest.MonkeyPatch):
    class Busy:
        name, abilities = "busy", Abilities()

        def chat(self, *_: Any) -> Answer:
            raise Interrupted

        def release(self, unload: bool = False) -> str:
            return ""

    monkeypatch.setattr(LanguageModel, "open", lambda *_: Busy())
    done = canvas("a boat", "--llm", "any.gguf")
    assert (done.exit_code, done.output) == (130, "")

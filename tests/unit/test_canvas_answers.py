"""Each answer of the table in all places that read one: Canvas Chat, the live view, a node's text, the import, the command."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from resonance.canvas import chat, edits
from resonance.canvas.canvas import Canvas, CanvasError, Region
from resonance.canvas.exchange import read_any
from resonance.canvas.listing import read_list
from resonance.canvas.read import UNKNOWN, partial, read_canvas
from resonance.cli.app import app
from resonance.llm.chat import Answer, LLMError
from resonance.llm.conversation import Conversation

from .answers import (
    ANSWERS,
    BOXES,
    CUT,
    LIST,
    NOTHING,
    ONE_BOAT,
    PY,
    G,
    Right,
    Wrong,
    check,
    check_notes,
    placed,
    prompt,
)

SIDE = 1000
BLANK = Canvas((Region(),))


def turn(text: str, finished: bool = True) -> chat.Turn:
    return chat.turn(Conversation(), "a beach", Answer(text, finished))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_the_same_layout_or_sentence_to_all_who_read_it(name: str):
    text, right = ANSWERS[name]
    if isinstance(right, Wrong):
        with pytest.raises(LLMError, match=right):
            turn(text)
        for size in (UNKNOWN, (SIDE, SIDE)):
            with pytest.raises(CanvasError, match=right):
                read_canvas(text, size)
        assert partial(text) is None
        return
    said, found = turn(text), read_any(text, SIDE, SIDE)
    check(said.canvas, right)
    check_notes(said.notes, right)
    check_notes(found.notes, right)
    assert any(NOTHING in note for note in said.notes) == (not right.regions)
    assert found.canvas == said.canvas == partial(text)
    assert found == read_canvas(text) == edits.effective(text, None, SIDE, SIDE)


@pytest.mark.parametrize(("name", "texts"), [("answers", ANSWERS), ("boxes", BOXES)])
def test_the_command_reads_all_of_them(name: str, texts: dict[str, tuple[str, Right | Wrong]], tmp_path: Path):
    file = tmp_path / f"{name}.txt"
    for name, (text, right) in texts.items():
        file.write_text(text, "utf-8")
        done = CliRunner().invoke(app, ["canvas", str(file), "--size", f"{SIDE}x{SIDE}", "--json"])
        said = json.loads(done.stdout.splitlines()[-1])
        if isinstance(right, Wrong):
            assert done.exit_code and re.search(right, str(said)), name
        else:
            check(read_list(json.loads(said["text"])), right)
            check_notes(tuple(said["notes"]), right)


@pytest.mark.parametrize(("text", "right"), BOXES.values(), ids=BOXES)
def test_boxes_are_read_as_tolerantly_as_canvases(text: str, right: Right | Wrong):
    if isinstance(right, Wrong):
        for read in (lambda: read_any(text, SIDE, SIDE), lambda: edits.with_boxes(None, text, SIDE, SIDE)):
            with pytest.raises(CanvasError, match=right):
                read()
        return
    for found in (read_any(text, SIDE, SIDE), edits.with_boxes(None, text, SIDE, SIDE)):
        check(found.canvas, right)
        check_notes(found.notes, right)


def test_a_prompt_keeps_its_background_and_the_words_that_have_no_place():
    for text in (prompt([]), prompt([]).replace('"sea"', '{"desc": "sea"}')):
        assert read_any(text, SIDE, SIDE).canvas.whole.suffixes == ("sea.",)
    lost = read_any(BOXES["element without bbox"][0], SIDE, SIDE).canvas
    assert lost.whole.suffixes == ("sea.", "sign.", 'the words "HELLO".')
    beside = edits.with_boxes(lost, prompt([]), SIDE, SIDE)
    assert beside.notes == (edits.UNUSED,)


def test_a_model_may_answer_in_thousandths_but_not_in_pixels_of_no_picture():
    check(turn(prompt([{"bbox": [0, 0, 500, 500], "desc": "boat"}])).canvas, ONE_BOAT)
    with pytest.raises(LLMError, match="Box 1 is in pixels of a picture whose size is not known here"):
        turn(BOXES["boxes"][0])


@pytest.mark.parametrize(("text", "whole", "details"), CUT.values(), ids=CUT)
def test_an_answer_that_breaks_off_gives_what_is_complete_of_its_global_description(
    text: str, whole: str, details: tuple[str, ...]
):
    said = turn(text, finished=False)
    assert (said.canvas.whole.prefixes, said.canvas.whole.suffixes) == ((whole,), details)
    assert partial(text) == said.canvas
    assert len(said.notes) == 2 and "cut off" in said.notes[0] and "breaks off" in said.notes[1]


@pytest.mark.parametrize(
    "text", ['{"global": {', '{"global": {"description": "a be', PY[: PY.index("beach")], "[{", "```json"]
)
def test_an_answer_that_breaks_off_before_anything_is_complete_gives_nothing(text: str):
    assert partial(text) is None
    with pytest.raises(LLMError, match=r"holds no canvas. Raise max_tokens"):
        turn(text, finished=False)


def test_a_list_that_a_person_typed_is_never_read_in_part():
    for wrong in (LIST[:-1], LIST.replace("]}, {", "]}, {{"), LIST.replace('"a red boat."', '"a "red" boat."')):
        with pytest.raises(CanvasError, match="This is no JSON: .* on line 1"):
            read_canvas(wrong)


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("omost-llama-3-8b-q4_k_m", chat.PROGRAM),
        ("lllyasviel/Omost-Phi-3-mini-128k", chat.PROGRAM),
        ("my_OMOST", chat.PROGRAM),
        ("omost-dolphin at http://10.0.0.2:8080", chat.PROGRAM),
        ("gemma-3-4b-it at http://omost.local:8080", chat.JSON),
        ("almostomost-7b", chat.JSON),
        ("qwen3-vl-4b", chat.JSON),
    ],
)
def test_automatic_is_the_program_for_models_of_omosts_own_name(model: str, form: str):
    assert chat.form_for(chat.AUTOMATIC, model) == form
    assert {chat.form_for(chosen, model) for chosen in (chat.JSON, chat.PROGRAM)} == {chat.JSON, chat.PROGRAM}


@pytest.mark.parametrize("text", [G, f"```python\n{PY}```", placed("[0, 90, 0, 45]")])
def test_a_growing_answer_never_loses_what_it_showed(text: str):
    shown = [partial(text[:end]) or BLANK for end in range(len(text) + 1)]
    words = [len(canvas.whole.prefixes + canvas.whole.suffixes) + len(canvas.locals) for canvas in shown]
    assert words == sorted(words) and len(shown[-1].locals) == 1

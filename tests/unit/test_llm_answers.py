"""What a model has answered, in all forms that models and servers have: the caption, the layout, and the thoughts apart."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile_llm import BOAT, FORMS, HostileLLM
from PIL import Image
from typer.testing import CliRunner

from resonance.canvas import chat as canvas_chat
from resonance.canvas.read import partial
from resonance.cli.app import app
from resonance.llm import chat, http, llamacpp
from resonance.llm.caption import caption_text
from resonance.llm.chat import Abilities, Answer, LLMError, Message, OnText, OnWait, Request, ask
from resonance.llm.conversation import Conversation
from resonance.llm.server import LLMServer
from resonance.llm.template import Thinking, thinking_of
from resonance.llm.thoughts import parted

from .answers import DRAFT, ENDINGS, RIGHT, THINKING, G, check, spelled

QUESTION = Request((Message("user", "What is it?"),))
ALL = {f"thoughts, {name}": form for name, form in THINKING.items()} | ENDINGS
NO_DRAFT = {"an empty thought", "a tag that closes itself"}
LATE = {name for name, form in THINKING.items() if form.startswith("DRAFT")} | {"a thought in a thought", "stages"}
"""Only later it shows that these are thoughts."""


class Speaker:
    """An engine that says something, a few letters at a time."""

    name, abilities = "speaker", Abilities()

    def __init__(self, *texts: str, finished: bool = True, thoughts: str = "") -> None:
        self.texts, self.finished, self.thoughts = texts, finished, thoughts

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool], on_wait: OnWait) -> Answer:
        for text in self.texts[1:]:
            on_text(text, self.thoughts)
        return Answer(self.texts[0], self.finished, thoughts=self.thoughts)

    def release(self, unload: bool = False) -> None: ...


def heard(text: str, **more: bool) -> Answer:
    return ask(Speaker(text, **more), QUESTION)


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
def test_a_caption_is_the_answer_and_nothing_else(form: str):
    assert caption_text(heard(spelled(form, BOAT, "a draft")), one_line=True, sentences=True) == BOAT


@pytest.mark.parametrize("name", THINKING)
def test_thoughts_are_kept_apart(name: str):
    said = heard(spelled(THINKING[name], BOAT, "a draft"))
    assert ("a draft" in said.thoughts) == (name not in NO_DRAFT)
    assert BOAT not in said.thoughts and said.notes == ()
    assert parted(said.text) == (said.text, "")


@pytest.mark.parametrize("name", [name for name in THINKING if name not in LATE])
def test_a_layout_in_thoughts_is_never_shown(name: str, every_piece: None):
    raw, shown = spelled(THINKING[name], G), list[str]()
    ask(Speaker(raw, *(raw[:end] for end in range(0, len(raw), 3)), raw), QUESTION, lambda text, _: shown.append(text))
    layouts = [canvas for text in shown if (canvas := partial(text))]
    assert layouts and not any("draft" in " ".join(canvas.whole.prefixes) for canvas in layouts)


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
def test_a_layout_is_that_of_the_answer(form: str):
    said = canvas_chat.turn(Conversation(), "a beach", heard(spelled(form, G)))
    check(said.canvas, RIGHT)
    assert said.text == G == said.conversation.messages[-1].text


def test_thoughts_are_shown_until_the_answer_begins(every_piece: None):
    shown = list[str]()
    ask(
        Speaker("", "<think>hm", "<think>hm, a", "<think>hm, a</think>", "<think>hm, a</think>A boat"),
        QUESTION,
        lambda *said: shown.append(chat.so_far(*said)),
    )
    assert shown == ["Thinking: hm", "Thinking: hm, a", "Thinking: hm, a", "A boat"]


def test_an_answer_that_grows_fast_is_not_looked_at_each_time():
    looks = list[str]()
    ask(Speaker("", *"a" * 1000), QUESTION, lambda text, thoughts: looks.append(text))
    assert len(looks) < 20


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        ("<think>well", {"finished": False}, "still thinking when max_tokens ran out: raise max_tokens"),
        ("<think>A boat.", {}, "gave thoughts but no answer.* It begins: A boat"),
        ("A boat.</think>", {}, "gave thoughts but no answer.* It begins: A boat"),
        ("", {"thoughts": "A boat."}, "gave thoughts but no answer.* It begins: A boat"),
        ("", {}, "The model's answer is empty: try another seed"),
        (" \n\u200b\ufeff", {}, "The model's answer is empty"),
        ("</s>", {}, "The model's answer is empty"),
        ("<|im_start|>user\nWhat is it?", {}, "The model's answer is empty"),
    ],
)  # fmt: skip
def test_no_answer_is_an_error_and_never_an_empty_caption(text: str, more: dict[str, bool], why: str):
    answer = heard(text, **more)
    for read in (lambda: caption_text(answer, True, True), lambda: canvas_chat.turn(Conversation(), "a", answer)):
        with pytest.raises(LLMError, match=why):
            read()


@pytest.mark.parametrize(
    "text",
    [
        "A boat, 3 < 4 > 2, [sic], `code` and <b>bold</b>.",
        "A sign says [STOP], another </b>.",
        "Analysis of the picture: a boat.",
        "Here is a boat.\n\n```\nboat\n```",
        "- a boat\n- the sea\n",
    ],
)
def test_what_is_no_mark_stays(text: str):
    assert heard(text) == Answer(text, True)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("<|mystery|>hm<|end_mystery|>A boat.", "<|mystery|>"),
        ("<musings>hm</musings>\nA boat.", "<musings>"),
    ],
)
def test_a_form_that_is_not_known_is_named(text: str, mark: str):
    said = heard(text)
    assert said.text == text and said.notes == (
        f"the answer holds {mark}, a mark that is not known here: it was left as it is",
    )


def test_half_letters_are_mended_whoever_says_them():
    said = ask(Speaker("a \ud83d cat <think>\udc00</think>", thoughts="hm \ud83d"), QUESTION)
    assert (said.text, said.thoughts) == ("a \ufffd cat ", "hm \ufffd\n\n\ufffd")


# What a template says

QWEN = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% if enable_thinking is false %}\n</think>\n\n{% endif %}{% endif %}"
)
ODD = QWEN.replace("<think>", "<musing>").replace("</think>", "</musing>")


@pytest.mark.parametrize(
    ("template", "switches", "thinking"),
    [
        (QWEN, {}, Thinking("<think>\n")),
        (QWEN, {"enable_thinking": False}, Thinking()),
        (ODD, {}, Thinking("<think>\n", ("<musing>", "</musing>"))),
        (ODD, {"enable_thinking": False}, Thinking("", ("<musing>", "</musing>"))),
        (QWEN.replace("m.reasoning_content", "m.thinking"), {}, Thinking("<think>\n")),
        ("{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}", {}, Thinking()),
        ("{{ raise_exception('roles must alternate') }}", {}, Thinking()),
        ("{% if %}", {}, Thinking()),
        ("", {}, Thinking()),
    ],
)  # fmt: skip
def test_a_template_says_how_its_model_thinks(template: str, switches: dict[str, bool], thinking: Thinking):
    assert thinking_of(template, **switches) == thinking


def test_a_thought_that_the_template_begins_is_known_as_one_while_it_grows():
    thinking = thinking_of(QWEN)
    assert parted(thinking.told(DRAFT, held=False)) == ("", DRAFT)
    assert parted(thinking.told(f"{DRAFT}</think>{G}", held=False)) == (G, DRAFT)
    assert parted(thinking.told(G, held=True)) == (G, "")
    odd = thinking_of(ODD)
    assert parted(odd.told(f"{DRAFT}</musing>{G}", held=False)) == (G, DRAFT)


def test_a_gguf_model_is_read_as_its_template_says():
    def said(*pieces: str, **held: str) -> Answer:
        model: Any = object.__new__(llamacpp.Model)
        choices = [{"delta": {"content": piece}, "finish_reason": None} for piece in pieces]
        choices[-1]["finish_reason"] = "stop"
        model._thinking, model._untold, model._interrupted = thinking_of(ODD), False, lambda: False
        model._pieces = lambda *_: ({"choices": [choice]} for choice in choices)
        return model._chat(replace(QUESTION, **held), lambda text, thoughts: grown.append(parted(text)))

    grown = list[tuple[str, str]]()
    assert parted(said("hm", ", a", "</musing>\n", BOAT).text) == (BOAT, "hm, a")
    assert grown == [("", "hm"), ("", "hm, a"), ("", "hm, a"), (BOAT, "hm, a")]
    assert said(G, grammar="root ::= [a-z]").text == G


# What servers send


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileLLM]:
    with HostileLLM() as hostile:
        yield hostile


@pytest.mark.parametrize("name", FORMS)
def test_what_a_server_sends_is_the_text_or_an_error_that_names_the_cause(
    hostile: HostileLLM, tmp_path: Path, name: str
):
    _, right, thoughts = FORMS[name]
    engine = http.connect(LLMServer(hostile.at(name), tmp_path / "keys.json", timeout=5))
    if right.startswith("A "):
        answer = ask(engine, QUESTION)
        assert (caption_text(answer, True, True), answer.thoughts) == (right, thoughts)
        return
    with pytest.raises(LLMError, match=right) as error:
        caption_text(ask(engine, QUESTION), True, True)
    assert str(error.value).isprintable()


def test_that_nobody_says_whether_an_answer_is_complete_is_noted(hostile: HostileLLM, tmp_path: Path):
    engine = http.connect(LLMServer(hostile.at("done without a reason"), tmp_path / "keys.json", timeout=5))
    answer = ask(engine, QUESTION)
    assert answer.finished is None and answer.notes == ("the server did not say whether the answer is complete",)
    text = canvas_chat.turn(Conversation(), "a", Answer(G, None, answer.notes)).notes
    assert text == answer.notes


# The commands


@pytest.mark.parametrize("name", FORMS)
def test_describe_writes_the_caption_or_fails(hostile: HostileLLM, tmp_path: Path, name: str):
    _, right, _ = FORMS[name]
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    done = CliRunner().invoke(
        app, ["describe", str(folder), "--llm", hostile.at(name), "--keys", str(tmp_path / "keys.json")]
    )
    written = folder / "a.txt"
    if right.startswith("A "):
        assert done.exit_code == 0 and written.read_text("utf-8") == right + "\n"
    else:
        assert not written.exists() and re.search(right, " ".join(done.output.split()))


def test_canvas_takes_the_layout_of_the_answer_and_none_from_thoughts(tmp_path: Path):
    from fake_llm import FakeLLM

    with FakeLLM() as fake:
        for form in ALL.values():
            fake.script = [(spelled(form, G), "stop")]
            done = CliRunner().invoke(app, ["canvas", "a beach", "--llm", f"{fake.url}/ok", "--json"])
            said = json.loads(done.stdout.splitlines()[-1])
            assert "a beach." in said["text"] and "draft" not in said["text"], form
        fake.script = [(f"<think>{DRAFT}", "length")]
        done = CliRunner().invoke(app, ["canvas", "a beach", "--llm", f"{fake.url}/ok"])
        assert done.exit_code and "still thinking when max_tokens ran out" in " ".join(done.output.split())

"""Load LLM's engine on the real llama.cpp, and Connect LLM's on its real server, with random models of half a megabyte."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resonance.llm.chat import Answer, Interrupted, LLMError, Message, Request, Sampling, Thinking, ask
from resonance.llm.http import HTTPEngine, connect
from resonance.llm.llamacpp import Model, Settings
from resonance.llm.open import GGUF
from resonance.llm.server import LLMServer

if os.environ.get("RESONANCE_REQUIRE_LLAMA") != "1":
    pytest.importorskip("llama_cpp")

RED, BLUE = Image.new("RGB", (56, 56), "red"), Image.new("RGB", (56, 56), "blue")
SCHEMA = {"type": "object", "properties": {"n": {"enum": ["x", "y"]}}, "required": ["n"]}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models import llm

    folder = tmp_path_factory.mktemp("llm")
    llm.build_gguf(folder / "tiny.gguf")
    llm.build_mmproj(folder / "tiny-mmproj.gguf")
    return folder


def settings(files: Path, **more: Any) -> Settings:
    # One thread: on a busy machine llama.cpp's threads wait for one another longer than so small a model takes.
    return Settings(
        files / "tiny.gguf", **{"mmproj": files / "tiny-mmproj.gguf", "context": 2048, "threads": 1, **more}
    )


@pytest.fixture(scope="module")
def model(files: Path) -> Iterator[Model]:
    model = Model(settings(files))
    yield model
    model.close()


def engine_of(model: Model) -> GGUF:
    """What resonance.host.llm does, without ComfyUI."""
    return GGUF(model.settings, lambda: model, lambda: None)


def say(model: Model, *images: Image.Image, text: str = "What is it?", seed: int = 0, **request: Any) -> Answer:
    sampling = Sampling(request.pop("max_tokens", 24), temperature=1.0, seed=seed)
    messages = (Message("system", "Be brief."), Message("user", text, images))
    return ask(engine_of(model), Request(messages, sampling, **request))


def test_the_same_seed_says_the_same(model: Model):
    first, again, other = say(model), say(model), say(model, seed=1)
    assert first == again and first.text != other.text
    assert say(model, seed=2**40).text == first.text, "seeds are taken modulo 2**32"


def test_the_answer_depends_on_the_picture(model: Model):
    assert say(model, RED).text == say(model, RED).text != say(model, BLUE).text
    assert say(model, RED, BLUE).text != say(model, RED).text


def test_the_answer_grows_and_is_cut_off_at_max_tokens(model: Model, every_piece: None):
    grown: list[str] = []
    request = Request((Message("user", "What is it?"),), Sampling(24, temperature=1.0))
    answer = ask(engine_of(model), request, lambda text, _: grown.append(text))
    assert len(grown) > 5 and grown[-1] == answer.text and not answer.finished
    assert all(later.startswith(earlier) for earlier, later in zip(grown, grown[1:], strict=False))


def test_a_conversation_goes_on(model: Model):
    turns = (Message("user", "A"), Message("assistant", "B"), Message("user", "C"))
    assert ask(engine_of(model), Request(turns, Sampling(8))).notes == ()


def test_a_grammar_and_a_schema_are_obeyed(model: Model):
    assert say(model, grammar='root ::= "[" [0-9]{1,3} "]"').text.strip("[0123456789]") == ""
    for seed in range(5):
        assert say(model, schema=SCHEMA, seed=seed, max_tokens=100).text.replace(" ", "") in ('{"n":"x"}', '{"n":"y"}')
    assert say(model, RED, grammar='root ::= "yes"').text == "yes"


@pytest.mark.parametrize(
    "grammar",
    ["root ::= nothing", "start ::= [a]", 'root ::= root "a"', 'root ::= ( [a-z]{1,60} "x" ){1,34}', "("],
)
def test_a_grammar_that_would_end_the_process_is_refused(model: Model, grammar: str):
    with pytest.raises(LLMError, match="llama.cpp does not accept this grammar"):
        say(model, grammar=grammar)
    assert say(model, grammar='root ::= "yes"').text == "yes"


def test_stop_texts_end_the_answer(model: Model):
    whole = say(model).text
    assert say(model, stop=(whole[5:9],)) == Answer(whole[: whole.index(whole[5:9])], True)


def test_an_interrupt_while_writing_leaves_the_model_as_it_was(model: Model, every_piece: None):
    before, grown = say(model), list[str]()
    request = Request((Message("user", "?"),), Sampling(2000, temperature=1.0))
    with pytest.raises(Interrupted):
        ask(engine_of(model), request, lambda text, _: grown.append(text), interrupted=lambda: len(grown) > 3)
    assert len(grown) < 6 and say(model) == before


def test_an_interrupt_while_reading_the_prompt(files: Path):
    model = Model(settings(files, mmproj=None, context=8192))
    start = time.monotonic()
    with pytest.raises(Interrupted):
        ask(
            engine_of(model),
            Request((Message("user", "abcd " * 1500),), Sampling(8)),
            interrupted=lambda: time.monotonic() - start > 0.05,
        )
    assert time.monotonic() - start < 1
    assert say(model).text
    model.close()


def test_a_model_can_be_unloaded_at_any_moment_and_never_used_after(files: Path):
    model, writing, answers = Model(settings(files)), threading.Event(), list[Answer]()
    request = Request((Message("user", "?"),), Sampling(1000, temperature=1.0))
    whole = ask(engine_of(model), request)
    thread = threading.Thread(
        target=lambda: answers.append(ask(engine_of(model), request, lambda text, _: writing.set()))
    )
    thread.start()
    assert writing.wait(10)
    start = time.monotonic()
    model.close()
    assert time.monotonic() - start < 0.1, "closing waited for the answer"
    thread.join(20)
    assert answers == [whole]
    with pytest.raises(LLMError, match="was unloaded"):
        say(model)
    model.close()


def test_loading_again_and_again_does_not_grow(files: Path):
    import psutil

    grown: list[int] = []
    for _ in range(12):
        model = Model(settings(files))
        say(model, RED)
        model.close()
        grown.append(psutil.Process().memory_info().rss)
    assert grown[-1] - grown[3] < 20e6


def test_a_conversation_longer_than_the_context_is_explained(files: Path):
    model = Model(settings(files, context=256))
    with pytest.raises(LLMError, match="longer than the context of 256 tokens .* raise it, or send"):
        say(model, text="word " * 400)
    model.close()


# Chat templates


def templated(folder: Path, before: str) -> Path:
    """A model whose chat template begins with this."""
    from models import llm

    llm.build_gguf(folder / "tiny.gguf", template=before + llm.TEMPLATE)
    return folder


SYSTEM_REFUSED = {
    "gemma": "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}",
    "mistral": "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% endfor %}",
}


@pytest.mark.parametrize(("thinking", "told"), [("off", "False none"), ("low", "True low"), ("on", "True medium")])
@pytest.mark.parametrize("images", [(), (RED,)], ids=["text", "picture"])
def test_the_template_is_told_whether_to_think(
    tmp_path: Path, files: Path, thinking: Thinking, told: str, images: tuple[Image.Image, ...]
):
    template = (
        "{% if enable_thinking is defined %}{{ raise_exception(enable_thinking ~ ' ' ~ reasoning_effort) }}{% endif %}"
    )
    model = Model(settings(templated(tmp_path, template), mmproj=files / "tiny-mmproj.gguf", thinking=thinking))
    with pytest.raises(LLMError, match=f"makes no prompt of this conversation.*{told}"):
        say(model, *images)
    model.close()


def test_a_template_that_knows_no_thinking_is_named(files: Path):
    model = Model(settings(files, mmproj=None, thinking="off"))
    assert say(model).notes == ("this model cannot be told whether to think",)
    model.close()


@pytest.mark.parametrize("template", SYSTEM_REFUSED)
@pytest.mark.parametrize("images", [(), (RED,)], ids=["text", "picture"])
def test_a_system_text_that_the_template_refuses_goes_before_the_instruction(
    tmp_path: Path, files: Path, template: str, images: tuple[Image.Image, ...]
):
    model = Model(settings(templated(tmp_path, SYSTEM_REFUSED[template]), mmproj=files / "tiny-mmproj.gguf"))
    answer = say(model, *images)
    folded = Request((Message("user", "Be brief.\n\nWhat is it?", images),), Sampling(24, temperature=1.0))
    assert answer.text == ask(engine_of(model), folded).text
    assert answer.notes == ("this model has no system text: it was put before the instruction",)
    model.close()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('No, thanks.') }}", r" \(No, thanks.\): take another GGUF file"),
        ("{{ nobody.name.first }}", r" \('nobody' is undefined\): take another"),
        ("{{ 1 + 'a' }}", r" \(unsupported operand .*: take another"),
    ],
)
def test_a_template_that_makes_no_prompt_is_explained(tmp_path: Path, template: str, said: str):
    model = Model(settings(templated(tmp_path, template), mmproj=None))
    with pytest.raises(LLMError, match=f"chat template in tiny.gguf makes no prompt of this conversation{said}"):
        say(model)
    model.close()


def test_a_template_that_leaves_nothing_is_explained(tmp_path: Path):
    model = Model(
        settings(templated(tmp_path, "{% set messages = [] %}{% set add_generation_prompt = false %}"), mmproj=None)
    )
    with pytest.raises(LLMError, match="chat template in tiny.gguf leaves nothing of this conversation"):
        say(model)
    model.close()


def test_a_template_that_cannot_be_read_is_explained(tmp_path: Path):
    with pytest.raises(LLMError, match="chat template in tiny.gguf cannot be read .*: take another GGUF file"):
        Model(settings(templated(tmp_path, "{% if %}"), mmproj=None))


# Files


@pytest.mark.parametrize("broken", ["empty", "text", "half", "mmproj"])
def test_a_file_that_is_no_model_is_explained(files: Path, tmp_path: Path, broken: str):
    whole = (files / "tiny.gguf").read_bytes()
    content = {"empty": b"", "text": b"<html>", "half": whole[: len(whole) // 2]}.get(broken)
    bad = tmp_path / "bad.gguf"
    bad.write_bytes((files / "tiny-mmproj.gguf").read_bytes() if content is None else content)
    with pytest.raises(LLMError, match="llama.cpp cannot load bad.gguf"):
        Model(Settings(bad, context=512))


TOO_LONG = {"context": 16384}
"""llama.cpp warns of more context than the model was trained with."""


def test_what_llama_cpp_prints_while_it_loads_stays_out_of_the_log(
    files: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    Model(settings(files, mmproj=None, **TOO_LONG)).close()
    assert capfd.readouterr() == ("", "") and caplog.text == ""


def test_what_it_prints_is_in_the_log_where_loading_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    (tmp_path / "bad.gguf").write_bytes(b"<html>")
    with pytest.raises(LLMError, match="llama.cpp cannot load bad.gguf"):
        Model(Settings(tmp_path / "bad.gguf"))
    assert capfd.readouterr() == ("", "") and "invalid magic" in caplog.text


def test_what_other_packs_load_with_llama_cpp_prints_as_before(files: Path, capfd: pytest.CaptureFixture[str]):
    import llama_cpp

    Model(settings(files, mmproj=None, **TOO_LONG)).close()
    llama_cpp.Llama(str(files / "tiny.gguf"), n_ctx=TOO_LONG["context"], n_threads=1, verbose=False).close()
    assert "n_ctx_train" in capfd.readouterr().err


def test_an_mmproj_of_another_model_is_explained(files: Path):
    model = Model(settings(files, mmproj=files / "tiny.gguf"))
    with pytest.raises(LLMError, match="tiny.gguf does not belong to tiny, or is broken"):
        say(model, RED)
    model.close()


# Its server


@pytest.fixture(scope="module")
def server(files: Path) -> Iterator[str]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    what = ("--model", files / "tiny.gguf", "--clip_model_path", files / "tiny-mmproj.gguf", "--chat_format", "mtmd")
    how = ("--host", "127.0.0.1", "--port", port, "--n_ctx", 1024, "--n_threads", 1, "--verbose", "false")
    process = subprocess.Popen([sys.executable, "-m", "llama_cpp.server", *map(str, what + how)])
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


@pytest.fixture
def remote(server: str, tmp_path: Path) -> HTTPEngine:
    return connect(LLMServer(server, tmp_path / "llm_keys.json", timeout=30))


def ask_remote(engine: HTTPEngine, *images: Image.Image, text: str = "What is it?", **request: Any) -> Answer:
    sampling = Sampling(request.pop("max_tokens", 24), temperature=1.0, seed=request.pop("seed", 0))
    return ask(engine, Request((Message("user", text, images),), sampling, **request))


def test_the_server_is_found_and_answers_by_picture_and_seed(remote: HTTPEngine):
    assert remote.kind == "OpenAI-compatible" and remote.model.endswith("tiny.gguf")
    red = ask_remote(remote, RED)
    assert red.notes == () and red.text == ask_remote(remote, RED).text != ask_remote(remote, BLUE).text
    assert ask_remote(remote, seed=1).text != ask_remote(remote, seed=2).text


def test_the_server_obeys_a_schema(remote: HTTPEngine):
    answer = ask_remote(remote, schema=SCHEMA, max_tokens=100)
    assert answer.text.replace(" ", "") in ('{"n":"x"}', '{"n":"y"}') and answer.notes == ()


def test_a_prompt_too_long_for_the_server_is_explained(remote: HTTPEngine):
    with pytest.raises(LLMError, match="longer than the server's context|broke"):
        ask_remote(remote, text="word " * 3000)


def test_the_server_works_on_after_an_interrupt(remote: HTTPEngine):
    grown: list[str] = []
    request = Request((Message("user", "?"),), Sampling(900, temperature=1.0))
    with pytest.raises(Interrupted):
        ask(remote, request, lambda text, _: grown.append(text), interrupted=lambda: len(grown) > 3)
    assert ask_remote(remote).text

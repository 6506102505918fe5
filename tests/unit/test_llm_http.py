import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from fake_llm import KEY, FakeLLM
from PIL import Image

from resonance.llm import http, sending
from resonance.llm.chat import Answer, Interrupted, LLMError, Message, Request, Sampling, ask
from resonance.llm.http import HTTPEngine
from resonance.llm.sending import post_json
from resonance.llm.server import Limits, LLMServer

RED = Image.new("RGB", (8, 8), "red")
BLUE = Image.new("RGB", (8, 8), "blue")


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "llm_keys.json"


def say(engine: HTTPEngine, *images: Image.Image, **request: object) -> Answer:
    return ask(engine, Request((Message("user", "What is it?", images),), **request))  # type: ignore[arg-type]


def connect(
    address: str, model: str, timeout: float, keys: Path, limits: Limits | None = None, **more: Any
) -> HTTPEngine:
    return http.connect(LLMServer(address, keys, model, timeout, limits or Limits()), **more)


def engine(fake: FakeLLM, mode: str, keys: Path, timeout: float = 20) -> HTTPEngine:
    base = f"{fake.url}/{mode}/v1"
    return HTTPEngine(base, "OpenAI-compatible", "seer", LLMServer(base, keys, timeout=timeout))


# What kind of server


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/v1/models", "/v1/chat/completions"])
def test_any_form_of_the_address_finds_the_server(fake: FakeLLM, keys: Path, tail: str):
    found = connect(f"{fake.url}/ok{tail}", "", 20, keys)
    assert (found.base, found.kind, found.model) == (f"{fake.url}/ok/v1", "OpenAI-compatible", "seer")


def test_a_named_model_is_asked_for(fake: FakeLLM, keys: Path):
    say(connect(f"{fake.url}/ok", "other", 20, keys))
    assert fake.bodies[0]["model"] == "other"


def test_tgi_is_found_by_its_info_route_and_answers(fake: FakeLLM, keys: Path):
    found = connect(f"{fake.url}/tgi", "", 20, keys)
    assert (found.base, found.kind, found.model) == (f"{fake.url}/tgi/v1", "TGI", "org/seer")
    assert say(found, RED, schema={"type": "object"}).text == "a red picture, seed 0"
    assert fake.bodies[0]["response_format"] == {"type": "json", "value": {"type": "object"}}


def test_llama_cpp_is_asked_whether_it_sees(fake: FakeLLM, keys: Path):
    found = connect(f"{fake.url}/llamacpp", "", 20, keys)
    assert found.kind == "llama.cpp" and found.abilities.grammar and not found.abilities.images
    with pytest.raises(LLMError, match="takes no pictures: .*--mmproj"):
        say(found, RED)
    say(found, grammar='root ::= "a"')
    assert fake.bodies[0]["grammar"] == 'root ::= "a"'


def test_a_server_without_a_model_needs_one_or_its_name(fake: FakeLLM, keys: Path):
    with pytest.raises(LLMError, match="lists no model"):
        connect(f"{fake.url}/empty", "", 20, keys)
    assert connect(f"{fake.url}/empty", "seer", 20, keys).model == "seer"


@pytest.mark.parametrize("mode", ["nothing", "html"])
def test_another_kind_of_server_is_named_as_such(fake: FakeLLM, keys: Path, mode: str):
    with pytest.raises(LLMError, match="neither as an OpenAI-compatible server nor as text-generation-inference"):
        connect(f"{fake.url}/{mode}", "", 20, keys)


# Answers


def test_the_answer_grows_and_depends_on_picture_and_seed(fake: FakeLLM, keys: Path, every_piece: None):
    grown: list[str] = []
    request = Request((Message("system", "Be brief."), Message("user", "What?", (RED, BLUE))), Sampling(seed=2**40 + 7))
    answer = ask(engine(fake, "ok", keys), request, lambda text, _: grown.append(text))
    assert answer == Answer("a red and blue picture, seed 7", True)
    assert grown == ["a red and blue", "a red and blue picture", "a red and blue picture, seed ", answer.text]
    sent = fake.bodies[0]
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert [p["type"] for p in sent["messages"][1]["content"]] == ["image_url", "image_url", "text"]


def test_switched_off_sampling_is_not_sent(fake: FakeLLM, keys: Path):
    say(engine(fake, "ok", keys), sampling=Sampling(top_p=1, top_k=0, min_p=0, temperature=0))
    assert {"top_p", "top_k", "min_p", "repeat_penalty", "stop"} & fake.bodies[0].keys() == set()
    assert fake.bodies[0]["temperature"] == 0


def test_a_server_that_does_not_stream_answers_too(fake: FakeLLM, keys: Path):
    assert say(engine(fake, "plain", keys)) == Answer("all at once", True)


def test_an_answer_cut_off_at_max_tokens_says_so(fake: FakeLLM, keys: Path):
    assert say(engine(fake, "length", keys)) == Answer("One sentence. And half", False)


def test_stop_texts_end_the_answer_even_if_the_server_ignores_them(fake: FakeLLM, keys: Path):
    assert say(engine(fake, "ok", keys), stop=(", seed",)).text == "a fine picture"
    assert fake.bodies[0]["stop"] == [", seed"]


def test_what_a_server_refuses_is_left_out_and_noted(fake: FakeLLM, keys: Path):
    answer = say(engine(fake, "strict", keys), sampling=Sampling(max_tokens=9))
    assert answer.text == "a fine picture, seed 0"
    assert answer.notes == ("the server does not take top_k: it was left out",)
    assert fake.bodies[-1]["max_completion_tokens"] == 9 and "max_tokens" not in fake.bodies[-1]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, "System role not supported at row 1, column 36"),
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        (400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."),
        (400, "Developer instruction is not enabled for models/gemma-3-27b-it"),
        (422, "Template error: invalid operation: Only user and assistant roles are supported!"),
    ],
)
def test_a_system_text_that_the_server_refuses_goes_before_the_instruction(
    fake: FakeLLM, keys: Path, status: int, said: str
):
    fake.refusals = [(status, said)]
    request = Request((Message("system", "Be brief."), Message("user", "What?", (RED,))))
    answer = ask(engine(fake, "nosystem", keys), request)
    assert answer.text == "a red picture, seed 0"
    assert answer.notes == ("this model has no system text: it was put before the instruction",)
    [sent] = fake.bodies[-1]["messages"]
    assert sent["role"] == "user" and sent["content"][-1]["text"] == "Be brief.\n\nWhat?"


def test_an_error_about_something_else_leaves_the_system_text_where_it_is(fake: FakeLLM, keys: Path):
    fake.refusals = [(500, "out of system memory")]
    with pytest.raises(LLMError, match="out of system memory"):
        ask(engine(fake, "nosystem", keys), Request((Message("system", "Be brief."), Message("user", "What?"))))


def test_a_schema_is_asked_for_in_the_strictest_form_the_server_knows(fake: FakeLLM, keys: Path):
    schema = {"type": "array"}
    strict = say(engine(fake, "ok", keys), schema=schema)
    assert strict.notes == () and fake.bodies[0]["response_format"]["json_schema"]["schema"] == schema
    older = say(engine(fake, "oldschema", keys), schema=schema)
    assert json.loads(older.text)["form"] == {"type": "json_object", "schema": schema} and older.notes == ()
    both = say(engine(fake, "strict", keys), schema=schema)
    assert fake.bodies[-1]["response_format"]["json_schema"]["schema"] == schema and "top_k" in both.notes[0]
    none = say(engine(fake, "noschema", keys), schema=schema)
    assert none.notes == ("the server cannot be held to a format",)


# Failures: one sentence each


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("nofinish", "ended the answer before it was finished"),
        ("drop", "ended the answer before it was finished|broke the connection"),
        ("broken", r"broke off: out of memory, key \(the key\)|broke off: out of memory"),
        ("filtered", "content filter"),
        ("html_answer", "sent something that is not a chat answer"),
        ("error500", "answered 500: Failed to create bitmap"),
        ("detail500", "answered 500: the model crashed"),
        ("text500", "answered 500: Internal Server Error"),
        ("nomodel", r"no model 'seer' \(404\): model 'seer' not found"),
        ("redirect_chat", r"sends on to another address \(307\)"),
    ],
)
def test_a_failure_is_one_readable_sentence(fake: FakeLLM, keys: Path, mode: str, says: str):
    with pytest.raises(LLMError, match=says) as error:
        say(engine(fake, mode, keys))
    assert len(str(error.value)) < 400 and "\n" not in str(error.value)


def test_nobody_there(keys: Path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with pytest.raises(LLMError, match=rf"Nobody answers at http://127.0.0.1:{port}: is the server running"):
        connect(f"http://127.0.0.1:{port}", "", 20, keys)


def test_no_such_host(keys: Path):
    keys.write_text('{"http://nowhere.invalid": {}}')
    with pytest.raises(LLMError, match="There is no host 'nowhere.invalid'"):
        connect("http://nowhere.invalid", "", 20, keys)


def test_https_to_a_server_that_speaks_http(fake: FakeLLM, keys: Path):
    with pytest.raises(LLMError, match="No secure connection .* http:// rather than https://"):
        connect(fake.url.replace("http:", "https:") + "/ok", "", 20, keys)


@pytest.mark.parametrize("mode", ["stall", "mute"])
def test_silence_ends_at_the_timeout(fake: FakeLLM, keys: Path, mode: str):
    start = time.monotonic()
    with pytest.raises(LLMError, match=r"sent nothing for 0.5 s"):
        say(engine(fake, mode, keys, timeout=0.5))
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("mode", ["stall", "mute", "slow"])
def test_an_interrupt_is_seen_at_once_and_hangs_up(fake: FakeLLM, keys: Path, mode: str):
    stop = threading.Event()
    threading.Timer(0.4, stop.set).start()
    with pytest.raises(Interrupted):
        ask(engine(fake, mode, keys), Request((Message("user", "?"),)), interrupted=stop.is_set)
    asked = time.monotonic()
    assert fake.gone.wait(2), "the server was left working"
    assert time.monotonic() - asked < 1


def test_connecting_can_be_interrupted(fake: FakeLLM, keys: Path):
    start = time.monotonic()
    with pytest.raises(Interrupted):
        connect(f"{fake.url}/mute", "", 20, keys, interrupted=lambda: time.monotonic() - start > 0.3)
    assert time.monotonic() - start < 1


# Keys


def test_a_key_goes_to_its_origin(fake: FakeLLM, keys: Path):
    keys.write_text(json.dumps({fake.url: {"key": KEY}}))
    assert say(connect(f"{fake.url}/key", "", 20, keys)).text == "a fine picture, seed 0"
    assert all(headers["Authorization"] == f"Bearer {KEY}" for _, _, headers, _ in fake.seen)


def test_a_wrong_key_is_not_repeated(fake: FakeLLM, keys: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    keys.write_text(json.dumps({fake.url: {"key": "sk-wrong"}}))
    with pytest.raises(LLMError, match=r"refused the key \(401\): write the right one into") as error:
        connect(f"{fake.url}/key", "", 20, keys)
    assert "sk-wrong" not in str(error.value) + caplog.text


def test_a_key_does_not_follow_a_redirect(fake: FakeLLM, keys: Path):
    with FakeLLM() as thief:
        fake.elsewhere = thief.url + "/ok/v1/models"
        keys.write_text(json.dumps({fake.url: {"key": KEY}}))
        with pytest.raises(LLMError, match="not followed"):
            connect(f"{fake.url}/redirect", "", 20, keys)
        with pytest.raises(LLMError, match="not followed"):
            say(engine(fake, "redirect_chat", keys))
        assert thief.seen == [] and len(fake.seen) == 2


def test_a_key_in_a_servers_words_is_hidden(fake: FakeLLM, keys: Path):
    keys.write_text(json.dumps({fake.url: {"key": KEY}}))
    with pytest.raises(LLMError, match=r"key \(the key\)"):
        say(engine(fake, "broken", keys))


def test_nothing_is_sent_to_an_address_that_is_not_listed(keys: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: pytest.fail("looked up a foreign host"))
    foreign = HTTPEngine("http://api.example.com/v1", "OpenAI-compatible", "m", LLMServer("", keys))
    for attempt in (lambda: connect("http://api.example.com", "", 5, keys), lambda: say(foreign)):
        with pytest.raises(LLMError, match="is not on this machine"):
            attempt()


def test_proxies_of_the_environment_are_not_used(fake: FakeLLM, keys: Path, monkeypatch: pytest.MonkeyPatch):
    with FakeLLM() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        say(connect(f"{fake.url}/ok", "", 20, keys))
        assert proxy.seen == []


def test_what_travels_in_a_graph_holds_no_key(fake: FakeLLM, keys: Path):
    keys.write_text(json.dumps({fake.url: {"key": KEY}}))
    assert KEY not in repr(connect(f"{fake.url}/key", "", 20, keys))


# Our own server


def test_post_json_returns_status_and_body(fake: FakeLLM):
    assert post_json(f"{fake.url}/plain/v1/chat/completions", {"a": 1}, 5)[0] == 200
    assert post_json(f"{fake.url}/x/prompt", {}, 5) == (404, {"detail": "Not Found"})
    assert post_json(f"{fake.url}/text500/v1/chat/completions", {}, 5) == (500, None)


# Which model


def models(*named: str, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": name, "object": "model", **more} for name in named]}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("text-embedding-nomic-embed-text-v1.5", "gemma"),
        ("nomic-embed-text:latest", "llama3"),
        ("BAAI/bge-m3", "qwen"),
        ("mxbai-rerank", "qwen"),
        ("sentence-transformers/all-MiniLM-L6-v2", "qwen"),
        ("whisper-1", "gpt"),
    ],
)
def test_with_no_model_named_those_that_do_not_write_are_passed_over(
    fake: FakeLLM, keys: Path, first: str, second: str
):
    fake.routes["/x/v1/models"] = models(first, second)
    assert connect(f"{fake.url}/x", "", 20, keys).model == second
    assert connect(f"{fake.url}/x", first, 20, keys).model == first


LISTS: dict[str, dict[str, Any]] = {
    "LM Studio": {
        "/x/v1/models": models("embed", "blind", "seer"),
        "/x/api/v0/models": {
            "data": [
                {"id": "embed", "type": "embeddings"},
                {"id": "blind", "type": "llm", "capabilities": ["tool_use"]},
                {"id": "seer", "type": "vlm", "capabilities": ["tool_use"]},
            ]
        },
    },
    "Ollama": {
        "/x/v1/models": models("vectors", "blind", "seer", owned_by="library"),
        "/x/api/tags": {
            "models": [
                {"name": "vectors", "model": "vectors", "capabilities": ["embedding"]},
                {"name": "blind", "model": "blind", "capabilities": ["completion", "tools"]},
                {"name": "seer", "model": "seer", "capabilities": ["completion", "vision"]},
            ]
        },
    },
    "an older Ollama": {
        "/x/v1/models": models("vectors", "blind", "seer", owned_by="library"),
        "/x/api/tags": {"models": [{"name": name} for name in ("vectors", "blind", "seer")]},
        "/x/api/show": {
            "vectors": {"capabilities": ["embedding"]},
            "blind": {"capabilities": ["completion"]},
            "seer": {"capabilities": ["completion", "vision"]},
        },
    },
    "llama.cpp's router": {
        "/x/v1/models": {
            "data": [
                {
                    "id": name,
                    "owned_by": "llamacpp",
                    "architecture": {"input_modalities": takes, "output_modalities": gives},
                }
                for name, takes, gives in (
                    ("decider", ["text"], ["decisions"]),
                    ("blind", ["text"], ["text"]),
                    ("seer", ["text", "image"], ["text"]),
                )
            ]
        },
    },
    "Mistral": {
        "/x/v1/models": {
            "data": [
                {"id": name, "capabilities": {"completion_chat": writes, "vision": sees}}
                for name, writes, sees in (("vectors", False, False), ("blind", True, False), ("seer", True, True))
            ]
        },
    },
}


@pytest.mark.parametrize("kind", LISTS)
def test_with_no_model_named_pictures_are_shown_to_the_first_that_sees(fake: FakeLLM, keys: Path, kind: str):
    fake.routes = LISTS[kind]
    found = connect(f"{fake.url}/x", "", 20, keys)
    assert say(found).notes == () and fake.bodies[-1]["model"] == "blind"
    assert say(found, RED).notes == ("no model is named: seer was asked, the first that sees",)
    assert fake.bodies[-1]["model"] == "seer"
    assert found.name == f"blind (for pictures seer) at {fake.url}/x/v1"


@pytest.mark.parametrize("kind", LISTS)
def test_a_named_model_is_asked_about_pictures_whatever_is_listed(fake: FakeLLM, keys: Path, kind: str):
    fake.routes = LISTS[kind]
    assert say(connect(f"{fake.url}/x", "blind", 20, keys), RED).notes == ()
    assert [path for _, path, _, _ in fake.seen] == ["/x/models", "/x/v1/models", "/x/v1/chat/completions"]


def test_where_nobody_says_which_model_sees_the_one_that_was_asked_is_named(fake: FakeLLM, keys: Path):
    fake.routes["/x/v1/models"] = models("first", "second")
    note = "no model is named, and the server does not say which of its models see: first was asked"
    assert say(connect(f"{fake.url}/x", "", 20, keys), RED).notes == (note,)
    fake.routes["/error500/v1/models"] = models("first", "second")
    with pytest.raises(LLMError, match=rf"Failed to create bitmap \({note}\)$"):
        say(connect(f"{fake.url}/error500", "", 20, keys), RED)


def test_where_no_model_sees_pictures_are_refused_at_once(fake: FakeLLM, keys: Path):
    fake.routes["/x/v1/models"] = {"data": [{"id": name, "type": "llm"} for name in ("a", "b")]}
    with pytest.raises(LLMError, match=r"a at .* takes no pictures: start the server with a model that sees"):
        say(connect(f"{fake.url}/x", "", 20, keys), RED)


def test_where_no_model_writes_that_is_said(fake: FakeLLM, keys: Path):
    fake.routes["/x/v1/models"] = models("nomic-embed-text", "all-minilm")
    with pytest.raises(LLMError, match="lists no model that writes, only nomic-embed-text, all-minilm: load one there"):
        connect(f"{fake.url}/x", "", 20, keys)


# Waiting


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SOONEST", 0.05)
    monkeypatch.setattr(sending, "LATEST", 0.2)


@pytest.mark.parametrize("where", ["models", "chat"])
@pytest.mark.parametrize("busy", [(503, "Loading model", {}), (429, "Slow down", {"Retry-After": "0"})])
@pytest.mark.usefixtures("quickly")
def test_a_server_that_loads_or_is_busy_is_waited_for(fake: FakeLLM, keys: Path, where: str, busy: Any):
    told: list[str] = []
    fake.busy = busy
    found = engine(fake, "ok", keys)
    fake.loads_until = time.monotonic() + 0.4
    if where == "models":
        found = connect(f"{fake.url}/ok", "", 20, keys, on_wait=told.append)
    question = Request((Message("user", "What is it?"),))
    assert ask(found, question, on_wait=told.append).text == "a fine picture, seed 0"
    assert len(told) > 1 and all(text.isprintable() for text in told)
    assert told[0] == f"{fake.url} answers {busy[0]} ({busy[1]}). Asking again in 0 s (waited 0 of at most 600 s)."


@pytest.mark.parametrize(
    ("says", "least", "most"),
    [
        ("2", 2, 2),
        ("0", 1, 1),
        ("3600", 30, 30),
        ("-5", 1, 1),
        ("soon", 1, 1),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1, 1),
        (timedelta(seconds=8), 1, 8),
        (timedelta(days=9), 30, 30),
        ("Fri, 99 Xyz 0000 99:99:99 GMT", 1, 1),
    ],
)
def test_a_server_may_say_when_to_ask_again_within_bounds(
    fake: FakeLLM, keys: Path, says: str | timedelta, least: int, most: int
) -> None:
    if isinstance(says, timedelta):
        says = format_datetime(datetime.now(UTC) + says, usegmt=True)
    fake.loads_until, fake.busy = time.monotonic() + 60, (429, "later", {"Retry-After": says})
    told: list[str] = []
    with pytest.raises(Interrupted):
        connect(f"{fake.url}/ok", "", 20, keys, interrupted=lambda: bool(told), on_wait=told.append)
    [seconds] = re.findall(r"again in (\d+) s", told[0])
    assert least <= int(seconds) <= most


@pytest.mark.usefixtures("quickly")
def test_the_waiting_has_an_end_and_the_sentence_says_what_the_server_wants(fake: FakeLLM, keys: Path):
    fake.loads_until, fake.busy = time.monotonic() + 60, (429, "quota", {"Retry-After": "3600"})
    with pytest.raises(LLMError) as error:
        connect(f"{fake.url}/ok", "", 20, keys, limits=Limits(wait_seconds=0.3))
    assert str(error.value) == (
        f"{fake.url} answers 429 (quota) and asks for a pause of 3600 s, even after 0 s of waiting: look at the server, or raise "
        "wait_seconds."
    )
    assert len(fake.seen) == 3


def test_a_server_need_not_be_waited_for(fake: FakeLLM, keys: Path):
    fake.loads_until = time.monotonic() + 60
    with pytest.raises(LLMError, match=r"answers 503 \(Loading model\): look at the server, or raise wait_seconds"):
        connect(f"{fake.url}/ok", "", 20, keys, limits=Limits(wait_seconds=0))
    assert len(fake.seen) == 1


def test_waiting_is_interrupted_within_a_second(fake: FakeLLM, keys: Path):
    fake.loads_until, fake.busy = time.monotonic() + 60, (503, "", {"Retry-After": "30"})
    start = time.monotonic()
    with pytest.raises(Interrupted):
        connect(f"{fake.url}/ok", "", 20, keys, interrupted=lambda: time.monotonic() - start > 0.2)
    assert time.monotonic() - start < 1


@pytest.mark.usefixtures("quickly")
def test_a_server_that_is_started_anew_is_waited_for_once_it_has_answered(keys: Path):
    with FakeLLM() as fake:
        found = connect(f"{fake.url}/ok", "", 20, keys)
        port = int(fake.url.rpartition(":")[2])
    told: list[str] = []

    def back(text: str) -> None:
        told.append(text)
        if len(told) == 2:
            stack.enter_context(FakeLLM(port))

    with ExitStack() as stack:
        answer = ask(found, Request((Message("user", "?"),)), on_wait=back)
    assert answer.text == "a fine picture, seed 0"
    assert told[0].startswith(f"Nobody answers at {fake.url}. Asking again")


# Text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a \ud83d", "\udc08 here"], "a 🐈 here"),
        (["\ud83d", "", "\udc08"], "🐈"),
        (["a\ud83d", "b"], "a\ufffdb"),
        (["a\udc08b"], "a\ufffdb"),
        (["a\ud83d"], "a\ufffd"),
        (["\ud83d\ud83d", "\udc08"], "\ufffd🐈"),
    ],
)
def test_halves_of_letters_are_joined_and_lone_ones_are_marked(
    fake: FakeLLM, keys: Path, pieces: list[str], text: str, every_piece: None
):
    grown: list[str] = []
    fake.pieces = pieces
    answer = ask(engine(fake, "pieces", keys), Request((Message("user", "?"),)), lambda text, _: grown.append(text))
    assert answer.text == text
    assert all(each.encode() and text.startswith(each.rstrip("\ufffd")) for each in grown if each)

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_llm import KEY, FakeLLM
from PIL import Image

from resonance.llm.chat import Answer, Interrupted, LLMError, Message, Request, Sampling, ask
from resonance.llm.http import HTTPEngine, connect, post_json

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


def engine(fake: FakeLLM, mode: str, keys: Path, timeout: float = 20) -> HTTPEngine:
    return HTTPEngine(f"{fake.url}/{mode}/v1", "OpenAI-compatible", "seer", timeout, keys)


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


def test_the_answer_grows_and_depends_on_picture_and_seed(fake: FakeLLM, keys: Path):
    grown: list[str] = []
    request = Request((Message("system", "Be brief."), Message("user", "What?", (RED, BLUE))), Sampling(seed=2**40 + 7))
    answer = ask(engine(fake, "ok", keys), request, grown.append)
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
    foreign = HTTPEngine("http://api.example.com/v1", "OpenAI-compatible", "m", 5, keys)
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

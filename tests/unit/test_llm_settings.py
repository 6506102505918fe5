"""What a server is told beside the question: whether to think, and that its model is not needed any more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_llm import FakeLLM

from resonance.llm.chat import Message, Request, Thinking, ask
from resonance.llm.http import HTTPEngine
from resonance.llm.server import LLMServer

FIELDS = ("reasoning_effort", "chat_template_kwargs")
OLLAMA = {"model": "seer", "response": "", "done": True, "done_reason": "unload"}
UNKNOWN = {"error": "Unexpected endpoint or method. (POST /api/generate)"}


def engine(fake: FakeLLM, mode: str, keys: Path, shown: str = "", **asked: Any) -> HTTPEngine:
    base = f"{fake.url}/{mode}/v1"
    return HTTPEngine(base, "OpenAI-compatible", "seer", LLMServer(base, keys, **asked), shown=shown)


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "llm_keys.json"


@pytest.mark.parametrize(
    ("thinking", "effort", "template"),
    [
        ("off", "none", {"enable_thinking": False, "reasoning_effort": "none"}),
        ("low", "low", {"enable_thinking": True, "reasoning_effort": "low"}),
        ("on", "medium", {"enable_thinking": True, "reasoning_effort": "medium"}),
    ],
)
@pytest.mark.parametrize(
    ("knows", "note"),
    [
        (FIELDS, ()),
        (FIELDS[:1], ()),
        (FIELDS[1:], ()),
        ((), ("the server cannot be told whether to think",)),
    ],
)
def test_thinking_is_said_in_every_way_that_the_server_knows(
    fake: FakeLLM,
    keys: Path,
    thinking: Thinking,
    effort: str,
    template: Any,
    knows: tuple[str, ...],
    note: tuple[str, ...],
) -> None:
    fake.knows = set(knows)
    answer = ask(engine(fake, "thinks", keys, thinking=thinking), Request((Message("user", "What is it?"),)))
    assert (answer.text, answer.notes) == ("a fine picture, seed 0", note)
    sent = {name: fake.bodies[-1][name] for name in FIELDS if name in fake.bodies[-1]}
    assert sent == {name: value for name, value in zip(FIELDS, (effort, template), strict=True) if name in knows}


def test_unless_it_is_asked_nothing_is_said_of_thinking(fake: FakeLLM, keys: Path) -> None:
    ask(engine(fake, "thinks", keys), Request((Message("user", "What is it?"),)))
    assert not set(FIELDS) & set(fake.bodies[-1])


@pytest.mark.parametrize(
    ("routes", "sent"),
    [
        ({"/api/generate": OLLAMA}, {"model": "seer", "keep_alive": 0, "stream": False}),
        ({"/api/generate": UNKNOWN, "/api/v1/models/unload": {"instance_id": "seer"}}, {"instance_id": "seer"}),
        ({"/models/unload": {"success": True}}, {"model": "seer"}),
    ],
    ids=["Ollama", "LM Studio", "llama.cpp"],
)
def test_a_server_is_asked_to_free_the_memory(fake: FakeLLM, keys: Path, routes: Any, sent: Any) -> None:
    fake.routes = {f"/ok{route}": {"seer": answer} for route, answer in routes.items()}
    assert engine(fake, "ok", keys, unload=True).release() == ""
    assert fake.bodies[-1] == sent


def test_so_it_is_with_the_model_that_sees(fake: FakeLLM, keys: Path) -> None:
    fake.routes = {"/ok/api/generate": {"seer": OLLAMA, "eye": OLLAMA}}
    assert engine(fake, "ok", keys, "eye", unload=True).release() == ""
    assert [body["model"] for body in fake.bodies] == ["seer", "eye"]


@pytest.mark.parametrize("routes", [{}, {"/ok/api/generate": {"seer": UNKNOWN}}], ids=["404", "200 for anything"])
def test_a_server_that_cannot_is_named(fake: FakeLLM, keys: Path, routes: Any) -> None:
    fake.routes = routes
    assert engine(fake, "ok", keys, unload=True).release() == (
        f"{fake.url}/ok/v1 keeps seer in memory: it can be unloaded on Ollama, LM Studio and llama.cpp's server with several"
        " models only"
    )


def test_unless_it_is_wanted_no_server_is_asked_to(fake: FakeLLM, keys: Path) -> None:
    assert engine(fake, "ok", keys).release(unload=True) == ""
    assert fake.seen == []

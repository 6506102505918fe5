"""Whatever a server sends is one sentence, in bounded time and memory, and can be interrupted."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_llm import ANSWERS, LARGE, LISTS, HostileLLM
from PIL import Image
from places import PACK

from resonance.llm import sending
from resonance.llm.chat import Interrupted, LLMError, Message, Request, Sampling, ask
from resonance.llm.http import connect
from resonance.llm.server import Limits, LLMServer

SECONDS = 0.3
TIGHT = Limits(wait_seconds=0.2, answer_seconds=SECONDS, answer_megabytes=0.4, line_megabytes=0.1)
"""So that all of it takes some seconds."""
QUESTION = Request((Message("user", "What is it?", (Image.new("RGB", (8, 8)),)),), sampling=Sampling(max_tokens=50))


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileLLM]:
    with HostileLLM() as hostile:
        yield hostile


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LLMServer:
    monkeypatch.setattr(sending, "SOONEST", 0.05)
    return LLMServer("", tmp_path / "llm_keys.json", timeout=SECONDS / 2, limits=TIGHT)


def is_one_sentence_in_time(server: LLMServer, address: str) -> None:
    began = time.monotonic()
    with pytest.raises(LLMError) as error:
        ask(connect(replace(server, address=address)), QUESTION)
    assert time.monotonic() - began < SECONDS + 1
    said = str(error.value)
    assert said.startswith("http://127.0.0.1:") and len(said) < 400 and said.isprintable(), said


def test_there_are_more_answers_than_sixty():
    assert len(ANSWERS | LISTS) > 60


@pytest.mark.parametrize("name", ANSWERS)
def test_any_answer_is_one_sentence(hostile: HostileLLM, server: LLMServer, name: str):
    is_one_sentence_in_time(server, hostile.at(name))


IN_A_LIST = (
    "endless json",
    "endless headers",
    "endless patience",
    "deep list",
    "wide lists",
    "long number",
    "gzip bomb",
)


@pytest.mark.parametrize(
    "name",
    [
        *LISTS,
        *(f"list:{name}" for name in (*IN_A_LIST, "silence", "drops of bytes", "words", "hanging up", "status 500")),
    ],
)
def test_any_list_of_models_is_one_sentence(hostile: HostileLLM, server: LLMServer, name: str):
    is_one_sentence_in_time(server, hostile.at(name))


@pytest.mark.parametrize(
    "name",
    [
        *("drops of words", "drops of an error", "endless patience", "endless chunk size", "silence after half a line"),
        *("too much to do for an hour", "list:drops of bytes", "list:drops of headers"),
    ],
)
def test_an_interrupt_is_seen_within_a_second_whatever_comes(hostile: HostileLLM, tmp_path: Path, name: str):
    began = time.monotonic()
    with pytest.raises(Interrupted):
        late = lambda: time.monotonic() - began > 0.1  # noqa: E731
        ask(connect(LLMServer(hostile.at(name), tmp_path / "llm_keys.json"), late), QUESTION, interrupted=late)
    assert time.monotonic() - began < 1.1


MEASURE = """
import json, re, sys
from pathlib import Path
from resonance.llm.server import Limits
from resonance.llm.chat import LLMError, Message, Request, ask
from resonance.llm.http import connect
from resonance.llm.server import LLMServer

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

before = peak()
url, names = sys.argv[1], json.loads(sys.argv[2])
for name in names:
    server = LLMServer(url + "/" + name.replace(" ", "+"), Path("none"), timeout=1, limits=Limits(answer_seconds=1))
    try:
        ask(connect(server), Request((Message("user", "What is it?"),)))
        sys.exit(f"{name} was taken for an answer")
    except LLMError:
        print(json.dumps([name, peak() - before]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_the_largest_answers_take_less_than_200_mb(hostile: HostileLLM):
    """With the usual limits in bytes."""
    names = [
        *LARGE,
        "endless json",
        "endless empty lines",
        "endless content",
        "endless line",
        "endless error",
        "endless headers",
    ]
    command = [sys.executable, "-c", MEASURE, hostile.url, json.dumps(names)]
    done = subprocess.run(command, cwd=PACK, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    grown = dict(json.loads(line) for line in done.stdout.splitlines())
    assert list(grown) == names and max(grown.values()) < 200, grown

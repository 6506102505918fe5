"""One ComfyUI for everything, with one session in it that has been worked on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_llm import FakeLLM
from host.comfy import Comfy
from host.conftest import add, models, server  # noqa: F401
from host.graphs import pictures, quick

SESSION = "smoke"


@pytest.fixture(scope="session")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:  # noqa: F811
    packs = ("probe", "patches", "small_clip", "ancestor", "llama")
    with server(tmp_path_factory.mktemp("smoke"), models, *packs) as comfy:
        yield comfy


@pytest.fixture(scope="session")
def adapters(models: Path, tmp_path_factory: pytest.TempPathFactory) -> None:  # noqa: F811
    """IP-Adapters, and the vision models that they read."""
    from models.checkpoint import build_reference

    add(models, tmp_path_factory, "reference", build_reference)


@pytest.fixture(scope="session")
def guides(models: Path, tmp_path_factory: pytest.TempPathFactory) -> None:  # noqa: F811
    """What Gradient Guidance judges by."""
    from models.guides import build_guides

    add(models, tmp_path_factory, "guides", build_guides)


@pytest.fixture(scope="session")
def seen(comfy: Comfy) -> dict[str, Any]:
    """A session of one red picture and one round: what Round Input and Round Words put out, by output."""
    pictures(comfy, SESSION, "red")
    graph = quick(SESSION, SESSION)
    graph |= {f"input {n}": {"class_type": "ProbeValue", "inputs": {"value": ["1", n]}} for n in (0, 2, 3)}
    graph |= {f"words {n}": {"class_type": "ProbeValue", "inputs": {"value": ["3", n]}} for n in (0,)}
    outputs = comfy.run(graph)
    comfy.idle()
    return {name: json.loads(said["value"][0])[0] for name, said in outputs.items() if "value" in said}


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake

"""A fault of ours in a real server: it keeps its traceback, and nobody is told that it was theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .comfy import Comfy, RunFailed, node
from .conftest import server

pytestmark = pytest.mark.parametrize("kind", ["KeyError", "ValueError"])


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("faulty"), models, "faults") as comfy:
        yield comfy


def test_a_route_logs_it_and_says_no_more_than_that(faulty: Comfy, kind: str) -> None:
    before = len(faulty.read_log())
    answer = faulty.post("/resonance/canvas/read", {"text": kind, "width": 64, "height": 64})
    assert answer.status_code == 500
    assert answer.json() == {"error": "Resonance failed on this request: ComfyUI's log says where."}
    logged = faulty.read_log()[before:]
    assert "Traceback" in logged and "in planted" in logged and kind in logged


def test_a_node_raises_it_as_it_is(faulty: Comfy, kind: str) -> None:
    before = len(faulty.read_log())
    graph = {"1": node("ResonanceCanvas", canvas_text=kind), "2": node("PreviewAny", source=["1", 3])}
    with pytest.raises(RunFailed, match="planted"):
        faulty.run(faulty.complete(graph))
    logged = faulty.read_log()[before:]
    assert "Traceback" in logged and "in planted" in logged and kind in logged

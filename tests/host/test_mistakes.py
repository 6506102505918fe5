"""One mistake is one error: at the input that is wrong, or on the node, before anything is opened or loaded in vain."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .comfy import Comfy
from .conftest import server
from .graphs import output, pictures
from .mistakes import MISTAKES, Mistake

pytestmark = pytest.mark.usefixtures("families")


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    """A server without llama-cpp-python, as most are."""
    with server(tmp_path_factory.mktemp("mistakes"), models, "probe", "absent") as comfy:
        pictures(comfy, "mistaken", "red", "green")
        yield comfy


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_error_at_what_is_wrong(comfy: Comfy, mistake: Mistake) -> None:
    answer = comfy.post("/prompt", {"prompt": comfy.complete(mistake.graph)})
    said = answer.json()
    if mistake.input:
        assert answer.status_code == 400
        errors = [(id_, error) for id_, each in said["node_errors"].items() for error in each["errors"]]
        [(id_, error)] = errors
        assert (id_, error["extra_info"]["input_name"]) == (mistake.node, mistake.input)
        sentence = error["details"]
    else:
        assert answer.status_code == 200, said
        comfy.idle()
        messages = comfy.get(f"/history/{said['prompt_id']}")[said["prompt_id"]]["status"]["messages"]
        [error] = [data for event, data in messages if event == "execution_error"]
        assert error["node_id"] == mistake.node
        assert set(error["executed"]) <= set(mistake.before)
        sentence = error["exception_message"]
    assert mistake.says in sentence
    assert list(output(comfy).iterdir()) == []
    assert comfy.get("/prompt")["exec_info"]["queue_remaining"] == 0

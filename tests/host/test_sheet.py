"""Contact sheets and waits in the real ComfyUI."""

import json
import time
from typing import Any

import pytest

from .comfy import Comfy, RunFailed, node

SHEET = {"columns": 0, "cell": 64, "numbers": True, "background": "dark"}


def seen(comfy: Comfy, prompt: dict[str, Any]) -> list[Any]:
    """What arrives at the node ``probe``, one entry per element of a list."""
    return json.loads(comfy.run(prompt)["probe"]["value"][0])


def shapes(comfy: Comfy, prompt: dict[str, Any]) -> list[list[int]]:
    prompt["probe"] = node("ProbeValue", value=["sheet", 0])
    return [image["shape"] for image in seen(comfy, prompt)]


def test_a_batch_becomes_one_sheet(comfy: Comfy) -> None:
    prompt = {
        "batch": node("EmptyImage", width=64, height=64, batch_size=6, color=0xFF0000),
        "sheet": node("ResonanceContactSheet", images=["batch", 0], labels="one\ntwo", **SHEET),
    }
    assert shapes(comfy, prompt) == [[1, 174, 208, 3]]


def test_a_list_of_pictures_of_several_sizes_and_a_list_of_labels_become_one_sheet(comfy: Comfy) -> None:
    prompt = {
        "wide": node("EmptyImage", width=128, height=64, batch_size=1, color=0xFF0000),
        "tall": node("EmptyImage", width=32, height=512, batch_size=2, color=0x0000FF),
        "all": node("CreateList", **{"inputs.input0": ["wide", 0], "inputs.input1": ["tall", 0]}),
        "two": node("PrimitiveStringMultiline", value="first\nsecond"),
        "third": node("PrimitiveString", value="third"),
        "words": node("CreateList", **{"inputs.input0": ["two", 0], "inputs.input1": ["third", 0]}),
        "sheet": node("ResonanceContactSheet", images=["all", 0], labels=["words", 0], **{**SHEET, "columns": 3}),
    }
    assert shapes(comfy, prompt) == [[1, 89, 208, 3]]


def test_a_sheet_too_large_says_what_fits(comfy: Comfy) -> None:
    prompt = {
        "batch": node("EmptyImage", width=8, height=8, batch_size=40, color=0),
        "sheet": node("ResonanceContactSheet", images=["batch", 0], **{**SHEET, "columns": 40, "cell": 1024}),
    }
    with pytest.raises(RunFailed, match="set cell to 385 or less or set columns to 0"):
        shapes(comfy, prompt)


def cooled(value: Any, waits: str = "0.3", **made: Any) -> dict[str, Any]:
    return {
        "value": node("PrimitiveInt", value=value),
        "cooldown": node("ResonanceCooldown", value=["value", 0], waits=waits, **made),
        "probe": node("ProbeValue", value=["cooldown", 0]),
    }


def seconds(comfy: Comfy, prompt: dict[str, Any]) -> float:
    """From start to end of the run, by ComfyUI's own clock."""
    messages = dict(comfy.wait(comfy.queue(prompt))["status"]["messages"])
    return (messages["execution_success"]["timestamp"] - messages["execution_start"]["timestamp"]) / 1000


def test_a_new_value_waits_but_the_first_and_one_that_is_known_do_not(comfy: Comfy) -> None:
    assert seconds(comfy, cooled(1)) < 0.25
    assert seconds(comfy, cooled(2)) >= 0.3
    assert seconds(comfy, cooled(2)) < 0.25
    assert seen(comfy, cooled(3)) == [3]


def test_the_number_of_pictures_may_come_from_elsewhere(comfy: Comfy) -> None:
    prompt = cooled(4, "0, 0.4, 0", made=["made", 0])
    for made, waited in ((0, False), (1, False), (3, True), (9, False)):
        prompt["made"] = node("PrimitiveInt", value=made)
        assert (seconds(comfy, prompt) >= 0.4) == waited, made


def test_a_list_waits_once_and_stays_a_list(comfy: Comfy) -> None:
    prompt = {
        "one": node("PrimitiveInt", value=1),
        "two": node("PrimitiveString", value="b"),
        "list": node("CreateList", **{f"inputs.input{i}": [n, 0] for i, n in enumerate(("one", "two", "one", "two"))}),
        "made": node("PrimitiveInt", value=1),
        "of a list": node("ResonanceCooldown", value=["list", 0], waits="0.5", made=["made", 0]),
        "probe": node("ProbeValue", value=["of a list", 0]),
    }
    assert 0.5 <= seconds(comfy, prompt) < 1.5
    prompt["of a list"]["inputs"]["waits"] = "0"
    assert seen(comfy, prompt) == [1, "b", 1, "b"]


def test_nodes_of_the_same_id_in_two_workflows_count_for_themselves(comfy: Comfy) -> None:
    for value, workflow in ((71, "one"), (72, "two")):
        comfy.wait(comfy.queue(cooled(value, "60"), workflow={"id": workflow}), 20)


def test_a_wait_stops_at_once_when_the_user_asks(comfy: Comfy) -> None:
    prompt = cooled(5, "60", made=["made", 0])
    prompt["made"] = node("PrimitiveInt", value=1)
    run = comfy.queue(prompt)
    time.sleep(0.5)
    asked = time.monotonic()
    comfy.post("/interrupt")
    with pytest.raises(RunFailed, match="interrupted"):
        comfy.wait(run)
    assert time.monotonic() - asked < 0.5


@pytest.mark.parametrize("waits", ["1,2", "soon"])
def test_what_is_no_wait_is_refused_before_anything_runs(comfy: Comfy, waits: str) -> None:
    with pytest.raises(RunFailed, match="such as 3 or 1,2,4"):
        comfy.queue(cooled(6, waits))

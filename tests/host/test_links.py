"""What other nodes hand on that our inputs do not take."""

import json
from typing import Any

import pytest

from .comfy import Comfy, RunFailed, node


@pytest.fixture(scope="module")
def answers(comfy: Comfy) -> list[dict[str, Any]]:
    return comfy.get("/links")


def test_every_node_is_asked(comfy: Comfy, answers: list[dict[str, Any]]) -> None:
    asked = {answer["node"] for answer in answers}
    ours = {
        id_: info
        for id_, info in comfy.get("/object_info").items()
        if info["python_module"] == "custom_nodes.resonance"
    }
    assert asked == set(ours) and len(answers) > 300


def test_what_hands_out_items_is_named_where_one_is_missing(comfy: Comfy, answers: list[dict[str, Any]]) -> None:
    giving = {
        info["display_name"]
        for info in comfy.get("/object_info").values()
        if info["python_module"] == "custom_nodes.resonance" and "RESONANCE_ITEM" in info["output"]
    }
    told = {a["text"] for a in answers if a["input"] == "item" and "Expected an item" in a["text"]}
    assert giving and told
    assert all(name in text for name in giving for text in told)


@pytest.mark.parametrize(
    "came",
    [
        "None",
        "an empty list",
        "an empty batch",
        "five axes",
        "one axis",
        "two channels",
        "NaN",
        "numbers",
        "something else",
    ],
)
def test_what_an_input_does_not_take_is_a_sentence_that_names_the_input(
    answers: list[dict[str, Any]], came: str
) -> None:
    found = [answer for answer in answers if answer["came"] == came]
    assert found
    bad = [a for a in found if not (a["told"] and a["text"].startswith(f"{a['input']}: ") and a["text"].endswith("."))]
    assert not bad, "\n".join(f"{a['node']} {a['input']}: {a['text'][:160]}" for a in bad)


def test_none_on_an_optional_input_is_as_good_as_no_link(comfy: Comfy) -> None:
    graph = {
        "none": node("ProbeNothing"),
        "both": node(
            "ResonanceComposePrompt", preamble="red", tags=["none", 0], caption=["none", 0], duplicates="remove"
        ),
        "seen": node("ProbeValue", value=["both", 0]),
    }
    assert json.loads(comfy.run(comfy.complete(graph))["seen"]["value"][0]) == ["red"]


def test_none_on_an_input_that_needs_something_is_said(comfy: Comfy) -> None:
    graph = {"none": node("ProbeNothing"), "both": node("ResonanceComposePrompt", preamble=["none", 0])}
    graph["seen"] = node("ProbeValue", value=["both", 0])
    with pytest.raises(RunFailed, match=r"^preamble: nothing came \(None\)\. Look at the node that is connected there"):
        comfy.run(comfy.complete(graph))

"""Workflows that were saved before a node got another widget."""

from typing import Any

import pytest
from host.comfy import node

from .desk import Desk

pytestmark = pytest.mark.parametrize("renderer", ["classic"], indirect=True)  # what Run sends does not depend on it


LATER = {"caption_weights": "as text", "wildcards": False, "wildcard_seed": 0}


@pytest.mark.parametrize("form", ["saved", "API"])
def test_a_workflow_of_before_there_were_caption_weights_gets_the_widgets_default(desk: Desk, form: str) -> None:
    desk.load_api({"1": node("ResonanceComposePrompt", suffix="4k"), "2": node("PreviewAny", source=["1", 0])})
    if form == "saved":
        workflow = desk.page.evaluate("() => app.graph.serialize()")
        [saved] = (each for each in workflow["nodes"] if each["type"] == "ResonanceComposePrompt")
        values, named = saved["widgets_values"], saved.get("widgets_values_named", {})
        saved["inputs"] = [each for each in saved["inputs"] if each["name"] not in LATER]
        assert values[-len(LATER) :] == list(LATER.values())
        del values[-len(LATER) :]
        for name in LATER:
            named.pop(name, None)
        desk.load(workflow)
    sent: dict[str, Any] = desk.prompt()["1"]["inputs"]
    assert (sent["suffix"], sent["order"]) == ("4k", "preamble, tags, caption, suffix")
    assert {name: sent[name] for name in LATER} == LATER

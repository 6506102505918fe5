"""What nodes say: on them, whole, there again after a reload; gone after a failure."""

from typing import Any

import pytest
from host.comfy import Comfy, node
from host.graphs import pictures
from host.test_canvas import BOAT, SEA, layout
from host.test_taggers import graph as tagged
from playwright.sync_api import Browser, Locator, expect

from .conftest import OTHER_PAIR, PAIR, own_desk, pages
from .desk import Desk

WORDS = "a lighthouse on a cliff, " * 30


def composed(preamble: str, **more: Any) -> dict[str, Any]:
    return {
        "1": node("ResonanceComposePrompt", preamble=preamble, negative="blurry", **more),
        "2": node("PreviewAny", source=["1", 0]),
    }


def open_graph(desk: Desk, prompt: dict[str, Any]) -> None:
    desk.load_api(prompt)
    desk.page.evaluate("() => app.graph.nodes.forEach((node, i) => (node.pos = [80 + 420 * i, 80]))")
    desk.settle()


def said(desk: Desk, n: int = 0) -> Locator:
    return desk.page.locator(".resonance-said").nth(n)


def test_a_prompt_stands_on_the_node_whole_and_can_be_copied(desk: Desk) -> None:
    open_graph(desk, composed(WORDS))
    expect(said(desk)).to_have_count(0)
    desk.run()
    expect(said(desk)).to_have_value(f"{WORDS.strip(', ')}\n\nNegative: blurry")
    said(desk).click()
    desk.page.keyboard.press("Control+a")
    desk.page.keyboard.press("Control+c")
    assert desk.page.evaluate("() => navigator.clipboard.readText()").endswith("Negative: blurry")
    if desk.renderer == "classic":
        inside = "() => { const { pos, size } = app.graph.getNodeById(1); return [pos[1], pos[1] + size[1]] }"
        top, bottom = desk.page.evaluate(inside)
        box, page = said(desk).bounding_box(), desk.page.locator("canvas#graph-canvas").bounding_box()
        assert box and page and top < box["y"] - page["y"] and box["y"] - page["y"] + box["height"] < bottom
    assert "words" not in str(desk.prompt()["1"]["inputs"]), "what is said is no value"


def test_it_is_there_when_the_result_comes_from_the_cache_and_after_undo(desk: Desk) -> None:
    open_graph(desk, composed("a boat"))
    desk.run()
    expect(said(desk)).to_have_value("a boat\n\nNegative: blurry")
    desk.run()
    expect(said(desk)).to_have_value("a boat\n\nNegative: blurry")
    desk.page.evaluate("() => { app.graph.getNodeById(2).title = 'other'; return 0 }")
    desk.page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.captureCanvasState?.()")
    desk.undo()
    expect(said(desk)).to_have_value("a boat\n\nNegative: blurry")


@PAIR
def test_tags_say_what_they_were_made_with(desk: Desk) -> None:
    open_graph(desk, tagged("tiny-onnx", "red"))
    desk.run()
    found = desk.page.locator(".resonance-said").filter(has_text="").first
    expect(found).not_to_have_value("")
    lines = found.input_value().split("\n\n")
    assert lines[0] == "red" and lines[-1].startswith("tiny-onnx runs on CPU (onnx), ")


@pytest.mark.one_page
@PAIR
def test_after_a_reload_it_is_there_again(browser: Browser, comfy: Comfy, renderer: str) -> None:
    with own_desk(browser, comfy, renderer) as desk:
        open_graph(desk, composed("a reloaded boat"))
        desk.page.evaluate("() => { (app.rootGraph ?? app.graph).id = crypto.randomUUID() }")
        desk.run()
        expect(said(desk)).to_have_value("a reloaded boat\n\nNegative: blurry")
        desk.page.wait_for_timeout(1500)  # until the front end has put the workflow by
        desk.page.reload()
        desk.page.wait_for_function("window.app?.vueAppReady === true && !!window.app.extensionManager")
        expect(said(desk)).to_have_value("a reloaded boat\n\nNegative: blurry")


@PAIR
def test_a_failure_takes_away_what_was_said_and_stands_on_the_node(desk: Desk) -> None:
    graph = {
        "1": node("ResonanceCanvas", canvas_text=layout(SEA, BOAT)),
        "2": node("ResonanceComposePrompt", preamble="a boat", tags=["1", 3]),
        "3": node("PreviewAny", source=["2", 0]),
    }
    open_graph(desk, graph)
    desk.run()
    expect(desk.page.locator(".resonance-said")).to_have_count(2)
    desk.page.evaluate("() => { app.graph.getNodeById(1).widgets[0].value = 'hello, I am no canvas' }")
    desk.run()
    expect(said(desk, 0).or_(said(desk, 1)).first).to_be_attached()
    values = [box.input_value() for box in desk.page.locator(".resonance-said").all()]
    assert "" in values, "what Compose Prompt said before is gone"
    [problem] = filter(None, values)
    assert "canvas" in problem.lower()
    expect(desk.page.locator(".resonance-said.problem")).to_have_count(1)


@OTHER_PAIR
def test_inside_a_subgraph_it_is_said_too(desk: Desk) -> None:
    open_graph(desk, composed("a boat in a box"))
    desk.page.evaluate("() => { app.canvas.graph.convertToSubgraph(new Set([app.graph.getNodeById(1)])) }")
    desk.look()
    desk.run()
    enter = "() => app.canvas.openSubgraph([...app.rootGraph.subgraphs.values()].at(-1), app.graph.nodes.at(-1))"
    desk.page.evaluate(enter)
    desk.look()
    expect(said(desk)).to_have_value("a boat in a box\n\nNegative: blurry")


@pytest.mark.long
@pages("newer-nodes2")
def test_once_the_history_is_gone_the_ledger_tells_it(browser: Browser, comfy: Comfy, renderer: str) -> None:
    pictures(comfy, "told", "red")
    graph = {
        "1": node("ResonanceRoundInput", session="told", first_folder="told", rounds=1),
        "2": node("ResonanceComposePrompt", preamble="red, boat"),
        "3": node("ResonanceRoundWords", item=["1", 1], tags=["2", 0]),
        "4": node("ResonanceRoundOutput", images=["1", 0], item=["1", 1], words=["3", 0]),
    }
    with own_desk(browser, comfy, renderer) as desk:
        open_graph(desk, graph)
        desk.page.evaluate("() => { (app.rootGraph ?? app.graph).id = crypto.randomUUID() }")
        desk.run()
        expect(desk.page.locator(".resonance-said").filter(visible=True).last).to_be_attached()
        desk.page.wait_for_timeout(1500)
        comfy.post("/history", {"clear": True})
        desk.page.reload()
        desk.page.wait_for_function("window.app?.vueAppReady === true && !!window.app.extensionManager")
        expect(said(desk)).to_have_value("red, boat")

"""The canvas on Canvas Chat while a language model writes it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fake_llm import FakeLLM
from host.comfy import node
from host.test_canvas import ANSWER, BOAT, MOON, SEA, layout
from host.test_llm import connect
from playwright.sync_api import Browser, Locator, expect

from .conftest import ONCE, OTHER_PAIR, PAIR, own_desk
from .desk import Desk

pytestmark = pytest.mark.one_page

COUNT_DRAWS = """async () => {
    const picture = document.querySelector('.resonance-preview .picture')
    let draws = 0, frames = 0, going = true
    new MutationObserver(() => draws++).observe(picture, { childList: true, subtree: true })
    const frame = () => { frames++; if (going) requestAnimationFrame(frame) }
    requestAnimationFrame(frame)
    const region = i => ({ rect: [0, 10, 0, 1 + (i % 80)], prefixes: ['r' + i], suffixes: [] })
    for (let i = 0; i < 400; i++) {
        const detail = { node: '2', run: 'x', seq: i, delta: 'word ', regions: [region(0), region(i)] }
        window.comfyAPI.api.api.dispatchEvent(new CustomEvent('resonance.canvas', { detail }))
        if (i % 4 === 3) await new Promise(done => setTimeout(done, 10))
    }
    await new Promise(done => setTimeout(done, 100))
    going = false
    return [draws, frames, picture.querySelector('text').textContent]
}"""


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


def open_chat(desk: Desk, fake: FakeLLM, message: str, seed: int = 0) -> None:
    desk.load_api(chat(fake, message, seed))
    desk.page.evaluate("() => { app.graph.getNodeById(2).pos = [100, 140] }")
    expect(picture(desk)).to_have_count(1)


def chat(fake: FakeLLM, message: str, seed: int = 0) -> dict[str, Any]:
    return {
        "1": connect(fake.url + "/ok"),
        "2": node("ResonanceCanvasChat", llm=["1", 0], message=message, seed=seed),
        "3": node("PreviewAny", source=["2", 2]),
    }


def picture(desk: Desk) -> Locator:
    return desk.page.locator(".resonance-preview .picture")


def areas(desk: Desk) -> Locator:
    return picture(desk).locator(".area")


def start(desk: Desk) -> None:
    """Presses Run, and does not wait."""
    desk.page.evaluate("() => void app.queuePrompt(0)")


def live(desk: Desk) -> Locator:
    return desk.page.locator(".resonance-preview .picture.live")


def test_regions_appear_while_they_are_written(desk: Desk, fake: FakeLLM) -> None:
    fake.script, fake.pause = [(ANSWER, "stop")], 0.04
    open_chat(desk, fake, f"grow {desk.renderer}")
    start(desk)
    expect(live(desk)).to_have_count(1)
    expect(desk.page.locator(".resonance-preview .answer")).to_contain_text("detailed_descriptions")
    # Looked for in every frame: the second region follows a second later.
    desk.page.wait_for_function("() => document.querySelectorAll('.resonance-preview .picture .area').length === 1")
    expect(live(desk)).to_have_count(1)
    expect(areas(desk)).to_have_count(2)
    expect(live(desk)).to_have_count(0)
    expect(picture(desk)).to_have_accessible_name("Canvas, regions: 2. A boat, A moon")
    expect(desk.page.locator(".resonance-preview .answer")).to_be_empty()
    desk.comfy.idle()


@OTHER_PAIR
def test_the_layout_can_be_copied(desk: Desk, fake: FakeLLM) -> None:
    fake.script = [(layout(SEA, BOAT, MOON), "stop")]
    open_chat(desk, fake, f"copy {desk.renderer}")
    desk.run()
    desk.page.get_by_role("button", name="Copy canvas").click()
    copied = json.loads(desk.page.evaluate("() => navigator.clipboard.readText()"))
    assert [region["rect"] for region in copied] == [SEA["rect"], BOAT["rect"], MOON["rect"]]


@PAIR
def test_it_is_drawn_at_most_once_per_frame(desk: Desk, fake: FakeLLM) -> None:
    open_chat(desk, fake, "many")
    draws, frames, last = desk.page.evaluate(COUNT_DRAWS)
    assert 0 < draws <= frames and draws < 200
    assert last == "r399"


@pytest.mark.long
@ONCE  # what a page hears of a run does not depend on it
def test_a_cached_run_shows_the_canvas_again(desk: Desk, browser: Browser, fake: FakeLLM) -> None:
    fake.script = [(layout(SEA, BOAT, MOON), "stop")]
    open_chat(desk, fake, "cached")
    desk.run()
    expect(areas(desk)).to_have_count(2)
    with own_desk(browser, desk.comfy, desk.renderer) as other:  # knows nothing of the first
        other.page.wait_for_function("() => app.graph.nodes.length > 0")  # what ComfyUI itself opens with
        open_chat(other, fake, "cached")
        expect(other.page.get_by_text("The layout appears here while it is written.")).to_be_visible()
        expect(areas(other)).to_have_count(0)
        other.run()
        expect(areas(other)).to_have_count(2)
    assert len(fake.bodies) == 1


def test_it_is_still_there_after_a_look_at_another_workflow(desk: Desk, fake: FakeLLM) -> None:
    fake.script = [(layout(SEA, BOAT, MOON), "stop")]
    open_chat(desk, fake, f"tabs {desk.renderer}")
    desk.run()
    expect(areas(desk)).to_have_count(2)
    desk.command("Comfy.NewBlankWorkflow")
    expect(picture(desk)).to_have_count(0)
    desk.command("Workspace.PreviousOpenedWorkflow")
    expect(areas(desk)).to_have_count(2)


def test_an_error_ends_the_live_look(desk: Desk, fake: FakeLLM) -> None:
    fake.script, fake.pause = [(ANSWER[:300] * 4, "stop")], 0.03
    open_chat(desk, fake, f"broken {desk.renderer}")
    start(desk)
    expect(live(desk)).to_have_count(1)
    desk.page.evaluate("() => window.comfyAPI.api.api.interrupt(null)")
    expect(live(desk)).to_have_count(0)
    desk.comfy.idle()


def test_inside_a_subgraph_it_grows_while_another_level_is_shown(desk: Desk, fake: FakeLLM) -> None:
    fake.script, fake.pause = [(ANSWER, "stop")], 0.04
    open_chat(desk, fake, f"inside {desk.renderer}")
    desk.page.evaluate("() => { app.canvas.graph.convertToSubgraph(new Set([app.graph.getNodeById(2)])) }")
    desk.look()
    expect(picture(desk)).to_be_hidden()
    start(desk)
    desk.page.wait_for_function("() => [...app.rootGraph.subgraphs.values()][0].nodes.length === 1")
    desk.page.evaluate(
        "() => app.canvas.openSubgraph?.([...app.rootGraph.subgraphs.values()].at(-1), app.graph.nodes.at(-1))"
    )
    desk.look()
    expect(live(desk)).to_have_count(1)
    expect(areas(desk)).to_have_count(2)
    expect(live(desk)).to_have_count(0)
    desk.comfy.idle()


def test_the_instruction_shown_is_that_of_the_form(desk: Desk, fake: FakeLLM) -> None:
    open_chat(desk, fake, "form")
    form = "form => { const w = app.graph.getNodeById(2).widgets.find(w => w.name === 'answer_form'); w.value = form; w.callback(form) }"
    desk.page.evaluate(form, "omost program")
    assert "set_global_description" in desk.widget("system", 2)
    desk.page.evaluate(form, "json")
    assert "set_global_description" not in desk.widget("system", 2)
    desk.page.evaluate("() => { app.graph.getNodeById(2).widgets.find(w => w.name === 'system').value = 'mine' }")
    desk.page.evaluate(form, "omost program")
    assert desk.widget("system", 2) == "mine"

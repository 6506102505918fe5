"""Describe with Resonance: a right click on any node with a picture, its words in a panel, and what can be done with them."""

from typing import Any

import pytest
from fake_llm import FakeLLM
from host.comfy import Comfy, node
from host.graphs import items, pictures, quick
from PIL import Image
from places import PACK
from playwright.sync_api import Browser, Locator, expect

from .conftest import ONCE, OTHER_PAIR, PAIR, own_desk
from .desk import Desk
from .test_nodes import place, title

pytestmark = pytest.mark.leaves_traces

AXE = PACK / "js" / "node_modules" / "axe-core" / "axe.min.js"
DESCRIBE = "Describe with Resonance"
SETTING = "([id, value]) => app.extensionManager.setting.set(id, value)"


def choose(desk: Desk, **settings: str) -> None:
    for name, value in settings.items():
        desk.page.evaluate(SETTING, [f"Resonance.Describe.{name}", value])


def load_image(desk: Desk, folder: str, *colours: str) -> None:
    """A Load Image for each picture, on node 1 and so on."""
    pictures(desk.comfy, folder, *colours, size=(64, 64))
    names = [f"{folder}/{n}-{colour}.png" for n, colour in enumerate(colours, 1)]
    desk.load_api({str(n): node("LoadImage", image=name) for n, name in enumerate(names, 1)})
    place(desk, *range(1, len(names) + 1))
    desk.page.wait_for_function("n => Object.keys(app.nodeOutputs).length >= n", arg=len(names))


def right_click(desk: Desk, n: int = 1) -> Locator:
    """The menu's entry on a node. The panel that opens."""
    desk.page.mouse.click(*title(desk, n), button="right")
    desk.page.get_by_text(DESCRIBE, exact=True).and_(desk.page.locator(":not(.resonance-describe *)")).last.click()
    return desk.page.get_by_role("dialog", name=DESCRIBE).last


def ask(desk: Desk, n: int = 1, what: str = "Tags") -> Locator:
    panel = right_click(desk, n)
    panel.get_by_role("button", name=what, exact=True).click()
    return panel


def words(panel: Locator) -> Locator:
    return panel.get_by_label("Words of the picture")


def answers(panel: Locator, text: str) -> None:
    try:
        expect(words(panel)).to_have_value(text, timeout=20_000)
    except AssertionError as error:
        raise AssertionError(panel.inner_text()) from error


@pytest.fixture(autouse=True)
def nothing_is_open(desk: Desk) -> None:
    desk.page.evaluate("() => document.querySelector('.resonance-describes')?.replaceChildren()")
    choose(desk, Tagger="tiny-onnx", Model="last used", LastUsed="")


@pytest.mark.one_page
def test_tags_of_a_loaded_picture_are_copied_and_put_into_a_text_node(desk: Desk) -> None:
    load_image(desk, "described", "red")
    before = desk.prompt()
    panel = ask(desk)
    answers(panel, "red")
    expect(panel.get_by_role("status")).to_contain_text("tiny-onnx runs on CPU (onnx), ", timeout=20_000)
    panel.get_by_role("button", name="Copy", exact=True).click()
    expect(panel.get_by_role("status")).to_have_text("Copied.")
    assert desk.page.evaluate("() => navigator.clipboard.readText()") == "red"
    assert desk.prompt() == before, "the graph is as it was"
    panel.get_by_role("button", name="Put in", exact=True).press("Enter")
    expect(panel.get_by_role("status")).to_contain_text("Written into")
    text = "() => app.graph.nodes.filter(n => n.type === 'PrimitiveStringMultiline').map(n => [n.widgets[0].value, n.pos[0]])"
    [[value, x]] = desk.page.evaluate(text)
    assert value == "red" and x > desk.page.evaluate("() => app.graph.getNodeById(1).pos[0]")
    words(panel).fill("red, and more")
    panel.get_by_label("Where to put the words").select_option(index=1)
    panel.get_by_role("button", name="Put in", exact=True).click()
    assert [value for value, _ in desk.page.evaluate(text)] == ["red, and more"]
    panel.press("Escape")
    expect(panel).to_have_count(0)


@PAIR
def test_it_can_be_asked_of_saved_pictures_inside_subgraphs_and_of_what_only_the_page_has(desk: Desk) -> None:
    graph = {
        "31": node("EmptyImage", width=64, height=64, batch_size=2, color=0x0000FF),
        "32": node("SaveImage", images=["31", 0], filename_prefix="described"),
    }
    desk.load_api(graph)
    desk.page.evaluate("() => { app.canvas.graph.convertToSubgraph(new Set([app.graph.getNodeById(32)])) }")
    desk.run()
    desk.page.wait_for_function("() => Object.values(app.nodeOutputs).some(output => output?.images?.length === 2)")
    outer = desk.page.evaluate("() => app.graph.nodes.at(-1).id")
    place(desk, 31, outer)
    panel = right_click(desk, outer)
    expect(panel.get_by_role("status")).to_contain_text("several pictures")
    panel.get_by_label("Picture that is described").and_(desk.page.locator("select")).select_option(index=1)
    panel.get_by_role("button", name="Tags", exact=True).click()
    answers(panel, "blue")
    drawn = """() => {
        const sheet = Object.assign(document.createElement('canvas'), { width: 64, height: 64 })
        const pen = sheet.getContext('2d')
        pen.fillStyle = '#0f0'
        pen.fillRect(0, 0, 64, 64)
        app.graph.getNodeById(31).imgs = [Object.assign(new Image(), { src: sheet.toDataURL() })]
    }"""
    desk.page.evaluate(drawn)
    panel = ask(desk, 31)
    answers(panel, "green")
    assert list((desk.comfy.base / "temp").glob("described*.png"))
    broken = (
        "() => Object.defineProperty(app.graph.getNodeById(31).imgs[0], 'src', { value: 'data:image/png;base64,AAAA' })"
    )
    desk.page.evaluate(broken)
    panel = ask(desk, 31)
    expect(panel.get_by_role("alert")).to_contain_text("cannot be read")


@ONCE
def test_what_is_wrong_is_said_in_the_panel_once(desk: Desk) -> None:
    load_image(desk, "mistakes", "red")
    choose(desk, Tagger="joytag")
    panel = ask(desk)
    said = panel.get_by_role("alert")
    expect(said).to_contain_text("https://huggingface.co/fancyfeast/joytag")
    assert said.inner_text().count("huggingface") == 1 and "taggers" in said.inner_text()
    panel.get_by_role("button", name="Caption", exact=True).click()
    expect(said).to_contain_text("No language model has been used yet.")
    with FakeLLM() as fake:
        choose(desk, Model="server", Address=f"{fake.url}/error500")
        panel.get_by_role("button", name="Caption", exact=True).click()
        expect(said).to_contain_text("Failed to create bitmap", timeout=20_000)
    choose(desk, Tagger="tiny-onnx")
    Image.new("RGB", (64, 64)).save(desk.comfy.base / "outside.png")
    outside = "{ images: [{ filename: 'outside.png', subfolder: '..', type: 'output' }] }"
    desk.page.evaluate(f"() => {{ app.nodeOutputs[1] = {outside} }}")
    expect(ask(desk).get_by_role("alert")).to_have_text(
        "The picture is no longer there: its file was moved or deleted."
    )
    panel = desk.page.get_by_role("dialog", name=DESCRIBE).first
    said = panel.get_by_role("alert")
    (desk.comfy.base / "input" / "mistakes" / "1-red.png").unlink()
    panel.get_by_role("button", name="Tags", exact=True).click()
    expect(said).to_have_text("The picture is no longer there: its file was moved or deleted.")
    expect(desk.page.locator(".resonance-said")).to_have_count(0)
    assert desk.page.evaluate("() => app.extensionManager.toast?.messagesToAdd?.length ?? 0") == 0
    expect(desk.page.get_by_role("alert").filter(visible=True).filter(has_text="joytag")).to_have_count(0)


@pytest.mark.one_page
@OTHER_PAIR
def test_a_caption_comes_from_the_model_that_was_last_used(desk: Desk) -> None:
    with FakeLLM() as fake:
        load_image(desk, "captioned", "green")
        caption = desk.comfy.complete(
            {
                "7": node("ResonanceConnectLLM", address=f"{fake.url}/ok"),
                "8": node("EmptyImage", width=64, height=64, batch_size=1, color=0xFF0000),
                "9": node("ResonanceCaptionImages", llm=["7", 0], images=["8", 0]),
                "10": node("PreviewAny", source=["9", 0]),
            }
        )
        desk.comfy.run(caption)
        panel = ask(desk, what="Caption")
        answers(panel, "a green picture, seed 0")
        desk.comfy.post("/history", {"clear": True})
        desk.page.wait_for_function("() => app.extensionManager.setting.get('Resonance.Describe.LastUsed')")
        panel = right_click(desk)  # what was asked last is asked at once
        answers(panel, "a green picture, seed 0")


@ONCE
def test_it_waits_in_the_queue_and_is_stopped_there_or_at_work(desk: Desk) -> None:
    load_image(desk, "waiting", "red")
    slow = desk.comfy.queue(sleep(30))
    panel = ask(desk)
    expect(panel.get_by_role("status")).to_have_text("Waiting in the queue")
    desk.page.wait_for_function("async () => (await (await fetch('/queue')).json()).queue_pending.length === 1")
    [[_, _, waiting, *_]] = desk.comfy.get("/queue")["queue_pending"]
    assert {each["class_type"] for each in waiting.values()} == {
        "LoadImage",
        "ResonanceLoadTagger",
        "ResonanceTagImages",
        "PreviewAny",
    }
    expect(desk.page.get_by_text("2 active", exact=True)).to_be_visible()
    select(desk)  # the graph can be worked on meanwhile
    panel.get_by_role("button", name="Stop", exact=True).click()
    expect(panel.get_by_role("status")).to_have_text("Stopped.")
    desk.page.wait_for_function("async () => (await (await fetch('/queue')).json()).queue_pending.length === 0")
    panel.get_by_role("button", name="Tags", exact=True).click()
    desk.page.wait_for_function("async () => (await (await fetch('/queue')).json()).queue_pending.length === 1")
    desk.comfy.post("/queue", {"clear": True})
    desk.comfy.post("/interrupt", {"prompt_id": slow})
    expect(panel.get_by_role("status")).to_have_text("Stopped.")
    with FakeLLM() as fake:
        choose(desk, Model="server", Address=f"{fake.url}/slow")
        panel.get_by_role("button", name="Caption", exact=True).click()
        expect(panel.get_by_role("status")).not_to_have_text("Waiting in the queue")
        desk.page.wait_for_function("async () => (await (await fetch('/queue')).json()).queue_running.length === 1")
        while not any(path.endswith("chat/completions") for _, path, *_ in fake.seen):
            desk.page.wait_for_timeout(50)
        panel.get_by_role("button", name="Stop", exact=True).click()
        expect(panel.get_by_role("status")).to_have_text("Stopped.")
        desk.comfy.idle(3)
    [last] = desk.comfy.get("/history?max_items=1").values()
    assert last["status"]["messages"][-1][0] == "execution_interrupted"


def select(desk: Desk) -> None:
    desk.page.mouse.click(*title(desk))
    desk.settle()
    assert desk.page.evaluate("() => [...app.canvas.selectedItems].length") == 1


@ONCE
def test_beside_a_chain_of_rounds_neither_disturbs_the_other(desk: Desk) -> None:
    load_image(desk, "beside", "blue")
    pictures(desk.comfy, "chain", "red", "green")
    desk.comfy.queue(quick("beside", "chain", 3, {"wait": 0.3}))
    for _ in range(2):
        panel = ask(desk)
        answers(panel, "blue")
    desk.comfy.idle()
    assert [len(items(desk.comfy, "beside", n)) for n in (1, 2, 3)] == [2, 2, 2]
    assert {each["state"] for n in (1, 2, 3) for each in items(desk.comfy, "beside", n)} == {"done"}


@ONCE
@pytest.mark.skipif(not AXE.is_file(), reason="npm has not installed axe-core")
def test_axe_finds_nothing_in_the_panel(desk: Desk) -> None:
    load_image(desk, "axe", "red")
    panel = ask(desk)
    answers(panel, "red")
    if not desk.page.evaluate("() => 'axe' in window"):
        desk.page.add_script_tag(content=AXE.read_text())
    for palette in ("light", "dark"):
        desk.page.evaluate(SETTING, ["Comfy.ColorPalette", palette])
        found = desk.page.evaluate("async () => (await axe.run('.resonance-describe')).violations")
        assert [(one["id"], [part["html"] for part in one["nodes"]]) for one in found] == []


@pytest.mark.long
@ONCE
def test_a_key_asks_and_a_reload_takes_nothing_but_the_panel(browser: Browser, comfy: Comfy, renderer: str) -> None:
    with own_desk(browser, comfy, renderer) as desk:
        choose(desk, Tagger="tiny-onnx")
        load_image(desk, "reloaded", "red")
        select(desk)
        slow = comfy.queue(sleep(30))
        desk.page.keyboard.press("Control+Alt+w")
        panel = desk.page.get_by_role("dialog", name=DESCRIBE)
        expect(panel).to_be_focused()
        desk.page.wait_for_function("async () => (await (await fetch('/queue')).json()).queue_pending.length === 1")
        [[_, run, *_]] = comfy.get("/queue")["queue_pending"]
        desk.open()
        expect(panel).to_have_count(0)
        comfy.post("/interrupt", {"prompt_id": slow})
        assert comfy.wait(run)["outputs"]["show"]["text"] == ["red"]


def sleep(seconds: float) -> dict[str, Any]:
    return {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "2": node("ProbeSleep", image=["1", 0], seconds=seconds),
        "3": node("PreviewImage", images=["2", 0]),
    }

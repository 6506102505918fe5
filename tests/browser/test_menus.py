"""What the menus of nodes with a session offer."""

import pytest
from host.comfy import node
from host.graphs import pictures
from playwright.sync_api import expect

from .conftest import PAIR
from .desk import Desk
from .test_nodes import place, title

pytestmark = pytest.mark.leaves_traces


@PAIR
def test_the_menu_leads_to_the_gallery_and_to_a_new_session(desk: Desk) -> None:
    page, session = desk.page, f"menus {desk.renderer}"
    pictures(desk.comfy, session, "red")
    graph = {
        "1": node("ResonanceRoundInput", session=session, first_folder=session, rounds=1),
        "2": node("ResonanceRoundOutput", images=["1", 0], item=["1", 1]),
    }
    desk.load_api(graph)
    place(desk, 1, 2)
    desk.run()
    page.mouse.click(*title(desk, 1), button="right")
    page.get_by_text("Show in Rounds", exact=True).last.click()
    expect(page.locator(".resonance-gallery")).to_contain_text(session)
    expect(page.locator(".resonance-gallery img").first).to_be_visible()
    page.evaluate("() => app.extensionManager.sidebarTab.toggleSidebarTab('resonance.rounds')")
    desk.settle()
    page.mouse.click(*title(desk, 1), button="right")
    page.get_by_text("New session", exact=True).last.click()
    new = f"{session} 2"
    page.wait_for_function("name => app.graph.getNodeById(1).widgets[0].value === name", arg=new)
    assert desk.prompt()["1"]["inputs"]["session"] == new


@PAIR
def test_words_and_the_folder_are_copied(desk: Desk) -> None:
    page, session = desk.page, f"copied {desk.renderer}"
    pictures(desk.comfy, session, "red", size=(64, 64))
    graph = {
        "1": node("ResonanceRoundInput", session=session, first_folder=session, rounds=1),
        "2": node("ResonanceLoadTagger", model="tiny-onnx", engine="auto", device="auto", download=False),
        "3": node("ResonanceTagImages", tagger=["2", 0], images=["1", 0]),
        "4": node("ResonanceComposePrompt", preamble="a picture", tags=["3", 0]),
        "5": node("PreviewAny", source=["4", 0]),
        "6": node("ResonanceRoundOutput", images=["1", 0], item=["1", 1]),
    }
    desk.load_api(graph)
    page.evaluate("() => app.graph.nodes.forEach(node => (node.pos = [100, 3000]))")
    desk.run()
    expect(page.locator(".resonance-said").first).not_to_have_value("")
    for number, copied in ((3, "red"), (4, "a picture, red"), (5, "a picture, red")):
        page.evaluate("() => navigator.clipboard.writeText('')")
        place(desk, number)
        desk.look()
        page.mouse.click(*title(desk, number), button="right")
        page.get_by_text("Copy words", exact=True).last.click()
        page.wait_for_function("text => navigator.clipboard.readText().then(read => read === text)", arg=copied)
        page.evaluate("id => (app.graph.getNodeById(id).pos = [100, 3000])", number)
    place(desk, 6)
    desk.look()
    page.mouse.click(*title(desk, 6), button="right")
    page.get_by_text("Copy path of the session's folder", exact=True).last.click()
    folder = str(desk.comfy.base / "output" / session)
    page.wait_for_function("text => navigator.clipboard.readText().then(read => read === text)", arg=folder)
    expect(page.get_by_text(f"Copied: {folder}").last).to_be_visible()

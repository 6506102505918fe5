"""What the menus of nodes with a session offer."""

from host.comfy import node
from host.graphs import pictures
from playwright.sync_api import expect

from .conftest import PAIR
from .desk import Desk
from .test_nodes import place, title


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

"""The page Resonance of ComfyUI's settings, and what follows it."""

import json
from collections.abc import Iterator

import pytest
from host.comfy import Comfy, node
from places import PACK
from playwright.sync_api import Browser, Locator, expect

from .conftest import ONCE, PAIR, VIEW, open_desk
from .desk import Desk
from .editor import open_editor, region
from .gallery import Gallery
from .test_nodes import place, title

pytestmark = pytest.mark.leaves_traces

DEFAULTS = {
    "Resonance.Describe.Tagger": "automatic",
    "Resonance.Describe.Model": "last used",
    "Resonance.Describe.Projector": "none",
    "Resonance.Describe.Address": "http://127.0.0.1:8080",
    "Resonance.Gallery.Thumbnails": 96,
    "Resonance.Canvas.Snap": True,
}


@pytest.fixture(autouse=True)
def as_they_were(desk: Desk) -> Iterator[None]:
    yield
    for name, value in DEFAULTS.items():
        desk.page.evaluate("([id, value]) => app.extensionManager.setting.set(id, value)", [name, value])


def open_settings(desk: Desk, page: str = "Resonance") -> Locator:
    desk.page.keyboard.press("Control+,")
    desk.page.get_by_role("dialog").filter(visible=True).get_by_text(page, exact=True).first.click()
    settings = desk.page.get_by_role("dialog").filter(visible=True).last
    expect(settings.locator("[data-setting-id^='Resonance.']")).to_have_count(len(DEFAULTS))
    return settings


def close_settings(desk: Desk) -> None:
    desk.page.evaluate("() => document.activeElement.blur()")  # older lists of choices keep Escape to themselves
    for _ in range(3):  # a list that is closing takes one for itself
        desk.page.keyboard.press("Escape")
        desk.page.wait_for_timeout(300)
        if not desk.page.locator("[data-setting-id]").count():
            break
    expect(desk.page.locator("[data-setting-id]")).to_have_count(0)


def setting(desk: Desk, name: str) -> object:
    return desk.page.evaluate("id => app.extensionManager.setting.get(id)", f"Resonance.{name}")


def row(settings: Locator, name: str) -> Locator:
    return settings.locator(f"[data-setting-id='Resonance.{name}']")


@PAIR
def test_what_is_chosen_is_what_new_nodes_start_with_and_no_saved_one(desk: Desk) -> None:
    page = desk.page
    saved = {"1": node("ResonanceLoadTagger", model="tiny-torch", engine="auto", device="auto", download=False)}
    settings = open_settings(desk)
    row(settings, "Describe.Tagger").get_by_role("combobox").click()
    page.get_by_role("option", name="tiny-onnx", exact=True).click()
    address = row(settings, "Describe.Address").get_by_role("textbox")
    address.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("http://127.0.0.1:9999")
    page.keyboard.press("Tab")
    page.wait_for_function(
        "id => app.extensionManager.setting.get(id).endsWith('9999')", arg="Resonance.Describe.Address"
    )
    box = row(settings, "Describe.Model").get_by_role("combobox")
    box.focus()
    box.press("ArrowDown")
    page.get_by_role("option", name="the server at the address below", exact=True).click()
    page.wait_for_function("id => app.extensionManager.setting.get(id) === 'server'", arg="Resonance.Describe.Model")
    assert setting(desk, "Describe.Tagger") == "tiny-onnx"
    close_settings(desk)
    desk.load_api(saved)
    start = """type => {
        const node = LiteGraph.createNode(type)
        app.graph.add(node)
        return node.widgets[0].value
    }"""
    starts = [page.evaluate(start, type_) for type_ in ("ResonanceLoadTagger", "ResonanceConnectLLM")]
    assert starts == ["tiny-onnx", "http://127.0.0.1:9999"]
    assert desk.widget("model") == "tiny-torch"
    page.evaluate("() => app.loadGraphData(app.graph.serialize(), true, true, 'test')")
    assert desk.widget("model") == "tiny-torch"


@ONCE
def test_the_gallery_keeps_its_size_and_the_editor_opens_as_it_is_set(desk: Desk, gallery: Gallery) -> None:
    settings = open_settings(desk)
    switch = row(settings, "Canvas.Snap").get_by_role("switch")
    switch.press("Space")
    expect(switch).not_to_be_checked()
    close_settings(desk)
    editor = open_editor(desk, region([10, 40, 10, 40], "a pond"))
    expect(editor.dialog.get_by_role("checkbox", name="Snap to 5 cells")).not_to_be_checked()
    editor.press("Escape")
    gallery.make("kept size", 1, 1)
    slider = gallery.root.get_by_role("slider", name="Size of the thumbnails")
    slider.press("End")
    desk.page.wait_for_function(
        "id => app.extensionManager.setting.get(id) === 192", arg="Resonance.Gallery.Thumbnails"
    )
    gallery.button.click()
    gallery.open("kept size")
    expect(slider).to_have_value("192")


@pytest.mark.one_page
@pytest.mark.parametrize("renderer", ["nodes2"], indirect=True)
def test_the_page_the_menus_and_the_panel_are_chinese(browser: Browser, comfy: Comfy, renderer: str) -> None:
    context = browser.new_context(viewport=VIEW)
    desk = open_desk(context, comfy, renderer, **{"Comfy.Locale": "zh"})
    settings = open_settings(desk)
    texts = json.loads((PACK / "locales" / "zh" / "settings.json").read_text(encoding="utf-8"))
    for each in texts.values():
        expect(settings.get_by_text(each["name"], exact=True).first).to_be_visible()
    expect(settings).to_contain_text("描述图像")
    close_settings(desk)
    desk.load_api({"1": node("ResonanceRoundInput"), "2": node("LoadImage", image="example.png")})
    place(desk, 1, 2)
    main = json.loads((PACK / "locales" / "zh" / "main.json").read_text(encoding="utf-8"))["resonance"]
    desk.page.mouse.click(*title(desk, 1), button="right")
    for key in ("show_rounds", "new_session", "copy_folder"):
        expect(desk.page.get_by_text(main["node"][key], exact=True)).to_be_visible()
    desk.page.keyboard.press("Escape")
    desk.page.mouse.click(*title(desk, 2), button="right")
    desk.page.get_by_text(main["describe"]["title"], exact=True).last.click()
    panel = desk.page.get_by_role("dialog", name=main["describe"]["title"])
    for key in ("tags", "caption", "copy", "put"):
        expect(panel.get_by_role("button", name=main["describe"][key], exact=True)).to_be_visible()
    desk.check()
    context.close()
    comfy.post("/api/settings", {"Comfy.Locale": "en"})

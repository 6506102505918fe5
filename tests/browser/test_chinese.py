"""The browser part in Simplified Chinese."""

import json
from collections.abc import Iterator

import pytest
from host.comfy import Comfy
from places import PACK
from playwright.sync_api import Browser, expect

from .conftest import VIEW, open_desk
from .desk import Desk
from .editor import open_editor, region

TEXTS = json.loads((PACK / "locales" / "zh" / "main.json").read_text(encoding="utf-8"))["resonance"]
SEEN = """root => [root.innerText, ...[...root.querySelectorAll('*')].flatMap(
    e => [e.title, e.ariaLabel, e.placeholder].filter(text => typeof text === 'string'))].join('\\n')"""


@pytest.fixture
def desk(browser: Browser, comfy: Comfy, renderer: str) -> Iterator[Desk]:
    context = browser.new_context(viewport=VIEW)
    desk = open_desk(context, comfy, renderer, **{"Comfy.Locale": "zh"})
    yield desk
    desk.check()
    context.close()
    comfy.post("/api/settings", {"Comfy.Locale": "en"})


@pytest.mark.one_page
@pytest.mark.parametrize("renderer", ["nodes2"], indirect=True)  # which language it is, the front end says
def test_editor_and_gallery_speak_chinese(desk: Desk) -> None:
    editor = open_editor(desk, region([10, 40, 10, 40], "a pond"))
    expect(editor.button(TEXTS["editor"]["save"])).to_be_visible()
    english = ("Save", "Cancel", "Weight", "Details", "Import", "Background", "New region", "form.", "editor.")
    assert [word for word in english if word in editor.dialog.evaluate(SEEN)] == []
    editor.press("Escape")
    desk.page.get_by_role("button", name=TEXTS["gallery"]["title"], exact=True).click()
    gallery = desk.page.locator(".resonance-gallery")
    expect(gallery).to_be_visible()
    assert [word for word in ("Session", "Round", "Lineage", "gallery.") if word in gallery.evaluate(SEEN)] == []

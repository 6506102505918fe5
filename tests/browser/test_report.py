"""The page of a session, opened from the disk. Needs no ComfyUI."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gallery_session import MARKUP, make_session
from places import PACK
from playwright.sync_api import Browser, Page

from resonance.gallery import page as reports

AXE = PACK / "js" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 740}}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("report")
    folder = make_session(base / "output", "holiday", rounds=5, lineages=4, failed=1, pending=1, hostile=True)
    reports.write(folder, folder / "report.html", {"input": base / "input", "output": base / "output"})
    return folder / "report.html"


@pytest.fixture(params=[("light", "desktop"), ("dark", "phone")], ids="-".join)
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How a context shows the page: each scheme, and each size."""
    scheme, size = request.param
    return {"color_scheme": scheme, "viewport": SIZES[size]}


@pytest.fixture
def opened(browser: Browser, report: Path, look: dict[str, Any]) -> Iterator[Page]:
    """The page; nothing but itself is asked for, and nothing goes wrong."""
    context = browser.new_context(**look)
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.goto(report.as_uri())
    yield page
    assert [url for url in asked if not url.startswith("data:image/webp;base64,")] == [report.as_uri()]
    assert faults == []
    context.close()


def test_the_page_shows_pictures_and_fits_the_window(opened: Page, look: dict[str, Any]) -> None:
    for row in opened.locator(".row").all():
        row.scroll_into_view_if_needed()
    images = opened.locator("img")
    assert images.count() == 6 + 6 + 5 + 5
    opened.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth === 96)")
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    light = opened.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(part => part > 128)")
    assert light == (look["color_scheme"] == "light")
    assert opened.locator("h2").first.text_content() == MARKUP


def test_rows_are_scrolled_with_the_keyboard(opened: Page) -> None:
    strip = opened.get_by_role("list", name="Pictures of X0001, from left to right")
    strip.focus()
    assert strip.evaluate("strip => strip === document.activeElement")
    for _ in range(3):
        opened.keyboard.press("ArrowRight")
    opened.wait_for_function("strip => strip.scrollLeft > 0", arg=strip.element_handle())


@pytest.mark.skipif(not AXE.is_file(), reason="npm has not installed axe-core")
def test_axe_finds_nothing(browser: Browser, report: Path, look: dict[str, Any]) -> None:
    context = browser.new_context(**look, bypass_csp=True)
    page = context.new_page()
    page.goto(report.as_uri())
    page.add_style_tag(content=".row { content-visibility: visible !important }")
    page.add_script_tag(content=AXE.read_text())
    violations = page.evaluate("async () => (await axe.run(document)).violations")
    assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
    context.close()

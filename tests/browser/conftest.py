"""A real browser on a real ComfyUI: in both renderers, on the front end that ComfyUI pins and on a newer one."""

import os
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from host.comfy import Comfy
from host.conftest import families, models, server  # noqa: F401
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from .desk import Desk
from .gallery import Gallery

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NEWER = Path(sys.prefix) / "frontend" / "comfyui_frontend_package" / "static"
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Graph.CanvasInfo": False,
    "Comfy.Minimap.Visible": False,
    "Comfy.Locale": "en",
}
VIEW = {"width": 1280, "height": 720}


def pages(*which: str) -> pytest.MarkDecorator:
    """On these pages alone, named as in the ids of tests."""
    return pytest.mark.parametrize(("comfy", "renderer"), [name.split("-") for name in which], ids=which, indirect=True)


ONCE = pages("newer-nodes2")
"""For tests inside a dialog or a tab of ours: it is the same one on every front end, in either renderer."""
PAIRS = ("pinned-classic", "newer-nodes2"), ("pinned-nodes2", "newer-classic")
PAIR, OTHER_PAIR = (pages(*pair) for pair in PAIRS)
"""For what is ours but asked for in a node: both renderers and both front ends, where other tests do the same on all four pages."""


def in_pairs(name: str, *values: str) -> pytest.MarkDecorator:
    """Each value of a parameter on one of the pairs, in turn."""
    params = [
        pytest.param(value, *page.split("-"), id=f"{page}-{value}")
        for i, value in enumerate(values)
        for page in PAIRS[i % 2]
    ]
    return pytest.mark.parametrize((name, "comfy", "renderer"), params, indirect=["comfy", "renderer"])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is tested on all four pages runs on one pair of them in the suite, in turn, and on the other in `nox -s long`; what is
    marked `one_page`, of which there are many cases that differ little or that takes long, on one page in the suite."""
    cases: defaultdict[str, dict[str, pytest.Item]] = defaultdict(dict)
    for item in items:
        if found := re.search(r"\b(pinned|newer)-(classic|nodes2)\b", item.nodeid):
            cases[item.nodeid.replace(found[0], "")][found[0]] = item
    for turn, pages in enumerate(pages for pages in cases.values() if len(pages) == 4):
        for page in PAIRS[turn % 2]:
            pages.pop(page).add_marker(pytest.mark.long)
    alone = [[*pages.values()] for pages in cases.values() if len(pages) == 2]
    for turn, pages in enumerate(pages for pages in alone if pages[0].get_closest_marker("one_page")):
        pages[turn % 2].add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        assert os.environ.get("RESONANCE_REQUIRE_BROWSER") != "1", "no chromium on PATH"
        pytest.skip("no chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=["pinned", "newer"])
def comfy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:  # noqa: F811
    """One server for each front end."""
    args: tuple[str, ...] = ()
    if request.param == "newer":
        if not NEWER.is_dir():
            assert os.environ.get("RESONANCE_REQUIRE_BROWSER") != "1", f"no {NEWER}"
            pytest.skip("the newer front end is not installed: `nox -s test` does that")
        args = ("--front-end-root", str(NEWER))
    with server(tmp_path_factory.mktemp("comfy"), models, "probe", "small_clip", args=args) as comfy:
        yield comfy


@pytest.fixture(scope="session", params=["classic", "nodes2"])
def renderer(request: pytest.FixtureRequest) -> str:
    return request.param


def open_desk(context: BrowserContext, comfy: Comfy, renderer: str, **settings: object) -> Desk:
    """ComfyUI's page, ready for use."""
    comfy.post("/api/settings", {**SETTINGS, "Comfy.VueNodes.Enabled": renderer == "nodes2", **settings})
    desk = Desk(context.new_page(), comfy, renderer)
    desk.open()
    return desk


def allowed_desk(browser: Browser, comfy: Comfy, renderer: str) -> Iterator[Desk]:
    """A page that may use the clipboard."""
    context = browser.new_context(viewport=VIEW)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield open_desk(context, comfy, renderer)
    context.close()


shared_desk = pytest.fixture(allowed_desk, scope="session", name="shared_desk")
traced_desk = pytest.fixture(allowed_desk, scope="session", name="traced_desk")


@pytest.fixture
def desk(comfy: Comfy, renderer: str, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """The page with an empty graph. It is shared: opening it takes longer than most tests. Those marked `leaves_traces` (settings, panels
    and values that the front end keeps for nodes of the same id) share another."""
    traces = request.node.get_closest_marker("leaves_traces")
    shared: Desk = request.getfixturevalue("traced_desk" if traces else "shared_desk")
    shared.clear()
    yield shared
    shared.check()


@contextmanager
def own_desk(browser: Browser, comfy: Comfy, renderer: str) -> Iterator[Desk]:
    context = browser.new_context(viewport=VIEW)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk = open_desk(context, comfy, renderer)
    yield desk
    desk.check()
    context.close()


@pytest.fixture
def new_desk(browser: Browser, comfy: Comfy, renderer: str) -> Iterator[Desk]:
    """A page of the test's own."""
    with own_desk(browser, comfy, renderer) as desk:
        yield desk


@pytest.fixture
def gallery(desk: Desk) -> Iterator[Gallery]:
    gallery = Gallery(desk)
    yield gallery
    for dialog in ("dialog.resonance-large", "dialog.resonance-frame"):
        desk.page.evaluate("name => document.querySelector(name)?.close()", dialog)
    if gallery.root.count():
        gallery.button.click()
        expect(gallery.root).to_have_count(0)

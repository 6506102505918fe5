import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

# A shell that starts the tests in the background makes them, and all that they start, deaf to Ctrl-C, which some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before torch is imported: on a busy machine the threads of one operation wait for each other longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent))

from host import forks  # noqa: E402
from host.comfy import Comfy, find_comfyui  # noqa: E402

Comfy.forked = forks.POSSIBLE
pytest_plugins = ("budget",)


LONG = Path(__file__).with_name("long.txt")
"""Cases that `nox -s long` runs only: of tests that have others every day, and tests that take long for what they tell."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    listed = set(LONG.read_text("utf-8").splitlines())
    for item in items:
        if item.nodeid in listed:
            item.add_marker(pytest.mark.long)
    if not any("::" in each for each in config.args):
        there, files = {item.nodeid for item in items}, {item.nodeid.split("::")[0] for item in items}
        if gone := sorted(case for case in listed - there if case.split("::")[0] in files):
            raise pytest.UsageError(f"{LONG.name} lists what is not there: {gone[0]}")
    # The longest first, so that two workers end together. Playwright leaves an event loop running in its process, in which
    # asyncio.run() works no more.
    from budget import Budget  # pytest imports it first, as a plugin

    pages = Counter(together(item.nodeid) for item in items if "browser" in item.path.parts)
    seconds = {**pages, **Budget.read().files}  # a test in the browser takes about one

    def order(item: pytest.Item) -> tuple[bool, float, str]:
        browser, group = "browser" in item.path.parts, together(item.nodeid)
        return browser, -seconds.get(group, 0), group if browser else ""

    items.sort(key=order)
    if find_comfyui() or os.environ.get("RESONANCE_REQUIRE_COMFYUI") == "1":
        return
    skip = pytest.mark.skip(reason="no ComfyUI in COMFYUI_PATH, the folder above, or ~/comfy/ComfyUI")
    for item in items:
        if {"host", "browser"} & set(item.path.parts):
            item.add_marker(skip)


def together(nodeid: str) -> str:
    """What shares a server with this test: its file, or in the browser all that runs on its front end and renderer."""
    page = re.search(r"^tests/browser/.*\b((?:pinned|newer)(?:-classic|-nodes2)?)\b", nodeid)
    return page[1] if page else nodeid.split("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class ByServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False  # else those with most tests come first: those of the browser
    return ByServer(config, log)


@pytest.fixture
def every_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of language models are looked at each time they have grown."""
    monkeypatch.setattr("resonance.llm.chat.EVERY", 0)

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from host.comfy import find_comfyui  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_comfyui() or os.environ.get("RESONANCE_REQUIRE_COMFYUI") == "1":
        return
    skip = pytest.mark.skip(reason="no ComfyUI in COMFYUI_PATH, the folder above, or ~/comfy/ComfyUI")
    for item in items:
        if {"host", "browser"} & set(item.path.parts):
            item.add_marker(skip)

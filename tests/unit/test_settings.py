"""Settings: a node and a command that offer the same thing say the same of it."""

import json
from typing import Any

import pytest
from places import PACK

from .cli_options import options
from .shared_settings import SHARED, Shared

DEFS: dict[str, Any] = json.loads((PACK / "locales" / "en" / "nodeDefs.json").read_text("utf-8"))


@pytest.mark.parametrize("shared", SHARED, ids=lambda each: f"{each.node} {each.command} {each.option}")
def test_node_and_command_say_the_same(shared: Shared):
    setting = shared.setting
    [option] = [each for each in options(shared.command) if shared.option in each.names]
    assert DEFS[shared.node]["inputs"][setting.name]["tooltip"] == option.info.help == setting.tip
    assert option.default == setting.default
    assert (option.info.min, option.info.max) == (setting.low, setting.high)
    assert option.choices == setting.choices

"""Inputs of nodes, from the library's settings."""

from typing import Any

from comfy_api.v0_0_2 import io

from ..resonance.settings import Setting


def input_of(setting: Setting[Any], **more: Any) -> io.Input:
    """The input that sets this.

    Args:
        more: what only a node has, such as ``multiline`` or ``advanced``; goes before what the setting says.
    """
    folded = {"advanced": True} if setting.advanced else {}
    shared = {"id": setting.name, "default": setting.default, "tooltip": setting.tip, **folded, **more}
    if setting.choices:
        return io.Combo.Input(options=list(setting.choices), **shared)
    match setting.default:
        case bool():
            return io.Boolean.Input(**shared)
        case int():
            return io.Int.Input(min=setting.low, max=setting.high, step=setting.step, **shared)
        case float():
            return io.Float.Input(min=setting.low, max=setting.high, step=setting.step, **shared)
        case _:
            return io.String.Input(**shared)

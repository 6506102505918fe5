"""Inputs of nodes, from the library's settings, and what dynamic combos bring."""

from collections.abc import Iterable
from typing import Any

from comfy_api.v0_0_2 import io

from ..resonance.files.lookup import meant
from ..resonance.settings import Setting
from ..resonance.told import Told

Choice = dict[str, Any]
"""What a dynamic combo brings: the option that was chosen, under the combo's name, and the values of its inputs."""


class Files(list[str]):
    """Options that name files. ComfyUI looks whether a value is among them: one is if it names any file that is there, also with
    another system's slashes."""

    def __init__(self, options: Iterable[str], there: Iterable[str] = ()):
        super().__init__(options)
        self.there = [*there]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and meant(name, [*self, *self.there]) is not None


def input_of(setting: Setting[Any], **more: Any) -> io.Input:
    """The input that sets this.

    Args:
        more: what only a node has, such as ``multiline`` or ``advanced``; goes before what the setting says.
    """
    folded = {"advanced": True} if setting.advanced else {}
    shared: dict[str, Any] = {"id": setting.name, "default": setting.default, "tooltip": setting.tip, **folded, **more}
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


def chosen(choice: Choice | None, name: str, options: Iterable[str]) -> Choice:
    """What a dynamic combo brings.

    Raises:
        Told: ComfyUI was given none of the options; it then passes nothing.
    """
    if choice is None:
        raise Told(f"{name} must be one of {', '.join(options)}.")
    return choice

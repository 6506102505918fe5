"""Inputs of nodes, from the library's settings, and what dynamic combos bring."""

from collections.abc import Iterable
from typing import Any

from comfy_api.v0_0_2 import io

from ..resonance.files.lookup import meant
from ..resonance.settings import Setting
from ..resonance.told import Told
from . import types

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


class ToldFiles(list[str]):
    """Options that name files, in a dynamic combo, whose inputs no ``validate_inputs`` can name: ComfyUI lets every text through, and the
    node says where a file is missing."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


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


def plan_and_after() -> list[io.Input]:
    """Inputs of every node that hands out items."""
    return [
        types.Plan.Input(
            "plan", optional=True, tooltip="Model Roulette: which checkpoint and LoRAs each picture gets."
        ),
        io.AnyType.Input("after", optional=True, tooltip="Anything that must be ready before a picture is claimed."),
    ]


def pasted_item(more: str = "") -> io.Input:
    """The input of every node that hands out items by which one is made again.

    Args:
        more: what else is to be said of it.
    """
    return io.String.Input(
        "item",
        default="",
        multiline=True,
        optional=True,
        advanced=True,
        tooltip="Paste the `resonance` text of a saved picture to make it again. Then no session is opened, nothing is claimed, and"
        f" the result goes to the temporary folder.{more}",
    )


def chosen(choice: Choice | None, name: str, options: Iterable[str]) -> Choice:
    """What a dynamic combo brings.

    Raises:
        Told: ComfyUI was given none of the options; it then passes nothing.
    """
    if choice is None:
        raise Told(f"{name} must be one of {', '.join(options)}.")
    return choice

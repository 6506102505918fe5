"""What links bring: a value that an input does not take is told in a sentence before the node has it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, SupportsFloat, cast

import torch
from comfy_api.v0_0_2 import io

from ..resonance import images
from ..resonance.attention.parts import Part
from ..resonance.canvas.canvas import Canvas, Lora
from ..resonance.interpret.taggers.engine import Tagger
from ..resonance.llm.conversation import Conversation
from ..resonance.reference.reference import Reference
from ..resonance.roulette import Plan
from ..resonance.session.item import Item
from ..resonance.told import Told
from ..resonance.vary.transform import Transform

Check = Callable[[Any], None]
"""Raises Told if a value is none of its type."""

ANYTHING = {"*", "COMFY_MATCHTYPE_V3"}
"""Types of inputs to which None is a value like any other."""


@cache
def checked(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """The node as it is registered: it is called when every input has what it takes, and without what is None and optional."""
    schema = cache(node.define_schema)
    run = cast(Any, node.execute).__func__

    def execute(cls: type[io.ComfyNode], **given: Any) -> io.NodeOutput:
        declared = schema()
        return run(cls, **fitting(declared.inputs, given, declared.is_input_list))

    return type(node.__name__, (node,), {"execute": classmethod(execute), "__module__": node.__module__})


def fitting(
    inputs: Sequence[io.Input], given: Mapping[str, Any], lists: bool = False, before: str = ""
) -> dict[str, Any]:
    """What a node is called with.

    Args:
        lists: every input has a list of values.
        before: stands before the names.

    Raises:
        Told: a value is none that its input takes. It names the input.
    """
    declared = {each.id: each for each in inputs}
    found: dict[str, Any] = {}
    for name, value in given.items():
        input_ = declared.get(name)
        if isinstance(input_, io.DynamicCombo.Input) and value:
            [chosen] = (option for option in input_.options if option.key == value[name])
            found[name] = fitting(chosen.inputs, value, before=f"{before}{name}.")
        elif input_ is None or isinstance(input_, io.DynamicCombo.Input):
            found[name] = value
        elif not (input_.optional and _is_nothing(value, lists)):
            values = _pictured(input_, value) if lists else [value]
            for each in values or [None]:
                _look(input_, each, f"{before}{name}")
            found[name] = values if lists else value
    return found


def _is_nothing(value: Any, lists: bool) -> bool:
    return all(each is None for each in value) if lists else value is None


def _pictured(input_: io.Input, values: list[Any]) -> list[Any]:
    """A list of pictures without its empty batches, unless there is nothing else in it; any other list as it is."""
    if input_.get_io_type() != "IMAGE":
        return values
    return [each for each in values if not (isinstance(each, torch.Tensor) and 0 in each.shape)] or values


def _look(input_: io.Input, value: Any, name: str) -> None:
    kinds = input_.get_io_type().split(",")
    if value is None and not ANYTHING.intersection(kinds):
        raise Told(f"{name}: nothing came (None). Look at the node that is connected there, or disconnect it.")
    wrong: list[Told] = []
    for kind in kinds:
        try:
            return CHECKS.get(kind, lambda value: None)(value)
        except Told as error:
            wrong.append(error)
    raise Told(f"{name}: {wrong[0]}")


def _of(what: str, *kinds: type) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, kinds):
            _refuse(what, value)

    return check


def _refuse(what: str, value: Any) -> None:
    raise Told(f"Expected {what}, got {type(value).__name__}.")


def _image(value: Any) -> None:
    _of("pictures (IMAGE)", torch.Tensor)(value)
    images.check(value)


def _mask(value: Any) -> None:
    _of("masks (MASK)", torch.Tensor)(value)
    shape = list(value.shape)
    if 0 in shape or len(shape) not in (2, 3) and (len(shape) != 4 or shape[1] != 1):
        raise Told(f"Expected masks [B, H, W], got the shape {shape}.")


def _conditioning(value: Any) -> None:
    match value:
        case [*entries] if all(isinstance(entry, list | tuple) for entry in entries):
            pass
        case _:
            _refuse("a conditioning", value)


def _llm(value: Any) -> None:
    if not callable(getattr(value, "chat", None)):
        _refuse("a language model from Load LLM, Connect LLM or Core LLM", value)


def _several(what: str, kind: type) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, tuple) or not all(isinstance(each, kind) for each in cast(tuple[Any, ...], value)):
            _refuse(what, value)

    return check


_text, _number = _of("text", str), _of("a number", SupportsFloat)
_canvas, _conversation = _of("a canvas", Canvas), _of("a conversation from Canvas Chat", Conversation)

CHECKS: dict[str, Check] = {
    "STRING": _text,
    "COMBO": _text,
    "INT": _number,
    "FLOAT": _number,
    "IMAGE": _image,
    "MASK": _mask,
    "CONDITIONING": _conditioning,
    "RESONANCE_TAGGER": _of("a tagger from Load Tagger", Tagger),
    "RESONANCE_LLM": _llm,
    "RESONANCE_PLAN": _of("a plan from Model Roulette", Plan),
    "RESONANCE_ITEM": _of("an item from Round Input, Explore or Prompt Lines", Item),
    "RESONANCE_CANVAS": _canvas,
    "RESONANCE_CONVERSATION": _conversation,
    "RESONANCE_REGIONS": _several("regions from Region from Conditioning or Regions from Mask", Part),
    "RESONANCE_REFERENCE": _of("what pictures are looked at with, from Reference Picture", Reference),
    "RESONANCE_LORAS": _several("LoRAs from LoRA Stack", Lora),
    "RESONANCE_TRANSFORM": _of("a transform from Transform", Transform),
    "OMOST_LLM": _llm,
    "OMOST_CONVERSATION": _conversation,
    "OMOST_CANVAS_CONDITIONING": _canvas,
}

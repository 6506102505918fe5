"""What a picture file says it was made from, whoever made it: Resonance, kohya's scripts, A1111's web UI or ComfyUI.

Nothing of it is trusted, and whatever it is, reading it takes a time that is proportional to its size.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from ..files import formats
from ..graph import Graph, is_graph
from ..llm.chat import sound
from ..session.item import Item
from ..session.payloads import Exploration, PromptLine
from ..sizes import Size
from ..told import Told
from ..vary.grid import split
from . import a1111, kohya_samplers
from .dynamic import LONGEST
from .how import sampled_with

Form = Literal["Resonance", "kohya", "A1111", "ComfyUI"]

LONGEST_ITEM = 1 << 20
"""Characters of an item's text."""
LONGEST_GRAPH = 1 << 22
"""Those of a graph in API form."""
LONGEST_NAME = 100
"""Those of a sampler's name."""
SAMPLERS, STEPS = 50, 100
"""Of a graph that is looked into: its samplers, and nodes between one of them and the words that it is given."""

_WHOLE = re.compile(r"[0-9]{1,20}")
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,40})?")
_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>]*>")
_SIDES = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
_WORDS = ("text", "prompt", "text_g", "clip_l", "t5xxl")
"""Inputs of nodes that encode words."""
_VALUES = ("value", "text", "string")
"""Inputs of nodes that hand on a text which is written in them."""


@dataclass(frozen=True, kw_only=True)
class ReadBack:
    """What a picture was made from; None: it does not say.

    Attributes:
        form: who has written that.
        prompt, negative: as they are written; no choice in them is open, and nothing stands for a file.
        sampler, scheduler: ComfyUI's names, where they have one.
    """

    form: Form
    prompt: str
    negative: str = ""
    seed: int | None = None
    steps: int | None = None
    scale: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    size: Size | None = None


def read_back(path: Path) -> ReadBack:
    """What made a picture. Its pixels are not read, except by the plugin for JPEG XL.

    Raises:
        Told: it is no picture that can be read, or carries no prompt.
    """
    if found := read_texts(formats.read_texts(path)):
        return found
    raise Told(
        f"{path.name} carries no prompt: neither Resonance, kohya's scripts nor A1111's web UI have written one into it, and it has no graph of"
        " ComfyUI with one prompt."
    )


def read_texts(texts: Mapping[str, str]) -> ReadBack | None:
    """The same of the texts in a picture; None: there is no prompt in them, or one of more than :data:`.dynamic.LONGEST` characters."""
    for read in _READERS:
        found = read(texts)
        if found and 0 < len(found.prompt) <= LONGEST and len(found.negative) <= LONGEST:
            found = replace(
                found,
                prompt=_sound(found.prompt),
                negative=_sound(found.negative),
                sampler=_name(found.sampler),
                scheduler=_name(found.scheduler),
            )
            if found.prompt:
                return found
    return None


def _ours(texts: Mapping[str, str]) -> ReadBack | None:
    text = texts.get("resonance", "")
    try:
        payload = Item.from_json(text).payload if 0 < len(text) <= LONGEST_ITEM else None
    except Told:
        return None
    if not isinstance(payload, Exploration | PromptLine):
        return None
    prompt, negative = (
        split(payload.words) if isinstance(payload, Exploration) else (payload.prompt, payload.negative or "")
    )
    return ReadBack(
        form="Resonance",
        prompt=prompt,
        negative=negative,
        seed=_seed(payload.seed),
        steps=payload.steps,
        scale=payload.scale,
        size=(payload.width, payload.height),
    )


def _kohya(texts: Mapping[str, str]) -> ReadBack | None:
    prompt = texts.get("kohya-prompt", "")
    if not prompt:
        prompt = texts.get("prompt", "")
        if prompt.lstrip().startswith("{") and (
            len(prompt) > LONGEST or _object(prompt) is not None
        ):  # ComfyUI's graph
            return None
    name = texts.get("sampler", "")
    return ReadBack(
        form="kohya",
        prompt=prompt,
        negative=texts.get("negative-prompt", ""),
        seed=_seed(_whole(texts.get("seed"))),
        steps=_whole(texts.get("steps")),
        scale=_number(texts.get("scale")),
        sampler=kohya_samplers.sampler(name).name if name else None,
    )


def _a1111(texts: Mapping[str, str]) -> ReadBack | None:
    text = texts.get("parameters", "")
    if text.lstrip().startswith("{"):  # some write JSON there
        return None
    try:
        prompt, negative, facts = a1111.read_infotext(text)
    except Told:
        return None
    sampler, scheduler = a1111.sampler_of(facts)
    sides = _SIDES.fullmatch(facts.get("Size", ""))
    return ReadBack(
        form="A1111",
        prompt=_NETWORK.sub("", prompt),
        negative=negative,
        seed=_seed(_whole(facts.get("Seed"))),
        steps=_whole(facts.get("Steps")),
        scale=_number(facts.get("CFG scale")),
        sampler=sampler,
        scheduler=scheduler,
        size=(int(sides[1]), int(sides[2])) if sides else None,
    )


def _comfy(texts: Mapping[str, str]) -> ReadBack | None:
    """Where several samplers are given different words nobody knows which are the picture's."""
    text = texts.get("prompt", "")
    graph = _object(text) if len(text) <= LONGEST_GRAPH else None
    if not is_graph(graph):
        return None
    nodes = cast(Graph, graph)
    named = [node for node in nodes.values() if "latent_image" in node["inputs"]]
    samplers = [sampled_with(nodes, node) for node in named[:SAMPLERS]]
    said = {
        pair: inputs
        for inputs in samplers
        if (pair := tuple(_behind(nodes, inputs.get(side), side) for side in ("positive", "negative")))[0].strip()
    }
    if len(said) != 1 or len(named) > SAMPLERS:
        return None
    [((prompt, negative), inputs)] = said.items()
    found = ReadBack(form="ComfyUI", prompt=prompt, negative=negative)
    if len(samplers) > 1:
        return found
    seeds = (inputs.get(name) for name in ("seed", "noise_seed"))
    sampler, scheduler = (
        value if isinstance(value := inputs.get(name), str) else None for name in ("sampler_name", "scheduler")
    )
    return replace(
        found,
        seed=_seed(next((seed for seed in seeds if _is_whole(seed)), None)),
        steps=steps if _is_whole(steps := inputs.get("steps")) else None,
        scale=scale if isinstance(scale := inputs.get("cfg"), int | float) else None,
        sampler=sampler,
        scheduler=scheduler,
    )


_READERS: tuple[Callable[[Mapping[str, str]], ReadBack | None], ...] = (_ours, _kohya, _a1111, _comfy)


def _behind(graph: Graph, link: Any, side: str) -> str:
    """The words that a sampler is given: those written into the node that encodes them; empty: they are not written anywhere.

    Args:
        side: ``positive`` or ``negative``.
    """
    for _ in range(STEPS):
        if (node := _at(graph, link)) is None:
            return ""
        inputs, output = node["inputs"], cast(list[Any], link)[1:]
        if side in inputs and "item" in inputs:  # our own node, which is told by an item
            return ""
        if words := [text for name in (side, *_WORDS) if isinstance(text := inputs.get(name), str)]:
            return next(filter(str.strip, words), "")
        if linked := next((inputs[name] for name in _WORDS if isinstance(inputs.get(name), list)), None):
            return _value(graph, linked)
        if "positive" in inputs and "negative" in inputs:  # such as Apply ControlNet
            side = "negative" if output == [1] else "positive"
            link = inputs[side]
        else:
            link = inputs.get("conditioning")
    return ""


def _value(graph: Graph, link: Any) -> str:
    """The text in a node that only holds one."""
    node = _at(graph, link)
    texts = [text for name in _VALUES if node and isinstance(text := node["inputs"].get(name), str)]
    return texts[0] if len(texts) == 1 else ""


def _at(graph: Graph, link: Any) -> Mapping[str, Any] | None:
    known = cast(list[Any], link) if isinstance(link, list) else []
    return graph.get(known[0]) if known and isinstance(known[0], str) else None


def _object(text: str) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


def _sound(text: str) -> str:
    """Without what can be written nowhere."""
    return sound(text.replace("\0", "")).strip()


def _name(text: str | None) -> str | None:
    return (_sound(text) or None) if text and len(text) <= LONGEST_NAME else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and _WHOLE.fullmatch(text) else None


def _number(text: str | None) -> float | None:
    return float(text) if text and _NUMBER.fullmatch(text) else None


def _seed(seed: int | None) -> int | None:
    return seed if seed is not None and 0 <= seed < 2**64 else None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

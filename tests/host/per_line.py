"""What nodes make of a MODEL for lines of Prompt Lines."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from resonance.session.item import Item
from resonance.session.payloads import Payload, Plain, PromptLine

from .comfy import Comfy, node

WITHOUT: Mapping[str, str | None] = {"round": None}
"""An item of another fill, for :func:`models`."""


def line(options: str | None) -> dict[str, Any]:
    """An item of Prompt Lines with these options; None: of rounds."""
    payload: Payload = Plain()
    if options is not None:
        payload = PromptLine(
            key="k", line="l", prompt="p", width=64, height=64, steps=1, scale=1, seed=1, options=options
        )
    return node(
        "ProbeItem", text=Item(session="s", round=1, index=1, lineage="X0001", seed=1, payload=payload).to_json()
    )


def objects(comfy: Comfy, nodes: Mapping[str, Any], checkpoint: str = "tiny_sd15") -> dict[str, str]:
    """Which MODEL each of the nodes gives, by name."""
    graph = {"load": node("LoadSmall", ckpt_name=f"{checkpoint}.safetensors"), **nodes}
    graph |= {f"{name} out": node("ProbeValue", value=[name, 0]) for name in nodes}
    outputs = comfy.run(graph)
    return {name: json.loads(outputs[f"{name} out"]["value"][0])[0] for name in nodes}


def models(
    comfy: Comfy, lines: Mapping[str, str | None], made: Callable[[list[Any]], Any], checkpoint: str = "tiny_sd15"
) -> dict[str, str]:
    """Which MODEL a node gives for each line, by name, and ``load``: the one that came."""
    items = {f"{name} item": line(options) for name, options in lines.items()}
    nodes = {name: made([f"{name} item", 0]) for name in lines}
    shown = objects(
        comfy, {**items, **nodes, "load": node("LoadSmall", ckpt_name=f"{checkpoint}.safetensors")}, checkpoint
    )
    return {name: shown[name] for name in (*lines, "load")}

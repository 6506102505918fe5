"""ControlNets that take turns, in a real ComfyUI."""

import json
from typing import Any

import numpy as np
import pytest

from .comfy import Comfy, node
from .paint import CLIP, MODEL, Link, Look, look, paint

pytestmark = pytest.mark.usefixtures("families")
COLOURS = {"red": 0xFF0000, "blue": 0x0000FF, "green": 0x00FF00}
NODES = {
    "net": node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors"),
    **{c: node("EmptyImage", width=64, height=64, batch_size=1, color=code) for c, code in COLOURS.items()},
    "words": node("CLIPTextEncode", clip=CLIP, text="gray"),
    "none": node("CLIPTextEncode", clip=CLIP, text=""),
}


def turns(*colours: str, positive: Link = ["words", 0], negative: Link = ["none", 0], **more: Any) -> dict[str, Any]:  # noqa: B006
    given: dict[str, Any] = {"count": str(len(colours))}
    for n, colour in enumerate(colours, 1):
        given |= {f"count.control_net_{n}": ["net", 0], f"count.image_{n}": [colour, 0]}
        given |= {f"count.strength_{n}": 1.0, f"count.end_{n}": 1.0}
    given |= {f"count.{name}": value for name, value in more.items()}
    return node("ResonanceAlternateControlNets", positive=positive, negative=negative, **given)


def apply(colour: str, positive: Link = ["words", 0], negative: Link = ["none", 0]) -> dict[str, Any]:  # noqa: B006
    inputs: dict[str, Any] = {"control_net": ["net", 0], "image": [colour, 0], "strength": 1.0, "start_percent": 0.0}
    return node("ControlNetApplyAdvanced", positive=positive, negative=negative, end_percent=1.0, **inputs)


def painted(comfy: Comfy, nodes: dict[str, Any], last: str, model: Link = MODEL, **more: Any) -> Look:
    how: dict[str, Any] = {"cfg": 2.0, "steps": 8, **more}
    prompt = paint("tiny_sd15", [last, 0], [last, 1], model=model, nodes=NODES | nodes, **how)
    return look(comfy.run(prompt))[0]


def test_what_they_paint_in_turn_is_the_mean_of_both(comfy: Comfy):
    nodes = {"red only": apply("red"), "blue only": apply("blue"), "both": turns("red", "blue")}
    red, blue, both = (painted(comfy, nodes, name).whole for name in ("red only", "blue only", "both"))
    assert red[0] > blue[0] + 60
    assert np.allclose(both, np.mean([red, blue], 0), atol=15), (red, blue, both)


@pytest.mark.parametrize(("sampler", "order"), [("euler", "0 1 2 0 1"), ("heun", "0 1 1 2 2 0 0 1 1")])
def test_each_has_its_steps(comfy: Comfy, sampler: str, order: str):
    nodes = {"turns": turns("red", "blue", "green"), "watch": node("WatchTurns", positive=["turns", 0], name="turns")}
    nodes["seen"] = node("Seen", name="turns", after=["decode", 0])
    prompt = paint("tiny_sd15", ["watch", 0], "", nodes=NODES | nodes, steps=5, sampler=sampler)
    assert json.loads(comfy.run(prompt)["seen"]["seen"][0]) == [int(number) for number in order.split()]


def test_each_has_its_end_and_strength(comfy: Comfy):
    nodes = {
        "all": turns("red", "blue"),
        "short": turns("red", "blue", end_1=0.4),
        "one": turns("red", "blue", strength_1=0.0),
    }
    nodes |= {"none": turns("red", "blue", strength_1=0.0, strength_2=0.0), "off": NODES["none"]}
    nodes["none"]["inputs"]["negative"] = ["off", 0]
    reds = [painted(comfy, nodes, name).whole[0] for name in ("all", "short", "one")]
    assert reds[0] > reds[1] > reds[2], reds


@pytest.mark.parametrize("behind", [True, False])
def test_another_one_acts_in_every_step(comfy: Comfy, behind: bool):
    if behind:
        nodes = {"first": turns("red", "blue"), "last": apply("green", ["first", 0], ["first", 1])}
    else:
        nodes = {"first": apply("green"), "last": turns("red", "blue", positive=["first", 0], negative=["first", 1])}
    alone = painted(comfy, nodes | {"alone": turns("red", "blue")}, "alone").whole
    both = painted(comfy, nodes, "last").whole
    assert both[1] > alone[1] + 40, (alone, both)

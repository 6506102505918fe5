"""Regions from Mask in a real ComfyUI: the parts of a prompt, and their LoRAs, act where the colours of a picture are."""

import json
from pathlib import Path
from typing import Any

import pytest

from .comfy import Comfy, RunFailed, node
from .paint import CLIP
from .regional import COUPLE, METHODS, OVERLAY, hues, pictures, place
from .test_llm import Texts
from .test_lora_stack import stack
from .test_region_lora import apart

SWAP = "tiny_lora.safetensors"
"""Swaps red and blue."""


def from_mask(
    prompt: str,
    *loras: tuple[str, float],
    method: str = COUPLE,
    shown: tuple[int, int] = (0xFF0000, 0x00FF00),
    **inputs: Any,
) -> dict[str, Any]:
    """Nodes that bind the parts of a prompt by a picture, red on the left and green on the right, in a size of its own."""
    given = {"loras": ["loras", 2]} if loras else {}
    mask = {"clip": CLIP, "prompt": prompt, "image": ["image", 0], "colors": "channels", "negative": "", **given}
    ours = {"regions": ["mask", 0], "positive": ["mask", 1], "negative": ["mask", 2]}
    halves = (node("EmptyImage", width=75, height=40, batch_size=1, color=color) for color in shown)
    stitch = {"direction": "right", "match_image_size": True, "spacing_width": 0, "spacing_color": "white"}
    return {
        **place(None, method, **ours),
        **dict(zip(("left", "right"), halves, strict=True)),
        "image": node("ImageStitch", image1=["left", 0], image2=["right", 0], **stitch),
        "mask": node("ResonanceRegionsFromMask", **{**mask, **inputs}),
        **({"loras": stack(*loras)} if loras else {}),
    }


@pytest.mark.parametrize(
    "method", [pytest.param(each, marks=() if each in (COUPLE, OVERLAY) else pytest.mark.long) for each in METHODS]
)
def test_each_lora_acts_where_its_colour_is(comfy: Comfy, method: str) -> None:
    def painted(*strengths: float) -> Any:
        nodes = from_mask("a red AND a red AND a", *((SWAP, strength) for strength in strengths), method=method)
        return pictures(comfy, nodes, size=(80, 64), steps=2)[0]

    plain, left, right = painted(), painted(1.0), painted(0.0, 1.0)
    for before, moved in ((plain.left, left.left), (plain.right, right.right)):
        assert before[0] - moved[0] > 60 and moved[2] - before[2] > 60
    for before, still in ((plain.right, left.right), (plain.left, right.left)):
        assert max(abs(a - b) for a, b in zip(before, still, strict=True)) < 10


def test_words_have_the_places_of_their_codes(comfy: Comfy) -> None:
    codes = {"colors": "codes", "colors.codes": 2}
    assert hues(pictures(comfy, from_mask("a red AND a blue AND the", **codes))[0]) == ("red", "blue")


def test_all_over_the_picture_it_is_cores_loader(comfy: Comfy) -> None:
    """At CFG 7, with the part for the text encoder; what has a LoRA and no colour lies there."""
    nodes = from_mask("a red", (SWAP, 1.0), shown=(0, 0), negative="blue")
    assert apart(comfy, nodes, "sd15", SWAP, ["without positive", 0], ["without negative", 0]) < 1e-3


def encoded(comfy: Comfy, family: str, nodes: dict[str, Any], *texts: str) -> dict[str, Any]:
    """What the positive and the negative are, and some texts by themselves."""
    nodes = {**nodes, "load": node("LoadSmall", ckpt_name=f"tiny_{family}.safetensors")}
    del nodes["regions"]
    links = {"positive": ["mask", 1], "negative": ["mask", 2], **{text: [f"text {text}", 0] for text in texts}}
    nodes |= {f"text {text}": node("CLIPTextEncode", clip=CLIP, text=text) for text in texts}
    nodes |= {f"seen {name}": node("CondStats", conditioning=link) for name, link in links.items()}
    out = comfy.run(nodes)
    return {name: json.loads(out[f"seen {name}"]["entries"][0]) for name in links}


def test_what_acts_everywhere_has_the_pooled_vector_of_the_last_part(comfy: Comfy, families: Path) -> None:
    del families
    for prompt, acts in {"red AND a AND blue": "blue", "red AND blue": ""}.items():
        found = encoded(comfy, "sdxl", from_mask(prompt), "blue", "")
        assert found["positive"]["cond"] == found[acts]["cond"]
        assert found["positive"]["pooled"] == found["blue"]["pooled"] != found[""]["pooled"]
    found = encoded(comfy, "sdxl", from_mask("red AND a AND the AND blue"), "blue")
    assert found["positive"]["shape"][1] == 2 * 77 and found["positive"]["pooled"] == found["blue"]["pooled"]


def test_a_line_goes_before_the_widgets(comfy: Comfy) -> None:
    nodes = from_mask("red AND a AND green", negative="gray", item=["line", 0])
    for said, negative in ((None, "gray"), ("", "")):
        nodes["line"] = node("ProbeItems", text=json.dumps([{"prompt": "red AND a AND blue", "negative": said}] * 2))
        found = encoded(comfy, "sd15", nodes, "blue", negative)
        assert found["positive"]["cond"] == found["blue"]["cond"]
        assert found["negative"]["cond"] == found[negative]["cond"]


def test_the_node_says_what_belongs_together(comfy: Comfy) -> None:
    texts = Texts(comfy)
    nodes = from_mask("a red, bold AND blue AND the", (SWAP, 1.0))
    nodes["load"] = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
    nodes["seen"] = node("CondStats", conditioning=["mask", 1])
    del nodes["regions"]
    comfy.run(nodes, client_id="texts")
    assert texts.on("mask", 1) == ["1 a red: red, tiny_lora.safetensors\n2 blue: green\n3 the: everywhere"]


def test_what_cannot_be_is_told_in_a_sentence(comfy: Comfy) -> None:
    more = {
        "batch": node("RepeatImageBatch", image=["image", 0], amount=2),
        "lines": node("ProbeItems", text=json.dumps([{"prompt": "red"}, {"prompt": "blue"}])),
    }
    for says, nodes in {
        "^Expected one picture of the places, got 2": from_mask("a", image=["batch", 0]),
        "^This run has 2 different prompts at once": from_mask("a", item=["lines", 0]),
        "^No part of the prompt has a place or a LoRA": from_mask("a red", shown=(0, 0)),
    }.items():
        with pytest.raises(RunFailed, match=says):
            encoded(comfy, "sd15", {**nodes, **more})

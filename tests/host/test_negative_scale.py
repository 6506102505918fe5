"""Negative Scale in a real ComfyUI: kohya's formula, in the same call of the model, with whatever else acts there."""

import json
from pathlib import Path
from typing import Any

import pytest
from models.checkpoint import UNET, sd15
from models.wired.loras import wide
from models.wired.weights import Weights, save

from resonance.canvas.canvas import Lora

from .comfy import Comfy, node
from .paint import CLIP, MODEL
from .per_line import WITHOUT, models, objects
from .regional import COUPLE, LEFT, OVERLAY, RIGHT, layout, place, region
from .test_llm import Texts

CFG, STEPS = 4.0, 4
WIDE = "wide_for_negative_scale.safetensors"
CLOSE = 1e-4
"""Of the largest number in a latent, at least of 1."""


def scaled(scale: float, model: list[Any] = MODEL, **inputs: Any) -> dict[str, Any]:
    return node("ResonanceNegativeScale", model=model, clip=CLIP, negative_scale=scale, **inputs)


def base(positive: str = "red", negative: str = "blue", family: str = "sd15") -> dict[str, Any]:
    """What all samplers of a prompt share: ``positive``, ``negative`` and ``empty``."""
    texts = {"positive": positive, "negative": negative, "empty": ""}
    return {
        "load": node("LoadSmall", ckpt_name=f"tiny_{family}.safetensors"),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        **{name: node("CLIPTextEncode", clip=CLIP, text=text) for name, text in texts.items()},
    }


def sampled(model: list[Any], positive: list[Any], negative: list[Any], cfg: float = CFG) -> dict[str, Any]:
    how = {"seed": 1, "steps": STEPS, "cfg": cfg, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    return node("KSampler", model=model, positive=positive, negative=negative, latent_image=["latent", 0], **how)


def dual(scale: float) -> dict[str, Any]:
    """The same by core's DualCFGGuider."""
    return {
        f"guider {scale}": node(
            "DualCFGGuider",
            model=MODEL,
            cond1=["positive", 0],
            cond2=["empty", 0],
            negative=["negative", 0],
            cfg_conds=CFG,
            cfg_cond2_negative=scale + 1,
            style="regular",
        ),
        f"dual {scale}": node(
            "SamplerCustomAdvanced",
            noise=["noise", 0],
            guider=[f"guider {scale}", 0],
            sampler=["euler", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
        ),
    }


def differ(prompt: dict[str, Any], *pairs: tuple[str, str]) -> dict[str, Any]:
    """With the distances of latents."""
    looks = {f"{a}|{b}": node("LatentDifference", a=[a, 0], b=[b, 0]) for a, b in pairs}
    return {**prompt, **looks}


def apart(out: dict[str, Any], a: str, b: str) -> float:
    found = out[f"{a}|{b}"]
    return found["difference"][0] / max(found["largest"][0], 1)


@pytest.mark.usefixtures("families")
@pytest.mark.parametrize("family", ["sd15", pytest.param("sdxl", marks=pytest.mark.long)])
def test_it_is_kohyas_formula(comfy: Comfy, family: str):
    """Three scales against core's guider of three conditionings; CFG scale - 1 is plain guidance, and 0 is no negative prompt. The
    third row is in the same call."""
    scales = (3.0, 1.5, 0.0)
    both = ["positive", 0], ["negative", 0]
    prompt = {
        **base(family=family),
        "noise": node("RandomNoise", noise_seed=1),
        "euler": node("KSamplerSelect", sampler_name="euler"),
        "sigmas": node("BasicScheduler", model=MODEL, scheduler="normal", steps=STEPS, denoise=1.0),
        "plain": sampled(MODEL, *both),
        "no negative": sampled(MODEL, ["positive", 0], ["empty", 0]),
        "watched": node("WatchCalls", model=MODEL, name="rows"),
        "seen": node("Seen", name="rows", after=["ours 0.0", 0]),
    }
    for scale in scales:
        prompt |= {
            f"scaled {scale}": scaled(scale),
            f"ours {scale}": sampled([f"scaled {scale}", 0], *both),
            **dual(scale),
        }
    prompt["scaled 0.0"]["inputs"]["model"] = ["watched", 0]
    pairs = [(f"ours {scale}", f"dual {scale}") for scale in scales]
    out = comfy.run(differ(prompt, *pairs, ("ours 3.0", "plain"), ("ours 0.0", "no negative"), ("ours 1.5", "plain")))
    assert max(apart(out, *pair) for pair in pairs) <= CLOSE
    assert apart(out, "ours 3.0", "plain") <= CLOSE and apart(out, "ours 0.0", "no negative") <= CLOSE
    assert apart(out, "ours 1.5", "plain") > 0.1
    assert [seen[0] for seen in json.loads(out["seen"]["seen"][0])] == [3] * STEPS


def regions(method: str, words: str, name: str) -> dict[str, Any]:
    """Regions with a LoRA and a negative in one of them, and a ControlNet; ``words``: all negative words."""
    canvas = layout(region("red", LEFT, negative=words, loras=(Lora(WIDE, 1.0),)), region("green", RIGHT))
    nodes = place(canvas, method, negative=["negative" if words else "empty", 0])
    nodes["regions"]["inputs"]["canvas"] = [f"{name} canvas", 0]
    applied = {"positive": [name, 1], "negative": [name, 2], "control_net": ["net", 0], "image": ["hint", 0]}
    applied |= {"strength": 0.6, "start_percent": 0.0, "end_percent": 1.0}
    return {
        f"{name} canvas": nodes["canvas"],
        name: nodes["regions"],
        f"{name} hinted": node("ControlNetApplyAdvanced", **applied),
    }


@pytest.fixture(scope="module")
def lora(families: Path) -> None:
    """For every layer, those that read text too."""
    weights = Weights()
    wide(weights, sd15(), UNET, "lora", {})
    save(families / "loras" / WIDE, weights)


@pytest.mark.usefixtures("lora")
@pytest.mark.parametrize("method", [COUPLE, pytest.param(OVERLAY, marks=pytest.mark.long)])
def test_the_empty_prompt_stands_where_the_negative_does(comfy: Comfy, method: str):
    """With regions, a LoRA in one of them and a ControlNet the equalities hold: the empty prompt has all of them, too."""
    prompt = {
        **base(),
        "net": node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors"),
        "hint": node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF40),
        **regions(method, "blue", "said"),
        **regions(method, "", "unsaid"),
    }
    said, unsaid = ([[f"{name} hinted", n] for n in range(2)] for name in ("said", "unsaid"))
    prompt |= {
        "watched": node("WatchCalls", model=["said", 0], name="rows"),
        "three": scaled(CFG - 1, ["watched", 0]),
        "none": scaled(0.0, ["said", 0]),
        "ours": sampled(["three", 0], *said),
        "plain": sampled(["said", 0], *said),
        "ours without": sampled(["none", 0], *said),
        "plain without": sampled(["unsaid", 0], *unsaid),
        "seen": node("Seen", name="rows", after=["ours", 0]),
    }
    pairs = ("ours", "plain"), ("ours without", "plain without"), ("plain without", "plain")
    out = comfy.run(comfy.complete(differ(prompt, *pairs)))
    equal, without, other = (apart(out, *pair) for pair in pairs)
    assert equal <= CLOSE and without <= CLOSE and other > 0.1
    rows = [seen[0] for seen in json.loads(out["seen"]["seen"][0])]
    assert rows == [3] * STEPS if method == COUPLE else sum(rows) % STEPS == 0


def test_words_of_many_chunks_take_no_further_call(comfy: Comfy):
    prompt = {
        **base(positive="red " * 400, negative="blue " * 400),
        "watched": node("WatchCalls", model=MODEL, name="long"),
        "scaled": scaled(1.5, ["watched", 0]),
        "ours": sampled(["scaled", 0], ["positive", 0], ["negative", 0]),
        "seen": node("Seen", name="long", after=["ours", 0]),
    }
    seen = json.loads(comfy.run(prompt)["seen"]["seen"][0])
    assert [each[0] for each in seen] == [3] * STEPS and seen[0][1] > 4 * 77


def test_where_there_is_nothing_to_do_it_says_so_once(comfy: Comfy):
    texts = Texts(comfy)
    both = ["positive", 0], ["negative", 0]
    prompt = {**base(), "scaled": scaled(1.5)}
    prompt |= {"ours": sampled(["scaled", 0], *both, cfg=1.0), "plain": sampled(MODEL, *both, cfg=1.0)}
    out = comfy.run(differ(prompt, ("ours", "plain")), client_id="texts")
    assert apart(out, "ours", "plain") == 0
    assert texts.on("ours") == [
        "Negative Scale does nothing at a CFG scale of 1, at which the negative prompt is not asked for."
    ]
    prompt |= {
        "noise": node("RandomNoise", noise_seed=1),
        "euler": node("KSamplerSelect", sampler_name="euler"),
        "sigmas": node("BasicScheduler", model=MODEL, scheduler="normal", steps=STEPS, denoise=1.0),
        **dual(2.0),
        "out": node("Digest", value=["dual 2.0", 0]),
    }
    prompt["guider 2.0"]["inputs"]["model"] = ["scaled", 0]
    comfy.run(prompt, client_id="texts")
    assert texts.on("dual 2.0") == [
        "Negative Scale does nothing with this guider: it acts in KSampler and with CFGGuider."
    ]


def test_a_line_goes_before_the_widget(comfy: Comfy):
    """The same MODEL comes out until something changes."""
    lines = {"mine": "--nl 1.5", "off": "--nl none", "other": "--am 0.5", **WITHOUT}
    found = models(comfy, lines, lambda item: scaled(3.0, item=item))
    again = models(comfy, {"mine": "--nl 1.5 --dsd1 2", "other": ""}, lambda item: scaled(3.0, item=item))
    assert found["off"] == found["load"]
    assert found["other"] == found["round"] == again["other"] != found["mine"] == again["mine"]
    assert objects(comfy, {"widget": scaled(1.5), "below": scaled(-1.0)}) == {
        "widget": found["mine"],
        "below": found["load"],
    }

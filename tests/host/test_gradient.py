"""Pictures that are pulled towards a colour by a gradient, in a real ComfyUI."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.checkpoint import build_loras

from resonance.canvas.canvas import Lora

from .comfy import Comfy, RunFailed, node
from .paint import CLIP, MODEL, VAE, Look, halves, look, paint
from .regional import (
    COUPLE,
    HALVES,
    LEFT,
    METHODS,
    ONE_PASS,
    OVERLAY,
    PAPER,
    RIGHT,
    layout,
    pictures,
    place,
    region,
)
from .test_reference import seeing, shown

pytestmark = pytest.mark.usefixtures("families")


SETTINGS = {"colour": "red", "scale": 1000.0, "start": 0.0, "end": 1.0, "shrink": 1.0, "limit": False, "seen": ""}


def pull(model: list[Any] = MODEL, **inputs: Any) -> dict[str, Any]:
    return node("PullToColour", model=model, vae=VAE, **SETTINGS | inputs)


@pytest.fixture(scope="module", autouse=True)
def loras(families: Path) -> None:
    build_loras(families)


def painted(
    comfy: Comfy,
    *,
    words: str = "the",
    family: str = "sd15",
    nodes: dict[str, Any] | None = None,
    model: list[Any] | None = None,
    **more: Any,
) -> Look:
    sampling = {"cfg": 1.0, **more}
    model = model or (["pull", 0] if nodes and "pull" in nodes else MODEL)
    return look(comfy.run(paint(f"tiny_{family}", words, nodes=nodes, model=model, **sampling)))[0]


WORDS = {name: node("CLIPTextEncode", clip=CLIP, text=name) for name in ("the", "gray", "none")}
HINTS = {
    "control": node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors"),
    "hint": node("EmptyImage", width=64, height=64, batch_size=1, color=0x0000FF),
    "other hint": node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF00),
    "hints": node("ImageBatch", image1=["hint", 0], image2=["other hint", 0]),
    "applied": node(
        "ControlNetApplyAdvanced",
        positive=["the", 0],
        negative=["none", 0],
        control_net=["control", 0],
        image=["hints", 0],
        strength=1.0,
        start_percent=0.0,
        end_percent=1.0,
    ),
}
FAINT = layout(region("gray", LEFT), region("the", RIGHT))
LORA_LEFT = layout(region("gray", LEFT, loras=(Lora("tiny_lora.safetensors"),)), region("the", RIGHT))
CASES: dict[str, tuple[dict[str, Any], list[Any], list[Any], int]] = {
    "words": ({}, MODEL, ["the", 0], 1),
    "two pictures": ({}, MODEL, ["the", 0], 2),
    "a ControlNet with two hints": (HINTS, MODEL, ["applied", 0], 2),
    "areas": (halves("the", "gray")[0], MODEL, ["halves", 0], 1),
    **{method: (place(FAINT, method), ["regions", 0], ["regions", 1], 1) for method in ONE_PASS},
    **{
        f"LoRA, {method}": (place(LORA_LEFT, method), ["regions", 0], ["regions", 1], 1) for method in (COUPLE, OVERLAY)
    },
    "deep shrink": (
        {
            "shrunk": node(
                "ResonanceDeepShrink", model=MODEL, depth_1=0, timesteps_1=650, depth_2=0, timesteps_2=0, ratio=0.5
            )
        },
        ["shrunk", 0],
        ["the", 0],
        1,
    ),
    "negative scale": (
        {"scaled": node("ResonanceNegativeScale", model=MODEL, clip=CLIP, negative_scale=1.0)},
        ["scaled", 0],
        ["the", 0],
        1,
    ),
}


DAILY = ("a ControlNet with two hints", PAPER, f"LoRA, {COUPLE}", f"LoRA, {OVERLAY}")


@pytest.mark.parametrize(
    "case", [*DAILY, *(pytest.param(case, marks=pytest.mark.long) for case in CASES if case not in DAILY)]
)
def test_it_is_the_gradient(comfy: Comfy, case: str):
    nodes, model, positive, batch = CASES[case]
    compare(comfy, case, WORDS | nodes, model, positive, batch, cfg=3.0)


def compare(
    comfy: Comfy, name: str, nodes: dict[str, Any], model: list[Any], positive: list[Any], batch: int, **sampling: Any
) -> None:
    """Whether the gradient is what a difference quotient finds, along it and along another direction.

    Args:
        name: of this comparison alone: ComfyUI makes nothing twice.
    """
    nodes |= {"compare": node("CompareGradient", model=model, vae=VAE, name=name)}
    nodes["seen"] = node("Seen", name=name, after=["decode", 0])
    out = comfy.run(paint("tiny_sd15", positive, nodes=nodes, model=["compare", 0], batch=batch, **sampling))
    along, across = json.loads(out["seen"]["seen"][0])
    for taken, found, length in (along, across):
        assert abs(taken - found) < 0.002 * length, (taken, found, length)


@pytest.mark.parametrize("family", ["sd15", *(pytest.param(each, marks=pytest.mark.long) for each in ("sd2", "sdxl"))])
def test_red_grows_with_the_scale(comfy: Comfy, family: str):
    more = 0.2 if family == "sdxl" else 1.0
    scales = [more * scale for scale in (0.0, 250.0, 500.0, 1000.0)]
    reds = [painted(comfy, family=family, nodes={"pull": pull(scale=scale)}).whole[0] for scale in scales]
    assert all(one + 3 < other for one, other in pairwise(reds)), reds


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
def test_it_goes_through_regions(comfy: Comfy, method: str):
    nodes = place(HALVES, method)
    plain = pictures(comfy, nodes)[0]
    nodes["pull"] = pull(["regions", 0], colour="green", scale=1500.0)
    found = pictures(comfy, nodes, model=["pull", 0])[0]
    for half in ("left", "right"):
        assert getattr(found, half)[1] > getattr(plain, half)[1] + 10
    assert found.left[0] > found.right[0] + 30 and found.right[2] > found.left[2] + 30


def test_it_goes_through_areas(comfy: Comfy):
    nodes, link = halves("red", "blue")
    nodes["pull"] = pull(colour="green")
    plain, found = (
        look(comfy.run(paint("tiny_sd15", link, nodes=nodes, model=model)))[0] for model in (MODEL, ["pull", 0])
    )
    assert found.whole[1] > plain.whole[1] + 10


@pytest.mark.parametrize("how", ["failure", "interrupt"])
def test_what_ends_in_between_leaves_everything_as_it_was(comfy: Comfy, how: str):
    prompt = paint("tiny_sd15", "the")
    prompt = {key: prompt[key] for key in ("load", "positive", "negative")}
    prompt["fail"] = node(
        "PullAndFail", model=MODEL, positive=["positive", 0], negative=["negative", 0], vae=VAE, how=how
    )
    assert comfy.run(prompt)["fail"]["same"] == [True, True, True, True]


@pytest.mark.parametrize("times", [6, pytest.param(20, marks=pytest.mark.long)])
def test_it_is_alike_each_time_and_memory_stays_flat(comfy: Comfy, times: int):
    prompt = paint("tiny_sd15", "the")
    prompt = {key: prompt[key] for key in ("load", "positive", "negative")}
    prompt["again"] = node(
        "PullAgain", model=MODEL, positive=["positive", 0], negative=["negative", 0], vae=VAE, times=times
    )
    out = comfy.run(prompt)["again"]
    assert out["same"] == [True, True, True]
    assert np.mean(out["sizes"][-3:]) < 1.02 * np.mean(out["sizes"][:3])


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("plain", ""),
        ("quantised", "weights of this model are quantised \\(Quantised\\)"),
        ("quantised VAE", "weights of this VAE are quantised"),
        ("away", "no room"),
        ("away, with room", ""),
        ("split", "split over several"),
        ("dynamic", ""),
        ("unknown", "--disable-dynamic-vram"),
    ],
)
def test_each_unusable_storage_has_its_sentence_before_sampling(comfy: Comfy, way: str, sentence: str):
    error, asked, loaded, dynamic = comfy.run({"check": node("CheckStorage", way=way)})["check"]["found"]
    assert re.search(sentence, error) if sentence else not error
    if not error:
        assert asked == [22], "a call for one takes 1 MB, and what is kept 42 MB"
        assert loaded == ([True] if way.startswith("away") else []) and not dynamic


@pytest.mark.parametrize("way", ["weight", "in place"])
def test_another_packs_patch_without_a_gradient_is_named(comfy: Comfy, way: str):
    nodes = {"foreign": node("ForeignPatch", model=MODEL, way=way), "pull": pull(["foreign", 0])}
    painted(comfy, nodes=nodes, model=["foreign", 0])
    with pytest.raises(RunFailed, match="another node"):
        painted(comfy, nodes=nodes)


def test_each_picture_of_a_batch_is_pulled_with_its_own_reference(comfy: Comfy, reference: Path):
    nodes = seeing() | {"two": node("ImageBatch", image1=["red", 0], image2=["blue", 0])}
    nodes |= {"each": shown("two", each=True, strength=0.3)}
    compare(comfy, "each", nodes, ["each", 0], ["each", 1], 2)


def test_it_acts_between_start_and_end_only(comfy: Comfy):
    losses: dict[str, list[Any]] = {}
    for name, range_ in {
        "always": {},
        "late": {"start": 0.5},
        "early": {"end": 0.5},
        "never": {"start": 0.7, "end": 0.3},
    }.items():
        nodes = {"pull": pull(seen=name, **range_), "seen": node("Seen", name=name, after=["decode", 0])}
        losses[name] = json.loads(
            comfy.run(paint("tiny_sd15", "the", nodes=nodes, model=["pull", 0], steps=5))["seen"]["seen"][0]
        )
    assert {name: len(found) for name, found in losses.items()} == {"always": 5, "late": 3, "early": 3, "never": 0}
    assert losses["always"][:3] == losses["early"]


def test_shrinking_decodes_less(comfy: Comfy):
    nodes = {"pull": pull(shrink=0.5, seen="small"), "seen": node("Seen", name="small", after=["decode", 0])}
    out = comfy.run(paint("tiny_sd15", "the", nodes=nodes, model=["pull", 0]))
    assert {tuple(shape) for shape, _ in json.loads(out["seen"]["seen"][0])} == {(1, 3, 32, 32)}
    assert look(out)[0].whole[0] > painted(comfy).whole[0] + 10


def test_a_limit_keeps_it_behind_classifier_free_guidance(comfy: Comfy):
    wild, limited = (
        painted(comfy, words="gray", cfg=3.0, nodes={"pull": pull(scale=1e6, limit=limit)}) for limit in (False, True)
    )
    plain = painted(comfy, words="gray", cfg=3.0)
    assert limited.whole[0] > plain.whole[0] + 3
    far = [np.abs(np.subtract(each.whole, plain.whole)).max() for each in (wild, limited)]
    assert far[1] < far[0]


SAMPLERS = ["euler_ancestral", "dpmpp_2m", "heun", "ddim"]


@pytest.mark.parametrize(
    "sampler", [SAMPLERS[0], *(pytest.param(each, marks=pytest.mark.long) for each in SAMPLERS[1:])]
)
def test_any_sampler_does(comfy: Comfy, sampler: str):
    more: dict[str, Any] = {"sampler": sampler, "steps": 8, "cfg": 2.0, "batch": 2}
    assert painted(comfy, nodes={"pull": pull(scale=400.0)}, **more).whole[0] > painted(comfy, **more).whole[0] + 5


def test_two_pull_one_after_the_other(comfy: Comfy):
    nodes = {"first": pull(colour="red", scale=600.0), "pull": pull(["first", 0], colour="green", scale=600.0)}
    one, both = painted(comfy, nodes=nodes, model=["first", 0]), painted(comfy, nodes=nodes)
    plain = painted(comfy)
    assert one.whole[0] > plain.whole[0] + 5 and both.whole[1] > one.whole[1] + 5


@pytest.mark.long
def test_a_compiled_model_is_pulled_without_what_was_compiled(comfy: Comfy):
    nodes = {"compiled": node("CompileModel", model=MODEL, name="graphs", way="wrapper"), "pull": pull(["compiled", 0])}
    found = painted(comfy, nodes=nodes)
    assert np.allclose(found.whole, painted(comfy, nodes={"pull": pull()}).whole, atol=1)
    nodes["compiled"]["inputs"]["way"] = "object patch"
    with pytest.raises(RunFailed, match="was compiled"):
        painted(comfy, nodes=nodes)


def test_what_is_not_a_number_is_named(comfy: Comfy):
    with pytest.raises(RunFailed, match="The gradient of none is not a number at the noise 14.6: lower the scale"):
        painted(comfy, nodes={"pull": pull(colour="none")})


def test_other_models_are_refused_by_name(comfy: Comfy):
    nodes = {"pull": node("PullToColour", model=MODEL, vae=VAE, **SETTINGS)}
    with pytest.raises(
        RunFailed, match="gradients do not go through the attention of other models, as of this one: Flux"
    ):
        comfy.run(paint("tiny_flux", "red", nodes=nodes, model=["pull", 0]))
    nodes |= {"flux": node("LoadFlux", ckpt_name="tiny_flux.safetensors")}
    nodes["pull"]["inputs"]["vae"] = ["flux", 2]
    with pytest.raises(RunFailed, match="Expected a VAE for latents of 4 channels, got one for 16 in 2 dimensions"):
        comfy.run(paint("tiny_sd15", "red", nodes=nodes, model=["pull", 0]))

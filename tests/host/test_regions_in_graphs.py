"""Regions among other nodes in a real ComfyUI: what they stand together with, what else they give, what they refuse."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resonance.canvas.canvas import Canvas, Lora, Region
from resonance.canvas.listing import write

from .comfy import Comfy, RunFailed, node
from .paint import CLIP, MODEL, Look, hue, look, paint
from .regional import (
    AREA,
    AVERAGE,
    COUPLE,
    HALVES,
    LEFT,
    METHODS,
    ONE_PASS,
    OVERLAY,
    PAPER,
    RIGHT,
    hues,
    layout,
    leans,
    pictures,
    place,
    region,
)

pytestmark = pytest.mark.usefixtures("families")


@pytest.mark.parametrize("method", METHODS)
def test_what_came_in_is_not_changed_and_the_model_paints_as_before(comfy: Comfy, method: str):
    plain = paint("tiny_sd15", "red", seed=7)
    before = look(comfy.run(plain))[0]
    nodes = place(HALVES, method, positive=["words", 0], negative=["no words", 0])
    nodes["words"] = node("CLIPTextEncode", clip=CLIP, text="a")
    nodes["no words"] = node("CLIPTextEncode", clip=CLIP, text="green")
    seen = {"model": MODEL, "clip": CLIP, "canvas": ["canvas", 0], "words": ["words", 0], "no": ["no words", 0]}
    for name, link in seen.items():
        nodes[f"{name} before"] = node("Digest", value=link)
        nodes[f"{name} after"] = node("Digest", value=link, after=["decode", 0])
    for name in seen:
        nodes["regions"]["inputs"][{"no": "negative", "words": "positive"}.get(name, name)] = [f"{name} before", 1]
    out = comfy.run(paint("tiny_sd15", ["regions", 1], ["regions", 2], model=["regions", 0], nodes=nodes))
    for name in seen:
        assert out[f"{name} before"]["digest"] == out[f"{name} after"]["digest"], name
    assert hues(look(out)[0]) == ("red", "blue")
    again = paint("tiny_sd15", "red", seed=7)
    again["load"]["inputs"]["ckpt_name"] = "tiny_sd15.safetensors"
    again["sampler"]["inputs"]["denoise"] = 0.9999999  # the same numbers, but not the cached result
    assert look(comfy.run(again))[0].pixels == before.pixels


@pytest.mark.parametrize(
    "method",
    [method if method in (COUPLE, PAPER) else pytest.param(method, marks=pytest.mark.long) for method in METHODS],
)
def test_together_with_lora_controlnet_and_a_foreign_patch(comfy: Comfy, method: str, tmp_path: Path):
    """Each one alone changes the picture in its own way, and still does when all are there."""

    def graph(lora: bool, hint: bool, foreign: str | None) -> Look:
        nodes = place(HALVES, method)
        model: list[Any] = MODEL
        if lora:
            nodes["lora"] = node(
                "LoraLoaderModelOnly", model=model, lora_name="tiny_lora.safetensors", strength_model=1.0
            )
            model = ["lora", 0]
        if foreign:
            more = {"keys": "transformers"} if foreign == "ReplaceTint" else {}
            nodes["foreign"] = node(foreign, model=model, amount=1.0, **more)
            model = ["foreign", 0]
        nodes["regions"]["inputs"]["model"] = model
        positive, negative = ["regions", 1], ["regions", 2]
        if hint:
            nodes["hint"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF00)
            nodes["net"] = node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors")
            nodes["apply"] = node(
                "ControlNetApplyAdvanced",
                positive=positive,
                negative=negative,
                control_net=["net", 0],
                image=["hint", 0],
                strength=1.0,
                start_percent=0.0,
                end_percent=1.0,
            )
            positive, negative = ["apply", 0], ["apply", 1]
        return look(comfy.run(paint("tiny_sd15", positive, negative, model=["regions", 0], nodes=nodes)))[0]

    alone = graph(False, False, None)
    assert hues(alone) == ("red", "blue")
    assert hues(graph(True, False, None)) == ("blue", "red")
    hinted = graph(False, True, None)
    assert hinted.left[1] > alone.left[1] + 20 and hinted.right[1] > alone.right[1] + 20
    for foreign in ("PatchTint", "ReplaceTint"):
        tinted = graph(False, False, foreign)
        assert tinted.left[1] > alone.left[1] + 20 and tinted.left[0] > tinted.left[2] + 40, foreign
        together = graph(True, True, foreign)
        assert together.left[2] > together.left[0] + 40 and together.right[0] > together.right[2] + 40, foreign
        assert together.whole[1] > hinted.whole[1] + 10, foreign


@pytest.mark.parametrize("keys", ["transformers", "blocks"])
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_what_replaces_attention_may_stand_on_either_side(comfy: Comfy, family: str, keys: str):
    nodes = place(HALVES, COUPLE)
    plain = pictures(comfy, nodes, family)[0]
    behind = {**nodes, "foreign": node("ReplaceTint", model=["regions", 0], amount=1.0, keys=keys)}
    after = pictures(comfy, behind, family, model=["foreign", 0])[0]
    nodes["foreign"] = node("ReplaceTint", model=MODEL, amount=1.0, keys=keys)
    nodes["regions"]["inputs"]["model"] = ["foreign", 0]
    before = pictures(comfy, nodes, family)[0]
    assert before.pixels == after.pixels
    assert before.whole[1] > plain.whole[1] + 20 and leans(before.left, "red", "blue")


def with_words(method: str, pairs: bool) -> dict[str, Any]:
    """Red on the left and blue on the right from conditionings, ``base`` everywhere, ``no`` nowhere.

    Args:
        pairs: their tokens come in pairs, as NegPiP's do.
    """
    nodes = place(None, method, regions=["blue region", 0], positive=["base", 0], negative=["no", 0])
    for name, text in (("base", "a"), ("no", "the of in " * 30), ("red", "red"), ("blue", "blue " * 40)):
        nodes[name] = node("CLIPTextEncode", clip=CLIP, text=text)
        if pairs:
            nodes[f"{name} plain"] = nodes[name]
            nodes[name] = node("PairTokens", conditioning=[f"{name} plain", 0])
    before: dict[str, Any] = {}
    for name, left in (("red", 0.0), ("blue", 0.5)):
        box = {"place": "box", "place.left": left, "place.top": 0.0, "place.right": left + 0.5, "place.bottom": 1.0}
        acts = {"weight": 1.0, "start": 0.0, "end": 1.0, "name": name}
        words = {"conditioning": [name, 0], **box, **acts, **before}
        nodes[f"{name} region"] = node("ResonanceRegionFromConditioning", **words)
        before = {"regions": [f"{name} region", 0]}
    return nodes


@pytest.mark.parametrize("method", ONE_PASS)
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_keys_that_come_in_pairs_are_told_apart(comfy: Comfy, method: str, family: str):
    """NegPiP gives each token a key and a value of its own; where both are the token's, nothing changes."""
    plain = pictures(comfy, with_words(method, False), family, cfg=2.0)[0]
    nodes = with_words(method, True)
    nodes["pairs"] = node("TakePairs", model=["regions", 0], step=2)
    paired = pictures(comfy, nodes, family, cfg=2.0, model=["pairs", 0])[0]
    assert hues(plain) == ("red", "blue")
    assert np.abs(np.subtract((paired.left, paired.right), (plain.left, plain.right))).max() <= 1


def test_keys_whose_owner_nobody_knows_are_refused(comfy: Comfy):
    nodes = with_words(COUPLE, False)
    nodes["pairs"] = node("TakePairs", model=["regions", 0], step=3)
    with pytest.raises(RunFailed, match="Another node's patch leaves"):
        pictures(comfy, nodes, model=["pairs", 0])


@pytest.mark.parametrize("method", [COUPLE, PAPER])  # Omost's lets small regions speak louder than the base
@pytest.mark.parametrize("count", [77, 154, 231])
def test_keys_that_a_patch_has_put_behind_act_everywhere(comfy: Comfy, method: str, count: int):
    """They are those of blue, of red and blue, of all: pixels that look for these words find them there, too."""
    nodes = with_words(method, False)
    # They belong to the base, which must be heard inside the regions.
    nodes["regions"]["inputs"] |= {COUPLE: {"method.base_weight": 1.0}, PAPER: {"method.creg": 0.1}}.get(method, {})
    plain = pictures(comfy, nodes, cfg=1.0)[0]
    nodes["behind"] = node("AppendTokens", model=["regions", 0], count=count)
    more = pictures(comfy, nodes, cfg=1.0, model=["behind", 0])[0]
    assert more.right[1] > plain.right[1] + 10
    assert more.left[1] > plain.left[1] + 10 * (count > 77)


def test_an_area_over_all_regions_is_refused(comfy: Comfy):
    nodes = place(HALVES, COUPLE)
    nodes["area"] = node(
        "ConditioningSetArea", conditioning=["regions", 1], width=64, height=64, x=0, y=0, strength=1.0
    )
    with pytest.raises(RunFailed, match="takes no area of its own"):
        comfy.run(paint("tiny_sd15", ["area", 0], ["regions", 2], model=["regions", 0], nodes=nodes))


@pytest.mark.parametrize("method", METHODS)
def test_unequal_lengths_of_prompts(comfy: Comfy, method: str):
    """A negative of two runs of the encoder, regions of one and three: what ComfyUI pads is told apart."""
    long = Region(LEFT, ("a",), tuple("the of in on and with " * 12 + "red" for _ in range(3)))
    nodes = place(layout(long, region("blue", RIGHT)), method, negative=["no", 0])
    nodes["no"] = node("CLIPTextEncode", clip=CLIP, text="the of in on and with " * 20)
    assert hues(pictures(comfy, nodes, cfg=2.0)[0]) == ("red", "blue")


@pytest.mark.parametrize("method", METHODS)
def test_conditionings_with_a_place(comfy: Comfy, method: str):
    box = {"place": "box", "place.left": 0.0, "place.top": 0.0, "place.right": 0.5, "place.bottom": 1.0}
    acts = {"weight": 1.0, "start": 0.0, "end": 1.0, "name": ""}
    nodes = place(None, method, regions=["blue region", 0], positive=["base", 0], clip=CLIP)
    for word in ("red", "blue", "a"):
        nodes["base" if word == "a" else word] = node("CLIPTextEncode", clip=CLIP, text=word)
    nodes["white"] = node("SolidMask", value=1.0, width=32, height=64)
    nodes["black"] = node("SolidMask", value=0.0, width=64, height=64)
    half = {"x": 32, "y": 0, "operation": "add"}
    nodes["mask"] = node("MaskComposite", destination=["black", 0], source=["white", 0], **half)
    nodes["red region"] = node("ResonanceRegionFromConditioning", conditioning=["red", 0], **box, **acts)
    nodes["blue region"] = node(
        "ResonanceRegionFromConditioning",
        conditioning=["blue", 0],
        regions=["red region", 0],
        **{"place": "mask", "place.mask": ["mask", 0], **acts},
    )
    assert hues(pictures(comfy, nodes)[0]) == ("red", "blue")
    del nodes["regions"]["inputs"]["clip"]  # then nothing at all is the negative
    assert hues(pictures(comfy, nodes)[0]) == ("red", "blue")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_the_lora_of_a_region_acts_in_it_only(comfy: Comfy, method: str, family: str):
    lora = (Lora("tiny_lora.safetensors" if family == "sd15" else "tiny_lora_sdxl.safetensors"),)
    canvas = layout(region("red", LEFT, loras=lora), region("red", RIGHT))
    picture = pictures(comfy, place(canvas, method), family)[0]
    assert picture.left[2] > picture.left[0] + 30 and hue(picture.right) == "red"


@pytest.mark.parametrize("method", METHODS)
def test_masks_come_out_as_they_act(comfy: Comfy, method: str):
    canvas = layout(region("red", (0, 90, 0, 60)), region("blue", (0, 90, 30, 90)))
    nodes = place(canvas, method)
    nodes["load"] = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
    nodes["images"] = node("MaskToImage", mask=["regions", 3])
    nodes["stats"] = node("Stats", images=["images", 0])
    found = [json.loads(text) for text in comfy.run(nodes)["stats"]["stats"]]
    assert [mask["size"] for mask in found] == [[90, 90]] * 3
    shares = {OVERLAY: [1, 1 / 3, 2 / 3], AVERAGE: [1, 1 / 2, 1 / 2]}.get(method, [1, 2 / 3, 2 / 3])
    assert [mask["whole"][0] / 255 for mask in found] == pytest.approx(shares, abs=1e-4)


@pytest.mark.parametrize("method", ONE_PASS)
def test_heat_lies_where_the_words_acted(comfy: Comfy, method: str):
    nodes = place(HALVES, method, {"capture": "16"})
    nodes["heat"] = node("ResonanceRegionHeat", model=["regions", 0], image=["decode", 0], opacity=1.0)
    nodes["maps"] = node("MaskToImage", mask=["heat", 1])
    nodes["map stats"] = node("Stats", images=["maps", 0])
    nodes["names"] = node("ProbeValue", value=["heat", 2])
    out = comfy.run(paint("tiny_sd15", ["regions", 1], ["regions", 2], model=["regions", 0], nodes=nodes, cfg=4.0))
    whole, red, blue = (json.loads(text) for text in out["map stats"]["stats"])
    assert json.loads(out["names"]["value"][0]) == ["global", "region 1", "region 2"]
    assert red["size"] == [16, 16]
    (shown,) = out["heat"]["resonance_heat"]
    assert shown["names"] == ["global", "region 1", "region 2"]
    files = [shown["picture"], *shown["maps"]]
    sizes = [Image.open(comfy.base / file["type"] / file["filename"]).size for file in files]
    assert sizes == [(64, 64), (16, 16), (16, 16), (16, 16)]
    assert red["left"][0] > 2 * red["right"][0] and blue["right"][0] > 2 * blue["left"][0]
    assert abs(whole["left"][0] - whole["right"][0]) < 10


@pytest.mark.parametrize(
    ("canvas", "settings", "says"),
    [
        (HALVES, {"method": "no such"}, "method must be one of attention couple, .*, area average"),
        (HALVES, {"clip": None}, "connect clip"),
        (None, {}, "There are no regions"),
        *(
            (
                layout(region("red", LEFT, loras=(Lora("x.safetensors"),))),
                {"method": method},
                "no LoRA 'x.safetensors' in .*loras.* Nearest: ",
            )
            for method in (OVERLAY, COUPLE)
        ),
        (Canvas((Region(weight=0), region("red", LEFT))), {}, "Nothing acts outside the regions: connect positive"),
    ],
)
def test_errors_say_what_to_do(comfy: Comfy, canvas: Canvas | None, settings: dict[str, Any], says: str):
    settings = dict(settings)
    method = settings.pop("method", COUPLE)
    nodes = place(canvas, method if method in METHODS else COUPLE, **settings)
    nodes["regions"]["inputs"]["method"] = method
    if "clip" in settings:
        del nodes["regions"]["inputs"]["clip"]
    with pytest.raises(RunFailed, match=says):
        pictures(comfy, nodes)


@pytest.mark.parametrize("method", ONE_PASS)
def test_regions_on_regions_are_refused(comfy: Comfy, method: str):
    nodes = place(HALVES, method)
    inputs = nodes["regions"]["inputs"]
    nodes["first"] = node("ResonanceRegions", **inputs)
    inputs |= {"model": ["first", 0], "positive": ["first", 1]}
    with pytest.raises(RunFailed, match="connected to positive has regions of its own"):
        pictures(comfy, nodes)


def test_words_of_another_model_are_refused(comfy: Comfy):
    nodes = place(HALVES, COUPLE, positive=["words", 0])
    nodes["other"] = node("LoadSmall", ckpt_name="tiny_sdxl.safetensors")
    nodes["words"] = node("CLIPTextEncode", clip=["other", 1], text="a")
    with pytest.raises(RunFailed, match="positive has an embedding width of 2048, the global words have one of 768"):
        pictures(comfy, nodes)


@pytest.mark.parametrize("method", AREA)
def test_areas_work_with_other_families(comfy: Comfy, method: str):
    assert hues(pictures(comfy, place(HALVES, method), "flux")[0]) == ("red", "blue")


@pytest.mark.parametrize("method", ONE_PASS)
def test_a_model_of_another_family_is_answered_with_what_works(comfy: Comfy, method: str):
    with pytest.raises(
        RunFailed, match="Stable Diffusion 1.5, Stable Diffusion 2, SDXL, but the model is Flux. .*area"
    ):
        pictures(comfy, place(HALVES, method), "flux")


def test_encode_canvas_puts_all_words_into_one_conditioning(comfy: Comfy):
    nodes = {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "canvas": node("ResonanceCanvas", canvas_text=write(HALVES), width=1024, height=1024),
        "encode": node("ResonanceEncodeCanvas", clip=CLIP, canvas=["canvas", 0]),
        "first": node("CLIPTextEncode", clip=CLIP, text="a the"),
        "stats": node("CondStats", conditioning=["encode", 0]),
        "first stats": node("CondStats", conditioning=["first", 0]),
    }
    out = comfy.run(nodes)
    found, first = (json.loads(out[name]["entries"][0]) for name in ("stats", "first stats"))
    assert found["shape"] == [1, 3 * 77, 768] and found["pooled"] == first["pooled"]


def test_equal_words_of_other_weights_are_other_words(comfy: Comfy):
    def digest(*texts: str) -> str:
        canvas = layout(*(region(text, LEFT) for text in texts))
        nodes = {
            "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
            "canvas": node("ResonanceCanvas", canvas_text=write(canvas), width=1024, height=1024),
            "encode": node("ResonanceEncodeCanvas", clip=CLIP, canvas=["canvas", 0]),
            "digest": node("Digest", value=["encode", 0]),
        }
        return comfy.run(nodes)["digest"]["digest"][0]

    assert digest("(red:1.5)", "red") != digest("(red:1.5)", "(red:1.5)")


def test_a_canvas_without_weights_has_nothing_to_encode(comfy: Comfy):
    nodes = {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "canvas": node("ResonanceCanvas", canvas_text=write(Canvas((Region(weight=0),))), width=1024, height=1024),
        "encode": node("ResonanceEncodeCanvas", clip=CLIP, canvas=["canvas", 0]),
        "stats": node("CondStats", conditioning=["encode", 0]),
    }
    with pytest.raises(RunFailed, match="No words act"):
        comfy.run(nodes)

"""Reference Picture in a real ComfyUI: what a picture does to the picture that is made, by IP-Adapter."""

from itertools import product
from typing import Any

import pytest

from resonance.canvas.canvas import Lora

from .comfy import Comfy, RunFailed, node
from .paint import MODEL, RGB
from .referring import half, made, of, plain, refer, vision, words
from .regional import COUPLE, LEFT, METHODS, OVERLAY, RIGHT, layout, place, region, with_the_rest
from .test_sampling_run import guided_by

pytestmark = pytest.mark.usefixtures("reference")

CHECKPOINTS = ("sd15", "sd15_topology", "sdxl")
KINDS = ("base", "plus")
SAMPLERS = ("euler", "euler_ancestral", "dpmpp_2m")


def seeing(kind: str = "base", checkpoint: str = "sd15", *colours: str) -> dict[str, Any]:
    """Pictures in plain colours, and the vision model that an adapter reads, under ``vision``."""
    eye = "tiny_vit_g" if (kind, checkpoint) == ("base", "sdxl") else "tiny_vit_h"
    return {**plain(*(colours or ("red", "blue"))), "vision": vision(eye), "words": words()}


def shown(colour: str, kind: str = "base", checkpoint: str = "sd15", **how: Any) -> dict[str, Any]:
    """Reference Picture with an IP-Adapter."""
    file = f"tiny_{kind}_{checkpoint.removeprefix('sd15_')}.safetensors"
    text = how.pop("words", "words")
    return refer([text, 0], [colour, 0], clip_vision=["vision", 0], adapter=file, **how)


def is_red(rgb: RGB) -> bool:
    return rgb[0] > 150 and rgb[2] < 100


def is_blue(rgb: RGB) -> bool:
    return rgb[2] > 150 and rgb[0] < 100


def boxed(name: str, conditioning: list[Any], left: float, right: float, **more: Any) -> dict[str, Any]:
    box = {"left": left, "top": 0.0, "right": right, "bottom": 1.0}
    return node(
        "ResonanceRegionFromConditioning",
        conditioning=conditioning,
        place="box",
        weight=1.0,
        start=0.0,
        end=1.0,
        name=name,
        **{f"place.{side}": value for side, value in box.items()},
        **more,
    )


FEW = [
    ("sd15", "base", "dpmpp_2m", 1.0),
    ("sd15", "plus", "euler_ancestral", 7.0),
    ("sdxl", "plus", "euler", 7.0),
    ("sd15_topology", "base", "euler_ancestral", 1.0),
]


@pytest.mark.parametrize(
    ("checkpoint", "kind", "sampler", "cfg"),
    with_the_rest(FEW, product(CHECKPOINTS, KINDS, SAMPLERS, (1.0, 7.0))),
)
def test_a_red_picture_paints_red_and_a_blue_one_blue(
    comfy: Comfy, checkpoint: str, kind: str, sampler: str, cfg: float
):
    nodes = seeing(kind, checkpoint)
    # Words have a tint of their own here.
    nodes["none"] = node("ConditioningZeroOut", conditioning=["words", 0])
    nodes |= {f"with {colour}": shown(colour, kind, checkpoint, words="none") for colour in ("red", "blue")}
    how: dict[str, Any] = {"sampler": sampler, "cfg": cfg, "steps": 8}
    found = made(comfy, f"tiny_{checkpoint}", nodes, {c: of(f"with {c}", **how) for c in ("red", "blue")})
    assert is_red(found["red"][0].whole) and is_blue(found["blue"][0].whole), found


@pytest.mark.parametrize(
    "checkpoint", ["sd15", *(pytest.param(name, marks=pytest.mark.long) for name in CHECKPOINTS[1:])]
)
def test_two_pictures_left_and_right(comfy: Comfy, checkpoint: str):
    nodes = seeing("plus", checkpoint) | half() | half(right=True)
    nodes["left"] = shown("red", "plus", checkpoint, mask=["half", 0])
    right = shown("blue", "plus", checkpoint, mask=["other half", 0])
    right["inputs"] |= {"model": ["left", 0], "conditioning": ["left", 1]}
    found = made(comfy, f"tiny_{checkpoint}", {**nodes, "right": right}, {"both": of("right", cfg=3.0)})
    [picture] = found["both"]
    assert is_red(picture.left) and is_blue(picture.right), picture


@pytest.mark.parametrize(
    ("method", "checkpoint"),
    with_the_rest(
        [(COUPLE, "sd15"), (OVERLAY, "sd15")],
        product(METHODS, ("sd15", "sd15_topology", "sdxl")),
    ),
)
def test_a_picture_in_one_region_and_a_word_in_the_other(comfy: Comfy, method: str, checkpoint: str):
    nodes = seeing("base", checkpoint, "red")
    nodes |= {
        "left picture": shown("red", "base", checkpoint),
        "blue": node("CLIPTextEncode", clip=["load", 1], text="blue"),
        "left": boxed("left", ["left picture", 1], 0.0, 0.5),
        "right": boxed("right", ["blue", 0], 0.5, 1.0, regions=["left", 0]),
        # The model comes from the loader: Regions lets the picture act.
        **place(None, method, regions=["right", 0], positive=["words", 0]),
    }
    case: dict[str, Any] = {"model": ["regions", 0], "positive": ["regions", 1], "negative": ["regions", 2]}
    found = made(comfy, f"tiny_{checkpoint}", nodes, {"one": case, "guided": {**case, "cfg": 3.0}})
    for [picture] in found.values():
        left, right = picture.left, picture.right
        assert left[0] > left[2] + 60 and right[2] > right[0] + 60, (method, checkpoint, found)


def test_each_picture_of_a_batch_is_for_one_that_is_made(comfy: Comfy):
    nodes = seeing() | {"two": node("ImageBatch", image1=["red", 0], image2=["blue", 0])}
    nodes |= {"each": shown("two", each=True), "all": shown("two")}
    found = made(comfy, "tiny_sd15", nodes, {"each": of("each"), "all": of("all")}, batch=2)
    first, second = found["each"]
    assert is_red(first.whole) and is_blue(second.whole)
    for picture in found["all"]:
        assert abs(picture.whole[0] - picture.whole[2]) < 40, found


def test_what_acts_nowhere_changes_nothing_to_the_bit(comfy: Comfy):
    nodes = seeing() | {
        "empty": node("SolidMask", value=0.0, width=8, height=8),
        "full": node("SolidMask", value=1.0, width=8, height=8),
        "whole": shown("red"),
        "strength": shown("red", strength=0.0),
        "nowhere": shown("red", mask=["empty", 0]),
        "never": shown("red", start=0.7, end=0.3),
        "no step": shown("red", start=0.4, end=0.6),
        "everywhere": shown("red", mask=["full", 0]),
    }
    plain_case = {"model": MODEL, "positive": ["words", 0]}
    names = ("whole", "strength", "nowhere", "never", "no step", "everywhere")
    for cfg in (1.0, 4.0):
        cases = {name: of(name, cfg=cfg) for name in names}
        # The model of before is sampled after the one that looks at the picture.
        found = made(
            comfy, "tiny_sd15", nodes, {"first": plain_case | {"cfg": cfg}, **cases, "after": plain_case | {"cfg": cfg}}
        )
        [without] = found["first"]
        for name in ("strength", "nowhere", "never", "no step", "after"):
            assert found[name][0].pixels == without.pixels, name
        assert found["everywhere"][0].pixels == found["whole"][0].pixels != without.pixels


def test_a_picture_acts_in_a_range_of_the_steps(comfy: Comfy):
    nodes = seeing() | {"green": words("green")}
    nodes |= {
        "begin": shown("red", words="green", end=0.4),
        "end": shown("red", words="green", start=0.4),
        "whole": shown("red", words="green"),
    }
    names = ("begin", "end", "whole")
    cases = {"without": {"model": MODEL, "positive": ["green", 0]}, **{name: of(name) for name in names}}
    found = made(comfy, "tiny_sd15", nodes, {name: {**case, "steps": 10} for name, case in cases.items()})
    without, begin, end, whole = (found[name][0].whole for name in cases)
    assert without[0] + 20 < min(begin[0], end[0]) <= max(begin[0], end[0]) < whole[0] - 20, found
    assert begin != end


def test_cores_masks_areas_ranges_and_combine_act_on_it(comfy: Comfy):
    nodes = seeing() | half() | half(right=True) | {"blue words": words("blue"), "green": words("green")}
    everywhere = {"strength": 1.0, "set_cond_area": "default"}
    nodes |= {
        "red picture": shown("red"),
        "masked": node("ConditioningSetMask", conditioning=["red picture", 1], mask=["half", 0], **everywhere),
        "other masked": node(
            "ConditioningSetMask", conditioning=["blue words", 0], mask=["other half", 0], **everywhere
        ),
        "masks": node("ConditioningCombine", conditioning_1=["masked", 0], conditioning_2=["other masked", 0]),
        # The left half of the picture, in an area that is the left half: its own mask is one of the whole picture.
        "left picture": shown("red", mask=["half", 0]),
        "area": node(
            "ConditioningSetAreaPercentage",
            conditioning=["left picture", 1],
            width=0.5,
            height=1.0,
            x=0.0,
            y=0.0,
            strength=1.0,
        ),
        "other area": node(
            "ConditioningSetAreaPercentage",
            conditioning=["blue words", 0],
            width=0.5,
            height=1.0,
            x=0.5,
            y=0.0,
            strength=1.0,
        ),
        "areas": node("ConditioningCombine", conditioning_1=["area", 0], conditioning_2=["other area", 0]),
        "first": node("ConditioningSetTimestepRange", conditioning=["red picture", 1], start=0.0, end=0.5),
        "then": node("ConditioningSetTimestepRange", conditioning=["green", 0], start=0.5, end=1.0),
        "ranges": node("ConditioningCombine", conditioning_1=["first", 0], conditioning_2=["then", 0]),
    }
    names = ("masks", "areas", "ranges")
    cases: dict[str, Any] = {name: {"model": ["red picture", 0], "positive": [name, 0], "cfg": 3.0} for name in names}
    cases["ranges"]["cfg"] = 1.0
    cases |= {"green": {"model": MODEL, "positive": ["green", 0]}, "red": of("red picture")}
    found = {name: looks[0] for name, looks in made(comfy, "tiny_sd15", nodes, cases).items()}
    for name in ("masks", "areas"):
        left, right = found[name].left, found[name].right
        assert left[0] > left[2] + 60 and right[2] > right[0] + 60, (name, left, right)
    red, both, green = (found[name].whole for name in ("red", "ranges", "green"))
    assert red[0] > both[0] > green[0] + 20 and red[1] + 10 < both[1] < green[1], found


# Beside what else acts


BESIDE: dict[str, dict[str, Any]] = {
    "LoRA": {"class_type": "LoraLoaderModelOnly", "lora_name": "tiny_lora.safetensors", "strength_model": 1.0},
    "HyperTile": {"class_type": "HyperTile", "tile_size": 32, "swap_size": 1, "max_depth": 0, "scale_depth": False},
    "token merging": {"class_type": "TomePatchModel", "ratio": 0.5},
    "perturbed attention": {"class_type": "PerturbedAttentionGuidance", "scale": 0.1},
    "patch": {"class_type": "PatchTint", "amount": 1.0},
    "replacement": {"class_type": "ReplaceTint", "amount": 1.0, "keys": "transformers"},
}


RARE = ("LoRA", "token merging", "perturbed attention")


@pytest.mark.parametrize(
    "beside", [pytest.param(name, marks=pytest.mark.long if name in RARE else ()) for name in BESIDE]
)
def test_it_acts_beside_what_else_patches_the_model(comfy: Comfy, beside: str):
    """Before it and behind it, with the same effect."""
    inputs = dict(BESIDE[beside])
    kind = inputs.pop("class_type")
    nodes = seeing() | {
        "alone": shown("red"),
        "before": node(kind, model=MODEL, **inputs),
        "then": shown("red", model=["before", 0]),
        "behind": node(kind, model=["alone", 0], **inputs),
    }
    cases = {
        "plain": {"model": MODEL, "positive": ["words", 0]},
        "without": {"model": ["before", 0], "positive": ["words", 0]},
        "alone": of("alone"),
        "before": of("then"),
        "behind": {"model": ["behind", 0], "positive": ["alone", 1]},
    }
    found = {name: looks[0] for name, looks in made(comfy, "tiny_sd15", nodes, cases, side=128).items()}
    before, behind, without = found["before"].whole, found["behind"].whole, found["without"].whole
    assert all(abs(one - other) < 1 for one, other in zip(before, behind, strict=True)), found
    if beside == "LoRA":
        assert is_blue(before), "it swaps what comes of the picture, too"
    else:
        assert before[0] > without[0] + 40 and before[2] < without[2] - 20, found
    if "Tint" in kind:
        assert before[1] > found["alone"].whole[1] + 40, found


def test_a_controlnet_acts_beside_it(comfy: Comfy):
    nodes = seeing() | {
        "with": shown("red"),
        "net": node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors"),
        "hinted": node(
            "ControlNetApplyAdvanced",
            positive=["with", 1],
            negative=["nothing", 0],
            control_net=["net", 0],
            image=["blue", 0],
            strength=1.0,
            start_percent=0.0,
            end_percent=1.0,
        ),
    }
    case = {"model": ["with", 0], "positive": ["hinted", 0], "negative": ["hinted", 1]}
    found = made(comfy, "tiny_sd15", nodes, {"alone": of("with"), "hinted": case})
    alone, hinted = found["alone"][0].whole, found["hinted"][0].whole
    assert hinted[0] > 100 and hinted[2] > alone[2] + 40 and hinted[1] < 60, found


@pytest.mark.parametrize("method", [COUPLE, *(pytest.param(m, marks=pytest.mark.long) for m in METHODS if m != COUPLE)])
def test_a_lora_of_a_region_acts_on_its_picture_only(comfy: Comfy, method: str):
    """It swaps red and blue in the left half; both halves have a red picture."""
    canvas = layout(region("the", LEFT, loras=(Lora("tiny_lora.safetensors", 1.0),)), region("the", RIGHT))
    nodes = seeing("base", "sd15", "red") | place(canvas, method, positive=["red picture", 1], model=["red picture", 0])
    nodes["red picture"] = shown("red")
    case = {"model": ["regions", 0], "positive": ["regions", 1], "negative": ["regions", 2]}
    [picture] = made(comfy, "tiny_sd15", nodes, {"one": case})["one"]
    assert picture.left[2] > picture.left[0] + 60 and picture.right[0] > picture.right[2] + 60, picture


def test_the_negative_reads_the_blank_picture_where_its_picture_is(comfy: Comfy):
    """At CFG scale 1 the negative is not asked; guidance raises a picture's effect where it acts, and nothing else anywhere."""
    nodes = seeing() | half() | {"left": shown("red", mask=["half", 0], strength=0.5)}
    plain_case = {"model": MODEL, "positive": ["words", 0], "negative": ["words", 0], "cfg": 3.0}
    cases = {"plain": plain_case, "left": of("left", negative=["words", 0], cfg=3.0)}
    found = {name: looks[0] for name, looks in made(comfy, "tiny_sd15", nodes, cases).items()}
    assert is_red(found["left"].left)
    assert all(abs(a - b) < 12 for a, b in zip(found["left"].right, found["plain"].right, strict=True)), found


def test_every_list_without_a_picture_reads_the_blank_one(comfy: Comfy):
    """The second positive of DualCFGGuider and the empty prompt of PerpNegGuider stand here where KSampler has its negative."""
    nodes = seeing("plus") | {"nothing": words(""), "with": shown("red", "plus", strength=0.5)}
    [by_negative] = made(comfy, "tiny_sd15", nodes, {"one": of("with", cfg=3.0)})["one"]
    none, model = ["nothing", 0], ["with", 0]
    dual = {"cond1": ["with", 1], "cond2": none, "cfg_conds": 3.0, "cfg_cond2_negative": 1.0, "style": "regular"}
    perp = {"positive": ["with", 1], "empty_conditioning": none, "cfg": 3.0, "neg_scale": 0.0}
    for guider in (
        node("DualCFGGuider", model=model, negative=none, **dual),
        node("PerpNegGuider", model=model, negative=none, **perp),
    ):
        found = guided_by(comfy, nodes, guider)
        assert all(abs(a - b) < 1 for a, b in zip(found.whole, by_negative.whole, strict=True)), (found, by_negative)


def test_a_sampler_with_another_model_says_so(comfy: Comfy):
    nodes = seeing() | {"with": shown("red")}
    with pytest.raises(RunFailed, match="connect the model output of the node"):
        made(comfy, "tiny_sd15", nodes, {"lost": {"model": MODEL, "positive": ["with", 1]}})

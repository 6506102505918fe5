"""LoRAs of regions in a real ComfyUI: over the whole picture they are core's loader, elsewhere they stay in their place."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from models.checkpoint import KINDS, build_loras

from resonance.canvas.canvas import Canvas, Lora, Region

from .comfy import Comfy, RunFailed, node
from .paint import CLIP, MODEL, Look, look, paint
from .regional import (
    COUPLE,
    LEFT,
    METHODS,
    OMOST,
    ONE_PASS,
    OVERLAY,
    PAPER,
    RIGHT,
    WHOLE,
    hues,
    layout,
    leans,
    pictures,
    place,
    region,
    with_the_rest,
)

SWAP = {
    "sd15": "tiny_lora.safetensors",
    "sd15_topology": "tiny_lora_topology.safetensors",
    "sd2": "tiny_lora_sd2.safetensors",
    "sdxl": "tiny_lora_sdxl.safetensors",
}
"""Swap red and blue, in the diffusion model."""


@pytest.fixture(scope="module", autouse=True)
def loras(families: Path) -> None:
    build_loras(families)


def swapping(family: str = "sd15", strength: float = 1.0) -> tuple[Lora, ...]:
    return (Lora(SWAP[family], strength),)


def from_conditionings(method: str, *regions: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """Nodes with Region from Conditioning, a chain of them."""
    nodes = place(None, method, regions=[f"region {len(regions)}", 0], **inputs)
    before: dict[str, Any] = {}
    for number, more in enumerate(regions, 1):
        acts = {"weight": 1.0, "start": 0.0, "end": 1.0, "name": ""}
        box = {"place": "box", "place.left": 0.0, "place.top": 0.0, "place.right": 1.0, "place.bottom": 1.0}
        nodes[f"region {number}"] = node("ResonanceRegionFromConditioning", **{**acts, **box, **more, **before})
        before = {"regions": [f"region {number}", 0]}
    return nodes


def wholes() -> list[tuple[str, str, str, str]]:
    """Each method with each family and with each source of the words; the kinds take turns, one after the other: core's picture is
    kept from one test to the next."""
    cases = [
        (family, KINDS[(turn + number) % 4], method, ("canvas", "connected")[(turn + number) % 2])
        for number, family in enumerate(("sd15_topology", "sdxl"))
        for turn, method in enumerate(METHODS)
    ]
    return sorted(cases, key=lambda case: case[:2])


TWO = [
    COUPLE,
    OVERLAY,
    *(pytest.param(each, marks=pytest.mark.long) for each in METHODS if each not in (COUPLE, OVERLAY)),
]
"""One that acts in attention and one that does not; the others in `nox -s long`."""
EVERY = product(("sd15_topology", "sdxl"), KINDS, METHODS, ("canvas", "connected"))


@pytest.mark.parametrize(("family", "kind", "method", "source"), with_the_rest(wholes(), EVERY))
def test_over_the_whole_picture_it_is_cores_loader(comfy: Comfy, family: str, kind: str, method: str, source: str):
    """At CFG 7, where the negative counts; with the part for the text encoder."""
    file = f"wide_{kind}_{family}.safetensors"
    if source == "canvas":
        whole = Region(suffixes=("gray",), negative="blue")
        nodes = place(Canvas((whole, Region(WHOLE, ("a",), ("red",), loras=(Lora(file),)))), method)
    else:
        words = {"conditioning": ["stock positive", 0], "lora": file, "lora_strength": 1.0}
        nodes = from_conditionings(method, words, positive=["stock positive", 0], negative=["stock negative", 0])
    assert apart(comfy, nodes, family, file, ["without positive", 0], ["without negative", 0]) < 1e-3


@pytest.mark.parametrize("method", TWO)
def test_the_lora_of_the_global_region_is_cores_loader(comfy: Comfy, method: str):
    """It acts on the pooled vector, too."""
    file = "wide_lora_sdxl.safetensors"
    nodes = place(Canvas((Region(prefixes=("a",), suffixes=("red",), negative="blue", loras=(Lora(file),)),)), method)
    assert apart(comfy, nodes, "sdxl", file, ["regions", 1], ["regions", 2]) < 1e-3


def apart(
    comfy: Comfy, nodes: dict[str, Any], family: str, file: str, positive: list[Any], negative: list[Any]
) -> float:
    """How far a picture with regions is from core's with the LoRA, as a share of all that it does."""
    nodes["stock"] = node("LoraLoader", model=MODEL, clip=CLIP, lora_name=file, strength_model=1.0, strength_clip=1.0)
    for name, text in (("positive", "a red"), ("negative", "blue")):
        nodes[f"stock {name}"] = node("CLIPTextEncode", clip=["stock", 1], text=text)
        ours = ["regions", 1 if name == "positive" else 2]
        nodes[f"alone {name}"] = node("WithoutBase", conditioning=ours)
        # What all regions share is the base's, which has no LoRA here.
        pooled = {"conditioning": [f"alone {name}", 0], "other": [f"stock {name}", 0]}
        nodes[f"without {name}"] = node("PooledOf", **pooled)
    sampling = {"seed": 1, "steps": 2, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    words = {"positive": ["stock positive", 0], "negative": ["stock negative", 0], "latent_image": ["latent", 0]}
    nodes["expected"] = node("KSampler", model=["stock", 0], **words, **sampling)
    nodes["plain"] = node("KSampler", model=MODEL, **words, **sampling)
    nodes["error"] = node("Apart", a=["sampler", 0], b=["expected", 0])
    nodes["effect"] = node("Apart", a=["plain", 0], b=["expected", 0])
    prompt = paint(f"tiny_{family}", positive, negative, model=["regions", 0], nodes=nodes, steps=2, cfg=7.0)
    out = comfy.run(prompt)
    [error], [effect] = (out[name]["apart"] for name in ("error", "effect"))
    assert effect > 0.1
    return error / effect


BOTH = layout(region("red", LEFT), region("red", RIGHT))


def places() -> list[tuple[str, str, tuple[int, int], str, float]]:
    """Each method with the smallest family, some with others (SD2 predicts v), each size, sampler and guidance a few times."""
    others = [("sd2", COUPLE), ("sd2", OVERLAY), ("sdxl", OMOST), ("sd15_topology", PAPER)]
    return [
        (
            family,
            method,
            ((64, 64), (144, 88), (80, 120))[turn % 3],
            ("euler", "euler_ancestral")[turn % 2],
            (1.0, 2.0)[turn // 2 % 2],
        )
        for turn, (family, method) in enumerate([*(("sd15", method) for method in METHODS), *others])
    ]


@pytest.mark.parametrize(("family", "method", "size", "sampler", "cfg"), places())
def test_it_stays_in_its_place(comfy: Comfy, family: str, method: str, size: tuple[int, int], sampler: str, cfg: float):
    """The left moves, the right does not, in each picture of a batch."""
    sampling = {"size": size, "sampler": sampler, "cfg": cfg, "batch": 2, "steps": 2}
    canvas = layout(region("red", LEFT, loras=swapping(family)), region("red", RIGHT))
    plain = pictures(comfy, place(BOTH, method), family, **sampling)
    for before, after in zip(plain, pictures(comfy, place(canvas, method), family, **sampling), strict=True):
        assert before.left[0] - after.left[0] > 60 and after.left[2] - before.left[2] > 60
        assert max(abs(b - a) for b, a in zip(before.right, after.right, strict=True)) < 10


@pytest.mark.parametrize("method", METHODS)
def test_two_of_them_swap_colours_and_move_with_their_regions(comfy: Comfy, method: str):
    loras = swapping()
    swapped = layout(region("red", LEFT, loras=loras), region("blue", RIGHT, loras=loras))
    [picture] = pictures(comfy, place(swapped, method))
    assert leans(picture.left, "blue", "red") and leans(picture.right, "red", "blue")
    moved = layout(region("red", RIGHT, loras=loras), region("red", LEFT))
    [picture] = pictures(comfy, place(moved, method))
    assert leans(picture.left, "red", "blue") and leans(picture.right, "blue", "red")


@pytest.mark.parametrize("method", TWO)
def test_several_of_one_region_add_up(comfy: Comfy, method: str):
    one = layout(region("red", LEFT, loras=swapping()), region("red", RIGHT))
    halves = layout(region("red", LEFT, loras=swapping(strength=0.5) * 2), region("red", RIGHT))
    [expected], [picture] = (pictures(comfy, place(canvas, method)) for canvas in (one, halves))
    assert picture.left == pytest.approx(expected.left, abs=0.5)


@pytest.mark.parametrize("method", TWO)
def test_with_weight_or_strength_0_nothing_is_another(comfy: Comfy, method: str):
    def painted(*regions: Region) -> str:
        return pictures(comfy, place(layout(*regions), method), cfg=3.0)[0].pixels

    right = region("blue", RIGHT)
    assert painted(region("red", LEFT, loras=swapping(strength=0)), right) == painted(region("red", LEFT), right)
    assert painted(region("red", LEFT, loras=swapping(), weight=0), right) == painted(right)


@pytest.mark.parametrize("method", TWO)
def test_it_acts_from_the_start_to_the_end_of_its_region(comfy: Comfy, method: str):
    def left(**more: Any) -> float:
        return pictures(comfy, place(layout(region("red", LEFT, **more), whole="red"), method))[0].left[2]

    always, never = left(loras=swapping()), left()
    for when in ({"start": 0.5}, {"end": 0.5}):
        assert never + 15 < left(loras=swapping(), **when) < always - 15


@pytest.mark.parametrize("method", [COUPLE, OVERLAY])
def test_the_lora_of_a_connected_conditioning(comfy: Comfy, method: str):
    half = {"conditioning": ["red", 0], "lora": SWAP["sd15"], "lora_strength": 1.0}
    nodes = from_conditionings(
        method,
        {**half, "place.right": 0.5},
        {"conditioning": ["red", 0], "place.left": 0.5},
        positive=["base", 0],
        clip=CLIP,
    )
    nodes["red"] = node("CLIPTextEncode", clip=CLIP, text="red")
    nodes["base"] = node("CLIPTextEncode", clip=CLIP, text="a")
    assert hues(pictures(comfy, nodes)[0]) == ("blue", "red")


def counts() -> list[tuple[int, int]]:
    """Regions, and how many of them have a LoRA."""
    return [(1, 0), (1, 1), (2, 1), (3, 3), (4, 2), (5, 5), (6, 3), (7, 0), (7, 7)]


@pytest.mark.parametrize(
    ("regions", "acting"), with_the_rest(counts(), ((r, n) for r in range(1, 8) for n in range(r + 1)))
)
def test_the_model_is_asked_once_per_step(comfy: Comfy, regions: int, acting: int):
    width = 90 // regions
    canvas = layout(
        *(
            Region((0, 90, n * width, (n + 1) * width), ("a",), ("red",), loras=swapping() if n < acting else ())
            for n in range(regions)
        )
    )
    method = ONE_PASS[regions % 3]
    nodes = place(canvas, method)
    nodes["watch"] = node("WatchCalls", model=["regions", 0], name="lora calls")
    nodes["seen"] = node("Seen", name="lora calls", after=["decode", 0])
    prompt = paint("tiny_sd15", ["regions", 1], ["regions", 2], model=["watch", 0], nodes=nodes, cfg=2.0, steps=2)
    calls = json.loads(comfy.run(prompt)["seen"]["seen"][0])
    assert [entries for entries, *_ in calls] == [2, 2]


REGIONAL = layout(region("red", LEFT, loras=swapping()), region("red", RIGHT))


@pytest.mark.parametrize("method", [COUPLE, OMOST])
def test_the_model_is_as_it_was_after_a_failure(comfy: Comfy, method: str):
    nodes = place(REGIONAL, method)
    nodes["load"] = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
    ours = {"model": ["regions", 0], "positive": ["regions", 1], "negative": ["regions", 2]}
    nodes["fail"] = node("SampleAndFail", **ours)
    assert json.loads(comfy.run(nodes)["fail"]["changed"][0]) == []


def test_a_gradient_flows_through_it(comfy: Comfy):
    nodes = place(REGIONAL, COUPLE)
    nodes["gradient"] = node("TakeGradient", model=["regions", 0], name="lora gradient")
    nodes["seen"] = node("Seen", name="lora gradient", after=["decode", 0])
    prompt = paint("tiny_sd15", ["regions", 1], ["regions", 2], model=["gradient", 0], nodes=nodes, cfg=3.0)
    out = comfy.run(prompt)
    sizes = json.loads(out["seen"]["seen"][0])
    assert len(sizes) == 3 and min(sizes) > 0
    assert hues(look(out)[0]) == hues(pictures(comfy, place(REGIONAL, COUPLE), cfg=3.0)[0])


FILES = [
    ("wide_dora.safetensors", ONE_PASS, "is a DoRA .*cannot act in one region.*take area overlay"),
    ("wide_oft.safetensors", ONE_PASS, "is of kind oft .*cannot act in one region"),
    ("wide_boft.safetensors", ONE_PASS, "is of kind boft .*cannot act in one region"),
    ("wide_glora.safetensors", ONE_PASS, "is of kind glora .*cannot act in one region"),
    ("wide_diff.safetensors", ONE_PASS, "is one of whole weights .*cannot act in one region"),
    ("wide_lora_sdxl.safetensors", METHODS, "was made for another model"),
    ("no_lora.safetensors", METHODS, "is no LoRA for this model"),
    ("no_file_of_tensors.safetensors", METHODS, "cannot be read as a LoRA"),
    ("nowhere.safetensors", METHODS, "There is no LoRA 'nowhere.safetensors' in .*loras"),
]


@pytest.mark.parametrize(
    ("file", "method", "says"),
    with_the_rest(
        ((file, methods[turn % len(methods)], says) for turn, (file, methods, says) in enumerate(FILES)),
        ((file, method, says) for file, methods, says in FILES for method in methods),
    ),
)
def test_what_cannot_act_is_named_before_sampling(comfy: Comfy, families: Path, file: str, method: str, says: str):
    (families / "loras" / "no_file_of_tensors.safetensors").write_text("This is no file of tensors at all.")
    no_lora = families / "loras" / "no_lora.safetensors"
    if not no_lora.exists():
        no_lora.symlink_to(families / "vae" / "tiny_taef1.safetensors")
    canvas = layout(region("red", LEFT, loras=(Lora(file),)))
    nodes = {
        "load": node("LoadSmall", ckpt_name="tiny_sd15_topology.safetensors"),
        **place(canvas, method),
        "look": node("CondStats", conditioning=["regions", 1]),
    }
    with pytest.raises(RunFailed, match=f"{file}|no LoRA") as told:
        comfy.run(nodes)
    assert told.match(says)


@pytest.mark.parametrize("way", ["compiled", "split"])
def test_a_model_that_hooks_do_not_reach_is_refused(comfy: Comfy, way: str):
    nodes = place(REGIONAL, COUPLE)
    nodes["compiled"] = node("CompileModel", model=["regions", 0], name="lora graphs", way="wrapper")
    nodes["split"] = node("SplitDevices", model=["regions", 0])
    with pytest.raises(RunFailed, match=f"This model is {way}.*tiny_lora.safetensors cannot act"):
        pictures(comfy, nodes, model=[way, 0])


def test_a_layer_that_is_passed_by_is_named(comfy: Comfy):
    nodes = place(REGIONAL, COUPLE)
    parent = "input_blocks.1.1.transformer_blocks.0.attn2.to_out"
    nodes["past"] = node("PassBy", model=["regions", 0], parent=parent)
    with pytest.raises(RunFailed, match=rf"computes {parent}\.0 in a way of its own.*tiny_lora.safetensors"):
        pictures(comfy, nodes, model=["past", 0])


def test_pixels_that_another_node_rearranges_have_no_lora_and_that_is_said(comfy: Comfy):
    file = "wide_lora_sd15_topology.safetensors"
    nodes = place(layout(region("red", LEFT, loras=(Lora(file, 0.1),)), region("red", RIGHT)), COUPLE)
    nodes["merge"] = node("TomePatchModel", model=["regions", 0], ratio=0.5)
    before = len(comfy.read_log())
    pictures(comfy, nodes, "sd15_topology", model=["merge", 0], size=(128, 128), steps=1)
    said = comfy.read_log()[before:]
    assert said.count("rearranges the pixels of some layers") == 1


def test_beside_a_lora_of_the_whole_model_a_controlnet_and_others_patches(comfy: Comfy):
    """The LoRA of the whole model swaps red and blue everywhere, that of the region takes it back there."""

    def graph(strength: float, everywhere: float = 1.0) -> Look:
        red = {"conditioning": ["red", 0]}
        lora = {"lora": SWAP["sd15"], "lora_strength": strength, "place.right": 0.5}
        nodes = from_conditionings(COUPLE, {**red, **lora}, {**red, "place.left": 0.5}, positive=["base", 0], clip=CLIP)
        for name, text in (("red", "a red"), ("base", "a")):
            nodes[name] = node("CLIPTextEncode", clip=CLIP, text=text)
        nodes["lora"] = node("LoraLoaderModelOnly", model=MODEL, lora_name=SWAP["sd15"], strength_model=everywhere)
        nodes["tint"] = node("ReplaceTint", model=["lora", 0], amount=0.5, keys="transformers")
        nodes["perturbed"] = node("PerturbedAttentionGuidance", model=["tint", 0], scale=0.1)
        nodes["regions"]["inputs"]["model"] = ["perturbed", 0]
        nodes["hint"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF00)
        nodes["net"] = node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors")
        hint = {"control_net": ["net", 0], "image": ["hint", 0], "strength": 0.3}
        nodes["apply"] = node(
            "ControlNetApplyAdvanced",
            positive=["regions", 1],
            negative=["regions", 2],
            **hint,
            start_percent=0.0,
            end_percent=1.0,
        )
        words = [["apply", 0], ["apply", 1]]
        return look(comfy.run(paint("tiny_sd15", *words, model=["regions", 0], nodes=nodes)))[0]

    together, everywhere, nowhere = graph(-1.0), graph(0.0), graph(0.0, 0.0)
    assert everywhere.left[2] > nowhere.left[2] + 40 and everywhere.right[2] > nowhere.right[2] + 40
    assert together.left == pytest.approx(nowhere.left, abs=3)
    assert together.right == pytest.approx(everywhere.right, abs=3)
    assert together.whole[1] > pictures(comfy, place(REGIONAL, COUPLE))[0].whole[1] + 20


def test_areas_of_other_families_name_what_is_no_lora_for_them(comfy: Comfy):
    canvas = layout(region("red", LEFT, loras=(Lora("wide_dora.safetensors"),)))
    with pytest.raises(RunFailed, match="wide_dora.safetensors is no LoRA for this model"):
        pictures(comfy, place(canvas, OVERLAY), "flux")

"""LoRAs of regions in a real ComfyUI: over the whole picture they are core's loader, elsewhere they stay in their place."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from models.checkpoint import KINDS, build_loras

from resonance.canvas.canvas import Canvas, Lora, Region

from .comfy import Comfy, RunFailed, node
from .graphs import listening
from .paint import CLIP, MODEL, Look, look, paint
from .regional import (
    AVERAGE,
    COUPLE,
    FAMILIES,
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


WHOLES = [
    ("sd15_topology", "lora", COUPLE, "canvas"),
    ("sd15_topology", "locon", OMOST, "connected"),
    ("sd15_topology", "loha", PAPER, "canvas"),
    ("sd15_topology", "lokr", OVERLAY, "connected"),
    ("sdxl", "locon", AVERAGE, "connected"),
    ("sdxl", "loha", COUPLE, "canvas"),
]
"""Each kind, each method, each family and each source of the words."""


def these(*methods: str) -> list[Any]:
    """Some methods; the others in `nox -s long`."""
    return [method if method in methods else pytest.param(method, marks=pytest.mark.long) for method in METHODS]


EVERY = product(("sd15_topology", "sdxl"), KINDS, METHODS, ("canvas", "connected"))


@pytest.mark.parametrize(("family", "kind", "method", "source"), with_the_rest(WHOLES, EVERY))
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


@pytest.mark.parametrize("method", these(COUPLE))
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
    painted = {"model": ["regions", 0], "nodes": nodes, "size": (32, 32), "steps": 2, "cfg": 7.0}
    out = comfy.run(paint(f"tiny_{family}", positive, negative, **painted))
    [error], [effect] = (out[name]["apart"] for name in ("error", "effect"))
    assert effect > 0.1
    return error / effect


BOTH = layout(region("red", LEFT), region("red", RIGHT))


def places(families: tuple[str, ...]) -> list[tuple[str, str, tuple[int, int], str, float]]:
    """Each family with each method; each size, sampler and guidance a few times. With guidance, the colours of the one with real
    block numbers are beyond what a picture can show."""
    return [
        (
            family,
            method,
            ((64, 64), (96, 64), (64, 88))[turn % 3],
            ("euler", "euler_ancestral")[turn % 2],
            1.0 if family == "sd15_topology" else (1.0, 2.0)[turn // 2 % 2],
        )
        for turn, (family, method) in enumerate(product(families, METHODS))
    ]


PREDICTS_V = ("sd2", COUPLE, (64, 88), "euler_ancestral", 2.0)


@pytest.mark.parametrize(
    ("family", "method", "size", "sampler", "cfg"), with_the_rest([*places(("sd15",)), PREDICTS_V], places(FAMILIES))
)
def test_it_stays_in_its_place(comfy: Comfy, family: str, method: str, size: tuple[int, int], sampler: str, cfg: float):
    """The left moves, the right does not, in each picture of a batch."""
    sampling = {"size": size, "sampler": sampler, "cfg": cfg, "batch": 2, "steps": 2}
    canvas = layout(region("red", LEFT, loras=swapping(family)), region("red", RIGHT))
    plain = pictures(comfy, place(BOTH, method), family, **sampling)
    for before, after in zip(plain, pictures(comfy, place(canvas, method), family, **sampling), strict=True):
        assert before.left[0] - after.left[0] > 60 and after.left[2] - before.left[2] > 60
        assert max(abs(b - a) for b, a in zip(before.right, after.right, strict=True)) < 10


@pytest.mark.parametrize("method", these(COUPLE))
def test_two_of_them_swap_colours_and_move_with_their_regions(comfy: Comfy, method: str):
    loras = swapping()
    swapped = layout(region("red", LEFT, loras=loras), region("blue", RIGHT, loras=loras))
    [picture] = pictures(comfy, place(swapped, method), steps=2)
    assert leans(picture.left, "blue", "red") and leans(picture.right, "red", "blue")
    moved = layout(region("red", RIGHT, loras=loras), region("red", LEFT))
    [picture] = pictures(comfy, place(moved, method), steps=2)
    assert leans(picture.left, "red", "blue") and leans(picture.right, "blue", "red")


@pytest.mark.parametrize("method", these(OVERLAY))
def test_several_of_one_region_add_up(comfy: Comfy, method: str):
    one = layout(region("red", LEFT, loras=swapping()), region("red", RIGHT))
    halves = layout(region("red", LEFT, loras=swapping(strength=0.5) * 2), region("red", RIGHT))
    [expected], [picture] = (pictures(comfy, place(canvas, method), steps=2) for canvas in (one, halves))
    assert picture.left == pytest.approx(expected.left, abs=0.5)


@pytest.mark.parametrize(
    ("what", "method"),
    with_the_rest([("strength", COUPLE), ("weight", OVERLAY)], product(("strength", "weight"), METHODS)),
)
def test_with_weight_or_strength_0_nothing_is_another(comfy: Comfy, what: str, method: str):
    def painted(*regions: Region) -> str:
        return pictures(comfy, place(layout(*regions), method), cfg=3.0, steps=2)[0].pixels

    right = region("blue", RIGHT)
    if what == "strength":
        assert painted(region("red", LEFT, loras=swapping(strength=0)), right) == painted(region("red", LEFT), right)
    else:
        assert painted(region("red", LEFT, loras=swapping(), weight=0), right) == painted(right)


@pytest.mark.parametrize(
    ("when", "method"), with_the_rest([("start", COUPLE), ("end", OVERLAY)], product(("start", "end"), METHODS))
)
def test_it_acts_from_the_start_to_the_end_of_its_region(comfy: Comfy, when: str, method: str):
    def left(**more: Any) -> float:
        return pictures(comfy, place(layout(region("red", LEFT, **more), whole="red"), method))[0].left[2]

    always, never = left(loras=swapping()), left()
    assert never + 15 < left(loras=swapping(), **{when: 0.5}) < always - 15


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
    return [(1, 1), (3, 0), (5, 2), (7, 7)]


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


@pytest.mark.parametrize(
    ("how", "method"),
    with_the_rest([("failure", OMOST), ("interrupt", COUPLE)], product(("failure", "interrupt"), METHODS)),
)
def test_the_model_is_as_it_was_after_a_failure_and_after_an_interrupt(comfy: Comfy, how: str, method: str):
    nodes = place(REGIONAL, method)
    nodes["load"] = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
    ours = {"model": ["regions", 0], "positive": ["regions", 1], "negative": ["regions", 2]}
    nodes["fail"] = node("SampleAndFail", **ours, how=how)
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


REARRANGING: dict[str, dict[str, Any]] = {
    "HyperTile": {"tile_size": 32, "swap_size": 1, "max_depth": 0, "scale_depth": False},
    "TomePatchModel": {"ratio": 0.5},
}


@pytest.mark.parametrize(
    ("rearranging", "method"),
    with_the_rest([("HyperTile", PAPER), ("TomePatchModel", COUPLE)], product(REARRANGING, ONE_PASS)),
)
def test_where_another_node_rearranges_pixels_there_is_no_lora_and_that_is_said(
    comfy: Comfy, rearranging: str, method: str
):
    """One LoRA is for layers that are rearranged, too, the other for none of these."""
    loras = (Lora("wide_lora_sd15.safetensors", 0.1), *swapping())
    nodes = place(layout(region("red", LEFT, loras=loras), region("red", RIGHT)), method)
    nodes["rearranged"] = node(rearranging, model=["regions", 0], **REARRANGING[rearranging])
    words = [["regions", 1], ["regions", 2]]
    prompt = paint("tiny_sd15", *words, model=["rearranged", 0], nodes=nodes, steps=2, cfg=2.0)
    with listening(comfy, "resonance.text") as (client, heard):
        [picture] = look(comfy.run(prompt, client_id=client))
    assert leans(picture.left, "blue", "red") and leans(picture.right, "red", "blue")
    [said] = [event["text"] for event in heard if event["node"] == "sampler"]
    assert "rearranges the pixels of some layers, such as input_blocks.1.1.transformer_blocks.0.attn1.to" in said


@pytest.mark.parametrize("method", these(COUPLE, PAPER, OVERLAY))
def test_beside_a_lora_of_the_whole_model_a_controlnet_and_others_patches(comfy: Comfy, method: str):
    """The LoRA of the whole model swaps red and blue everywhere, that of the region takes it back there."""

    def graph(strength: float, everywhere: float) -> Look:
        red = {"conditioning": ["red", 0]}
        lora = {"lora": SWAP["sd15"], "lora_strength": strength, "place.right": 0.5}
        nodes = from_conditionings(method, {**red, **lora}, {**red, "place.left": 0.5}, positive=["base", 0], clip=CLIP)
        for name, text in (("red", "a red"), ("base", "a")):
            nodes[name] = node("CLIPTextEncode", clip=CLIP, text=text)
        nodes["lora"] = node("LoraLoaderModelOnly", model=MODEL, lora_name=SWAP["sd15"], strength_model=everywhere)
        nodes["tint"] = node("ReplaceTint", model=["lora", 0], amount=1.0, keys="transformers")
        nodes["perturbed"] = node("PerturbedAttentionGuidance", model=["tint", 0], scale=0.1)
        nodes["regions"]["inputs"]["model"] = ["perturbed", 0]
        nodes["hint"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF00)
        nodes["net"] = node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors")
        hint = {"control_net": ["net", 0], "image": ["hint", 0], "strength": 0.6}
        nodes["apply"] = node(
            "ControlNetApplyAdvanced",
            positive=["regions", 1],
            negative=["regions", 2],
            **hint,
            start_percent=0.0,
            end_percent=1.0,
        )
        words = [["apply", 0], ["apply", 1]]
        return look(comfy.run(paint("tiny_sd15", *words, model=["regions", 0], nodes=nodes, steps=2)))[0]

    together, nowhere = graph(-1.0, 1.0), graph(0.0, 0.0)
    assert together.left == pytest.approx(nowhere.left, abs=3)
    assert together.right[2] > nowhere.right[2] + 40 and together.right[0] < nowhere.right[0] - 40
    assert min(together.left[1], together.right[1]) > 100, "hint and tint are green"


@pytest.mark.parametrize("method", [OVERLAY, pytest.param(AVERAGE, marks=pytest.mark.long)])
def test_areas_of_other_families_take_loras(comfy: Comfy, method: str):
    lora = (Lora("tiny_lora_flux.safetensors"),)
    canvas = layout(region("red", LEFT, loras=lora), region("red", RIGHT))
    assert hues(pictures(comfy, place(canvas, method), "flux")[0]) == ("blue", "red")


@pytest.mark.parametrize(
    "method", [PAPER, *(pytest.param(method, marks=pytest.mark.long) for method in (COUPLE, OMOST))]
)
def test_in_one_pass_other_families_take_none(comfy: Comfy, method: str):
    canvas = layout(region("red", LEFT, loras=(Lora("tiny_lora_flux.safetensors"),)))
    with pytest.raises(RunFailed, match="a region's LoRA works with Stable Diffusion 1.5.* is Flux. .*area overlay"):
        pictures(comfy, place(canvas, method), "flux")


def test_areas_of_other_families_name_what_is_no_lora_for_them(comfy: Comfy):
    canvas = layout(region("red", LEFT, loras=(Lora("wide_dora.safetensors"),)))
    with pytest.raises(RunFailed, match="wide_dora.safetensors is no LoRA for this model"):
        pictures(comfy, place(canvas, OVERLAY), "flux")

"""What acts while a model samples in a real ComfyUI: whom it acts on, what it goes through, and that it is gone afterwards."""

import json
from itertools import product
from typing import Any

import numpy as np
import pytest

from resonance.canvas.canvas import Canvas, Region

from .comfy import Comfy, RunFailed, node
from .graphs import listening
from .paint import CLIP, MODEL, VAE, Look, look, paint
from .regional import (
    COUPLE,
    FAMILIES,
    HALVES,
    LEFT,
    OMOST,
    ONE_PASS,
    PAPER,
    RIGHT,
    TOP,
    hues,
    layout,
    leans,
    pictures,
    place,
    region,
    with_the_rest,
)

pytestmark = pytest.mark.usefixtures("families")


def seen(comfy: Comfy, nodes: dict[str, Any], model: list[Any], *names: str, **sampling: Any) -> tuple[Look, ...]:
    """The picture of a graph with regions, and what its nodes have seen under each name."""
    for name in names:
        nodes[f"seen {name}"] = node("Seen", name=name, after=["decode", 0])
    positive, negative = sampling.pop("positive", ["regions", 1]), sampling.pop("negative", ["regions", 2])
    family = sampling.pop("family", "sd15")
    out = comfy.run(paint(f"tiny_{family}", positive, negative, model=model, nodes=nodes, **sampling))
    return look(out)[0], *(json.loads(out[f"seen {name}"]["seen"][0]) for name in names)


def close(one: Look, other: Look) -> bool:
    return bool(np.abs(np.subtract((one.left, one.right), (other.left, other.right))).max() <= 1)


ACROSS = [("sd15", OMOST), ("sd2", PAPER), ("sdxl", COUPLE)]


@pytest.mark.parametrize(("family", "method"), with_the_rest(ACROSS, product(FAMILIES, ONE_PASS)))
def test_another_packs_attention_is_used_for_bound_rows_too(comfy: Comfy, method: str, family: str):
    plain = pictures(comfy, place(HALVES, method), family, cfg=3.0)[0]
    nodes = place(HALVES, method)
    nodes["override"] = node("OverrideAttention", model=["regions", 0], name="calls", amount=0.0)
    picture, calls = seen(comfy, nodes, ["override", 0], "calls", family=family, cfg=3.0)
    assert close(picture, plain)
    cross = [(entries, queries) for entries, queries, keys, _ in calls if keys % 77 == 0]
    assert {tuple(entries) for entries, _ in cross} == {(0,), (1,)}  # each is asked with its own words
    assert {precision for *_, precision in calls} == {"torch.float32" if family == "sd2" else "None"}
    layers = {queries for _, queries, keys, _ in calls if queries == keys}
    assert {queries for entries, queries in cross if entries == [1]} == layers
    nodes["override"]["inputs"]["amount"] = 1.0
    plain = pictures(comfy, place(HALVES, method), family)[0]
    tinted, _ = seen(comfy, nodes, ["override", 0], "calls", family=family)
    assert tinted.left[1] > plain.left[1] + 10 and tinted.right[1] > plain.right[1] + 10


@pytest.mark.parametrize("method", ONE_PASS)
def test_a_gradient_goes_through_a_model_whose_regions_have_sampled(comfy: Comfy, method: str):
    nodes = place(HALVES, method)
    plain = pictures(comfy, nodes, cfg=3.0)[0]
    nodes["gradient"] = node("TakeGradient", model=["regions", 0], name="gradients")
    picture, gradients = seen(comfy, nodes, ["gradient", 0], "gradients", cfg=3.0)
    assert len(gradients) == 3 and all(0 < size < 1e6 for size in gradients)
    assert close(picture, plain)


@pytest.mark.parametrize("method", ONE_PASS)
def test_two_threads_sample_with_one_model(comfy: Comfy, method: str):
    nodes = place(HALVES, method)
    second = place(layout(region("green", LEFT), region("red", RIGHT)), method)
    nodes["canvas 2"] = second["canvas"]
    nodes["regions 2"] = node("ResonanceRegions", **{**second["regions"]["inputs"], "canvas": ["canvas 2", 0]})
    pairs = {"positive": ["regions", 1], "negative": ["regions", 2]}
    pairs |= {"positive_2": ["regions 2", 1], "negative_2": ["regions 2", 2]}
    nodes["threads"] = node("SampleInThreads", model=["regions", 0], **pairs)
    nodes["load"] = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
    out = comfy.run(nodes)["threads"]
    assert out["same"] == [True, True] and out["different"] == [True]


@pytest.mark.parametrize("method", ONE_PASS)
def test_after_a_failure_nothing_is_left(comfy: Comfy, method: str):
    nodes = place(HALVES, method)
    for what in ("processors", "layers", "stages"):
        nodes[what] = node("Act", conditioning=["regions", 1], what=what, name="unseen")
    nodes["threads"] = node("SampleAndFail", model=["regions", 0], positive=["layers", 0], negative=["regions", 2])
    nodes["load"] = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
    nodes["seen"] = node("Seen", name="unseen", after=["layers", 0])
    assert comfy.run(nodes)["threads"]["changed"] == ["[]"]


GRAY = layout(region("gray", LEFT), region("gray", RIGHT))


def acting(what: str, on: str = "positive") -> dict[str, Any]:
    nodes = place(GRAY, COUPLE)
    nodes["act"] = node("Act", conditioning=["regions", 1 if on == "positive" else 2], what=what, name=what)
    return nodes


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("what", ["processors", "layers", "stages"])
def test_a_conditioning_carries_what_acts(comfy: Comfy, what: str, family: str):
    plain = pictures(comfy, place(GRAY, COUPLE), family, cfg=2.0, steps=3)[0]
    picture, calls = seen(
        comfy, acting(what), ["regions", 0], what, positive=["act", 0], family=family, cfg=2.0, steps=3
    )
    assert picture.whole[1] > plain.whole[1] + 5
    if what == "processors":
        # Heads of the list, per call of the model: kind, place, number, grid, entries, timestep.
        places = [(tuple(place), number) for _, place, number, *_ in calls]
        assert len(set(places)) == len(set(number for _, number in places)) == len(places) / 3
        assert {kind for kind, *_ in calls} == {"cross"} and {tuple(sorted(rows)) for *_, rows, _ in calls} == {
            ("negative", "positive")
        }
        timesteps = [timestep for *_, timestep in calls]
        assert timesteps == sorted(timesteps, reverse=True) and timesteps[0] > 0.9
    elif what == "layers":
        assert [(name, rows) for name, rows, _ in calls] == [("last", 2)] * 3
    else:
        assert [call[:2] for call in calls] == [[when, i] for i in range(3) for when in ("before", "after")]


def test_what_a_negative_carries_acts_on_its_rows_alone(comfy: Comfy):
    plain = pictures(comfy, place(GRAY, COUPLE), cfg=2.0)[0]
    picture, _ = seen(
        comfy, acting("processors", "negative"), ["regions", 0], "processors", negative=["act", 0], cfg=2.0
    )
    assert picture.whole[1] < plain.whole[1] - 5


def behind(name: str, method: str) -> tuple[dict[str, Any], list[Any]]:
    nodes = place(HALVES, method)
    nodes["green"] = node("CLIPTextEncode", clip=CLIP, text="green")
    ours, green = ["regions", 1], ["green", 0]
    inputs: dict[str, Any] = {
        "ConditioningZeroOut": {"conditioning": ours},
        "ConditioningConcat": {"conditioning_to": ours, "conditioning_from": green},
        "ConditioningCombine": {"conditioning_1": ours, "conditioning_2": green},
        "ConditioningAverage": {
            "conditioning_to": ours,
            "conditioning_from": green,
            "conditioning_to_strength": 0.5,
        },
        "ConditioningSetTimestepRange": {"conditioning": ours, "start": 0.0, "end": 1.0},
        "FluxGuidance": {"conditioning": ours, "guidance": 3.5},
    }[name]
    nodes["behind"] = node(name, **inputs)
    return nodes, ["behind", 0]


@pytest.mark.parametrize("method", ONE_PASS)
@pytest.mark.parametrize(
    "name", ["ConditioningConcat", "ConditioningCombine", "ConditioningSetTimestepRange", "FluxGuidance"]
)
def test_cores_nodes_work_behind_ours(comfy: Comfy, name: str, method: str):
    plain = pictures(comfy, place(HALVES, method), cfg=3.0)[0]
    nodes, positive = behind(name, method)
    [picture] = seen(comfy, nodes, ["regions", 0], positive=positive, cfg=3.0)
    assert leans(picture.left, "red", "blue") and leans(picture.right, "blue", "red")
    if name in ("ConditioningSetTimestepRange", "FluxGuidance"):
        assert close(picture, plain)
    elif name == "ConditioningCombine":
        assert picture.whole[1] > plain.whole[1] + 10


@pytest.mark.parametrize("method", ONE_PASS)
def test_words_that_were_made_nothing_take_their_regions_with_them(comfy: Comfy, method: str):
    """As the negative, they are nothing, everywhere: what ConditioningZeroOut makes of words without regions."""
    nodes, nothing = behind("ConditioningZeroOut", method)
    [picture] = seen(comfy, nodes, ["regions", 0], negative=nothing, cfg=3.0)
    nodes["words"] = node("CLIPTextEncode", clip=CLIP, text="a the")
    nodes["behind"]["inputs"]["conditioning"] = ["words", 0]
    [expected] = seen(comfy, nodes, ["regions", 0], negative=nothing, cfg=3.0)
    assert close(picture, expected)
    assert leans(picture.left, "red", "blue") and leans(picture.right, "blue", "red")


def test_words_that_were_mixed_are_refused(comfy: Comfy):
    nodes, positive = behind("ConditioningAverage", COUPLE)
    with pytest.raises(RunFailed, match="Another node has changed the words that come from Regions"):
        seen(comfy, nodes, ["regions", 0], positive=positive, cfg=3.0)


def test_a_model_that_does_not_come_from_regions_is_refused(comfy: Comfy):
    nodes = place(HALVES, COUPLE)
    with pytest.raises(RunFailed, match="The model of this sampler does not come from Regions"):
        seen(comfy, nodes, MODEL)


REFUSING = layout(region("gray", LEFT, negative="red"), region("gray", RIGHT, negative="blue"))


@pytest.mark.parametrize("method", ONE_PASS)
@pytest.mark.parametrize("guider", ["KSampler", "PerpNegGuider"])
def test_negatives_of_regions_act_beside_any_negative(comfy: Comfy, method: str, guider: str):
    nodes = place(REFUSING, method)
    nodes["no"] = node("CLIPTextEncode", clip=CLIP, text="the")
    if guider == "KSampler":
        [picture] = seen(comfy, nodes, ["regions", 0], negative=["no", 0], cfg=3.0)
    else:
        nodes["empty"] = node("CLIPTextEncode", clip=CLIP, text="")
        guided = {"negative": ["no", 0], "empty_conditioning": ["empty", 0], "cfg": 3.0, "neg_scale": 2.0}
        picture = guided_by(
            comfy, nodes, node("PerpNegGuider", model=["regions", 0], positive=["regions", 1], **guided)
        )
    assert picture.left[0] + 40 < picture.left[2] and picture.right[2] + 40 < picture.right[0]


def guided_by(comfy: Comfy, nodes: dict[str, Any], guider: dict[str, Any]) -> Look:
    nodes = {
        **nodes,
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "guider": guider,
        "noise": node("RandomNoise", noise_seed=1),
        "which": node("KSamplerSelect", sampler_name="euler"),
        "sigmas": node("BasicScheduler", model=MODEL, scheduler="normal", steps=4, denoise=1.0),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
    }
    sampled = {"noise": ["noise", 0], "guider": ["guider", 0], "sampler": ["which", 0], "sigmas": ["sigmas", 0]}
    nodes["sampled"] = node("SamplerCustomAdvanced", latent_image=["latent", 0], **sampled)
    nodes["decode"] = node("VAEDecode", samples=["sampled", 0], vae=VAE)
    nodes["look"] = node("Stats", images=["decode", 0])
    return look(comfy.run(nodes))[0]


@pytest.mark.parametrize("method", ONE_PASS)
def test_without_a_negative_regions_act(comfy: Comfy, method: str):
    basic = node("BasicGuider", model=["regions", 0], conditioning=["regions", 1])
    assert hues(guided_by(comfy, place(HALVES, method), basic)) == ("red", "blue")


@pytest.mark.parametrize("method", ONE_PASS)
def test_a_second_positive_beside_regions_is_left_as_it_is(comfy: Comfy, method: str):
    nodes = place(HALVES, method)
    nodes["second"] = node("CLIPTextEncode", clip=CLIP, text="green")
    both = {"cond1": ["regions", 1], "cond2": ["second", 0], "negative": ["regions", 2]}
    dual = node("DualCFGGuider", model=["regions", 0], **both, cfg_conds=1.0, cfg_cond2_negative=1.0, style="regular")
    assert hues(guided_by(comfy, nodes, dual)) == ("red", "blue")


@pytest.mark.parametrize("method", ONE_PASS)
def test_a_negative_that_is_asked_for_alone_is_known(comfy: Comfy, method: str):
    nodes = place(REFUSING, method)
    nodes["ask"] = node("AskNegative", model=["regions", 0], name="apart")
    _, apart = seen(comfy, nodes, ["ask", 0], "apart", cfg=3.0)
    assert len(apart) == 4 and max(apart) < 1e-3


def test_self_attention_that_is_replaced_between_the_steps_is_replaced(comfy: Comfy):
    nodes = place(HALVES, PAPER)
    nodes["swap"] = node("SwapBlock", model=["regions", 0], name="asked")
    _, asked = seen(comfy, nodes, ["swap", 0], "asked", cfg=3.0, family="sd15_topology")
    assert len(asked) == 4


LENGTHS = [(1, 8), (2, 1), (2, 2), (3, 4), (4, 3), (5, 7), (6, 5), (7, 1), (7, 8)]


@pytest.mark.parametrize(("regions", "bags"), with_the_rest(LENGTHS, product(range(1, 8), range(1, 9))))
def test_the_model_is_asked_once_per_step_however_long_the_words_are(comfy: Comfy, regions: int, bags: int):
    """Core asks twice where a text is longer than four times the other, or no small multiple of it."""
    width = 90 // regions
    text = ("the of in on and with " * 12 + "red",) * bags
    canvas = layout(*(Region((0, 90, n * width, (n + 1) * width), ("a",), text) for n in range(regions)))
    nodes = place(canvas, COUPLE)
    nodes["no"] = node("CLIPTextEncode", clip=CLIP, text="the")
    nodes["watch"] = node("WatchCalls", model=["regions", 0], name="calls")
    picture, calls = seen(comfy, nodes, ["watch", 0], "calls", negative=["no", 0], cfg=2.0, steps=2)
    assert [entries for entries, *_ in calls] == [2, 2]
    assert calls[0][1] >= (regions * bags + 1) * 77
    assert leans(picture.whole, "red", "blue")


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_texts_that_share_no_small_multiple_are_read_as_alone(comfy: Comfy, family: str):
    """Seven bags against three: what is filled in is read by nobody."""
    long = "the of in on and with " * 12
    nodes = place(
        layout(Region(LEFT, ("a",), (long + "red",) * 3), Region(RIGHT, ("a",), (long + "blue",) * 3)), COUPLE
    )
    nodes["no"] = node("CLIPTextEncode", clip=CLIP, text=long * 3 + "green")
    nodes["watch"] = node("WatchCalls", model=["regions", 0], name="calls")
    picture, calls = seen(comfy, nodes, ["watch", 0], "calls", negative=["no", 0], cfg=2.0, family=family)
    assert [call[:2] for call in calls] == [[2, 7 * 77]] * 4
    nodes["ask"] = node("AskNegative", model=["regions", 0], name="apart")
    _, apart = seen(comfy, nodes, ["ask", 0], "apart", negative=["no", 0], cfg=2.0, family=family)
    assert max(apart) < 1e-3
    # A negative of one bag, repeated, says the same without being filled.
    assert leans(picture.left, "red", "blue") and leans(picture.right, "blue", "red")


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("method", ONE_PASS)
def test_a_controlnet_reads_the_words_of_the_base_alone(comfy: Comfy, method: str, length: int):
    nodes = place(HALVES, method)
    nodes["no"] = node("CLIPTextEncode", clip=CLIP, text="the " * 75 * (length - 1) + "the")
    nodes["alone"] = node("CLIPTextEncode", clip=CLIP, text="a the")
    nodes["hint"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF00)
    nodes["net"] = node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors")
    nodes["watched"] = node("WatchControl", control_net=["net", 0], name="texts")
    nodes["watch"] = node("WatchCalls", model=["regions", 0], name="calls")
    hint = {
        "control_net": ["watched", 0],
        "image": ["hint", 0],
        "strength": 1.0,
        "start_percent": 0.0,
        "end_percent": 1.0,
    }
    nodes["apply"] = node("ControlNetApplyAdvanced", positive=["regions", 1], negative=["no", 0], **hint)
    conditionings = {"positive": ["apply", 0], "negative": ["apply", 1]}
    picture, texts, calls = seen(comfy, nodes, ["watch", 0], "texts", "calls", **conditionings, cfg=2.0)
    assert [entries for entries, *_ in calls] == [2] * 4
    assert leans(picture.left, "red", "blue") and leans(picture.right, "blue", "red")
    assert [shape for shape, _ in texts] == [[2, length * 77, 768]] * 4
    # The same ControlNet beside the base's words and no regions reads the same.
    nodes["apply"]["inputs"] |= {"positive": ["alone", 0]}
    nodes["watched 2"] = node("WatchControl", control_net=["net", 0], name="alone")
    nodes["apply"]["inputs"]["control_net"] = ["watched 2", 0]
    _, alone = seen(comfy, nodes, ["regions", 0], "alone", **conditionings, cfg=2.0)
    assert [set(rows) for _, rows in alone] == [set(rows) for _, rows in texts]


def test_entries_that_core_copies_for_an_area_are_told_apart(comfy: Comfy):
    """Core gives the negative an entry with the area's uuid, and the negative's words."""
    nodes = place(HALVES, COUPLE)
    nodes["green"] = node("CLIPTextEncode", clip=CLIP, text="green " * 100)
    box = {"width": 1.0, "height": 0.5, "x": 0.0, "y": 0.0, "strength": 3.0}
    nodes["area"] = node("ConditioningSetAreaPercentage", conditioning=["green", 0], **box)
    nodes["both"] = node("ConditioningCombine", conditioning_1=["regions", 1], conditioning_2=["area", 0])
    [picture] = seen(comfy, nodes, ["regions", 0], positive=["both", 0], cfg=2.0)
    plain = pictures(comfy, place(HALVES, COUPLE), cfg=2.0)[0]
    assert picture.top[1] > plain.top[1] + 20 and abs(picture.bottom[1] - plain.bottom[1]) < 10


@pytest.mark.parametrize("method", ONE_PASS)
def test_split_over_devices_the_picture_is_the_same(comfy: Comfy, method: str):
    canvas = layout(region("red", LEFT, negative="green"), region("blue", RIGHT))
    plain = pictures(comfy, place(canvas, method), cfg=3.0)[0]
    nodes = place(canvas, method)
    nodes["split"] = node("SplitDevices", model=["regions", 0])
    assert close(pictures(comfy, nodes, model=["split", 0], cfg=3.0)[0], plain)


@pytest.mark.parametrize(
    "method", [OMOST, *(pytest.param(method, marks=pytest.mark.long) for method in (COUPLE, PAPER))]
)
def test_a_compiled_model_gives_the_same_pictures(comfy: Comfy, method: str):
    """One after the other, with one compiled model: regions, others that act for a while only, none, the first again."""
    swapped = layout(region("blue", LEFT, end=0.6), region("red", RIGHT, start=0.4), region("green", TOP, start=0.7))
    settings = {"fade": 2.0} if method == PAPER else {}
    traced = []
    for canvas in (HALVES, swapped, None, HALVES):
        nodes = place(canvas or HALVES, method, settings)
        ours = {} if canvas else {"positive": ["words", 0], "negative": ["words", 0]}
        nodes["words"] = node("CLIPTextEncode", clip=CLIP, text="red")
        [plain] = seen(comfy, nodes, ["regions", 0], cfg=3.0, **ours)
        nodes["compiled"] = node("CompileModel", model=MODEL, name="graphs", way="wrapper")
        nodes["regions"]["inputs"]["model"] = ["compiled", 0]
        picture, graphs = seen(comfy, nodes, ["regions", 0], "graphs", cfg=3.0, **ours)
        assert close(picture, plain), canvas
        traced += graphs
    assert traced  # without regions it is compiled


def test_that_regions_are_sampled_without_torch_compile_is_said(comfy: Comfy):
    nodes = place(HALVES, COUPLE)
    nodes["compiled"] = node("CompileModel", model=["regions", 0], name="graphs", way="wrapper")
    prompt = paint("tiny_sd15", ["regions", 1], ["regions", 2], model=["compiled", 0], nodes=nodes, steps=1)
    with listening(comfy, "resonance.text") as (client, heard):
        comfy.run(prompt, client_id=client)
    assert ["without Torch Compile" in event["text"] for event in heard if event["node"] == "sampler"] == [True]


def test_a_model_that_was_compiled_in_another_way_is_refused(comfy: Comfy):
    nodes = place(HALVES, COUPLE)
    nodes["compiled"] = node("CompileModel", model=MODEL, name="graphs", way="object patch")
    nodes["regions"]["inputs"]["model"] = ["compiled", 0]
    with pytest.raises(RunFailed, match="This model was compiled"):
        seen(comfy, nodes, ["regions", 0])


def test_the_random_numbers_of_a_sampler_are_those_without_regions(comfy: Comfy):
    """A model that draws some when it is given its conditionings is asked for each region's."""

    def stands(canvas: Canvas) -> list[str]:
        nodes = place(canvas, COUPLE)
        nodes["pictures"] = node("UnclipTwice", conditioning=["regions", 1])
        nodes["watch"] = node("WatchCalls", model=["regions", 0], name="calls")
        sampling = {"family": "sdxl", "cfg": 2.0, "sampler": "euler_ancestral"}
        _, calls = seen(comfy, nodes, ["watch", 0], "calls", positive=["pictures", 0], **sampling)
        return [state for _, _, state in calls]

    assert stands(HALVES) == stands(layout(region("red", LEFT)))

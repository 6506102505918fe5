"""A prompt and its negative one as sd-scripts encodes them, beside CLIP Text Encode and NumPy; and the pictures of a batch of lines."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from resonance.canvas.canvas import Canvas, Lora

from .comfy import Comfy, RunFailed, node
from .paint import CLIP, MODEL, VAE, hue, look, paint
from .regional import AVERAGE, COUPLE, OMOST, OVERLAY, PAPER, RIGHT, layout, place, region

pytestmark = pytest.mark.usefixtures("families")

FAMILIES = ("sd15", "sd2", "sdxl")
each_family = pytest.mark.parametrize("family", FAMILIES, scope="module")
"""One family after the other, so that each is loaded once."""
two_families = pytest.mark.parametrize(
    "family", ["sd15", pytest.param("sd2", marks=pytest.mark.long), "sdxl"], scope="module"
)
one_family = pytest.mark.parametrize(
    "family", ["sd15", *(pytest.param(family, marks=pytest.mark.long) for family in FAMILIES[1:])], scope="module"
)
Entry = dict[str, Any]


def encode(**inputs: Any) -> dict[str, Any]:
    asked = {"positive": "", "negative": "", "emb_normalize_mode": "original", "chunks": 3, "clip_skip": 0}
    return node("ResonanceEncodeLine", **{"clip": CLIP, **asked, **inputs})


def lines(*each: dict[str, Any] | str) -> dict[str, Any]:
    return node("ProbeItems", text=json.dumps([{"prompt": one} if isinstance(one, str) else one for one in each]))


def seen(comfy: Comfy, family: str, nodes: dict[str, Any]) -> dict[str, list[Entry]]:
    """The entries of what each node that encodes gives: of ours ``name`` and ``name -``."""
    graph = {"load": node("LoadSmall", ckpt_name=f"tiny_{family}.safetensors"), **nodes}
    for name, each in nodes.items():
        if "Encode" in each["class_type"]:
            graph[f"see {name}"] = node("ProbeConditioning", conditioning=[name, 0])
        if each["class_type"] == "ResonanceEncodeLine":
            graph[f"see {name} -"] = node("ProbeConditioning", conditioning=[name, 1])
    outputs = comfy.run(graph)
    return {
        name.removeprefix("see "): [array(json.loads(entry)) for entry in each["entries"]]
        for name, each in outputs.items()
        if name.startswith("see ")
    }


def array(value: Any) -> Any:
    match value:
        case {"shape": shape, "bits": bits}:
            return np.frombuffer(base64.b64decode(bits), np.float32).reshape(shape)
        case dict():
            return {name: array(each) for name, each in value.items()}
        case _:
            return value


def check_same(ours: list[Entry], other: list[Entry], name: str = "") -> None:
    assert len(ours) == len(other)
    for one, two in zip(ours, other, strict=True):
        assert one.keys() == two.keys(), name
        for key, value in one.items():
            if isinstance(value, np.ndarray):
                assert value.shape == two[key].shape, (name, key)
                np.testing.assert_allclose(value, two[key], atol=1e-5, err_msg=f"{name} {key}")
            else:
                assert value == two[key], (name, key)


@pytest.fixture
def embeddings(models: Path) -> Iterator[None]:
    folder = models / "embeddings"
    (folder / "mine").mkdir(parents=True, exist_ok=True)
    random, widths = torch.Generator().manual_seed(1), {"clip_l": 768, "clip_h": 1024, "clip_g": 1280}
    files = {
        "two-words": {"emb_params": torch.randn(2, 768, generator=random)},
        "bright": {name: torch.full((1, width), 3.0) for name, width in widths.items()},
        "mine/deep": {
            "clip_l": torch.randn(80, 768, generator=random),
            "clip_g": torch.randn(3, 1280, generator=random),
        },
    }
    for name, weights in files.items():
        save_file(weights, folder / f"{name}.safetensors")
    yield
    for name in files:
        (folder / f"{name}.safetensors").unlink()


# One prompt


@each_family
def test_without_weights_it_is_what_clip_text_encode_gives(comfy: Comfy, family: str):
    texts = {
        "none": "",
        "many": "red " * 100,
        "signs": r"a \(red\) cat: 6:30, 猫 é " + "antidisestablishmentarianism " * 30,
    }
    nodes: dict[str, Any] = {}
    for name, text in texts.items():
        nodes[name] = encode(positive=text, negative=text)
        nodes[f"core {name}"] = node("CLIPTextEncode", clip=CLIP, text=text)
    found = seen(comfy, family, nodes)
    told = ("width", "height", "crop_w", "crop_h", "target_width", "target_height") if family == "sdxl" else ()
    for name in texts:
        core = found[f"core {name}"]
        for side in ("", " -"):
            ours = [{key: value for key, value in entry.items() if key not in told} for entry in found[name + side]]
            check_same(ours, core, f"{name}{side}")
    assert found["many"][0]["vectors"].shape[1] == 154


@one_family
def test_both_prompts_have_the_same_chunks_and_break_begins_one(comfy: Comfy, family: str):
    nodes = {
        "negative": encode(positive="red", negative="red " * 100),
        "cut": encode(positive="red " * 100, negative="blue " * 80, chunks=1),
        "broken": encode(positive="red cat BREAK blue", negative="bad"),
        "red": encode(positive="red cat"),
        "blue": encode(positive="blue"),
        "75": encode(positive="red " * 75),
        "bad": encode(negative="bad"),
    }
    found = {name: entries[0]["vectors"] for name, entries in seen(comfy, family, nodes).items()}
    lengths = {name: (found[name].shape[1], found[f"{name} -"].shape[1]) for name in nodes}
    two = ("negative", "broken")
    assert lengths == {name: (154, 154) if name in two else (77, 77) for name in nodes}
    np.testing.assert_allclose(found["broken"], np.concatenate([found["red"], found["blue"]], 1), atol=1e-5)
    np.testing.assert_allclose(found["broken -"], np.concatenate([found["bad -"], found["red -"]], 1), atol=1e-5)
    np.testing.assert_allclose(found["cut"], found["75"], atol=1e-5)


def test_chunks_1_says_what_it_cuts(comfy: Comfy):
    graph = {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "lines": lines(
            "red", {"prompt": "red " * 75 + "a (blue:1.2) naïve 猫", "negative": "red " * 76 + "gray cats " * 90}
        ),
        "one": encode(positive="red " * 74 + "blue cat", chunks=1),
        "fits": encode(positive="red " * 75, chunks=1),
        "both": encode(chunks=1, item=["lines", 0]),
        **{f"see {name}": node("ProbeConditioning", conditioning=[name, 0]) for name in ("one", "fits", "both")},
    }
    outputs = comfy.run(graph)
    texts = {name: outputs[name]["resonance_text"][0].splitlines() for name in ("one", "fits", "both")}
    assert texts["one"] == ["1 chunk of 75 tokens", "positive: 1 token left out, as chunks is 1: cat"]
    assert texts["fits"] == ["1 chunk of 75 tokens"]
    first, second, third = texts["both"]
    assert first == "2 pictures, 1 chunk of 75 tokens"
    assert second.startswith("positive of picture 2: ") and second.endswith("left out, as chunks is 1: a blue naïve 猫")
    assert third.startswith("negative of picture 2: 181 tokens left out, as chunks is 1: red gray cats gray")
    assert third.endswith("…") and len(third) < 200


@two_families
def test_the_three_ways_of_weights_against_numpy(comfy: Comfy, embeddings: None, family: str):
    """The encoders of SD1.5 and SD2 end with a LayerNorm, and those of the tests without a bias: their mean is next to zero."""
    modes = ("original", "abs", "none")
    text = "red (red embedding:bright:1.5) [blue] red"
    nodes = {mode: encode(positive=text, negative=text + " BREAK a", emb_normalize_mode=mode) for mode in modes}
    plainly = "red red embedding:bright blue red"
    nodes["plain"] = encode(positive=plainly, negative=plainly + " BREAK a")
    found = {name: entries[0]["vectors"] for name, entries in seen(comfy, family, nodes).items()}
    for side, length in (("", 154), (" -", 154)):
        plain = found[f"plain{side}"].astype(np.float64)
        assert plain.shape[1] == length
        weights = np.ones(length)
        weights[1:6] = 1, 1.5, 1.5, 1 / 1.1, 1
        for mode in modes:
            parts = []
            for part in np.split(plain, [768], 2) if family == "sdxl" else [plain]:  # CLIP-L, CLIP-G
                raised = part * weights[None, :, None]
                if mode == "original" and min(abs(part.mean()), abs(raised.mean())) > 1e-3 * np.abs(raised).mean():
                    raised *= part.mean() / raised.mean()
                if mode == "abs":
                    raised *= np.abs(part).mean() / np.abs(raised).mean()
                parts.append(raised)
            expected = np.concatenate(parts, 2)
            np.testing.assert_allclose(found[f"{mode}{side}"], expected, atol=2e-5, err_msg=f"{mode}{side}")
    assert np.abs(found["abs"] - found["none"]).max() > 1e-3
    assert (np.abs(found["original"] - found["none"]).max() > 1e-3) == (family == "sdxl")


@one_family
def test_clip_skip_is_cores(comfy: Comfy, family: str):
    nodes: dict[str, Any] = {}
    for layer in (1, 2):
        nodes[f"set {layer}"] = node("CLIPSetLastLayer", clip=CLIP, stop_at_clip_layer=-layer)
        nodes[f"core {layer}"] = node("CLIPTextEncode", clip=[f"set {layer}", 0], text="a red cat")
        nodes[f"ours {layer}"] = encode(positive="a red cat", clip_skip=layer)
        nodes[f"set before {layer}"] = encode(positive="a red cat", clip=[f"set {layer}", 0])
    nodes["plain"] = encode(positive="a red cat")
    found = {
        name: entries[0]["vectors"] for name, entries in seen(comfy, family, nodes).items() if not name.endswith("-")
    }
    for layer in (1, 2):
        for ours in (f"ours {layer}", f"set before {layer}"):
            np.testing.assert_allclose(found[ours], found[f"core {layer}"], atol=1e-5, err_msg=ours)
    assert np.abs(found["ours 2"] - found["ours 1"]).max() > 1e-3
    own = 1 if family == "sd15" else 2
    np.testing.assert_allclose(found["plain"], found[f"core {own}"], atol=1e-5)


# Embeddings, sizes, refusals


def test_words_that_are_names_of_embeddings(comfy: Comfy, embeddings: None):
    nodes = {
        "ours": encode(positive="red, two-words.", embeddings="two-words， deep"),
        "core": node("CLIPTextEncode", clip=CLIP, text="red,  embedding:two-words ."),
        "plain": encode(positive="red, two-words."),
        "weighted": encode(positive="(two-words:1.5) red", embeddings="two-words", emb_normalize_mode="none"),
        "light": encode(positive="two-words red", embeddings="two-words"),
    }
    found = {name: entries[0]["vectors"] for name, entries in seen(comfy, "sd15", nodes).items()}
    assert np.array_equal(found["ours"], found["core"]) and not np.allclose(found["ours"], found["plain"])
    raised = found["light"].copy()
    raised[:, 1:3] *= 1.5
    np.testing.assert_allclose(found["weighted"], raised, atol=1e-5)
    # More vectors for one encoder than for the other: both get the chunks of the longer one.
    nodes = {
        "ours": encode(positive="red deep", negative="blue", embeddings="deep"),
        "core": node("CLIPTextEncode", clip=CLIP, text="embedding:mine/deep"),
    }
    found = seen(comfy, "sdxl", nodes)
    assert found["ours"][0]["vectors"].shape == found["ours -"][0]["vectors"].shape == (1, 154, 2048)


@pytest.mark.parametrize(
    ("family", "inputs", "says"),
    [
        ("sd15", {"positive": "red AND blue"}, "positive prompt, character 5: AND stands .* use Regions from Mask"),
        ("sd15", {"negative": "(" * 101}, "negative prompt, character 101: brackets can be nested 100 deep"),
        ("sd15", {"embeddings": "two-wrods"}, "no embedding 'two-wrods' in .*embeddings: .* Nearest: two-words"),
        (
            "sdxl",
            {"positive": "two-words", "embeddings": "two-words"},
            "has vectors of 768 numbers, .* encoder G .* reads 1280",
        ),
    ],
)
def test_what_cannot_be_encoded_is_said(comfy: Comfy, embeddings: None, family: str, inputs: dict[str, Any], says: str):
    with pytest.raises(RunFailed, match=says):
        seen(comfy, family, {"ours": encode(**inputs)})


def test_and_is_a_word_of_the_negative(comfy: Comfy):
    found = seen(
        comfy,
        "sd15",
        {"ours": encode(negative="red AND blue"), "core": node("CLIPTextEncode", clip=CLIP, text="red AND blue")},
    )
    check_same(found["ours -"], found["core"])


def test_another_text_encoder_is_refused(comfy: Comfy):
    nodes = {"clip": node("CLIPLoader", clip_name="tiny_clip_l.safetensors", type="sd3")}
    with pytest.raises(RunFailed, match="Use CLIP Text Encode for this model"):
        seen(comfy, "sd15", {**nodes, "ours": encode(clip=["clip", 0])})


def test_sdxl_is_told_its_sizes(comfy: Comfy):
    """As CLIP Text Encode (SDXL) tells them; those of a line before those of the widgets."""
    widgets = {"width": 832, "height": 1216, "original_height": 2048, "crop_left": 8}
    core = {"width": 832, "height": 2048, "crop_w": 8, "crop_h": 0, "target_width": 832, "target_height": 1216}
    line = {"width": 64, "height": 128, "crop_w": 8, "crop_h": 16, "target_width": 64, "target_height": 128}
    line |= {"width": 100}
    nodes = {
        "typed": encode(positive="red", negative="blue", **widgets),
        "line": encode(positive="?", negative="blue", item=["lines", 0], **{**widgets, "original_height": 0}),
        "lines": lines({"prompt": "red", "width": 64, "height": 128, "options": "--ow 100 --nh 200 --ct 16 --am 1"}),
    }
    for name, text, sizes in (
        ("red", "red", core),
        ("blue", "blue", core),
        ("red line", "red", line),
        ("blue line", "blue", {**line, "height": 200}),
    ):
        nodes[name] = node("CLIPTextEncodeSDXL", clip=CLIP, text_g=text, text_l=text, **sizes)
    found = seen(comfy, "sdxl", nodes)
    check_same(found["typed"], found["red"])
    check_same(found["typed -"], found["blue"])
    check_same(found["line"], found["red line"])
    check_same(found["line -"], found["blue line"])


# Batches


LINES: tuple[dict[str, Any], ...] = (
    {"prompt": "a (red:1.2) cat"},
    {"prompt": "blue BREAK gray", "negative": "red"},
    {"prompt": "green " * 80, "negative": ""},
    {"prompt": "a red cat", "negative": "blue BREAK gray BREAK green"},
)


@one_family
def test_each_line_of_a_batch_is_the_line_alone(comfy: Comfy, family: str):
    """Lines of one, two and three chunks: each is repeated to two times three, as ComfyUI would."""
    for several, total in ((LINES[:3], 2), *(((LINES[1:], 6),) if family == "sd15" else ())):
        nodes = {"lines": lines(*several), "batch": encode(negative="(bad:1.3)", item=["lines", 0])}
        for number, line in enumerate(several):
            alone = {"positive": line["prompt"], "negative": line.get("negative", "(bad:1.3)")}
            nodes[f"alone {number}"] = encode(**alone, width=64, height=64)
        found = seen(comfy, family, nodes)
        for side in ("", " -"):
            batch = found[f"batch{side}"]
            assert batch[0]["vectors"].shape[:2] == (len(several), total * 77)
            singles = [found[f"alone {number}{side}"][0] for number in range(len(several))]
            rows = [np.tile(one["vectors"], (1, total * 77 // one["vectors"].shape[1], 1)) for one in singles]
            pooled = np.concatenate([one["pooled_output"] for one in singles])
            assert batch[0].pop("resonance_repeated") is True
            check_same(batch, [{**singles[0], "vectors": np.concatenate(rows), "pooled_output": pooled}], side)


def test_lines_of_too_different_lengths_share_no_batch(comfy: Comfy):
    """Whoever puts a batch together can count before: without the model, and with embeddings."""
    long = "BREAK ".join(["red "] * 5)
    nodes = {"lines": lines("blue", long), "ours": encode(item=["lines", 0], chunks=5)}
    with pytest.raises(RunFailed, match="have 1 to 5 chunks of 75 tokens, .* at most 4 times. Lower batch_size, or"):
        seen(comfy, "sd15", nodes)
    nodes["ours"]["inputs"]["chunks"] = 4
    assert seen(comfy, "sd15", nodes)["ours"][0]["vectors"].shape == (2, 4 * 77, 768)


def test_what_counts_chunks_before_counts_as_many(comfy: Comfy, embeddings: None):
    nodes: dict[str, Any] = {"load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors")}
    cases = [*LINES, {"prompt": "two-words " * 40}, {"prompt": "red" + " BREAK red" * 6}]
    for number, line in enumerate(cases):
        both = {"positive": line["prompt"], "negative": line.get("negative", ""), "embeddings": "two-words"}
        nodes[f"ours {number}"] = encode(**both, chunks=5)
        nodes[f"stats {number}"] = node("CondStats", conditioning=[f"ours {number}", 0])
        nodes[f"count {number}"] = node("ProbeChunks", **both, most=5)
    outputs = comfy.run(nodes)
    found = [json.loads(outputs[f"stats {number}"]["entries"][0])["shape"][1] // 77 for number in range(len(cases))]
    assert [outputs[f"count {number}"]["count"][0] for number in range(len(cases))] == found == [1, 2, 2, 3, 2, 5]


# Several rows among other nodes

Links = tuple[list[Any], list[Any], list[Any]]
"""Model, positive, negative."""
Acting = Callable[[dict[str, Any], str, Links], Links]
"""Adds nodes of a name to a graph."""

EVEN: tuple[dict[str, Any], ...] = (
    {"prompt": "a (red:1.1)", "negative": "green BREAK gray"},
    {"prompt": "blue BREAK blue", "negative": "gray"},
    {"prompt": "green BREAK green"},
)
UNEVEN = (*EVEN[:2], {"prompt": "green"})


def check_batch(comfy: Comfy, family: str, *acting: Acting, pictures: tuple[dict[str, Any], ...] = EVEN) -> None:
    """Each picture of a batch of lines is that of the line alone; looked at is the last, of which the words are repeated if any are."""

    def whole(nodes: dict[str, Any], name: str, *each: dict[str, Any]) -> Links:
        nodes[f"{name} lines"] = lines(*each)
        nodes[f"{name} words"] = encode(item=[f"{name} lines", 0], negative="gray")
        links: Links = MODEL, [f"{name} words", 0], [f"{name} words", 1]
        for act in acting:
            links = act(nodes, name, links)
        return links

    nodes: dict[str, Any] = {}
    model, positive, negative = whole(nodes, "all", *pictures)
    its_model, *words = whole(nodes, "one", pictures[-1])
    nodes["one latent"] = node("LatentFromBatch", samples=["latent", 0], batch_index=len(pictures) - 1, length=1)
    given = {"model": its_model, "positive": words[0], "negative": words[1], "latent_image": ["one latent", 0]}
    sampling = {"seed": 1, "steps": 2, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    nodes["one sampler"] = node("KSampler", **given, **sampling)
    nodes["one decode"] = node("VAEDecode", samples=["one sampler", 0], vae=VAE)
    nodes["one of all"] = node("ImageFromBatch", image=["decode", 0], batch_index=len(pictures) - 1, length=1)
    nodes["difference"] = node("Difference", a=["one decode", 0], b=["one of all", 0])
    prompt = paint(
        f"tiny_{family}", positive, negative, model=model, nodes=nodes, batch=len(pictures), cfg=2.0, steps=2
    )
    out = comfy.run(prompt)
    found = look(out)
    assert hue(found[0].left) == "red" and found[1].left[2] > max(found[1].left[:2]) + 40
    assert found[2].left[1] > found[2].left[0] + 20
    assert out["difference"]["difference"][0] < 1 / 255


def regions(method: str, whole: bool = True, **of_region: Any) -> Acting:
    """A region on the right of a canvas.

    Args:
        whole: the canvas has global words, and a negative.
    """
    canvas = layout(region("magenta", RIGHT, **of_region))
    globally = replace(canvas.whole, negative="white", weight=1.0 if whole else 0.0)
    canvas = Canvas((globally, *canvas.regions[1:]))

    def act(nodes: dict[str, Any], name: str, links: Links) -> Links:
        model, positive, negative = links
        made = place(canvas, method, model=model, positive=positive, negative=negative)
        nodes |= {"canvas": made["canvas"], f"{name} regions": made["regions"]}
        return [f"{name} regions", 0], [f"{name} regions", 1], [f"{name} regions", 2]

    return act


def controlled(nodes: dict[str, Any], name: str, links: Links) -> Links:
    model, positive, negative = links
    nodes["hint"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF00)
    nodes["net"] = node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors")
    strength = {"strength": 0.3, "start_percent": 0.0, "end_percent": 1.0}
    words = {"positive": positive, "negative": negative, "control_net": ["net", 0], "image": ["hint", 0]}
    nodes[f"{name} control"] = node("ControlNetApplyAdvanced", **words, **strength)
    return model, [f"{name} control", 0], [f"{name} control", 1]


def often(*cases: Any, seldom: Iterable[Any]) -> list[Any]:
    return [*cases, *(pytest.param(*case, marks=pytest.mark.long) for case in seldom)]


@pytest.mark.long
@each_family
def test_a_batch_of_lines(comfy: Comfy, family: str):
    check_batch(comfy, family, pictures=UNEVEN)


@pytest.mark.parametrize(
    ("family", "method"),
    often(
        ("sd15", COUPLE),
        seldom=[*(("sd15", each) for each in (OMOST, PAPER, OVERLAY, AVERAGE)), ("sdxl", COUPLE), ("sdxl", OVERLAY)],
    ),
)
def test_a_batch_of_lines_is_the_base_of_regions(comfy: Comfy, family: str, method: str):
    check_batch(comfy, family, regions(method))


@pytest.mark.long
@pytest.mark.parametrize("method", [COUPLE, OVERLAY])
def test_lines_of_different_lengths_are_the_base_of_regions(comfy: Comfy, method: str):
    check_batch(comfy, "sd15", regions(method, whole=False), pictures=UNEVEN)


@pytest.mark.parametrize(("method", "whole"), [(COUPLE, True), (OVERLAY, True), (OMOST, False), (PAPER, False)])
def test_lines_of_different_lengths_beside_other_words_are_refused(comfy: Comfy, method: str, whole: bool):
    """What is repeated would count for more than in the picture of the line alone."""
    nodes: dict[str, Any] = {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "lines": lines(*UNEVEN),
        "words": encode(item=["lines", 0]),
    }
    _, positive, _ = regions(method, whole)(nodes, "", (MODEL, ["words", 0], ["words", 1]))
    nodes["see"] = node("CondStats", conditioning=positive)
    with pytest.raises(
        RunFailed, match="different numbers of chunks, .* Set batch_size to 1; or in Regions take attention"
    ):
        comfy.run(nodes)


@pytest.mark.parametrize("method", often(COUPLE, seldom=[(OVERLAY,)]))
def test_a_batch_of_lines_with_the_lora_of_a_region(comfy: Comfy, method: str):
    check_batch(comfy, "sd15", regions(method, loras=(Lora("tiny_lora.safetensors"),)))


def test_a_batch_of_lines_with_a_controlnet(comfy: Comfy):
    check_batch(comfy, "sd15", controlled, pictures=UNEVEN)


@pytest.mark.long
def test_a_batch_of_lines_with_regions_loras_and_a_controlnet(comfy: Comfy):
    lora = (Lora("tiny_lora.safetensors"),)
    check_batch(comfy, "sd15", regions(COUPLE, whole=False, loras=lora), controlled, pictures=UNEVEN)


def in_a_region(base: dict[str, Any]) -> Acting:
    """The lines fill most of the picture, beside other words."""

    def act(nodes: dict[str, Any], name: str, links: Links) -> Links:
        model, positive, negative = links
        box = {"place": "box", "place.left": 0.0, "place.top": 0.0, "place.right": 0.7, "place.bottom": 1.0}
        acts = {"weight": 1.0, "start": 0.0, "end": 1.0, "negative": negative}
        nodes |= {"base lines": lines("red", "blue"), "base": base}
        nodes[f"{name} region"] = node("ResonanceRegionFromConditioning", conditioning=positive, **box, **acts)
        made = place(None, COUPLE, model=model, positive=["base", 0], regions=[f"{name} region", 0])
        nodes[f"{name} regions"] = made["regions"]
        return [f"{name} regions", 0], [f"{name} regions", 1], [f"{name} regions", 2]

    return act


def test_a_batch_of_lines_in_a_region(comfy: Comfy):
    check_batch(comfy, "sd15", in_a_region(node("CLIPTextEncode", clip=CLIP, text="a")), pictures=UNEVEN)


def test_words_for_different_numbers_of_pictures_are_refused(comfy: Comfy):
    with pytest.raises(RunFailed, match="words of what acts everywhere are for 2 pictures, those of region 1 for 3:"):
        check_batch(comfy, "sd15", in_a_region(encode(item=["base lines", 0])))

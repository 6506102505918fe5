"""XTI in a real ComfyUI: a word with other vectors for each cross-attention, alone and beside all else that acts."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models.checkpoint import SD1
from models.wired.controlnet import controlnet
from models.wired.unet import REAL_NUMBERS, Blocks
from models.wired.weights import Weights, save
from safetensors.torch import load_file, save_file

from resonance.canvas.canvas import Lora

from .comfy import Comfy, RunFailed, node
from .graphs import said
from .paint import CLIP, MODEL, Link, loaded, look, paint
from .referring import half, plain, refer, sampled, vision
from .regional import AVERAGE, COUPLE, OMOST, OVERLAY, PAPER, layout, place, region
from .regional import LEFT as LEFT_HALF
from .test_encode_line import array, encode, lines
from .test_gradient import SETTINGS

pytestmark = pytest.mark.usefixtures("xti")
long = pytest.mark.long

CHECKPOINT = "tiny_sd15_topology"
NET = "controlnet_for_xti.safetensors"
NAMES = [f"IN{n:02}" for n in (1, 2, 4, 5, 7, 8)] + ["MID"] + [f"OUT{n:02}" for n in range(3, 12)]
TOKENS = {"red": 736, "blue": 1746, "green": 1901}
MIXED = ("green",) * 5 + ("blue", "red", "green", "blue", "red", "blue") + ("red",) * 5
"""By the number of the cross-attention."""
Links = tuple[Link, Link, Link]
"""Model, positive, negative."""
Acting = Callable[[dict[str, Any], str, Links], Links]


@pytest.fixture(scope="module")
def vectors(families: Path) -> dict[str, torch.Tensor]:
    """Of words, as the tiny text encoder knows them."""
    weights = load_file(families / "checkpoints" / f"{CHECKPOINT}.safetensors")
    [table] = [each for name, each in weights.items() if name.endswith("token_embedding.weight")]
    return {word: table[token].float() for word, token in TOKENS.items()}


def of_words(vectors: Mapping[str, torch.Tensor], each: Sequence[str]) -> dict[str, torch.Tensor]:
    """What is in a file; several words are several vectors."""
    return {
        name: torch.stack([vectors[word] for word in words.split()]) for name, words in zip(NAMES, each, strict=True)
    }


@pytest.fixture(scope="module")
def xti(families: Path, vectors: dict[str, torch.Tensor]) -> Iterator[None]:
    folder = families / "embeddings"
    (folder / "mine").mkdir(parents=True, exist_ok=True)
    files = {
        "mine/same.safetensors": of_words(vectors, ["red"] * 16),
        "mixed.safetensors": of_words(vectors, MIXED),
        "two.safetensors": of_words(vectors, [f"{word} blue" for word in MIXED]),
        **{f"blue{n}.safetensors": of_words(vectors, ["blue"] * n + ["red"] * (16 - n)) for n in (0, 7, 16)},
        "lacks.safetensors": {name: torch.zeros(1, 768) for name in NAMES if name not in ("IN04", "MID")},
        "more.safetensors": {name: torch.zeros(1, 768) for name in (*NAMES, "OUT12")},
        "wide.safetensors": {name: torch.zeros(1, 1024) for name in NAMES},
        "uneven.safetensors": {name: torch.zeros(2 if name == "OUT03" else 1, 768) for name in NAMES},
        "flat.safetensors": {name: torch.zeros(1, 1, 768) for name in NAMES},
        "plain.safetensors": {"emb_params": torch.zeros(1, 768)},
    }
    for name, weights in files.items():
        save_file(weights, folder / name)
    torch.save(of_words(vectors, MIXED), folder / "old.pt")
    torch.save({**of_words(vectors, MIXED), "MID": Path("/")}, folder / "hostile.pt")
    (folder / "cut.safetensors").write_bytes((folder / "mixed.safetensors").read_bytes()[:5000])
    net = Weights()
    controlnet(net, Blocks(encoder=REAL_NUMBERS.encoder, middle=0), SD1)
    save(families / "controlnet" / NET, net)
    yield
    for name in (*files, "old.pt", "hostile.pt", "cut.safetensors"):
        (folder / name).unlink()
    (families / "controlnet" / NET).unlink()


def xti_node(file: str, words: str = "a sks", word: str = "sks", model: Link = MODEL, **more: Any) -> dict[str, Any]:
    suffix = "" if "." in file else ".safetensors"
    return node("ResonanceXTI", model=model, clip=CLIP, words=words, xti=f"{file}{suffix}", word=word, **more)


def text(words: str) -> dict[str, Any]:
    return node("CLIPTextEncode", clip=CLIP, text=words)


# What each cross-attention reads


def read(comfy: Comfy, nodes: dict[str, Any], positive: Link, model: Link, **more: Any) -> np.ndarray[Any, Any]:
    """``[layers, rows, tokens, 4]`` of the first call."""
    nodes = {**nodes, "watch": node("WatchKeys", model=model, name="keys")}
    graph = paint(CHECKPOINT, positive, model=["watch", 0], nodes=nodes, steps=1, **more)
    graph["seen"] = node("Seen", name="keys", after=["sampler", 0])
    first = json.loads(comfy.run(graph)["seen"]["seen"][0])[0]
    assert first["to_k"] == first["to_v"]
    return np.array(first["to_k"])


def tokens_of(comfy: Comfy, texts: Mapping[str, str]) -> dict[str, np.ndarray[Any, Any]]:
    """What core's CLIP Text Encode makes of texts: ``[tokens, 4]``."""
    graph: dict[str, Any] = {"load": loaded(CHECKPOINT)}
    for name, words in texts.items():
        graph[name] = text(words)
        graph[f"see {name}"] = node("ProbeConditioning", conditioning=[name, 0])
    outputs = comfy.run(graph)
    return {name: array(json.loads(outputs[f"see {name}"]["entries"][0]))["vectors"][0, :, :4] for name in texts}


@pytest.mark.parametrize(
    ("file", "prompt", "word"),
    [
        ("mixed", "a sks", "sks"),
        ("old.pt", "a (sks:1.3), (a sks) the", "sks"),
        ("mixed", "mixed mixedly " + "the " * 90 + r"mixed \(the\) mixed.", ""),
        pytest.param("two", "the sks a", "sks", marks=long),
    ],
)
def test_each_cross_attention_reads_the_prompt_with_its_own_vectors(comfy: Comfy, file: str, prompt: str, word: str):
    """As core encodes it with an ordinary word in that place: weights, several chunks, several vectors, a name that is part of words."""
    instead = {"two": "{} blue"}.get(file, "{}")
    texts = {
        colour: prompt.replace("mixedly", "\n").replace(word or "mixed", instead.format(colour)) for colour in TOKENS
    }
    wanted = tokens_of(comfy, {name: each.replace("\n", "mixedly") for name, each in texts.items()})
    seen = read(comfy, {"xti": xti_node(file, prompt, word)}, ["xti", 0], ["xti", 1])
    assert seen.shape[:2] == (16, 1)
    for colour, [own] in zip(MIXED, seen, strict=True):
        np.testing.assert_allclose(own, wanted[colour], atol=1e-5)


def test_in_a_batch_each_line_has_its_own(comfy: Comfy):
    """Lines of different lengths, one without the word; and kohya's weights in Encode Line, with a negative."""
    prompts = ["a sks", "the " * 80 + "sks", "blue"]
    texts = {f"{colour} {n}": each.replace("sks", colour) for n, each in enumerate(prompts) for colour in TOKENS}
    wanted = tokens_of(comfy, {**texts, "empty": ""})
    nodes = {
        "lines": lines(*prompts),
        "xti": xti_node("mixed", "", item=["lines", 0]),
        "line": encode(item=["lines", 0], xti="mixed", model=MODEL, clip=CLIP, positive="?"),
    }
    seen = read(comfy, nodes, ["xti", 0], ["xti", 1], batch=3)
    for number in range(16):
        for n, own in enumerate(seen[number]):
            plain_words = wanted[f"{MIXED[number]} {n}"]
            np.testing.assert_allclose(own, np.tile(plain_words, (154 // len(plain_words), 1)), atol=1e-5)


def test_encode_line_has_several_in_both_prompts(comfy: Comfy):
    both = {"positive": "(mixed:1.5) the BREAK same", "negative": "[two] mixed"}
    nodes = {
        "line": encode(**both, xti="mixed, mine/same ，two", model=MODEL, emb_normalize_mode="none"),
        "watch": node("WatchKeys", model=["line", 2], name="both"),
    }
    graph: dict[str, Any] = {"load": loaded(CHECKPOINT)}
    for colour in TOKENS:
        instead = {
            side: prompt.replace("two", f"{colour} blue").replace("mixed", colour).replace("same", "red")
            for side, prompt in both.items()
        }
        graph[colour] = encode(**instead, emb_normalize_mode="none")
        for side in (0, 1):
            graph[f"{colour} {side}"] = node("ProbeConditioning", conditioning=[colour, side])
    outputs = comfy.run(graph)
    graph = paint(CHECKPOINT, ["line", 0], ["line", 1], model=["watch", 0], nodes=nodes, steps=1, cfg=2.0)
    graph["seen"] = node("Seen", name="both", after=["sampler", 0])
    first = np.array(json.loads(comfy.run(graph)["seen"]["seen"][0])[0]["to_k"])
    for colour, own in zip(MIXED, first, strict=True):
        wanted = [array(json.loads(outputs[f"{colour} {side}"]["entries"][0]))["vectors"][0, :, :4] for side in (0, 1)]
        assert own.shape == (2, 154, 4)
        found = [[np.allclose(row, each, atol=1e-5) for each in wanted] for row in own]
        assert sorted(found) == [[False, True], [True, False]], colour


# Pictures


def test_a_mixture_is_a_mixture(comfy: Comfy):
    nodes: dict[str, Any] = {"load": loaded(CHECKPOINT), "nothing": text("")}
    nodes["latent"] = node("EmptyLatentImage", width=64, height=64, batch_size=1)
    for n in (0, 7, 16):
        nodes[f"xti {n}"] = xti_node(f"blue{n}", "sks")
        nodes[f"sampler {n}"] = sampled([f"xti {n}", 0], ["nothing", 0], [f"xti {n}", 1])
        nodes[f"decode {n}"] = node("VAEDecode", samples=[f"sampler {n}", 0], vae=["load", 2])
        nodes[f"look {n}"] = node("Stats", images=[f"decode {n}", 0])
    outputs = comfy.run(nodes)
    none, some, all_ = (look({"look": outputs[f"look {n}"]})[0].whole for n in (0, 7, 16))
    assert none[0] > some[0] + 10 > all_[0] + 20 and none[2] + 20 < some[2] + 10 < all_[2], (none, some, all_)


def alone(nodes: dict[str, Any], name: str, links: Links) -> Links:
    return links


def controlled(nodes: dict[str, Any], name: str, links: Links) -> Links:
    model, positive, negative = links
    nodes["hint"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF00)
    nodes["net"] = node("ControlNetLoader", control_net_name=NET)
    words = {"positive": positive, "negative": negative, "control_net": ["net", 0], "image": ["hint", 0]}
    nodes[f"{name} control"] = node(
        "ControlNetApplyAdvanced", **words, strength=0.5, start_percent=0.0, end_percent=1.0
    )
    return model, [f"{name} control", 0], [f"{name} control", 1]


def regions(method: str, **of_region: Any) -> Acting:
    canvas = layout(region("green", LEFT_HALF, **of_region))

    def act(nodes: dict[str, Any], name: str, links: Links) -> Links:
        model, positive, negative = links
        nodes |= {
            ("canvas" if key == "canvas" else f"{name} regions"): each
            for key, each in place(canvas, method, model=model, positive=positive, negative=negative).items()
        }
        return [f"{name} regions", 0], [f"{name} regions", 1], [f"{name} regions", 2]

    return act


def in_a_region(nodes: dict[str, Any], name: str, links: Links) -> Links:
    """The words are those of a part."""
    model, positive, negative = links
    box = {"place": "box", "place.left": 0.0, "place.top": 0.0, "place.right": 0.5, "place.bottom": 1.0}
    acts = {"weight": 1.0, "start": 0.0, "end": 1.0, "negative": negative}
    nodes["base"] = text("a")
    nodes[f"{name} region"] = node("ResonanceRegionFromConditioning", conditioning=positive, **box, **acts)
    made = place(None, COUPLE, model=model, positive=["base", 0], regions=[f"{name} region", 0])
    nodes[f"{name} regions"] = made["regions"]
    return [f"{name} regions", 0], [f"{name} regions", 1], [f"{name} regions", 2]


def combined(nodes: dict[str, Any], name: str, links: Links) -> Links:
    """In an area, from a quarter of the steps on, beside other words."""
    model, positive, negative = links
    area = {"width": 0.5, "height": 1.0, "x": 0.0, "y": 0.0, "strength": 1.0}
    nodes["other"] = text("green")
    nodes[f"{name} area"] = node("ConditioningSetAreaPercentage", conditioning=positive, **area)
    nodes[f"{name} range"] = node("ConditioningSetTimestepRange", conditioning=[f"{name} area", 0], start=0.25, end=1.0)
    nodes[f"{name} both"] = node(
        "ConditioningCombine", conditioning_1=["other", 0], conditioning_2=[f"{name} range", 0]
    )
    return model, [f"{name} both", 0], negative


def pictured(nodes: dict[str, Any], name: str, links: Links) -> Links:
    model, positive, negative = links
    nodes |= plain("green") | half() | {"vision": vision("tiny_vit_h")}
    nodes[f"{name} picture"] = refer(
        positive,
        ["green", 0],
        model=model,
        mask=["half", 0],
        strength=0.5,
        adapter="tiny_base_topology.safetensors",
        clip_vision=["vision", 0],
    )
    return [f"{name} picture", 0], [f"{name} picture", 1], negative


def concatenated(nodes: dict[str, Any], name: str, links: Links) -> Links:
    """Words behind it, which make it longer than the negative; another node's tokens behind those."""
    model, positive, negative = links
    nodes["behind"] = text("green")
    nodes[f"{name} both"] = node("ConditioningConcat", conditioning_to=positive, conditioning_from=["behind", 0])
    nodes[f"{name} more"] = node("AppendTokens", model=model, count=77)
    return [f"{name} more", 0], [f"{name} both", 0], negative


def scaled(nodes: dict[str, Any], name: str, links: Links) -> Links:
    model, positive, negative = links
    nodes[f"{name} scaled"] = node("ResonanceNegativeScale", model=model, clip=CLIP, negative_scale=0.3)
    return [f"{name} scaled", 0], positive, negative


def pulled(nodes: dict[str, Any], name: str, links: Links) -> Links:
    model, positive, negative = links
    nodes[f"{name} pulled"] = node("PullToColour", model=model, vae=["load", 2], **SETTINGS)
    return [f"{name} pulled", 0], positive, negative


BESIDE: dict[str, Acting] = {
    "alone": alone,
    "a ControlNet": controlled,
    COUPLE: regions(COUPLE),
    OMOST: regions(OMOST),
    PAPER: regions(PAPER),
    OVERLAY: regions(OVERLAY),
    AVERAGE: regions(AVERAGE),
    "a LoRA in a region": regions(COUPLE, loras=(Lora("tiny_lora_topology.safetensors"),)),
    "a region of its own": in_a_region,
    "areas": combined,
    "a reference picture": pictured,
    "words and tokens behind it": concatenated,
    "a negative scale": scaled,
    "what pulls by a gradient": pulled,
}
DAILY = ("a ControlNet", COUPLE, "areas")


@pytest.mark.usefixtures("reference")
@pytest.mark.parametrize("name", [each if each in DAILY else pytest.param(each, marks=long) for each in BESIDE])
def test_beside_what_else_acts(comfy: Comfy, name: str):
    """All vectors alike are the plain word, in the prompt and in the negative; others are another picture than the middle block's word."""
    nodes: dict[str, Any] = {"load": loaded(CHECKPOINT), "the": text("a the"), "blue": text("a blue")}
    nodes["latent"] = node("EmptyLatentImage", width=64, height=64, batch_size=2)

    def paint_with(case: str, model: Link, positive: Link, negative: Link) -> None:
        links = BESIDE[name](nodes, case, (model, positive, negative))
        nodes[f"{case} sampler"] = sampled(links[1], links[2], links[0], steps=3, cfg=2.0)

    for word in ("red", "blue"):
        nodes[f"a {word}"] = text(f"a {word}")
    paint_with("plain", MODEL, ["a red", 0], ["a blue", 0])
    nodes["no"] = xti_node("blue16")
    nodes["yes"] = xti_node("mine/same", model=["no", 1])
    nodes["mixture"] = xti_node("mixed")
    paint_with("same", ["yes", 1], ["yes", 0], ["no", 0])
    paint_with("mixed", ["mixture", 1], ["mixture", 0], ["a blue", 0])
    for case in ("same", "mixed"):
        nodes[case] = node("LatentDifference", a=["plain sampler", 0], b=[f"{case} sampler", 0])
    outputs = comfy.run(nodes)
    assert outputs["same"]["difference"][0] < 1e-4 * max(1, outputs["same"]["largest"][0])
    assert outputs["mixed"]["difference"][0] > 0.05


def test_a_controlnet_reads_the_words_of_the_middle_block(comfy: Comfy):
    """Which the conditioning itself has, so that whatever knows nothing of XTI sees them."""
    assert MIXED[NAMES.index("MID")] == "red"
    graph: dict[str, Any] = {"load": loaded(CHECKPOINT), "xti": xti_node("mixed"), "words": text("a red")}
    for name in ("xti", "words"):
        graph[f"see {name}"] = node("ProbeConditioning", conditioning=[name, 0])
    outputs = comfy.run(graph)
    ours, core = (array(json.loads(outputs[f"see {name}"]["entries"][0])) for name in ("xti", "words"))
    for key in ("vectors", "pooled_output"):
        np.testing.assert_allclose(ours[key], core[key], atol=1e-5)


# What does not fit


def fails(comfy: Comfy, nodes: dict[str, Any], positive: Link, model: Link, checkpoint: str = CHECKPOINT) -> str:
    with pytest.raises(RunFailed) as error:
        comfy.run(paint(checkpoint, positive, model=model, nodes=nodes, steps=1))
    return str(error.value).strip()


FILES = {
    "lacks.safetensors": "lacks IN04, MID: XTI has vectors for each of the 16 cross-attentions",
    "more.safetensors": "holds more than XTI: OUT12",
    "wide.safetensors": "the vectors of IN01 have 1024 numbers, and the text encoder of Stable Diffusion 1.5 reads 768",
    "uneven.safetensors": "IN01 has 1 vectors, and OUT03 2. All must have as many",
    "flat.safetensors": "IN01 is no vectors",
    "plain.safetensors": "is no XTI: it has none of IN01, IN02, IN04, .* write embedding: and its name",
    "hostile.pt": "holds more than numbers, and nothing else of it is read",
    "cut.safetensors": "cannot be read as XTI, perhaps because it is cut off",
    "gone.safetensors": "There is no XTI 'gone.safetensors' in .*embeddings: put its file there. Nearest: ",
}


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_does_not_fit_is_named_with_what_is_wrong(comfy: Comfy, file: str):
    with pytest.raises(RunFailed, match=FILES[file]) as error:
        comfy.run(paint(CHECKPOINT, ["xti", 0], nodes={"xti": xti_node(file)}))
    assert file in str(error.value) and "weights_only" not in str(error.value)


def test_the_list_has_files_of_xti_alone(comfy: Comfy):
    [options, *_] = comfy.get("/object_info/ResonanceXTI")["ResonanceXTI"]["input"]["required"]["xti"]
    listed = (
        options
        if isinstance(options, list)
        else comfy.get("/object_info/ResonanceXTI")["ResonanceXTI"]["input"]["required"]["xti"][1]["options"]
    )
    assert {"mine/same.safetensors", "old.pt", "lacks.safetensors"} <= set(listed)
    assert "plain.safetensors" not in listed


@pytest.mark.parametrize(
    ("checkpoint", "says"),
    [
        (
            "tiny_sdxl",
            "XTI is for Stable Diffusion 1.5, for whose 16 cross-attentions it has vectors, and this model is SDXL",
        ),
        pytest.param("tiny_sd2", "and this model is Stable Diffusion 2", marks=long),
        ("tiny_sd15", "and this model has 1: take a checkpoint of Stable Diffusion 1.5 in full size"),
    ],
)
def test_other_models_are_refused(comfy: Comfy, checkpoint: str, says: str):
    assert says in fails(comfy, {"xti": xti_node("mixed")}, ["xti", 0], ["xti", 1], checkpoint)


def test_another_text_encoder_is_refused(comfy: Comfy):
    nodes = {"other": loaded("tiny_sdxl"), "xti": {**xti_node("mixed")}}
    nodes["xti"]["inputs"]["clip"] = ["other", 1]
    assert "XTI is for the text encoder of Stable Diffusion 1.5" in fails(comfy, nodes, ["xti", 0], ["xti", 1])


LOST: dict[str, tuple[dict[str, Any], str]] = {
    "a model that is not its own": ({"xti": xti_node("mixed")}, "The model of this sampler does not come from XTI"),
    "an average": (
        {
            "xti": xti_node("mixed"),
            "other": text("green"),
            "words": node(
                "ConditioningAverage",
                conditioning_to=["xti", 0],
                conditioning_from=["other", 0],
                conditioning_to_strength=0.5,
            ),
        },
        "Another node has changed the words that come from XTI, as Conditioning (Average) does",
    ),
    "Encode Line without the model": (
        {"words": encode(positive="mixed", xti="mixed")},
        "xti acts in the model: connect model",
    ),
    "an unknown name in Encode Line": (
        {"words": encode(positive="mixed", xti="mxied", model=MODEL)},
        "There is no XTI 'mxied' in ",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_where_it_would_be_lost_it_is_said(comfy: Comfy, name: str):
    nodes, says = LOST[name]
    last = [*nodes][-1]
    model: Link = MODEL if name == "a model that is not its own" or "xti" not in nodes else ["xti", 1]
    assert says in fails(comfy, nodes, [last, 0], model)


def test_where_nothing_of_it_is_left_a_note_says_so(comfy: Comfy):
    """Behind other words, nothing tells where it came from; and a prompt may not have the word."""
    join = {"conditioning_to": ["other", 0], "conditioning_from": ["xti", 0]}
    nodes = {"xti": xti_node("mixed"), "other": text("green"), "words": node("ConditioningConcat", **join)}
    heard = said(comfy, paint(CHECKPOINT, ["words", 0], model=["xti", 1], nodes=nodes, steps=1))
    assert any("XTI acts in no conditioning of this run" in each["text"] for each in heard)
    graph = paint(CHECKPOINT, ["xti", 0], model=["xti", 1], nodes={"xti": xti_node("mixed", "a red")}, steps=1)
    heard = said(comfy, graph)
    assert not any("acts in no conditioning" in each["text"] for each in heard)
    [note] = comfy.run(graph | {"look": graph["look"]})["xti"]["resonance_text"]
    assert note == "The prompt does not have the word 'sks', so it is encoded as by CLIP Text Encode."
    plain_graph = paint(CHECKPOINT, "a red", steps=1)
    assert look(comfy.run(plain_graph))[0].pixels == look(comfy.run(graph))[0].pixels

"""Workflows made with ComfyUI_omost and ComfyUI_densediffusion, as API prompts with nothing but what those nodes needed."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_llm import FakeLLM
from PIL import Image

from .comfy import Comfy, RunFailed, node
from .conftest import server
from .paint import CLIP, MODEL, Link, Look, hue, paint, picture
from .test_llm import Texts

pytestmark = pytest.mark.usefixtures("families")

SEED = {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF, "control_after_generate": True}
LLMS = ("phi-3-mini-128k-8bits", "llama-3-8b-4bits", "dolphin-2.9-llama3-8b-4bits")
OLD: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "OmostLLMLoaderNode": (
        {"llm_name": {"options": [f"lllyasviel/omost-{n}" for n in LLMS], "default": f"lllyasviel/omost-{LLMS[1]}"}},
        {},
        ["OMOST_LLM"],
    ),
    "OmostLLMHTTPServerNode": (
        {"address": {"multiline": True}},
        {"api_type": {"options": ["OpenAI", "TGI"], "default": "OpenAI"}},
        ["OMOST_LLM"],
    ),
    "OmostLLMChatNode": (
        {
            "llm": "OMOST_LLM",
            "text": {"multiline": True},
            "max_new_tokens": {"default": 4096, "min": 128, "max": 4096},
            "top_p": {"default": 0.9, "min": 0.0, "max": 1.0, "step": 0.01},
            "temperature": {"default": 0.6, "min": 0.0, "max": 2.0, "step": 0.01},
            "seed": SEED,
        },
        {"conversation": "OMOST_CONVERSATION"},
        ["OMOST_CONVERSATION", "OMOST_CANVAS_CONDITIONING"],
    ),
    "OmostLoadCanvasConditioningNode": ({"json_str": {"multiline": True}}, {}, ["OMOST_CANVAS_CONDITIONING"]),
    "OmostLoadCanvasPythonCodeNode": ({"python_str": {"multiline": True}}, {}, ["OMOST_CANVAS_CONDITIONING"]),
    "OmostRenderCanvasConditioningNode": ({"canvas_conds": "OMOST_CANVAS_CONDITIONING"}, {}, ["IMAGE", "MASK"]),
    "OmostGreedyBagsTextEmbeddingNode": (
        {"canvas_conds": "OMOST_CANVAS_CONDITIONING", "clip": "CLIP"},
        {},
        ["CONDITIONING"],
    ),
    "OmostLayoutCondNode": (
        {
            "canvas_conds": "OMOST_CANVAS_CONDITIONING",
            "clip": "CLIP",
            "global_strength": {"default": 0.2, "min": 0.0, "max": 1.0, "step": 0.01},
            "region_strength": {"default": 0.8, "min": 0.0, "max": 1.0, "step": 0.01},
            "overlap_method": {"options": ["overlay", "average"], "default": "average"},
        },
        {"positive": "CONDITIONING"},
        ["CONDITIONING", "MASK"],
    ),
    "OmostDenseDiffusionLayoutNode": (
        {"model": "MODEL", "canvas_conds": "OMOST_CANVAS_CONDITIONING", "clip": "CLIP"},
        {},
        ["MODEL", "CONDITIONING"],
    ),
    "DenseDiffusionAddCondNode": (
        {
            "model": "MODEL",
            "conditioning": "CONDITIONING",
            "strength": {"default": 1.0, "min": 0.0, "max": 2.0, "step": 0.01},
        },
        {"mask": "MASK"},
        ["MODEL"],
    ),
    "DenseDiffusionApplyNode": ({"model": "MODEL"}, {}, ["MODEL", "CONDITIONING"]),
}
"""The old packs' nodes: required inputs, optional inputs, outputs. A socket is its type, a widget its options."""

PROGRAM = """canvas = Canvas()
canvas.set_global_description(
    description='a', detailed_descriptions=['bay'], tags='sea', HTML_web_color_name='navy')
canvas.add_local_description(
    location='on the left', offset='no offset', area='a small square area', distance_to_viewer=2.0, description='a boat',
    detailed_descriptions=['red'], tags='boat', atmosphere='calm', style='oil', quality_meta='fine',
    HTML_web_color_name='red')
"""

LEFT, RIGHT = [0, 90, 0, 45], [0, 90, 45, 90]
LONG = ", ".join(["word"] * 30)
"""60 tokens: two of them do not fit into one bag."""


def item(
    rect: list[int], prefixes: list[str], suffixes: list[str], color: tuple[int, ...] = (0, 0, 0)
) -> dict[str, Any]:
    return {"rect": rect, "prefixes": prefixes, "suffixes": suffixes, "color": color}


BOAT = item([40, 80, 0, 60], ["a", "boat."], ["red."], (200, 0, 0))
SKY = item([0, 60, 30, 90], ["a", "sky."], [LONG, LONG, "blue."], (0, 0, 200))
LAYOUT = [item([0, 90, 0, 90], ["a"], ["bay.", "sea."], (100, 100, 100)), SKY, BOAT]
"""Far to near: the boat is before the sky."""
HALVES = [item([0, 90, 0, 90], ["a"], ["a"]), item(LEFT, ["a", "a"], ["red"]), item(RIGHT, ["a", "a"], ["blue"])]


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


def old(class_type: str, **inputs: Any) -> dict[str, Any]:
    """A node with its widgets at their old defaults and without its optional inputs, but for those given."""
    widgets = {name: w["default"] for name, w in OLD[class_type][0].items() if isinstance(w, dict) and "default" in w}
    return node(class_type, **{**widgets, **inputs})


def canvas(layout: list[dict[str, Any]]) -> dict[str, Any]:
    return old("OmostLoadCanvasConditioningNode", json_str=json.dumps(layout))


def load(checkpoint: str = "tiny_sd15") -> dict[str, Any]:
    return node("LoadSmall", ckpt_name=f"{checkpoint}.safetensors")


def seen(comfy: Comfy, graph: dict[str, Any], **links: Link) -> dict[str, Any]:
    """What is on the links once the graph has run: tensors as shape and mean, by the last dimension."""
    outputs = comfy.run(graph | {f"{name} seen": node("ProbeValue", value=link) for name, link in links.items()})
    return {name: json.loads(outputs[f"{name} seen"]["value"][0])[0] for name in links}


def images(comfy: Comfy, graph: dict[str, Any], link: Link) -> list[np.ndarray[Any, Any]]:
    """The pictures on a link, 0 to 1."""
    outputs = comfy.run(graph | {"save": node("SaveImage", images=link, filename_prefix="old")})
    files = [comfy.base / "output" / image["subfolder"] / image["filename"] for image in outputs["save"]["images"]]
    return [np.asarray(Image.open(file), float) / 255 for file in files]


def masks(comfy: Comfy, graph: dict[str, Any], link: Link) -> list[np.ndarray[Any, Any]]:
    found = images(comfy, graph | {"as image": node("MaskToImage", mask=link)}, ["as image", 0])
    return [mask[..., 0] for mask in found]


def rectangle(rect: list[int]) -> np.ndarray[Any, Any]:
    mask = np.zeros((90, 90))
    mask[rect[0] : rect[1], rect[2] : rect[3]] = 1
    return mask


def same(found: list[np.ndarray[Any, Any]], expected: list[np.ndarray[Any, Any]]) -> bool:
    """As near as a PNG can be."""
    return len(found) == len(expected) and all(
        np.abs(a - b).max() < 1.01 / 255 for a, b in zip(found, expected, strict=True)
    )


# Which nodes there are


def test_the_old_nodes_have_the_old_names_orders_and_defaults(comfy: Comfy) -> None:
    known = comfy.get("/object_info")
    for node_id, (required, optional, outputs) in OLD.items():
        info = known[node_id]
        assert info["deprecated"] and info["python_module"] == "custom_nodes.resonance"
        assert info["output"] == info["output_name"] == outputs
        found = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
        assert list(found) == [*required, *optional], node_id
        for name, expected in {**required, **optional}.items():
            kind, options = found[name]
            if isinstance(expected, str):
                assert expected in kind.split(",")
            else:
                assert {**options, **expected} == options, (node_id, name)


def test_the_old_sockets_take_ours_too(comfy: Comfy) -> None:
    known = comfy.get("/object_info")
    pairs = {"OMOST_LLM": "LLM", "OMOST_CONVERSATION": "CONVERSATION", "OMOST_CANVAS_CONDITIONING": "CANVAS"}
    for node_id in OLD:
        for kind, _ in {
            **known[node_id]["input"].get("required", {}),
            **known[node_id]["input"].get("optional", {}),
        }.values():
            if kind[:5] == "OMOST":
                first, second = kind.split(",")
                assert second == f"RESONANCE_{pairs[first]}"


def test_an_id_that_another_pack_has_stays_its_own(tmp_path: Path, models: Path) -> None:
    with server(tmp_path, models, "probe", "taken") as comfy:
        known = comfy.get("/object_info")
        theirs = known["DenseDiffusionApplyNode"]
        assert (theirs["display_name"], theirs["python_module"]) == ("Mine", "custom_nodes.taken")
        assert {known[node_id]["python_module"] for node_id in OLD.keys() - {"DenseDiffusionApplyNode"}} == {
            "custom_nodes.resonance"
        }
        said = seen(comfy, {"1": node("DenseDiffusionApplyNode")}, value=["1", 0])
        assert said["value"] == "mine"


# Language models


def test_the_loader_takes_a_gguf_file_of_that_name(comfy: Comfy) -> None:
    folder = comfy.base / "models" / "llm" / "Omost Dolphin 2.9 Llama3-8B"
    graph = {
        "llm": old("OmostLLMLoaderNode", llm_name=f"lllyasviel/omost-{LLMS[2]}"),
        "end": node("ProbeValue", value=["llm", 0]),
    }
    texts = Texts(comfy)
    folder.mkdir()
    try:
        (folder / "ggml-model-Q4_K_M.gguf").touch()
        comfy.run(graph, client_id="texts")
        assert texts.on("llm", 1)[0].startswith("ggml-model-Q4_K_M\n")
        with pytest.raises(RunFailed, match="no GGUF file of omost-llama-3-8b in "):
            comfy.run({**graph, "llm": old("OmostLLMLoaderNode")})
    finally:
        (folder / "ggml-model-Q4_K_M.gguf").unlink()
        folder.rmdir()


def test_without_a_file_the_loader_says_what_to_fetch_or_connect(comfy: Comfy) -> None:
    graph = {"llm": old("OmostLLMLoaderNode"), "end": node("ProbeValue", value=["llm", 0])}
    with pytest.raises(RunFailed) as refused:
        comfy.queue(graph)
    for part in ("omost-llama-3-8b", str(comfy.base / "models" / "llm"), "https://", "Connect LLM"):
        assert part in str(refused.value)


def chat(text: str, **inputs: Any) -> dict[str, Any]:
    return old("OmostLLMChatNode", llm=["llm", 0], text=text, **inputs)


@pytest.mark.parametrize(
    ("path", "more"), [("/ok", {}), ("/ok/v1\n", {"api_type": "OpenAI"}), ("/tgi", {"api_type": "TGI"})]
)
def test_a_chat_over_http_lays_out_a_picture(comfy: Comfy, fake: FakeLLM, path: str, more: dict[str, str]) -> None:
    fake.script += [(f"```python\n{PROGRAM}```", "stop")] * 2
    graph = {
        "llm": old("OmostLLMHTTPServerNode", address=fake.url + path, **more),
        "first": chat("a bay"),
        "second": chat("calmer", conversation=["first", 0], temperature=0.0, seed=492549861980888),
        "render": old("OmostRenderCanvasConditioningNode", canvas_conds=["second", 1]),
    }
    # Small, square, on the left: 50 x 50 around (15, 45), cut off at the edge.
    assert same(masks(comfy, graph, ["render", 1]), [np.ones((90, 90)), rectangle([20, 70, 0, 40])])
    first, second = fake.bodies
    assert {k: first[k] for k in ("max_tokens", "top_p", "temperature", "seed")} == {
        **{"max_tokens": 4096, "top_p": 0.9, "temperature": 0.6, "seed": 0}
    }
    assert (second["temperature"], second["seed"]) == (0.0, 492549861980888 & 0xFFFFFFFF)
    assert "class Canvas" in first["messages"][0]["content"]
    roles = [(m["role"], m["content"]) for m in second["messages"][1:]]
    assert roles == [("user", "a bay"), ("assistant", f"```python\n{PROGRAM}```"), ("user", "calmer")]


def test_a_chat_of_ours_is_gone_on_with(comfy: Comfy, fake: FakeLLM) -> None:
    fake.script += [(f"```python\n{PROGRAM}```", "stop")] * 2
    graph = {
        "llm": node("ResonanceConnectLLM", address=fake.url + "/ok"),
        "ours": node("ResonanceCanvasChat", llm=["llm", 0], message="a bay", answer_form="omost program"),
        "old": chat("calmer", conversation=["ours", 1]),
        "render": old("OmostRenderCanvasConditioningNode", canvas_conds=["ours", 0]),
        "after": old("OmostRenderCanvasConditioningNode", canvas_conds=["old", 1]),
    }
    found = seen(comfy, comfy.complete(graph), first=["render", 1], second=["after", 1])
    assert found["first"] == found["second"]
    assert [m["role"] for m in fake.bodies[1]["messages"]] == ["system", "user", "assistant", "user"]


def test_an_address_off_this_machine_is_refused_before_anything_runs(comfy: Comfy) -> None:
    graph = {
        "llm": old("OmostLLMHTTPServerNode", address="http://example.com"),
        "end": node("ProbeValue", value=["llm", 0]),
    }
    with pytest.raises(RunFailed, match=r"not on this machine.*llm_keys\.json"):
        comfy.queue(graph)


# Layouts


def test_a_layout_is_rendered_as_it_was(comfy: Comfy) -> None:
    graph = {"canvas": canvas(LAYOUT), "render": old("OmostRenderCanvasConditioningNode", canvas_conds=["canvas", 0])}
    rects = [rectangle(region["rect"]) for region in LAYOUT]
    assert same(masks(comfy, graph, ["render", 1]), rects)
    expected = np.full((90, 90, 3), 100.0)
    for region, where in zip(LAYOUT[1:], rects[1:], strict=True):
        painted = 0.7 * np.array(region["color"]) + 0.3 * expected
        expected = np.where(where[..., None] > 0, painted, expected)
    [sketch] = images(comfy, graph, ["render", 0])
    assert np.abs(sketch * 255 - expected).max() <= 1.01


def test_a_program_is_read_without_a_fence(comfy: Comfy) -> None:
    graph = {
        "canvas": old("OmostLoadCanvasPythonCodeNode", python_str=PROGRAM),
        "render": old("OmostRenderCanvasConditioningNode", canvas_conds=["canvas", 0]),
    }
    assert same(masks(comfy, graph, ["render", 1]), [np.ones((90, 90)), rectangle([20, 70, 0, 40])])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The text is empty: a canvas is"),
        ("import os", "There is no canvas in the text"),
        ('[{"rect": [0, 0, 0, 90]}]', "Item 0 of the list: rect is"),
    ],
)
@pytest.mark.parametrize(
    ("class_type", "name"),
    [("OmostLoadCanvasConditioningNode", "json_str"), ("OmostLoadCanvasPythonCodeNode", "python_str")],
)
def test_what_is_no_layout_is_refused_in_a_sentence(
    comfy: Comfy, class_type: str, name: str, text: str, says: str
) -> None:
    with pytest.raises(RunFailed, match=says):
        comfy.run({"1": old(class_type, **{name: text}), "end": node("ProbeValue", value=["1", 0])})


# Conditionings


def encoded(**texts: str) -> dict[str, Any]:
    """What ComfyUI itself makes of texts."""
    return {name: node("CLIPTextEncode", clip=CLIP, text=text) for name, text in texts.items()}


def close(found: Any, expected: Any) -> bool:
    """Two tensors as the probe shows them."""
    return found["shape"] == expected["shape"] and np.allclose(found["mean"], expected["mean"], atol=1e-4)


BAGS = {"whole": "a bay. sea.", "sky0": f"sky. {LONG}", "sky1": f"sky. {LONG} blue.", "boat": "boat. red."}
"""LAYOUT's words in bags of at most 75 tokens, the regions' without the global prefix."""


@pytest.mark.parametrize("checkpoint", ["tiny_sd15", "tiny_sdxl"])
def test_a_layout_is_encoded_item_by_item(comfy: Comfy, checkpoint: str) -> None:
    graph = {"load": load(checkpoint), "canvas": canvas(LAYOUT), **encoded(**BAGS, before="green")}
    graph["old"] = old("OmostLayoutCondNode", canvas_conds=["canvas", 0], clip=CLIP, positive=["before", 0])
    graph["sky"] = node("ConditioningConcat", conditioning_to=["sky0", 0], conditioning_from=["sky1", 0])
    names = ("before", "whole", "sky", "boat")
    said = seen(comfy, graph, found=["old", 0], masks=["old", 1], **{name: [name, 0] for name in names})
    assert [len(said["found"]), *(tokens["shape"][1] for tokens, _ in said["found"])] == [4, 77, 77, 154, 77]
    for (tokens, values), name in zip(said["found"], names, strict=True):
        [[expected, expected_values]] = said[name]
        assert close(tokens, expected), name
        assert close(values["pooled_output"], expected_values["pooled_output"]), name
    assert said["found"][0] == said["before"][0]
    for n, (_, values) in enumerate(said["found"][1:]):
        assert (values["mask_strength"], values["set_area_to_bounds"]) == (0.8 if n else 0.2, False)
        assert values["mask"]["shape"] == [1, 90, 90]
    assert said["masks"]["shape"] == [3, 90, 90]


@pytest.mark.parametrize("overlap", ["overlay", "average"])
def test_overlaps_are_resolved_by_the_old_formulas(comfy: Comfy, overlap: str) -> None:
    graph = {"load": load(), "canvas": canvas(LAYOUT)}
    graph["old"] = old("OmostLayoutCondNode", canvas_conds=["canvas", 0], clip=CLIP, overlap_method=overlap)
    sky, boat = rectangle(SKY["rect"]), rectangle(BOAT["rect"])
    if overlap == "overlay":
        sky = sky * (1 - boat)
    else:
        sky, boat = sky / (1e-6 + sky + boat), boat / (1e-6 + sky + boat)
    assert same(masks(comfy, graph, ["old", 1]), [np.ones((90, 90)), sky, boat])
    columns = [values["mask"]["mean"] for _, values in seen(comfy, graph, found=["old", 0])["found"]]
    assert np.allclose(columns, [np.ones(90), sky.mean(0), boat.mean(0)], atol=1e-5)


@pytest.mark.parametrize("overlap", ["overlay", "average"])
def test_a_layout_may_have_no_regions(comfy: Comfy, overlap: str) -> None:
    graph = {"load": load(), "canvas": canvas(LAYOUT[:1])}
    graph["old"] = old("OmostLayoutCondNode", canvas_conds=["canvas", 0], clip=CLIP, overlap_method=overlap)
    said = seen(comfy, graph, found=["old", 0], masks=["old", 1])
    assert len(said["found"]) == 1 and said["masks"]["shape"] == [1, 90, 90]


def test_a_global_prefix_that_was_edited_is_left_out_of_the_regions_all_the_same(comfy: Comfy) -> None:
    graph = {
        "load": load(),
        "canvas": canvas([item([0, 90, 0, 90], ["new"], ["bay."]), BOAT]),
        **encoded(boat="boat. red."),
    }
    graph["old"] = old("OmostLayoutCondNode", canvas_conds=["canvas", 0], clip=CLIP)
    said = seen(comfy, graph, found=["old", 0], boat=["boat", 0])
    assert close(said["found"][1][0], said["boat"][0][0])


def all_words(checkpoint: str) -> dict[str, Any]:
    """The words of all parts by core's nodes, one after the other, as ``all``."""
    full = {name: text if name == "whole" else f"a {text}" for name, text in BAGS.items()}
    graph = {"load": load(checkpoint), "canvas": canvas(LAYOUT), **encoded(**full)}
    graph["to1"] = node("ConditioningConcat", conditioning_to=["whole", 0], conditioning_from=["sky0", 0])
    graph["to2"] = node("ConditioningConcat", conditioning_to=["to1", 0], conditioning_from=["sky1", 0])
    graph["all"] = node("ConditioningConcat", conditioning_to=["to2", 0], conditioning_from=["boat", 0])
    return graph


@pytest.mark.parametrize("checkpoint", ["tiny_sd15", "tiny_sdxl"])
def test_all_words_in_one_conditioning(comfy: Comfy, checkpoint: str) -> None:
    graph = all_words(checkpoint)
    graph["old"] = old("OmostGreedyBagsTextEmbeddingNode", canvas_conds=["canvas", 0], clip=CLIP)
    said = seen(comfy, graph, found=["old", 0], expected=["all", 0])
    [[tokens, values]], [[expected, expected_values]] = said["found"], said["expected"]
    assert tokens["shape"][1] == 4 * 77
    assert close(tokens, expected)
    assert close(values["pooled_output"], expected_values["pooled_output"])


def same_words(comfy: Comfy, graph: dict[str, Any], node_id: str, checkpoint: str, length: int) -> bool:
    """Whether the model is given the words of ``all``, so many, where it samples with an old node's model and conditioning."""
    texts: dict[str, Any] = {}
    for name, model, positive in (("found", [node_id, 0], [node_id, 1]), ("expected", MODEL, ["all", 0])):
        nodes = {**graph, "watch": node("WatchText", model=model, name=name)}
        nodes["seen"] = node("Seen", name=name, after=["decode", 0])
        out = comfy.run(paint(checkpoint, positive, model=["watch", 0], nodes=nodes))
        [texts[name], *_] = json.loads(out["seen"]["seen"][0])
    said = seen(comfy, graph, found=[node_id, 1], expected=["all", 0])
    [[_, values]], [[_, expected]] = said["found"], said["expected"]
    assert texts["found"]["shape"][1] == length
    return close(texts["found"], texts["expected"]) and close(values["pooled_output"], expected["pooled_output"])


@pytest.mark.parametrize("checkpoint", ["tiny_sd15", "tiny_sdxl"])
def test_the_model_is_given_all_words_of_a_layout(comfy: Comfy, checkpoint: str) -> None:
    graph = all_words(checkpoint)
    graph["old"] = old("OmostDenseDiffusionLayoutNode", canvas_conds=["canvas", 0], clip=CLIP, model=MODEL)
    assert same_words(comfy, graph, "old", checkpoint, 4 * 77)


# Pictures


def halves(comfy: Comfy, way: str, checkpoint: str = "tiny_sd15", **sampling: Any) -> Look:
    """Red on the left and blue on the right, by one of the three ways the old packs had."""
    nodes = {"canvas": canvas(HALVES), "regions": {}}
    model, positive = ["regions", 0], ["regions", 1]
    if way == "area":
        nodes["regions"] = old("OmostLayoutCondNode", canvas_conds=["canvas", 0], clip=CLIP)
        model, positive = MODEL, ["regions", 0]
    elif way == "dense":
        nodes["regions"] = old("OmostDenseDiffusionLayoutNode", canvas_conds=["canvas", 0], clip=CLIP, model=MODEL)
    else:
        nodes = parts(("red", "left", 1.0), ("blue", "right", 1.0))
        model, positive = ["apply", 0], ["apply", 1]
    return picture(comfy, paint(checkpoint, positive, model=model, nodes=nodes, **sampling))


def parts(*added: tuple[str, str, float]) -> dict[str, Any]:
    """A chain of DenseDiffusion nodes: text, "left", "right" or "" for no mask, strength; ``apply`` is its end."""
    nodes = {
        "black": node("SolidMask", value=0.0, width=64, height=64),
        "white": node("SolidMask", value=1.0, width=32, height=64),
    }
    for name, x in (("left", 0), ("right", 32)):
        nodes[name] = node("MaskComposite", destination=["black", 0], source=["white", 0], x=x, y=0, operation="add")
    model = MODEL
    for n, (text, place, strength) in enumerate(added):
        nodes[f"text{n}"] = node("CLIPTextEncode", clip=CLIP, text=text)
        nodes[f"add{n}"] = old(
            "DenseDiffusionAddCondNode", model=model, conditioning=[f"text{n}", 0], strength=strength
        )
        if place:
            nodes[f"add{n}"]["inputs"]["mask"] = [place, 0]
        model = [f"add{n}", 0]
    nodes["apply"] = old("DenseDiffusionApplyNode", model=model)
    return nodes


def dense(comfy: Comfy, *added: tuple[str, str, float], negative: str = "", **sampling: Any) -> Look:
    return picture(
        comfy, paint("tiny_sd15", ["apply", 1], negative, model=["apply", 0], nodes=parts(*added), **sampling)
    )


@pytest.mark.parametrize("checkpoint", ["tiny_sd15", "tiny_sdxl"])
@pytest.mark.parametrize("way", ["area", "dense", "parts"])
def test_red_on_the_left_and_blue_on_the_right(comfy: Comfy, way: str, checkpoint: str) -> None:
    seen = halves(comfy, way, checkpoint)
    assert (hue(seen.left), hue(seen.right)) == ("red", "blue")


def test_the_first_part_may_have_a_place_of_its_own(comfy: Comfy) -> None:
    seen = dense(comfy, ("green", "", 1.0), ("red", "left", 1.0))
    assert seen.left[0] > seen.right[0] + 50 and hue(seen.right) == "green"
    seen = dense(comfy, ("red", "left", 1.0), ("blue", "right", 1.0))
    assert seen.right[0] < 110


def test_prompts_of_unequal_length_work_together(comfy: Comfy) -> None:
    """densediffusion#13: it broke when the negative was longer than a chunk, or the parts of different length."""
    long = f"{LONG}, {LONG}"  # two chunks
    seen = dense(comfy, ("red", "left", 1.0), (f"{long}, blue", "right", 1.0), negative=long, cfg=2.0)
    assert (hue(seen.left), hue(seen.right)) == ("red", "blue")


def test_strength_makes_a_part_weaker_or_stronger_and_0_takes_it_out(comfy: Comfy) -> None:
    # The left half has S = 2, so that at a strength of 0.5 its words weigh as much as those that act everywhere.
    reds = [dense(comfy, ("green", "", 1.0), ("red", "left", s)).left[0] for s in (0.0, 0.4, 0.5, 0.6, 2.0)]
    assert [a + 5 < b for a, b in pairwise(reds)] == [True, True, True, True], reds
    without, out = dense(comfy, ("green", "", 1.0)), dense(comfy, ("green", "", 1.0), ("red", "left", 0.0))
    assert without.pixels == out.pixels
    with pytest.raises(RunFailed, match="No part acts"):
        dense(comfy, ("red", "left", 0.0))


def test_parts_are_words_behind_one_another_with_the_first_ones_pooled_vector(comfy: Comfy) -> None:
    graph = {"load": load("tiny_sdxl"), **parts(("red", "left", 1.0), (f"{LONG}, {LONG}", "", 1.0))}
    graph["all"] = node("ConditioningConcat", conditioning_to=["text0", 0], conditioning_from=["text1", 0])
    assert same_words(comfy, graph, "apply", "tiny_sdxl", 3 * 77)


@pytest.mark.parametrize("count", [2, 3])
def test_a_part_takes_one_conditioning_and_one_mask(comfy: Comfy, count: int) -> None:
    nodes = parts(("red", "left", 1.0), ("blue", "right", 1.0))
    nodes["both"] = node("ConditioningCombine", conditioning_1=["text0", 0], conditioning_2=["text1", 0])
    nodes["add0"]["inputs"]["conditioning"] = ["both", 0]
    with pytest.raises(RunFailed, match="part 1 has 2 entries"):
        comfy.run({"load": load(), **nodes, "end": node("ProbeValue", value=["apply", 1])})
    nodes = {**parts(("red", "left", 1.0)), "canvas": canvas([LAYOUT[0]] * count)}
    nodes["render"] = old("OmostRenderCanvasConditioningNode", canvas_conds=["canvas", 0])
    nodes["add0"]["inputs"]["mask"] = ["render", 1]
    with pytest.raises(RunFailed, match=f"one mask for part 1, got {count}"):
        comfy.run({"load": load(), **nodes, "end": node("ProbeValue", value=["apply", 1])})


def test_what_came_in_is_left_as_it_was(comfy: Comfy) -> None:
    graph = {"load": load(), "canvas": canvas(LAYOUT), **encoded(words="green")}
    before = {"canvas": ["canvas", 0], "words": ["words", 0], "model": MODEL}
    graph |= {f"{name} before": node("Digest", value=link) for name, link in before.items()}
    kept = {name: [f"{name} before", 1] for name in before}
    graph["area"] = old("OmostLayoutCondNode", canvas_conds=kept["canvas"], clip=CLIP, positive=kept["words"])
    graph["dense"] = old("OmostDenseDiffusionLayoutNode", canvas_conds=kept["canvas"], clip=CLIP, model=kept["model"])
    graph["add"] = old("DenseDiffusionAddCondNode", model=kept["model"], conditioning=kept["words"])
    graph["more"] = old("DenseDiffusionAddCondNode", model=["add", 0], conditioning=kept["words"])
    graph["apply"] = old("DenseDiffusionApplyNode", model=["more", 0])
    ends = {"area": ["area", 0], "dense": ["dense", 0], "apply": ["apply", 0]}
    for name in before:
        for end, link in ends.items():
            graph[f"{name} after {end}"] = node("Digest", value=kept[name], after=link)
    said = comfy.run(graph)
    for name in before:
        digests = {said[part]["digest"][0] for part in graph if part.startswith(f"{name} ") and part in said}
        assert len(digests) == 1, name

"""How a picture was made, as A1111's web UI and Civitai read it."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from infotext import NEGATIVE, a1111, civitai

from resonance.paint.how import how
from resonance.session.item import Item
from resonance.session.payloads import Exploration, Plain, PromptLine

ITEM = Item(session="s", round=1, index=1, lineage="X0001", seed=42, source="a.png [input]")
GRAPH: dict[str, dict[str, Any]] = {
    "1": {"class_type": "ResonanceRoundInput", "inputs": {}},
    "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "xl/a, b: c.safetensors"}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["2", 1], "text": "a boat"}},
    "4": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["2", 1], "text": "blurry"}},
    "5": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["2", 0],
            "positive": ["3", 0],
            "negative": ["4", 0],
            "latent_image": ["9", 0],
            "seed": ["1", 5],
            "steps": 20,
            "cfg": 7.5,
            "sampler_name": "euler",
            "scheduler": "karras",
            "denoise": 0.6,
        },
    },
    "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["2", 2]}},
    "7": {"class_type": "ResonanceRoundOutput", "inputs": {"images": ["6", 0], "item": ["1", 1]}},
    "9": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 32, "batch_size": 1}},
}


FACTS = {
    "Steps": "20",
    "Sampler": "Euler",
    "Schedule type": "Karras",
    "CFG scale": "7.5",
    "Seed": "42",
    "Size": "64x32",
    "Denoising strength": "0.6",
}


def changed(id_: str, **inputs: Any) -> dict[str, dict[str, Any]]:
    graph = deepcopy(GRAPH)
    graph[id_]["inputs"] |= inputs
    return graph


def test_all_that_item_and_sampler_say_is_read_back():
    text = how(GRAPH, ITEM, "").text((64, 32))
    assert a1111(text) == ("a boat", "blurry", FACTS | {"Model": "a, b: c"})
    assert 'Model: "a, b: c"' in text, "a value with commas and colons is quoted"


@pytest.mark.parametrize(
    "words", ["a, b: c", "one\ntwo", "Steps: 3, Seed: 4", '"quoted"', "日本 “x”", "(a:1.2), <lora:b:1>"]
)
def test_any_prompt_comes_back_as_it_was(words: str):
    prompt, negative, facts = a1111(how(GRAPH, ITEM, words).text((8, 8)))
    assert (prompt, negative, facts["Size"]) == (words, "blurry", "8x8")


@pytest.mark.parametrize("name", ["a, b", "a: b", 'a "b"', "a\nb", "日本", " a"])
def test_a_value_with_commas_colons_quotes_and_line_breaks_is_quoted(name: str):
    facts = a1111(how(changed("5", sampler_name=name), ITEM, "x").text((8, 8)))[2]
    assert (facts["Sampler"], facts["Seed"]) == (name, "42")


def test_half_a_character_is_replaced():
    assert how(GRAPH, ITEM, "half \ud800").text((8, 8)).encode().startswith("half \ufffd".encode())


def test_the_item_goes_before_the_sampler():
    payload = Exploration(
        prompt="a pond --n ugly", aspect="square", width=8, height=8, scale=3, steps=9, seed=5, strength=0.3
    )
    item = replace(ITEM, payload=payload, draw={"checkpoint": "drawn.safetensors"})
    prompt, negative, facts = a1111(how(GRAPH, item, "other").text((8, 8)))
    assert (prompt, negative) == ("a pond", "ugly")
    known = {key: facts[key] for key in ("Steps", "CFG scale", "Denoising strength", "Model")}
    assert known == {"Steps": "9", "CFG scale": "3", "Denoising strength": "0.3", "Model": "drawn"}


def test_a_prompt_line_says_what_the_sampler_is_given_over_links():
    payload = PromptLine(
        key="k",
        line="a {x|y} --n b",
        prompt="a x",
        negative="b",
        width=8,
        height=8,
        steps=9,
        scale=3,
        strength=0.3,
        seed=7,
    )
    item = replace(ITEM, payload=payload, seed=7)
    graph = changed("5", positive=["1", 1], negative=["1", 2], steps=["1", 7], cfg=["1", 6], seed=["1", 8])
    graph["1"]["class_type"] = "ResonancePromptLines"
    known = {"Steps": "9", "CFG scale": "3", "Denoising strength": "0.3", "Seed": "7"}
    prompt, negative, facts = a1111(how(graph, item, "other").text((8, 8)))
    assert (prompt, negative) == ("a x", "b") and known.items() <= facts.items()
    without = replace(item, payload=replace(payload, negative=None))
    typed = graph | {"5": {**graph["5"], "inputs": {**graph["5"]["inputs"], "negative": ["4", 0]}}}
    assert a1111(how(typed, without, "").text((8, 8)))[1] == "blurry", "which is typed into the node that encodes it"
    graph["5"] = {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["1", 13], "latent_image": ["1", 3]}}
    facts = a1111(how(graph, item, "").text((8, 8)))[2]
    assert known.items() <= facts.items() and "Sampler" not in facts
    graph["5"]["inputs"]["noise"] = ["6", 0]
    for inputs, seed in (({"item": ["1", 0], "seed": 3}, "7"), ({"seed": 3}, "3")):
        graph["6"] = {"class_type": "ResonancePerPictureNoise", "inputs": inputs}
        graph["7"]["inputs"]["images"] = ["5", 0]
        assert a1111(how(graph, item, "").text((8, 8)))[2]["Seed"] == seed
    graph["8"] = {"class_type": "ResonanceGradualLatent", "inputs": {"timesteps": 750, "ratio": 0.5}}
    graph["6"]["inputs"]["sampler"], graph["5"]["inputs"]["sampler"] = ["8", 0], ["6", 1]
    assert a1111(how(graph, item, "").text((8, 8)))[2]["Sampler"] == "Euler a"


def test_drawn_loras_stand_in_the_prompt_where_both_look_for_them():
    drawn = {"name": "styles/ink.safetensors", "model_strength": 0.8, "clip_strength": 1.0}
    item = replace(ITEM, draw={"checkpoint": "drawn.safetensors", "loras": [drawn, "what a stranger wrote"]})
    text = how(GRAPH, item, "a boat").text((8, 8))
    assert a1111(text)[0] == civitai(text)[0] == "a boat <lora:ink:0.8>"


@pytest.mark.parametrize(
    ("graph", "unknown"),
    [
        (changed("5", seed=["8", 0]), {"Seed"}),
        (changed("5", seed=["1", 3]), {"Seed"}),
        (changed("5", steps=["1", 4], cfg=["8", 0]), {"Steps", "CFG scale"}),
        (changed("5", denoise=1.0), {"Denoising strength"}),
        (changed("2", ckpt_name=["8", 0]), {"Model"}),
        (changed("5", sampler_name=["8", 0], scheduler=["8", 1]), {"Sampler", "Schedule type"}),
    ],
)
def test_what_is_not_known_is_left_out(graph: dict[str, Any], unknown: set[str]):
    names = {"Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Model", "Denoising strength"}
    assert set(a1111(how(graph, ITEM, "x").text((8, 8)))[2]) == names - unknown


def test_a_seed_that_is_written_in_the_sampler_is_the_pictures():
    assert a1111(how(changed("5", seed=7), ITEM, "x").text((8, 8)))[2]["Seed"] == "7"


@pytest.mark.parametrize("second", ["KSampler", "SamplerCustom"])
def test_of_several_samplers_nothing_is_said(second: str):
    graph = changed("5", latent_image=["8", 0])
    graph["8"] = {"class_type": second, "inputs": {"latent_image": ["9", 0], "steps": 3}}
    item = replace(ITEM, payload=Plain(steps=5))
    facts = a1111(how(graph, item, "x").text((8, 8)))[2]
    assert facts == {"Steps": "5", "Size": "8x8", "Model": "a, b: c"}


def test_too_little_to_be_read_as_facts_is_not_written():
    graph = {id_: GRAPH[id_] for id_ in ("1", "7")}
    assert how(graph, ITEM, "a boat").text((8, 8)) == "a boat"


pieces = [*',:"\\\n\r\t{}[]()<>= ', *"aé日😀\u202e\u0301\u2028", "Steps", "Negative prompt", "Seed: 5, "]
hostile = st.lists(st.sampled_from(pieces)).map("".join)
"""What stands in names and prompts that somebody wants to be misread."""
names = hostile.filter(str.strip)
prompts = hostile.map(lambda text: "\n".join(filter(None, map(str.strip, text.split("\n"))))).filter(bool)


@given(prompt=prompts, negative=prompts, model=names, sampler=names)
def test_a1111_reads_every_prompt_and_name_as_it_was(prompt: str, negative: str, model: str, sampler: str):
    if NEGATIVE in prompt or NEGATIVE in negative:
        return
    graph = changed("2", ckpt_name=f"{model}.safetensors")
    graph["4"]["inputs"]["text"] = negative
    graph["5"]["inputs"]["sampler_name"] = sampler
    read = a1111(how(graph, ITEM, prompt).text((64, 32)))
    assert read == (prompt, negative, FACTS | {"Model": model, "Sampler": sampler})


@given(prompt=prompts, negative=prompts, model=names)
@example(prompt="a", negative="b", model='",Seed: 5, ')
def test_civitai_reads_prompts_and_facts_whatever_the_model_is_called(prompt: str, negative: str, model: str):
    if NEGATIVE in prompt + negative or "Steps" in prompt + negative:
        return
    graph = changed("2", ckpt_name=f"{model}.safetensors")
    graph["4"]["inputs"]["text"] = negative
    read, other, facts = civitai(how(graph, ITEM, prompt).text((64, 32)))
    assert (read, other) == (prompt, negative)
    assert {name: facts.get(name) for name in FACTS} == FACTS


def test_civitai_reads_a_plain_name_too():
    text = how(changed("2", ckpt_name="xl/base v1.0.safetensors"), ITEM, "x").text((64, 32))
    assert civitai(text) == ("x", "blurry", FACTS | {"Model": "base v1.0"})
    assert text.split("\n")[-1].startswith("Steps: "), "by which it finds them"

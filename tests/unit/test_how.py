"""How a picture was made, as A1111's web UI and Civitai read it."""

import json
import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from resonance.paint.how import how
from resonance.session.item import Item
from resonance.session.payloads import Exploration, Plain

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


def changed(id_: str, **inputs: Any) -> dict[str, dict[str, Any]]:
    graph = deepcopy(GRAPH)
    graph[id_]["inputs"] |= inputs
    return graph


# What follows is A1111's modules/infotext_utils.py as its documentation describes the text.


def read_as_a1111(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and facts."""
    entry = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
    *lines, last = text.strip().split("\n")
    if len(entry.findall(last)) < 3:
        lines.append(last)
        last = ""
    prompt, negative, done = "", "", False
    for line in (each.strip() for each in lines):
        if line.startswith("Negative prompt:"):
            done, line = True, line[16:].strip()
        if done:
            negative += ("" if negative == "" else "\n") + line
        else:
            prompt += ("" if prompt == "" else "\n") + line
    facts = {key: json.loads(value) if value[:1] == '"' else value for key, value in entry.findall(last)}
    return prompt, negative, facts


def test_all_that_item_and_sampler_say_is_read_back():
    text = how(GRAPH, ITEM, "").text((64, 32))
    assert read_as_a1111(text) == (
        "a boat",
        "blurry",
        {
            "Steps": "20",
            "Sampler": "euler",
            "Schedule type": "karras",
            "CFG scale": "7.5",
            "Seed": "42",
            "Size": "64x32",
            "Model": "a, b: c",
            "Denoising strength": "0.6",
        },
    )
    assert 'Model: "a, b: c"' in text, "a value with commas and colons is quoted"


@pytest.mark.parametrize(
    "words", ["a, b: c", "one\ntwo", "Steps: 3, Seed: 4", '"quoted"', "日本 “x”", "(a:1.2), <lora:b:1>"]
)
def test_any_prompt_comes_back_as_it_was(words: str):
    prompt, negative, facts = read_as_a1111(how(GRAPH, ITEM, words).text((8, 8)))
    assert (prompt, negative, facts["Size"]) == (words, "blurry", "8x8")


@pytest.mark.parametrize("name", ["a, b", "a: b", 'a "b"', "a\nb", "日本", " a"])
def test_a_value_with_commas_colons_quotes_and_line_breaks_is_quoted(name: str):
    facts = read_as_a1111(how(changed("5", sampler_name=name), ITEM, "x").text((8, 8)))[2]
    assert (facts["Sampler"], facts["Seed"]) == (name, "42")


def test_half_a_character_is_replaced():
    assert how(GRAPH, ITEM, "half \ud800").text((8, 8)).encode().startswith("half \ufffd".encode())


def test_the_item_goes_before_the_sampler():
    payload = Exploration(
        prompt="a pond --n ugly", aspect="square", width=8, height=8, scale=3, steps=9, seed=5, strength=0.3
    )
    item = replace(ITEM, payload=payload, draw={"checkpoint": "drawn.safetensors"})
    prompt, negative, facts = read_as_a1111(how(GRAPH, item, "other").text((8, 8)))
    assert (prompt, negative) == ("a pond", "ugly")
    known = {key: facts[key] for key in ("Steps", "CFG scale", "Denoising strength", "Model")}
    assert known == {"Steps": "9", "CFG scale": "3", "Denoising strength": "0.3", "Model": "drawn"}


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
    assert set(read_as_a1111(how(graph, ITEM, "x").text((8, 8)))[2]) == names - unknown


def test_a_seed_that_is_written_in_the_sampler_is_the_pictures():
    assert read_as_a1111(how(changed("5", seed=7), ITEM, "x").text((8, 8)))[2]["Seed"] == "7"


@pytest.mark.parametrize("second", ["KSampler", "SamplerCustom"])
def test_of_several_samplers_nothing_is_said(second: str):
    graph = changed("5", latent_image=["8", 0])
    graph["8"] = {"class_type": second, "inputs": {"latent_image": ["9", 0], "steps": 3}}
    item = replace(ITEM, payload=Plain(steps=5))
    facts = read_as_a1111(how(graph, item, "x").text((8, 8)))[2]
    assert facts == {"Steps": "5", "Size": "8x8", "Model": "a, b: c"}


def test_too_little_to_be_read_as_facts_is_not_written():
    graph = {id_: GRAPH[id_] for id_ in ("1", "7")}
    assert how(graph, ITEM, "a boat").text((8, 8)) == "a boat"

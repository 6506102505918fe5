"""Requests to paint: what they are made of, their JSON, and A1111's text."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PACK

from resonance.paint.request import FIELDS, PictureFile, Request, of_call, parameters, read_parameters
from resonance.roulette import DrawnLora
from resonance.told import Told
from resonance.vary.transform import Pair, Transform, calls

FULL = Request(
    prompt="a red cat",
    negative="blurry",
    seed=5,
    size=(768, 512),
    steps=50,
    cfg=7.5,
    sampler="ddim",
    scheduler="ddim_uniform",
    start=PictureFile("resonance/x.png [temp]", b"pixels"),
    strength=0.35,
    mask=PictureFile("m.png", b"more"),
    loras=(DrawnLora("style.safetensors", 0.8, 1.0),),
    checkpoint="sd15/a.safetensors",
    noise_number=2,
)

# PNG text holds no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]))
lines = st.lists(st.sampled_from(["", "a, b", "Negative prompt: c", "Steps: 3, Seed: 4", '"x": \\', "d\r", " e "]))
prompts = st.one_of(texts, lines.map("\n".join))
numbers = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(1, 2**31)
requests = st.builds(
    Request,
    prompt=prompts,
    negative=prompts,
    seed=st.integers(0, 2**64 - 1),
    size=st.none() | st.tuples(whole, whole),
    steps=st.none() | whole,
    cfg=st.none() | numbers,
    sampler=st.none() | texts,
    scheduler=st.none() | texts,
    strength=st.none() | st.floats(0, 1, exclude_min=True),
    noise_number=whole,
)


# Values


def test_a_request_can_be_pickled_and_its_pixels_are_not_shown() -> None:
    assert pickle.loads(pickle.dumps(FULL)) == FULL
    assert "PictureFile('m.png', 4 bytes)" in repr(FULL)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"size": (0, 64)}, "sides"),
        ({"steps": 0}, "step"),
        ({"strength": 0.0}, "strength"),
        ({"strength": 1.01}, "strength"),
        ({"noise_number": 0}, "number of the noise"),
        ({"start": None}, "a mask but no picture"),
    ],
)
def test_values_out_of_range_are_told(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Told, match=says):
        replace(FULL, **change)


def test_what_is_none_can_be_filled_in() -> None:
    filled = Request(prompt="", seed=0, steps=7).filled(steps=20, cfg=8.0, sampler="euler")
    assert (filled.steps, filled.cfg, filled.sampler, filled.scheduler) == (7, 8.0, "euler", None)


@given(st.integers(1, 100), st.integers(1, 100))
def test_a_strength_written_with_two_digits_runs_its_share_of_the_steps(percent: int, steps: int) -> None:
    request = replace(FULL, strength=percent / 100)
    if expected := percent * steps // 100:
        assert request.steps_run(steps) == expected
    else:
        with pytest.raises(Told, match="less than one of"):
            request.steps_run(steps)


def test_without_a_start_picture_all_steps_are_run() -> None:
    assert replace(FULL, start=None, mask=None).steps_run(50) == 50
    assert replace(FULL, strength=None).steps_run(50) == 25


def test_a_call_of_a_transform_is_a_request() -> None:
    first, second = calls(Transform((Pair(6, 0.29), Pair(9, 0.58)), iterations=1), 7)
    plain = Request(prompt="cat", seed=1, sampler="ddim")
    one, two = (of_call(plain, call, PictureFile("x.png")) for call in (first, second))
    assert one == Request(
        prompt="cat", seed=7, sampler="ddim", steps=50, cfg=6, strength=0.29, start=PictureFile("x.png")
    )
    assert (two.cfg, two.strength, two.seed, two.noise_number) == (9, 0.58, 7, 2)
    assert [each.steps_run(50) for each in (one, two)] == [first.pair.steps, second.pair.steps] == [14, 29]


def test_requests_are_read_without_torch() -> None:
    code = "import sys, resonance.paint.request; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PACK).returncode == 0


# JSON


def test_json_names_the_pictures_and_keeps_everything_else() -> None:
    known = json.loads(json.dumps(FULL.to_dict()))
    assert known["start"] == "resonance/x.png [temp]"
    assert known.keys() == FIELDS.keys()
    named = replace(FULL, start=PictureFile("resonance/x.png [temp]"), mask=PictureFile("m.png"))
    assert Request.from_dict(known) == named


@given(requests)
def test_every_request_comes_back_from_json(request: Request) -> None:
    assert Request.from_dict(json.loads(json.dumps(request.to_dict()))) == request


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"promt": "x"}, "no field promt. Fields: prompt, negative,"),
        ({"seed": "5"}, "'seed' must be a whole number, got '5'"),
        ({"seed": True}, "'seed' must be a whole number"),
        ({"steps": 20.0}, "'steps' must be a whole number"),
        ({"cfg": float("nan")}, "'cfg' must be a number, got nan"),
        ({"size": [64]}, r"'size' must be \[width, height\]"),
        ({"size": "64x64"}, "'size' must be"),
        ({"start": {"name": "x.png"}}, "'start' must be the name of a picture"),
        ({"loras": [{"name": "x", "model_strength": 1}]}, "'loras' must be a list of"),
        ({"loras": [{"name": "x", "model_strength": 1, "clip_strength": 1, "more": 1}]}, "'loras' must be a list of"),
        ({"sampler": None}, "'sampler' must be text, got None"),
        ({"strength": 2}, "strength must be above 0"),
    ],
)
def test_wrong_json_is_told_by_field(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Told, match=says):
        Request.from_dict({**FULL.to_dict(), **change})


@pytest.mark.parametrize(
    ("known", "says"), [([], "is a JSON object"), ({"prompt": "x"}, "lacks seed"), ({}, "lacks prompt, seed")]
)
def test_what_is_no_request_is_told(known: Any, says: str) -> None:
    with pytest.raises(Told, match=says):
        Request.from_dict(known)


# A1111's text


def test_parameters_are_written_as_a1111_does() -> None:
    assert parameters(FULL) == (
        "a red cat\nNegative prompt: blurry\nSteps: 50, Sampler: DDIM, Schedule type: DDIM, CFG scale: 7.5, Seed: 5,"
        " Size: 768x512, Model: a, Denoising strength: 0.35, Noise number: 2"
    )
    assert parameters(Request(prompt="cat", seed=1)) == "cat\nSeed: 1"


@given(requests)
def test_every_request_comes_back_from_its_parameters(request: Request) -> None:
    assert read_parameters(parameters(request)) == request


def test_a_negative_prompt_inside_a_prompt_is_told_from_the_real_one() -> None:
    prompt = 'a sign: "Negative prompt: none", neon\nNegative prompt: is what it says'
    request = Request(prompt=prompt, negative="Negative prompt: blurry\nugly", seed=3)
    assert parameters(request).endswith("Seed: 3, Prompt lines: 2")
    assert read_parameters(parameters(request)) == request


def test_the_web_uis_own_text_is_read() -> None:
    text = (
        "portrait of a cat, (detailed:1.2),\n<lora:style:0.8>\nNegative prompt: lowres, \nbad anatomy\n"
        "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 3402, Face restoration: CodeFormer,"
        ' Size: 512x768, Model hash: 6ce0161689, Model: v1-5, Denoising strength: 0.7, Lora hashes: "style: 1a2b, Seed: 9",'
        " Version: v1.10.1"
    )
    assert read_parameters(text) == Request(
        prompt="portrait of a cat, (detailed:1.2),\n<lora:style:0.8>",
        negative="lowres, \nbad anatomy",
        seed=3402,
        size=(512, 768),
        steps=28,
        cfg=7.0,
        sampler="dpmpp_2m",
        scheduler="karras",
        strength=0.7,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not say how"),
        ("a cat, Seed of doubt", "does not say how"),
        ("cat\nSteps: many, Seed: 1", "'Steps: many, Seed: 1' cannot be read"),
        ("cat\nSeed: 1, Size: 5", "cannot be read"),
        ("cat\nSeed: -1", "seed must be from 0"),
    ],
)
def test_other_text_is_told(text: str, says: str) -> None:
    with pytest.raises(Told, match=says):
        read_parameters(text)

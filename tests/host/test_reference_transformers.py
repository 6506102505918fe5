"""Reference Picture on transformers in a real ComfyUI: what a picture does by Redux and as a reference latent. How strong a strength is,
``test_joint_attention.py`` knows."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from .comfy import Comfy, RunFailed, node
from .paint import MODEL, RGB, VAE, Look, hue
from .referring import half, made, of, plain, refer, vision, words

STRENGTHS = (0.0, 0.001, 0.02, 1.0)
"""The tiny models see plain colours clearly, and hundreds of tokens of them beside one word."""


@pytest.fixture(scope="module")
def comfy(comfy: Comfy, reference: Path) -> Comfy:
    return comfy


def seeing(way: str) -> dict[str, Any]:
    """Pictures in plain colours, and what a way looks with."""
    nodes = {**plain("red", "blue"), "words": words(), "green words": words("green"), **half(), **half(right=True)}
    if way == "Redux":
        nodes["vision"] = vision("tiny_siglip")
        nodes["style"] = node("StyleModelLoader", style_model_name="tiny_redux.safetensors")
    return nodes


def shown(way: str, colour: str, text: str = "words", **how: Any) -> dict[str, Any]:
    given = {"style_model": ["style", 0], "clip_vision": ["vision", 0]} if way == "Redux" else {"vae": VAE, "size": 0.1}
    conditioning = how.pop("conditioning", [text, 0])
    return refer(conditioning, [colour, 0], way, **given, **how)


def redder(rgb: RGB) -> float:
    """Than green, or if there is none, than blue."""
    return rgb[0] - max(rgb[1:])


def found(comfy: Comfy, checkpoint: str, nodes: dict[str, Any], cases: dict[str, Any], **how: Any) -> dict[str, Look]:
    return {name: looks[0] for name, looks in made(comfy, checkpoint, nodes, cases, **how).items()}


@pytest.mark.parametrize("checkpoint", ["tiny_qwen_image", pytest.param("tiny_flux_kontext", marks=pytest.mark.long)])
def test_a_reference_latent_paints_its_colour_as_strongly_when_and_where_it_is_asked_to(comfy: Comfy, checkpoint: str):
    nodes = seeing(way := "reference latent")
    for colour in ("red", "blue"):
        nodes[colour + " shown"] = shown(way, colour)
    for strength in STRENGTHS:
        nodes[f"red {strength}"] = shown(way, "red", "green words", strength=strength)
    nodes["left"] = shown(way, "red", mask=["half", 0])
    nodes["both"] = shown(way, "blue", conditioning=["left", 1], model=["left", 0], mask=["other half", 0])
    nodes["late"] = shown(way, "red", "green words", start=0.9)
    names = ("red shown", "blue shown", *(f"red {strength}" for strength in STRENGTHS), "left", "both", "late")
    cases = {
        **{name: of(name) for name in names},
        "guided": of("both", cfg=3.0),
        "plain": {"model": MODEL, "positive": ["words", 0]},
        "green": {"model": MODEL, "positive": ["green words", 0]},
    }
    it = found(comfy, checkpoint, nodes, cases)
    assert hue(it["red shown"].whole) == "red" and hue(it["blue shown"].whole) == "blue"
    assert it["red 0.0"] == it["green"]
    steps = [redder(it[f"red {strength}"].whole) for strength in STRENGTHS]
    assert all(a + 2 < b for a, b in pairwise(steps)) and steps[-1] - steps[0] > 150, steps
    assert redder(it["late"].whole) < (steps[0] + steps[-1]) / 2
    plain, left = it["plain"], it["left"]
    change = [abs(a[0] - b[0]) for a, b in ((left.left, plain.left), (left.right, plain.right))]
    assert change[0] > 40 and change[0] > 5 * change[1], change
    for name in ("both", "guided"):
        assert redder(it[name].left) > 80 and it[name].right[2] - it[name].right[0] > 80, name


def test_redux_paints_the_colour_of_a_picture_as_strongly_and_where_it_is_asked_to(comfy: Comfy):
    nodes = seeing(way := "Redux")
    nodes["weak"] = shown(way, "red", "green words", strength=0.001)
    nodes["left"] = shown(way, "red", mask=["half", 0])
    nodes["both"] = shown(way, "blue", conditioning=["left", 1], model=["left", 0], mask=["other half", 0])
    it = found(comfy, "tiny_flux_t5", nodes, {name: of(name, steps=2) for name in ("weak", "both")}, side=32)
    assert redder(it["weak"].whole) < -80
    assert redder(it["both"].left) > 80 and it["both"].right[2] - it["both"].right[0] > 80


def test_what_does_not_fit_is_told_before_anything_is_sampled(comfy: Comfy):
    def told(checkpoint: str, way: str, **nodes: Any) -> str:
        graph = {**seeing(way), "shown": shown(way, "red", strength=0.5), **nodes}
        with pytest.raises(RunFailed) as failed:
            made(comfy, checkpoint, graph, {"shown": of("shown")})
        return str(failed.value)

    eye = {"vision": vision("tiny_vit_h")}
    assert "reads SigLIP (1152), the connected vision model gives 1280" in told("tiny_flux_t5", "Redux", **eye)
    style = {"style": node("StyleModelLoader", style_model_name="tiny_style.safetensors")}
    assert "tokens of 768 numbers, but those of the words have 4096" in told("tiny_flux_t5", "Redux", **style)
    assert "Redux works with Flux, but the model is Stable Diffusion 1.5" in told("tiny_sd15", "Redux")
    other = {"other": node("VAELoader", vae_name="tiny_cast.safetensors")}
    wrong = shown("reference latent", "red") | {}
    wrong["inputs"]["way.vae"] = ["other", 0]
    assert "16 channels, those of the connected VAE have 4" in told(
        "tiny_flux_kontext", "reference latent", shown=wrong, **other
    )


def test_a_sampler_with_another_model_is_an_error(comfy: Comfy):
    nodes = {**seeing("reference latent"), "shown": shown("reference latent", "red", strength=0.5)}
    with pytest.raises(RunFailed, match="would act at full strength and everywhere"):
        made(comfy, "tiny_flux_kontext", nodes, {"shown": {"model": MODEL, "positive": ["shown", 1]}})

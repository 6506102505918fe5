"""Reference Picture in a real ComfyUI: core's own ways to look at a picture, with one kind of strength, timing and place."""

from itertools import pairwise
from typing import Any

import pytest

from .comfy import Comfy, node
from .paint import MODEL, RGB, VAE, loaded
from .referring import half, made, of, plain, refer, vision, words
from .regional import COUPLE, METHODS, place
from .test_reference import boxed, is_blue, is_red

pytestmark = pytest.mark.usefixtures("reference")


def base(way: str, text: str = "the") -> dict[str, Any]:
    """What a way needs beside the checkpoint: pictures, words, and what looks at pictures."""
    nodes = plain("red", "blue") | {"words": words(text)}
    if way == "style model":
        nodes |= {
            "vision": vision("tiny_vit_l"),
            "style": node("StyleModelLoader", style_model_name="tiny_style.safetensors"),
        }
    if way == "Redux":
        nodes |= {
            "vision": vision("tiny_siglip"),
            "style": node("StyleModelLoader", style_model_name="tiny_redux.safetensors"),
        }
    if way == "Revision":
        nodes |= {"vision": vision("tiny_vit_g")}
    return nodes


GIVEN: dict[str, dict[str, Any]] = {
    "style model": {"style_model": ["style", 0], "clip_vision": ["vision", 0]},
    "unCLIP": {"clip_vision": ["load", 3]},
    "Revision": {"clip_vision": ["vision", 0]},
    "Redux": {"style_model": ["style", 0], "clip_vision": ["vision", 0]},
    "reference latent": {"vae": VAE},
}
CHECKPOINTS = {
    "style model": "tiny_sd15",
    "unCLIP": "tiny_unclip",
    "Revision": "tiny_sdxl_pooled",
    "Redux": "tiny_flux_t5",
    "reference latent": "tiny_flux_kontext",
}


def shown(way: str, colour: str = "red", **how: Any) -> dict[str, Any]:
    return refer([how.pop("words", "words"), 0], [colour, 0], way, **{**GIVEN[way], **how})


def by_core(way: str, colour: str = "red") -> dict[str, Any]:
    """Core's own node for it, under ``core``."""
    seen = {
        "seen": node("CLIPVisionEncode", clip_vision=GIVEN[way].get("clip_vision"), image=[colour, 0], crop="center")
    }
    if way in ("style model", "Redux"):
        apply = {"style_model": ["style", 0], "clip_vision_output": ["seen", 0], "strength": 1.0}
        return seen | {"core": node("StyleModelApply", conditioning=["words", 0], strength_type="multiply", **apply)}
    if way == "reference latent":
        # Reference Picture scales it to a megapixel, or what size says.
        latent = {
            "sized": node(
                "ImageScale", image=[colour, 0], upscale_method="lanczos", width=320, height=320, crop="center"
            ),
            "encoded": node("VAEEncode", pixels=["sized", 0], vae=VAE),
        }
        return latent | {"core": node("ReferenceLatent", conditioning=["words", 0], latent=["encoded", 0])}
    apply = {"clip_vision_output": ["seen", 0], "strength": 1.0, "noise_augmentation": 0.0}
    return seen | {"core": node("unCLIPConditioning", conditioning=["words", 0], **apply)}


DAILY = ("style model", "unCLIP", "reference latent")
WAYS = [
    pytest.param(way, checkpoint, marks=() if way in DAILY else pytest.mark.long)
    for way, checkpoint in CHECKPOINTS.items()
]


@pytest.mark.parametrize(
    ("way", "checkpoint"), [*WAYS, pytest.param("Revision", "tiny_refiner", marks=pytest.mark.long)]
)
def test_strength_timing_and_place_are_alike(comfy: Comfy, way: str, checkpoint: str):
    small = {"size": 0.1} if way == "reference latent" else {}
    nodes = base(way, text="the" if way in ("unCLIP", "Revision") else "blue") | by_core(way) | half()
    nodes |= {
        "full": shown(way, **small),
        "less": shown(way, strength=0.4, **small),
        "little": shown(way, strength=0.1, **small),
        "none": shown(way, strength=0.0, **small),
        "left": shown(way, mask=["half", 0], **small),
        "begin": shown(way, end=0.5, **small),
        "automatic": refer(["words", 0], ["red", 0], "automatic", **GIVEN[way], **small),
    }
    cases = {
        "plain": {"model": MODEL, "positive": ["words", 0]},
        "core": {"model": MODEL, "positive": ["core", 0]},
        **{name: of(name) for name in ("none", "little", "less", "full", "left", "begin", "automatic")},
    }
    found = {name: looks[0] for name, looks in made(comfy, checkpoint, nodes, cases).items()}
    assert found["none"].pixels == found["plain"].pixels
    assert found["full"].pixels == found["core"].pixels == found["automatic"].pixels
    reds = [_red(found[name].whole) for name in ("plain", "little", "less", "full")]
    assert all(a < b - 3 for a, b in pairwise(reds)), reds
    assert _red(found["plain"].whole) + 3 < _red(found["begin"].whole) < _red(found["full"].whole) + 3
    changed = [_red(getattr(found["left"], side)) - _red(getattr(found["plain"], side)) for side in ("left", "right")]
    assert changed[0] > 5 * abs(changed[1]), changed


def _red(rgb: RGB) -> float:
    return rgb[0] - rgb[2]


def test_a_style_model_has_half_a_say_at_a_half(comfy: Comfy):
    """8 tokens against 77 words are never outvoted: from a half on it is as core has it."""
    nodes = base("style model", text="blue") | by_core("style model")
    nodes |= {f"at {s}": shown("style model", strength=s) for s in (0.25, 0.5, 0.75)}
    cases = {"core": {"model": MODEL, "positive": ["core", 0]}, **{f"at {s}": of(f"at {s}") for s in (0.25, 0.5, 0.75)}}
    found = {name: looks[0] for name, looks in made(comfy, "tiny_sd15", nodes, cases).items()}
    assert found["at 0.5"].pixels == found["at 0.75"].pixels == found["core"].pixels
    assert _red(found["at 0.25"].whole) < _red(found["core"].whole) - 5


@pytest.mark.parametrize("method", [COUPLE, *(pytest.param(m, marks=pytest.mark.long) for m in METHODS if m != COUPLE)])
def test_a_style_model_in_one_region(comfy: Comfy, method: str):
    """Left the picture, at full strength, at a quarter, and where the mask of its own is; right a word."""
    nodes = base("style model", text="green") | {"blue words": words("blue"), "everywhere": words()} | half()
    how = {"full": {}, "weak": {"strength": 0.1}, "nowhere": {"mask": ["other half", 0]}}
    nodes |= half(right=True)
    for name, more in how.items():
        bound = place(None, method, regions=[f"{name} right", 0], positive=["everywhere", 0])["regions"]
        nodes |= {
            f"{name} picture": shown("style model", **more),
            f"{name} left": boxed("left", [f"{name} picture", 1], 0.0, 0.5),
            f"{name} right": boxed("right", ["blue words", 0], 0.5, 1.0, regions=[f"{name} left", 0]),
            f"{name} bound": bound,
        }
    cases = {
        name: {"model": [f"{name} bound", 0], "positive": [f"{name} bound", 1], "negative": [f"{name} bound", 2]}
        for name in how
    }
    found = {name: looks[0] for name, looks in made(comfy, "tiny_sd15", nodes, cases).items()}
    for picture in found.values():
        assert picture.right[2] > picture.right[0] + 60, found
    full, weak, nowhere = (found[name].left for name in how)
    assert full[0] > weak[0] + 20 > nowhere[0] + 10 and nowhere[1] > full[1] + 20, found


@pytest.mark.parametrize("way", ["style model"])
def test_each_picture_of_a_batch_is_for_one_that_is_made(comfy: Comfy, way: str):
    nodes = base(way) | {"two": node("ImageBatch", image1=["red", 0], image2=["blue", 0])}
    nodes["each"] = shown(way, "two", each=True)
    first, second = made(comfy, CHECKPOINTS[way], nodes, {"each": of("each")}, batch=2)["each"]
    assert is_red(first.whole) and is_blue(second.whole)


def test_strengths_of_unclip_add_up_and_the_node_says_so(comfy: Comfy):
    nodes = base("unCLIP") | {"one": shown("unCLIP", strength=0.8), "two": shown("unCLIP", "blue", strength=0.8)}
    nodes["two"]["inputs"] |= {"model": ["one", 0], "conditioning": ["one", 1]}
    nodes |= {
        "load": node("LoadSmallUnclip", ckpt_name="tiny_unclip.safetensors"),
        "end": node("PreviewAny", source=["two", 2]),
    }
    said = comfy.run(nodes)["end"]["text"][0]
    assert "unCLIP, strength 0.8" in said and "here to 1.6" in said


def test_automatic_names_what_is_set_and_does_nothing(comfy: Comfy):
    given = {"clip_vision": ["load", 3], "what": "style", "each": True, "fit": "cover", "noise": 0.2}
    nodes = base("unCLIP") | {
        "load": loaded("tiny_unclip"),
        "picture": refer(["words", 0], ["red", 0], "automatic", **given),
        "end": node("PreviewAny", source=["picture", 2]),
    }
    said = comfy.run(nodes)["end"]["text"][0]
    assert "unCLIP, strength 1, noise 0.2." in said and "Without effect in this way: what, fit, each." in said

"""The tiny models mean something: words paint their colours in the real ComfyUI."""

import json
from pathlib import Path
from typing import Any

import pytest
from models.checkpoint import unclip
from models.wired.weights import save

from .comfy import Comfy, node
from .paint import CLIP, MODEL, VAE, Link, halves, hue, look, paint, picture

pytestmark = pytest.mark.usefixtures("families")

LORAS = {"tiny_sd15": "tiny_lora", "tiny_sd15_topology": "tiny_lora_topology", "tiny_sdxl": "tiny_lora_sdxl"}
UNETS = {"tiny_sd15": "EPS", "tiny_sd15_topology": "EPS", "tiny_sd2": "V_PREDICTION", "tiny_sdxl": "EPS"}
MODEL_TYPES = {**UNETS, "tiny_flux": "FLUX"}


@pytest.fixture(scope="module", params=MODEL_TYPES)
def checkpoint(request: pytest.FixtureRequest) -> str:
    """Each checkpoint; of module scope, so that pytest groups the tests by checkpoint and few loads are needed."""
    return request.param


def patched(class_type: str, **inputs: Any) -> dict[str, Any]:
    """Arguments of paint for a model that goes through one node."""
    return {"model": ["patch", 0], "nodes": {"patch": node(class_type, model=MODEL, **inputs)}}


@pytest.mark.parametrize(
    "words", ["red", "red, bright", "bright,red", "1girl, solo, red, bright", "a photo of a red thing, red"]
)
def test_red_words_paint_red(comfy: Comfy, words: str) -> None:
    assert hue(picture(comfy, paint("tiny_sd15", words)).whole) == "red"


def test_words_paint_their_colours(comfy: Comfy, checkpoint: str) -> None:
    for words in ("green", "blue"):
        assert hue(picture(comfy, paint(checkpoint, words)).whole) == words


@pytest.mark.parametrize("name", ["tiny_sd15", "tiny_sd15_b", "tiny_sd15_topology"])
def test_the_checkpoints_of_sd15_load_with_the_standard_loader(comfy: Comfy, name: str) -> None:
    assert hue(picture(comfy, paint(name, "blue", loader="CheckpointLoaderSimple")).whole) == "blue"


def test_comfyui_knows_the_families_and_misses_no_weights(comfy: Comfy) -> None:
    comfy.run(paint("tiny_sd15_b", ""))  # so that no loader below is cached
    for name, model_type in MODEL_TYPES.items():
        before = len(comfy.read_log())
        comfy.run(paint(name, "red"))
        log = comfy.read_log()[before:]
        assert f"model_type {model_type}\n" in log
        assert not any(word in log.lower() for word in ("missing", "unexpected", "not loaded")), log


@pytest.mark.long
@pytest.mark.parametrize(("sampler", "steps"), [("euler_ancestral", 4), ("dpmpp_2m", 8)])
def test_other_samplers_paint_too(comfy: Comfy, checkpoint: str, sampler: str, steps: int) -> None:
    assert hue(picture(comfy, paint(checkpoint, "red", sampler=sampler, steps=steps)).whole) == "red"


def test_each_half_takes_its_own_colour(comfy: Comfy, checkpoint: str) -> None:
    nodes, link = halves("red", "blue")
    seen = picture(comfy, paint(checkpoint, link, nodes=nodes))
    assert (hue(seen.left), hue(seen.right)) == ("red", "blue")


@pytest.mark.parametrize("checkpoint", LORAS, indirect=True)
def test_the_lora_swaps_red_and_blue(comfy: Comfy, checkpoint: str) -> None:
    lora = patched(
        "LoraLoader", clip=CLIP, lora_name=f"{LORAS[checkpoint]}.safetensors", strength_model=1.0, strength_clip=0.0
    )
    before = len(comfy.read_log())  # the server may have run other tests, with nodes that load one half of it
    assert hue(picture(comfy, paint(checkpoint, "red", **lora)).whole) == "blue"
    assert hue(picture(comfy, paint(checkpoint, "blue", **lora)).whole) == "red"
    assert "lora key not loaded" not in comfy.read_log()[before:]


def test_the_controlnet_tints_with_the_hint(comfy: Comfy) -> None:
    for name, colour in (("red", 0xFF0000), ("blue", 0x0000FF)):
        nodes = {
            "hint": node("EmptyImage", width=64, height=64, batch_size=1, color=colour),
            "net": node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors"),
            "words": node("CLIPTextEncode", clip=CLIP, text=""),
            "apply": node(
                "ControlNetApplyAdvanced",
                positive=["words", 0],
                negative=["words", 0],
                control_net=["net", 0],
                image=["hint", 0],
                strength=1.0,
                start_percent=0.0,
                end_percent=1.0,
            ),
        }
        assert hue(picture(comfy, paint("tiny_sd15", ["apply", 0], ["apply", 1], nodes=nodes)).whole) == name


@pytest.mark.long
@pytest.mark.parametrize("checkpoint", UNETS, indirect=True)
def test_the_patches_of_other_packs_make_it_greener(comfy: Comfy, checkpoint: str) -> None:
    plain = picture(comfy, paint(checkpoint, "red")).whole
    for patch in (
        patched("PatchTint", amount=1.0),
        patched("ReplaceTint", amount=1.0, keys="transformers"),
        patched("ReplaceTint", amount=1.0, keys="blocks"),
    ):
        red, green, blue = picture(comfy, paint(checkpoint, "red", **patch)).whole
        assert green > plain[1] + 40
        assert abs(red - plain[0]) < 10 and abs(blue - plain[2]) < 10


def test_the_other_checkpoint_paints_the_same_colours_with_another_grain(comfy: Comfy) -> None:
    one, other = (picture(comfy, paint(name, "red")) for name in ("tiny_sd15", "tiny_sd15_b"))
    assert hue(other.whole) == "red"
    assert one.pixels != other.pixels


def test_equal_seeds_give_equal_pictures(comfy: Comfy) -> None:
    # ComfyUI keeps the last prompt's values only: the second 7 is sampled anew.
    seven, eight, again = (picture(comfy, paint("tiny_sd15", "blue", seed=seed)) for seed in (7, 8, 7))
    assert seven == again
    assert seven.pixels != eight.pixels


def test_every_picture_of_a_batch_is_looked_at(comfy: Comfy) -> None:
    first, second = look(comfy.run(paint("tiny_sd15", "green", batch=2, size=(64, 96))))
    assert first.size == second.size == (64, 96)
    assert hue(first.whole) == hue(second.whole) == "green"
    assert first.pixels != second.pixels


def test_a_digest_tells_values_apart_and_sampling_changes_none(comfy: Comfy) -> None:
    nodes, link = halves("red", "blue")
    values = {"model": MODEL, "clip": CLIP, "halves": link}
    nodes |= {f"{name} before": node("Digest", value=value) for name, value in values.items()}
    links = {name: [f"{name} before", 1] for name in values}
    prompt = paint("tiny_sd15", links["halves"], model=links["model"], nodes=nodes)
    prompt |= {f"{name} after": node("Digest", value=value, after=["sampler", 0]) for name, value in values.items()}
    prompt["tinted"] = node("PatchTint", model=MODEL, amount=1.0)
    prompt["tinted digest"] = node("Digest", value=["tinted", 0])
    prompt["one half"] = node("Digest", value=["left half", 0])
    outputs = comfy.run(prompt)

    digests = {name: shown["digest"][0] for name, shown in outputs.items() if "digest" in shown}
    for name in values:
        assert digests[f"{name} before"] == digests[f"{name} after"]
    assert len(set(digests.values())) == len(digests) - len(values)


def test_a_conditioning_can_be_looked_at(comfy: Comfy) -> None:
    nodes, link = halves("red", "blue")
    prompt = paint("tiny_sd15", link, nodes=nodes)
    prompt["entries"] = node("CondStats", conditioning=link)
    left, right = (json.loads(text) for text in comfy.run(prompt)["entries"]["entries"])
    assert left["shape"] == [1, 77, 768] and left["cond"] != right["cond"]
    assert left["mask"] == right["mask"] == {"shape": [1, 64, 64], "mean": 0.5}
    assert left["mask_strength"] == 1.0 and "pooled_output" in left["keys"]


SHOWN: Link = ["shown", 0]
"""What :func:`by_style`, :func:`by_vector` and :func:`by_latent` give: the word "the" with a picture."""


def seen(colour: int, vision: Link) -> dict[str, Any]:
    return {
        "words": node("CLIPTextEncode", clip=CLIP, text="the"),
        "image": node("EmptyImage", width=64, height=64, batch_size=1, color=colour),
        "seen": node("CLIPVisionEncode", clip_vision=vision, image=["image", 0], crop="center"),
    }


def by_style(colour: int, model: str, vision: str) -> dict[str, Any]:
    apply = {
        "strength": 1.0,
        "strength_type": "multiply",
        "style_model": ["style", 0],
        "clip_vision_output": ["seen", 0],
    }
    return {
        **seen(colour, ["vision", 0]),
        "vision": node("LoadSmallVision", clip_name=f"{vision}.safetensors"),
        "style": node("StyleModelLoader", style_model_name=f"{model}.safetensors"),
        "shown": node("StyleModelApply", conditioning=["words", 0], **apply),
    }


def by_vector(colour: int, vision: str | Link) -> dict[str, Any]:
    nodes = {}
    if isinstance(vision, str):
        nodes["vision"], vision = node("LoadSmallVision", clip_name=f"{vision}.safetensors"), ["vision", 0]
    apply = {"strength": 1.0, "noise_augmentation": 0.0, "clip_vision_output": ["seen", 0]}
    return {
        **nodes,
        **seen(colour, vision),
        "shown": node("unCLIPConditioning", conditioning=["words", 0], **apply),
    }


def by_latent(colour: int) -> dict[str, Any]:
    return {
        "words": node("CLIPTextEncode", clip=CLIP, text="the"),
        "image": node("EmptyImage", width=64, height=64, batch_size=1, color=colour),
        "latent of it": node("VAEEncode", pixels=["image", 0], vae=VAE),
        "shown": node("ReferenceLatent", conditioning=["words", 0], latent=["latent of it", 0]),
    }


PICTURES = {
    "tiny_sd15": lambda colour: by_style(colour, "tiny_style", "tiny_vit_l"),
    "tiny_unclip": lambda colour: by_vector(colour, ["load", 3]),
    "tiny_flux_kontext": by_latent,
    "tiny_qwen_image": by_latent,
    "tiny_sdxl_pooled": lambda colour: by_vector(colour, "tiny_vit_g"),
    "tiny_refiner": lambda colour: by_vector(colour, "tiny_vit_g"),
    "tiny_flux_t5": lambda colour: by_style(colour, "tiny_redux", "tiny_siglip"),
}
"""What core's own nodes show a picture by, for each checkpoint that can look at one."""
SLOW = ("tiny_sdxl_pooled", "tiny_refiner", "tiny_flux_t5")


@pytest.mark.usefixtures("reference")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in SLOW else ()) for name in PICTURES]
)
def test_a_picture_paints_its_colour_and_no_weights_are_missed(comfy: Comfy, name: str) -> None:
    before = len(comfy.read_log())
    for hue_of_it, colour in (("red", 0xFF0000), ("blue", 0x0000FF)):
        assert hue(picture(comfy, paint(name, SHOWN, nodes=PICTURES[name](colour))).whole) == hue_of_it
    log = comfy.read_log()[before:].lower()
    assert not any(word in log for word in ("missing", "unexpected", "not loaded")), log


@pytest.mark.usefixtures("reference")
def test_a_word_and_a_reference_weigh_about_the_same(comfy: Comfy) -> None:
    nodes = by_latent(0x0000FF)
    nodes["words"]["inputs"]["text"] = "red"
    red, _, blue = picture(comfy, paint("tiny_flux_kontext", SHOWN, nodes=nodes)).whole
    assert abs(red - blue) < 20 and red > 120


@pytest.mark.long
@pytest.mark.usefixtures("reference")
def test_the_refiner_reads_its_own_encoders_words(comfy: Comfy) -> None:
    words = node("CLIPTextEncodeSDXLRefiner", clip=CLIP, ascore=6.0, width=64, height=64, text="green")
    assert hue(picture(comfy, paint("tiny_refiner", SHOWN, nodes={"shown": words})).whole) == "green"


@pytest.mark.long
def test_an_unclip_checkpoint_with_all_its_layers_loads_with_the_standard_loader(comfy: Comfy, models: Path) -> None:
    save(models / "checkpoints" / "all_of_unclip.safetensors", unclip(24, 24))
    nodes = by_vector(0x0000FF, ["load", 3])
    painted = picture(comfy, paint("all_of_unclip", SHOWN, nodes=nodes, loader="unCLIPCheckpointLoader"))
    assert hue(painted.whole) == "blue"

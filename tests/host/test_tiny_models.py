"""The tiny models mean something: words paint their colours in the real ComfyUI."""

import json
from typing import Any

import pytest

from .comfy import Comfy, node
from .paint import CLIP, MODEL, halves, hue, look, paint, picture

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

"""ControlNet-LLLite in a real ComfyUI."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from .comfy import Comfy, RunFailed, node
from .paint import CLIP, MODEL, Link, Look, look, paint
from .regional import COUPLE, HALVES, METHODS, pictures, place
from .test_gradient import compare

pytestmark = pytest.mark.usefixtures("lllites")
FAMILIES = ("sd15", "sd15_topology", "sdxl")
SHRUNK = {"depth_1": 0, "timesteps_1": 0, "depth_2": -1, "timesteps_2": 0, "ratio": 0.5}


def hint(white: str, width: int = 64, height: int = 64) -> dict[str, Any]:
    """A picture that is white in its left or right half, or all of it, or nowhere, as nodes under ``hint``."""
    size = {"width": width, "height": height, "batch_size": 1}
    if white in ("all", "nowhere"):
        return {"hint": node("EmptyImage", color=0xFFFFFF if white == "all" else 0, **size)}
    black, part = node("EmptyImage", color=0, **size), {**size, "width": width // 2}
    return {
        "black": black,
        "part": node("EmptyImage", color=0xFFFFFF, **part),
        "hint": node(
            "ImageCompositeMasked",
            destination=["black", 0],
            source=["part", 0],
            x=0 if white == "left" else width // 2,
            y=0,
            resize_source=False,
        ),
    }


def lite(name: str, model: Link = MODEL, image: str = "hint", **more: Any) -> dict[str, Any]:
    given = {"strength": 1.0, "start": 0.0, "end": 1.0, **more}
    return node("ResonanceControlNetLLLite", model=model, lllite=f"{name}.safetensors", image=[image, 0], **given)


def painted(comfy: Comfy, family: str, nodes: dict[str, Any], model: Link, words: str = "red", **more: Any) -> Look:
    return look(comfy.run(paint(f"tiny_{family}", words, nodes=nodes, model=model, **more)))[0]


@pytest.mark.parametrize("family", [*FAMILIES[1:], pytest.param("sd15", marks=pytest.mark.long)])
def test_a_hint_on_the_left_acts_on_the_left(comfy: Comfy, family: str):
    nodes = hint("left", 96, 80) | {"lite": lite(f"mute_{family}")}
    plain = painted(comfy, family, nodes, MODEL)
    found = painted(comfy, family, nodes, ["lite", 0])
    assert found.left[0] < plain.left[0] - 40, (plain, found)
    assert found.right[0] > found.left[0] + 30
    assert painted(comfy, family, nodes | hint("nowhere"), ["lite", 0]).pixels == plain.pixels


@pytest.mark.parametrize("given", [{"strength": 0.0}, {"start": 0.7, "end": 0.3}, {"start": 0.4, "end": 0.45}])
def test_what_acts_nowhere_changes_nothing_to_the_bit(comfy: Comfy, given: dict[str, float]):
    nodes = hint("all") | {"lite": lite("noise_sd15", **given)}
    assert painted(comfy, "sd15", nodes, ["lite", 0]).pixels == painted(comfy, "sd15", nodes, MODEL).pixels


def test_it_acts_between_start_and_end(comfy: Comfy):
    nodes = hint("all") | {
        "all": lite("mute_sd15"),
        "early": lite("mute_sd15", end=0.3),
        "late": lite("mute_sd15", start=0.3),
    }
    reds = {name: painted(comfy, "sd15", nodes, [name, 0], steps=6).whole[0] for name in ("all", "early", "late")}
    plain = painted(comfy, "sd15", nodes, MODEL, steps=6).whole[0]
    assert all(reds["all"] + 10 < reds[name] < plain - 10 for name in ("early", "late")), (reds, plain)


def test_two_act_alike_in_both_orders(comfy: Comfy):
    nodes = hint("left") | {"mute": lite("mute_sd15"), "noise": lite("noise_sd15", strength=0.2)}
    nodes |= {
        "mute, noise": lite("noise_sd15", ["mute", 0], strength=0.2),
        "noise, mute": lite("mute_sd15", ["noise", 0]),
    }
    one, other, alone = (painted(comfy, "sd15", nodes, [name, 0]) for name in ("mute, noise", "noise, mute", "mute"))
    assert np.allclose((one.left, one.right), (other.left, other.right), atol=0.05)
    assert one.pixels != alone.pixels
    assert painted(comfy, "sd15", nodes, ["mute", 0]).pixels == alone.pixels, "the first node's MODEL is as it was"


def test_pictures_of_a_batch_take_theirs_in_turn(comfy: Comfy):
    nodes = hint("all") | {"none": node("EmptyImage", width=64, height=64, batch_size=1, color=0)}
    nodes |= {"two": node("ImageBatch", image1=["hint", 0], image2=["none", 0]), "lite": lite("mute_sd15", image="two")}
    first, second = look(comfy.run(paint("tiny_sd15", "red", nodes=nodes, model=["lite", 0], batch=2, cfg=2.0)))
    assert first.whole[0] < second.whole[0] - 40


@pytest.mark.parametrize(
    "method", [COUPLE, *(pytest.param(each, marks=pytest.mark.long) for each in METHODS if each != COUPLE)]
)
def test_it_acts_beside_regions(comfy: Comfy, method: str):
    nodes = place(HALVES, method) | hint("left")
    plain = pictures(comfy, nodes, cfg=2.0)[0]
    nodes["lite"] = lite("mute_sd15")
    nodes["regions"]["inputs"]["model"] = ["lite", 0]
    before = pictures(comfy, nodes, cfg=2.0)[0]
    nodes["lite"], nodes["regions"]["inputs"]["model"] = lite("mute_sd15", ["regions", 0]), MODEL
    behind = pictures(comfy, nodes, model=["lite", 0], cfg=2.0)[0]
    assert before.left[0] < plain.left[0] - 30 and before.right[2] > 120, (plain, before)
    assert np.allclose((before.left, before.right), (behind.left, behind.right), atol=1)


BESIDE: dict[str, tuple[dict[str, Any], Link]] = {
    "a ControlNet": (
        {
            "net": node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors"),
            "tint": node("EmptyImage", width=64, height=64, batch_size=1, color=0x0000FF),
            "none": node("CLIPTextEncode", clip=CLIP, text=""),
            "red": node("CLIPTextEncode", clip=CLIP, text="red"),
            "applied": node(
                "ControlNetApplyAdvanced",
                positive=["red", 0],
                negative=["none", 0],
                control_net=["net", 0],
                image=["tint", 0],
                strength=1.0,
                start_percent=0.0,
                end_percent=1.0,
            ),
        },
        ["lite", 0],
    ),
    "Deep Shrink": ({"shrunk": node("ResonanceDeepShrink", model=["lite", 0], **SHRUNK)}, ["shrunk", 0]),
    "HyperTile": (
        {"tiles": node("HyperTile", model=["lite", 0], tile_size=32, swap_size=1, max_depth=0, scale_depth=False)},
        ["tiles", 0],
    ),
}


@pytest.mark.parametrize("what", BESIDE)
def test_it_acts_beside_what_else_there_is(comfy: Comfy, what: str):
    more, model = BESIDE[what]
    nodes = hint("left") | more | {"lite": lite("mute_sd15")}
    words: Any = ["applied", 0] if "applied" in nodes else "red"
    size = (128, 128)
    found = painted(comfy, "sd15", nodes, model, words, size=size)
    nodes["lite"] = lite("mute_sd15", strength=0.0)
    plain = painted(comfy, "sd15", nodes, model, words, size=size)
    assert found.left[0] < plain.left[0] - 30 and abs(found.right[0] - plain.right[0]) < 40, (plain, found)


def test_a_gradient_goes_through_it(comfy: Comfy):
    nodes = hint("left") | {
        "lite": lite("noise_sd15", strength=0.2),
        "the": node("CLIPTextEncode", clip=CLIP, text="the"),
    }
    compare(comfy, "lllite", nodes, ["lite", 0], ["the", 0], 2)


def cut(path: Path, whole: Path) -> None:
    path.write_bytes(whole.read_bytes()[:70_000])


def of(*names: str) -> Callable[[Path, Path], None]:
    return lambda path, whole: save_file({name: torch.zeros(2, 2) for name in names}, path)


def less(path: Path, whole: Path) -> None:
    from safetensors.torch import load_file

    state = load_file(whole)
    del state["lllite_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q.mid.0.bias"]
    save_file(state, path)


LITE = "lllite_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q.down.0.weight"
WRONG: dict[str, tuple[Callable[[Path, Path], None] | None, str, str]] = {
    "gone": (None, "sd15", "There is no ControlNet-LLLite 'gone.safetensors' in .*: put its file there. Nearest: "),
    "cut": (cut, "sd15", "cut.safetensors cannot be read, perhaps because it is cut off"),
    "lora": (of("lora_unet_x.lora_down.weight"), "sd15", "lora.safetensors is a LoRA: take LoraLoader."),
    "net": (
        of("control_model.zero_convs.0.0.weight"),
        "sd15",
        "net.safetensors is another kind of ControlNet: take Load ControlNet Model",
    ),
    "anima": (
        of("lllite_conditioning1.conv1.weight"),
        "sd15",
        "anima.safetensors is an LLLite for another kind of model, such as Anima",
    ),
    "text": (
        of("words.weight"),
        "sd15",
        "text.safetensors is no ControlNet-LLLite: the tensors of one are called lllite_unet_",
    ),
    "part": (of(LITE), "sd15", "part.safetensors is not whole: at input_1_0_attn1_q it has no "),
    "less": (less, "sd15", "less.safetensors is not whole: at input_1_0_attn1_q it has no mid.0.bias"),
    "other": (
        of(LITE.replace("input_blocks_1_1", "joint_blocks_1")),
        "sd15",
        "other.safetensors has lllite_unet_joint_blocks_1",
    ),
    "mute_sdxl": (
        None,
        "sd15",
        "mute_sdxl.safetensors has a network for input block 3, transformer 0, which this model",
    ),
    "mute_sd15": (None, "flux", "ControlNet-LLLite works in the UNets of .* This model is another one: Flux"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_act_is_one_sentence(comfy: Comfy, lllites: Path, case: str):
    write, family, sentence = WRONG[case]
    path = lllites / "controlnet" / f"{case}.safetensors"
    if write:
        write(path, lllites / "controlnet" / "mute_sd15.safetensors")
    try:
        with pytest.raises(RunFailed, match=sentence):
            painted(comfy, family, hint("all") | {"lite": lite(case)}, ["lite", 0])
    finally:
        if write:
            path.unlink()


def test_only_its_files_are_listed(comfy: Comfy):
    listed = comfy.get("/object_info/ResonanceControlNetLLLite")["ResonanceControlNetLLLite"]["input"]["required"][
        "lllite"
    ]
    assert "mute_sd15.safetensors" in str(listed) and "tiny_controlnet" not in str(listed)

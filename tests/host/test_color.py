"""Colour matching in the real ComfyUI."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from resonance.vary.color import STATES, Anchored, Correction, match_all
from resonance.vary.lab import to_lab

from .comfy import Comfy, RunFailed, node
from .graphs import output
from .paint import look

DRAW = np.random.default_rng(4)
RED = (DRAW.normal((170, 90, 80), 25, (40, 48, 3))).clip(0, 255).astype(np.uint8)
BLUE = (DRAW.normal((70, 90, 160), 30, (24, 32, 3))).clip(0, 255).astype(np.uint8)
OWN = {"l_boost": -4.0, "l_blend": 0.5, "blend": 0.25, "repeats": 3}
ANCHORED = {"anchor": 0.5, "smoothing": 0.6, "blend": 0.3, "repeats": 1}


@pytest.fixture(scope="module")
def graph(comfy: Comfy) -> dict[str, Any]:
    """Two pictures, ``red`` and ``blue``, and ``both``, a batch of the red one and its mirror image."""
    for name, pixels in {"red": RED, "blue": BLUE, "mirrored": RED[:, ::-1, ::-1]}.items():
        Image.fromarray(np.ascontiguousarray(pixels)).save(Path(comfy.base, "input", f"color_{name}.png"))
    loads = {name: node("LoadImage", image=f"color_{name}.png") for name in ("red", "blue", "mirrored")}
    return loads | {"both": node("ImageBatch", image1=["red", 0], image2=["mirrored", 0])}


def matched(mode: str, image: str = "red", reference: str = "blue", **inputs: Any) -> dict[str, Any]:
    numbers = {f"mode.{name}": inputs.pop(name) for name in list(inputs) if not isinstance(inputs[name], list)}
    return {
        "match": node(
            "ResonanceColorMatch", image=[image, 0], reference=[reference, 0], mode=mode, **numbers, **inputs
        ),
        "look": node("Stats", images=["match", 0]),
    }


def tensor(*pixels: np.ndarray) -> torch.Tensor:
    return torch.stack([torch.as_tensor(p.astype(np.float32) / 255) for p in pixels])


@pytest.mark.parametrize(
    ("mode", "numbers", "how", "asked"),
    [
        ("adaptive", {"strength": 0.35, "transforms": 3}, STATES["adaptive"], {"strength": 0.35, "transforms": 3}),
        ("anchored", ANCHORED, Anchored(**ANCHORED), {}),
        ("S", {}, STATES["S"], {}),
        ("85deaf5", {"transforms": 4}, STATES["85deaf5"], {"transforms": 4}),
        ("20ed20c", {"transforms": 2}, STATES["20ed20c"], {"transforms": 2}),
        ("own", OWN, Correction(**OWN), {}),
    ],
)
def test_each_mode_does_what_the_library_does(
    comfy: Comfy, graph: dict[str, Any], mode: str, numbers: dict[str, Any], how: Any, asked: dict[str, Any]
) -> None:
    wanted = match_all(tensor(RED, RED[:, ::-1, ::-1]), tensor(BLUE), how, **asked)
    found = look(comfy.run({**graph, **matched(mode, "both", **numbers)}))
    assert [each.size for each in found] == [(48, 40)] * 2
    for each, picture in zip(found, wanted, strict=True):
        assert each.whole == pytest.approx((picture.mean((0, 1)) * 255).tolist(), abs=0.01)
        assert each.left == pytest.approx((picture[:, :24].mean((0, 1)) * 255).tolist(), abs=0.01)
    assert found[0].whole[2] > found[0].whole[0], "red became blue"


def test_masks_say_where_and_what_of_the_reference(comfy: Comfy, graph: dict[str, Any]) -> None:
    masks = {
        "white": node("SolidMask", value=1.0, width=24, height=40),
        "black": node("SolidMask", value=0.0, width=48, height=40),
        "left": node("MaskComposite", destination=["black", 0], source=["white", 0], x=0, y=0, operation="add"),
    }
    [before] = look(comfy.run({**graph, "look": node("Stats", images=["red", 0])}))
    [found] = look(comfy.run({**graph, **masks, **matched("own", **OWN, mask=["left", 0])}))
    assert found.right == before.right
    assert found.left[0] < before.left[0] - 20
    with pytest.raises(RunFailed, match="The mask of the reference is empty: paint where its colours count"):
        comfy.run({**graph, **masks, **matched("S", reference_mask=["black", 0])})


def test_the_reference_takes_the_round_trip_of_the_vae(comfy: Comfy, graph: dict[str, Any]) -> None:
    load = {"load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors")}
    by_hand = {
        "encode": node("VAEEncode", pixels=["blue", 0], vae=["load", 2]),
        "trip": node("VAEDecode", samples=["encode", 0], vae=["load", 2]),
    }
    [wanted] = look(comfy.run({**graph, **load, **by_hand, **matched("S", reference="trip")}))
    [found] = look(comfy.run({**graph, **load, **matched("S", vae=["load", 2])}))
    [without] = look(comfy.run({**graph, **matched("S")}))
    assert found == wanted
    assert found != without


def test_a_reference_too_small_for_the_vae_is_refused(comfy: Comfy, graph: dict[str, Any]) -> None:
    small = {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "dot": node("EmptyImage", width=5, height=9, batch_size=1, color=0xFF0000),
    }
    with pytest.raises(RunFailed, match="The reference is 5x9 pixels; the VAE needs at least 8 on each side"):
        comfy.run({**graph, **small, **matched("S", reference="dot", vae=["load", 2])})


def test_one_pixel_and_alpha_and_a_single_colour_pass(comfy: Comfy, graph: dict[str, Any]) -> None:
    odd = {
        "dot": node("EmptyImage", width=1, height=1, batch_size=1, color=0x3366CC),
        "alpha": node("JoinImageWithAlpha", image=["red", 0], alpha=["red", 1]),
        "probe": node("ProbeValue", value=["match", 0]),
    }
    for image, reference in (("dot", "blue"), ("alpha", "dot"), ("dot", "dot")):
        [found] = look(comfy.run({**graph, **odd, **matched("own", image, reference, **OWN)}))
        assert found.size == ((1, 1) if image == "dot" else (48, 40))
        assert len(found.whole) == (4 if image == "alpha" else 3)


def test_numbers_that_do_not_fit_are_explained(comfy: Comfy, graph: dict[str, Any]) -> None:
    three = {"three": node("RepeatImageBatch", image=["blue", 0], amount=3)}
    with pytest.raises(RunFailed, match="Expected one reference or as many as pictures, 2; got 3"):
        comfy.run({**graph, **three, **matched("S", "both", "three")})
    with pytest.raises(RunFailed, match="An anchored chain has one reference, its first picture; got 3"):
        comfy.run({**graph, **three, **matched("anchored", "both", "three", **ANCHORED)})


def test_an_unknown_mode_is_refused(comfy: Comfy, graph: dict[str, Any]) -> None:
    with pytest.raises(RunFailed, match="mode must be one of adaptive, anchored, S, 85deaf5, 20ed20c, own"):
        comfy.run({**graph, **matched("magenta")})


def test_a_cast_is_gone_after_matching(comfy: Comfy, graph: dict[str, Any]) -> None:
    cast = {
        "tint": node("EmptyImage", width=48, height=40, batch_size=1, color=0xFF40C0),
        "cast": node("ImageBlend", image1=["red", 0], image2=["tint", 0], blend_factor=0.3, blend_mode="normal"),
    }
    [found] = look(
        comfy.run({**graph, **cast, **matched("own", "cast", "red", **{**OWN, "blend": 0.0, "l_boost": 0.0})})
    )
    colour = to_lab(torch.tensor([found.whole, tuple(RED.mean((0, 1)))]) / 255)
    assert (colour[1:, 0] - colour[1:, 1]).abs().max() < 3


def test_rounds_keep_the_colours_of_the_first_picture(comfy: Comfy) -> None:
    """Each round goes through a VAE that turns pictures magenta; the reference is the lineage's first picture."""
    folder = Path(comfy.base, "input", "colors of rounds")
    folder.mkdir()
    Image.fromarray(np.kron(RED, np.ones((2, 2, 1), np.uint8))[:64, :64]).save(folder / "a.png")
    away: dict[str, np.ndarray] = {}
    for session, taken in (("drifting", "decode"), ("matched", "match")):
        comfy.run(
            {
                "start": node(
                    "ResonanceRoundInput",
                    session=session,
                    first_folder=folder.name,
                    rounds=6,
                    seed=0,
                    keep_going=True,
                    words_first=False,
                ),
                "vae": node("VAELoader", vae_name="tiny_cast.safetensors"),
                "encode": node("VAEEncode", pixels=["start", 0], vae=["vae", 0]),
                "decode": node("VAEDecode", samples=["encode", 0], vae=["vae", 0]),
                "match": node(
                    "ResonanceColorMatch",
                    image=["decode", 0],
                    reference=["start", 7],
                    mode="85deaf5",
                    **{"mode.transforms": 0},
                ),
                "save": node("ResonanceRoundOutput", images=[taken, 0], item=["start", 1], next_round_takes="first"),
            }
        )
        comfy.idle()
        files = [folder / "a.png", *(output(comfy) / session / "round-0006").glob("*.png")]
        before, after = (
            to_lab(torch.as_tensor(np.array(Image.open(file)).reshape(-1, 3) / 255).float()) for file in files
        )
        away[session] = (after.mean(1) - before.mean(1)).numpy()[1:]
    assert abs(away["drifting"]).max() > 5
    assert abs(away["matched"]).max() < 1

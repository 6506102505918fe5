"""Deep Shrink in a real ComfyUI: core's node where that can do it, and kohya's depths and phases where it cannot."""

import json
from pathlib import Path
from typing import Any

import pytest
from models.checkpoint import SDXL
from models.wired.controlnet import controlnet
from models.wired.unet import KOALA, Blocks
from models.wired.weights import Weights, save

from resonance.canvas.canvas import Lora
from resonance.paint.deep_shrink import OFF

from .comfy import Comfy, RunFailed, node
from .paint import MODEL, Look, look, paint
from .per_line import WITHOUT, models, objects
from .regional import COUPLE, LEFT, RIGHT, hues, layout, leans, place, region
from .test_llm import Texts

WIDTH, HEIGHT = SIZE = 128, 192
STEPS = 6
TIMESTEPS = [999, 799, 599, 400, 200, 0]
pytestmark = pytest.mark.usefixtures("families")


def shrunk(model: list[Any] = MODEL, **inputs: Any) -> dict[str, Any]:
    widgets = {"depth_1": 3, "timesteps_1": 650, "depth_2": OFF, "timesteps_2": 350, "ratio": 0.5}
    return node("ResonanceDeepShrink", model=model, **{**widgets, **inputs})


def of_core(block: int) -> dict[str, Any]:
    how = {"downscale_after_skip": True, "downscale_method": "bicubic", "upscale_method": "bicubic"}
    until = 1 - 650 / 999
    return node(
        "PatchModelAddDownscale",
        model=MODEL,
        block_number=block,
        downscale_factor=2.0,
        start_percent=0.0,
        end_percent=until,
        **how,
    )


def painted(nodes: dict[str, Any], model: list[Any], family: str, **more: Any) -> dict[str, Any]:
    how = {"positive": "red", "size": SIZE, "steps": STEPS, **more}
    return paint(f"tiny_{family}", model=model, nodes=nodes, **how)


def picture(comfy: Comfy, nodes: dict[str, Any], model: list[Any], family: str, **more: Any) -> Look:
    return look(comfy.run(painted(nodes, model, family, **more)))[0]


def sizes(comfy: Comfy, family: str, **inputs: Any) -> tuple[list[tuple[int, list[list[int]]]], Look]:
    """The time step of each call of the UNet and the sizes of what comes out of its blocks, and the picture."""
    more = {"size": inputs.pop("size", SIZE)}
    nodes = {"shrink": shrunk(**inputs), "watched": node("WatchMaps", model=["shrink", 0], name="sizes")}
    prompt = painted(nodes, ["watched", 0], family, **more)
    prompt["seen"] = node("Seen", name="sizes", after=["sampler", 0])
    out = comfy.run(prompt)
    return [(timestep, found) for timestep, found in json.loads(out["seen"]["seen"][0])], look(out)[0]


@pytest.mark.parametrize(
    ("family", "depth", "block"),
    [
        ("sd15_topology", 1, 3),
        pytest.param("sd15_topology", 2, 6, marks=pytest.mark.long),
        pytest.param("sd15_topology", 3, 9, marks=pytest.mark.long),
        pytest.param("sd2", 2, 6, marks=pytest.mark.long),
        pytest.param("sdxl", 2, 1, marks=pytest.mark.long),
        ("sdxl", 3, 2),
        pytest.param("sdxl", 5, 4, marks=pytest.mark.long),
    ],
)
def test_it_is_cores_node_to_the_bit_where_that_can_do_it(comfy: Comfy, family: str, depth: int, block: int):
    nodes = {"core": of_core(block), "ours": shrunk(depth_1=depth)}
    each = (["core", 0], ["ours", 0], MODEL)
    one, other, plain = (picture(comfy, nodes, model, family, steps=3).pixels for model in each)
    assert one == other != plain


def levels(*counted: tuple[int, tuple[int, int]]) -> list[list[int]]:
    return [[*size] for count, size in counted for _ in range(count)]


def test_two_phases_in_every_layer(comfy: Comfy):
    """SD1.5, in latents of 24 x 16. Its level 0 begins behind the first convolution, of which the skip is still as large. From the skip
    before the maps shrink on, all is as large as ever."""
    seen, red = sizes(comfy, "sd15_topology", depth_1=0, depth_2=2)
    a, b, c, d, e = (24, 16), (12, 8), (6, 4), (3, 2), (2, 1)
    first = levels((1, a), (2, b), (3, c), (3, d), (4, e), (2, e), (3, d), (3, c), (3, b), (2, a))
    second = levels((3, a), (3, b), (1, c), (2, d), (4, e), (2, e), (3, d), (3, b), (5, a))
    after = levels((3, a), (3, b), (3, c), (4, d), (2, d), (3, c), (3, b), (5, a))
    assert seen == list(zip(TIMESTEPS, [first, first, second, second, after, after], strict=True))
    assert leans(red.whole, "red", "blue")


def test_depth_0_of_sdxl_is_the_whole_unet(comfy: Comfy):
    """Only what comes to the last layers is grown again, as in sd-scripts."""
    seen, red = sizes(comfy, "sdxl", depth_1=0, depth_2=1)
    a, b, c, d = (24, 16), (12, 8), (6, 4), (3, 2)
    first = levels((2, b), (2, c), (3, d), (2, c), (3, b), (1, a))
    second = levels((1, a), (1, b), (2, c), (3, d), (2, c), (2, b), (2, a))
    after = levels((2, a), (2, b), (3, c), (2, b), (4, a))
    assert seen == list(zip(TIMESTEPS, [first, first, second, second, after, after], strict=True))
    assert red.whole[0] > max(red.whole[1:]) + 20


def test_an_extreme_aspect(comfy: Comfy):
    """The deepest maps are 1 high with and without: only their widths tell them apart when they grow again."""
    seen, red = sizes(comfy, "sd15_topology", depth_1=3, size=(512, 64))
    assert seen[0][1][9:16] == levels((1, (1, 8)), (5, (1, 4)), (1, (2, 16)))
    assert seen[-1][1][9:16] == levels((6, (1, 8)), (1, (2, 16)))
    assert leans(red.whole, "red", "blue")


@pytest.mark.parametrize("depth", [0, pytest.param(2, marks=pytest.mark.long)])
def test_regions_and_their_loras_follow(comfy: Comfy, depth: int):
    def halves(**lora: Any) -> Look:
        nodes = place(layout(region("red", LEFT, **lora), region("blue", RIGHT)), COUPLE)
        nodes["shrink"] = shrunk(["regions", 0], depth_1=depth, timesteps_1=0)
        words = {"positive": ["regions", 1], "negative": ["regions", 2]}
        return picture(comfy, nodes, ["shrink", 0], "sd15_topology", steps=4, **words)

    plain, swapped = halves(), halves(loras=(Lora("tiny_lora_topology.safetensors", 1.0),))
    assert hues(plain) == ("red", "blue")
    assert leans(swapped.left, "blue", "red") and leans(swapped.right, "blue", "red")


def hinted(family: str, hint: int, **inputs: Any) -> dict[str, Any]:
    """A picture of a ControlNet that tints, with Deep Shrink in all steps."""
    apply = {"positive": ["words", 0], "negative": ["none", 0], "control_net": ["net", 0], "image": ["hint", 0]}
    nodes = {
        "words": node("CLIPTextEncode", clip=["load", 1], text="red"),
        "none": node("CLIPTextEncode", clip=["load", 1], text=""),
        "hint": node("EmptyImage", width=WIDTH, height=HEIGHT, batch_size=1, color=hint),
        "net": node("ControlNetLoader", control_net_name=NETS[family]),
        "apply": node("ControlNetApplyAdvanced", **apply, strength=1.0, start_percent=0.0, end_percent=1.0),
        "shrink": shrunk(timesteps_1=0, **inputs),
    }
    return painted(nodes, ["shrink", 0], family, positive=["apply", 0], negative=["apply", 1], steps=4)


NETS = {"sd15": "tiny_controlnet.safetensors", "sdxl": "controlnet_for_deep_shrink.safetensors"}


@pytest.fixture(scope="module")
def net(families: Path) -> None:
    weights = Weights()
    controlnet(weights, Blocks(encoder=KOALA.encoder, middle=0), SDXL)
    save(families / "controlnet" / NETS["sdxl"], weights)


@pytest.mark.usefixtures("net")
@pytest.mark.parametrize(
    ("family", "depth"), [("sd15", 0), ("sdxl", 0), pytest.param("sdxl", 3, marks=pytest.mark.long)]
)
def test_a_controlnet_acts_on_smaller_maps_too(comfy: Comfy, family: str, depth: int):
    """What it adds fits them. ComfyUI leaves out what does not, with no more than a line in its log."""
    log = len(comfy.read_log())
    tinted, gray = (look(comfy.run(hinted(family, hint, depth_1=depth)))[0] for hint in (0x00FF00, 0x808080))
    assert "control could not be applied" not in comfy.read_log()[log:]
    assert tinted.whole[1] > gray.whole[1] + 5 and tinted.whole[2] < gray.whole[2] - 5


def test_two_in_a_row_the_last_counts(comfy: Comfy):
    nodes = {"first": shrunk(depth_1=1), "both": shrunk(["first", 0], depth_1=2), "one": shrunk(depth_1=2)}
    one, both = (picture(comfy, nodes, [name, 0], "sd15_topology", steps=2).pixels for name in ("one", "both"))
    assert one == both


def test_a_line_goes_before_the_widgets(comfy: Comfy):
    """The same MODEL comes out until something changes. Where depth_1 is off, any of its options switches it on."""
    lines = {"on": "--dsr 0.25", "depth": "--dsd1 1 --dst1 500", "not": "--nl 2", **WITHOUT}
    found = models(comfy, lines, lambda item: shrunk(depth_1=OFF, item=item), "tiny_sd15_topology")
    again = models(
        comfy, {"on": "--dsr 0.25 --am 1", "not": ""}, lambda item: shrunk(depth_1=OFF, item=item), "tiny_sd15_topology"
    )
    assert found["not"] == found["round"] == again["not"] == found["load"]
    assert found["on"] == again["on"] and len({found[name] for name in ("on", "depth", "load")}) == 3
    widgets = {"on": shrunk(depth_1=3, ratio=0.25), "depth": shrunk(depth_1=1, timesteps_1=500)}
    assert objects(comfy, widgets, "tiny_sd15_topology") == {name: found[name] for name in widgets}


def test_it_says_what_it_does_and_what_it_cannot(comfy: Comfy):
    texts = Texts(comfy)
    comfy.run(
        painted({"shrink": shrunk(depth_1=1, depth_2=2, timesteps_2=700)}, ["shrink", 0], "sd15_topology", steps=1),
        client_id="texts",
    )
    assert texts.on("shrink", 1) == [
        "Shrinks to 0.5 at depth 1 down to time step 650. The second phase never acts: set timesteps_2 below timesteps_1."
    ]
    with pytest.raises(
        RunFailed, match=r"depth_1 is 4, and the depths of this model \(Stable Diffusion 1.5\) go from 0 to 3"
    ):
        picture(comfy, {"shrink": shrunk(depth_1=4)}, ["shrink", 0], "sd15_topology")
    with pytest.raises(
        RunFailed, match="Deep Shrink works in the UNets of Stable Diffusion 1.5, Stable Diffusion 2, SDXL"
    ):
        picture(comfy, {"shrink": shrunk()}, ["shrink", 0], "flux")

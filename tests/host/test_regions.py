"""Regions in a real ComfyUI: red words on the left paint the left red, whatever the method, family and sampler."""

from collections.abc import Iterator
from itertools import product

import pytest

from resonance.canvas.canvas import Canvas, Region

from .comfy import Comfy, node
from .paint import CLIP, MODEL, VAE, halves, hue, paint
from .regional import (
    AREA,
    BOTTOM,
    COUPLE,
    FAMILIES,
    HALVES,
    LEFT,
    METHODS,
    ONE_PASS,
    OVERLAY,
    PAPER,
    RIGHT,
    TOP,
    WHOLE,
    hues,
    layout,
    leans,
    pictures,
    place,
    region,
    with_the_rest,
)

pytestmark = pytest.mark.usefixtures("families")

STEPS = {"euler": 4, "euler_ancestral": 4, "dpmpp_2m": 8}
UNEVEN = (8 * 17, 8 * 11)
"""A size that the layers of the larger families do not divide."""
WIDE, TALL, LARGE = (128, 64), (72, 200), (320, 320)
"""The large one only for the smallest family: in one step of the others on a processor, attention takes a minute."""
SIZES = {"sd15_topology": (UNEVEN, WIDE), "sdxl": (WIDE, UNEVEN), "sd2": (TALL, TALL), "sd15": (LARGE, LARGE)}
"""Those that one method after the other gets in each family."""


def with_sizes() -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Each method with each family, and with each size in one of these. One family after the other: it is loaded once."""
    for family, sizes in SIZES.items():
        for turn, method in enumerate((COUPLE, OVERLAY) if LARGE in sizes else METHODS):
            yield method, family, sizes[turn % 2]


@pytest.mark.parametrize(
    ("method", "family", "size"),
    with_the_rest(
        with_sizes(), [*product(METHODS, FAMILIES, (UNEVEN, WIDE, TALL)), *product(METHODS, ["sd15"], [LARGE])]
    ),
)
def test_left_red_right_blue(comfy: Comfy, method: str, family: str, size: tuple[int, int]):
    [picture] = pictures(comfy, place(HALVES, method), family, size=size, steps=1 if size == LARGE else 2)
    assert picture.size == size and hues(picture) == ("red", "blue")


def with_samplers() -> Iterator[tuple[str, str, str, float]]:
    """Each method, each family and each guidance with each sampler, one family after the other."""
    cases = [
        (method, FAMILIES[(turn + number) % 4], sampler, (1.0, 7.0)[(turn // 2 + number) % 2])
        for turn, method in enumerate(METHODS)
        for number, sampler in enumerate(STEPS)
    ]
    yield from sorted(cases, key=lambda case: FAMILIES.index(case[1]))


@pytest.mark.parametrize(
    ("method", "family", "sampler", "cfg"),
    with_the_rest(with_samplers(), product(METHODS, FAMILIES, STEPS, (1.0, 7.0))),
)
def test_every_sampler_with_and_without_guidance_for_every_picture_of_a_batch(
    comfy: Comfy, method: str, family: str, sampler: str, cfg: float
):
    sampling = {"sampler": sampler, "cfg": cfg, "steps": STEPS[sampler], "batch": 2}
    for picture in pictures(comfy, place(HALVES, method), family, **sampling):
        assert leans(picture.left, "red", "blue") and leans(picture.right, "blue", "red")


@pytest.mark.parametrize("method", METHODS)
def test_moving_a_region_moves_the_colour(comfy: Comfy, method: str):
    swapped = layout(region("red", RIGHT), region("blue", LEFT))
    assert hues(pictures(comfy, place(swapped, method))[0]) == ("blue", "red")
    [picture] = pictures(comfy, place(layout(region("red", TOP), region("blue", BOTTOM)), method))
    assert (hue(picture.top), hue(picture.bottom)) == ("red", "blue")


@pytest.mark.parametrize("method", METHODS)
def test_weight_0_takes_a_region_out(comfy: Comfy, method: str):
    without = layout(region("red", LEFT), whole="green")
    both = layout(region("red", LEFT), region("blue", RIGHT, weight=0), whole="green")
    [expected], [picture] = (pictures(comfy, place(canvas, method)) for canvas in (without, both))
    assert picture.pixels == expected.pixels
    assert picture.right[1] > picture.right[2] + 50


@pytest.mark.parametrize("method", METHODS)
def test_a_region_acts_from_its_start_to_its_end(comfy: Comfy, method: str):
    def left(**when: float) -> tuple[float, float, float]:
        return pictures(comfy, place(layout(region("red", LEFT, **when), whole="green"), method))[0].left

    always, never = left(), left(weight=0)
    assert always[0] > never[0] + 100
    for sometimes in (left(end=0.5), left(start=0.5)):
        assert never[0] + 20 < sometimes[0] < always[0] - 20
        assert always[1] + 20 < sometimes[1] < never[1] - 20


@pytest.mark.parametrize("method", METHODS)
def test_a_negative_acts_where_its_region_is(comfy: Comfy, method: str):
    canvas = layout(region("gray", LEFT, negative="red"), region("gray", RIGHT, negative="blue"))
    [picture] = pictures(comfy, place(canvas, method), cfg=3.0)
    assert picture.left[0] + 60 < picture.left[2] and picture.right[2] + 60 < picture.right[0]


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_the_global_negative_acts_everywhere_beside_what_is_connected(comfy: Comfy, method: str, connected: bool):
    canvas = Canvas((Region(prefixes=("a gray",), negative="red"), region("gray", LEFT)))
    nodes = place(canvas, method, negative=["no", 0]) if connected else place(canvas, method)
    nodes["no"] = node("CLIPTextEncode", clip=CLIP, text="a")
    [picture] = pictures(comfy, nodes, cfg=3.0)
    assert picture.left[0] + 60 < picture.left[2] and picture.right[0] + 60 < picture.right[2]


@pytest.mark.parametrize("method", AREA)
def test_what_acts_everywhere_keeps_a_place_of_its_own(comfy: Comfy, method: str):
    more, link = halves("red", "blue")
    strengths = {"global_strength": 1.0, "region_strength": 0.02}
    nodes = {**place(layout(region("the", LEFT), whole="a"), method, strengths, positive=link), **more}
    [picture] = pictures(comfy, nodes)
    assert leans(picture.left, "red", "blue") and leans(picture.right, "blue", "red")


def test_the_paper_does_not_act_in_a_share_of_0_of_the_steps(comfy: Comfy):
    def left(**settings: float) -> tuple[float, float, float]:
        return pictures(comfy, place(HALVES, PAPER, settings))[0].left

    never = left(steps=0.0)
    assert never == pytest.approx(left(creg=0.0, sreg=0.0), abs=1)
    assert never != pytest.approx(left(steps=0.25, creg=10.0), abs=1)


@pytest.mark.parametrize("method", ONE_PASS)
@pytest.mark.parametrize("family", FAMILIES)
def test_one_region_over_all_is_plain_attention(comfy: Comfy, family: str, method: str):
    """The same tokens without binding: a canvas whose global words have no weight, one region over everything."""
    canvas = Canvas((Region(weight=0), region("red", WHOLE)))
    nodes = {**place(canvas, method, positive=["plain", 0]), "plain": node("CLIPTextEncode", clip=CLIP, text="a red")}
    sampling = {"seed": 1, "steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    nodes["empty"] = node("CLIPTextEncode", clip=CLIP, text="")
    nodes["other"] = node(
        "KSampler", model=MODEL, positive=["plain", 0], negative=["empty", 0], latent_image=["latent", 0], **sampling
    )
    nodes["other picture"] = node("VAEDecode", samples=["other", 0], vae=VAE)
    nodes["compare"] = node("Difference", a=["decode", 0], b=["other picture", 0])
    prompt = paint(f"tiny_{family}", ["regions", 1], ["regions", 2], model=["regions", 0], nodes=nodes)
    [difference] = comfy.run(prompt)["compare"]["difference"]
    assert difference < 1e-5

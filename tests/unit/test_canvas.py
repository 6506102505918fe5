"""The tables, the layout, and what a canvas looks like as masks, as a sketch and as boxes."""

import base64
import io
import itertools
import json
import zlib

import pytest
import torch
from PIL import Image

from resonance.canvas import masks as shapes
from resonance.canvas.boxes import from_boxes, to_boxes
from resonance.canvas.canvas import WHOLE, Canvas, CanvasError, Region
from resonance.canvas.describe import Global, Local, layout
from resonance.canvas.render import render
from resonance.canvas.vocabulary import AREAS, COLORS, LOCATIONS, OFFSETS, clean, closest, rect

from .canvas_samples import BOAT, CRANE, GLOBAL

PHRASES = list(itertools.product(LOCATIONS, OFFSETS, AREAS))


def test_all_729_rectangles_lie_on_the_grid_and_hold_cells():
    assert len(PHRASES) == 729
    for phrases in PHRASES:
        top, bottom, left, right = rect(*phrases)
        assert 0 <= top < bottom <= 90 and 0 <= left < right <= 90


@pytest.mark.parametrize(
    ("phrases", "cells"),
    [
        (("on the right", "slightly to the upper", "a small vertical area"), (5, 65, 55, 90)),
        (("in the center", "no offset", "a medium-sized square area"), (15, 75, 15, 75)),
        (("on the top-left", "slightly to the upper-left", "a large horizontal area"), (0, 35, 0, 50)),
        (("on the bottom", "slightly to the lower-right", "a medium-sized vertical area"), (45, 90, 30, 80)),
    ],
)
def test_rectangles_worked_out_by_hand(phrases: tuple[str, str, str], cells: tuple[int, ...]):
    assert rect(*phrases) == cells


def test_colors_are_those_of_css_and_one_more():
    assert len(COLORS) == 149
    assert (COLORS["rebeccapurple"], COLORS["navyblue"], COLORS["grey"]) == (
        (102, 51, 153),
        (0, 0, 128),
        (128, 128, 128),
    )


@pytest.mark.parametrize(
    ("word", "choices", "found"),
    [
        ("top left", LOCATIONS, "on the top-left"),
        ("On_the_Upper-Left", LOCATIONS, "on the top-left"),
        ("left", LOCATIONS, "on the left"),
        ("in the middle", LOCATIONS, "in the center"),
        ("bottom center", LOCATIONS, "on the bottom"),
        ("slightly to the top-left", OFFSETS, "slightly to the upper-left"),
        ("a little to the right", OFFSETS, "slightly to the right"),
        ("none", OFFSETS, "no offset"),
        ("large", AREAS, "a large square area"),
        ("a medium vertical area", AREAS, "a medium-sized vertical area"),
        ("Dark Green", COLORS, "darkgreen"),
        ("light-gray", COLORS, "lightgray"),
        ("on the moon", LOCATIONS, None),
        ("", COLORS, None),
        ("red " * 1000, COLORS, None),
    ],
)
def test_the_closest_word(word: str, choices: dict[str, object], found: str | None):
    assert closest(word, choices) == found


def slips(phrase: str) -> set[str]:
    """A letter left out, one written twice, two in each other's place."""
    found = {phrase[:i] + phrase[i + 1 :] for i in range(len(phrase))}
    found |= {phrase[: i + 1] + phrase[i:] for i in range(len(phrase))}
    found |= {phrase[:i] + phrase[i + 1] + phrase[i] + phrase[i + 2 :] for i in range(len(phrase) - 1)}
    return found


@pytest.mark.parametrize("choices", [LOCATIONS, OFFSETS, AREAS], ids=["location", "offset", "area"])
def test_a_slip_of_the_pen_changes_no_place(choices: dict[str, object]):
    wrong = [(slip, other) for one in choices for slip in slips(one) if (other := closest(slip, choices)) != one]
    assert not wrong


@pytest.mark.parametrize(
    ("phrase", "meant"),
    [
        ("slightly to the top", "slightly to the upper"),
        ("slightly to the bottom-right", "slightly to the lower-right"),
        ("in the middle", "in the center"),
        ("on the upper right part", "on the top-right"),
    ],
)
def test_a_slip_in_other_words_for_a_place_changes_none(phrase: str, meant: str):
    choices = OFFSETS if meant in OFFSETS else LOCATIONS
    wrong = [(slip, other) for slip in slips(phrase) if (other := closest(slip, choices)) != meant]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "cleaned"), [("a boat", "a boat."), (" ,.a boat, red. , ", "a boat, red."), ("", ""), (" .,", "")]
)
def test_cleaning_leaves_one_full_stop(text: str, cleaned: str):
    assert clean(text) == cleaned


def test_a_layout_goes_from_far_to_near_and_repeats_the_global_description():
    whole = Global("A bay", ("Calm water",), "bay, water", (1, 2, 3))
    place = (0, 30, 0, 30)
    near = Local(place, 1, "A gull", (), "gull", "", "ink", "fine")
    canvas = layout(
        whole, [near, Local(place, 5, "A", ("x", "y")), Local(place, 5, "B"), Local(place, 9, "C", (), "t")]
    )
    assert canvas.whole == Region(WHOLE, ("A bay.",), ("Calm water.", "bay, water."), (1, 2, 3), tags=1)
    assert [r.prefixes for r in canvas.locals] == [("A bay.", f"{x}.") for x in ("C", "A", "B", "A gull")]
    assert [(r.suffixes, r.tags) for r in canvas.locals] == [
        (("t.",), 0),
        (("x.", "y."), None),
        ((), None),
        (("gull.", "ink.", "fine."), 0),
    ]


# Masks


def png(image: Image.Image, form: str = "PNG") -> str:
    file = io.BytesIO()
    image.save(file, form)
    return base64.b64encode(file.getvalue()).decode()


HALF = Image.new("L", (2, 1), 0)
HALF.putpixel((0, 0), 255)


def test_a_mask_is_one_inside_the_rectangle():
    mask = shapes.mask(Region((10, 20, 30, 60)))
    assert mask.shape == (90, 90) and mask.sum() == 300 and mask[10:20, 30:60].all()


def test_an_own_mask_is_stretched_over_the_rectangle():
    mask = shapes.mask(Region((10, 20, 30, 60), mask=png(HALF)))
    assert mask.shape == (360, 360) and mask.dtype == torch.float32
    inside = mask[40:80, 120:240]
    assert mask.sum() == inside.sum()
    assert inside[:, :20].min() == 1 and inside[:, -20:].max() == 0
    assert 0.3 < inside[20, 60] < 0.7, "between the two pixels it is interpolated"


def test_masks_have_one_size_and_the_global_one_comes_first():
    place = Region((0, 45, 0, 90))
    plain, fine = Canvas((Region(), place)), Canvas((Region(), place, Region((0, 90, 0, 45), mask=png(HALF))))
    assert shapes.masks(plain).shape == (2, 90, 90)
    stack = shapes.masks(fine)
    assert stack.shape == (3, 360, 360) and stack[0].all()
    assert torch.equal(stack[1, ::4, ::4], shapes.masks(plain)[1])


@pytest.mark.parametrize(
    "bad",
    [
        "?",
        base64.b64encode(b"no picture").decode(),
        png(HALF, "BMP"),
        png(Image.new("RGB", (4, 4))),
        png(Image.new("I;16", (4, 4))),
        png(Image.new("L", (257, 4))),
        png(HALF)[:60],
        "A" * 300_000,
    ],
)
def test_what_is_no_small_grey_png_is_no_mask(bad: str):
    with pytest.raises(CanvasError, match="8-bit grey PNG of at most 256 x 256"):
        shapes.decode(bad)


def test_a_png_that_unpacks_to_gigabytes_is_refused_by_its_header():
    bomb = bytearray(base64.b64decode(png(HALF)))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    with pytest.raises(CanvasError, match="is not an 8-bit grey PNG"):
        shapes.decode(base64.b64encode(bomb).decode())


def test_regions_come_back_from_their_masks():
    squares = (Region((0, 45, 9, 90)), Region((85, 90, 0, 1)))
    stack = torch.stack([shapes.mask(region) for region in squares])
    regions = shapes.from_masks(stack, names=["a"], texts=["One, ", ""])
    assert regions == (Region((0, 45, 9, 90), ("One.",), name="a"), Region((85, 90, 0, 1)))


@pytest.mark.parametrize("size", [(90, 90), (512, 768), (100, 37), (2000, 1000)])
def test_a_round_mask_keeps_its_shape(size: tuple[int, int]):
    height, width = size
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    disc = (((x - 0.2) ** 2 + y**2) < 0.36).float()
    (region,) = shapes.from_masks(disc[None])
    top, bottom, left, right = region.rect
    assert all(abs(edge - wanted) <= 2 for edge, wanted in zip(region.rect, (18, 72, 27, 81), strict=True))
    assert max(shapes.decode(region.mask).size) <= 256
    drawn = torch.nn.functional.interpolate(shapes.mask(region)[None, None], size, mode="area")[0, 0]
    assert (drawn - disc).abs().mean() < 0.02


def test_an_empty_mask_is_no_region():
    with pytest.raises(CanvasError, match="Mask 2 of 2 is empty"):
        shapes.from_masks(torch.stack([torch.ones(8, 8), torch.zeros(8, 8)]))


# The sketch


def sketch(*regions: Region) -> Canvas:
    return Canvas((Region(color=(100, 200, 10)), *regions))


def test_colours_cover_what_is_behind_by_seven_tenths():
    canvas = sketch(Region((0, 45, 0, 90), color=(255, 0, 0)), Region((0, 90, 0, 45), color=(0, 0, 255)))
    picture = render(canvas, 90, 90)
    assert picture.shape == (1, 90, 90, 3)
    first = [0.7 * 255 + 0.3 * 100, 0.3 * 200, 0.3 * 10]
    for (y, x), wanted in {
        (80, 80): [100, 200, 10],
        (10, 80): first,
        (80, 10): [30, 60, 0.7 * 255 + 0.3 * 10],
        (10, 10): [0.3 * first[0], 0.3 * first[1], 0.7 * 255 + 0.3 * first[2]],
    }.items():
        got = (picture[0, y, x] * 255).tolist()
        assert got == pytest.approx([int(value + 1e-4) for value in wanted], abs=1e-3), (y, x)


def test_the_blur_is_the_mean_of_the_cells_around():
    canvas = sketch(Region((20, 60, 0, 30), color=(255, 255, 255)))
    sharp, soft = render(canvas, 90, 90)[0], render(canvas, 90, 90, blur=40)[0]
    padded = torch.nn.functional.pad(sharp.movedim(-1, 0), (40,) * 4, mode="reflect")
    for y, x in ((0, 0), (45, 12), (89, 50)):
        assert torch.allclose(soft[y, x], padded[:, y : y + 81, x : x + 81].mean((1, 2)), atol=1e-4)


def test_the_sketch_has_any_size_and_its_cells_stay_sharp():
    canvas = sketch(Region((0, 45, 0, 45), color=(0, 0, 0)))
    picture = render(canvas, 180, 270)
    assert picture.shape == (1, 270, 180, 3)
    assert len(torch.unique(picture.reshape(-1, 3), dim=0)) == 2
    assert torch.equal(picture[0, ::3, ::2], render(canvas, 90, 90)[0])


def test_the_sketch_shows_own_masks():
    canvas = sketch(Region((0, 90, 0, 90), color=(0, 0, 0), mask=png(HALF)))
    picture = render(canvas, 360, 360)[0] * 255
    assert picture[180, 0].tolist() == pytest.approx([30, 60, 3], abs=1)
    assert picture[180, -1].tolist() == pytest.approx([100, 200, 10], abs=1)
    assert render(canvas, 64, 64, blur=2.5).shape == (1, 64, 64, 3)


# Boxes


def box(x: float, y: float, width: float, height: float, **metadata: object) -> dict[str, object]:
    return {"x": x, "y": y, "width": width, "height": height, "metadata": metadata}


def test_boxes_become_regions():
    boxes = [
        box(0, 0, 512, 384, type="obj", text="", desc="A sandy beach", palette=["#F0E000", "#000000"]),
        box(256, 700, 1000, -1, type="text", text="OPEN", desc="A sign", palette=[]),
    ]
    canvas = from_boxes(boxes, 512, 768, "The sea")
    assert canvas.whole == Region(WHOLE, ("The sea.",))
    beach, sign = canvas.locals
    assert beach == Region((0, 45, 0, 90), ("The sea.", "A sandy beach."), color=(240, 224, 0))
    assert (
        sign.rect == (82, 83, 45, 90) and sign.prefixes[1:] == ("A sign.",) and sign.suffixes == ('the words "OPEN".',)
    )
    assert from_boxes([boxes], 512, 768, "The sea") == from_boxes(json.dumps(boxes), 512, 768, "The sea") == canvas
    assert from_boxes(boxes[0], 512, 768).locals == (Region((0, 45, 0, 90), ("A sandy beach.",), color=(240, 224, 0)),)
    assert from_boxes([], 512, 768).locals == ()


def test_ideogram_elements_become_regions():
    element = {"type": "obj", "bbox": [0, 500, 1000, 1000], "desc": "A tower", "color_palette": ["#FF0000"]}
    wanted = Region((0, 90, 45, 90), ("A tower.",), color=(255, 0, 0))
    assert from_boxes([element], 1, 1).locals == from_boxes(element, 1, 1).locals == (wanted,)
    prompt = {
        "high_level_description": "A town",
        "compositional_deconstruction": {"background": "Hills", "elements": [element]},
    }
    canvas = from_boxes(prompt, 1, 1)
    assert (canvas.whole.prefixes, canvas.whole.suffixes) == (("A town.",), ("Hills.",))
    assert canvas.locals[0].prefixes == ("A town.", "A tower.")


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[1]",
        [{"x": 1}],
        [{"bbox": [1, 2, 3]}],
        [box(0, 0, 1, 1), box(0, 0, float("nan"), 1)],
        [{"bbox": [0, 0, 10**400, 1]}],
    ],
)
def test_what_is_no_box_is_named(bad: object):
    with pytest.raises(CanvasError, match=r"no JSON|Box [12] has no place"):
        from_boxes(bad, 64, 64)


def test_a_canvas_becomes_boxes_and_its_rectangles_come_back():
    place = Region((5, 65, 55, 90), ("A bay.", "A gull."), ("gull, white.",), (255, 0, 128), name="gull")
    canvas = Canvas((Region(prefixes=("A bay.",)), place))
    ((made,),) = to_boxes(canvas, 1216, 832)
    assert made == {"x": 743, "y": 46, "width": 473, "height": 555} | {
        "metadata": {"type": "obj", "text": "", "desc": "A gull. gull, white.", "palette": ["#FF0080"], "name": "gull"}
    }
    back = from_boxes(to_boxes(canvas, 1216, 832), 1216, 832, "A bay")
    assert [(r.rect, r.color, r.name) for r in back.locals] == [(place.rect, place.color, place.name)]
    assert to_boxes(Canvas((Region(),)), 64, 64) == []


@pytest.mark.parametrize("size", [(512, 512), (832, 1216), (90, 90), (1000, 131)])
def test_every_rectangle_survives_the_way_through_boxes(size: tuple[int, int]):
    places = [Region(r) for r in sorted({rect(*phrases) for phrases in PHRASES})]
    canvas = Canvas((Region(), *places))
    assert [r.rect for r in from_boxes(to_boxes(canvas, *size), *size).locals] == [r.rect for r in places]


def test_the_samples_mean_what_they_say():
    phrases = [tuple(one[k] for k in ("location", "offset", "area")) for one in (BOAT, CRANE)]
    assert [rect(*map(str, p)) for p in phrases] == [(55, 90, 0, 55), (5, 65, 55, 90)]
    assert GLOBAL["HTML_web_color_name"] in COLORS

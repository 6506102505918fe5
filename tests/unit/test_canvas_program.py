"""Canvases written as Omost's program, and what the editor has from the same tables."""

import random

from write_vocabulary import FILE, text

from resonance.canvas.canvas import WHOLE, Canvas, Rect, Region
from resonance.canvas.describe import literal
from resonance.canvas.read import Reading, read_canvas
from resonance.canvas.vocabulary import AREAS, COLORS, LOCATIONS, OFFSETS, rect
from resonance.canvas.write_program import nearest, nearest_color, write_program

from .canvas_samples import PROGRAM

SAMPLE = read_canvas(PROGRAM).canvas

PIECES = [
    *("a boat", "it's", '"old"', "(red:1.2)", r"\(red\)", r"\\(", r"\((", "[x]", "{y}", "\\", "\\n", "\n", "\r\n", "\t", "\0"),
    *("'''", '"""', "`", "\n```python\n", "```", "#", "//", "海鸥", "😀", "e\u0301", "\u2028", "\x85", ",", ".", " ", ";", "="),
    *("; canvas.add_local_description(", "\ncanvas.set_global_description('x')\n", "canvas = Canvas()", "%s", "\\x3b", "None"),
]  # fmt: skip
RECTS = [rect(l, o, a) for o in OFFSETS for l in LOCATIONS for a in AREAS]  # noqa: E741


def random_text(dice: random.Random) -> str:
    return "".join(dice.choices(PIECES, k=dice.randrange(6)))


def random_region(dice: random.Random, place: Rect, prefixes: tuple[str, ...]) -> Region:
    own, suffixes = (tuple(random_text(dice) for _ in range(dice.randrange(5))) for _ in range(2))
    tags = dice.randrange(len(suffixes)) if suffixes and dice.random() < 0.6 else None
    color = (dice.randrange(256), dice.randrange(256), dice.randrange(256))
    return Region(place, prefixes + own, suffixes, color, tags)


def random_canvas(dice: random.Random) -> Canvas:
    whole = random_region(dice, WHOLE, ())

    def place() -> Rect:
        (top, bottom), (left, right) = (sorted(dice.sample(range(91), 2)) for _ in range(2))
        return top, bottom, left, right

    return Canvas((whole, *(random_region(dice, place(), whole.prefixes) for _ in range(dice.randrange(5)))))


def test_what_is_written_is_read_again():
    assert read_canvas(write_program(SAMPLE)) == Reading(SAMPLE)


def test_any_canvas_is_read_again_with_its_words_in_order_and_the_nearest_places_and_colors():
    for seed in range(300):
        canvas = random_canvas(random.Random(seed))
        reading = read_canvas(write_program(canvas))
        assert reading.notes == () and reading.finished, seed
        found = reading.canvas
        assert len(found.regions) == len(canvas.regions)
        for region, written in zip(found.regions, canvas.regions, strict=True):
            own = canvas.own_prefixes(written) if written is not canvas.whole else written.prefixes
            mine = found.own_prefixes(region) if region is not found.whole else region.prefixes
            assert mine == ((" ".join(pieces),) if (pieces := literal(*own)) else ()), seed
            assert region.suffixes == literal(*written.suffixes), seed
            if region.tags is not None:
                assert written.tags is not None
                assert (region.suffixes[region.tags],) == literal(written.suffixes[written.tags]), seed
            assert region.color in COLORS.values() and distance(region.color, written.color) == min(
                distance(color, written.color) for color in COLORS.values()
            )
            if region is not found.whole:
                assert distance(region.rect, written.rect) == min(distance(r, written.rect) for r in RECTS)
        assert read_canvas(write_program(found)) == reading, seed


def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def test_tags_stay_tags_where_a_program_has_room_behind_them():
    def tags(suffixes: str, index: int) -> list[int | None]:
        region = Region(WHOLE, ("a.",), tuple(f"{letter}." for letter in suffixes), tags=index)
        return [r.tags for r in read_canvas(write_program(Canvas((region, region)))).canvas.regions]

    assert tags("abc", 2) == [2, 2]
    assert tags("abc", 1) == [None, 1]
    assert tags("abcde", 1) == [None, 1]
    assert tags("abcdef", 1) == [None, None]


def test_a_program_looks_like_one_of_omosts():
    region = Region((5, 65, 55, 90), ("A bay.", r"A boat \(red\)."), ("Wet.", "boat."), (178, 34, 34), 1)
    assert write_program(Canvas((Region(WHOLE, ("A bay.",)), region))) == (
        "canvas = Canvas()\n\n"
        "canvas.set_global_description(\n"
        "    description='A bay',\n    detailed_descriptions=[],\n    tags='',\n    HTML_web_color_name='gray',\n)\n\n"
        "canvas.add_local_description(\n"
        "    location='on the right',\n    offset='slightly to the upper',\n    area='a small vertical area',\n"
        "    distance_to_viewer=1,\n    description='A boat (red)',\n    detailed_descriptions=[\n        'Wet',\n    ],\n"
        "    tags='boat',\n    atmosphere='',\n    style='',\n    quality_meta='',\n    HTML_web_color_name='firebrick',\n)\n"
    )


def test_five_hundred_regions_are_written_in_time():
    canvas = Canvas((Region(), *(Region((i % 80, i % 80 + 7, 3, 11), (f"{i}.",)) for i in range(499))))
    assert [r.prefixes for r in read_canvas(write_program(canvas)).canvas.locals] == [r.prefixes for r in canvas.locals]


def test_of_equal_words_those_without_offset_are_taken():
    assert nearest(WHOLE) == ("in the center", "no offset", "a large square area")
    assert nearest_color((128, 128, 128)) == "gray"


def test_the_editor_has_the_same_tables():
    assert FILE.read_text() == text(), "run python tests/write_vocabulary.py"

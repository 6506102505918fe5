"""What is typed with an input method for Chinese or Japanese means what it means in ASCII."""

import time

import pytest

from resonance.canvas import pick
from resonance.canvas.canvas import Canvas, Region
from resonance.cli.engines import _size
from resonance.gallery.changes import change
from resonance.interpret.taggers.labels import CATEGORIES
from resonance.interpret.taggers.select import category_list, plain_list
from resonance.prompt import compose, is_listed, join, normal, split_tags
from resonance.sizes import read_aspect
from resonance.vary.grid import BATCH_CLI, read_aspects, read_scales
from resonance.vary.modes import read_color
from resonance.vary.transform import read_program
from resonance.vary.waits import read_waits

READERS = {
    "banned": (lambda t: compose(tags="monochrome, boat, signature", banned=t), "monochrome，signature", "monochrome,signature"),
    "tags": (split_tags, "boat，(red，blue:1.2)、sea", "boat, (red，blue:1.2), sea"),
    "exclude": (plain_list, "monochrome，１ｇｉｒｌ", "monochrome, 1girl"),
    "categories": (lambda t: category_list(t, CATEGORIES), "character，general", "character, general"),
    "aspects": (lambda t: [size for _, size in read_aspects(t, BATCH_CLI)], "portrait，３：２、１２１６ｘ８３２", "portrait, 3:2, 1216x832"),
    "aspect": (read_aspect, "３：２", "3:2"),
    "scales": (read_scales, "６，７．５、９", "6, 7.5, 9"),
    "program": (read_program, "６＠．３５　＞　７＠．４", "6@.35 > 7@.4"),
    "parallel program": (read_program, "６＠．３５，７", "6@.35, 7"),
    "color": (read_color, "anchored：anchor＝０．５，smoothing＝０．９", "anchored:anchor=0.5,smoothing=0.9"),
    "waits": (read_waits, "１，２，４．５", "1,2,4.5"),
    "--size": (_size, "７６８ｘ５１２", "768x512"),
    "changes": (lambda t: change("boat, sea", t), "boat，sky", "boat, sky"),
    "joined": (lambda t: join((t, "x")), "boat，", "boat,"),
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_full_width_signs_count_like_narrow_ones(reader: str):
    read, full, narrow = READERS[reader]
    assert read(full) == read(narrow)


def test_regions_are_named_with_any_comma_and_by_their_whole_label():
    def region(text: str) -> Region:
        return Region(rect=(0, 90, 0, 90), prefixes=(text,))

    canvas = Canvas((region("a beach"), region("boat"), region("一艘船，红色")))
    assert pick.numbers(canvas, "boat，global") == (1, 0)
    assert pick.numbers(canvas, "boat, 一艘船，红色") == (1, 2)


@pytest.mark.parametrize(
    ("wanted", "tags"),
    [
        ("*_eyes", ("blue eyes", "closed eyes")),
        ("blue*", ("blue eyes", "blue (x)")),
        ("*eye*", ("blue eyes", "closed eyes", "eyewear")),
        ("*_*", ()),
        ("blue_[ex]*", ()),
        ("blue ?yes", ()),
        ("*(x)", ("blue (x)",)),
    ],
)
def test_a_star_stands_for_any_letters(wanted: str, tags: tuple[str, ...]):
    known = ("blue eyes", "closed eyes", "eyewear", "blue (x)", "solo", "* *")
    assert tuple(tag for tag in known if is_listed(tag, {normal(wanted)})) == (tags or ("* *",) * (wanted == "*_*"))
    assert compose(tags=", ".join(known[:5]), banned=wanted) == ", ".join(tag for tag in known[:5] if tag not in tags)


def test_stars_cost_no_time():
    began = time.process_time()
    assert not is_listed("a" * 2000, {"*a" * 30 + "b"})
    assert time.process_time() - began < 1

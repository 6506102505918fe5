"""Contact sheets: where pictures and labels are, and what does not fit."""

import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from resonance.told import Told
from resonance.vary import sheet

DARK, LIGHT = sheet.COLORS["dark"][0], sheet.COLORS["light"][0]
RED = (255, 0, 0)


def plain(*sizes: sheet.Size) -> list[Image.Image]:
    return [Image.new("RGB", size, RED) for size in sizes]


def boxes(made: Image.Image, layout: sheet.Layout) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of each picture."""
    for index, (width, height) in enumerate(layout.pictures):
        row, column = divmod(index, layout.columns)
        bottom = layout.gap + sum(layout.rows[: row + 1]) + row * (layout.line + layout.gap)
        left = round(layout.gap + column * (layout.slot + layout.gap) + layout.slot / 2 - width / 2)
        yield left, bottom - height, left + width, bottom


def ink(made: Image.Image) -> np.ndarray:
    """Where there is text: neither background nor red."""
    pixels = np.asarray(made).astype(int)
    return (abs(pixels - pixels[0, 0]).max(-1) > 8) & (abs(pixels - RED).max(-1) > 8)


def test_every_picture_is_on_the_sheet_whole_and_nothing_is_on_top_of_it() -> None:
    sizes = [(448, 768), (768, 448), (64, 64), (512, 500), (300, 900)]
    made = sheet.make(plain(*sizes), ["a long label " * 20] * 5, columns=2, cell=128)
    layout = sheet.lay_out(sizes, 2, 128, labelled=True)
    assert made.size == layout.size
    red = np.zeros(made.size[::-1], bool)
    for left, top, right, bottom in boxes(made, layout):
        red[top:bottom, left:right] = True
    assert np.array_equal((np.asarray(made) == RED).all(-1), red)


def test_long_labels_stay_under_their_picture_and_apart_from_each_other() -> None:
    made = sheet.make(plain(*[(448, 768)] * 12), ["WWWW gypq " * 300] * 12, cell=128)
    layout = sheet.lay_out([(448, 768)] * 12, 0, 128, labelled=True)
    text, under = ink(made), np.zeros(made.size[::-1], bool)
    for left, _, right, bottom in boxes(made, layout):
        assert text[bottom : bottom + layout.line, left:right].any()
        under[bottom : bottom + layout.line, left - 1 : right + 1] = True
    assert not (text & ~under).any()


def test_a_label_that_fits_is_not_shortened_and_a_longer_one_ends_in_an_ellipsis() -> None:
    font = ImageFont.load_default(14)
    assert isinstance(font, ImageFont.FreeTypeFont)
    for width in range(1, 120):
        short = sheet._shortened("seed 4711, scale 7", font, width)
        assert font.getlength(short) <= width
        assert re.fullmatch(r"seed 4711, scale 7|(s.*)?[^ ]…|", short)
    assert sheet._shortened("seed 4711, scale 7", font, 200) == "seed 4711, scale 7"


def test_labels_belong_to_pictures_in_order_and_too_many_are_left_out() -> None:
    pictures = plain((64, 64), (64, 64))
    assert sheet.make(pictures, ["one", "two", "three"]) == sheet.make(pictures, ["one", "two"])
    assert sheet.make(pictures, ["one"]) == sheet.make(pictures, ["one", ""])
    assert sheet.make(pictures, ["one"]) != sheet.make(pictures, ["", "one"])


def test_without_numbers_and_labels_no_room_is_left_for_them() -> None:
    bare = sheet.make(plain((64, 64)), [""], cell=64, numbers=False)
    assert bare.size == (72, 72)
    assert not ink(bare).any()
    assert ink(sheet.make(plain((64, 64)), ["word"], cell=64, numbers=False)).any()


@pytest.mark.parametrize(("background", "color"), [("dark", DARK), ("light", LIGHT)])
def test_the_background_is_dark_or_light(background: sheet.Background, color: tuple[int, int, int]) -> None:
    assert sheet.make(plain((64, 64)), background=background).getpixel((0, 0)) == color


@pytest.mark.parametrize(("size", "count", "columns"), [((64, 64), 9, 3), ((64, 64), 12, 4), ((448, 768), 12, 4)])
def test_the_columns_make_the_sheet_nearly_square(size: sheet.Size, count: int, columns: int) -> None:
    layout = sheet.lay_out([size] * count, 0, 256, labelled=True)
    assert layout.columns == columns
    assert 0.6 < layout.size[0] / layout.size[1] < 1.6


def test_no_more_columns_than_pictures() -> None:
    assert sheet.lay_out([(64, 64)] * 2, 1000, 64, labelled=False).size == (140, 72)


@pytest.mark.parametrize("size", [(1, 1), (64, 16384), (16384, 64), (1, 5000)])
def test_a_picture_of_any_format_gives_a_sheet(size: sheet.Size) -> None:
    made = sheet.make(plain(size), ["a label"])
    assert (np.asarray(made) == RED).all(-1).any()
    assert ink(made).any()


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA"])
def test_transparent_and_grey_pictures_lie_on_white(mode: str) -> None:
    made = sheet.make([Image.new(mode, (64, 64), (0,) * len(mode) if len(mode) > 1 else 255)], cell=64)
    assert made.getpixel((36, 36)) == (255, 255, 255)


def test_no_pictures_is_an_error() -> None:
    with pytest.raises(Told, match="There are no pictures"):
        sheet.make([])


@pytest.mark.parametrize("columns", [0, 1, 70])
def test_a_sheet_too_large_says_which_settings_fit_and_they_do(columns: int) -> None:
    sizes = [(random.Random(n).randint(300, 900), 512) for n in range(70)]
    with pytest.raises(Told, match=r"may have 16384 pixels on a side, this one would be \d+ x \d+: set") as error:
        sheet._checked(sizes, columns, 2048 if columns == 0 else 500, labelled=True)
    found = re.search(r"set cell to (\d+) or less", str(error.value))
    assert found
    fits = int(found[1])
    assert max(sheet.lay_out(sizes, columns, fits, labelled=True).size) <= sheet.LIMIT
    assert max(sheet.lay_out(sizes, columns, fits + 1, labelled=True).size) > sheet.LIMIT
    assert ("or set columns to 0" in str(error.value)) == (columns != 0)


def test_when_no_cell_fits_the_way_out_is_fewer_pictures() -> None:
    with pytest.raises(Told, match="use fewer pictures"):
        sheet._checked([(64, 64)] * 60_000, 0, 64, labelled=True)


def test_a_font_of_the_system_is_taken_only_for_signs_that_pillows_own_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    truetype = ImageFont.truetype

    def none(font: Any, *args: Any, **options: Any) -> ImageFont.FreeTypeFont:
        if not isinstance(font, str):
            return truetype(font, *args, **options)  # Pillow's own comes from memory
        asked.append(font)
        raise OSError

    monkeypatch.setattr(ImageFont, "truetype", none)
    assert sheet._font_for("seed 7, “scale” 3…", 14).getname()[0] == "Aileron"
    assert asked == []
    assert sheet._font_for("灯塔", 14).getname()[0] == "Aileron"
    assert asked == list(sheet.SYSTEM_FONTS)

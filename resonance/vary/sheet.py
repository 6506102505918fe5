"""Many pictures with their labels on one sheet."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from ..pixels import on_white
from ..told import Told

LIMIT = 16384
"""Pixels that a side of a sheet may have."""

CELLS = (64, 2048)
"""Smallest and largest cell."""

Background = Literal["dark", "light"]
Size = tuple[int, int]

# Background, numbers, labels.
COLORS = {
    "dark": ((24, 24, 27), (244, 244, 245), (161, 161, 170)),
    "light": ((250, 250, 250), (24, 24, 27), (82, 82, 91)),
}

# The font in Pillow knows English only. These come with Windows, macOS or Linux; Pillow finds them by their file name.
SYSTEM_FONTS = (
    *("arial.ttf", "Arial.ttf", "DejaVuSans.ttf"),
    *("msyh.ttc", "malgun.ttf"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc"),
    *("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc"),
)


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels."""

    pictures: list[Size]
    """Width and height on the sheet."""
    columns: int
    slot: int
    """Width of a column."""
    rows: list[int]
    """Height of the pictures of each row."""
    gap: int
    font: int
    line: int
    """Height of a label with the blank above it; 0 without labels."""

    @property
    def size(self) -> Size:
        width = self.gap + self.columns * (self.slot + self.gap)
        return width, self.gap + sum(self.rows) + len(self.rows) * (self.line + self.gap)


def lay_out(sizes: Sequence[Size], columns: int, cell: int, labelled: bool) -> Layout:
    """Fits pictures of these sizes into a grid whose cells are ``cell`` pixels on the longer side."""
    pictures = [fit(size, cell) for size in sizes]
    widest, tallest = (max(side) for side in zip(*pictures, strict=True))
    slot = max(widest, cell // 2)  # a label needs room under a narrow picture
    gap, font = cell // 16, max(10, cell // 18)
    line = font * 7 // 4 if labelled else 0

    def longer_side(columns: int) -> int:
        return max(columns * (slot + gap), math.ceil(len(sizes) / columns) * (tallest + line + gap))

    columns = min(columns, len(sizes)) or min(range(1, len(sizes) + 1), key=longer_side)
    heights = [height for _, height in pictures]
    rows = [max(heights[first : first + columns]) for first in range(0, len(heights), columns)]
    return Layout(pictures, columns, slot, rows, gap, font, line)


def fit(size: Size, side: int) -> Size:
    """The size with ``side`` as the longer side; the shorter is 1 at least."""
    width, height = (max(1, round(s * side / max(size))) for s in size)
    return width, height


def make(
    pictures: Sequence[Image.Image],
    labels: Sequence[str] = (),
    *,
    columns: int = 0,
    cell: int = 256,
    numbers: bool = True,
    background: Background = "dark",
) -> Image.Image:
    """Draws the sheet, RGB: pictures row by row, each with its number from 1 and its label under it.

    Args:
        labels: in the order of the pictures. Pictures beyond have a number only; labels beyond are left out.
        columns: 0 makes the sheet as square as possible.
        cell: longer side of a picture on the sheet, in pixels. Smaller pictures are enlarged to it.

    Raises:
        Told: there are no pictures, or the sheet would be too large; the text says what would fit.
    """
    if not pictures:
        raise Told("There are no pictures for the contact sheet: connect at least one.")
    words = [" ".join(label.split()) for label in labels[: len(pictures)]]
    words += [""] * (len(pictures) - len(words))
    layout = _checked([p.size for p in pictures], columns, cell, numbers or any(words))
    colors = COLORS[background]
    sheet = Image.new("RGB", layout.size, colors[0])
    pen, font = ImageDraw.Draw(sheet), _font_for("".join(words), layout.font)
    bottom = layout.gap
    for index, (picture, size, label) in enumerate(zip(pictures, layout.pictures, words, strict=True)):
        row, column = divmod(index, layout.columns)
        if column == 0:  # pictures stand on the bottom of their row, right above their labels
            bottom += layout.rows[row] + (layout.line + layout.gap) * (row > 0)
        middle = layout.gap + column * (layout.slot + layout.gap) + layout.slot / 2
        thumbnail = on_white(picture).resize(size, Image.Resampling.LANCZOS)
        sheet.paste(thumbnail, (round(middle - size[0] / 2), bottom - size[1]))
        parts = (f"{index + 1}" if numbers else "", label)
        _write(pen, font, (middle, bottom + layout.line), parts, colors[1:], layout.slot)
    return sheet


def _checked(sizes: list[Size], columns: int, cell: int, labelled: bool) -> Layout:
    def too_large(columns: int, cell: int) -> bool:
        return max(lay_out(sizes, columns, cell, labelled).size) > LIMIT

    layout = lay_out(sizes, columns, cell, labelled)
    if max(layout.size) <= LIMIT:
        return layout
    smallest = CELLS[0]
    fits = bisect_left(range(smallest, cell), True, key=lambda c: too_large(columns, c)) + smallest - 1
    ways = [f"set cell to {fits} or less"] if fits >= smallest else []
    if columns and not too_large(0, cell):
        ways.append("set columns to 0")
    width, height = layout.size
    raise Told(
        f"A contact sheet may have {LIMIT} pixels on a side, this one would be {width} x {height}:"
        f" {' or '.join(ways) or 'use fewer pictures'}."
    )


def _write(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont,
    at: tuple[float, float],
    parts: tuple[str, str],
    colors: Sequence[tuple[int, int, int]],
    width: int,
) -> None:
    """Writes number and label in one line, centred above ``at``; the label is shortened to what is left of the width."""
    number, label = parts
    blank = font.getlength("  ") if number and label else 0
    label = _shortened(label, font, width - font.getlength(number) - blank)
    lengths = [font.getlength(number) + blank, font.getlength(label)]
    x, y = at[0] - sum(lengths) / 2, at[1] - font.getmetrics()[1]
    for part, color, length in zip((number, label), colors, lengths, strict=True):
        pen.text((x, y), part, fill=color, font=font, anchor="ls")
        x += length


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    keep = bisect_left(range(len(text)), True, key=lambda n: font.getlength(f"{text[:n]}…") > width) - 1
    return f"{text[:keep].rstrip()}…" if keep > 0 else ""


def _font_for(text: str, size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, or the font of the system that lacks the fewest signs of the text."""
    signs = {sign for sign in text if not sign.isspace()}

    def drawn(sign: str, font: ImageFont.FreeTypeFont) -> bytes:
        image = Image.new("L", (2 * size, 2 * size))
        ImageDraw.Draw(image).text((0, 0), sign, fill=255, font=font)
        return image.tobytes()

    def lacks(font: ImageFont.FreeTypeFont) -> int:
        unknown = drawn("\U0010ffff", font)  # no character, by definition
        return sum(drawn(sign, font) == unknown for sign in signs)

    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont)
    if not lacks(own):
        return own
    found = [own]
    for name in SYSTEM_FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return min(found, key=lacks)

"""Draws the icon and the banner that the registry shows: `python tests/write_assets.py`. Two pictures, and words on their way."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont
from places import PACK

FOLDER = PACK / "assets"
FINE = 4
"""Everything is drawn so many times as large, for smooth edges."""
Color = tuple[int, int, int]
NIGHT: tuple[Color, Color] = (20, 24, 48), (48, 36, 84)
WORDS = (255, 214, 150), (214, 160, 255)
"""Colours of words when they leave a picture and when they arrive."""
SKIES: list[tuple[Color, Color]] = [
    ((64, 132, 214), (246, 222, 170)),
    ((92, 84, 178), (250, 160, 116)),
    ((52, 44, 116), (200, 96, 140)),
    ((14, 20, 58), (74, 84, 160)),
]
"""From noon to midnight, each from top to bottom."""
HILLS: list[Color] = [(56, 138, 104), (92, 92, 120), (66, 52, 104), (28, 40, 84)]


def between(colors: list[Color], at: float) -> Color:
    """A colour of a row of them, 0 to 1 from the first to the last."""
    places = np.linspace(0, 1, len(colors))
    red, green, blue = (round(float(np.interp(at, places, [color[k] for color in colors]))) for k in range(3))
    return red, green, blue


def faded(width: int, height: int, top: Color, bottom: Color) -> Image.Image:
    """Two colours and what is between them, from top to bottom, with a little grain, so that no bands are seen."""
    down = np.linspace(0, 1, height)[:, None, None]
    rows = np.array(top) * (1 - down) + np.array(bottom) * down
    grain = np.random.default_rng(0).normal(0, 1, (height, width, 1))
    return Image.fromarray((rows + grain).clip(0, 255).astype(np.uint8))


def scene(side: int, hour: float) -> Image.Image:
    """A light over hills, from noon (0) to midnight (1)."""
    top, bottom = (between([sky[k] for sky in SKIES], hour) for k in (0, 1))
    image = faded(side, side, top, bottom)
    x, y, radius = (0.34 + 0.32 * hour) * side, (0.36 + 0.1 * np.sin(np.pi * hour)) * side, 0.13 * side
    light = between([(255, 244, 196), (255, 206, 128), (255, 214, 190), (240, 244, 255)], hour)
    halo = Image.new("L", image.size)
    ImageDraw.Draw(halo).ellipse([x - 2 * radius, y - 2 * radius, x + 2 * radius, y + 2 * radius], fill=110)
    image.paste(light, mask=halo.filter(ImageFilter.GaussianBlur(radius)))
    draw = ImageDraw.Draw(image)
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=light)
    near = between(HILLS, hour)
    far = between([near, bottom], 0.45)
    across = np.linspace(0, 1, side)
    for base, tall, shift, color in ((0.66, 0.07, 0.6, far), (0.8, 0.09, 2.6, near)):
        line = (base - tall * np.sin(2 * np.pi * across * 0.8 + shift)) * side
        draw.polygon([(0, side), *enumerate(map(float, line)), (side, side)], fill=color)
    return image


def framed(image: Image.Image, picture: Image.Image, x: float, y: float) -> None:
    """A picture with round corners and a bright frame, its middle at a point, with a shadow below."""
    side = picture.width
    rim = side // 22
    left, top = round(x - side / 2), round(y - side / 2)

    def rounded(grow: int) -> Image.Image:
        mask = Image.new("L", image.size)
        box = [left - grow, top - grow, left + side + grow, top + side + grow]
        ImageDraw.Draw(mask).rounded_rectangle(box, radius=side // 8 + grow, fill=255)
        return mask

    shadow = rounded(2 * rim).filter(ImageFilter.GaussianBlur(2 * rim))
    image.paste((6, 8, 20), mask=ImageChops.offset(shadow, 0, rim).point(lambda value: value * 0.6))
    image.paste((246, 244, 238), mask=rounded(rim))
    laid = Image.new("RGB", image.size)
    laid.paste(picture, (left, top))
    image.paste(laid, mask=rounded(0))


def words(
    image: Image.Image, from_: tuple[float, float], radii: list[float], middle: float, spread: float, thick: float
) -> None:
    """Waves that leave a point, each a line of words: strokes of different lengths.

    Args:
        middle, spread: the angle in which they go, and how far they reach to each side of it, in degrees.
    """
    rng = np.random.default_rng(12)
    draw = ImageDraw.Draw(image)
    for number, radius in enumerate(radii):
        color = between(list(WORDS), number / max(1, len(radii) - 1))
        angle, end = middle - spread, middle + spread
        blank = np.degrees(2.1 * thick / radius)
        while angle < end:
            long = min(np.degrees(thick * rng.uniform(1.2, 4.6) / radius), end - angle)
            places = np.radians(np.linspace(angle, angle + long, 40))
            for place in places:
                x, y = from_[0] + radius * np.cos(place), from_[1] + radius * np.sin(place)
                draw.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], fill=color)
            angle += long + blank


def icon() -> Image.Image:
    side = 400 * FINE
    image = faded(side, side, *NIGHT)
    one, other = (0.275 * side, 0.725 * side), (0.725 * side, 0.275 * side)
    framed(image, scene(round(0.36 * side), 0.12), *one)
    framed(image, scene(round(0.36 * side), 0.86), *other)
    words(image, one, [0.272 * side, 0.315 * side, 0.358 * side], -45, 38, 0.021 * side)
    corners = Image.new("L", image.size)
    ImageDraw.Draw(corners).rounded_rectangle([0, 0, side - 1, side - 1], radius=0.16 * side, fill=255)
    image.putalpha(corners)
    return image.resize((400, 400), Image.Resampling.LANCZOS)


def banner() -> Image.Image:
    width, height = 1260 * FINE, 540 * FINE
    image = faded(width, height, *NIGHT)
    places = [(0.14 + 0.24 * k) * width for k in range(4)]
    side = round(0.125 * width)
    for x in places[:-1]:
        radii = [side * (0.74 + 0.15 * k) for k in range(4)]
        words(image, (x, 0.4 * height), radii, 0, 22, 0.0062 * width)
    for number, x in enumerate(places):
        framed(image, scene(side, number / 3), x, 0.4 * height)
    draw = ImageDraw.Draw(image)
    name, said = (ImageFont.load_default(round(part * height)) for part in (0.15, 0.052))
    draw.text((width / 2, 0.765 * height), "Resonance", (250, 246, 238), name, "mm")
    draw.text((width / 2, 0.895 * height), "pictures into words into pictures", (190, 186, 216), said, "mm")
    return image.resize((1260, 540), Image.Resampling.LANCZOS)


PICTURES: dict[str, Callable[[], Image.Image]] = {"icon": icon, "banner": banner}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        draw().save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()

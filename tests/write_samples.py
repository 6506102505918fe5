"""Draws the three pictures of `samples/`: `python tests/write_samples.py`. Three sizes, so that a first round shows them all. Smaller
ones are for the templates that look at pictures."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from places import PACK

FOLDER = PACK / "samples"
SMALL = PACK / "example_workflows" / "pictures"
"""The browser puts them into the input folder when a template is opened that has one (``js/src/templates.ts``)."""
Color = tuple[int, int, int]
FINE = 2
"""Pictures are drawn so many times as large, for smooth edges."""


def sky(size: tuple[int, int], *colors: Color) -> Image.Image:
    """Colours from top to bottom, with a little grain, so that no bands are seen."""
    width, height = size
    at = np.linspace(0, len(colors) - 1, height)
    columns = [np.interp(at, range(len(colors)), [color[k] for color in colors]) for k in range(3)]
    rows = np.stack(columns, -1)[:, None, :] + np.random.default_rng(0).normal(0, 1.5, (height, width, 3))
    return Image.fromarray(rows.clip(0, 255).astype(np.uint8))


def glow(image: Image.Image, x: float, y: float, radius: float, color: Color, strength: float = 0.9) -> Image.Image:
    """Light around a point, in shares of the picture's width and height."""
    width, height = image.size
    down, across = np.mgrid[0:height, 0:width]
    distance = np.hypot(across - x * width, down - y * height) / (radius * width)
    light = (strength * np.exp(-(distance**2)))[..., None]
    return Image.fromarray((np.asarray(image) * (1 - light) + np.array(color) * light).astype(np.uint8))


def ridge(width: int, base: float, height: float, seed: int, rough: int = 6) -> NDArray[np.float64]:
    """Heights of a range of hills, pixel by pixel."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 2 * np.pi, width)
    waves = (np.sin(x * rng.uniform(0.5, 1.5) * k + rng.uniform(0, 7)) / k for k in range(1, rough))
    return base - height * (sum(waves, np.zeros(width)) + 1) / 2


def hills(image: Image.Image, base: float, height: float, seed: int, color: Color) -> None:
    """A range from side to side; ``base`` and ``height`` in shares of the picture's height."""
    width, tall = image.size
    line = ridge(width, base * tall, height * tall, seed)
    ImageDraw.Draw(image).polygon([(0, tall), *enumerate(map(float, line)), (width, tall)], fill=color)


def water(image: Image.Image, top: float, color: Color) -> None:
    """What lies above ``top``, mirrored, blurred and tinted."""
    width, height = image.size
    edge = round(top * height)
    above = image.crop((0, max(0, 2 * edge - height), width, edge)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    below = above.resize((width, height - edge)).filter(ImageFilter.GaussianBlur(8))
    image.paste(Image.blend(below, Image.new("RGB", below.size, color), 0.55), (0, edge))
    draw, rng = ImageDraw.Draw(image), np.random.default_rng(3)
    for _ in range(160):
        y = edge + (height - edge) * rng.random() ** 1.5
        x, length = rng.random() * width, 10 + 160 * (y - edge) / (height - edge) * rng.random()
        light = image.getpixel((min(width - 1, int(x)), int(y)))
        assert isinstance(light, tuple)
        draw.line([(x, y), (x + length, y)], fill=(light[0] + 18, light[1] + 18, light[2] + 20), width=3)


def lighthouse(size: tuple[int, int]) -> Image.Image:
    """A white and red lighthouse on a rock in the evening."""
    image = sky(size, (24, 32, 74), (92, 66, 120), (228, 120, 96), (250, 196, 120))
    image = glow(image, 0.22, 0.66, 0.16, (255, 226, 160))
    width, height = image.size
    hills(image, 0.68, 0.06, 2, (82, 66, 104))
    water(image, 0.68, (30, 44, 84))
    draw = ImageDraw.Draw(image)
    rock = [(0.5, 0.78), (0.57, 0.69), (0.66, 0.66), (0.78, 0.655), (0.88, 0.69), (1, 0.72), (1, 0.86), (0.72, 0.83)]
    draw.polygon([(x * width, y * height) for x, y in rock], fill=(34, 30, 44))
    left, right, foot, head = 0.665, 0.765, 0.67, 0.3
    for band in range(5):
        y, below = (head + (foot - head) * k / 5 for k in (band, band + 1))
        slim, wide = (0.022 * (1 - (each - head) / (foot - head)) for each in (y, below))
        corners = [(left + slim, y), (right - slim, y), (right - wide, below), (left + wide, below)]
        draw.polygon([(x * width, d * height) for x, d in corners], fill=((236, 232, 226), (196, 52, 46))[band % 2])
    draw.rectangle([0.675 * width, 0.285 * height, 0.755 * width, 0.3 * height], fill=(40, 36, 50))
    draw.rectangle([0.692 * width, 0.235 * height, 0.738 * width, 0.285 * height], fill=(255, 240, 170))
    draw.polygon(
        [(0.68 * width, 0.235 * height), (0.715 * width, 0.19 * height), (0.75 * width, 0.235 * height)], (150, 36, 36)
    )
    return glow(image, 0.715, 0.26, 0.07, (255, 244, 190), 0.7)


def balloon(size: tuple[int, int]) -> Image.Image:
    """A hot air balloon over green hills."""
    image = glow(sky(size, (70, 140, 214), (142, 194, 236), (232, 240, 240)), 0.8, 0.14, 0.2, (255, 250, 220))
    width, height = image.size
    for base, tall, seed, color in (
        (0.86, 0.14, 5, (126, 164, 170)),
        (0.92, 0.14, 9, (92, 150, 112)),
        (1.0, 0.16, 4, (58, 118, 70)),
    ):
        hills(image, base, tall, seed, color)
    draw = ImageDraw.Draw(image)
    x, y, radius = 0.46 * width, 0.34 * height, 0.27 * width
    for stripe, color in enumerate([(208, 48, 44), (246, 204, 76), (232, 104, 48), (246, 204, 76), (208, 48, 44)] * 2):
        half = radius * np.cos(np.pi * stripe / 10)
        if half > 0:
            draw.ellipse([x - half, y - radius, x + half, y + radius], fill=color)
    cone = [(x - 0.72 * radius, y + 0.69 * radius), (x + 0.72 * radius, y + 0.69 * radius), (x, y + 1.75 * radius)]
    draw.polygon(cone, fill=(190, 44, 42))
    basket = [x - 0.13 * radius, y + 1.62 * radius, x + 0.13 * radius, y + 1.86 * radius]
    draw.rectangle(basket, fill=(120, 78, 44))
    return image


def winter(size: tuple[int, int]) -> Image.Image:
    """A cabin with lit windows under the moon, snow and firs."""
    image = glow(sky(size, (10, 16, 44), (26, 42, 86), (74, 100, 146)), 0.78, 0.2, 0.1, (250, 246, 226))
    width, height = image.size
    draw, rng = ImageDraw.Draw(image), np.random.default_rng(7)
    for x, y in rng.random((110, 2)):
        draw.ellipse([x * width, y * 0.5 * height, x * width + 4, y * 0.5 * height + 4], fill=(220, 228, 250))
    draw.ellipse([0.74 * width, 0.16 * height, 0.82 * width, 0.24 * height], fill=(252, 248, 230))
    hills(image, 0.72, 0.2, 11, (58, 76, 122))
    hills(image, 0.8, 0.1, 12, (206, 216, 236))
    draw = ImageDraw.Draw(image)
    for x, foot, tall in (
        (0.08, 0.86, 0.36),
        (0.2, 0.82, 0.26),
        (0.66, 0.82, 0.28),
        (0.84, 0.88, 0.42),
        (0.95, 0.84, 0.3),
    ):
        for k in range(4):
            top, wide = foot - tall * (1 - 0.2 * k), 0.028 + 0.018 * k
            green = (22 + 6 * k, 50 + 8 * k, 54 + 6 * k)
            corners = [(x, top), (x - wide, top + 0.4 * tall), (x + wide, top + 0.4 * tall)]
            draw.polygon([(a * width, b * height) for a, b in corners], fill=green)
    draw.rectangle([0.34 * width, 0.66 * height, 0.56 * width, 0.86 * height], fill=(96, 58, 38))
    roof = [(0.31, 0.68), (0.45, 0.52), (0.59, 0.68)]
    draw.polygon([(x * width, y * height) for x, y in roof], fill=(238, 242, 250))
    draw.rectangle([0.43 * width, 0.75 * height, 0.48 * width, 0.86 * height], fill=(58, 34, 24))
    for x in (0.365, 0.505):
        draw.rectangle([x * width, 0.72 * height, (x + 0.035) * width, 0.77 * height], fill=(255, 214, 120))
    hills(image, 0.9, 0.06, 21, (232, 238, 250))
    return glow(image, 0.45, 0.75, 0.1, (255, 214, 130), 0.25)


PICTURES: dict[str, tuple[tuple[int, int], Callable[[tuple[int, int]], Image.Image]]] = {
    "balloon": ((640, 896), balloon),
    "lighthouse": ((896, 640), lighthouse),
    "winter": ((768, 768), winter),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    SMALL.mkdir(parents=True, exist_ok=True)
    for name, ((width, height), draw) in PICTURES.items():
        picture = draw((FINE * width, FINE * height)).resize((width, height), Image.Resampling.LANCZOS)
        picture.save(FOLDER / f"{name}.jpg", quality=88)
        small = picture.resize((width * 3 // 4, height * 3 // 4), Image.Resampling.LANCZOS)
        small.save(SMALL / f"resonance-{name}.jpg", quality=85)


if __name__ == "__main__":
    main()

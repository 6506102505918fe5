"""How far colours drift in fifty transforms through a VAE that turns pictures magenta, with each colour mode of Vary.

    python bench/drift.py                                # prints the table
    python bench/drift.py docs/images/drift.png          # draws it, too

Needs a ComfyUI (see the README). ``ratio`` is the uncorrected drift of a* and b* by that of ``anchored``.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
from host.comfy import Comfy  # noqa: E402
from host.varying import LONG, alike, apart, long_chain, means, pictures, put  # noqa: E402
from models import checkpoint  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402
from places import PACK  # noqa: E402

MODES = {
    "none": (24, 24, 27),
    "S": (37, 99, 235),
    "85deaf5": (217, 119, 6),
    "20ed20c": (5, 150, 105),
    "adaptive": (147, 51, 234),
    "anchored": (220, 38, 38),
}
"""Modes and the colours of their lines."""

Lines = dict[str, np.ndarray]
"""For each mode the drift of mean L, a* and b* after each transform, ``[50, 3]``."""


def measure() -> Lines:
    lines: Lines = {}
    print(f"{'mode':10}{'L':>8}{'a*':>8}{'b*':>8}{'change':>8}{'last step':>11}{'alike':>8}")
    with tempfile.TemporaryDirectory() as place:
        checkpoint.build(Path(place) / "models")
        packs = tuple(PACK / "tests" / "host" / "packs" / name for name in ("patches", "calls"))
        with Comfy(Path(place), packs) as comfy:
            start = put(comfy)
            for mode in MODES:
                found = pictures(comfy, comfy.run(long_chain(mode), timeout=600))[:LONG]
                lines[mode] = np.stack([means(picture) - means(start) for picture in found])
                drift = "".join(f"{value:8.1f}" for value in lines[mode][-1])
                change, step, same = apart(found[-1], start), apart(found[-1], found[-2]), alike(found[-1], start)
                print(f"{mode:10}{drift}{change:8.1f}{step:11.1f}{same:8.2f}", flush=True)
    return lines


def draw(lines: Lines, path: Path) -> None:
    """Three panels, L, a* and b*, over the number of transforms."""
    width, height, edge = 1200, 420, 50
    panel, inner = width // 3, height - 3 * edge
    most = 10 * np.ceil(max(np.abs(line).max() for line in lines.values()) / 10)
    image = Image.new("RGB", (width, height), (255, 255, 255))
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    for channel, name in enumerate(("mean L", "mean a*", "mean b*")):
        left, right = channel * panel + edge, (channel + 1) * panel - 15
        pen.text((left, 12), f"drift of {name} in {LONG} transforms", (24, 24, 27), font)
        for value in np.linspace(-most, most, 5):
            y = edge + inner * (1 - value / most) / 2
            pen.line([(left, y), (right, y)], (212, 212, 216))
            pen.text((left - 8, y), f"{value:g}", (82, 82, 91), font, anchor="rm")
        for mode, line in lines.items():
            across = np.linspace(left, right, LONG + 1)
            down = edge + inner * (1 - np.concatenate([[0], line[:, channel]]) / most) / 2
            pen.line(list(zip(across.tolist(), down.tolist(), strict=True)), MODES[mode], 3)
    for place, (mode, color) in enumerate(MODES.items()):
        x, y = edge + place * 180, height - edge
        pen.line([(x, y), (x + 30, y)], color, 4)
        pen.text((x + 38, y), mode, color, font, anchor="lm")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)


def main() -> None:
    lines = measure()
    if len(sys.argv) > 1:
        draw(lines, Path(sys.argv[1]))
    drift = {mode: np.abs(line[-1, 1:]).max() for mode, line in lines.items()}
    print(json.dumps({"name": "drift", "ratio": round(float(drift["none"] / drift["anchored"]), 2)}))


if __name__ == "__main__":
    main()

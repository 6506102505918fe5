"""How far colours drift in fifty transforms through a VAE that turns pictures magenta, with each colour mode of Vary; and in ten
rounds on words that say nothing of colours, with and without a picture that each round looks at.

    python bench/drift.py                                # prints the tables
    python bench/drift.py docs/images/drift.png          # draws the first one, too

Needs a ComfyUI (see the README). ``ratio`` is the uncorrected drift of a* and b* by that of ``anchored``; in rounds that on words
alone by that with reference.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
from host.comfy import Comfy, node  # noqa: E402
from host.graphs import output  # noqa: E402
from host.referring import refer, vision  # noqa: E402
from host.varying import LONG, alike, apart, long_chain, means, pictures, put, read  # noqa: E402
from models import checkpoint  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402
from places import PACK  # noqa: E402

from resonance.graph import FIRST  # noqa: E402

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


STARTS = {"blue": (50, 70, 200), "green": (60, 170, 70), "red": (200, 60, 50)}
"""First pictures of the rounds, in one colour each."""
SEEN = {"words only": None, "picture before": 0, "with reference": FIRST}
"""Columns of the rounds, and the output of Round Input that is looked at."""
STRENGTH = 0.4
ROUNDS = (1, 2, 5, 10)
"""Rounds that are printed."""


def measure(comfy: Comfy) -> Lines:
    lines: Lines = {}
    print(f"{'mode':10}{'L':>8}{'a*':>8}{'b*':>8}{'change':>8}{'last step':>11}{'alike':>8}")
    start = put(comfy)
    for mode in MODES:
        found = pictures(comfy, comfy.run(long_chain(mode), timeout=600))[:LONG]
        lines[mode] = np.stack([means(picture) - means(start) for picture in found])
        drift = "".join(f"{value:8.1f}" for value in lines[mode][-1])
        change, step, same = apart(found[-1], start), apart(found[-1], found[-2]), alike(found[-1], start)
        print(f"{mode:10}{drift}{change:8.1f}{step:11.1f}{same:8.2f}", flush=True)
    return lines


def painted(session: str, seen: int | None) -> dict[str, Any]:
    """Rounds on the words "the", each picture painted anew; ``seen`` is the output of Round Input that Reference Picture looks at."""
    asked = {"first_folder": "starts", "rounds": ROUNDS[-1], "seed": 0, "keep_going": True, "words_first": False}
    settings = {"steps": 8, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    graph = {
        "start": node("ResonanceRoundInput", session=session, **asked),
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "words": node("CLIPTextEncode", clip=["load", 1], text="the"),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "paint": node(
            "KSampler",
            model=["load", 0],
            positive=["words", 0],
            negative=["words", 0],
            latent_image=["latent", 0],
            seed=["start", 5],
            **settings,
        ),
        "decode": node("VAEDecode", samples=["paint", 0], vae=["load", 2]),
        "save": node("ResonanceRoundOutput", images=["decode", 0], item=["start", 1], next_round_takes="first"),
    }
    if seen is not None:
        eye = {"clip_vision": ["vision", 0], "adapter": "tiny_base_sd15.safetensors"}
        look = refer(["words", 0], ["start", seen], model=["load", 0], strength=STRENGTH, **eye)
        graph |= {"vision": vision("tiny_vit_h"), "look": look}
        graph["paint"]["inputs"] |= {"model": ["look", 0], "positive": ["look", 1]}
    return graph


def rounds(comfy: Comfy) -> dict[str, np.ndarray]:
    """For each column the distance in CIELAB of a lineage's mean colour from that of its first picture, after each of :data:`ROUNDS`."""
    starts = comfy.base / "input" / "starts"
    starts.mkdir()
    for name, color in STARTS.items():
        Image.new("RGB", (64, 64), color).save(starts / f"{name}.png")
    first = [means(read(starts / f"{name}.png")) for name in sorted(STARTS)]
    found: dict[str, np.ndarray] = {}
    for session, seen in SEEN.items():
        comfy.run(painted(session, seen))
        comfy.idle()
        folders = [output(comfy) / session / f"round-{number:04d}" for number in ROUNDS]
        made = [[means(read(path)) for path in sorted(folder.glob("*.png"))] for folder in folders]
        found[session] = np.linalg.norm(np.array(made) - first, axis=-1).mean(1)
    print(f"\n{'round':10}" + "".join(f"{session:>16}" for session in SEEN))
    for row, number in enumerate(ROUNDS):
        print(f"{number:<10}" + "".join(f"{found[session][row]:16.1f}" for session in SEEN))
    return found


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
    with tempfile.TemporaryDirectory() as place:
        checkpoint.build(Path(place) / "models")
        checkpoint.build_reference(Path(place) / "models")
        packs = tuple(PACK / "tests" / "host" / "packs" / name for name in ("patches", "calls"))
        with Comfy(Path(place), packs) as comfy:
            lines, distances = measure(comfy), rounds(comfy)
    if len(sys.argv) > 1:
        draw(lines, Path(sys.argv[1]))
    drift = {mode: np.abs(line[-1, 1:]).max() for mode, line in lines.items()}
    print(json.dumps({"name": "drift", "ratio": round(float(drift["none"] / drift["anchored"]), 2)}))
    last = {session: float(distance[-1]) for session, distance in distances.items()}
    print(json.dumps({"name": "drift of rounds", "ratio": round(last["words only"] / last["with reference"], 2)}))


if __name__ == "__main__":
    main()

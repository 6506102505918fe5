"""Three rounds in the toy world through the `resonance` command, and its page (`nox -s demo` where there is no ComfyUI)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from places import PACK

sys.path.insert(0, str(PACK))
from resonance.toyworld.scenes import Scene, draw  # noqa: E402

BASE = PACK / "demo"
SESSION, ROUNDS = "demo", 3
SCENES = (
    Scene("large", "red", "circle", "left", "white"),
    Scene("large", "yellow", "star", "center", "blue"),
    Scene("small", "white", "square", "top", "green"),
    Scene("large", "black", "cross", "right", "orange"),
)
WHAT_IT_IS = (
    "A toy world without ComfyUI: painter and tagger have four megabytes and know five shapes, eight colours and five places."
    " It shows the rounds, not the art; --model takes real models too."
)


def scenes(folder: Path) -> None:
    """Draws the first round's pictures."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, scene in enumerate(SCENES, 1):
        Image.fromarray(draw(scene, rng)).save(folder / f"{number}-{scene.color}-{scene.shape}.png")


def resonance(base: Path, *arguments: str | Path) -> None:
    """Runs the command as a user would."""
    folders = ("--input", base / "input", "--output", base / "output")
    env = {key: value for key, value in os.environ.items() if key != "COMFYUI_PATH"}  # it may lead nowhere
    subprocess.run([sys.executable, "-m", "resonance.cli", *arguments, *folders], cwd=PACK, env=env, check=True)


def make(base: Path) -> Path:
    """Scenes, rounds, and the page, whose path is returned."""
    scenes(base / "input" / "scenes")
    resonance(base, "rounds", SESSION, "--first", "scenes", "--rounds", str(ROUNDS), "--model", "toyworld")
    page = base / "index.html"
    resonance(base, "report", SESSION, "--out", page)
    return page


def main() -> None:
    print(WHAT_IT_IS, flush=True)
    shutil.rmtree(BASE, ignore_errors=True)
    page = make(BASE)
    print(f"pictures: {BASE / 'output' / SESSION}")
    print(f"ledger:   {BASE / 'output' / SESSION / 'ledger.sqlite3'}")
    print(f"page:     {page}")


if __name__ == "__main__":
    main()

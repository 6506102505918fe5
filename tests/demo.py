"""Three rounds over four photographs in a real ComfyUI, and one page that shows them (`nox -s demo`)."""

import base64
import shutil
import sys
import time
from html import escape
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from host.comfy import Comfy, node
from models import checkpoint, tagger
from PIL import Image
from places import PACK

BASE = PACK / "demo"
SESSION, FOLDER, ROUNDS = "demo", "photographs", 3
PHOTOGRAPHS = {
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
    "skimage": ("data/coffee.png", "data/rocket.jpg"),
}
WHAT_IT_IS = (
    "The models are tiny and wired by hand: the tagger knows red, green, blue and bright, the checkpoint paints plain"
    " colours. It shows the rounds, not the art."
)
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Resonance: {rounds} rounds</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ margin: 2rem auto; padding: 0 1rem; max-width: 76rem }}
section {{ display: flex; gap: 1rem; overflow-x: auto; padding: 1rem 0; border-top: 1px solid #8884 }}
figure {{ margin: 0; flex: 0 0 15rem }}
img {{ width: 100%; border-radius: 4px }}
figcaption {{ overflow-wrap: anywhere }}
small {{ opacity: .7 }}
code {{ overflow-wrap: anywhere }}
</style>
<h1>Pictures into words into pictures</h1>
<p>{what}</p>
{lineages}
<p>Pictures and ledger: <code>{folder}</code></p>
</html>
"""


def photographs(folder: Path) -> None:
    """Copies the photographs out of the packages that ship them; nothing of these packages is imported."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, files in PHOTOGRAPHS.items():
        spec = find_spec(package)
        assert spec and spec.origin, f"{package} is not installed: run this with `nox -s demo`"
        for file in files:
            shutil.copy(Path(spec.origin).parent / file, folder)


def graph() -> dict[str, Any]:
    """The Rounds example workflow without captions, in the form of the API."""
    return {
        "in": node("ResonanceRoundInput", session=SESSION, first_folder=FOLDER, rounds=ROUNDS, seed=1),
        "tagger": node("ResonanceLoadTagger", model="tiny-torch"),
        "tags": node("ResonanceTagImages", tagger=["tagger", 0], images=["in", 0]),
        "words": node("ResonanceRoundWords", item=["in", 1], tags=["tags", 0]),
        "prompt": node("ResonanceComposePrompt", tags=["words", 0]),
        "checkpoint": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors"),
        "positive": node("CLIPTextEncode", clip=["checkpoint", 1], text=["prompt", 0]),
        "negative": node("CLIPTextEncode", clip=["checkpoint", 1], text=["prompt", 1]),
        "size": node(
            "ResonanceLatentForImage", image=["in", 0], **{"sizes": "nearest bucket", "sizes.bucket_side": 256}
        ),
        "sampler": node(
            "KSampler",
            model=["checkpoint", 0],
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=["size", 0],
            seed=["in", 5],
            steps=4,
            cfg=1.0,
        ),
        "picture": node("VAEDecode", samples=["sampler", 0], vae=["checkpoint", 2]),
        "out": node("ResonanceRoundOutput", images=["picture", 0], item=["in", 1], words=["prompt", 0]),
    }


def run(comfy: Comfy) -> list[list[dict[str, Any]]]:
    """Presses Run once, waits, and returns the items of every round."""
    comfy.queue(comfy.complete(graph()))
    shown = None
    while True:
        answer = requests.get(f"{comfy.url}/resonance/rounds/{SESSION}", timeout=60)
        if answer.ok and (now := "round {round}: {done} of {total}".format(**answer.json())) != shown:
            print(shown := now, flush=True)
        if comfy.get("/prompt")["exec_info"]["queue_remaining"] == 0:
            break
        time.sleep(0.2)
    rounds = [comfy.get(f"/resonance/rounds/{SESSION}", params={"round": k + 1})["items"] for k in range(ROUNDS)]
    undone = [item for items in rounds for item in items if item["state"] != "done"]
    if undone or not all(rounds):
        errors = "\n".join(f"{item['lineage']} is {item['state']}: {item['error']}" for item in undone)
        sys.exit(f"{errors}\nThe rounds did not end well; ComfyUI's log is {comfy.log}")
    return rounds


def figure(path: Path, title: str, text: str) -> str:
    with Image.open(path) as image:
        image.thumbnail((480, 480))
        buffer = BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode()
    caption = f"<figcaption><small>{escape(title)}</small><br>{escape(text)}</figcaption>"
    return f'<figure><img src="data:image/jpeg;base64,{data}" alt="{escape(text)}">{caption}</figure>'


def page(rounds: list[list[dict[str, Any]]]) -> str:
    """Each lineage from left to right: the photograph, then what was painted of its words, round after round."""
    folder = BASE / "output" / SESSION
    lineages = []
    for first in rounds[0]:
        photograph = BASE / "input" / first["source"].removesuffix(" [input]")
        figures = [figure(photograph, first["lineage"], photograph.name)]
        for number, items in enumerate(rounds, 1):
            item = next(i for i in items if i["lineage"] == first["lineage"])
            figures.append(
                figure(
                    folder / item["files"][0], f"round {number}, painted from", item["words"]["tags"] or "(no words)"
                )
            )
        lineages.append(f"<section>{''.join(figures)}</section>")
    return PAGE.format(rounds=ROUNDS, what=escape(WHAT_IT_IS), lineages="\n".join(lineages), folder=escape(str(folder)))


def main() -> None:
    print(WHAT_IT_IS, flush=True)
    shutil.rmtree(BASE, ignore_errors=True)
    photographs(BASE / "input" / FOLDER)
    checkpoint.build(BASE / "models")
    tagger.build(BASE / "models")
    print("starting ComfyUI", flush=True)
    with Comfy(BASE) as comfy:
        rounds = run(comfy)
    (BASE / "index.html").write_text(page(rounds), encoding="utf-8")
    print(f"pictures: {BASE / 'output' / SESSION}")
    print(f"ledger:   {BASE / 'output' / SESSION / 'ledger.sqlite3'}")
    print(f"page:     {BASE / 'index.html'}")


if __name__ == "__main__":
    main()

"""Draws the cards of the example workflows from what runs of ours made: `python tests/write_cards.py [name ...]`.

The toy world paints; layouts are painted in ComfyUI by the tests' tiny model, which knows plain colours. In the list of templates a
card is some 230 pixels wide.
"""

import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from shutil import copy
from typing import Any

from demo_toyworld import SCENES, resonance, scenes
from examples import EXAMPLES
from examples.canvas import LIGHTHOUSE, text
from examples.characters import FRIENDS, LORAS
from examples.methods import METHODS, ROWS
from host.comfy import Comfy, node
from host.small_templates import POOLED, lay, small
from models.checkpoint import (
    adapter,
    build,
    build_characters,
    build_families,
    build_listening,
    build_reference,
    build_style,
    save,
    vision,
)
from models.wired.vision import VIT_H
from PIL import Image, ImageDraw, ImageFont, ImageOps
from places import PACK
from write_samples import SMALL

from resonance.canvas.exchange import read_any
from resonance.canvas.render import render
from resonance.graph import ancestors
from resonance.images import from_tensor
from resonance.paint.choices import choose_prompt
from resonance.paint.lines import read_lines
from resonance.paint.wildcards import WildcardFiles
from resonance.session.query import read_round

SIDE, GAP, FONT = 690, 14, 34
GROUND, INK = (24, 26, 32), (236, 238, 242)
ARGS = ("--model", "toyworld")
PROMPT = "large, red, star, center, blue background"
COLORS = {"picture": "blue", "sky": "blue", "sea": "green", "lighthouse": "red", "boat": "red"}
INKS = {"red": [214, 40, 40], "green": [40, 150, 90], "blue": [52, 84, 190]}
WEIGHTS = {"lighthouse": 8.0, "boat": 8.0}
"""Of what lies over others: where words share a place, the tiny model has no colour between theirs."""
CELLS = 128
"""Side of the pictures that the tiny model paints."""
COUPLE = {"method": "attention couple", "method.base_weight": 0.0, "method.feather": 0.0, "method.capture": "off"}
"""What Regions is set to."""
Cell = tuple[Image.Image, str]


def wrapped(words: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if font.getlength(longer) <= width else [*lines, word]
    return "\n".join(lines)


def card(rows: Sequence[Sequence[Cell]], head: str = "", lines: int = 0, font: int = FONT) -> Image.Image:
    """Pictures in rows, words under each, in the middle of a square.

    Args:
        head: words above them all.
        lines: room for words under each picture.
    """
    face = ImageFont.load_default(font)
    assert isinstance(face, ImageFont.FreeTypeFont)
    image = Image.new("RGB", (SIDE, SIDE), GROUND)
    draw = ImageDraw.Draw(image)
    words = wrapped(head, face, SIDE - 2 * GAP)
    top = (words.count("\n") + 1) * round(1.25 * font) + GAP if head else 0
    below = round(lines * 1.25 * font)
    columns = max(map(len, rows))
    cell = min((SIDE - GAP * (columns + 1)) // columns, (SIDE - top - (GAP + below) * len(rows) - GAP) // len(rows))
    y = (SIDE - top - len(rows) * (cell + below + GAP) + GAP) / 2
    draw.multiline_text((SIDE / 2, y), words, INK, face, "ma", font * 0.25, "center")
    y += top
    for row in rows:
        left = (SIDE - len(row) * (cell + GAP) + GAP) / 2
        for number, (picture, said) in enumerate(row):
            x = left + number * (cell + GAP)
            fitted = ImageOps.pad(picture.convert("RGB"), (cell, cell), Image.Resampling.LANCZOS, GROUND)
            image.paste(fitted, (round(x), round(y)))
            told = wrapped(said, face, cell)
            draw.multiline_text((x + cell / 2, y + cell + 4), told, INK, face, "ma", font * 0.25, "center")
        y += cell + below + GAP
    return image


def lineages(base: Path, first: str, rounds: int) -> list[list[Cell]]:
    """A session of the toy world: the pictures of each lineage, each with the words that were found in it."""
    session = first.strip("[]")
    resonance(base, "rounds", session, "--first", first, "--rounds", str(rounds), *ARGS)
    folder = base / "output" / session
    found: dict[str, list[Cell]] = {}
    for round_ in range(1, rounds + 1):
        for item in read_round(folder, round_)[1]:
            name = item["source"].rsplit(" [", 1)[0]
            source = {1: PACK / "samples" if first == "[samples]" else base / "input"}.get(
                round_, base / "output"
            ) / name
            found.setdefault(item["lineage"], []).append((Image.open(source), item["words"]["tags"]))
            if round_ == rounds:
                found[item["lineage"]].append((Image.open(folder / item["files"][0]), ""))
    return list(found.values())


def first_round(base: Path) -> Image.Image:
    rows = lineages(base, "[samples]", 1)
    return card(
        [[(row[0][0], row[0][1].replace(" background", "")) for row in rows], [row[1] for row in rows]],
        lines=2,
        font=30,
    )


def rounds(base: Path) -> Image.Image:
    scenes(base / "input" / "scenes")
    rows = lineages(base, "scenes", 3)
    return card([[(picture, "") for picture, _ in row] for row in rows])


def tags_only(base: Path) -> Image.Image:
    scenes(base / "input" / "tags")
    rows = lineages(base, "tags", 2)[:2]
    return card(
        [[(picture, said.replace(" background", "")) for picture, said in row] for row in rows], lines=3, font=30
    )


def describe(base: Path) -> Image.Image:
    scenes(base / "input" / "describe")
    picture, said = lineages(base, "describe", 1)[1][0]
    return card([[(picture, said)]], lines=2, font=44)


def vary(base: Path, session: str, *program: str) -> list[Cell]:
    scenes(base / "input" / "varied")
    picture = next((base / "input" / "varied").glob("2-*.png"))
    prompt = ", ".join(SCENES[1].tags)
    resonance(base, "vary", session, picture, "--prompt", prompt, *program, *ARGS)
    made = sorted((base / "output" / session).glob("*/*.png"), key=lambda path: path.stat().st_mtime_ns)
    return [(Image.open(path), "") for path in made]


def one(base: Path) -> Image.Image:
    made = vary(base, "one", "--transform", "shake", "--iterations", "3")[:16]
    return card([made[n : n + 4] for n in range(0, 16, 4)])


def fifty(base: Path) -> Image.Image:
    program = (
        "--transform",
        "6@.35 > 6@.35",
        "--save-middle",
        "--loop-to-loop",
        "--iterations",
        "25",
        "--color",
        "anchored",
    )
    made = vary(base, "fifty", *program)[:49]
    return card([made[n : n + 7] for n in range(0, len(made), 7)])


def explore(base: Path) -> Image.Image:
    sizes = ("--aspects", "64x64", "--scales", "1,2,3", "--seeds", "3")
    resonance(base, "explore", "cliff", PROMPT, *sizes, *ARGS)
    made = sorted((base / "output" / "cliff").glob("*/*.png"))
    return card([[(Image.open(path), "") for path in made[n : n + 3]] for n in range(0, 9, 3)], head=PROMPT)


def toys(base: Path, prompts: Sequence[str]) -> list[Image.Image]:
    """A picture of each prompt, painted in the toy world."""
    text = "\n---\n".join(dict.fromkeys(prompts))
    resonance(base, "explore", "toys", text, "--aspects", "64x64", "--scales", "2", "--seeds", "1", *ARGS)
    folders = {path.read_text().strip(): path.parent for path in (base / "output" / "toys").glob("*/prompt.txt")}
    return [Image.open(next(folders[prompt].glob("*.png"))) for prompt in prompts]


def lines(base: Path) -> Image.Image:
    """All pictures of a text of one line."""
    line = "large, {e$$red|yellow|white}, {circle|star}, {left|right|center}, {e$$blue|green} background"
    [read] = read_lines(line, WildcardFiles([])).lines
    said = [
        read.choose(text, random.Random(seed), WildcardFiles([])).prompt for seed, text in enumerate(read.texts(), 1)
    ]
    cells = [(picture, "") for picture in toys(base, said)]
    return card([cells[::2], cells[1::2]], head=line)


def wildcards(base: Path) -> Image.Image:
    """Two rounds of tags with a ground drawn by lot."""
    text = "{purple|orange|black|yellow} background"
    prompts = [
        ", ".join((*scene.tags[:4], choose_prompt(text, seed, WildcardFiles([]), "suffix")))
        for seed, scene in enumerate(SCENES[:3] * 2)
    ]
    cells = [(picture, "") for picture in toys(base, prompts)]
    return card([cells[:3], cells[3:]], head=text)


def plain() -> list[dict[str, Any]]:
    """The lighthouse in the colours that the tiny model knows."""
    bare = ({"tags": 0, "prefixes": ["a"], "suffixes": [COLORS[one["name"]]]} for one in LIGHTHOUSE)
    return [
        {
            **{key: one[key] for key in ("rect", "name")},
            **words,
            "color": INKS[words["suffixes"][0]],
            "weight": WEIGHTS.get(one["name"], 1.0),
        }
        for one, words in zip(LIGHTHOUSE, bare, strict=True)
    ]


def painted(
    base: Path, graph: dict[str, Any], canvas: str, pictures: str, layout: list[dict[str, Any]]
) -> list[Image.Image]:
    """What a template's graph makes of a plain layout: small, and in the steps that the tiny model needs.

    Args:
        canvas, pictures: ids of the node that gives the layout, and of the one whose pictures count.
    """
    build(base / "models")
    checkpoints = base / "models" / "checkpoints"
    (checkpoints / "tiny_sd15.safetensors").rename(checkpoints / "sd_xl_base_1.0.safetensors")
    graph = deepcopy(graph)
    graph[canvas] = node("ResonanceCanvas", canvas_text=text(layout), width=CELLS, height=CELLS)
    graph["save"] = node("SaveImage", images=[pictures, 0], filename_prefix="card")
    graph = {id_: graph[id_] for id_ in ("save", *ancestors(graph, "save"))}
    for part in graph.values():
        values = part["inputs"]
        values.update({key: CELLS for key in ("width", "height") if key in values})
        if part["class_type"] == "KSampler":
            values.update(steps=8)
        elif part["class_type"] == "CLIPTextEncode":
            values["text"] = ""
    with Comfy(base) as comfy:
        made = comfy.run(comfy.complete(graph), timeout=600)["save"]["images"]
    return [Image.open(base / "output" / each["filename"]) for each in made]


def sketch() -> Image.Image:
    return from_tensor(render(read_any(text(plain()), 1024, 1024).canvas, 512, 512))[0]


def layout(head: str, base: Path) -> Image.Image:
    [picture] = painted(base, EXAMPLES["Canvas by hand"].graph, "2", "15", plain())
    cells = [(sketch(), "the layout"), (picture.resize((512, 512), Image.Resampling.BICUBIC), "painted")]
    return card([cells], head=head, lines=1, font=40)


def chat(base: Path) -> Image.Image:
    return layout(f"“{EXAMPLES['Canvas chat'].graph['3']['inputs']['message']}”", base)


def by_hand(base: Path) -> Image.Image:
    return layout("Drawn by hand, then painted", base)


def characters(base: Path) -> Image.Image:
    """Both people have the word red; one LoRA makes blue of it, the other green."""
    layout = [
        {**one, "prefixes": ["a"], "suffixes": ["red" if "lora" in one else "gray"], "tags": 0} for one in FRIENDS
    ]
    without = [{key: value for key, value in one.items() if key != "lora"} for one in layout]
    cells: list[Cell] = []
    for said, regions in (("without", without), ("with", layout)):
        build_characters(base / said / "models", *LORAS)
        [made] = painted(base / said, EXAMPLES["Two characters, two LoRAs"].graph, "2", "15", regions)
        cells.append((made.resize((512, 512), Image.Resampling.BICUBIC), said))
    return card([cells], head="The same words, a LoRA for each", lines=1, font=40)


def highres(base: Path) -> Image.Image:
    """The picture of each pass, that of the first half as wide and high."""
    graph = deepcopy(EXAMPLES["Canvas by hand"].graph)
    last = graph["14"]["inputs"]
    graph |= {
        "half": node("LatentUpscaleBy", samples=["4", 2], upscale_method="bilinear", scale_by=0.5),
        "first": node("KSampler", **{**last, "latent_image": ["half", 0]}),
        "fix": node(
            "ResonanceHighresFix", samples=["first", 0], vae=["10", 2], width=CELLS, height=CELLS, strength=0.6
        ),
        "large": node("ImageScale", image=["fix", 1], upscale_method="nearest-exact", width=CELLS, height=CELLS),
        "both": node("ImageBatch", image1=["large", 0], image2=["15", 0]),
    }
    last |= {"latent_image": ["fix", 0], "denoise": ["fix", 3], "seed": ["fix", 4]}
    first, second = painted(base, graph, "2", "both", plain())
    small = ImageOps.expand(first.resize((CELLS // 2, CELLS // 2), Image.Resampling.NEAREST), CELLS // 4, GROUND)
    large = (each.resize((512, 512), Image.Resampling.BICUBIC) for each in (small, second))
    return card([list(zip(large, ("first pass", "second pass"), strict=True))], lines=1, font=40)


def methods(base: Path) -> Image.Image:
    """Three of the five: of the others, which share places, or push only a little, the tiny model shows too little."""
    rows, shown = dict(zip(METHODS, ROWS, strict=True)), ("attention couple", "dense diffusion (omost)", "area overlay")
    graph = deepcopy(EXAMPLES["Region methods compared"].graph)
    graph["7"]["inputs"] = {f"latents.latent{k}": [rows[name][1], 0] for k, name in enumerate(shown)}
    made = painted(base, graph, "1", "8", plain())
    large = (each.resize((512, 512), Image.Resampling.BICUBIC) for each in made)
    cells = [(sketch(), "the layout"), *zip(large, ("couple", "omost", "overlay"), strict=True)]
    return card([cells[:2], cells[2:]], lines=1, font=38)


def gradual(base: Path) -> Image.Image:
    """Three steps of one run, each in the size that it has: among the first ones, of which the tiny model makes clear colours."""
    build(base / "models")
    graph = {
        id_: deepcopy(part) for id_, part in EXAMPLES["Gradual latent"].graph.items() if id_ not in ("2", "3", "11")
    }
    graph["1"] = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
    graph["4"]["inputs"] |= {"width": CELLS, "height": CELLS}
    graph["canvas"] = node("ResonanceCanvas", canvas_text=text(plain()), width=CELLS, height=CELLS)
    graph["regions"] = node("ResonanceRegions", model=["1", 0], clip=["1", 1], canvas=["canvas", 0], **COUPLE)
    graph["kept"] = node("KeepSteps", model=["regions", 0], name="steps")
    graph["7"]["inputs"] |= {"model": ["kept", 0], "positive": ["regions", 1], "negative": ["regions", 2], "cfg": 1.0}
    graph["5"]["inputs"] |= {"timesteps": 1000, "every_n_steps": 2}
    graph["first"] = node("SplitSigmas", sigmas=["8", 0], step=10)
    graph["9"]["inputs"]["sigmas"] = ["first", 0]
    steps = {0: "half", 3: "three quarters", 8: "whole"}
    for number in steps:
        graph[f"step {number}"] = node("Step", name="steps", number=number, after=["9", 0])
        graph[f"picture {number}"] = node("VAEDecode", samples=[f"step {number}", 0], vae=["1", 2])
        graph[f"save {number}"] = node("SaveImage", images=[f"picture {number}", 0], filename_prefix="card")
    del graph["10"]
    with Comfy(base, (PACK / "tests/host/packs/patches",)) as comfy:
        outputs = comfy.run(comfy.complete(graph), timeout=600)
    cells: list[Cell] = []
    for number, said in steps.items():
        made = Image.open(base / "output" / outputs[f"save {number}"]["images"][0]["filename"])
        cell = Image.new("RGB", (4 * CELLS, 4 * CELLS), GROUND)
        large = made.resize((4 * made.width, 4 * made.height), Image.Resampling.BICUBIC)
        cell.paste(large, ((cell.width - large.width) // 2, (cell.height - large.height) // 2))
        cells.append((cell, said))
    return card([cells], head="One run, in which the picture grows", lines=1, font=32)


def remember(base: Path) -> Image.Image:
    """One round by the tiny model on the word blue, at three places of the slider."""
    name, sliders = "Rounds that remember the picture", {0.0: "0: said, “blue”", 0.5: "0.5", 1.0: "1: seen"}
    build(base / "models")
    save(base / "models" / "clip_vision" / "tiny.safetensors", vision(VIT_H))
    save(base / "models" / "ipadapter" / "tiny.safetensors", adapter("tiny_plus_sd15"))
    first = Image.new("RGB", (CELLS, CELLS), (214, 40, 40))
    cells: list[Cell] = [(first, "the first picture")]
    with Comfy(base, (PACK / "tests/host/packs/patches",)) as comfy:
        first.save(base / "input" / "first.png")
        for slider, said in sliders.items():
            graph = deepcopy(EXAMPLES[name].graph)
            graph["1"] = node("LoadImage", image="first.png")
            graph["6"] = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
            graph["7"]["inputs"]["text"] = "blue"
            graph["8"]["inputs"]["text"] = ""
            graph["9"]["inputs"]["value"] = slider
            graph["13"] = node("LoadSmallVision", clip_name="tiny.safetensors")
            graph["14"]["inputs"] |= {"image": ["1", 0], "way.adapter": "tiny.safetensors"}
            graph["15"] = node("EmptyLatentImage", width=CELLS, height=CELLS, batch_size=1)
            graph["16"]["inputs"] |= {"seed": 1, "steps": 8, "cfg": 1.0}
            graph["18"] = node("SaveImage", images=["17", 0], filename_prefix="card")
            kept = {id_: graph[id_] for id_ in ("18", *ancestors(graph, "18"))}
            [made] = comfy.run(comfy.complete(kept), timeout=600)["18"]["images"]
            cells.append((Image.open(base / "output" / made["filename"]), said))
    large = [(each.resize((512, 512), Image.Resampling.BICUBIC), said) for each, said in cells]
    return card([large[:2], large[2:]], lines=1, font=38)


def looking(name: str, *seen: str, words: str = "", **change: dict[str, Any]) -> Callable[[Path], Image.Image]:
    """Pictures that are shipped, and what a template makes of them. The tiny models see no more of a picture than its colours.

    Args:
        words: of its first text.
        change: inputs that are not those of the template, by ``node_`` and the id.
    """

    def draw(base: Path) -> Image.Image:
        for make in (build, build_families, build_reference, build_style, build_listening):
            make(base / "tiny")
        lay(base / "models", base / "tiny")
        comfy = Comfy(base, (PACK / "tests/host/packs/patches",))
        files = [f"resonance-{each}.jpg" for each in seen]
        for file in files:
            copy(SMALL / file, base / "input")
        graph = small(name, *files, text_5=words, text_6=words)
        for id_, inputs in change.items():
            graph[id_.removeprefix("node_")]["inputs"] |= inputs
        with comfy:
            outputs = comfy.run(comfy.complete(graph), timeout=600)
        first = [Image.open(SMALL / file) for file in files]
        first = first or [Image.open(base / "temp" / each["filename"]) for each in outputs["12"]["images"]]
        made = [Image.open(base / "output" / each["filename"]) for each in outputs["31"]["images"]]
        large = [[each.resize((512, 512), Image.Resampling.BICUBIC) for each in row] for row in (first, made)]
        shown = (first if files else large[0], large[1])
        said = f"painted, “{words}”" if words and files else "painted"
        before, after = [(each, "looked at") for each in shown[0]], [(each, said) for each in shown[1]]
        return card([before + after] if len(before) == len(after) else [before, after], lines=2, font=36)

    return draw


LOOKING = {
    "Picture to picture": looking("Picture to picture", "winter", node_20={"denoise": 0.3}),
    "unCLIP": looking("unCLIP", "balloon"),
    "unCLIP with two pictures": looking("unCLIP with two pictures", "balloon", "winter"),
    "unCLIP refined by SDXL": looking("unCLIP refined by SDXL", "balloon", "winter", node_24={"megapixels": 0.01}),
    "Style model": looking("Style model", "balloon", words="blue"),
    "Style first and words later": looking("Style first and words later", "balloon", words="blue"),
    "IP-Adapter with words": looking("IP-Adapter with words", "winter", words="red", node_20={"cfg": 1.5}),
    "Four variations": looking("Four variations", words="red"),
    "Canny and a picture": looking("Canny and a picture", "winter", "lighthouse", node_20={"cfg": 2.0}),
    "Guided by a picture": looking(
        "Guided by a picture", "balloon", words="red", node_20={"cfg": 3.0}, node_10={"scale": 600.0, "shrink": 1.0}
    ),
    "Revision": looking("Revision", "winter", "balloon", node_1={"ckpt_name": POOLED}),
    "Inpaint": looking("Inpaint", "lighthouse", words="red"),
    "ControlNet range": looking("ControlNet range", "lighthouse", words="red", node_20={"cfg": 2.0}),
    "CLIP vision strength": looking("CLIP vision strength", "winter", node_1={"ckpt_name": POOLED}),
    "A picture in each region": looking("A picture in each region", "winter", "balloon"),
}


CARDS: dict[str, Callable[[Path], Image.Image]] = {
    "First round": first_round,
    "Rounds": rounds,
    "Rounds, tags only": tags_only,
    "Rounds that remember the picture": remember,
    "Describe one picture": describe,
    "Explore a prompt": explore,
    "Vary one picture": one,
    "Fifty steps without drift": fifty,
    "Prompt lines": lines,
    "Highres fix": highres,
    "Wildcards in rounds": wildcards,
    "Gradual latent": gradual,
    "Canvas by hand": by_hand,
    "Canvas chat": chat,
    "Two characters, two LoRAs": characters,
    "Region methods compared": methods,
    **LOOKING,
}


def main() -> None:
    for name in sys.argv[1:] or CARDS:
        with tempfile.TemporaryDirectory() as folder:
            path = PACK / "example_workflows" / f"{name}.jpg"
            CARDS[name](Path(folder)).save(path, quality=85)
        assert path.stat().st_size < 100_000, path


if __name__ == "__main__":
    main()

"""How often the text encoder is asked for a canvas: once per region or once for all, not once per bag of 77 tokens.

    python bench/encode.py

Needs a ComfyUI (see the README). The yardstick encodes the same bags one by one with core's nodes; that the numbers are
the same is checked in the run. ``ratio`` is the time of the yardstick by that of the attention methods.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from host.comfy import Comfy, node  # noqa: E402
from models import checkpoint  # noqa: E402
from places import PACK  # noqa: E402

from resonance.canvas.canvas import Canvas, Region  # noqa: E402
from resonance.canvas.listing import write  # noqa: E402

REGIONS, BAGS, RUNS = 6, 3, 5
DENSE: dict[str, Any] = {"method": "dense diffusion (omost)", "method.capture": "off"}
AREA: dict[str, Any] = {"method": "area average", "method.global_strength": 0.2, "method.region_strength": 0.8}
PLACES = ((0, 90, 0, 90), (20, 70, 0, 40), (10, 60, 50, 90), (50, 90, 20, 70), (0, 30, 10, 60), (40, 80, 60, 90))
SENTENCE = "a red boat with a blue sail lies on the green water near the white tower and under a black cloud, "


def canvas() -> Canvas:
    """Six regions with three bags each: every suffix fills a bag, so that the bags are known beforehand."""
    return Canvas(
        tuple(
            Region(place, (f"picture {number}.",), tuple(f"{part} {number} {SENTENCE * 3}" for part in range(BAGS)))
            for number, place in enumerate(PLACES)
        )
    )


def bag_by_bag(layout: Canvas) -> dict[str, Any]:
    """One CLIPTextEncode per bag, joined by ConditioningConcat."""
    graph: dict[str, Any] = {}
    texts = [f"{r.prefixes[0]} {suffix}" for r in layout.regions for suffix in r.suffixes]
    for i, text in enumerate(texts):
        graph[f"e{i}"] = node("CLIPTextEncode", clip=["clip", 0], text=text)
        before = [f"j{i - 1}", 0] if i > 1 else ["e0", 0]
        if i:
            graph[f"j{i}"] = node("ConditioningConcat", conditioning_to=before, conditioning_from=[f"e{i}", 0])
    return graph


def measure(comfy: Comfy, run: int) -> dict[str, dict[str, float]]:
    layout = canvas()
    placed = {"model": ["load", 0], "canvas": ["canvas", 0]}
    last = f"j{REGIONS * BAGS - 1}"
    ways: dict[str, tuple[dict[str, Any], list[Any]]] = {
        "bag by bag": (bag_by_bag(layout), [last, 0]),
        "encode canvas": ({"x": node("ResonanceEncodeCanvas", clip=["clip", 0], canvas=["canvas", 0])}, ["x", 0]),
        "attention": ({"x": node("ResonanceRegions", clip=["clip", 0], **DENSE, **placed)}, ["x", 1]),
        "area": ({"x": node("ResonanceRegions", clip=["clip", 0], **AREA, **placed)}, ["x", 1]),
    }
    found: dict[str, dict[str, float]] = {}
    for number, (name, (graph, out)) in enumerate(ways.items()):
        # With a negative of its own no call is spent on that.
        graph = {
            "load": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors"),
            "clip": node("BenchCount", clip=["load", 1], run=10 * run + number),
            "plain": node("CLIPTextEncode", clip=["load", 1], text=""),
            "canvas": node("ResonanceCanvas", canvas_text=write(layout)),
            "calls": node("BenchCalls", clip=["clip", 0], after=out),
            **graph,
        }
        if name in ("attention", "area"):
            graph["x"]["inputs"]["negative"] = ["plain", 0]
        if name == "encode canvas":
            graph |= bag_by_bag(layout) | {"plainer": node("BenchCount", clip=["load", 1], run=10 * run + 9)}
            for key in graph:
                if key.startswith("e"):
                    graph[key]["inputs"]["clip"] = ["plainer", 0]
            graph["calls"]["inputs"]["compare"] = [last, 0]
        found[name] = json.loads(comfy.run(comfy.complete(graph))["calls"]["found"][0])
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        checkpoint.build(base / "models")
        with Comfy(base, (PACK / "bench/packs/calls",)) as comfy:
            measure(comfy, 0)
            runs = [measure(comfy, run) for run in range(1, RUNS + 1)]
    seconds = {way: statistics.median(r[way]["seconds"] for r in runs) for way in runs[0]}
    print(f"{REGIONS} regions of {BAGS} bags, median of {RUNS}")
    print(f"{'':15} calls sections seconds")
    for way, said in runs[0].items():
        print(f"{way:15} {said['calls']:5} {said['sections']:8} {seconds[way]:7.3f}")
    difference = runs[0]["encode canvas"]["difference"]
    print(f"largest difference to the yardstick: {difference:.1e}")
    assert difference < 1e-4
    result = {
        "name": "encode",
        "ratio": round(seconds["bag by bag"] / seconds["attention"], 2),
        "calls": {way: said["calls"] for way, said in runs[0].items()},
        "seconds": {way: round(s, 3) for way, s in seconds.items()},
        "difference": difference,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

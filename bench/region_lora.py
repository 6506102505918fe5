"""Three LoRAs, each in a region of its own, in one pass of the model: what they cost, and what core's hooks cost.

    python bench/region_lora.py [--rounds 5] [--side 32] [--rank 32]

Needs a ComfyUI (see the README). The model is a UNet of SD1.5 in full width, 320, 640 and 1280 channels at a side of 32, 16 and 8, with
random weights in single precision; the LoRAs are for every layer that those of kohya's trainer are for. Each figure is what the
processor spent on the second step of a run, on one thread; all ways run in turns, and the median counts.

- plain: one prompt and one negative.
- regions: attention couple, three regions with a negative each. With LoRAs: exactly the same words at the same places.
- core's hooks: Create Hook LoRA, and Cond Pair Set Props with the same three masks, for positive and negative. What core keeps of the
  patched weights is made in the first step, which does not count, and there is no text for the whole picture.

``ratio`` in the last line is the time of core's hooks by that of the regions with LoRAs, ``cost`` that of the regions with LoRAs by that
without.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))

import torch  # noqa: E402
from host.comfy import Comfy, node  # noqa: E402
from models import checkpoint  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from resonance.canvas.canvas import GRID, Canvas, Lora, Region  # noqa: E402
from resonance.canvas.listing import write  # noqa: E402

REGIONS = 3
WORDS = ("a red boat", "a green tower", "a blue house")
REFUSED = "fog"
COST, RATIO = 1.2, 1.7
"""What is asked for: the regions with LoRAs by those without, at most; core's hooks by the regions with LoRAs, at least."""

TRANSFORMERS = {
    "input_blocks_1_1": 320,
    "input_blocks_3_1": 640,
    "input_blocks_5_1": 1280,
    "middle_block_1": 1280,
    "output_blocks_0_1": 1280,
    "output_blocks_1_1": 1280,
    "output_blocks_2_1": 640,
    "output_blocks_3_1": 640,
    "output_blocks_4_1": 320,
    "output_blocks_5_1": 320,
}
"""Those of the model in ``packs/wide``, and how many channels they have."""
TEXT = 768


def layers(width: int) -> dict[str, tuple[int, ...]]:
    """The layers of a transformer, and the shapes of their weights."""
    square = (width, width)
    block = {f"attn{n}_{name}": square for n in "12" for name in ("to_q", "to_k", "to_v", "to_out_0")}
    block |= {f"attn2_{name}": (width, TEXT) for name in ("to_k", "to_v")}
    block |= {"ff_net_0_proj": (8 * width, width), "ff_net_2": (width, 4 * width)}
    inside = {f"transformer_blocks_0_{name}": shape for name, shape in block.items()}
    return {**inside, "proj_in": (*square, 1, 1), "proj_out": (*square, 1, 1)}


def write_lora(file: Path, rank: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    weights: dict[str, torch.Tensor] = {}
    for transformer, width in TRANSFORMERS.items():
        for layer, (out, into, *kernel) in layers(width).items():
            name = f"lora_unet_{transformer}_{layer}"
            weights[f"{name}.lora_down.weight"] = torch.randn(rank, into, *kernel, generator=random) / into**0.5
            weights[f"{name}.lora_up.weight"] = torch.randn(out, rank, *kernel, generator=random) / rank
            weights[f"{name}.alpha"] = torch.tensor(rank / 2)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, file)


def name_of(number: int) -> str:
    return f"wide_{number}.safetensors"


MODEL, CLIP = ["wide", 0], ["load", 1]
Ways = dict[str, tuple[dict[str, Any], list[Any], list[Any], list[Any]]]
"""Nodes, and where model, positive and negative come from."""


def ways(side: int) -> Ways:
    words = {f"words {n}": node("CLIPTextEncode", clip=CLIP, text=text) for n, text in enumerate(WORDS)}
    refused = {"refused": node("CLIPTextEncode", clip=CLIP, text=REFUSED)}
    bound = [["regions", n] for n in range(3)]
    return {
        "plain": ({**words, **refused}, MODEL, ["words 0", 0], ["refused", 0]),
        "regions": (regions(()), *bound),
        "regions with LoRAs": (regions(tuple((Lora(name_of(n)),) for n in range(REGIONS))), *bound),
        "core's hooks": ({**words, **refused, **hooks(side)}, MODEL, *[[f"pair {REGIONS - 1}", n] for n in range(2)]),
    }


def regions(loras: tuple[tuple[Lora, ...], ...]) -> dict[str, Any]:
    wide = GRID // REGIONS
    parts = [
        Region((0, GRID, n * wide, (n + 1) * wide), ("a harbour.",), (text,), negative=REFUSED, loras=its)
        for n, (text, its) in enumerate(zip(WORDS, loras or [()] * REGIONS, strict=True))
    ]
    canvas = Canvas((Region(prefixes=("a harbour.",), negative=REFUSED), *parts))
    couple = {"method": "attention couple", "method.base_weight": 0.2, "method.feather": 0.0, "method.capture": "off"}
    return {
        "canvas": node("ResonanceCanvas", canvas_text=write(canvas)),
        "regions": node("ResonanceRegions", model=MODEL, clip=CLIP, canvas=["canvas", 0], **couple),
    }


def hooks(side: int) -> dict[str, Any]:
    """Three pairs of conditionings, each with a hook and a mask, combined."""
    wide = 8 * side // REGIONS
    nodes = {
        "black": node("SolidMask", value=0.0, width=wide * REGIONS, height=8 * side),
        "white": node("SolidMask", value=1.0, width=wide, height=8 * side),
    }
    for n in range(REGIONS):
        place = {"destination": ["black", 0], "source": ["white", 0], "x": n * wide, "y": 0, "operation": "add"}
        nodes[f"mask {n}"] = node("MaskComposite", **place)
        nodes[f"hook {n}"] = node("CreateHookLora", lora_name=name_of(n), strength_model=1.0, strength_clip=0.0)
        new = {"positive_NEW": [f"words {n}", 0], "negative_NEW": ["refused", 0], "strength": 1.0}
        new |= {"set_cond_area": "default", "mask": [f"mask {n}", 0], "hooks": [f"hook {n}", 0]}
        before = {"positive": [f"pair {n - 1}", 0], "negative": [f"pair {n - 1}", 1]}
        nodes[f"pair {n}"] = (
            node("PairConditioningSetPropertiesAndCombine", **before, **new)
            if n
            else node("PairConditioningSetProperties", **new)
        )
    return nodes


def measure(rounds: int, side: int, rank: int) -> dict[str, float]:
    """Seconds a step by the way."""
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        checkpoint.build(base / "models")
        for number in range(REGIONS):
            write_lora(base / "models" / "loras" / name_of(number), rank, number)
        packs = (*(ROOT / "bench/packs" / name for name in ("steps", "wide")), ROOT / "tests/host/packs/patches")
        with Comfy(base, packs, ("--use-pytorch-cross-attention",)) as comfy:
            for seed in range(rounds):
                for way, (nodes, model, positive, negative) in ways(side).items():
                    graph = {
                        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
                        "wide": node("BenchWide"),
                        "latent": node("EmptyLatentImage", width=8 * side, height=8 * side, batch_size=1),
                        **nodes,
                    }
                    sampled = {"model": model, "positive": positive, "negative": negative, "latent": ["latent", 0]}
                    graph["sample"] = node("BenchSample", steps=2, seed=seed, **sampled)
                    [step] = comfy.run(comfy.complete(graph), 1800)["sample"]["processor"]
                    spent.setdefault(way, []).append(step)
    return {way: statistics.median(steps) for way, steps in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=32, help="of the picture, in latent pixels")
    parser.add_argument("--rank", type=int, default=32, help="of each LoRA")
    args = parser.parse_args()
    step = measure(args.rounds, args.side, args.rank)
    ours = step["regions with LoRAs"]
    print(f"{'way':20}{'s a step':>10}{'by plain':>10}{'by regions':>12}")
    for way, seconds in step.items():
        print(f"{way:20}{seconds:10.2f}{seconds / step['plain']:10.2f}{seconds / step['regions']:12.2f}")
    cost, ratio = ours / step["regions"], step["core's hooks"] / ours
    print(f"three LoRAs cost {cost:.2f} of a step without, asked: at most {COST}")
    print(f"they are {ratio:.2f} times as fast as core's hooks, asked: at least {RATIO}")
    figures = {"cost": round(cost, 3), "to plain": round(ours / step["plain"], 3), "step": step}
    print(
        json.dumps({"name": "region_lora", "ratio": round(ratio, 2), **figures, "side": args.side, "rank": args.rank})
    )


if __name__ == "__main__":
    main()

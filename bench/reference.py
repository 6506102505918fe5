"""Reference Picture by IP-Adapter: what a picture costs in a step, and what a hundred of them leave in memory.

    python bench/reference.py [--rounds 5] [--side 16] [--steps 6] [--pictures 100]

Needs a ComfyUI (see the README). The model is a UNet of SD1.5 in full width with random weights in single precision, see ``packs/wide``,
the adapter one of the kind plus (16 tokens) for it. Each figure is what the processor spent in the cross-attentions of a step, from their queries to
what they give, on one thread: the median of each round's steps, and of the rounds the median. What is around them is the same for all, and takes so
much longer that its own variation would hide them. The yardstick is ``packs/projecting``: the same attention, whose layers make keys and values of
the picture's tokens in each step, as adapters are mostly built.

``ratio`` in the last line is how many times more the yardstick's picture adds to them than ours. Memory is that of ComfyUI's process, after the first
ten pictures and after all of them, each another picture.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))

from host.comfy import Comfy, node  # noqa: E402
from host.referring import plain, refer, vision, words  # noqa: E402
from models import checkpoint  # noqa: E402

from resonance.graph import ancestors  # noqa: E402

MODEL, CLIP = ["wide", 0], ["load", 1]
WIDTHS = [320, 640, 1280, 1280, 1280, 640, 640, 320, 320, 1280]
"""Of the cross-attentions of ``packs/wide``, as adapters count them."""
FILE = "bench_plus.safetensors"
COST = 1.05
"""What a step with a picture may cost at most."""
GROWTH = 32
"""MB that a process may grow from ten pictures to a hundred."""


def write_adapter(folder: Path) -> None:
    torch.manual_seed(0)
    width = 768

    def random(*shape: int) -> torch.Tensor:
        return (torch.randn(shape) / shape[-1] ** 0.5).half()

    head = {
        "latents": random(1, 16, width),
        **{"proj_in.weight": random(width, 1280), "proj_in.bias": random(width)},
        **{"proj_out.weight": random(width, width), "proj_out.bias": random(width)},
        **{"norm_out.weight": 1 + random(width), "norm_out.bias": random(width)},
    }
    for layer in range(4):
        for name in ("0.norm1", "0.norm2", "1.0"):
            head |= {f"layers.{layer}.{name}.weight": 1 + random(width), f"layers.{layer}.{name}.bias": random(width)}
        for name, times in {"0.to_q": 1, "0.to_kv": 2, "0.to_out": 1, "1.1": 4}.items():
            head[f"layers.{layer}.{name}.weight"] = random(times * width, width)
        head[f"layers.{layer}.1.3.weight"] = random(width, 4 * width)
    layers = {
        f"ip_adapter.{2 * number + 1}.to_{which}_ip.weight": random(out, width)
        for number, out in enumerate(WIDTHS)
        for which in "kv"
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file({**{f"image_proj.{key}": each for key, each in head.items()}, **layers}, folder / FILE)


def ours(**how: Any) -> dict[str, Any]:
    given = {"clip_vision": ["vision", 0], "adapter": FILE}
    return refer(["positive", 0], ["red", 0], model=MODEL, **given, **how)


def half_mask() -> dict[str, Any]:
    return {
        "empty": node("SolidMask", value=0.0, width=64, height=64),
        "all": node("SolidMask", value=1.0, width=32, height=64),
        "half": node("MaskComposite", destination=["empty", 0], source=["all", 0], x=0, y=0, operation="add"),
    }


def sampled(model: list[Any], positive: list[Any], steps: int, seed: int) -> dict[str, Any]:
    known = {"negative": ["negative", 0], "latent": ["latent", 0], "steps": steps, "seed": seed}
    return node("BenchSample", model=model, positive=positive, **known)


def graph(side: int) -> dict[str, Any]:
    return {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "wide": node("BenchWide"),
        "positive": words("a red boat"),
        "negative": words("fog"),
        "latent": node("EmptyLatentImage", width=8 * side, height=8 * side, batch_size=1),
        "vision": vision("tiny_vit_h"),
        **plain("red"),
        **half_mask(),
        "picture": ours(),
        "in a half": ours(mask=["half", 0]),
        "projected": node("BenchProjecting", model=MODEL, adapter=FILE),
    }


WAYS: dict[str, tuple[list[Any], list[Any]]] = {
    "without": (MODEL, ["positive", 0]),
    "with a picture": (["picture", 0], ["picture", 1]),
    "with one in a half": (["in a half", 0], ["in a half", 1]),
    "projecting in each layer": (["projected", 0], ["positive", 0]),
}


def measure(comfy: Comfy, rounds: int, side: int, steps: int) -> tuple[dict[str, float], float]:
    """Seconds in the cross-attentions of a step by the way, and those of a whole step without a picture."""
    spent: dict[str, list[float]] = {}
    whole: list[float] = []
    for seed in range(rounds + 1):
        for name, (model, positive) in WAYS.items():
            nodes = {**graph(side), "sample": sampled(model, positive, steps, seed)}
            out = comfy.run(comfy.complete({id_: nodes[id_] for id_ in ("sample", *ancestors(nodes, "sample"))}), 1800)
            if seed:  # in the first one models are loaded
                spent.setdefault(name, []).append(statistics.median(out["sample"]["cross"]))
                if name == "without":
                    whole.append(statistics.median(out["sample"]["processor"]))
    return {name: statistics.median(each) for name, each in spent.items()}, statistics.median(whole)


def memory(comfy: Comfy, count: int) -> tuple[float, float]:
    """MB of the process after ten pictures, and after ``count``."""
    found: list[float] = []
    for number in range(1, count + 1):
        picture = node("EmptyImage", width=64, height=64, batch_size=1, color=number * 65793)
        nodes = graph(8) | {"red": picture, "sample": sampled(["picture", 0], ["picture", 1], 2, number)}
        comfy.run(comfy.complete({id_: nodes[id_] for id_ in ("sample", *ancestors(nodes, "sample"))}), 600)
        if number in (10, count):
            found.append(_resident(comfy.process.pid))
    return found[0], found[-1]


def _resident(process: int) -> float:
    said = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", said)
    assert found
    return int(found[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=16, help="of the picture, in latent pixels")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--pictures", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        checkpoint.build(base / "models")
        checkpoint.build_reference(base / "models")
        write_adapter(base / "models" / "ipadapter")
        packs = (
            *(ROOT / "bench/packs" / name for name in ("steps", "wide", "projecting")),
            ROOT / "tests/host/packs/patches",
        )
        with Comfy(base, packs, ("--use-pytorch-cross-attention",)) as comfy:
            cross, step = measure(comfy, args.rounds, args.side, args.steps)
            begin, end = memory(comfy, args.pictures)
    added = {name: seconds - cross["without"] for name, seconds in cross.items()}
    costs = {name: 1 + more / step for name, more in added.items()}
    print(f"{'':28}{'ms in cross-attention':>24}{'of a step without':>20}")
    for name, seconds in cross.items():
        print(f"{name:28}{1000 * seconds:24.1f}{costs[name]:20.4f}")
    print(f"a step with a picture takes {costs['with a picture']:.4f} of one without, asked: at most {COST}")
    print(
        f"memory after 10 pictures {begin:.0f} MB, after {args.pictures} {end:.0f} MB, asked: at most {GROWTH} MB more"
    )
    figures = {
        "ms": {name: round(1000 * seconds, 2) for name, seconds in cross.items()},
        "step_ms": round(1000 * step),
        "cost": round(costs["with a picture"], 4),
        "grown_mb": round(end - begin, 1),
    }
    ratio = added["projecting in each layer"] / added["with a picture"]
    print(json.dumps({"name": "reference", "ratio": round(ratio, 2), **figures, "side": args.side}))


if __name__ == "__main__":
    main()

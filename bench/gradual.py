"""What a picture takes with Gradual Latent, by what it takes with euler_ancestral.

    python bench/gradual.py [--rounds 3] [--side 32] [--steps 20]

Needs a ComfyUI (see the README). The model is that of ``region_lora.py``. Each figure is what the processor spent on all steps of a run but
the first; both ways run in turns, and the median counts. Gradual Latent has its defaults, with which 5 of 20 steps have the whole size.
``ratio`` in the last line is its time by that of euler_ancestral.
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

from host.comfy import Comfy, node  # noqa: E402
from models import checkpoint  # noqa: E402

WAYS: dict[str, dict[str, Any]] = {
    "euler_ancestral": node("KSamplerSelect", sampler_name="euler_ancestral"),
    "gradual latent": node("ResonanceGradualLatent"),
}


def measure(rounds: int, side: int, steps: int) -> dict[str, float]:
    """Seconds a picture by the way."""
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.build(Path(folder) / "models")
        packs = (*(ROOT / "bench/packs" / name for name in ("samplers", "wide")), ROOT / "tests/host/packs/patches")
        with Comfy(Path(folder), packs, ("--use-pytorch-cross-attention",)) as comfy:
            for seed in range(rounds):
                for way, sampler in WAYS.items():
                    graph = {
                        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
                        "wide": node("BenchWide"),
                        "positive": node("CLIPTextEncode", clip=["load", 1], text="a harbour"),
                        "negative": node("CLIPTextEncode", clip=["load", 1], text="fog"),
                        "latent": node("EmptyLatentImage", width=8 * side, height=8 * side, batch_size=1),
                        "sigmas": node(
                            "BasicScheduler", model=["wide", 0], scheduler="normal", steps=steps, denoise=1.0
                        ),
                        "sampler": sampler,
                        "sample": node(
                            "BenchRun",
                            model=["wide", 0],
                            **{name: [name, 0] for name in ("positive", "negative", "latent", "sampler", "sigmas")},
                            seed=seed,
                        ),
                    }
                    [seconds] = comfy.run(comfy.complete(graph), 1800)["sample"]["processor"]
                    spent.setdefault(way, []).append(seconds)
    return {way: statistics.median(each) for way, each in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=32, help="of the picture, in latent pixels")
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    spent = measure(args.rounds, args.side, args.steps)
    ratio = spent["gradual latent"] / spent["euler_ancestral"]
    for way, seconds in spent.items():
        print(f"{way:20}{seconds:8.2f} s a picture")
    print(json.dumps({"name": "gradual", "ratio": round(ratio, 2), "picture": spent, "side": args.side}))


if __name__ == "__main__":
    main()

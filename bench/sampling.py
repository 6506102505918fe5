"""gen_img's ways of sampling: what a step costs with each, against a step without.

    python bench/sampling.py [--rounds 5] [--side 32] [--steps 2]

Needs a ComfyUI (see the README). The model is a UNet of SD1.5 in full width with random weights in single precision, see
``packs/wide``. Each figure is what the processor spent on all steps of a run, on one thread, of the same number of steps; all ways run in
turns, and the median counts. A way that says so is compared with another one than the plain run.

``ratio`` in the last line is what Negative Scale costs, which asks the model for three rows in the place of two.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))

from host.comfy import Comfy, node  # noqa: E402
from models import checkpoint  # noqa: E402

MODEL, CLIP = ["wide", 0], ["load", 1]
CFG = 5.0
COST = 1.8
"""What Negative Scale may cost at most."""


class Way(NamedTuple):
    """A way to sample.

    Attributes:
        nodes: how its graph differs from that of :func:`plain`. Its latent comes from ``begin`` and is that of ``sample`` in the end.
        against: what it is compared with.
    """

    nodes: dict[str, Any] = {}  # noqa: RUF012
    against: str = "plain"


def guided(model: list[Any]) -> dict[str, Any]:
    return node("CFGGuider", model=model, positive=["positive", 0], negative=["negative", 0], cfg=CFG)


def shrunk(**how: Any) -> Way:
    inputs = {"depth_1": 0, "timesteps_1": 650, "depth_2": -1, "timesteps_2": 350, "ratio": 0.5, **how}
    return Way({"shrink": node("ResonanceDeepShrink", model=MODEL, **inputs), "guider": guided(["shrink", 0])})


WAYS = {
    "plain": Way(),
    "negative scale": Way(
        {
            "scale": node("ResonanceNegativeScale", model=MODEL, clip=CLIP, negative_scale=2.0),
            "guider": guided(["scale", 0]),
        }
    ),
    "deep shrink, depth 0, to 650": shrunk(),
    "deep shrink, depth 0, to the end": shrunk(timesteps_1=0),
}


def plain(side: int, steps: int, seed: int) -> dict[str, Any]:
    return {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "wide": node("BenchWide"),
        "positive": node("CLIPTextEncode", clip=CLIP, text="a red boat"),
        "negative": node("CLIPTextEncode", clip=CLIP, text="fog"),
        "guider": guided(MODEL),
        "noise": node("RandomNoise", noise_seed=seed),
        "sampler": node("KSamplerSelect", sampler_name="euler"),
        "sigmas": node("BasicScheduler", model=MODEL, scheduler="normal", steps=steps, denoise=1.0),
        "latent": node("EmptyLatentImage", width=8 * side, height=8 * side, batch_size=1),
        "begin": node("BenchClock", value=["latent", 0], after=["guider", 0]),
        "sample": node(
            "SamplerCustomAdvanced",
            noise=["noise", 0],
            guider=["guider", 0],
            sampler=["sampler", 0],
            sigmas=["sigmas", 0],
            latent_image=["begin", 0],
        ),
        "end": node("BenchClock", value=["sample", 0]),
    }


def measure(rounds: int, side: int, steps: int) -> dict[str, float]:
    """Seconds a step by the way."""
    spent: dict[str, list[float]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        checkpoint.build(base / "models")
        packs = (*(ROOT / "bench/packs" / name for name in ("clock", "wide")), ROOT / "tests/host/packs/patches")
        with Comfy(base, packs, ("--use-pytorch-cross-attention",)) as comfy:
            for seed in range(rounds + 1):
                for name, way in WAYS.items():
                    out = comfy.run(comfy.complete({**plain(side, steps, seed), **way.nodes}), 1800)
                    begin, end = (out[clock]["processor"][0] for clock in ("begin", "end"))
                    if seed:  # in the first one models are loaded
                        spent[name].append((end - begin) / steps)
    return {name: statistics.median(each) for name, each in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=32, help="of the picture, in latent pixels")
    parser.add_argument("--steps", type=int, default=2)
    args = parser.parse_args()
    step = measure(args.rounds, args.side, args.steps)
    costs = {name: step[name] / step[way.against] for name, way in WAYS.items()}
    print(f"{'way':36}{'s a step':>10}{'cost':>7}  against")
    for name, way in WAYS.items():
        print(f"{name:36}{step[name]:10.2f}{costs[name]:7.2f}  {way.against}")
    print(f"Negative Scale costs {costs['negative scale']:.2f} of a step without, asked: at most {COST}")
    figures = {"costs": {name: round(cost, 3) for name, cost in costs.items()}, "step": step}
    print(json.dumps({"name": "sampling", "ratio": round(costs["negative scale"], 2), **figures, "side": args.side}))


if __name__ == "__main__":
    main()

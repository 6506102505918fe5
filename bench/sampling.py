"""gen_img's ways of sampling: what a step costs with each, against a step without.

    python bench/sampling.py [--rounds 5] [--side 24] [--steps 4]

Needs a ComfyUI (see the README). The model is a UNet of SD1.5 in full width with random weights in single precision, see
``packs/wide``. Each figure is what the processor spent on a whole run, on one thread, by the number of its steps; all ways run in turns, and
the median counts. In the terms of a picture: Gradual Latent grows from a half over three quarters, and Highres Fix paints all steps in half
width and height, and half of them again in full size; Gradient Guidance takes a gradient through the UNet, a tiny VAE and VGG16.

``ratio`` in the last line is what Negative Scale costs, which asks the model for three rows in the place of two.
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
from models.guides import FILE, build_guides  # noqa: E402

MODEL, CLIP = ["wide", 0], ["load", 1]
CFG = 5.0
COST = 1.8
"""What Negative Scale may cost at most."""


def guided(model: list[Any]) -> dict[str, Any]:
    return node("CFGGuider", model=model, positive=["positive", 0], negative=["negative", 0], cfg=CFG)


def shrunk(**how: Any) -> dict[str, Any]:
    inputs = {"depth_1": 0, "timesteps_1": 650, "depth_2": -1, "timesteps_2": 350, "ratio": 0.5, **how}
    return {"shrink": node("ResonanceDeepShrink", model=MODEL, **inputs), "guider": guided(["shrink", 0])}


def sampled(noise: list[Any], sigmas: list[Any], latent: list[Any]) -> dict[str, Any]:
    known = {"guider": ["guider", 0], "sampler": ["sampler", 0]}
    return node("SamplerCustomAdvanced", noise=noise, sigmas=sigmas, latent_image=latent, **known)


def scheduled(steps: int | list[Any], denoise: float | list[Any] = 1.0) -> dict[str, Any]:
    return node("BasicScheduler", model=MODEL, scheduler="normal", steps=steps, denoise=denoise)


def fixed(side: int, steps: int) -> dict[str, Any]:
    full = {
        "width": 8 * side,
        "height": 8 * side,
        "steps": steps,
        "strength": 0.5,
        "seed": 1,
        "method": "latent bicubic",
    }
    return {
        "latent": node("EmptyLatentImage", width=4 * side, height=4 * side, batch_size=1),
        "first": sampled(["noise", 0], ["sigmas", 0], ["begin", 0]),
        "highres": node("ResonanceHighresFix", samples=["first", 0], vae=["load", 2], **full),
        "second sigmas": scheduled(["highres", 2], ["highres", 3]),
        "sample": sampled(["highres", 5], ["second sigmas", 0], ["highres", 0]),
    }


def ways(side: int, steps: int) -> dict[str, dict[str, Any]]:
    """How the graph of each differs from that of :func:`plain`. Its latent comes from ``begin`` and is that of ``sample`` in the end."""
    scale = node("ResonanceNegativeScale", model=MODEL, clip=CLIP, negative_scale=2.0)
    gradual = node("ResonanceGradualLatent", timesteps=750, ratio=0.5, ratio_step=0.25, every_n_steps=1)
    vgg = {"guide": "picture by VGG16", "guide.image": ["grey", 0], "guide.vgg": FILE, "guide.layer": 20}
    pull = node("ResonanceGradientGuidance", model=MODEL, vae=["load", 2], **vgg)
    grey = node("EmptyImage", width=8 * side, height=8 * side, batch_size=1, color=0x808080)
    return {
        "plain": {},
        "negative scale": {"scale": scale, "guider": guided(["scale", 0])},
        "deep shrink, depth 0, to 650": shrunk(),
        "deep shrink, depth 0, to the end": shrunk(timesteps_1=0),
        "gradual latent": {"sampler": gradual},
        "highres fix": fixed(side, steps),
        "gradient guidance by VGG16": {"grey": grey, "pull": pull, "guider": guided(["pull", 0])},
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
        "sigmas": scheduled(steps),
        "latent": node("EmptyLatentImage", width=8 * side, height=8 * side, batch_size=1),
        "begin": node("BenchClock", value=["latent", 0], after=["guider", 0]),
        "sample": sampled(["noise", 0], ["sigmas", 0], ["begin", 0]),
        "end": node("BenchClock", value=["sample", 0]),
    }


def measure(rounds: int, side: int, steps: int) -> dict[str, float]:
    """Seconds a step by the way."""
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        checkpoint.build(base / "models")
        build_guides(base / "models")
        packs = (*(ROOT / "bench/packs" / name for name in ("clock", "wide")), ROOT / "tests/host/packs/patches")
        with Comfy(base, packs, ("--use-pytorch-cross-attention",)) as comfy:
            for seed in range(rounds + 1):
                for name, nodes in ways(side, steps).items():
                    out = comfy.run(comfy.complete({**plain(side, steps, seed), **nodes}), 1800)
                    begin, end = (out[clock]["processor"][0] for clock in ("begin", "end"))
                    if seed:  # in the first one models are loaded
                        spent.setdefault(name, []).append((end - begin) / steps)
    return {name: statistics.median(each) for name, each in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=24, help="of the picture, in latent pixels")
    parser.add_argument("--steps", type=int, default=4)
    args = parser.parse_args()
    step = measure(args.rounds, args.side, args.steps)
    costs = {name: seconds / step["plain"] for name, seconds in step.items()}
    print(f"{'way':36}{'s a step':>10}{'cost':>7}")
    for name, cost in costs.items():
        print(f"{name:36}{step[name]:10.2f}{cost:7.2f}")
    print(f"Negative Scale costs {costs['negative scale']:.2f} of a step without, asked: at most {COST}")
    figures = {"costs": {name: round(cost, 3) for name, cost in costs.items()}, "step": step}
    print(json.dumps({"name": "sampling", "ratio": round(costs["negative scale"], 2), **figures, "side": args.side}))


if __name__ == "__main__":
    main()

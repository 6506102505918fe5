"""Region attention (dense diffusion as in Omost) against the formula as written: the score matrix in memory, masks per head.

    python bench/regions.py [--rounds 7]

Three layouts of six parts with 231 tokens each, in the layers of SD1.5 and SDXL at 1024 x 1024, held as models hold them. All
ways run in turns; the median counts, and all must give the same numbers. First one thread against the formula, then all
threads against scaled_dot_product_attention under a mask that is made beforehand. Memory is the peak of what PyTorch's
allocator gave out in one call, as its profiler notes it (on a GPU its own statistics); for ours that includes making the plan.

Then whole sampling steps in a real ComfyUI (see the README; left out where there is none): a tiny SDXL at 768 x 768 with
six regions against one prompt of the same 1386 tokens, with PyTorch's attention as on graphics cards, and with ComfyUI's
sub-quadratic attention, its default on a processor.

``ratio`` in the last line is that of 64 x 64 with 10 heads of 64, the worst of the layouts.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["KINETO_LOG_LEVEL"] = "99"  # else the profiler tells of every start and stop

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))

from host.comfy import Comfy, node  # noqa: E402
from models import checkpoint  # noqa: E402
from places import find_comfyui  # noqa: E402

from bench.encode import canvas as six_regions  # noqa: E402
from resonance.attention.methods.couple import AttentionCouple  # noqa: E402
from resonance.attention.methods.omost import OmostDense  # noqa: E402
from resonance.attention.parts import resize  # noqa: E402
from resonance.canvas.canvas import GRID  # noqa: E402
from resonance.canvas.listing import write  # noqa: E402
from resonance.canvas.vocabulary import rect  # noqa: E402

LAYOUTS = {
    "lighthouse": (
        ("on the top", "no offset", "a large horizontal area"),
        ("on the bottom", "no offset", "a large horizontal area"),
        ("on the right", "slightly to the upper", "a medium-sized vertical area"),
        ("on the left", "slightly to the lower", "a small horizontal area"),
        ("on the bottom-right", "no offset", "a medium-sized square area"),
    ),
    "portrait": (
        ("in the center", "no offset", "a large square area"),
        ("on the top", "no offset", "a medium-sized horizontal area"),
        ("in the center", "slightly to the lower", "a medium-sized square area"),
        ("on the left", "slightly to the lower", "a medium-sized vertical area"),
        ("on the bottom-right", "slightly to the upper-left", "a small square area"),
    ),
    "market": (
        ("on the top", "slightly to the lower", "a large horizontal area"),
        ("in the center", "no offset", "a medium-sized square area"),
        ("on the left", "slightly to the upper", "a small square area"),
        ("on the bottom", "slightly to the left", "a small horizontal area"),
        ("on the right", "slightly to the lower", "a medium-sized vertical area"),
    ),
}
LAYERS = ((64, 8, 40, 7.0), (64, 10, 64, 6.0), (32, 20, 64, 4.0))
"""Side in latent pixels, heads, numbers per head, and the ratio that is asked for."""
TOKENS = (231,) * 6


def grids(layout: str) -> torch.Tensor:
    masks = torch.zeros(6, GRID, GRID)
    masks[0] = 1
    for mask, place in zip(masks[1:], LAYOUTS[layout], strict=True):
        top, bottom, left, right = rect(*place)
        mask[top:bottom, left:right] = 1
    return masks


def naive(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """The formula as Omost and its ports compute it."""
    heads, pixels = q.shape[1], q.shape[2]
    mask = torch.cat([m[:, None].repeat(1, n) for m, n in zip(masks.flatten(1), TOKENS, strict=True)], 1)[None]
    scale = (pixels / mask.sum(1, keepdim=True))[:, None].repeat(1, heads, 1, 1)
    allowed = (mask > 0.5)[:, None].repeat(1, heads, 1, 1)
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3]) * scale.to(q)
    scores.masked_fill_(~allowed, -math.inf)
    return scores.softmax(3) @ v


def masked(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, allowed: torch.Tensor, scale: torch.Tensor
) -> torch.Tensor:
    """The same from PyTorch's fused attention."""
    return F.scaled_dot_product_attention(q, k * scale, v, attn_mask=allowed)


def under_mask(masks: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.tensor(TOKENS, device=masks.device)
    masks = masks.flatten(1).repeat_interleave(tokens, 0)
    return (masks > 0.5).T.contiguous(), (masks.shape[1] / masks.sum(1))[:, None].to(dtype)


def seconds(ways: list[Callable[[], Any]], rounds: int, device: str) -> list[float]:
    """The median of each, all in turns."""
    times: list[list[float]] = [[] for _ in ways]
    for turn in range(rounds + 1):
        for way, spent in zip(ways, times, strict=True):
            begin = time.perf_counter()
            way()
            if device == "cuda":
                torch.cuda.synchronize()
            if turn:
                spent.append(time.perf_counter() - begin)
    return [statistics.median(spent) for spent in times]


def peak(way: Callable[[], Any], device: str) -> int:
    """Bytes at the peak of a call, beside what was there before."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        way()
        return torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as seen:
        kept = way()
    assert kept is not None
    changes = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = highest = 0
    for change in sorted(changes, key=lambda e: e.start_ns()):
        held += change.nbytes()
        highest = max(highest, held)
    return highest


def attention(device: str, rounds: int) -> list[dict[str, Any]]:
    threads, dtype = torch.get_num_threads(), torch.float16 if device == "cuda" else torch.float32
    print(f"{device}, {dtype}, {threads} threads")
    print(
        f"{'layer':14}{'layout':12}{'naive s':>9}{'ours s':>8}{'ratio':>7}{'asked':>7}{'memory':>8}"
        f"{'| masked s':>12}{'ours s':>8}{'ratio':>7}{'couple s':>10}{'difference':>12}"
    )
    figures: list[dict[str, Any]] = []
    for side, heads, width, asked in LAYERS:
        for layout in LAYOUTS:
            torch.manual_seed(0)
            q, k, v = (
                torch.randn(1, n, heads * width, device=device).unflatten(2, (heads, width)).transpose(1, 2)
                for n in (side * side, sum(TOKENS), sum(TOKENS))
            )
            masks = resize(grids(layout), side, side).to(device)
            plan = OmostDense().plan(masks, TOKENS, (1.0,) * 6)
            formula = naive(q, k, v, masks)
            results = plan.cross(q, k, v, 0.0), masked(q, k, v, *under_mask(masks, q.dtype))
            differences = [(one - formula).abs().max().item() for one in results]
            assert max(differences) < 1e-4, "all ways must give the same numbers"
            del formula, results
            q, k, v = (t.to(dtype) for t in (q, k, v))
            ours, theirs = partial(plan.cross, q, k, v, 0.0), partial(naive, q, k, v, masks)
            fused = partial(masked, q, k, v, *under_mask(masks, dtype))
            couple = partial(AttentionCouple().plan(masks, TOKENS, (1.0,) * 6).cross, q, k, v, 0.0)

            def anew(q: Any = q, k: Any = k, v: Any = v, masks: Any = masks) -> Any:
                plan = OmostDense().plan(masks, TOKENS, (1.0,) * 6)
                return plan, plan.cross(q, k, v, 0.0)

            torch.set_num_threads(1)
            slow, fast = seconds([theirs, ours], rounds, device)
            memory = peak(anew, device) / peak(theirs, device)
            torch.set_num_threads(threads)
            under, all_threads, coupled = seconds([fused, ours, couple], rounds, device)
            figures.append(
                {
                    "layer": f"{side}x{side} {heads}x{width}",
                    "layout": layout,
                    "asked": asked,
                    "naive": slow,
                    "ours": fast,
                    "ratio": slow / fast,
                    "memory": memory,
                    "masked": under,
                    "ours all threads": all_threads,
                    "ratio to masked": under / all_threads,
                    "couple": coupled,
                    "difference": differences[0],
                }
            )
            print(
                f"{figures[-1]['layer']:14}{layout:12}{slow:9.3f}{fast:8.3f}{slow / fast:7.1f}{asked:7.1f}{memory:8.3f}"
                f"{under:12.4f}{all_threads:8.4f}{under / all_threads:7.2f}{coupled:10.4f}{differences[0]:12.1e}",
                flush=True,
            )
    return figures


METHODS: dict[str, dict[str, Any]] = {
    "attention couple": {"base_weight": 0.2, "feather": 0.0, "capture": "off"},
    "dense diffusion (omost)": {"capture": "off"},
}


ATTENTION = {"pytorch": ("--use-pytorch-cross-attention",), "sub-quadratic": ()}


def steps(rounds: int, attention: str) -> dict[str, float]:
    """Seconds per step, the median over all steps but the first of each run."""
    spent: dict[str, list[float]] = {"one prompt": [], **{method: [] for method in METHODS}}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        checkpoint.build_families(base / "models")
        packs = (ROOT / "bench/packs/steps", ROOT / "tests/host/packs/patches")
        with Comfy(base, packs, ATTENTION[attention], env={"OMP_NUM_THREADS": str(torch.get_num_threads())}) as comfy:
            for seed in range(rounds + 1):
                for way, seconds in spent.items():
                    [found] = [
                        out["seconds"] for out in comfy.run(step(comfy, way, seed), 600).values() if "seconds" in out
                    ]
                    if seed:
                        seconds += found
    medians = {way: statistics.median(seconds) for way, seconds in spent.items()}
    for way, median in medians.items():
        share = median / medians["one prompt"]
        print(f"{attention:14}{way:26}{median:7.2f} s per step, {share:.2f} of one prompt's", flush=True)
    return medians


def step(comfy: Comfy, way: str, seed: int) -> dict[str, Any]:
    """A graph that samples four steps, with six regions or with all their words as one prompt."""
    model, positive = ["load", 0], ["words", 0]
    graph = {
        "load": node("LoadSmall", ckpt_name="tiny_sdxl.safetensors"),
        "canvas": node("ResonanceCanvas", canvas_text=write(six_regions())),
        "none": node("CLIPTextEncode", clip=["load", 1], text=""),
        "latent": node("EmptyLatentImage", width=768, height=768, batch_size=1),
    }
    placed = {"clip": ["load", 1], "canvas": ["canvas", 0]}
    if way in METHODS:
        settings = {f"method.{name}": value for name, value in METHODS[way].items()}
        graph["words"] = node("ResonanceRegions", model=model, method=way, **settings, negative=["none", 0], **placed)
        model, positive = ["words", 0], ["words", 1]
    else:
        graph["words"] = node("ResonanceEncodeCanvas", **placed)
    sampled = {"model": model, "positive": positive, "negative": ["none", 0], "latent": ["latent", 0]}
    graph["sample"] = node("BenchSample", steps=4, seed=seed, **sampled)
    return comfy.complete(graph)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    figures = {
        device: attention(device, args.rounds)
        for device in ("cpu", "cuda")
        if device == "cpu" or torch.cuda.is_available()
    }
    per_step = {way: steps(min(args.rounds, 3), way) for way in ATTENTION} if find_comfyui() else {}
    second = [row["ratio"] for row in figures["cpu"] if row["layer"] == "64x64 10x64"]
    print(json.dumps({"name": "regions", "ratio": round(min(second), 2), **figures, "step": per_step}, default=float))


if __name__ == "__main__":
    main()

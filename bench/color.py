"""Colour matching of a 1-megapixel float picture in a chain: the reference is prepared once, the pictures go by.

    python bench/color.py

The yardstick is scikit-image: ``rgb2lab``, matching of a* and b*, ``lab2rgb``; once with ``match_histograms``, once with the
reference's different values and quantiles prepared. ``ratio`` is the time of the faster one by ours, for the worse of two
pictures: a float one, and one with the many equal values of an 8-bit photograph. Checked in the run, before colours are
clipped to the gamut: LAB, and what matching makes of the same LAB, are the same within 0.001. (From picture to matched LAB the
last bit of a float32 may be a rank, and a rank a hundredth where the reference has few values: there scikit-image's float32
differs from its float64, too; ours must on average be no farther than twice as much from that.) With a graphics card the times there are told, too.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.color import lab2rgb, rgb2lab
from skimage.exposure import match_histograms

sys.path.insert(0, str(Path(__file__).parents[1]))

from resonance.vary.color import Correction, Reference, match, match_lab  # noqa: E402
from resonance.vary.lab import to_lab  # noqa: E402

SIDE, RUNS = 1024, 9
HOW = Correction()
"""Colours fully matched, lightness left alone: the same work on both sides."""


def picture(seed: int) -> torch.Tensor:
    """Slow changes and grain ``[1, H, W, 3]``, as in a photograph."""
    draw = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.linspace(0, 1, SIDE), torch.linspace(0, 1, SIDE), indexing="ij")
    waves = (
        0.5 + 0.35 * torch.sin(6 * torch.rand(4, generator=draw) @ torch.stack([x, y, x * y, x - y]).view(4, -1))
        for _ in "rgb"
    )
    grain = 0.02 * torch.randn(SIDE * SIDE, 3, generator=draw)
    return (torch.stack(list(waves), 1) + grain).clamp(0, 1).view(1, SIDE, SIDE, 3)


class Yardstick:
    """The reference's LAB ``[H, W, 3]``, prepared."""

    def __init__(self, reference: np.ndarray):
        self.channels = [np.ascontiguousarray(channel) for channel in np.moveaxis(reference, -1, 0)]
        self.prepared = []
        for channel in self.channels:
            values, counts = np.unique(channel, return_counts=True)
            self.prepared.append((np.cumsum(counts) / channel.size, values))

    def exposure(self, lab: np.ndarray) -> np.ndarray:
        for c in (1, 2):
            lab[..., c] = match_histograms(lab[..., c], self.channels[c])
        return lab

    def unique(self, lab: np.ndarray) -> np.ndarray:
        for c in (1, 2):
            _, place, counts = np.unique(lab[..., c], return_inverse=True, return_counts=True)
            mapped = np.interp(np.cumsum(counts) / lab[..., c].size, *self.prepared[c])
            lab[..., c] = mapped[place].reshape(lab.shape[:2])
        return lab


def times(ways: dict[str, Callable[[], Any]], runs: int = RUNS) -> dict[str, float]:
    """Median milliseconds of each way; they take turns."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(runs + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if run:
                found[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(each) for name, each in found.items()}


def check(image: torch.Tensor, reference: torch.Tensor) -> float:
    """The largest difference in LAB, of conversion and of matching."""
    lab, other = to_lab(image.view(-1, 3)), to_lab(reference.view(-1, 3))
    ours, theirs = (channels.T.reshape(SIDE, SIDE, 3).numpy() for channels in (lab, other))  # copies
    converted = abs(ours - rgb2lab(image[0].numpy())).max()
    yardstick = Yardstick(theirs)
    wanted = yardstick.exposure(ours.copy())
    assert np.array_equal(wanted, yardstick.unique(ours))
    match_lab(lab, Reference.of(reference), HOW)
    found = lab.T.view(SIDE, SIDE, 3).numpy()
    matched = abs(found - wanted).max()
    assert max(converted, matched) < 1e-3, (converted, matched)
    truth, single = (
        Yardstick(rgb2lab(reference[0].numpy().astype(kind))).exposure(rgb2lab(image[0].numpy().astype(kind)))
        for kind in (np.float64, np.float32)
    )
    assert abs(found - truth).mean() < 2 * abs(single - truth).mean()
    return float(max(converted, matched))


def measure(image: torch.Tensor, reference: torch.Tensor) -> dict[str, float]:
    """Milliseconds of each way."""
    ours, pixels = Reference.of(reference), image[0].numpy()
    yardstick = Yardstick(rgb2lab(reference[0].numpy()))
    ways = {
        "resonance": lambda: match(image, ours, HOW),
        "scikit-image": lambda: lab2rgb(yardstick.exposure(rgb2lab(pixels))),
        "prepared": lambda: lab2rgb(yardstick.unique(rgb2lab(pixels))),
    }
    return times(ways)


def on_card(image: torch.Tensor, reference: torch.Tensor) -> float:
    """Milliseconds on the graphics card. ``set_sync_debug_mode`` cannot tell copies from waits, so the profiler looks."""
    image, ours = image.cuda(), Reference.of(reference.cuda())

    def way() -> None:
        match(image, ours, HOW)
        torch.cuda.synchronize()

    way()
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        way()
    # The number of groups of equal values comes back, 8 bytes at a time, but no pixels.
    fetched = [event.name for event in profile.events() if "DtoH" in event.name]
    assert len(fetched) <= 8, fetched
    assert match(image, ours, HOW).is_cuda
    return times({"card": way})["card"]


def main() -> None:
    float_ = picture(1)
    pictures = {"float": float_, "8 bit": (float_ * 255).round() / 255}
    reference = picture(2)
    found = {name: (measure(image, reference), check(image, reference)) for name, image in pictures.items()}
    print(f"{SIDE} x {SIDE} pixels, {torch.get_num_threads()} threads, median of {RUNS}, milliseconds")
    print(f"{'':8} {'resonance':>10} {'scikit-image':>13} {'prepared':>9} {'ratio':>6} {'LAB differs by':>15}")
    ratios: dict[str, float] = {}
    for name, (each, difference) in found.items():
        ratios[name] = min(each["scikit-image"], each["prepared"]) / each["resonance"]
        numbers = f"{each['resonance']:10.1f} {each['scikit-image']:13.1f} {each['prepared']:9.1f}"
        print(f"{name:8} {numbers} {ratios[name]:6.2f} {difference:15.1e}")
    card = {name: round(on_card(image, reference), 2) for name, image in pictures.items() if torch.cuda.is_available()}
    if card:
        print(f"on {torch.cuda.get_device_name()}: {card}")
    result = {
        "name": "color",
        "ratio": round(min(ratios.values()), 2),
        "ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "milliseconds": {name: {way: round(ms, 1) for way, ms in each.items()} for name, (each, _) in found.items()},
        "difference": max(difference for _, difference in found.values()),
        "card_milliseconds": card,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

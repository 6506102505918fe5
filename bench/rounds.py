"""What a session costs: opening it over 10,000 pictures, and per item flushes, CPU, memory and model loads.

    python bench/rounds.py [--pictures 10000] [--items 300]

Needs a ComfyUI (see the README). Flushes are counted with strace and left out where there is none. The yardstick of the
last line's ``ratio`` is the same session with nothing kept between pictures, so that each one loads its checkpoint, as it
happens to every loader that hangs below a changing input.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from host.comfy import Comfy, node  # noqa: E402
from host.graphs import check_whole, quick  # noqa: E402
from models import checkpoint  # noqa: E402
from places import PACK  # noqa: E402

PACKS = (PACK / "tests/host/packs/probe", PACK / "bench/packs/meter")
WORKFLOW = {"nodes": [{"id": n, "title": f"{n:0100d}"} for n in range(800)]}
SMALL = {f"sizes.{a}_{s}": 64 for a in ("landscape", "portrait", "square") for s in ("width", "height")}


def pictures(base: Path, folder: str, count: int) -> None:
    path = base / "input" / folder
    path.mkdir(parents=True)
    Image.new("RGB", (48, 32), (255, 0, 0)).save(path / "0.png")
    data = (path / "0.png").read_bytes()
    for number in range(1, count):
        (path / f"{number}.png").write_bytes(data)


def opening(comfy: Comfy, count: int) -> float:
    """Seconds from the press of Run until the first of ``count`` pictures is committed."""
    pictures(comfy.base, "many", count)
    graph = quick("many", "many", keep_going=False)
    comfy.run(quick("warm", "items", keep_going=False))
    start = time.monotonic()
    comfy.run(graph)
    return time.monotonic() - start


def script(comfy: Comfy, count: int) -> float:
    """Server CPU seconds per picture when a client posts the same work with core's loader and saver."""
    graph: dict[str, Any] = {
        "2": node("ProbeDescribe", image=["1", 0], lineage="", round=1),
        "4": node("ProbePaint", text=["2", 0]),
        "5": node("SaveImage", images=["4", 0], filename_prefix="script/x"),
    }
    before = cpu(comfy)
    for number in range(count):
        graph["1"] = node("LoadImage", image=f"items/{number}.png")
        graph["4"]["inputs"]["seed"] = number
        comfy.wait(comfy.queue(graph, workflow=WORKFLOW))
    return (cpu(comfy) - before) / count


def cpu(comfy: Comfy) -> float:
    assert comfy.process
    times = psutil.Process(comfy.process.pid).cpu_times()
    return times.user + times.system


def rss(comfy: Comfy) -> float:
    assert comfy.process
    return psutil.Process(comfy.process.pid).memory_info().rss / 2**20


def session(comfy: Comfy, count: int) -> dict[str, float]:
    """A session of quick pictures with a workflow of 100 kB: CPU and memory per item."""
    comfy.queue(quick("warm up", "items", paint={"fail": "none"}), workflow=WORKFLOW)
    time.sleep(1)
    while comfy.get("/resonance/rounds/warm up")["done"] < 60:
        time.sleep(0.05)
    comfy.post("/resonance/rounds/warm up/pause")
    comfy.idle()
    before, memory, ours = cpu(comfy), rss(comfy), comfy.get("/meter")
    comfy.queue(quick("items", "items"), workflow=WORKFLOW)
    comfy.idle()
    spent = {key: value - ours.get(key, 0) for key, value in comfy.get("/meter").items()}
    check_whole(comfy, "items", 1, count)
    nodes = spent["next_work"] + spent["store_words"] + spent["save"] - spent["encode_png"]
    return {
        "server": (cpu(comfy) - before) / count,
        "nodes": nodes / count,
        "keeping": (nodes - spent["pictures"]) / count,
        "growth": rss(comfy) - memory,
    }


def flushes(base: Path, few: int = 20, many: int = 60) -> float | None:
    """fsync and fdatasync calls for one item more, seen by strace."""
    if not shutil.which("strace"):
        return None
    log = base / "strace.log"
    tracer = ("strace", "-D", "-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", str(log))
    calls = [0]
    with Comfy(base, PACKS, before=tracer) as comfy:
        for count in (few, many):
            name = f"flushed {count}"
            pictures(base, name, count)
            comfy.queue(quick(name, name))
            comfy.idle()
            check_whole(comfy, name, 1, count)
            calls.append(log.read_text().count("sync("))
    first, second = calls[1], calls[2] - calls[1]
    return (second - first) / (many - few)


def loads(comfy: Comfy, count: int, keep: bool) -> tuple[int, float]:
    """How often the checkpoint is read for ``count`` pictures of one session, and seconds per picture."""
    name = f"loads {keep}"
    graph = {
        "roulette": node("ResonanceModelRoulette", text='model.checkpoint = "tiny_sd15.safetensors"'),
        "in": node(
            "ResonanceRoundInput", session=name, first_folder="loads", rounds=1, keep_going=keep, plan=["roulette", 0]
        ),
        "models": node("ResonanceLoadDrawn", item=["in", 1]),
        "text": node("CLIPTextEncode", clip=["models", 1], text="red"),
        "size": node("ResonanceLatentForImage", image=["in", 0], sizes="own sizes", **SMALL),
        "sampler": node(
            "KSampler",
            model=["models", 0],
            positive=["text", 0],
            negative=["text", 0],
            latent_image=["size", 0],
            steps=1,
            cfg=1.0,
        ),
        "picture": node("VAEDecode", samples=["sampler", 0], vae=["models", 2]),
        "out": node("ResonanceRoundOutput", images=["picture", 0], item=["in", 1]),
    }
    graph = comfy.complete(graph)
    comfy.post("/free", {"unload_models": True, "free_memory": True})
    from_ = len(comfy.read_log())
    start = time.monotonic()
    for _ in range(1 if keep else count):
        if not keep:
            comfy.post("/free", {"unload_models": True, "free_memory": True})
        comfy.wait(comfy.queue(graph))
        comfy.idle()
    wall = (time.monotonic() - start) / count
    check_whole(comfy, name, 1, count)
    return comfy.read_log()[from_:].count("model weight dtype"), wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base"
        checkpoint.build(base / "models")
        pictures(base, "items", asked.items)
        pictures(base, "loads", 10)
        with Comfy(base, PACKS) as comfy:
            opened = opening(comfy, asked.pictures)
            ours = session(comfy, asked.items)
            theirs = script(comfy, asked.items)
            kept, reloaded = loads(comfy, 10, keep=True), loads(comfy, 10, keep=False)
        calls = flushes(Path(folder) / "traced")

    rows = [
        ("open a session and make its first picture", f"{opened:.2f} s", f"{asked.pictures} pictures", "< 10 s"),
        ("CPU of the round nodes per item", f"{ours['nodes'] * 1e3:.2f} ms", "PNG encoding apart", "<= 3 ms"),
        ("the same without reading the picture", f"{ours['keeping'] * 1e3:.2f} ms", "ledger, chain, files", ""),
        (
            "CPU of the whole server per item",
            f"{ours['server'] * 1e3:.2f} ms",
            f"core's own nodes: {theirs * 1e3:.2f} ms",
            "",
        ),
        (
            "flushes per item",
            "not counted" if calls is None else f"{calls:.2f}",
            "words, picture, folder, ledger",
            "<= 4",
        ),
        ("memory growth", f"{ours['growth']:.1f} MB", f"{asked.items} items, workflow of 100 kB", "< 25 MB"),
        ("checkpoint loads for 10 items", f"{kept[0]}", f"nothing kept: {reloaded[0]}", "1"),
        ("seconds per item, one checkpoint", f"{kept[1]:.2f} s", f"nothing kept: {reloaded[1]:.2f} s", ""),
    ]
    for what, figure, beside, limit in rows:
        print(f"{what:45} {figure:>12}   {beside:38} {limit}")
    print(
        json.dumps(
            {
                "name": "rounds",
                "ratio": round(reloaded[1] / kept[1], 2),
                "open_s": round(opened, 2),
                "cpu_nodes_ms": round(ours["nodes"] * 1e3, 2),
                "cpu_keeping_ms": round(ours["keeping"] * 1e3, 2),
                "cpu_server_ms": round(ours["server"] * 1e3, 2),
                "cpu_server_core_nodes_ms": round(theirs * 1e3, 2),
                "flushes": calls if calls is None else round(calls, 2),
                "growth_mb": round(ours["growth"], 1),
                "loads": kept[0],
                "loads_nothing_kept": reloaded[0],
            }
        )
    )


if __name__ == "__main__":
    main()

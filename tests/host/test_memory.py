"""What is kept between runs, and letting go of it."""

import json
import threading
import time
from typing import Any

from .comfy import Comfy, node


def test_freeing_memory_while_prompts_run_never_stops_the_server(comfy: Comfy):
    """Models that die while ComfyUI walks through its list of them would end the thread that runs prompts."""
    stop = threading.Event()

    def free() -> None:
        while not stop.is_set():
            comfy.post("/free", {"unload_models": True, "free_memory": True})
            time.sleep(0.03)

    threads = [threading.Thread(target=free) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(12):
            text = "[1]" if number % 2 else "[2]"
            draw = {"checkpoint": "tiny_sd15.safetensors", "loras": [], "triggers": text, "neg_triggers": ""}
            item = {"draw": draw, "phase": "paint"}
            comfy.run(painted(item, number), timeout=60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def painted(item: dict[str, Any], seed: int) -> dict[str, Any]:
    return {
        "item": node("ProbeItem", text=json.dumps(item)),
        "models": node("ResonanceLoadDrawn", item=["item", 0], vae="from checkpoint"),
        "text": node("CLIPTextEncode", clip=["models", 1], text="red"),
        "size": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sampler": node(
            "KSampler",
            model=["models", 0],
            positive=["text", 0],
            negative=["text", 0],
            latent_image=["size", 0],
            seed=seed,
            steps=1,
            cfg=1.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "out": node("ProbeValue", value=["sampler", 0]),
    }


def test_what_is_freed_is_gone_without_another_run(comfy: Comfy):
    draw = {"checkpoint": "tiny_sd15_b.safetensors", "loras": [], "triggers": "", "neg_triggers": ""}
    comfy.run(painted({"draw": draw, "phase": "paint"}, 1))
    assert comfy.get("/probe/models") > 0
    comfy.post("/free", {"unload_models": True, "free_memory": True})
    for _ in range(5):
        time.sleep(2)
        if (alive := comfy.get("/probe/models")) == 0:
            break
    assert alive == 0

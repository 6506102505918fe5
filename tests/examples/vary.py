"""Variations of a picture, an exploration of a prompt, and a long chain."""

from typing import Any

from host.comfy import node

from .example import CHECKPOINT, Example

FILES = f"""
**Files**

| file | goes to |
|---|---|
{CHECKPOINT}"""

VARY = """## Vary one picture

"This one is nearly right: give me many like it." Six pairs of guidance and strength, each with three seeds, from one picture; the sheet
has a number and a label for each.

**Change first**

1. The picture in **Load Image**, and the words: they should say what is in it.
2. **Transform**: *normal* stays close, *shake* looks around, *focus* and *god* go far, *enhance* and *finalize* clean up. Its table shows
   what will be run.
3. To keep them all as they are made, set *save_as* of **Vary** to *on*.
"""

EXPLORE = """## Explore a prompt

Every combination of aspects and scales, seed after seed, one picture per run.

**Change first**

1. The prompt in **Explore**; behind | stands the negative. The aspects, scales, and how many seeds (0: until you stop it).
2. Press **Run** once. Pictures are in *output/explore*, in a folder for each prompt; the gallery in the sidebar shows them.
   Pause and go on there; after a crash press Run again.
3. Widen it: add an aspect or a scale and press Run. Only what is missing is made.
"""

DRIFT = """## Fifty steps without drift

A picture varied fifty times, each time from the result before, with its colours held by the first picture, and the chain as a video.

**Change first**

1. The picture in **Load Image**, and the words: the chain goes where they say.
2. Set *color* of **Vary** to *none* to see what happens without it: most models turn magenta and dark.
3. The pictures are in *output/fifty steps*. Stop whenever you like: Run goes on behind the last one.
"""


def vary(transform: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {
        "1": node("LoadImage", image="example.png"),
        "2": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "3": node("CLIPTextEncode", clip=["2", 1], text="a fox in the snow, soft morning light"),
        "4": node("CLIPTextEncode", clip=["2", 1], text="worst quality, low quality"),
        "5": node("ResonanceTransform", **transform),
        "6": node(
            "ResonanceVary",
            model=["2", 0],
            vae=["2", 2],
            positive=["3", 0],
            negative=["4", 0],
            image=["1", 0],
            transform=["5", 0],
            **settings,
        ),
    }


def one() -> dict[str, Any]:
    return {
        **vary({"transform": "shake"}, color="adaptive"),
        "7": node("ResonanceContactSheet", images=["6", 0], labels=["6", 1]),
        "8": node("PreviewImage", images=["7", 0]),
    }


def fifty() -> dict[str, Any]:
    own = {"transform": "own program", "transform.program": "6@.35", "transform.loop_to_loop": True}
    return {
        **vary({**own, "iterations": 50}, color="anchored", save_as="on", **{"save_as.session": "fifty steps"}),
        "7": node("CreateVideo", images=["6", 0], fps=6.0),
        "8": node("SaveVideo", video=["7", 0], filename_prefix="video/fifty steps"),
    }


def explore() -> dict[str, Any]:
    return {
        "1": node(
            "ResonanceExplore", prompts="a lighthouse on a cliff, storm, oil painting --n blurry, text", sizes="SDXL"
        ),
        "2": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "3": node("CLIPTextEncode", clip=["2", 1], text=["1", 1]),
        "4": node("CLIPTextEncode", clip=["2", 1], text=["1", 2]),
        "5": node(
            "KSampler",
            model=["2", 0],
            positive=["3", 0],
            negative=["4", 0],
            latent_image=["1", 3],
            seed=["1", 8],
            steps=["1", 7],
            cfg=["1", 6],
            sampler_name="ddim",
            scheduler="ddim_uniform",
            denoise=1.0,
        ),
        "6": node("VAEDecode", samples=["5", 0], vae=["2", 2]),
        "7": node(
            "ResonanceRoundOutput", images=["6", 0], item=["1", 0], folder_rule="prompt hash", name_rule="variation"
        ),
    }


EXAMPLES = {
    "Vary one picture": Example(one(), [["note", "2"], ["1", "3", "4"], ["5"], ["6"], ["7", "8"]], VARY + FILES),
    "Explore a prompt": Example(explore(), [["note", "2"], ["1"], ["3", "4", "5"], ["6", "7"]], EXPLORE + FILES),
    "Fifty steps without drift": Example(
        fifty(), [["note", "2"], ["1", "3", "4"], ["5"], ["6"], ["7", "8"]], DRIFT + FILES
    ),
}

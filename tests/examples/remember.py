"""Rounds that look at the picture with which they began."""

from typing import Any

from host.comfy import node

from .canvas import TABLE
from .example import CHECKPOINT, Example, Inner
from .reference import MODELS, PLUS_SDXL, VIT_H


def remember() -> dict[str, Any]:
    return {
        "1": node("ResonanceRoundInput", session="remembered", first_folder="[samples]", rounds=3, seed=0),
        "2": node("ResonanceLoadTagger", model="automatic"),
        "3": node("ResonanceTagImages", tagger=["2", 0], images=["1", 0]),
        "4": node("ResonanceRoundWords", item=["1", 1], tags=["3", 0]),
        "5": node("ResonanceComposePrompt", tags=["4", 0], negative="worst quality, low quality", duplicates="remove"),
        "6": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "7": node("CLIPTextEncode", clip=["6", 1], text=["5", 0]),
        "8": node("CLIPTextEncode", clip=["6", 1], text=["5", 1]),
        "9": node("PrimitiveFloat", value=0.4),
        # The words fade in the upper half of the slider.
        "10": node("ConditioningZeroOut", conditioning=["7", 0]),
        "11": node("ComfyMathExpression", expression="min(1, 2 - 2 * a)", **{"values.a": ["9", 0]}),
        "12": node(
            "ConditioningAverage",
            conditioning_to=["7", 0],
            conditioning_from=["10", 0],
            conditioning_to_strength=["11", 0],
        ),
        "13": node("CLIPVisionLoader", clip_name=VIT_H),
        "14": node(
            "ResonanceReferencePicture",
            model=["6", 0],
            conditioning=["12", 0],
            image=["1", 7],  # first
            way="IP-Adapter",
            strength=["9", 0],
            **{"way.adapter": PLUS_SDXL, "way.clip_vision": ["13", 0]},
        ),
        "15": node(
            "ResonanceLatentForImage",
            batch_size=1,
            image=["1", 0],
            **{"sizes": "nearest bucket", "sizes.bucket_side": 1024},
        ),
        "16": node(
            "KSampler",
            model=["14", 0],
            positive=["14", 1],
            negative=["8", 0],
            latent_image=["15", 0],
            seed=["1", 5],
            steps=25,
            cfg=7.0,
            sampler_name="euler_ancestral",
            scheduler="normal",
            denoise=1.0,
        ),
        "17": node("VAEDecode", samples=["16", 0], vae=["6", 2]),
        "18": node("ResonanceRoundOutput", images=["17", 0], item=["1", 1], words=["5", 0]),
    }


NOTE = """## Rounds that remember the picture

Pictures become words, and these become new pictures, round after round. Each round also looks at the picture with which its
lineage began, Round Input's output *first*, so that style and subject are not lost on the way.

**Change first**

1. Choose your **checkpoint** and the **adapter** in the node in the middle.
2. If you have no tagger yet, switch **download** on there once.
3. Press **Run** once. Nine pictures are made: see **Rounds** in the sidebar, or *output/remembered*.

Then move the slider, choose another session name, and Run. 0: only **what was said**; 0.3 to 0.5: the words lead, the picture
holds style and subject; 1: only **what was seen**.

Do not give the same picture twice: as latent with a low denoise *and* as reference at full strength. Nothing is left to the words then.
"""
FILES = f"""| [{PLUS_SDXL}]({MODELS[PLUS_SDXL][0]}), for SDXL | *models/ipadapter* |
| [model.safetensors]({MODELS[VIT_H][0]}), saved as *{VIT_H}* | *models/clip_vision* |
| a tagger, or none yet | *models/taggers* |
"""

EXAMPLES = {
    "Rounds that remember the picture": Example(
        remember(),
        [["note"], ["1"], ["inner"], ["18"]],
        NOTE + TABLE + CHECKPOINT + FILES,
        inner=Inner(
            "Tag, look and paint",
            tuple(map(str, range(2, 18))),
            (
                ("CheckpointLoaderSimple", "ckpt_name", "checkpoint"),
                ("PrimitiveFloat", "value", "said (0) to seen (1)"),
                ("ResonanceReferencePicture", "way.adapter", "adapter"),
                ("CLIPVisionLoader", "clip_name", "clip vision"),
                ("ResonanceLoadTagger", "model", "tagger"),
                ("ResonanceLoadTagger", "download", "download"),
            ),
        ),
    )
}

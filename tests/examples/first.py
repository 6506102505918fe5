"""The first round: Round Input, one node that does everything, Round Output."""

from typing import Any

from host.comfy import node

from .canvas import TABLE
from .example import CHECKPOINT, Example, Inner


def first() -> dict[str, Any]:
    return {
        "1": node("ResonanceRoundInput", session="first round", first_folder="[samples]", rounds=3, seed=0),
        "2": node("ResonanceLoadTagger", model="automatic"),
        "3": node("ResonanceTagImages", tagger=["2", 0], images=["1", 0]),
        "4": node("ResonanceRoundWords", item=["1", 1], tags=["3", 0]),
        "5": node("ResonanceComposePrompt", tags=["4", 0], negative="worst quality, low quality", duplicates="remove"),
        "6": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "7": node("CLIPTextEncode", clip=["6", 1], text=["5", 0]),
        "8": node("CLIPTextEncode", clip=["6", 1], text=["5", 1]),
        "9": node(
            "ResonanceLatentForImage",
            batch_size=1,
            image=["1", 0],
            **{"sizes": "nearest bucket", "sizes.bucket_side": 768},
        ),
        "10": node(
            "ImageScale", image=["1", 0], upscale_method="lanczos", width=["9", 1], height=["9", 2], crop="center"
        ),
        "11": node("VAEEncode", pixels=["10", 0], vae=["6", 2]),
        "12": node("PrimitiveFloat", value=0.5),
        "13": node("ComfyMathExpression", expression="1 - 0.65 * a", **{"values.a": ["12", 0]}),
        "14": node(
            "KSampler",
            model=["6", 0],
            positive=["7", 0],
            negative=["8", 0],
            latent_image=["11", 0],
            seed=["1", 5],
            steps=25,
            cfg=7.0,
            sampler_name="euler_ancestral",
            scheduler="normal",
            denoise=["13", 0],
        ),
        "15": node("VAEDecode", samples=["14", 0], vae=["6", 2]),
        "16": node("ResonanceRoundOutput", images=["15", 0], item=["1", 1], words=["5", 0]),
    }


NOTE = """## First round

Three pictures become words, the words become three new pictures, and these are the next round's input.

**Change first**

1. Choose your **checkpoint** in the node in the middle: any that has CLIP and VAE.
2. If you have no tagger yet, switch **download** on there: *wd-vit-tagger-v3* is fetched once, 0.4 GB.
3. Press **Run** once. Nine pictures are made: see **Rounds** in the sidebar, or *output/first round*.

Then move **close to the picture**: at 0 the words alone make the next picture, at 1 it stays close to the one before. Choose
another session name, and Run.

Your own pictures: drop them on **Round Input**, or press **Upload pictures** there.
"""

EXAMPLES = {
    "First round": Example(
        first(),
        [["note"], ["1"], ["inner"], ["16"]],
        NOTE + TABLE + CHECKPOINT + "| a tagger, or none yet | *models/taggers* |\n",
        inner=Inner(
            "Tag, compose and paint",
            tuple(map(str, range(2, 16))),
            (
                ("CheckpointLoaderSimple", "ckpt_name", "checkpoint"),
                ("PrimitiveFloat", "value", "close to the picture"),
                ("ResonanceLoadTagger", "model", "tagger"),
                ("ResonanceLoadTagger", "download", "download"),
            ),
        ),
    )
}

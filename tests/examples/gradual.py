"""A large picture that begins small."""

from typing import Any

from host.comfy import node

from .canvas import TABLE
from .example import CHECKPOINT, Example

NOTE = """## Gradual latent

A picture larger than the model was made for, without a second pass: it is sampled at half the size first, where the model knows how to compose, and
grows in four steps of the same run. Fewer doubled figures, and less time than at the full size.

**Change first**

1. Choose your checkpoint: SD1.5, SD2 or SDXL.
2. Write your prompt, and set the size in *Empty Latent Image*: what comes out has it.
3. Press **Run**. With **timesteps** at 0 it is *euler_ancestral*, for comparison.

| in Gradual Latent | means |
|---|---|
| timesteps | higher: it begins to grow earlier |
| ratio | how small it begins |
| ratio_step, every_n_steps | how fast it grows |
| unsharp | on: crisper edges each time |

Where there are too few steps to grow, it says what to set. With *item* of **Prompt Lines** each line sets its own: --glt 700 --glr 0.4.

"""


def grown() -> dict[str, Any]:
    prompt = "a red lighthouse on a cliff above a calm sea, two fishing boats, morning light"
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "2": node("CLIPTextEncode", clip=["1", 1], text=prompt),
        "3": node("CLIPTextEncode", clip=["1", 1], text="worst quality, low quality"),
        "4": node("EmptyLatentImage", width=1536, height=1536, batch_size=1),
        "5": node("ResonanceGradualLatent"),
        "6": node("ResonancePerPictureNoise", sampler=["5", 0], seed=1),
        "7": node("CFGGuider", model=["1", 0], positive=["2", 0], negative=["3", 0], cfg=6.0),
        "8": node("BasicScheduler", model=["1", 0], scheduler="normal", steps=28, denoise=1.0),
        "9": node(
            "SamplerCustomAdvanced",
            noise=["6", 0],
            guider=["7", 0],
            sampler=["6", 1],
            sigmas=["8", 0],
            latent_image=["4", 0],
        ),
        "10": node("VAEDecode", samples=["9", 0], vae=["1", 2]),
        "11": node("SaveImage", images=["10", 0], filename_prefix="gradual latent"),
    }


EXAMPLES = {
    "Gradual latent": Example(
        grown(),
        [["note", "1"], ["2", "3", "4"], ["5", "6"], ["7", "8", "9", "10"], ["11"]],
        NOTE + TABLE + CHECKPOINT,
        {"2": 200, "3": 160, "11": 420},
    )
}

"""Prompt lines, and choices in rounds."""

from typing import Any

from host.comfy import node

from .canvas import TABLE
from .example import CHECKPOINT, Example
from .rounds import rounds

TAGGER = "| a tagger, if you have none: switch on *download* in **Load Tagger** once, 0.4 GB | *models/taggers* |\n"

LINES = """\
# one picture a line, options behind --
a red barn in the snow, oil painting --w 1216 --h 832
a sailing boat at {dawn|full moon}, {1-2$$ and $$seagulls|dolphins|distant rain} --d 11,12
portrait of an old fisherman --w 832 --h 1216 --n hat, text --l 5.5
{e$$spring|summer|autumn|winter} in a mountain valley --s 20"""

NIGHT = """## Prompt lines

A text becomes a night of pictures: one line, one prompt, with a size, seeds and choices of its own. Here four lines make ten pictures.

**Change first**

1. Choose your checkpoint: SD1.5, SD2 or SDXL.
2. Press **Run** once. Pictures are in *output/prompt lines* and in **Rounds** of the sidebar. After a crash press Run again.
3. Write your own lines and press Run, also while it works: new ones join, and what is made stays.

| in a line | means |
|---|---|
| --w 832 --h 1216 | its size |
| --n hat, text | its negative prompt |
| --d 11,12 | its seeds |
| --s 20, --l 5.5 | steps, scale |
| {a\\|b} | one of them |
| {e$$a\\|b} | each of them |

Two are painted at once, **batch_size**, where their options agree. Each has its own seed and words, and comes out as it would alone. For other models: *CLIP Text Encode*
at *positive* and *negative*, and one at a time.
"""

CHOICES = """## Wildcards in rounds

Rounds in which every picture gets a style, a light and a flaw to avoid by lot. Pictures become words, your choices are put around them, and
the results are the next round's input.

**Change first**

1. Choose your checkpoint, and drop your own pictures on **Round Input**: it begins with three that come with Resonance.
2. The choices in **Compose Prompt**: {a\\|b} takes one of them. What is drawn follows from the picture's seed.
3. Press **Run** once. Results are in *output/wildcards in rounds* and in **Rounds** of the sidebar.

For long lists write a file *styles.txt*, a style a line, and \\_\\_styles\\_\\_ where one of them shall stand. Tags and captions choose nothing, whatever
they hold.
"""
WILDCARDS = "| files of choices, if you like | *models/wildcards*, or *wildcards* in *user/__resonance* |\n"


def night() -> dict[str, Any]:
    return {
        "1": node(
            "ResonancePromptLines",
            session="prompt lines",
            lines=LINES,
            width=1024,
            height=1024,
            steps=25,
            images_per_prompt=2,
            batch_size=2,
        ),
        "2": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "3": node("ResonanceEncodeLine", clip=["2", 1], negative="worst quality, low quality", item=["1", 0]),
        "4": node("KSamplerSelect", sampler_name="euler_ancestral"),
        "5": node("ResonancePerPictureNoise", sampler=["4", 0], item=["1", 0]),
        "6": node("BasicScheduler", model=["2", 0], scheduler="normal", steps=["1", 7], denoise=["1", 9]),
        "7": node("CFGGuider", model=["2", 0], positive=["3", 0], negative=["3", 1], cfg=["1", 6]),
        "8": node(
            "SamplerCustomAdvanced",
            noise=["5", 0],
            guider=["7", 0],
            sampler=["5", 1],
            sigmas=["6", 0],
            latent_image=["1", 3],
        ),
        "9": node("VAEDecode", samples=["8", 0], vae=["2", 2]),
        "10": node("ResonanceRoundOutput", images=["9", 0], item=["1", 0], next_round_takes="none"),
    }


def wildcards() -> dict[str, Any]:
    graph = rounds(caption=False)
    graph["1"]["inputs"] |= {"session": "wildcards in rounds", "first_folder": "[samples]", "rounds": 2}
    graph["2"]["inputs"]["model"] = "automatic"
    graph["5"]["inputs"] |= {
        "preamble": "{oil painting|woodcut|2::watercolour}, {low sun|fog|moonlight}",
        "negative": "worst quality, {2$$text|frame|people|blurry}",
        "wildcards": True,
        "wildcard_seed": ["1", 5],
    }
    return graph


HIGHRES = """## Highres fix

Models lose the thread in sizes that they were not trained on. Here each picture is painted small first, then scaled up and painted again in full size.

**Change first**

1. Choose your checkpoint. The first pass should have about the size that it was trained on: 1536 x **highres_scale** 0.65 is 992, for SDXL; for SD1.5 take 1024
and 0.5.
2. Press **Run** once. Pictures are in *output/highres fix*, each beside that of its first pass, and in **Rounds** of the sidebar.
3. **strength** of Prompt Lines, or --t of a line: how much the second pass makes anew. 0.3 keeps more, 0.6 adds more.

| method of Highres Fix | scales |
|---|---|
| lanczos | the picture |
| latent bicubic, latent bilinear | the latents |
| latent upscaler | the picture, then sd-scripts' network (SD1.5, SD2) |

The second pass has the seed after the first one's. A picture of a batch comes out as it does alone.
"""
SCALED = """\
a lighthouse on a cliff above a stormy sea, oil painting
a tower of books in a library, candle light --w 1152 --h 1536 --t 0.4"""


def highres() -> dict[str, Any]:
    sampling = {"guider": ["8", 0], "sampler": ["6", 1]}
    return {
        "1": node(
            "ResonancePromptLines",
            session="highres fix",
            lines=SCALED,
            width=1536,
            height=1536,
            steps=30,
            strength=0.5,
            highres_scale=0.65,
        ),
        "2": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "3": node("ResonanceEncodeLine", clip=["2", 1], negative="worst quality, low quality", item=["1", 0]),
        "5": node("KSamplerSelect", sampler_name="euler_ancestral"),
        "6": node("ResonancePerPictureNoise", sampler=["5", 0], item=["1", 0]),
        "7": node("BasicScheduler", model=["2", 0], scheduler="normal", steps=["1", 16], denoise=["1", 17]),
        "8": node("CFGGuider", model=["2", 0], positive=["3", 0], negative=["3", 1], cfg=["1", 6]),
        "9": node("SamplerCustomAdvanced", noise=["6", 0], sigmas=["7", 0], latent_image=["1", 3], **sampling),
        "10": node("ResonanceHighresFix", samples=["9", 0], vae=["2", 2], item=["1", 0]),
        "11": node("BasicScheduler", model=["2", 0], scheduler="normal", steps=["10", 2], denoise=["10", 3]),
        "12": node("SamplerCustomAdvanced", noise=["10", 5], sigmas=["11", 0], latent_image=["10", 0], **sampling),
        "13": node("VAEDecode", samples=["12", 0], vae=["2", 2]),
        "14": node("ResonanceRoundOutput", images=["13", 0], item=["1", 0], before=["10", 1], next_round_takes="none"),
    }


EXAMPLES = {
    "Prompt lines": Example(
        night(),
        [["note", "2"], ["1"], ["3", "4", "5"], ["6", "7", "8", "9", "10"]],
        NIGHT + TABLE + CHECKPOINT,
        {"1": 1050},
    ),
    "Highres fix": Example(
        highres(),
        [["note", "2"], ["1"], ["3", "5", "6"], ["7", "8", "9", "10"], ["11", "12", "13", "14"]],
        HIGHRES + TABLE + CHECKPOINT,
        {"1": 1050},
    ),
    "Wildcards in rounds": Example(
        wildcards(),
        [["note", "6"], ["1", "2"], ["3", "4"], ["5", "7", "8"], ["10", "11", "12", "9"]],
        CHOICES + TABLE + CHECKPOINT + TAGGER + WILDCARDS,
    ),
}

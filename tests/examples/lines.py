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


EXAMPLES = {
    "Prompt lines": Example(
        night(),
        [["note", "2"], ["1"], ["3", "4", "5"], ["6", "7", "8", "9", "10"]],
        NIGHT + TABLE + CHECKPOINT,
        {"1": 1050},
    ),
    "Wildcards in rounds": Example(
        wildcards(),
        [["note", "6"], ["1", "2"], ["3", "4"], ["5", "7", "8"], ["10", "11", "12", "9"]],
        CHOICES + TABLE + CHECKPOINT + TAGGER + WILDCARDS,
    ),
}

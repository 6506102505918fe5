"""Two people in one picture, each with a LoRA of their own."""

from typing import Any

from host.comfy import node

from .canvas import TABLE, sampled, text
from .example import CHECKPOINT, Example

SCENE = "Two friends on a bench in a park in autumn, watercolour."
FRIENDS: list[dict[str, Any]] = [
    {
        "rect": [0, 90, 0, 90],
        "prefixes": [SCENE],
        "suffixes": [
            "Yellow leaves lie on the ground.",
            "two people, bench, park, autumn leaves, soft light, watercolour",
        ],
        "color": [196, 172, 120],
        "tags": 1,
        "name": "picture",
    },
    {
        "rect": [14, 90, 4, 42],
        "prefixes": [SCENE, "A woman who laughs."],
        "suffixes": ["She wears a green coat.", "woman, laughing, short hair, green coat"],
        "color": [64, 128, 84],
        "tags": 1,
        "name": "left",
        "lora": {"file": "left character.safetensors", "strength": 0.8},
    },
    {
        "rect": [14, 90, 48, 86],
        "prefixes": [SCENE, "A man who reads a book."],
        "suffixes": ["He wears a blue scarf.", "man, glasses, reading a book, blue scarf"],
        "color": [60, 92, 168],
        "tags": 1,
        "name": "right",
        "lora": {"file": "right character.safetensors", "strength": 0.8},
    },
]
LORAS = [region["lora"]["file"] for region in FRIENDS[1:]]


def two() -> dict[str, Any]:
    graph = {
        "2": node("ResonanceCanvas", canvas_text=text(FRIENDS), width=1024, height=1024),
        "12": node("EmptyLatentImage", width=1024, height=1024, batch_size=1),
        **sampled(),
    }
    graph["16"]["inputs"]["filename_prefix"] = "two characters"
    return graph


NOTE = """## Two characters, two LoRAs

Two people in one picture. Each has words and a LoRA that act only where that person is, and the model is still asked once per step.

**Change first**

1. The LoRAs: press **Edit canvas**, select *left*, then *right*, and choose the file of each. A region takes several.
2. Their words: write the trigger word of the LoRA first, then what sets this person apart from the other.
3. Your checkpoint: Stable Diffusion 1.5, 2.x or SDXL, and LoRAs made for it. For any other model set **method** in Regions to
 *area overlay*.

If one of them looks like the other, draw the regions further apart, or raise the strength of a LoRA. A LoRA for the whole picture, such as a style,
goes before Regions with *Load LoRA*.

Places by a painted mask instead of rectangles: **Regions from Mask**.
"""
FILES = "| two LoRAs for that checkpoint, one for each person | *models/loras* |\n"

EXAMPLES = {
    "Two characters, two LoRAs": Example(
        two(),
        [["note", "10"], ["2"], ["11", "12", "13"], ["14", "15", "16"]],
        NOTE + TABLE + CHECKPOINT + FILES,
        {"2": 760},
    )
}

"""Layouts: from a chat and by hand."""

import json
from typing import Any

from host.comfy import node

from .example import CHECKPOINT, Example

STYLE = "A lighthouse and a boat in a storm at sea, oil painting."
LIGHTHOUSE = [
    {
        "rect": [0, 90, 0, 90],
        "prefixes": [STYLE],
        "suffixes": [
            "The waves are high and break on the rocks.",
            "The light is cold and the air is full of spray.",
            "storm, sea, lighthouse, boat, dramatic light, visible brush strokes",
        ],
        "color": [72, 84, 102],
        "tags": 2,
        "name": "picture",
    },
    {
        "rect": [0, 42, 0, 90],
        "prefixes": [STYLE, "Dark clouds with lightning."],
        "suffixes": ["Rain falls in the distance.", "dark clouds, lightning, rain"],
        "color": [48, 54, 72],
        "tags": 1,
        "name": "sky",
    },
    {
        "rect": [52, 90, 0, 90],
        "prefixes": [STYLE, "High green waves with white foam."],
        "suffixes": ["The foam runs down the waves.", "waves, foam, sea water"],
        "color": [40, 88, 84],
        "tags": 1,
        "name": "sea",
    },
    {
        "rect": [8, 72, 58, 82],
        "prefixes": [STYLE, "A white lighthouse on a black rock."],
        "suffixes": [
            "Its lamp is lit and its beam cuts through the rain.",
            "white lighthouse, lit lamp, beam of light",
        ],
        "color": [226, 222, 208],
        "tags": 1,
        "name": "lighthouse",
    },
    {
        "rect": [50, 78, 6, 42],
        "prefixes": [STYLE, "A small red boat on a wave."],
        "suffixes": ["Its sail is torn.", "red fishing boat, torn sail, wooden hull"],
        "color": [196, 32, 32],
        "tags": 1,
        "name": "boat",
        "negative": "lighthouse",
        "weight": 1.2,
    },
]
"""A canvas as a person writes it: far to near."""


def text(canvas: list[dict[str, Any]]) -> str:
    """The canvas as JSON that can be read in a text box: a key a line, the first on that of the brace."""
    regions = [",\n   ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in region.items()) for region in canvas]
    return "[\n " + ",\n ".join(f"{{ {region} }}" for region in regions) + "\n]"


def sampled(latent: list[Any] | None = None, denoise: float = 1.0) -> dict[str, Any]:
    """Words of the canvas ``canvas`` bound to places, and a picture of them."""
    return {
        "10": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "11": node("CLIPTextEncode", clip=["10", 1], text="blurry, text, watermark"),
        "13": node(
            "ResonanceRegions",
            **{"method": "attention couple", "method.base_weight": 0.2, "method.feather": 2.0, "method.capture": "off"},
            model=["10", 0],
            clip=["10", 1],
            canvas=["2", 0],
            negative=["11", 0],
        ),
        "14": node(
            "KSampler",
            model=["13", 0],
            positive=["13", 1],
            negative=["13", 2],
            latent_image=latent or ["12", 0],
            seed=0,
            steps=25,
            cfg=6.0,
            sampler_name="dpmpp_2m",
            scheduler="karras",
            denoise=denoise,
        ),
        "15": node("VAEDecode", samples=["14", 0], vae=["10", 2]),
        "16": node("SaveImage", images=["15", 0], filename_prefix="canvas"),
    }


def chat() -> dict[str, Any]:
    # The default of system is the text for JSON; empty stands for what belongs to answer_form.
    asks = {"answer_form": "omost program", "force_grammar": True, "system": ""}
    return {
        "1": node("ResonanceLoadLLM", model="omost-llama-3-8b-q8_0.gguf", mmproj="none"),
        "3": node(
            "ResonanceCanvasChat",
            llm=["1", 0],
            message="a lighthouse in a storm, a red boat on the left",
            unload_after=False,
            **asks,
        ),
        "2": node(
            "ResonanceCanvasChat",
            llm=["1", 0],
            message="Make it night, and the boat smaller.",
            conversation=["3", 1],
            unload_after=True,
            **asks,
        ),
        "4": node("ResonanceRenderCanvas", canvas=["2", 0], width=1024, height=1024, blur=0),
        "5": node("PreviewImage", images=["4", 0]),
        "12": node("EmptyLatentImage", width=1024, height=1024, batch_size=1),
        **sampled(),
    }


def by_hand() -> dict[str, Any]:
    return {
        "2": node("ResonanceCanvas", canvas_text=text(LIGHTHOUSE), width=1024, height=1024),
        "4": node("ResonanceRenderCanvas", canvas=["2", 0], vae=["10", 2], width=1024, height=1024, blur=40),
        "5": node("PreviewImage", images=["4", 0]),
        **sampled(latent=["4", 2], denoise=0.98),
    }


LLM = (
    "| a GGUF file of omost-llama-3-8b ([search](https://huggingface.co/models?library=gguf&search=omost-llama-3-8b)),"
    " or any language model | *models/llm* |\n"
)
TABLE = "\n**Files**\n\n| file | goes to |\n|---|---|\n"

EXAMPLES = {
    "Canvas chat": Example(
        chat(),
        [["note", "10"], ["1", "3"], ["2", "11", "12"], ["13", "4", "5"], ["14", "15", "16"]],
        "## Canvas chat\n\nA language model lays out a picture: what is where, in words and rectangles. A second message"
        " corrects it. Then each part is painted where the layout says.\n\n**Change first**\n\n"
        "1. The **message** in the first Canvas Chat, and the correction in the second.\n"
        "2. The language model. Another one than Omost's: set **answer_form** to *json* in both. A server instead of a file:"
        " put **Connect LLM** in the place of Load LLM.\n"
        "3. Your checkpoint: Stable Diffusion 1.5, 2.x or SDXL. For any other model set **method** in Regions to"
        " *area overlay*.\n\nThe layout appears on the node while it is written. The preview shows its colours. With the"
        " same seed the model is not asked again.\n" + TABLE + LLM + CHECKPOINT,
    ),
    "Canvas by hand": Example(
        by_hand(),
        [["note", "10", "11"], ["2"], ["4", "5", "13"], ["14", "15", "16"]],
        "## Canvas by hand\n\nA layout: the whole picture, and regions from far to near, each with words of its own.\n\n"
        "**Change first**\n\n"
        "1. The words and places in **Canvas**: press **Edit canvas**, drag the boat to the right, write what it looks like, and"
        " save. The text above the picture is the same layout.\n"
        "2. Your checkpoint: Stable Diffusion 1.5, 2.x or SDXL. For any other model set **method** in Regions to"
        " *area overlay*.\n\nThe picture starts from the layout's colours, blurred: **denoise** is 0.98. For a free start"
        " connect *Empty Latent Image* and set it to 1.\n" + TABLE + CHECKPOINT,
        {"2": 760},
    ),
}

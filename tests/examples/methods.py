"""One canvas, every way to bind its words to places."""

from typing import Any

from host.comfy import node

from .canvas import LIGHTHOUSE, TABLE, text
from .example import CHECKPOINT, Example

AREA = {"global_strength": 0.2, "region_strength": 0.8}
METHODS: dict[str, dict[str, Any]] = {
    "area overlay": AREA,
    "area average": AREA,
    "attention couple": {"base_weight": 0.2, "feather": 2.0, "capture": "off"},
    "dense diffusion (omost)": {"capture": "off"},
    "dense diffusion (paper)": {
        **{"creg": 1.0, "sreg": 0.3, "sizereg": 1.0, "steps": 0.3, "fade": 5.0},
        "capture": "off",
    },
}
TITLE = "above: the layout, area overlay, area average\nbelow: attention couple, dense diffusion (omost), dense diffusion (paper)"
ROWS = [(str(10 * number), str(10 * number + 1)) for number in range(1, len(METHODS) + 1)]
"""Regions and sampler of each method."""


def compared() -> dict[str, Any]:
    graph = {
        "1": node("ResonanceCanvas", canvas_text=text(LIGHTHOUSE), width=1024, height=1024),
        "2": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "3": node("CLIPTextEncode", clip=["2", 1], text="blurry, text, watermark"),
        "4": node("EmptyLatentImage", width=1024, height=1024, batch_size=1),
        "5": node("PrimitiveInt", value=0),
        "6": node("ResonanceRenderCanvas", canvas=["1", 0], width=1024, height=1024, blur=0),
        "7": node("BatchLatentsNode", **{f"latents.latent{k}": [row[1], 0] for k, row in enumerate(ROWS)}),
        "8": node("VAEDecode", samples=["7", 0], vae=["2", 2]),
        "9": node("BatchImagesNode", **{"images.image0": ["6", 0], "images.image1": ["8", 0]}),
        "80": node("ImageGrid", images=["9", 0], columns=3, cell_width=768, cell_height=768, padding=8),
        "81": node("TextOverlay", images=["80", 0], text=TITLE, font_size=2.0, position="bottom"),
        "82": node("SaveImage", images=["81", 0], filename_prefix="region methods"),
    }
    for (regions, sampler), (method, values) in zip(ROWS, METHODS.items(), strict=True):
        graph[regions] = node(
            "ResonanceRegions",
            method=method,
            **{f"method.{k}": v for k, v in values.items()},
            model=["2", 0],
            clip=["2", 1],
            canvas=["1", 0],
            negative=["3", 0],
        )
        graph[sampler] = node(
            "KSampler",
            model=[regions, 0],
            positive=[regions, 1],
            negative=[regions, 2],
            latent_image=["4", 0],
            seed=["5", 0],
            steps=25,
            cfg=6.0,
            sampler_name="dpmpp_2m",
            scheduler="karras",
            denoise=1.0,
        )
    return graph


NOTE = """## Region methods compared

One canvas, one seed, all five methods of **Regions** on one sheet; the first picture is the layout itself.

**Which one to take**

- **attention couple**: start here; each region reads its own words only, and borders are soft.
- **dense diffusion (omost)**: for many and small regions, and for pictures as Omost's demo made them.
- **dense diffusion (paper)**: for the freest pictures, where a rough place is enough.
- **area overlay**: for models of other families, and for a DoRA in one region; slower, because it asks the model once per region.
- **area average**: the same, with softer overlaps, because regions that overlap share the place.

**Change first**

1. Words and places in **Canvas**, then the seed in **Int**: all five take it.
2. Your checkpoint: Stable Diffusion 1.5, 2.x or SDXL. With any other model mute (Ctrl+M) the lower
   three samplers.
"""

EXAMPLES = {
    "Region methods compared": Example(
        compared(),
        [
            ["note", "2"],
            ["1", "3", "4", "5"],
            ["10", "20", "30", "6"],
            ["11", "21", "31", "7", "8"],
            ["40", "50", "81", "9", "80"],
            ["41", "51", "82"],
        ],
        NOTE + TABLE + CHECKPOINT,
        {"1": 540},
        ("6", "7", "8", "9", "80"),
        265,
    )
}

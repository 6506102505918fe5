"""Pictures as conditions: the ways that core and Resonance have to let a picture steer what is painted."""

from typing import Any

from host.comfy import node
from host.referring import refer

from .example import Example

Graph = dict[str, Any]
Link = list[Any]

FACE = "https://huggingface.co"
SDXL, REFINER = "sd_xl_base_1.0.safetensors", "sd_xl_refiner_1.0.safetensors"
SD15, DREAM = "v1-5-pruned-emaonly-fp16.safetensors", "DreamShaper_8_pruned.safetensors"
UNCLIP = "sd21-unclip-h.ckpt"
VIT_L, VIT_H, VIT_G = (f"clip_vision_{size}.safetensors" for size in "lhg")
STYLE, CANNY = "coadapter-style-sd15v1.pth", "control_v11p_sd15_canny_fp16.safetensors"
BASE_SD15, PLUS_SD15 = "ip-adapter_sd15.safetensors", "ip-adapter-plus_sd15.safetensors"
PLUS_SDXL = "ip-adapter-plus_sdxl_vit-h.safetensors"

MODELS = {
    SDXL: (f"{FACE}/stabilityai/stable-diffusion-xl-base-1.0/resolve/main/{SDXL}", "checkpoints"),
    REFINER: (f"{FACE}/stabilityai/stable-diffusion-xl-refiner-1.0/resolve/main/{REFINER}", "checkpoints"),
    SD15: (f"{FACE}/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/{SD15}", "checkpoints"),
    DREAM: (f"{FACE}/Lykon/DreamShaper/resolve/main/{DREAM}", "checkpoints"),
    UNCLIP: (f"{FACE}/stabilityai/stable-diffusion-2-1-unclip/resolve/main/{UNCLIP}", "checkpoints"),
    VIT_L: (f"{FACE}/openai/clip-vit-large-patch14/resolve/main/model.safetensors", "clip_vision"),
    VIT_H: (f"{FACE}/h94/IP-Adapter/resolve/main/models/image_encoder/model.safetensors", "clip_vision"),
    VIT_G: (f"{FACE}/comfyanonymous/clip_vision_g/resolve/main/{VIT_G}", "clip_vision"),
    STYLE: (f"{FACE}/TencentARC/T2I-Adapter/resolve/main/models/{STYLE}", "style_models"),
    CANNY: (f"{FACE}/comfyanonymous/ControlNet-v1-1_fp16_safetensors/resolve/main/{CANNY}", "controlnet"),
    BASE_SD15: (f"{FACE}/h94/IP-Adapter/resolve/main/models/{BASE_SD15}", "ipadapter"),
    PLUS_SD15: (f"{FACE}/h94/IP-Adapter/resolve/main/models/{PLUS_SD15}", "ipadapter"),
    PLUS_SDXL: (f"{FACE}/h94/IP-Adapter/resolve/main/sdxl_models/{PLUS_SDXL}", "ipadapter"),
}
"""Where each file is, and its folder in *models*. A node that names one carries this, and the front end offers to fetch it."""


def files(*names: str) -> str:
    """The end of a note."""
    said = ["\n**Files**, in *models*\n"]
    for name in names:
        url, folder = MODELS[name]
        renamed = "" if url.endswith(name) else f", saved as *{name}*"
        said.append(f"- [{url.rsplit('/', 1)[1]}]({url}){renamed}: *{folder}*")
    return "\n".join(said) + "\n"


def photo(name: str) -> Graph:
    """A picture of ours, see ``tests/write_samples.py``."""
    return node("LoadImage", image=f"resonance-{name}.jpg")


def empty(width: int, height: int, batch: int = 1) -> Graph:
    return node("EmptyLatentImage", width=width, height=height, batch_size=batch)


def say(text: str) -> Graph:
    return node("CLIPTextEncode", clip=["1", 1], text=text)


def sample(
    model: Link, positive: Link, negative: Link, latent: Link, seed: int, steps: int, cfg: float, how: str, **more: Any
) -> Graph:
    """``how``: sampler and scheduler."""
    sampler, scheduler = how.split()
    return node(
        "KSampler",
        model=model,
        positive=positive,
        negative=negative,
        latent_image=latent,
        seed=seed,
        steps=steps,
        cfg=cfg,
        sampler_name=sampler,
        scheduler=scheduler,
        **{"denoise": 1.0, **more},
    )


def saved(prefix: str, sampler: str = "20") -> Graph:
    """What becomes of a sampler's latent, as nodes 30 and 31."""
    return {
        "30": node("VAEDecode", samples=[sampler, 0], vae=["1", 2]),
        "31": node("SaveImage", images=["30", 0], filename_prefix=prefix),
    }


def picture_to_picture() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=SDXL),
        "2": photo("lighthouse"),
        "3": empty(1152, 896),
        "4": node("ResonanceFitToLatent", image=["2", 0], latent=["3", 0], fit="crop"),
        "5": node("VAEEncode", pixels=["4", 0], vae=["1", 2]),
        "6": say("photograph of a lighthouse on a rock at dusk, calm sea, soft light, highly detailed"),
        "7": say("blurry, horror, rendering, illustration, drawing, painting"),
        "20": sample(["1", 0], ["6", 0], ["7", 0], ["5", 0], 41, 20, 5.5, "dpmpp_2m_sde_gpu exponential", denoise=0.8),
        **saved("picture to picture"),
    }


def unclip() -> Graph:
    return {
        "1": node("unCLIPCheckpointLoader", ckpt_name=UNCLIP),
        "2": photo("lighthouse"),
        "6": say("a beautiful photograph of a lighthouse by the sea"),
        "7": say("blurry, illustration"),
        "8": empty(768, 768),
        "10": refer(["6", 0], ["2", 0], "unCLIP", model=["1", 0], clip_vision=["1", 3], noise=0.1),
        "20": sample(["10", 0], ["10", 1], ["7", 0], ["8", 0], 2, 20, 7.0, "dpmpp_3m_sde sgm_uniform"),
        **saved("unclip"),
    }


def two_unclips() -> Graph:
    graph = unclip()
    eye: dict[str, Any] = {"clip_vision": ["1", 3]}
    graph["6"] = say("a beautiful photograph of a lighthouse in the snow")
    graph["3"] = photo("winter")
    graph["10"] = refer(["6", 0], ["2", 0], "unCLIP", model=["1", 0], strength=0.75, **eye)
    graph["11"] = refer(["10", 1], ["3", 0], "unCLIP", model=["10", 0], strength=0.4, noise=0.35, **eye)
    graph["20"]["inputs"] |= {"model": ["11", 0], "positive": ["11", 1], "seed": 7}
    return graph | saved("unclip two")


def refined() -> Graph:
    graph = two_unclips()
    words = [("22", "a beautiful photograph of a lighthouse in the snow, sharp, highly detailed", 6.0)]
    words.append(("23", "blurry, illustration, low quality, noisy", 3.0))
    for id_, text, score in words:
        graph[id_] = node("CLIPTextEncodeSDXLRefiner", clip=["21", 1], text=text, ascore=score, width=1024, height=1024)
    return graph | {
        "30": node("VAEDecode", samples=["20", 0], vae=["1", 2]),
        "21": node("CheckpointLoaderSimple", ckpt_name=REFINER),
        "24": node(
            "ImageScaleToTotalPixels",
            image=["30", 0],
            upscale_method="nearest-exact",
            megapixels=1.0,
            resolution_steps=1,
        ),
        "25": node("VAEEncode", pixels=["24", 0], vae=["21", 2]),
        "26": sample(["21", 0], ["22", 0], ["23", 0], ["25", 0], 8, 12, 6.0, "dpmpp_2m karras", denoise=0.4),
        "27": node("VAEDecode", samples=["26", 0], vae=["21", 2]),
        "31": node("SaveImage", images=["27", 0], filename_prefix="unclip refined"),
        "32": node("PreviewImage", images=["30", 0]),
    }


def style(**how: Any) -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=SD15),
        "2": photo("winter"),
        "3": node("StyleModelLoader", style_model_name=STYLE),
        "4": node("CLIPVisionLoader", clip_name=VIT_L),
        "6": say("a serious man in the park"),
        "7": say("blurry, illustration, naked, text"),
        "8": empty(512, 512),
        "10": refer(
            ["6", 0], ["2", 0], "style model", model=["1", 0], style_model=["3", 0], clip_vision=["4", 0], **how
        ),
        "20": sample(["10", 0], ["10", 1], ["7", 0], ["8", 0], 10, 20, 7.0, "dpmpp_2m karras"),
        **saved("style model"),
    }


def style_first() -> Graph:
    return style(end=0.4) | saved("style first")


def adapted() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=SDXL),
        "2": photo("winter"),
        "4": node("CLIPVisionLoader", clip_name=VIT_H),
        "6": say("a fishing harbour with small boats, watercolour, highly detailed"),
        "7": say("blurry, rendering, photograph"),
        "8": empty(1024, 1024),
        "10": refer(["6", 0], ["2", 0], model=["1", 0], adapter=PLUS_SDXL, clip_vision=["4", 0], strength=0.6),
        "20": sample(["10", 0], ["10", 1], ["7", 0], ["8", 0], 2, 20, 8.0, "ddim ddim_uniform"),
        **saved("ip-adapter"),
    }


def four() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=DREAM),
        "4": node("CLIPVisionLoader", clip_name=VIT_H),
        "5": say("closeup of a great warrior on a battlefield, smoke, cinematic light"),
        "7": say("blurry"),
        "8": empty(512, 512),
        "9": sample(["1", 0], ["5", 0], ["7", 0], ["8", 0], 636250194499622, 20, 7.0, "dpmpp_2m_sde karras"),
        "11": node("VAEDecode", samples=["9", 0], vae=["1", 2]),
        "12": node("PreviewImage", images=["11", 0]),
        "6": say("(wearing a hat:1.2)"),
        "10": refer(["6", 0], ["11", 0], model=["1", 0], adapter=BASE_SD15, clip_vision=["4", 0], strength=0.7),
        "13": empty(512, 512, 4),
        "20": sample(["10", 0], ["10", 1], ["7", 0], ["13", 0], 1, 20, 5.0, "dpmpp_2m_sde karras"),
        **saved("four variations"),
    }


def canny() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=DREAM),
        "2": photo("winter"),
        "3": photo("lighthouse"),
        "4": node("CLIPVisionLoader", clip_name=VIT_H),
        "5": node("ControlNetLoader", control_net_name=CANNY),
        "6": say("a lighthouse carved in ice, highly detailed"),
        "7": say("blurry, horror, low quality"),
        "8": empty(512, 512),
        "9": node("ResonanceFitToLatent", image=["3", 0], latent=["8", 0], fit="crop"),
        "12": node("Canny", image=["9", 0], low_threshold=0.3, high_threshold=0.8),
        "10": refer(["6", 0], ["2", 0], model=["1", 0], adapter=PLUS_SD15, clip_vision=["4", 0], strength=0.7),
        "13": node(
            "ControlNetApplyAdvanced",
            positive=["10", 1],
            negative=["7", 0],
            control_net=["5", 0],
            image=["12", 0],
            strength=0.95,
            start_percent=0.0,
            end_percent=1.0,
        ),
        "20": sample(["10", 0], ["13", 0], ["13", 1], ["8", 0], 37, 25, 8.0, "ddim ddim_uniform"),
        **saved("canny and a picture"),
    }


def guided() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=SD15),
        "2": photo("winter"),
        "4": node("CLIPVisionLoader", clip_name=VIT_L),
        "6": say("a cabin in the woods, oil painting, highly detailed"),
        "7": say("blurry, text, frame"),
        "8": empty(512, 512),
        "10": node(
            "ResonanceGradientGuidance",
            model=["1", 0],
            vae=["1", 2],
            guide="picture by CLIP",
            scale=1000.0,
            start=0.0,
            end=0.8,
            shrink=0.5,
            limit=True,
            **{"guide.image": ["2", 0], "guide.clip": "none", "guide.clip_vision": ["4", 0]},
        ),
        "20": sample(["10", 0], ["6", 0], ["7", 0], ["8", 0], 12, 25, 7.0, "dpmpp_2m karras"),
        **saved("guided"),
    }


def revision() -> Graph:
    eye: dict[str, Any] = {"clip_vision": ["4", 0]}
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=SDXL),
        "2": photo("winter"),
        "3": photo("balloon"),
        "4": node("CLIPVisionLoader", clip_name=VIT_G),
        "6": say(""),
        "7": node("ConditioningZeroOut", conditioning=["6", 0]),
        "8": empty(1024, 1024),
        "10": refer(["7", 0], ["2", 0], "Revision", model=["1", 0], **eye),
        "11": refer(["10", 1], ["3", 0], "Revision", model=["10", 0], strength=0.6, noise=0.3, **eye),
        "20": sample(["11", 0], ["11", 1], ["7", 0], ["8", 0], 51, 20, 8.0, "dpmpp_2m_sde sgm_uniform"),
        **saved("revision"),
    }


def regional() -> Graph:
    eye: dict[str, Any] = {"adapter": PLUS_SDXL, "clip_vision": ["4", 0], "model": ["1", 0]}
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name=SDXL),
        "2": photo("winter"),
        "3": photo("balloon"),
        "4": node("CLIPVisionLoader", clip_name=VIT_H),
        "5": say("two paintings of one valley, a winter night on the left and a summer day on the right"),
        "6": say("a cabin in the snow under the moon"),
        "16": say("a hot air balloon over green hills"),
        "7": say("blurry, text, frame"),
        "8": empty(1216, 832),
        "10": refer(["6", 0], ["2", 0], strength=0.6, **eye),
        "11": refer(["16", 0], ["3", 0], strength=0.6, **eye),
    }
    for id_, left, name in (("12", 0.0, "left"), ("13", 0.5, "right")):
        box = {"left": left, "top": 0.0, "right": left + 0.5, "bottom": 1.0}
        graph[id_] = node(
            "ResonanceRegionFromConditioning",
            conditioning=["10" if name == "left" else "11", 1],
            place="box",
            name=name,
            **{f"place.{side}": value for side, value in box.items()},
        )
    graph["13"]["inputs"]["regions"] = ["12", 0]
    graph["14"] = node(
        "ResonanceRegions",
        model=["1", 0],
        regions=["13", 0],
        positive=["5", 0],
        negative=["7", 0],
        **{"method": "attention couple", "method.base_weight": 0.2, "method.feather": 2.0, "method.capture": "off"},
    )
    graph["20"] = sample(["14", 0], ["14", 1], ["14", 2], ["8", 0], 5, 25, 6.0, "dpmpp_2m karras")
    return graph | saved("picture in each region")


def told(name: str, what: str, first: str, vision: str, size: str, *needed: str) -> str:
    """A note: ``first`` is what to change first, ``vision`` and ``size`` are the two usual mistakes."""
    mistakes = f"**The two usual mistakes**\n\n1. *The vision model*: {vision}\n2. *The size*: {size}\n"
    return f"## {name}\n\n{what}\n\n**Change first**: {first}\n\n{mistakes}{files(*needed)}"


OWN_VISION = "the checkpoint has its own. Take **Load unCLIP Checkpoint**, not Load Checkpoint."
SQUARE = "Of a picture that is no square only the middle is seen, unless *fit* says otherwise."
STYLE_VISION = "a style model reads CLIP ViT-L. Any other is refused, with the name of the one that is needed."
PLUS_VISION = (
    "this adapter reads CLIP ViT-H, also on SDXL. Any other is refused, with the name of the one that is needed."
)

EXAMPLES = {
    "Picture to picture": Example(
        picture_to_picture(),
        [["note", "1"], ["6", "7"], ["2", "3"], ["4", "5"], ["20", "30", "31"]],
        told(
            "Picture to picture",
            "The picture is where the sampler begins, and the words say what becomes of it.",
            "the picture in **Load Image**, the words, and **denoise** in KSampler: 0.4 keeps nearly all of the picture, 0.8 its"
            " colours and places, 1 nothing.",
            "this way has none. For a new picture in the likeness of yours open *IP-Adapter with words*.",
            "**Empty Latent Image** should have one that SDXL knows, such as 1152 x 896. **Fit to Latent** brings the picture to it.",
            SDXL,
        ),
    ),
    "unCLIP": Example(
        unclip(),
        [["note", "1"], ["6", "7", "8"], ["2"], ["10"], ["20", "30", "31"]],
        told(
            "unCLIP",
            "A new picture of what yours shows. The checkpoint was trained to look at one beside the words.",
            "the picture in **Load Image**, the words, and **noise** in Reference Picture: 0 is closest to the picture, 0.1 to 0.3"
            " leave more to the words.",
            OWN_VISION,
            f"this checkpoint paints 768 x 768. {SQUARE}",
            UNCLIP,
        ),
    ),
    "unCLIP with two pictures": Example(
        two_unclips(),
        [["note", "1"], ["6", "7", "8"], ["2", "3"], ["10", "11"], ["20", "30", "31"]],
        told(
            "unCLIP with two pictures",
            "One picture with something of both: a Reference Picture for each, one behind the other.",
            "the two pictures, the words, and **strength** in each Reference Picture. The strengths add up: keep their sum near 1.",
            OWN_VISION,
            f"this checkpoint paints 768 x 768. {SQUARE}",
            UNCLIP,
        ),
    ),
    "unCLIP refined by SDXL": Example(
        refined(),
        [
            ["note", "1", "21"],
            ["6", "7", "8", "22", "23"],
            ["2", "3"],
            ["10", "11", "24", "25"],
            ["20", "30", "32"],
            ["26", "27", "31"],
        ],
        told(
            "unCLIP refined by SDXL",
            "One picture of two, then painted over in a megapixel by SDXL's refiner.",
            "the two pictures, the words (they stand in two places), and **denoise** of the second KSampler: above 0.5 the refiner"
            " begins to make things up.",
            OWN_VISION,
            "the first pass paints 768 x 768, the second a megapixel. **Scale Image to Total Pixels** sees to it.",
            UNCLIP,
            REFINER,
        ),
        width=250,
    ),
    "Style model": Example(
        style(),
        [["note", "1", "3", "4"], ["6", "7", "8"], ["2"], ["10"], ["20", "30", "31"]],
        told(
            "Style model",
            "The words say what is painted, the picture how. The style model makes words of what it sees.",
            "the picture, the words, and **strength** in Reference Picture: below 0.5 the picture says less and less. From 0.5 to 1 it"
            " has all the say that such a model gives it, and often drowns the words.",
            STYLE_VISION,
            f"Stable Diffusion 1.5 paints 512 x 512. {SQUARE}",
            SD15,
            STYLE,
            VIT_L,
        ),
        width=310,
    ),
    "Style first and words later": Example(
        style_first(),
        [["note", "1", "3", "4"], ["6", "7", "8"], ["2"], ["10"], ["20", "30", "31"]],
        told(
            "Style first and words later",
            "The picture acts in the first 40 % of the sampling, where colours and places are settled. Then the words are alone.",
            "the picture, the words, and **end** in Reference Picture: at which share of the sampling the picture is let go.",
            STYLE_VISION,
            f"Stable Diffusion 1.5 paints 512 x 512. {SQUARE}",
            SD15,
            STYLE,
            VIT_L,
        ),
        width=310,
    ),
    "IP-Adapter with words": Example(
        adapted(),
        [["note", "1", "4"], ["6", "7", "8"], ["2"], ["10"], ["20", "30", "31"]],
        told(
            "IP-Adapter with words",
            "Like this picture, but with these words.",
            "the picture, the words, and **strength** in Reference Picture: 0 is without the picture, and near 1 the words count"
            " little. Set **what** to *style* to take only how it is painted.",
            PLUS_VISION,
            f"SDXL paints a megapixel, such as 1024 x 1024 or 1152 x 896. {SQUARE}",
            SDXL,
            PLUS_SDXL,
            VIT_H,
        ),
    ),
    "Four variations": Example(
        four(),
        [["note", "1", "4"], ["5", "7", "8"], ["9", "11", "12"], ["6", "10", "13"], ["20", "30", "31"]],
        told(
            "Four variations",
            "One picture is painted from words. Four more are painted in its likeness, with other words.",
            "the words of both, and **strength** in Reference Picture: the lower, the more the four differ. To vary a picture of"
            " yours connect **Load Image** to Reference Picture.",
            "this adapter reads CLIP ViT-H. Any other is refused, with the name of the one that is needed.",
            f"Stable Diffusion 1.5 paints 512 x 512. {SQUARE}",
            DREAM,
            BASE_SD15,
            VIT_H,
        ),
        width=310,
    ),
    "Canny and a picture": Example(
        canny(),
        [["note", "1", "4", "5"], ["2", "3", "8"], ["6", "7", "9", "12"], ["10", "13"], ["20", "30", "31"]],
        told(
            "Canny and a picture",
            "The lines of one picture, with the look of another.",
            "the pictures, the words, and two strengths: that of **Apply ControlNet** for the lines, that of **Reference Picture** for"
            " the look.",
            "this adapter reads CLIP ViT-H. Any other is refused, with the name of the one that is needed.",
            "lines of another aspect would be cut off. **Fit to Latent** brings their picture to the size that is painted, here"
            " 512 x 512.",
            DREAM,
            PLUS_SD15,
            VIT_H,
            CANNY,
        ),
        width=310,
    ),
    "Guided by a picture": Example(
        guided(),
        [["note", "1", "4"], ["6", "7", "8"], ["2"], ["10"], ["20", "30", "31"]],
        told(
            "Guided by a picture",
            "At every step the picture is pulled to where CLIP sees more of yours in it. No adapter is needed, and any checkpoint of SD1.5 or"
            " SDXL will do. A step takes several times as long.",
            "the picture, the words, and **scale** in Gradient Guidance: take ten times as much, or a tenth, until the picture is seen. With"
            " **limit** it is never pulled further than CFG moves it.",
            "*clip_vision* takes a CLIP vision model of any size: ViT-L, ViT-H or ViT-bigG, but no SigLIP.",
            "the VAE is computed backwards, too, which takes memory. With **shrink** 0.5 only half as wide and high a picture is.",
            SD15,
            VIT_L,
        ),
        width=310,
    ),
    "Revision": Example(
        revision(),
        [["note", "1", "4"], ["6", "7", "8"], ["2", "3"], ["10", "11"], ["20", "30", "31"]],
        told(
            "Revision",
            "SDXL paints from pictures alone: what is seen stands where the sum of the words would stand.",
            "the two pictures, and **strength** of each. To let words act, too, connect CLIP Text Encode to the first Reference"
            " Picture, without **Conditioning Zero Out**.",
            "Revision reads CLIP ViT-bigG, not the ViT-H of most adapters.",
            f"SDXL paints a megapixel, such as 1024 x 1024 or 1152 x 896. {SQUARE}",
            SDXL,
            VIT_G,
        ),
    ),
    "A picture in each region": Example(
        regional(),
        [
            ["note", "1", "4"],
            ["5", "7", "8"],
            ["2", "3"],
            ["6", "10", "16", "11"],
            ["12", "13", "30"],
            ["14", "20", "31"],
        ],
        told(
            "A picture in each region",
            "Two regions, each with words and a picture of its own. The model is asked once per step.",
            "the pictures, the words above each Reference Picture, and the box of each **Region from Conditioning**.",
            PLUS_VISION,
            f"SDXL paints a megapixel, here 1216 x 832. {SQUARE}",
            SDXL,
            PLUS_SDXL,
            VIT_H,
        ),
        width=245,
    ),
}

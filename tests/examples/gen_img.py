"""What gen_img does and core's own nodes do as well: inpainting, a ControlNet for some of the steps, a picture through CLIP vision."""

from host.comfy import node

from .example import Example
from .reference import CANNY, DREAM, SDXL, VIT_G, Graph, empty, photo, sample, saved, say, told


def inpaint() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=DREAM),
        "2": photo("lighthouse"),
        "3": empty(512, 512),
        "8": node("SolidMask", value=0.0, width=512, height=512),
        "9": node("SolidMask", value=1.0, width=256, height=288),
        "10": node("MaskComposite", destination=["8", 0], source=["9", 0], x=256, y=0, operation="add"),
        "11": node("FeatherMask", mask=["10", 0], left=48, top=0, right=0, bottom=48),
        "4": node("ResonanceFitToLatent", image=["2", 0], latent=["3", 0], fit="crop", mask=["11", 0]),
        "5": node("VAEEncode", pixels=["4", 0], vae=["1", 2]),
        "12": node("SetLatentNoiseMask", samples=["5", 0], mask=["4", 1]),
        "6": say("a full moon over the sea, stars"),
        "7": say("blurry, low quality"),
        "20": sample(["1", 0], ["6", 0], ["7", 0], ["12", 0], 11, 28, 7.5, "euler_ancestral normal", denoise=0.8),
        **saved("inpaint"),
    }


def control_range() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=DREAM),
        "3": photo("lighthouse"),
        "5": node("ControlNetLoader", control_net_name=CANNY),
        "6": say("a castle of sand on a beach, highly detailed"),
        "7": say("blurry, low quality"),
        "8": empty(512, 512),
        "9": node("ResonanceFitToLatent", image=["3", 0], latent=["8", 0], fit="crop"),
        # canny_63_191 of gen_img, whose thresholds go to 255
        "12": node("Canny", image=["9", 0], low_threshold=0.25, high_threshold=0.75),
        "13": node(
            "ControlNetApplyAdvanced",
            positive=["6", 0],
            negative=["7", 0],
            control_net=["5", 0],
            image=["12", 0],
            strength=1.0,
            start_percent=0.0,
            end_percent=0.5,
        ),
        "20": sample(["1", 0], ["13", 0], ["13", 1], ["8", 0], 21, 28, 7.5, "euler_ancestral normal"),
        "32": node("PreviewImage", images=["12", 0]),
        **saved("controlnet range"),
    }


def clip_vision() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=SDXL),
        "2": photo("winter"),
        "3": empty(1152, 896),
        "4": node("ResonanceFitToLatent", image=["2", 0], latent=["3", 0], fit="crop"),
        "5": node("VAEEncode", pixels=["4", 0], vae=["1", 2]),
        "6": say("a cabin in the mountains, oil on canvas"),
        "7": say("blurry, low quality"),
        "8": node("CLIPVisionLoader", clip_name=VIT_G),
        "9": node("CLIPVisionEncode", clip_vision=["8", 0], image=["2", 0], crop="center"),
        "10": node(
            "unCLIPConditioning",
            conditioning=["6", 0],
            clip_vision_output=["9", 0],
            strength=0.6,
            noise_augmentation=0.0,
        ),
        "20": sample(["1", 0], ["10", 0], ["7", 0], ["5", 0], 31, 28, 7.0, "euler_ancestral normal", denoise=0.8),
        **saved("clip vision strength"),
    }


EXAMPLES = {
    "Inpaint": Example(
        inpaint(),
        [["note", "1"], ["6", "7", "3", "8"], ["2", "9", "10", "11"], ["4", "5", "12", "20"], ["30", "31"]],
        told(
            "Inpaint",
            "A part of a picture is painted anew, with any checkpoint; the rest stays. gen_img does it by --mask_path.",
            "the picture, the words, and the place: *x*, *y* in **MaskComposite**, and the size of the white mask. To draw one, right-click"
            " the picture, *Open in MaskEditor*, and connect the MASK of **Load Image** to **Fit to Latent**. **denoise**: how much is new.",
            "this way has none.",
            "picture and mask are brought to the size of **Empty Latent Image**; **FeatherMask** makes the border soft.",
            DREAM,
        ),
        width=310,
    ),
    "ControlNet range": Example(
        control_range(),
        [["note", "1", "5"], ["6", "7", "8"], ["3", "9", "12"], ["32", "13"], ["20", "30", "31"]],
        told(
            "ControlNet range",
            "The lines of a picture hold for the first half of the steps; then the words are free. gen_img does it by --control_net_ratios.",
            "the picture, the words, and **end_percent** in Apply ControlNet: 0.3 keeps only the layout, 1 every line.",
            "this way has none. For the look of a second picture open *Canny and a picture*.",
            "**Fit to Latent** brings the picture of the lines to the size that is painted, here 512 x 512.",
            DREAM,
            CANNY,
        ),
        width=300,
    ),
    "CLIP vision strength": Example(
        clip_vision(),
        [["note", "1", "8"], ["6", "7", "3"], ["2", "9"], ["4", "5", "10"], ["20", "30", "31"]],
        told(
            "CLIP vision strength",
            "Image to image, in which the model also sees what the picture shows. gen_img does it by --clip_vision_strength, for SDXL.",
            "the picture, the words, and two strengths: **strength** in unCLIPConditioning is how much the model sees, **denoise** in"
            " KSampler how much is painted anew.",
            "SDXL sees by CLIP ViT-bigG. What any other gives has another width, and the sampler fails.",
            "**Fit to Latent** brings the picture to the size of **Empty Latent Image**. CLIP sees its middle, as a square.",
            SDXL,
            VIT_G,
        ),
        width=300,
    ),
}

"""Pictures that are pulled towards something while they are made."""

import folder_paths
import torch
from comfy_api.v0_0_2 import io

from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types
from .inputs import Choice, ToldFiles, chosen

NONE = "none"
TEXT, PICTURE, FEATURES = GUIDES = ("text by CLIP", "picture by CLIP", "picture by VGG16")


# An input of several guides has one tooltip: translators, and with them the page, know it by its name alone.
def _clip() -> io.Input:
    from ..resonance.host.folders import clips

    return io.Combo.Input(
        "clip_model",
        options=ToldFiles(clips() or [NONE]),
        tooltip="A folder of models/clip_guidance, as transformers writes it: config.json, model.safetensors and, for text, a tokenizer. kohya's"
        " is laion/CLIP-ViT-B-32-laion2B-s34B-b79K. Nothing is downloaded.",
    )


def _image() -> io.Input:
    return io.Image.Input("image", tooltip="The picture that is pulled towards. One; its size does not matter.")


def _guides() -> list[io.DynamicCombo.Option]:
    text = io.String.Input(
        "text",
        multiline=True,
        default="",
        tooltip="What the picture is pulled towards, of which 75 tokens count. A prompt line's --c goes before it; where it is empty, the"
        " line's prompt counts. Weights in brackets are left out.",
    )
    vision = io.ClipVision.Input(
        "clip_vision", optional=True, tooltip="From Load CLIP Vision: takes the place of clip_model. Any kind will do."
    )
    vgg = io.Combo.Input(
        "vgg",
        options=ToldFiles(folder_paths.get_filename_list("vgg") or [NONE]),
        tooltip="A file of models/vgg with torchvision's VGG16, such as vgg16-397923af.pth. Nothing is downloaded.",
    )
    layer = io.Int.Input(
        "layer",
        default=20,
        min=0,
        max=30,
        tooltip="Which layer of VGG16 is looked at: early ones see edges and colours, late ones what is where. 20 is kohya's.",
    )
    given: dict[str, list[io.Input]] = {
        TEXT: [_clip(), text],
        PICTURE: [_image(), _clip(), vision],
        FEATURES: [_image(), vgg, layer],
    }
    return [io.DynamicCombo.Option(name, inputs) for name, inputs in given.items()]


class GradientGuidance(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceGradientGuidance",
            display_name="Gradient Guidance",
            category="Resonance/Reference",
            description="Pulls the picture towards words or another picture in each step, by the gradient of what CLIP or VGG16 sees in it:"
            " kohya's CLIP guided and VGG16 guided generation, for SD1.5, SD2 and SDXL and every sampler. A step takes two to four"
            " times as long, and far more memory.",
            search_aliases=[
                "clip guidance",
                "clip guided",
                "clip_guidance_scale",
                "clip_image_guidance_scale",
                "vgg16_guidance_scale",
                "vgg16",
                "perceptual loss",
                "gen_img",
                "kohya",
            ],
            inputs=[
                io.Model.Input("model", tooltip="SD1.5, SD2 or SDXL, behind Regions and LoRAs."),
                io.Vae.Input("vae", tooltip="The model's VAE. It decodes the picture in each step."),
                io.DynamicCombo.Input(
                    "guide",
                    options=_guides(),
                    tooltip="What is looked at: text by CLIP, how well the picture fits words. picture by CLIP: how like it is to another one, as"
                    " a whole. picture by VGG16: how like the two are at each place.",
                ),
                io.Float.Input(
                    "scale",
                    default=100.0,
                    min=0.0,
                    max=1e9,
                    step=1.0,
                    tooltip="How strongly it is pulled. kohya's value is 100. What does something differs by guide: begin there, and"
                    " multiply by ten until it shows. 0: as without this node.",
                ),
                io.Float.Input(
                    "start",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of the sampling at which it begins.",
                ),
                io.Float.Input(
                    "end", default=1.0, min=0.0, max=1.0, step=0.01, tooltip="Share of the sampling at which it ends."
                ),
                io.Float.Input(
                    "shrink",
                    default=1.0,
                    min=0.1,
                    max=1.0,
                    step=0.05,
                    tooltip="The picture is decoded with sides of this share: 0.5 takes a quarter of the time and memory of decoding.",
                ),
                io.Boolean.Input(
                    "limit",
                    default=True,
                    tooltip="A step is pulled no further than the negative prompt pushes it (the CFG scale times the distance of the two). At"
                    " CFG scale 1 there is no limit.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="From Prompt Lines: text by CLIP takes the line's --c or, without any text, its prompt.",
                ),
            ],
            outputs=[io.Model.Output(tooltip="The model, to the sampler.")],
        )

    @classmethod
    def execute(
        cls,
        model: io.Model.Type,
        vae: io.Vae.Type,
        scale: float,
        start: float,
        end: float,
        shrink: float,
        limit: bool,
        guide: Choice | None = None,
        item: Item | None = None,
    ) -> io.NodeOutput:
        from ..resonance.guidance.of_line import words
        from ..resonance.host import guides
        from ..resonance.host.guidance import guided, is_idle

        guide = chosen(guide, "guide", GUIDES)
        if is_idle(scale, start, end):
            return io.NodeOutput(model)
        match guide["guide"]:
            case "text by CLIP":
                pull = guides.clip(guide["clip_model"]).words(words(item, guide["text"]))
            case "picture by CLIP":
                see = guides.vision(guide["clip_vision"]) if _given(guide) else guides.clip(guide["clip_model"]).eye
                pull = see.picture(_one(guide["image"]))
            case _:
                pull = guides.features(guide["vgg"], guide["layer"], _one(guide["image"]))
        made = guided(model, vae, pull, scale=scale, start=start, end=end, shrink=shrink, limit=limit)
        return io.NodeOutput(made)


def _given(guide: Choice) -> bool:
    return guide.get("clip_vision") is not None


def _one(image: torch.Tensor) -> torch.Tensor:
    if len(image) != 1:
        raise Told(f"Expected one picture to guide by, got {len(image)}: take one of them.")
    return image


NODES = [GradientGuidance]

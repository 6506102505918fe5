"""Pictures that are pulled towards words or another picture while they are painted."""

from typing import TYPE_CHECKING

import folder_paths
from comfy_api.v0_0_2 import io

from ..resonance.guidance import files
from ..resonance.host import progress
from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types
from .inputs import Choice, ToldFiles, chosen

if TYPE_CHECKING:
    from ..resonance.guidance.guide import Guide


# An input of several guides has one tooltip: translators, and with them the page, know it by its name alone.
def _image() -> io.Input:
    return io.Image.Input(
        "image",
        tooltip="The picture that is pulled towards, or a batch of them, for the pictures of a batch in turn. By VGG16 it is stretched to the"
        " size of what is painted: Fit to Latent crops it instead.",
    )


def _clip(optional: bool = False) -> io.Input:
    folders = files.folders_of(folder_paths.get_filename_list(files.CLIP))
    return io.Combo.Input(
        "clip",
        options=ToldFiles([*([files.NONE] if optional or not folders else []), *folders]),
        tooltip="A folder of models/clip_guidance with the files of a CLIP, as they are on Hugging Face. Beside clip_vision it does not count.",
    )


def _vgg() -> io.Input:
    names = folder_paths.get_filename_list(files.VGG)
    return io.Combo.Input(
        "vgg",
        options=ToldFiles(names or [files.NONE]),
        tooltip="VGG16 of torchvision, a file of models/vgg: .safetensors or .pth.",
    )


def _guides() -> list[io.DynamicCombo.Option]:
    text = io.String.Input(
        "text",
        default="",
        multiline=True,
        tooltip="What the picture shall show, 75 tokens of it. Weights do not count. Empty, with item: the line's own prompt.",
    )
    layer = io.Int.Input(
        "layer",
        default=20,
        min=0,
        max=30,
        tooltip="In which layer of VGG16 the pictures are compared. The first ones see colours and edges, the last ones things.",
    )
    vision = io.ClipVision.Input(
        "clip_vision",
        optional=True,
        tooltip="What sees, in place of a folder: CLIP ViT-L, ViT-H or ViT-bigG of Load CLIP Vision.",
    )
    given: dict[str, list[io.Input]] = {
        files.TEXT: [_clip(), text],
        files.PICTURE: [_image(), _clip(optional=True), vision],
        files.VGG16: [_image(), _vgg(), layer],
    }
    return [io.DynamicCombo.Option(name, inputs) for name, inputs in given.items()]


class GradientGuidance(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceGradientGuidance",
            display_name="Gradient Guidance",
            category="Resonance/Prompt lines",
            description="Pulls the picture towards words or another picture at every step, by the gradient of what CLIP or VGG16 makes of it:"
            " kohya's CLIP, CLIP image and VGG16 guidance. For SD1.5, SD2 and SDXL, with any sampler. A step takes several times as long,"
            " and more memory.",
            search_aliases=[
                "clip guidance",
                "clip guided",
                "vgg16",
                "perceptual loss",
                "gradient",
                "image guidance",
                "kohya",
                "gen_img",
                "clip_guidance_scale",
                "vgg16_guidance_scale",
            ],
            inputs=[
                io.Model.Input("model", tooltip="SD1.5, SD2 or SDXL, behind nodes that change its schedule."),
                io.Vae.Input(
                    "vae",
                    tooltip="The VAE of the model. It decodes what the model is heading for, so that it can be judged.",
                ),
                io.DynamicCombo.Input(
                    "guide",
                    options=_guides(),
                    tooltip="What the picture is pulled towards, and what judges it.",
                ),
                io.Float.Input(
                    "scale",
                    default=100.0,
                    min=0.0,
                    max=1e6,
                    step=10.0,
                    tooltip="How strongly it is pulled. 0: not at all. What a scale does depends on guide and layer: begin with 100, and take"
                    " ten times as much until you see it.",
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
                    tooltip="To which share of its sides the picture is made smaller to be judged. 0.5: faster and with less memory, and its"
                    " details are not seen.",
                ),
                io.Boolean.Input(
                    "limit",
                    default=True,
                    tooltip="on: no step is pulled further than its CFG scale moves it. At a CFG scale of 1"
                    " there is no such limit.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="From Prompt Lines. With text by CLIP, what a line gives with --c goes before text, for its picture only.",
                ),
            ],
            outputs=[io.Model.Output(tooltip="The model; the same one as long as nothing changes.")],
            hidden=[io.Hidden.unique_id],
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
        asked = chosen(guide, "guide", files.GUIDES)
        from ..resonance.host import guides
        from ..resonance.host.guidance import is_idle

        if is_idle(scale, start, end):
            off = "it ends before it begins" if scale else "the scale is 0"
            progress.say(f"Off: {off}.", cls.hidden.unique_id)
            return io.NodeOutput(model)
        towards = _guide(asked, item)
        made = guides.pulled(model, vae, towards, scale=scale, start=start, end=end, shrink=shrink, limit=limit)
        return io.NodeOutput(made)


def _guide(asked: Choice, item: Item | None) -> "Guide":
    from ..resonance.guidance import asked as lines
    from ..resonance.host import guides

    match asked["guide"]:
        case files.TEXT:
            texts = lines.texts(item, asked["text"])
            if not all(text.strip() for text in texts):
                raise Told("text is empty: say what the picture shall show.")
            return guides.by_text(asked["clip"], texts)
        case files.PICTURE:
            return guides.by_picture(asked["clip"], asked.get("clip_vision"), asked["image"])
        case _:
            return guides.by_layer(asked["vgg"], asked["layer"], asked["image"])


NODES = [GradientGuidance]

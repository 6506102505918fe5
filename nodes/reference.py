"""Pictures as conditions."""

from typing import Any

import folder_paths
import torch
from comfy_api.v0_0_2 import io

from ..resonance.attention.parts import Conditioning
from ..resonance.host import progress
from ..resonance.reference import settings
from ..resonance.reference.reference import Reference
from ..resonance.sizes import Fit
from ..resonance.told import Told
from . import types
from .inputs import Choice, ToldFiles, chosen, input_of

CATEGORY = "Resonance/Reference"
NO_ADAPTER = "none"


# An input of several ways has one tooltip: translators, and with them the page, know it by its name alone.
def _vision(optional: bool = False) -> io.Input:
    return io.ClipVision.Input(
        "clip_vision",
        optional=optional,
        tooltip="Mostly from Load CLIP Vision. IP-Adapter: CLIP ViT-H; for ip-adapter_sdxl and vit-G files CLIP ViT-bigG. Style model: CLIP ViT-L."
        " Revision: CLIP ViT-bigG. Redux: SigLIP. unCLIP: the one that comes from Load unCLIP Checkpoint.",
    )


def _style(optional: bool = False) -> io.Input:
    return io.StyleModel.Input(
        "style_model", optional=optional, tooltip="From Load Style Model: coadapter-style for SD1.5, Redux for Flux."
    )


def _vae(optional: bool = False) -> io.Input:
    return io.Vae.Input("vae", optional=optional, tooltip="The VAE of the model. It encodes the picture.")


def _adapter(optional: bool = False) -> io.Input:
    files = folder_paths.get_filename_list("ipadapter")
    return io.Combo.Input(
        "adapter",
        options=ToldFiles([*([NO_ADAPTER] if optional or not files else []), *files]),
        tooltip="A file of models/ipadapter, for SD1.5 or SDXL. What kind it is, its content tells.",
    )


def _ways() -> list[io.DynamicCombo.Option]:
    ways = {
        "automatic": [_adapter(optional=True), _vision(optional=True), _style(optional=True), _vae(optional=True)],
        "IP-Adapter": [_adapter(), _vision()],
        "style model": [_style(), _vision()],
        "unCLIP": [_vision()],
        "Revision": [_vision()],
        "Redux": [_style(), _vision()],
        "reference latent": [_vae()],
    }
    return [
        io.DynamicCombo.Option(name, [*needs, *map(input_of, settings.OF_WAY.get(name, settings.ALL))])
        for name, needs in ways.items()
    ]


class ReferencePicture(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceReferencePicture",
            display_name="Reference Picture",
            category=CATEGORY,
            description="Lets a picture act beside the words: by IP-Adapter (SD1.5, SDXL), a style model (SD1.5), unCLIP checkpoints,"
            " Revision (SDXL), Redux (Flux), or a reference latent (Flux Kontext, Flux.2, Qwen-Image-Edit and other edit models). Strength,"
            " timing and place are set alike for all of them, and the node says what it has done. For several pictures, chain several.",
            search_aliases=[
                "ipadapter",
                "ip-adapter",
                "image prompt",
                "style transfer",
                "instantstyle",
                "style model",
                "unclip",
                "revision",
                "redux",
                "kontext",
                "reference latent",
                "image variations",
            ],
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="The model that shall look at the picture. It is not changed: take the one that comes out.",
                ),
                io.Conditioning.Input(
                    "conditioning",
                    tooltip="The words that the picture acts beside, mostly the positive ones. A negative needs none.",
                ),
                io.Image.Input("image", tooltip="The picture, or a batch of them."),
                io.DynamicCombo.Input(
                    "way",
                    options=_ways(),
                    tooltip="How the model looks at it. automatic: by what the model has, and what is connected.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="How strongly the picture acts. 0: as without it. 0.5: with Redux, it has as much say as the"
                    " words. 1: as its makers meant it.",
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
                io.Mask.Input(
                    "mask", optional=True, tooltip="Where it acts, stretched over the picture that is made. One mask."
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model", tooltip="To the sampler, or to Regions and the next Reference Picture."
                ),
                io.Conditioning.Output(
                    display_name="conditioning",
                    tooltip="With the picture: to the sampler, a Region from Conditioning, or the next Reference Picture.",
                ),
                io.String.Output(display_name="said", tooltip="What was done, as it stands on the node."),
                types.Reference.Output(
                    display_name="reference",
                    tooltip="The way with all that belongs to it, for the pictures of a canvas in Regions.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: io.Model.Type,
        conditioning: Conditioning,
        image: torch.Tensor,
        strength: float,
        start: float,
        end: float,
        way: Choice | None = None,
        mask: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        from ..resonance.host.reference import AUTOMATIC, WAYS, look

        way = chosen(way, "way", (AUTOMATIC, *WAYS))
        given = {**way, "adapter": None} if way.get("adapter") == NO_ADAPTER else way
        reference = Reference(way=way["way"], given=given)
        looked = look(reference, model, conditioning, image, strength=strength, start=start, end=end, mask=_one(mask))
        progress.say(looked.said, cls.hidden.unique_id)
        return io.NodeOutput(looked.model, looked.conditioning, looked.said, reference)


def _one(mask: torch.Tensor | None) -> torch.Tensor | None:
    if mask is None:
        return None
    masks = mask.reshape(-1, *mask.shape[-2:])
    if len(masks) != 1:
        raise Told(f"Expected one mask for the picture, got {len(masks)}: take one of them.")
    return masks[0]


class FitToLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceFitToLatent",
            display_name="Fit to Latent",
            category=CATEGORY,
            description="Brings a picture to the size of the picture that a latent becomes, so that VAE Encode cuts nothing off it, and"
            " what is painted lies on its source, on the hint of a ControlNet and on a mask.",
            search_aliases=[
                "resize to latent",
                "crop to latent",
                "img2img size",
                "resize image",
                "pad image",
                "letterbox",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The picture, or a batch of them."),
                io.Latent.Input("latent", tooltip="The latent that is painted on. Only its size counts."),
                io.Combo.Input(
                    "fit",
                    options=["crop", "pad", "squash"],
                    default="crop",
                    tooltip="Where the picture has another aspect. crop: it fills the size, and what does not fit is cut off on both sides"
                    " alike. pad: all of it, in the middle; its edges go on to the border. squash: it is distorted.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="A mask of the picture, stretched over it if it has another size. It is cut and scaled as the picture is.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="image",
                    tooltip="The picture at that size: to VAE Encode, a ControlNet, Reference Picture.",
                ),
                io.Mask.Output(
                    display_name="mask",
                    tooltip="The mask, cut and scaled as the picture is; without one, all of the picture. The border of pad is black in it.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, image: torch.Tensor, latent: dict[str, Any], fit: Fit, mask: torch.Tensor | None = None
    ) -> io.NodeOutput:
        from ..resonance import images
        from ..resonance.host import latents

        size = latents.pixel_size(latent)
        return io.NodeOutput(images.fitted(image, size, fit), images.fitted_mask(mask, image, size, fit))


NODES = [ReferencePicture, FitToLatent]

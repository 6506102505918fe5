"""Reference latents of edit models: the picture stands beside the one that is made, in the attention that both share."""

import math
from collections.abc import Mapping
from typing import Any

import comfy.utils
import torch

from ...reference.bias import latent_bias
from ...reference.entries import Entry, Values, ranged
from ...reference.joint import LatentBias, with_latents
from ...reference.settings import EACH, SIZE
from ...told import Told
from .. import core_joint as core
from ..core_sampling import is_kind
from ..families import name_of
from ..sampling.transformer import joint
from .way import Asked, Looked, Way

JOINT = ("Flux", "Flux2", "LongCatImage", "QwenImage", "MageFlow", "Krea2")
"""Those that say which tokens are the references' (comfy/model_base.py)."""
WHOLE = ("Omnigen2", "Boogu", "JoyImage", "Lumina2")
"""Those that read references, and do not say so."""

SEEN_BY = {
    "QwenImage": "TextEncodeQwenImageEditPlus",
    "MageFlow": "TextEncodeMageFlowEdit",
    "Boogu": "TextEncodeBooguEdit",
    "JoyImage": "TextEncodeJoyImageEdit",
    "Lumina2": "TextEncodeZImageOmni",
}
"""The nodes by which the text encoder sees the picture, too."""

STEP = 16
"""Pixels, of which both sides are multiples for the models."""


def fits(model: Any) -> bool:
    if is_kind(model, "Flux", "LongCatImage"):
        return not core.reads_beside(model)
    return core.is_omni(model) if is_kind(model, "Lumina2") else is_kind(model, *JOINT, *WHOLE)


def apply(asked: Asked) -> Looked:
    model, vae = asked.model, asked.reference.of("vae")
    name, whole = name_of(model), asked.strength == 1 and asked.mask is None
    if not whole and not is_kind(model, *JOINT):
        raise Told(
            f"{name} does not say which of its tokens are the picture's, so only strength 1 works with it, and no mask. Start and end do."
        )
    told_how = all(core.REFERENCE_METHOD in values for _, values in asked.conditioning)
    if is_kind(model, "Krea2") and not told_how and not core.has_reference_method(model):
        raise Told(
            "This Krea 2 looks at no picture unless it is told how: put Edit Model Reference Method before Reference Picture, set to index."
        )
    if (channels := core.vae_channels(vae)) != core.latent_channels(model):
        raise Told(
            f"{name} paints latents of {core.latent_channels(model)} channels, those of the connected VAE have {channels}: connect the"
            " VAE of this model."
        )
    shown = sized(asked.image, asked.reference.value(SIZE))
    latents: list[torch.Tensor] = [vae.encode(one[None]) for one in shown]
    if asked.reference.value(EACH):
        latents = [torch.cat(latents)]
    biases = [LatentBias(latent=each, bias=latent_bias(asked.strength), mask=asked.mask) for each in latents]

    def show(tokens: torch.Tensor, values: Values) -> Entry:
        values = {**values, core.REFERENCES: [*values.get(core.REFERENCES, ()), *latents]}
        return tokens, values if whole else with_latents(values, biases)

    conditioning: list[Any] = ranged(asked.conditioning, show, asked.start, asked.end)
    return Looked(model if whole else joint(model), conditioning, _said(asked, name, shown, len(latents)))


def sized(image: torch.Tensor, megapixels: float) -> torch.Tensor:
    """Pictures ``[B, H, W, 3]`` of so many megapixels, smaller ones too, as core's templates scale what they give to edit models."""
    height, width = image.shape[1:3]
    scale = math.sqrt(megapixels * 1024 * 1024 / (height * width))
    tall, wide = (max(STEP, round(side * scale / STEP) * STEP) for side in (height, width))
    if (tall, wide) == (height, width):
        return image
    return comfy.utils.common_upscale(image.movedim(-1, 1), wide, tall, "lanczos", "center").movedim(1, -1)


def _said(asked: Asked, name: str, shown: torch.Tensor, count: int) -> str:
    (height, width), (tall, wide) = asked.image.shape[1:3], shown.shape[1:3]
    pictures = "reference latent" if count == 1 else f"{count} reference latents"
    said = f"{pictures.capitalize()} of {wide} x {tall}"
    if (tall, wide) != (height, width):
        said += f" (scaled from {width} x {height})"
    said += f" for {name}, strength {asked.strength:g}{asked.when}."
    known: Mapping[str, Any] = asked.conditioning[0][1] if asked.conditioning else {}
    if before := len(known.get(core.REFERENCES, ())):
        return f"{said} The conditioning has {before} from before."
    node = next((node for kind, node in SEEN_BY.items() if is_kind(asked.model, kind)), None)
    if node:
        said += f" Its text encoder should see the picture too: encode the words with {node}, without its vae."
    return said


WAY = Way(
    name="reference latent",
    models="Flux Kontext, Flux.2, LongCat-Image, Qwen-Image-Edit, Mage-Flow, Krea 2, OmniGen2, Boogu, JoyImage and Z-Image Omni",
    needs=("vae",),
    fits=fits,
    apply=apply,
)

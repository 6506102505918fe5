"""unCLIP and Revision: a picture's vector stands beside the words, or in place of their pooled vector."""

from types import SimpleNamespace
from typing import Any

import torch

from ...reference.entries import Entry, Values, placed, ranged
from ...reference.settings import NOISE, ONE_SQUARE
from ...told import Told
from ..core_sampling import is_kind, picture_vector
from . import vision
from .way import Asked, Looked, Way

KEY = "unclip_conditioning"
"""Where core's unCLIPConditioning has the pictures of a conditioning."""


def apply(asked: Asked) -> Looked:
    reference, name = asked.reference, asked.reference.way
    reads = VISION[name]
    seen = vision.see(reference.of("clip_vision"), asked.image, reference.value(ONE_SQUARE), "image_embeds").flatten(
        0, 1
    )
    width = picture_vector(asked.model)
    if seen.shape[-1] != width:
        raise Told(
            f"This model reads {reads} with {width} numbers, the connected vision model gives {seen.shape[-1]}. Connect {reads}"
            + (
                ", which is in the checkpoint: take Load unCLIP Checkpoint."
                if name == UNCLIP.name
                else " by Load CLIP Vision."
            )
        )
    noise = reference.value(NOISE)
    picture = {
        "clip_vision_output": SimpleNamespace(image_embeds=seen),
        "strength": asked.strength,
        "noise_augmentation": noise,
    }

    def show(tokens: torch.Tensor, values: Values) -> Entry:
        return tokens, {**values, KEY: [*values.get(KEY, ()), picture]}

    def shown(conditioning: list[Any]) -> list[Any]:
        return ranged(conditioning, show, asked.start, asked.end)

    conditioning = placed(asked.conditioning, shown, asked.mask)
    together = max(_strength(values) for _, values in conditioning)
    said = f"{name}, strength {asked.strength:g}{asked.when}, noise {noise:g}."
    if together > 1:
        said += f" Strengths of pictures add up, here to {together:g}; 1 in all is usual."
    if asked.mask is not None:
        said += " The mask asks the model twice in each step."
    return Looked(asked.model, conditioning, said)


def _strength(values: Values) -> float:
    return sum(each["strength"] * len(each["clip_vision_output"].image_embeds) for each in values.get(KEY, ()))


UNCLIP = Way(
    name="unCLIP",
    models="unCLIP checkpoints of SD2.1",
    needs=("clip_vision",),
    fits=lambda model: is_kind(model, "SD21UNCLIP"),
    apply=apply,
)

REVISION = Way(
    name="Revision",
    models="SDXL and its refiner",
    needs=("clip_vision",),
    fits=lambda model: is_kind(model, "SDXL", "SDXLRefiner"),
    apply=apply,
)

VISION = {UNCLIP.name: "the checkpoint's own CLIP", REVISION.name: "CLIP ViT-bigG"}
"""The vision models that they read, as people call them."""

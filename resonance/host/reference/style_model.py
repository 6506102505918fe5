"""Style models of SD1.5: a picture becomes tokens behind the words."""

from types import SimpleNamespace
from typing import Any

import torch

from ...reference.picture import TOKENS, UNOWNED, attached, guarded
from ...reference.settings import EACH, FIT
from ...told import Told
from ..core import style_widths
from ..families import known, sd15
from ..sampling.owner import owned
from . import vision
from .way import Asked, Looked, Way


def tokens_of(asked: Asked, reads: str) -> torch.Tensor:
    """What a style model makes of pictures, ``[P, T, C]``; P is 1 unless each picture is for one that is made.

    Args:
        reads: the vision model that such style models read, as people call it.

    Raises:
        Told: style model, vision model and words do not fit together.
    """
    reference = asked.reference
    style, eye = reference.of("style_model"), reference.of("clip_vision")
    into, out = style_widths(style)
    for words, _ in asked.conditioning:
        if words.shape[-1] != out:
            raise Told(
                f"This style model gives tokens of {out} numbers, but those of the words have {words.shape[-1]}: it is for another"
                " model. Coadapter-style is for SD1.5, Redux for Flux."
            )
    seen = vision.see(eye, asked.image, reference.value(FIT), "last_hidden_state")
    if seen.shape[-1] != into:
        raise Told(
            f"This style model reads {reads} ({into}), the connected vision model gives {seen.shape[-1]}. Connect {reads} by Load CLIP"
            " Vision."
        )
    tokens = torch.cat(
        [
            style.get_cond(SimpleNamespace(last_hidden_state=some))
            for some in torch.split(seen.flatten(0, 1), vision.AT_ONCE)
        ]
    )
    tokens = torch.unflatten(tokens, 0, seen.shape[:2]).flatten(1, 2)
    return tokens if reference.value(EACH) else tokens.flatten(0, 1)[None]


def dealt(words: torch.Tensor, picture: torch.Tensor) -> None:
    """
    Raises:
        Told: neither words nor pictures are for all that is made, and there are not as many of the one as of the other.
    """
    if len(words) > 1 and len(picture) > 1 and len(words) != len(picture):
        raise Told(
            f"The words are for {len(words)} pictures, and there are {len(picture)} to look at: connect as many, or take off each."
        )


def apply(asked: Asked) -> Looked:
    picture = tokens_of(asked, "CLIP ViT-L")
    model, conditioning = asked.model, list[Any]()
    for tokens, values in asked.conditioning:
        dealt(tokens, picture)
        said, read = attached(
            tokens,
            values,
            picture,
            strength=asked.strength,
            start=asked.start,
            end=asked.end,
            mask=asked.mask,
        )
        if read is not None:
            values = guarded({**values, TOKENS: (*values.get(TOKENS, ()), read)}, TOKENS, UNOWNED)
            model = owned(asked.model)
        conditioning.append([said, values])
    text = f"Style model, strength {asked.strength:g}{asked.when}: {picture.shape[1]} tokens behind the words."
    return Looked(model, conditioning, text)


WAY = Way(
    name="style model",
    models="SD1.5",
    needs=("style_model", "clip_vision"),
    fits=lambda model: known(model) is sd15.FAMILY,
    apply=apply,
)

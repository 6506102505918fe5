"""Redux on Flux: a picture becomes tokens behind the words, as strong as a bias in the attention that all share makes them."""

from typing import Any

import torch

from ...reference.entries import Entry, Values, ranged
from ...reference.joint import FULL_STRENGTH
from ...reference.picture import TOKENS, attached, guarded
from ..core_sampling import is_kind
from ..sampling.transformer import joint
from .style_model import dealt, tokens_of
from .way import Asked, Looked, Way

MASK = "attention_mask"
"""Where core's Apply Style Model has the mask of its own attention bias."""


def apply(asked: Asked) -> Looked:
    picture = tokens_of(asked, "SigLIP")
    model = asked.model

    def show(tokens: torch.Tensor, values: Values) -> Entry:
        nonlocal model
        dealt(tokens, picture)
        said, read = attached(tokens, values, picture, strength=asked.strength, mask=asked.mask)
        if MASK in values:
            values = {**values, MASK: widened(values[MASK], tokens.shape[1], picture.shape[1])}
        if read is not None:
            values = guarded({**values, TOKENS: (*values.get(TOKENS, ()), read)}, TOKENS, FULL_STRENGTH)
            model = joint(asked.model)
        return said, values

    conditioning: list[Any] = ranged(asked.conditioning, show, asked.start, asked.end)
    said = f"Redux, strength {asked.strength:g}{asked.when}: {picture.shape[1]} tokens behind the words."
    return Looked(model, conditioning, said)


def widened(mask: torch.Tensor, words: int, more: int) -> torch.Tensor:
    """A mask ``[..., N, K]`` of words and pixels, with tokens behind the words that nothing is said of, as core's Apply Style Model has
    it."""
    for dim in (-2, -1):
        before, behind = mask.narrow(dim, 0, words), mask.narrow(dim, words, mask.shape[dim] - words)
        shape = list(mask.shape)
        shape[dim] = more
        mask = torch.cat([before, mask.new_full(shape, mask.dtype == torch.bool), behind], dim)
    return mask


WAY = Way(
    name="Redux",
    models="Flux",
    needs=("style_model", "clip_vision"),
    fits=lambda model: is_kind(model, "Flux"),
    apply=apply,
)

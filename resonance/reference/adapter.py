"""IP-Adapter files: what kind they are, told by their keys, and what they make of a picture."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F

from ..told import Told
from .picture import Shown
from .projection import Projection, Weights, projection

PAGE = "https://huggingface.co/h94/IP-Adapter"

MODELS = {768: "SD1.5", 1024: "SD2", 2048: "SDXL"}
"""Models by the numbers of a token that their cross-attention reads."""

OTHERS = {
    r"(double|single)_blocks\.\d+\.processor\.": "is XLabs' adapter for Flux",
    r"(ip_adapter\.)?\d+\.norm_ip\.": "is InstantX's adapter for SD3.5",
    r"(ip_adapter\.)?0\.to_k_ip\.": "is InstantX's adapter for Flux",
}
"""Adapters for transformers, by their keys."""

ELSEWHERE = "which cannot be used here. On Flux, take a Redux style model or a reference latent."


@dataclass(frozen=True, kw_only=True, eq=False)
class Adapter:
    """An IP-Adapter.

    Attributes:
        file: its name, for messages.
        weights: of ``image_proj``.
        keys, values: of each cross-attention ``[C, context]``: all of the input blocks, the output blocks, the middle one.
    """

    file: str
    projection: Projection
    weights: Weights
    keys: tuple[torch.Tensor, ...]
    values: tuple[torch.Tensor, ...]

    @property
    def context(self) -> int:
        """Numbers per token that its keys and values read."""
        return self.keys[0].shape[1]

    @property
    def model(self) -> str:
        """The model that it is for, as people call it."""
        return MODELS.get(self.context, f"a model with words of {self.context} numbers")

    def check_vision(self, seen: torch.Tensor) -> None:
        """
        Raises:
            Told: that is another vision model's output.
        """
        kind = self.projection
        if seen.shape[-1] != kind.width:
            raise Told(
                f"{self.file} reads {kind.vision} ({kind.width}), the connected vision model gives {seen.shape[-1]}. Connect {kind.vision} by"
                " Load CLIP Vision."
            )

    def check_model(self, name: str, widths: Sequence[tuple[int, int]]) -> None:
        """
        Args:
            name: of the model.
            widths: of each of its cross-attentions, in the order of :attr:`keys`: what comes out, and the numbers of a token.

        Raises:
            Told: it is for another model.
        """
        own = [(key.shape[0], key.shape[1]) for key in self.keys]
        if own == list(widths):
            return
        if self.context != widths[0][1]:
            raise Told(
                f"{self.file} is an adapter for {self.model}, but the model is {name}. Choose one for {name}; they are at {PAGE}."
            )
        has = f"has {len(own)} layers" if len(own) != len(widths) else "has layers of other widths"
        raise Told(
            f"{self.file} {has}, this model, {name}, has {len(widths)} cross-attentions. Choose another adapter or another model."
        )

    def shown(self, seen: torch.Tensor, each: bool = False) -> Shown:
        """What it makes of pictures.

        Args:
            seen: the vision model's output for them, ``[P, S, ...]`` with the squares that each of them was cut into.
            each: the pictures are dealt out to those that are made, in turn; else all of them are read by each.
        """
        tokens = self.projection.network(self.weights, seen.flatten(0, 1).float())
        tokens = torch.unflatten(tokens, 0, seen.shape[:2]).flatten(1, 2)
        if not each:
            tokens = tokens.flatten(0, 1)[None]
        return Shown(
            tuple(F.linear(tokens, key.to(tokens)) for key in self.keys),
            tuple(F.linear(tokens, value.to(tokens)) for value in self.values),
        )


def read_adapter(file: str, state: Any) -> Adapter:
    """An adapter of what its file holds: two dicts, or one with both names before its keys.

    Raises:
        Told: it is none that can be used.
    """
    flat = _flat(cast("Mapping[Any, Any]", state)) if isinstance(state, Mapping) else {}
    for pattern, what in OTHERS.items():
        if any(re.match(pattern, key) for key in flat):
            raise Told(f"{file} {what}, {ELSEWHERE}")
    head, layers = (_under(flat, name) for name in ("image_proj.", "ip_adapter."))
    if not head or not layers:
        found = ", ".join(sorted(flat)[:3]) or "nothing"
        raise Told(
            f"{file} is no IP-Adapter: it has no image_proj and ip_adapter, but {found}. Adapters are at {PAGE}."
        )
    try:
        kind = projection(head)
    except Told as error:
        raise Told(f"{file} {error}") from None
    numbers = sorted({int(key.split(".")[0]) for key in layers if re.fullmatch(r"\d+\.to_[kv]_ip\.weight", key)})
    try:
        keys, values = (tuple(layers[f"{n}.to_{which}_ip.weight"] for n in numbers) for which in "kv")
    except KeyError as error:
        raise Told(f"{file} is damaged: it has no {error.args[0]}. Get it again from {PAGE}.") from None
    widths = {each.shape[-1] for each in (*keys, *values)}
    if widths != {kind.context}:
        raise Told(f"{file} is damaged: its parts do not fit together. Get it again from {PAGE}.")
    return Adapter(file=file, projection=kind, weights=head, keys=keys, values=values)


def _flat(state: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    flat: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        if isinstance(value, torch.Tensor):
            flat[key] = value
        elif isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": each for inner, each in value.items() if isinstance(each, torch.Tensor)}  # pyright: ignore[reportUnknownVariableType]
    return flat


def _under(flat: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in flat.items() if key.startswith(prefix)}

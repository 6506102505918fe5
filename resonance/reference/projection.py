"""From what a vision model sees in a picture to tokens that a UNet's cross-attention can read.

The networks are those of tencent-ailab/IP-Adapter (Apache-2.0; ``ip_adapter.py``, ``resampler.py``), computed from a file's weights.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..told import Told

Weights = Mapping[str, torch.Tensor]

HEAD = 64
"""Numbers per head of a resampler, whatever its width."""

KOLORS = 1024
"""Numbers that ViT-L/14-336 gives per patch. Only Kolors' adapter reads them."""

VISION = {
    ("image_embeds", 1024): "CLIP ViT-H",
    ("image_embeds", 1280): "CLIP ViT-bigG",
    ("penultimate_hidden_states", 1280): "CLIP ViT-H",
    ("penultimate_hidden_states", 1664): "CLIP ViT-bigG",
}
"""Vision models, by what is taken of their output and the numbers that it has."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What an adapter's ``image_proj`` is.

    Attributes:
        name: what people call the kind of adapter.
        sees: what it takes of a vision model's output: ``image_embeds [B, width]``, or ``penultimate_hidden_states [B, N, width]``.
        context: numbers per token of what comes out.
        zeros: zeros in place of the output stand for no picture; else the output for a picture that is all zeros does.
        network: ``[B, T, context]`` of the weights and that output.
    """

    name: str
    sees: str
    width: int
    context: int
    zeros: bool
    network: Callable[[Weights, torch.Tensor], torch.Tensor]

    @property
    def vision(self) -> str:
        """The vision model that it reads, as people call it."""
        return VISION.get((self.sees, self.width), "another vision model")


def projection(weights: Weights) -> Projection:
    """The kind of an ``image_proj``, told by its keys.

    Raises:
        Told: it is of none that can be used. The sentence goes on from the name of a file.
    """
    if "proj.weight" in weights and "norm.weight" in weights:
        return Projection(
            name="base",
            sees="image_embeds",
            width=weights["proj.weight"].shape[1],
            context=weights["norm.weight"].shape[0],
            zeros=True,
            network=_plain,
        )
    if "proj.3.weight" in weights:
        return Projection(
            name="full face",
            sees="penultimate_hidden_states",
            width=weights["proj.0.weight"].shape[1],
            context=weights["proj.3.weight"].shape[0],
            zeros=False,
            network=_full,
        )
    if "proj.0.weight" in weights or any(key.startswith("perceiver_resampler.") for key in weights):
        raise Told(
            "is a FaceID adapter, which reads faces with InsightFace, whose models are for research only. Take ip-adapter-plus-face or"
            " ip-adapter-full-face instead."
        )
    if "latents" in weights and "proj_out.weight" in weights:
        width = weights["proj_in.weight"].shape[1]
        if width == KOLORS:
            raise Told("is an adapter for Kolors, which ComfyUI does not have. Take one for SD1.5 or SDXL.")
        return Projection(
            name="plus",
            sees="penultimate_hidden_states",
            width=width,
            context=weights["proj_out.weight"].shape[0],
            zeros=False,
            network=_resampler,
        )
    raise Told(f"has an image_proj of an unknown kind, with {', '.join(sorted(weights)[:3])}.")


def _linear(w: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    bias = w.get(f"{name}.bias")
    return F.linear(x, w[f"{name}.weight"].to(x), None if bias is None else bias.to(x))


def _norm(w: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"].to(x), w[f"{name}.bias"].to(x))


def _plain(w: Weights, seen: torch.Tensor) -> torch.Tensor:
    return _norm(w, "norm", torch.unflatten(_linear(w, "proj", seen), -1, (-1, w["norm.weight"].shape[0])))


def _full(w: Weights, seen: torch.Tensor) -> torch.Tensor:
    return _norm(w, "proj.3", _linear(w, "proj.2", F.gelu(_linear(w, "proj.0", seen))))


def _resampler(w: Weights, seen: torch.Tensor) -> torch.Tensor:
    x = _linear(w, "proj_in", seen)
    found = w["latents"].to(x).expand(len(seen), -1, -1)
    layer = 0
    while f"layers.{layer}.0.to_q.weight" in w:
        attention, forward = f"layers.{layer}.0", f"layers.{layer}.1"
        asked = _norm(w, f"{attention}.norm2", found)
        both = torch.cat([_norm(w, f"{attention}.norm1", x), asked], 1)
        k, v = _linear(w, f"{attention}.to_kv", both).chunk(2, -1)
        q, k, v = (
            torch.unflatten(t, 2, (-1, HEAD)).transpose(1, 2) for t in (_linear(w, f"{attention}.to_q", asked), k, v)
        )
        got = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        found = found + _linear(w, f"{attention}.to_out", got)
        inner = F.gelu(_linear(w, f"{forward}.1", _norm(w, f"{forward}.0", found)))
        found = found + _linear(w, f"{forward}.3", inner)
        layer += 1
    return _norm(w, "norm_out", _linear(w, "proj_out", found))

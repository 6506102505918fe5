"""ComfyUI's transformers that read words, pixels and pictures in one attention. See :mod:`.core`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from ..reference.joint import UNSEEN
from .core_attention import OVERRIDE
from .core_sampling import NUMBER, Options

REFERENCES, REFERENCE_METHOD = "reference_latents", "reference_latents_method"
"""Where core's Set Reference Latent and Edit Model Reference Method have theirs in a conditioning."""


Attention = Callable[..., torch.Tensor]
"""Of ``q, k, v [B, H, N, D]``, the number of heads, and a mask (comfy/ldm/modules/attention.py, ``attention_pytorch``)."""
Bias = Callable[[Options, torch.Tensor, Callable[[], bool]], torch.Tensor | None]
"""For the options and the keys ``[B, H, K, D]`` of one attention call: what is added to its scores, ``[B or 1, 1, N, K]``; None: nothing.
It may ask whether this attention heeds masks."""

FEW = 64
"""Tokens on which that is tried."""


def latent_channels(model: Any) -> int:
    """Of the latents that a MODEL paints (comfy/latent_formats.py)."""
    return model.get_model_object("latent_format").latent_channels


def vae_channels(vae: Any) -> int:
    """Of the latents that a VAE makes (comfy/sd.py)."""
    return vae.latent_channels


def reads_beside(model: Any) -> bool:
    """Whether a Flux is given a picture in channels beside those of the latent, as Fill, Canny and Depth are."""
    network = model.model.diffusion_model
    return network.in_channels > network.out_channels


def is_omni(model: Any) -> bool:
    """Whether a Lumina 2 reads pictures (comfy/ldm/lumina/model.py)."""
    return model.model.diffusion_model.siglip_embedder is not None


def has_reference_method(model: Any) -> bool:
    """Whether a Krea 2 reads reference latents without being told how (comfy/ldm/krea2/model.py)."""
    return model.model.diffusion_model.default_ref_method is not None


def in_blocks(options: Options) -> bool:
    """Whether an attention call is in one of the model's blocks, and not in what refines its words."""
    return NUMBER in options


def reference_tokens(options: Options) -> tuple[int, ...]:
    """How many tokens each reference latent has, which stand behind those of the pixels."""
    return tuple(options.get("reference_image_num_tokens", ()))


def biased(options: Options, bias: Bias) -> Options:
    """The options for a call of the model whose attention is asked for with a bias. Another pack's attention stays inside.

    Some models let patches change the mask (comfy/ldm/flux/layers.py, ``attn1_patch``), others do not (comfy/ldm/qwen_image/model.py);
    all come through here.
    """
    inner: Callable[..., torch.Tensor] | None = options.get(OVERRIDE)

    def around(attend: Attention, *args: Any, **more: Any) -> torch.Tensor:
        # q, k, v, heads, and the mask by place or by name
        go: Attention = partial(inner, attend) if inner else attend
        if not more.get("skip_reshape"):
            return go(*args, **more)
        added = bias(more.get("transformer_options", {}), args[1], lambda: _heeds(go, args, more))
        if added is not None:
            # What keeps the references' keys from step to step asks for them no more (comfy_extras/nodes_flux.py, FluxKVCache).
            added = added[:, :, : args[0].shape[2]]
            if len(args) > 4:
                args = (*args[:4], _masked(args[4], added), *args[5:])
            else:
                more["mask"] = _masked(more.get("mask"), added)
        return go(*args, **more)

    return {**options, OVERRIDE: around}


def _heeds(attend: Attention, args: Sequence[Any], more: Mapping[str, Any]) -> bool:
    """Whether an attention heeds masks: some of other packs' do not."""
    q, k, v, heads = args[:4]
    few = min(FEW, q.shape[2])
    step = k.shape[2] // few
    some = (q[:, :, :few], *(t[:, :, ::step][:, :, :few].contiguous() for t in (k, v)))
    mask = q.new_full((1, 1, few, few), UNSEEN)
    mask[..., 0] = 0
    one, other = (attend(*some, heads, **{**more, "mask": each}) for each in (mask, torch.zeros_like(mask)))
    return not torch.equal(one, other)


def _masked(mask: torch.Tensor | None, bias: torch.Tensor) -> torch.Tensor:
    """A mask ``[N, K]``, ``[B, N, K]`` or ``[B, H, N, K]`` with a bias."""
    if mask is None:
        return bias
    if mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=bias.dtype).masked_fill(~mask, UNSEEN)
    if mask.ndim < 4:
        mask = mask[None, None] if mask.ndim == 2 else mask[:, None]
    return mask.to(bias) + bias

"""ComfyUI's attention in UNets (comfy/ldm/modules/attention.py). See :mod:`.core`."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol

import comfy.ldm.modules.attention as attention
import torch
from comfy.ldm.modules.attention import SpatialTransformer

from .core_sampling import NUMBER, Options
from .core_unet import blocks_down, middle_of

Slot = tuple[str, int, int]
"""Block, its number, and the number of the transformer in it: the key of attention replacements."""

Kind = Literal["cross", "self"]
_NAMES: dict[Kind, str] = {"cross": "attn2", "self": "attn1"}

Replacement = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Options], torch.Tensor]
"""Attention of ``q [B, N, H * D]``, ``k, v [B, K, H * D]`` (comfy/ldm/modules/attention.py, ``BasicTransformerBlock``)."""


def replacements(options: Options, kind: Kind) -> dict[tuple[str | int, ...], Replacement]:
    """What replaces attention, by place, or by block and its number for all of a block; more may be put there."""
    return options.setdefault("patches_replace", {}).setdefault(_NAMES[kind], {})


Reads = Callable[[tuple[str, int], torch.Tensor, Options], torch.Tensor]
"""What cross-attention in a block reads in place of a text ``[B, T, C]``."""


def have_read(options: Options, reads: Reads) -> None:
    """Has each cross-attention read another text, which other nodes' patches are given in place of the first."""

    def patch(
        n: torch.Tensor, text: torch.Tensor, value: torch.Tensor, options: Options
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        text = reads(options["block"], text, options)
        return n, text, text

    patches = options.setdefault("patches", {})
    patches["attn2_patch"] = [patch, *patches.get("attn2_patch", [])]


def heads(options: Options) -> int:
    return options["n_heads"]


def grid(options: Options) -> tuple[int, int]:
    """Height and width of a layer in pixels."""
    _, _, height, width = options["activations_shape"]
    return height, width


def attend(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None, options: Options
) -> torch.Tensor:
    """Attention of ``[B, H, N, D]`` as the user has chosen it, another pack's in its place too.

    It is asked as the model asks it: what it is given in another form, sub-quadratic attention computes in another order.
    """
    q, k, v = (t.transpose(1, 2).flatten(2) for t in (q, k, v))
    made = attention.optimized_attention(
        q,
        k,
        v,
        heads(options),
        mask=bias,
        attn_precision=options["attn_precision"],
        transformer_options=options,
    )
    return torch.unflatten(made, 2, (heads(options), -1)).transpose(1, 2)


OVERRIDE = "optimized_attention_override"
"""Where the options hold a function that stands in for ComfyUI's attention."""


def is_overridden(options: Options) -> bool:
    """Whether another pack's function stands in for ComfyUI's attention."""
    return OVERRIDE in options


def upcasts(options: Options, dtype: torch.dtype) -> bool:
    """Whether attention computes scores in single precision."""
    return attention.get_attn_precision(options["attn_precision"], dtype) is torch.float32


def some_rows(options: Options, numbers: Sequence[int]) -> Options:
    """The options for some of the entries that a call is asked for."""
    return {**options, **{name: [options[name][n] for n in numbers] for name in ("cond_or_uncond", "uuids")}}


def transformers(unet: Any) -> Iterator[Slot]:
    """Every transformer with cross-attention, by the numbers that ComfyUI gives it."""
    return (slot for slot, _ in _transformers(unet))


def text_projections(unet: Any) -> Iterator[torch.nn.Module]:
    """What makes the keys and values of text, which have no bias."""
    for _, transformer in _transformers(unet):
        yield from (transformer.attn2.to_k, transformer.attn2.to_v)


def text_widths(unet: Any) -> list[tuple[int, int]]:
    """For every transformer, in the same order, how many numbers keys and values have, and the tokens that they are made of."""
    return [
        (transformer.attn2.to_k.weight.shape[0], transformer.attn2.to_k.weight.shape[1])
        for _, transformer in _transformers(unet)
    ]


def _transformers(unet: Any) -> Iterator[tuple[Slot, Any]]:
    blocks = [("input", i, block) for i, block in enumerate(blocks_down(unet))]
    if (middle := middle_of(unet)) is not None:
        blocks.append(("middle", 0, middle))
    blocks += [("output", i, block) for i, block in enumerate(unet.output_blocks)]
    for name, number, block in blocks:
        for layer in block:
            if isinstance(layer, SpatialTransformer):
                for i, transformer in enumerate(layer.transformer_blocks):
                    if transformer.attn2 is not None:
                        yield (name, number, i), transformer


# What comes into attention

Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""What queries, keys and values are made of, ``[B, N, C]``, ``[B, K, D]``."""


class Change(Protocol):
    """Changes what comes into attention."""

    def __call__(self, attention: str, inputs: Inputs, options: Options) -> Inputs:
        """
        Args:
            attention: attn1 (pixels read pixels) or attn2 (pixels read text).
        """
        ...

    def forget(self) -> None:
        """After a run."""
        ...


def place(options: Options) -> Slot:
    """Where a call of attention is."""
    block, number = options["block"]
    return block, number, options[NUMBER]


def pixel_widths(unet: Any) -> dict[Slot, int]:
    """Numbers of a pixel in every transformer."""
    return {slot: transformer.attn2.to_q.weight.shape[1] for slot, transformer in _transformers(unet)}


class _First:
    """A patch that stands before all others, as it shall see what the model gives."""

    def __init__(self, key: str, attention: str, change: Change) -> None:
        self.key, self._attention, self._change = key, attention, change

    def __call__(self, n: torch.Tensor, context: torch.Tensor, value: torch.Tensor, options: Options) -> Inputs:
        return self._change(self._attention, (n, context, value), options)

    def cleanup(self) -> None:
        """ComfyUI's word for the end of a run (comfy/model_patcher.py, ``model_patches_call_function``)."""
        self._change.forget()


def changed_inputs(model: Any, key: str, change: Change) -> Any:
    """A clone of a MODEL in which something before all patches changes the inputs of attention, in place of an earlier one of that key."""
    model = model.clone()
    patches = model.model_options["transformer_options"].setdefault("patches", {})
    for kind in _NAMES.values():
        name = f"{kind}_patch"
        rest = [each for each in patches.get(name, ()) if not (isinstance(each, _First) and each.key == key)]
        patches[name] = [_First(key, kind, change), *rest]
    return model

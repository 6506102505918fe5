"""ComfyUI's insides of LoRAs: what a file adds to which layer. See :mod:`.core`.

The part about places is written for UNets.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import comfy.hooks
import comfy.lora
import comfy.lora_convert
import torch
from comfy.hooks import HookGroup
from comfy.sd import CLIP
from comfy.weight_adapter import WeightAdapterBase

from ..attention.lora import Delta, Located, LowRank, Weight, shape_of
from .core_text import text_model

Weights = Mapping[str, torch.Tensor]
"""What a file of a LoRA holds."""

UNET = "diffusion_model."
OF_UNET = ("lora_unet_", "lycoris_", "unet.", UNET)
"""How names for a diffusion model begin in files."""
PLACELESS = ("time_embed.", "label_emb.")
"""Layers whose output is mixed into one vector for the whole picture."""

DORA = {"lora": 4, "loha": 7, "lokr": 8}
"""Where an adapter's ``weights`` have the magnitudes of a DoRA (comfy/weight_adapter)."""


@dataclass(frozen=True)
class Found:
    """What a file holds for a diffusion model.

    Attributes:
        layers: by their names in it.
        placeless: those that cannot act in a part of the picture.
        refused: what is of another kind than sums of low-rank products, by the kind.
        unknown: names in the file whose layers this model has not.
        misfits: layers that this model has in another size.
    """

    layers: dict[str, Located] = field(default_factory=dict[str, Located])
    placeless: list[str] = field(default_factory=list[str])
    refused: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unknown: list[str] = field(default_factory=list[str])
    misfits: list[str] = field(default_factory=list[str])


def deltas(model: Any, weights: Weights) -> Found:
    """What a file holds for the diffusion model of a MODEL (comfy/sd.py, ``load_lora_for_models``)."""
    found = Found()
    modules = dict(model.model.diffusion_model.named_modules())
    for key, patch in for_model(model, weights).items():
        path = (key if isinstance(key, str) else key[0]).removeprefix(UNET)
        name = path.removesuffix(".weight")
        if kind := "one for a part of a layer" if not isinstance(key, str) else _refused(patch):
            found.refused[kind].append(name)
        elif _numbers(patch) != shape_of(modules[name]).numel():
            found.misfits.append(name)
        elif name.startswith(PLACELESS):
            found.placeless.append(name)
        else:
            found.layers[name] = _located(name, _delta(patch))
    keys = _keys(model)
    for key in weights:
        parts = key.split(".")
        if key.startswith(OF_UNET) and not any(".".join(parts[:n]) in keys for n in range(1, len(parts) + 1)):
            found.unknown.append(key)
    return found


def for_model(model: Any, weights: Weights) -> dict[Any, Any]:
    """What a file holds for the diffusion model of a MODEL, by its weights, or by parts of these."""
    return _patches(_keys(model), weights)


def for_text(clip: Any, weights: Weights) -> dict[str, Any]:
    """What a file holds for the text encoders of a CLIP, by their weights."""
    return _patches(comfy.lora.model_lora_keys_clip(text_model(clip), {}), weights)


def _keys(model: Any) -> dict[str, Any]:
    """The weights of a diffusion model, by the names that files have for them."""
    return comfy.lora.model_lora_keys_unet(model.model, {})


def _patches(keys: dict[str, Any], weights: Weights) -> dict[Any, Any]:
    return comfy.lora.load_lora(comfy.lora_convert.convert_lora(dict(weights)), keys, log_missing=False)


def hooks(loras: Sequence[tuple[Weights, float]]) -> HookGroup:
    """LoRAs with their strengths, for core to patch the model with while it works on what they hang on (comfy/hooks.py)."""
    each = [comfy.hooks.create_hook_lora(dict(weights), strength, strength) for weights, strength in loras]
    return HookGroup.combine_all_hooks([*each])


def hung(conditioning: list[Any], hooks: HookGroup) -> list[Any]:
    """A conditioning for which the model is patched with hooks."""
    return comfy.hooks.set_hooks_for_conditioning(conditioning, hooks)


def reading_with(clip: Any, patches: Mapping[str, Any], strength: float) -> Any:
    """A clone of a CLIP that reads with a LoRA."""
    return patched(clip, [(patches, strength)])


def patched(whole: Any, loras: Sequence[tuple[Mapping[Any, Any], float]]) -> Any:
    """A clone of a MODEL or a CLIP with LoRAs."""
    clone = whole.clone()
    for patches, strength in loras:
        clone.add_patches(patches, strength)
    return clone


def apart(whole: Any) -> Any:
    """A clone of a MODEL or a CLIP that does not keep it alive (comfy/model_patcher.py, ``ModelPatcher.clone``)."""
    clone = whole.clone()
    patcher = clone.patcher if isinstance(clone, CLIP) else clone
    patcher.parent = None
    return clone


def _refused(patch: Any) -> str:
    """The kind of what cannot be masked: empty, if it can."""
    if not isinstance(patch, WeightAdapterBase):
        return "one of whole weights"
    if patch.name not in DORA:
        return f"of kind {patch.name}"
    if patch.weights[DORA[patch.name]] is not None:
        return "a DoRA"
    return "one that changes the size of layers" if patch.name == "lora" and patch.weights[5] is not None else ""


def _delta(adapter: Any) -> Delta:
    if adapter.name != "lora":
        return CoreDelta(adapter)
    up, down, alpha, mid = adapter.weights[:4]
    if mid is not None:
        down = torch.einsum("oihw,ic->ochw", mid.float(), down.float().flatten(1))
    return LowRank(up, down, 1.0 if alpha is None else alpha / len(down))


def _numbers(adapter: Any) -> int:
    """How many numbers a weight has to which an adapter can be added."""
    match adapter.name, adapter.weights:
        case "lora", (up, down, _, mid, *_):
            return len(up) * (prod(down.shape[1:]) if mid is None else down.shape[1] * prod(mid.shape[2:]))
        case "loha", (a, b, _, _, _, core, *_):
            return _product(a, b, core)
        case "lokr", (one, other, _, a, b, c, d, core, *_):
            first = one.numel() if one is not None else _product(a, b, None)
            return first * (other.numel() if other is not None else _product(c, d, core))
        case _:
            raise AssertionError(adapter.name)


def _product(a: torch.Tensor, b: torch.Tensor, core: torch.Tensor | None) -> int:
    """Of ``a @ b``, or of Tucker's decomposition with a core."""
    return len(a) * b.shape[1] if core is None else a.shape[1] * b.shape[1] * prod(core.shape[2:])


def _located(name: str, delta: Delta) -> Located:
    """comfy/ldm/modules/attention.py, ``SpatialTransformer``; diffusionmodules/openaimodel.py, ``ResBlock``."""
    if name.endswith((".attn2.to_k", ".attn2.to_v")):
        return Located(delta, "text")
    block, in_resblock, _ = name.partition(".emb_layers.")
    if in_resblock:
        return Located(delta, "spread", f"{block}.in_layers")
    block, in_transformer, _ = name.partition(".transformer_blocks.")
    if not in_transformer and name.endswith((".proj_in", ".proj_out")):
        block, in_transformer = name.rpartition(".")[0], "."
    return Located(delta, "pixels", f"{block}.norm" if in_transformer else None)


class CoreDelta:
    """What one of core's adapters adds to a weight, see :class:`resonance.attention.lora.Other`."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def at(self, shape: torch.Size, device: torch.device) -> Weight:
        adapter = self._adapter
        own: Sequence[Any] = [
            each.to(device, copy=True) if isinstance(each, torch.Tensor) else each for each in adapter.weights
        ]
        here = type(adapter)(set(), tuple(own))
        return lambda: here.calculate_weight(torch.zeros(shape, device=device), "", 1.0, 1.0, None, _as_it_is)


def _as_it_is(made: torch.Tensor) -> torch.Tensor:
    return made

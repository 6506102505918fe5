"""Joins what acts with the conditionings of a run, after ComfyUI has made of them what its model is given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import uuid4

import comfy.conds
import comfy.samplers
import torch

from ...attention.binding import Bound
from ...attention.heat import Heat
from ...attention.method import kept
from ...attention.parts import GUARD, KEY, Binding, PartWords, joined
from ...attention.site import ACTS, Acts, Entry
from ...told import Told

MOST_REPEATS = 4
"""ComfyUI repeats a shorter text to the length of a longer one up to so many times, else it asks the model twice
(``CONDCrossAttn.can_concat``)."""


@dataclass(frozen=True, eq=False)
class Began:
    """What ComfyUI calls a sampler with, beside the conditionings."""

    guider: Any
    sigmas: torch.Tensor
    noise: torch.Tensor
    latent_image: torch.Tensor | None
    denoise_mask: torch.Tensor | None
    seed: int | None


@dataclass(frozen=True, eq=False)
class Joined:
    """The entries of a run and their words; ``heats``: what the run gathers for which heat."""

    entries: tuple[Entry, ...]
    bound: dict[Any, Bound]
    heats: dict[Heat, Heat]


def join(began: Began) -> Joined | None:
    """Joins them in ``guider.conds``; None: nothing of ours acts there.

    Raises:
        Told: a binding cannot act as it stands.
    """
    conds: dict[str, list[dict[str, Any]]] = began.guider.conds
    if not any(KEY in entry or ACTS in entry for entries in conds.values() for entry in entries):
        return None
    _tell_apart(conds)
    bindings = {kind: [_standing(entry) for entry in entries] for kind, entries in conds.items()}
    refused = joined([b.negative for b in bindings.get("positive", []) if b and b.negative])
    if not any(bindings.get("negative", [])):
        bindings["negative"] = [refused] * len(conds.get("negative", []))
    sampling = began.guider.model_patcher.get_model_object("model_sampling")
    sigmas = began.sigmas.tolist()
    heats = {b.heat: Heat(b.heat.side) for found in bindings.values() for b in found if b and b.heat}
    texts: list[_Text] = []
    entries: list[Entry] = []
    for kind, found in conds.items():
        for number, (cond, binding) in enumerate(zip(found, bindings[kind], strict=True)):
            given = {name: value for name, value in cond["model_conds"].items() if value is not GUARD}
            entry: dict[str, Any] = {**cond, "model_conds": given}
            found[number] = entry
            entries.append(Entry(entry["uuid"], kind, entry.get(ACTS, Acts())))
            if "c_crossattn" in given:
                texts.append(_text(began, kind, entry, binding))
    if any(text.binding for text in texts):
        _give_control_the_base(conds, texts)
        _fill(texts)
    bound: dict[Any, Bound] = {}
    for text in texts:
        text.entry["model_conds"]["c_crossattn"] = comfy.conds.CONDCrossAttn(text.tokens)
        heat = text.binding and text.binding.heat
        bound[text.entry["uuid"]] = Bound(
            text.binding, text.counts, text.tokens.shape[1], sampling, sigmas, heats[heat] if heat else None
        )
    return Joined(tuple(entries), bound, heats)


@dataclass(eq=False)
class _Text:
    """The words of one entry: ``tokens [B, T, C]``, and how many of them each part has, the base first."""

    entry: dict[str, Any]
    binding: Binding | None
    tokens: torch.Tensor
    counts: tuple[int, ...]


def _tell_apart(conds: dict[str, list[dict[str, Any]]]) -> None:
    """ComfyUI copies an entry with an area, uuid and all, to the other side."""
    known = set[Any]()
    for entries in conds.values():
        for number, entry in enumerate(entries):
            if entry["uuid"] in known:
                entries[number] = entry = {**entry, "uuid": uuid4()}
            known.add(entry["uuid"])


def _standing(entry: dict[str, Any]) -> Binding | None:
    binding: Binding | None = entry.get(KEY)
    if binding is None or not binding.stands(entry["cross_attn"]):
        return None
    if "area" in entry or entry.get("set_area_to_bounds"):
        raise Told(
            "What comes from Regions fills the picture and takes no area of its own: take off the area, or give its "
            "words a place with Region from Conditioning."
        )
    return binding


def _text(began: Began, kind: str, entry: dict[str, Any], binding: Binding | None) -> _Text:
    base = entry["model_conds"]["c_crossattn"].cond
    if binding is None:
        return _Text(entry, None, base, (base.shape[1],))
    parts = _given(began, kind, entry, binding.parts)
    with kept():
        pieces = [base, *(part.to(base).expand(len(base), -1, -1) for part in parts)]
        return _Text(entry, binding, torch.cat(pieces, 1), tuple(piece.shape[1] for piece in pieces))


def _given(began: Began, kind: str, entry: dict[str, Any], parts: Sequence[PartWords]) -> list[torch.Tensor]:
    """What the model makes of the words of parts, ``[1, T, C]`` each.

    Padding, adapters and second texts are its business; what a part does not say is the base's. Some models draw from the
    generator that samplers use, too.
    """
    conds = [{**entry, **part.values, "cross_attn": part.tokens, "model_conds": {}} for part in parts]
    guider, device = began.guider, began.guider.model_patcher.load_device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        encoded = comfy.samplers.encode_model_conds(
            guider.inner_model.extra_conds,
            conds,
            began.noise,
            device,
            kind,
            latent_image=began.latent_image,
            denoise_mask=began.denoise_mask,
            seed=began.seed,
            latent_shapes=guider.inner_model.latent_shapes,
        )
    return [cond["model_conds"]["c_crossattn"].cond for cond in encoded]


def _give_control_the_base(conds: dict[str, list[dict[str, Any]]], texts: Sequence[_Text]) -> None:
    """ControlNets read the words of the base alone, since nothing tells them whose the others are."""
    if not any("control" in entry for entries in conds.values() for entry in entries):
        return
    # All entries get them, and in one length, as ComfyUI asks the model once for entries that are given the same things.
    length = math.lcm(*(text.counts[0] for text in texts))
    for text in texts:
        base = text.tokens[:, : text.counts[0]].repeat(1, length // text.counts[0], 1)
        text.entry["model_conds"].setdefault("crossattn_controlnet", comfy.conds.CONDCrossAttn(base))


def _fill(texts: Sequence[_Text]) -> None:
    """Fills shorter texts with tokens that nobody reads where ComfyUI would ask the model twice."""
    lengths = {text.tokens.shape[1] for text in texts}
    if all(math.lcm(a, b) <= MOST_REPEATS * min(a, b) for a, b in combinations(lengths, 2)):
        return
    for text in texts:
        batch, length, width = text.tokens.shape
        with kept():
            text.tokens = torch.cat([text.tokens, text.tokens.new_zeros(batch, max(lengths) - length, width)], 1)

"""Joins what acts with the conditionings of a run, after ComfyUI has made of them what its model is given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

import torch

from ...attention.binding import Bound
from ...attention.heat import Heat
from ...attention.lora import RegionLora
from ...attention.method import kept
from ...attention.parts import KEY, Binding, common_rows, joined, unprompted
from ...attention.site import ACTS, Acts, Entry
from ...told import Told
from ..core_sampling import UNPROMPTED, CoreRun, Given

MOST_REPEATS = 4
"""ComfyUI repeats a shorter text to the length of a longer one up to so many times, else it asks the model twice
(comfy/conds.py, ``CONDCrossAttn.can_concat``)."""


@dataclass(frozen=True, eq=False)
class Joined:
    """The entries of a run and their words.

    Attributes:
        heats: what the run gathers for which heat.
        loras: those of regions.
    """

    entries: tuple[Entry, ...]
    bound: dict[UUID, Bound]
    heats: dict[Heat, Heat]
    loras: tuple[RegionLora, ...]


def join(run: CoreRun) -> Joined | None:
    """Joins them where ComfyUI has them; None: nothing of ours acts there.

    Raises:
        Told: a binding cannot act as it stands.
    """
    given = run.conditionings()
    if not any(KEY in each.entry or ACTS in each.entry for each in given):
        return None
    bindings = _bindings(given)
    texts: list[_Text] = []
    for each, binding in zip(given, bindings, strict=True):
        each.take(KEY)  # the guard
        if each.reads:
            texts.append(_text(run, each, binding))
    if any(bindings):
        if any(each.has_control for each in given):
            _give_control_the_base(texts)
        _fill(texts)
    heats = {b.heat: Heat(b.heat.side) for b in bindings if b and b.heat}
    bound: dict[UUID, Bound] = {}
    for text in texts:
        text.given.give(text.tokens)
        heat = text.binding.heat if text.binding else None
        bound[text.given.uuid] = Bound(
            text.binding if text.binding and text.binding.parts else None,
            text.counts,
            text.tokens.shape[1],
            run.percent_to_sigma,
            run.sigmas,
            heats[heat] if heat else None,
        )
    entries = (Entry(each.uuid, each.kind, each.entry.get(ACTS, Acts())) for each in given)
    loras = [lora for b in bindings if b for each in (b.loras, *(part.loras for part in b.parts)) for lora in each]
    return Joined(tuple(entries), bound, heats, tuple(dict.fromkeys(loras)))


@dataclass(eq=False)
class _Text:
    """The words of one entry: ``tokens [B, T, C]``, and how many of them each part has, the base first."""

    given: Given
    binding: Binding | None
    tokens: torch.Tensor
    counts: tuple[int, ...]


def _bindings(given: Sequence[Given]) -> list[Binding | None]:
    """The binding of each entry. A negative that has none gets what is refused in parts of the positive, unless it has a place of
    its own. Those that say nothing stand for the negatives, one for one."""
    found = [_standing(each) for each in given]
    refused = joined(
        [b.negative for each, b in zip(given, found, strict=True) if b and b.negative and each.kind == "positive"]
    )
    if not any(b for each, b in zip(given, found, strict=True) if each.kind == "negative"):
        found = [
            refused if each.kind == "negative" and not each.has_area else b
            for each, b in zip(given, found, strict=True)
        ]
    negatives = iter([b for each, b in zip(given, found, strict=True) if each.kind == "negative"])
    for number, each in enumerate(given):
        if each.kind == UNPROMPTED:
            binding = next(negatives)
            found[number] = binding and unprompted(binding)
    return found


def _standing(given: Given) -> Binding | None:
    binding: Binding | None = given.entry.get(KEY)
    if binding is None or given.kind == UNPROMPTED or not binding.stands(given.tokens):
        return None
    if given.has_area:
        raise Told(
            "What comes from Regions fills the picture and takes no area of its own: take off the area, or give its "
            "words a place with Region from Conditioning."
        )
    return binding


def _text(run: CoreRun, given: Given, binding: Binding | None) -> _Text:
    base = given.text
    if binding is None:
        return _Text(given, None, base, (base.shape[1],))
    made = iter(run.made_of(given, [(p.tokens, p.values) for p in binding.parts if p.tokens is not None]))
    parts = [base if part.tokens is None else next(made) for part in binding.parts]
    rows = common_rows(base, binding.parts)
    with kept():
        pieces = [piece.to(base).expand(rows, -1, -1) for piece in (base, *parts)]
        return _Text(given, binding, torch.cat(pieces, 1), tuple(piece.shape[1] for piece in pieces))


def _give_control_the_base(texts: Sequence[_Text]) -> None:
    """ControlNets read the words of the base alone, since nothing tells them whose the others are."""
    # All entries get them, and in one length, as ComfyUI asks the model once for entries that are given the same things.
    length = math.lcm(*(text.counts[0] for text in texts))
    for text in texts:
        base = text.tokens[:, : text.counts[0]]
        text.given.give_control(base.repeat(1, length // base.shape[1], 1))


def _fill(texts: Sequence[_Text]) -> None:
    """Fills shorter texts with tokens that nobody reads where ComfyUI would ask the model twice."""
    lengths = {text.tokens.shape[1] for text in texts}
    if all(math.lcm(a, b) <= MOST_REPEATS * min(a, b) for a, b in combinations(lengths, 2)):
        return
    for text in texts:
        batch, length, width = text.tokens.shape
        with kept():
            text.tokens = torch.cat([text.tokens, text.tokens.new_zeros(batch, max(lengths) - length, width)], 1)

"""Joins what acts with the conditionings of a run, after ComfyUI has made of them what its model is given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from uuid import UUID

import torch
import torch.nn.functional as F

from ...attention.binding import Bound
from ...attention.heat import Heat
from ...attention.lora import RegionLora
from ...attention.method import kept
from ...attention.parts import KEY, Binding, common_rows, joined, unprompted
from ...attention.pictures import Reading, Window
from ...attention.site import ACTS, Acts, Entry
from ...attention.xti import XTI, OwnWords, xti_of
from ...reference.picture import PICTURES, TOKENS, Picture, PictureTokens, Shown
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
        pictures: what each entry reads, by its uuid.
        own: the words of each cross-attention, of the entries that have such, by their uuid.
    """

    entries: tuple[Entry, ...]
    bound: dict[UUID, Bound]
    heats: dict[Heat, Heat]
    loras: tuple[RegionLora, ...]
    pictures: dict[UUID, list[Reading]]
    own: dict[UUID, tuple[torch.Tensor, ...]]


def join(run: CoreRun) -> Joined | None:
    """Joins them where ComfyUI has them; None: nothing of ours acts there.

    Raises:
        Told: a binding cannot act as it stands.
    """
    given = run.conditionings()
    if not any(each.is_given(XTI) or any(key in each.entry for key in (KEY, PICTURES, TOKENS, ACTS)) for each in given):
        return None
    bindings = _bindings(given)
    texts: list[_Text] = []
    for each, binding in zip(given, bindings, strict=True):
        words: OwnWords | None = each.take(XTI)
        for guard in (KEY, PICTURES, TOKENS):
            each.take(guard)
        if each.reads:
            texts.append(_text(run, each, binding, words if each.kind != UNPROMPTED else None))
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
            text.pictures,
        )
    entries = (Entry(each.uuid, each.kind, each.entry.get(ACTS, Acts())) for each in given)
    loras = [lora for b in bindings if b for each in (b.loras, *(part.loras for part in b.parts)) for lora in each]
    own = {text.given.uuid: text.own for text in texts if text.own}
    return Joined(tuple(entries), bound, heats, tuple(dict.fromkeys(loras)), _pictures(run, given), own)


@dataclass(eq=False)
class _Text:
    """The words of one entry: ``tokens [B, T, C]``, how many of them each part has, the base first, which are pictures, and the same for
    each cross-attention where it has its own."""

    given: Given
    binding: Binding | None
    tokens: torch.Tensor
    counts: tuple[int, ...]
    pictures: tuple[PictureTokens, ...]
    own: tuple[torch.Tensor, ...]


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


def _text(run: CoreRun, given: Given, binding: Binding | None, own: OwnWords | None) -> _Text:
    base = given.text
    # What stands for the empty prompt has no more than that.
    pictures: tuple[PictureTokens, ...] = () if given.kind == UNPROMPTED else given.entry.get(TOKENS, ())
    of_base = _each(run, given, base, own)
    if binding is None:
        return _Text(given, None, base, (base.shape[1],), pictures, of_base)
    made = iter(run.made_of(given, [(p.tokens, p.values) for p in binding.parts if p.tokens is not None]))
    parts = [base if part.tokens is None else next(made) for part in binding.parts]
    rows = common_rows(base, binding.parts)

    def joined_up(words: Sequence[torch.Tensor]) -> torch.Tensor:
        with kept():
            return torch.cat([piece.to(base).expand(rows, -1, -1) for piece in words], 1)

    pieces = (base, *parts)
    counts = tuple(piece.shape[1] for piece in pieces)
    owns = [
        of_base,
        *(of_base if p.tokens is None else _each(run, given, p.tokens, xti_of(p.values)) for p in binding.parts),
    ]
    each = [
        joined_up([its[number] if its else piece for its, piece in zip(owns, pieces, strict=True)])
        for number in range(max(map(len, owns)))
    ]
    behind = [
        replace(picture, begin=picture.begin + sum(counts[:number]))
        for number, part in enumerate(binding.parts, 1)
        for picture in (pictures if part.tokens is None else part.values.get(TOKENS, ()))
    ]
    return _Text(given, binding, joined_up(pieces), counts, (*pictures, *behind), tuple(each))


def _each(run: CoreRun, given: Given, tokens: torch.Tensor, own: OwnWords | None) -> tuple[torch.Tensor, ...]:
    """Words ``[B, T, C]`` as the model is given them, for each cross-attention; none, where all read the same."""
    each = own and own.beside(tokens)
    return tuple(run.made_of(given, [(words, {}) for words in each])) if each else ()


def _pictures(run: CoreRun, given: Sequence[Given]) -> dict[UUID, list[Reading]]:
    """What each entry reads of which pictures. A list other than the positive in which nothing has pictures of its own gets the blanks of
    the positive's, each where and when its entry acts."""
    found: dict[UUID, list[Reading]] = {}
    shown: dict[tuple[object, ...], tuple[Picture, Given]] = {}
    for each in given:
        for picture in each.entry.get(PICTURES, ()):
            found.setdefault(each.uuid, []).append(_reading(run, picture, picture.shown, each, each))
            if each.kind == "positive":
                shown[picture, each.entry.get("mask"), each.box, each.range] = picture, each
    own = {each.kind for each in given if each.uuid in found}
    for each in given:
        if shown and each.kind not in own | {"positive"}:
            found[each.uuid] = [_reading(run, picture, picture.blank, each, of) for picture, of in shown.values()]
    return found


def _reading(run: CoreRun, picture: Picture, shown: Shown, reader: Given, of: Given) -> Reading:
    """
    Args:
        of: the entry whose picture it is.
    """
    start, end = run.percent_to_sigma(picture.start), run.percent_to_sigma(picture.end)
    latest, earliest = of.range
    size = run.size
    masks = [of.mask.amax(0)] if of.mask is not None and of is not reader else []
    if of.box and of is not reader:
        masks.append(_window(of.box, size).mask(*size))
    window = _window(reader.box, size) if reader.box else None
    return Reading(picture, shown, min(start, latest), max(end, earliest), masks, window)


def _window(box: tuple[int, int, int, int], size: tuple[int, int]) -> Window:
    (height, width, top, left), (rows, columns) = box, size
    return Window(top / rows, left / columns, (top + height) / rows, (left + width) / columns)


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
        more = max(lengths) - text.tokens.shape[1]
        with kept():
            text.tokens, *own = (F.pad(tokens, (0, 0, 0, more)) for tokens in (text.tokens, *text.own))
        text.own = tuple(own)

"""From a canvas, or from conditionings with masks, to what a sampler takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from ..attention.area import Overlap, coverage
from ..attention.heat import Heat
from ..attention.lora import RegionLora
from ..attention.method import ONE_PASS, AttentionMethod
from ..attention.parts import REPEATED, Conditioning, Part, bind, check_width, feather, stack
from ..attention.xti import with_own_words, xti_of
from ..canvas.bags import BagText, negative_words, own_words, words
from ..canvas.canvas import GRID, Canvas, Region
from ..canvas.masks import mask
from ..reference.joint import LATENTS
from ..reference.picture import PICTURES, TOKENS, unguarded
from ..reference.reference import Reference
from ..told import Told
from .encode import encode, encode_together
from .loras import Loras, RegionLoras, strong
from .region_pictures import RegionPictures

HEAT = "resonance_heat"
"""Where a MODEL carries the heat of its regions and their names."""

BINDABLE = frozenset(
    (
        *("pooled_output", "width", "height", "crop_w", "crop_h", "target_width", "target_height", "aesthetic_score"),
        REPEATED,
        PICTURES,
        TOKENS,
    )
)
"""What a region's conditioning may carry besides its tokens where all regions share one pass: what describes the whole
picture, and is taken from the global words."""


@dataclass(frozen=True, eq=False)
class Placed:
    """What a sampler takes, and the masks ``[R, H, W]`` as they act with their names, the global one first.

    Attributes:
        notes: what shall be said of them.
    """

    model: Any
    positive: Conditioning
    negative: Conditioning
    masks: torch.Tensor
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Sources:
    """Where the words come from: a canvas, conditionings with masks, or both; what acts everywhere; and what the pictures of the canvas
    are looked at with."""

    clip: Any = None
    canvas: Canvas | None = None
    regions: tuple[Part, ...] = ()
    positive: Conditioning | None = None
    negative: Conditioning | None = None
    reference: Reference | None = None

    @property
    def have_loras(self) -> bool:
        """Whether a LoRA acts in any region."""
        of_canvas = self.canvas.regions if self.canvas else ()
        return any(each.weight > 0 and strong(each.loras) for each in (*of_canvas, *self.regions))

    def check(self) -> None:
        if self.canvas and self.clip is None:
            raise Told("The words of a canvas need a text encoder: connect clip.")
        if not self.canvas and not self.regions:
            raise Told("There are no regions: connect a canvas with clip, or regions from Region from Conditioning.")
        if not self.positive and not (self.canvas and self.canvas.whole.weight > 0):
            raise Told(
                "Nothing acts outside the regions: connect positive, or a canvas whose global words have a weight."
            )


@dataclass(frozen=True, eq=False)
class Placing:
    """A :class:`resonance.attention.method.Placing`.

    Args:
        reason: why the method cannot act in every model; empty: it can.

    Raises:
        Told: it cannot act in this one.
    """

    model: Any
    sources: Sources
    reason: str = ""

    def __post_init__(self) -> None:
        if self.reason:
            from .families import family

            family(self.model, ONE_PASS if self.sources.have_loras else self.reason)

    def bound(self, method: AttentionMethod, *, soft: float = 0.0, heat: int = 0) -> Placed:
        return by_attention(self.model, self.sources, method, soft, heat)

    def areas(self, overlap: Overlap, global_strength: float, region_strength: float) -> Placed:
        return by_area(self.model, self.sources, overlap, global_strength, region_strength)


def by_area(model: Any, sources: Sources, overlap: Overlap, global_strength: float, region_strength: float) -> Placed:
    """Each region as an area of its own, by ComfyUI's means, see :mod:`resonance.attention.area`."""
    sources.check()
    canvas, loras = sources.canvas, RegionLoras(model, sources.clip)
    pictures = RegionPictures(model, canvas, sources.reference)
    encoded: dict[tuple[BagText, Loras], Conditioning] = {}

    def once(text: BagText, acting: Loras) -> Conditioning:
        if (text, acting) not in encoded:
            encoded[text, acting] = loras.hang(encode(loras.reading(acting), text), acting)
        return encoded[text, acting]

    def refused(acting: Loras, words: Loras) -> Conditioning:
        """The base negative where LoRAs act; ``words``: those that its text is encoded with."""
        return loras.hang(_base_negative(sources, base, loras.reading(words)), acting)

    base, parts = _strength(sources.positive or [], global_strength), list[Part]()
    for_all: Loras = ()
    if canvas:
        whole = canvas.whole
        if whole.weight > 0:
            for_all = strong(whole.loras)
            base += _strength(once(words(whole), for_all), global_strength * whole.weight)
        for number, region in enumerate(canvas.regions):
            if number and region.weight > 0:
                acting = strong(region.loras)
                negative = once(negative_words(region.negative), acting) if region.negative.strip() else None
                if acting:
                    negative = negative or refused(acting, acting)
                positive = pictures.seen(number, once(own_words(canvas, region), acting))
                parts.append(_part(canvas, number, positive, negative))
    for part in sources.regions:
        if part.weight > 0:
            if acting := strong(part.loras):
                positive = loras.hang(part.positive, acting)
                negative = loras.hang(part.negative, acting) if part.negative else refused(acting, ())
                part = replace(part, positive=positive, negative=negative)
            parts.append(part)
    masks = coverage(stack([part.mask for part in parts]), overlap) if parts else torch.zeros(0, GRID, GRID)
    full = torch.ones_like(masks[:1]) if parts else torch.ones(1, GRID, GRID)

    def areas(base: Conditioning, negative: bool) -> Conditioning:
        placed = [[tokens, {"mask": full, **values}] for tokens, values in base]
        for part, covered in zip(parts, masks, strict=True):
            words_there = part.negative if negative else part.positive
            for tokens, values in _strength(words_there or [], region_strength * part.weight):
                values["mask"] = covered[None]
                values["start_percent"] = max(part.start, values.get("start_percent", 0.0))
                values["end_percent"] = min(part.end, values.get("end_percent", 1.0))
                placed.append([tokens, values])
        return placed

    negative = [] if for_all and not sources.positive else _base_negative(sources, base, sources.clip)
    if for_all or any(part.negative for part in parts):
        negative = _strength(negative, global_strength)
        if for_all:
            assert canvas
            negative += _strength(refused(for_all, for_all), global_strength * canvas.whole.weight)
        negative = areas(negative, True)
    positive = areas(pictures.seen(0, base), False)
    model = pictures.model
    if any(
        xti_of(values) or any(key in values for key in (PICTURES, TOKENS, LATENTS))
        for _, values in (*positive, *negative)
    ):
        from .families import known
        from .sampling.owner import owned
        from .sampling.transformer import joint

        model = owned(model) if known(model) else joint(model)
    notes = (*loras.notes, *pictures.notes)
    return Placed(model, positive, negative, torch.cat([full, masks]), _names(parts), notes)


def by_attention(model: Any, sources: Sources, method: AttentionMethod, soft: float = 0.0, heat: int = 0) -> Placed:
    """All regions in one pass of the model: their tokens in one conditioning, kept apart in its attention.

    Args:
        soft: cells of soft edge.
        heat: longer side of the maps of where the words act; 0: none are made.
    """
    from .sampling.owner import owned  # loading the pack must not wait for what acts while sampling

    sources.check()
    canvas, loras = sources.canvas, RegionLoras(model, sources.clip)
    pictures = RegionPictures(model, canvas, sources.reference)
    positive, parts = sources.positive, list(sources.regions)
    for_all: Loras = ()
    again: dict[Part, torch.Tensor] = {}
    if canvas:
        numbered = [(n, r) for n, r in enumerate(canvas.regions) if r.weight > 0 or n == 0]
        for_all = strong(canvas.whole.loras) if canvas.whole.weight > 0 else ()
        acting = {n: strong(region.loras) if n else for_all for n, region in numbered}
        asked = {n: (words(region), acting[n]) for n, region in numbered}
        refused = {n: (negative_words(r.negative), acting[n]) for n, r in numbered if n and r.negative.strip()}
        repeated = {n: (_global_negative(sources), its) for n, its in acting.items() if n and its and n not in refused}
        tokens, said = _encode(loras, [*asked.values(), *refused.values(), *repeated.values()])
        whole = tokens[asked[0]]
        if canvas.whole.weight > 0:
            for t, _ in positive or []:
                check_width("positive", t, whole)
            positive = [[t, {**v, **said}] for t, v in _behind(positive or [], whole)] or [[whole, said]]
        drawn = {
            n: _part(
                canvas,
                n,
                pictures.seen(n, [[tokens[asked[n]], {}]]),
                [[tokens[refused[n]], {}]] if n in refused else None,
            )
            for n, _ in numbered[1:]
        }
        if not sources.negative or _global_negative(sources).suffixes:
            again = {drawn[n]: tokens[text] for n, text in repeated.items()}
        parts[:0] = drawn.values()
    parts = [part for part in parts if part.weight > 0]
    _check_one_pass(parts)
    if method.pooled:
        sides = [positive, sources.negative, *(side for part in parts for side in (part.positive, part.negative))]
        for side in sides:
            _check_even(side or [])
    negative = _base_negative(sources, positive or [], loras.reading(for_all))
    masks = stack([torch.ones(GRID, GRID), *(part.mask for part in parts)])
    if soft:
        masks = torch.cat([masks[:1], feather(masks[1:], soft)])
    acting_parts = [
        replace(part, mask=m, acting=_acting(loras, strong(part.loras), m, part))
        for part, m in zip(parts, masks[1:], strict=True)
    ]
    again = {new: again[old] for new, old in zip(acting_parts, parts, strict=True) if old in again}
    parts = acting_parts
    base_loras = _acting(loras, for_all, masks[0])
    positive = pictures.seen(0, positive or [])
    model = owned(pictures.model)
    seen = Heat(heat) if heat else None
    model.set_attachments(HEAT, (seen, _names(parts)))
    weight = canvas.whole.weight if canvas and canvas.whole.weight > 0 else 1.0
    positive = bind(positive, parts, method, weight, heat=seen, loras=base_loras)
    refusing: Conditioning = []
    for entry in negative:
        known = [
            replace(part, negative=_again(entry[0], entry[1], again[part])) if part in again else part for part in parts
        ]
        refusing += bind([entry], known, method, negative=True)
    return Placed(model, positive, refusing, masks, _names(parts), (*loras.notes, *pictures.notes))


def heat_of(model: Any) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Maps ``[B, R, h, w]`` of the last picture that was sampled with a MODEL, and the names of the parts.

    Raises:
        Told: there are none; the text says what to do.
    """
    seen, names = model.get_attachment(HEAT) or (None, ())
    if seen is None:
        raise Told("This model notes no heat: connect the one from Regions, with an attention method and capture set.")
    maps = seen.maps()
    if maps is None:
        raise Told("No picture was sampled with this model yet: connect an image that was.")
    return maps, names


def overlay(image: torch.Tensor, maps: torch.Tensor, opacity: float) -> torch.Tensor:
    """Maps ``[B, R, h, w]`` as colours from blue over green to red, over pictures ``[B, H, W, 3]``: ``[B * R, H, W, 3]``."""
    if len(image) not in (1, len(maps)):
        raise Told(f"Expected {len(maps)} pictures, as they were sampled, got {len(image)}.")
    size = image.shape[1:3]
    heat = F.interpolate(maps, size, mode="bilinear").clamp(0, 1)[..., None]
    colours = (1.5 - (heat * 2 - torch.tensor([1.5, 1.0, 0.5])).abs() * 2).clamp(0, 1)
    return (image[:, None, ..., :3].cpu() * (1 - opacity) + colours * opacity).flatten(0, 1)


def _names(parts: Sequence[Part]) -> tuple[str, ...]:
    return ("global", *(part.name for part in parts))


def _part(canvas: Canvas, number: int, positive: Conditioning, negative: Conditioning | None) -> Part:
    region = canvas.regions[number]
    name, where = canvas.label(number), mask(region)
    return Part(name, positive, where, region.weight, region.start, region.end, negative, region.loras)


def _global_negative(sources: Sources) -> BagText:
    """What the canvas wants nowhere."""
    whole = sources.canvas.whole if sources.canvas else Region()
    return negative_words(whole.negative if whole.weight > 0 else "")


def _base_negative(sources: Sources, positive: Conditioning, clip: Any) -> Conditioning:
    """What is connected and the global negative of the canvas; else the empty text; else nothing in the shape of ``positive``.

    Args:
        clip: encodes what is not connected.
    """
    refused = _global_negative(sources)
    if not sources.negative:
        if clip is not None:
            return encode(clip, refused)
        tokens, values = positive[0]
        pooled = values.get("pooled_output")
        return [[torch.zeros_like(tokens), {} if pooled is None else {"pooled_output": torch.zeros_like(pooled)}]]
    if not refused.suffixes:
        return sources.negative
    [more], _ = encode_together(clip, [refused])
    for tokens, _ in sources.negative:
        check_width("negative", tokens, more)
    return _behind(sources.negative, more)


def _again(tokens: torch.Tensor, values: Mapping[str, Any], known: torch.Tensor) -> Conditioning:
    """The base negative once more, its known words, which stand at the end, as the LoRAs of a region encode them."""
    own = xti_of(values)
    words = tokens[:, : tokens.shape[1] - known.shape[1]]
    return _behind([[words, with_own_words({}, own) if own else {}]], known)


def _behind(conditioning: Conditioning, more: torch.Tensor) -> Conditioning:
    """A conditioning with more tokens ``[1, T, C]`` behind those of each picture.

    Raises:
        Told: its pictures have words of different lengths.
    """
    _check_even(conditioning)
    return [[torch.cat([t, more.to(t).expand(len(t), -1, -1)], 1), values] for t, values in conditioning]


def _check_even(conditioning: Conditioning) -> None:
    """
    Raises:
        Told: words are repeated in it, and would count for more beside others.
    """
    if any(REPEATED in values for _, values in conditioning):
        raise Told(
            "The prompts of this batch have different numbers of chunks, and the shorter ones are repeated: beside other words they would"
            " count for more than alone. Set batch_size to 1; or in Regions take attention couple or an area method, and a canvas whose"
            " global region has weight 0."
        )


def _encode(
    loras: RegionLoras, asked: Sequence[tuple[BagText, Loras]]
) -> tuple[dict[tuple[BagText, Loras], torch.Tensor], dict[str, Any]]:
    """Texts, each with the LoRAs that it is read with, in one call of the encoder for all that share them.

    Returns:
        tokens ``[1, T, C]`` of each, and what else the encoder says of the first.
    """
    tokens: dict[tuple[BagText, Loras], torch.Tensor] = {}
    said: list[dict[str, Any]] = []
    for acting in dict.fromkeys(its for _, its in asked):
        texts = [text for text, its in asked if its == acting]
        found, more = encode_together(loras.reading(acting), texts)
        tokens |= {(text, acting): vectors for text, vectors in zip(texts, found, strict=True)}
        said.append(more)
    return tokens, said[0]


def _acting(loras: RegionLoras, chosen: Loras, mask: torch.Tensor, part: Part | None = None) -> tuple[RegionLora, ...]:
    """LoRAs at the place and in the time of a part; None: of the base."""
    start, end = (part.start, part.end) if part else (0.0, 1.0)
    return tuple(
        RegionLora(deltas=deltas, mask=mask, everywhere=part is None, start=start, end=end)
        for deltas in loras.deltas(chosen)
    )


def _strength(entries: Conditioning, strength: float) -> Conditioning:
    return [
        [t, {"set_area_to_bounds": False, **values, "mask_strength": strength * values.get("mask_strength", 1.0)}]
        for t, values in entries
    ]


def _check_one_pass(parts: Sequence[Part]) -> None:
    for part in parts:
        for _, values in (*part.positive, *(part.negative or [])):
            if foreign := [
                key for key, value in unguarded(values).items() if key not in BINDABLE and value is not None
            ]:
                raise Told(
                    f"The conditioning of {part.name} carries {', '.join(foreign)}, which cannot act in one region where all "
                    "regions share one pass of the model: put it on positive, or take area overlay or area average."
                )

"""From a canvas, or from conditionings with masks, to what a sampler takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import comfy.utils
import folder_paths
import torch
import torch.nn.functional as F

from ..attention.area import Overlap, coverage
from ..attention.heat import Heat
from ..attention.method import AttentionMethod
from ..attention.parts import Conditioning, Part, bind, check_width, feather, stack
from ..canvas.bags import BagText, negative_words, own_words, words
from ..canvas.canvas import GRID, Canvas, Lora, Region
from ..canvas.masks import mask
from ..files.lookup import nearest
from ..told import Told
from . import core
from .encode import encode, encode_together
from .folders import model_file, model_folders

HEAT = "resonance_heat"
"""Where a MODEL carries the heat of its regions and their names."""

BINDABLE = frozenset(
    ("pooled_output", "width", "height", "crop_w", "crop_h", "target_width", "target_height", "aesthetic_score")
)
"""What a region's conditioning may carry besides its tokens where all regions share one pass: what describes the whole
picture, and is taken from the global words."""


@dataclass(frozen=True, eq=False)
class Placed:
    """What a sampler takes, and the masks ``[R, H, W]`` as they act with their names, the global one first."""

    model: Any
    positive: Conditioning
    negative: Conditioning
    masks: torch.Tensor
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sources:
    """Where the words come from: a canvas, conditionings with masks, or both; and what acts everywhere."""

    clip: Any = None
    canvas: Canvas | None = None
    regions: tuple[Part, ...] = ()
    positive: Conditioning | None = None
    negative: Conditioning | None = None

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

            family(self.model, self.reason)

    def bound(self, method: AttentionMethod, *, soft: float = 0.0, heat: int = 0) -> Placed:
        return by_attention(self.model, self.sources, method, soft, heat)

    def areas(self, overlap: Overlap, global_strength: float, region_strength: float) -> Placed:
        return by_area(self.model, self.sources, overlap, global_strength, region_strength)


def by_area(model: Any, sources: Sources, overlap: Overlap, global_strength: float, region_strength: float) -> Placed:
    """Each region as an area of its own, by ComfyUI's means, see :mod:`resonance.attention.area`."""
    sources.check()
    canvas = sources.canvas
    clips: dict[Lora, Any] = {}
    encoded: dict[tuple[BagText, Lora | None], Conditioning] = {}

    def once(text: BagText, lora: Lora | None) -> Conditioning:
        if lora and lora not in clips:
            clips[lora] = _with_lora(sources.clip, lora)
        if (text, lora) not in encoded:
            encoded[text, lora] = encode(clips[lora] if lora else sources.clip, text)
        return encoded[text, lora]

    base, parts = _strength(sources.positive or [], global_strength), list(sources.regions)
    if canvas:
        whole = canvas.whole
        if whole.weight > 0:
            base += _strength(once(words(whole), whole.lora), global_strength * whole.weight)
        parts[:0] = [
            _part(
                canvas,
                number,
                once(own_words(canvas, region), region.lora),
                once(negative_words(region.negative), region.lora) if region.negative.strip() else None,
            )
            for number, region in enumerate(canvas.regions)
            if number and region.weight > 0
        ]
    parts = [part for part in parts if part.weight > 0]
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

    negative = _base_negative(sources, base)
    if any(part.negative for part in parts):
        negative = areas(_strength(negative, global_strength), True)
    return Placed(model, areas(base, False), negative, torch.cat([full, masks]), _names(parts))


def by_attention(model: Any, sources: Sources, method: AttentionMethod, soft: float = 0.0, heat: int = 0) -> Placed:
    """All regions in one pass of the model: their tokens in one conditioning, kept apart in its attention.

    Args:
        soft: cells of soft edge.
        heat: longer side of the maps of where the words act; 0: none are made.
    """
    from .sampling.owner import owned  # loading the pack must not wait for what acts while sampling

    sources.check()
    clip, canvas = sources.clip, sources.canvas
    positive, parts = sources.positive, list(sources.regions)
    if canvas:
        acting = [(n, r) for n, r in enumerate(canvas.regions) if r.weight > 0 or n == 0]
        refusing = [(n, r) for n, r in acting if n and r.negative.strip()]
        texts = [words(r) for _, r in acting] + [negative_words(r.negative) for _, r in refusing]
        tokens, said = encode_together(clip, texts)
        whole, *local = tokens[: len(acting)]
        refused = dict(zip((n for n, _ in refusing), tokens[len(acting) :], strict=True))
        if canvas.whole.weight > 0:
            for t, _ in positive or []:
                check_width("positive", t, whole)
            positive = [[torch.cat([t, whole.to(t)], 1), {**v, **said}] for t, v in positive or []] or [[whole, said]]
        parts[:0] = [
            _part(canvas, n, [[t, {}]], [[refused[n], {}]] if n in refused else None)
            for (n, _), t in zip(acting[1:], local, strict=True)
        ]
    _check_one_pass(canvas, parts)
    parts = [part for part in parts if part.weight > 0]
    negative = _base_negative(sources, positive or [])
    masks = stack([torch.ones(GRID, GRID), *(part.mask for part in parts)])
    if soft:
        masks = torch.cat([masks[:1], feather(masks[1:], soft)])
        parts = [replace(part, mask=m) for part, m in zip(parts, masks[1:], strict=True)]
    model = owned(model)
    seen = Heat(heat) if heat else None
    model.set_attachments(HEAT, (seen, _names(parts)))
    weight = canvas.whole.weight if canvas and canvas.whole.weight > 0 else 1.0
    positive = bind(positive or [], parts, method, weight, heat=seen)
    return Placed(model, positive, bind(negative, parts, method, negative=True), masks, _names(parts))


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
    return Part(name, positive, where, region.weight, region.start, region.end, negative, region.lora)


def _base_negative(sources: Sources, positive: Conditioning) -> Conditioning:
    """What is connected and the global negative of the canvas; else the empty text; else nothing in the shape of ``positive``."""
    whole = sources.canvas.whole if sources.canvas else Region()
    refused = negative_words(whole.negative if whole.weight > 0 else "")
    if not sources.negative:
        if sources.clip is not None:
            return encode(sources.clip, refused)
        tokens, values = positive[0]
        pooled = values.get("pooled_output")
        return [[torch.zeros_like(tokens), {} if pooled is None else {"pooled_output": torch.zeros_like(pooled)}]]
    if not refused.suffixes:
        return sources.negative
    [more], _ = encode_together(sources.clip, [refused])
    for tokens, _ in sources.negative:
        check_width("negative", tokens, more)
    return [[torch.cat([tokens, more.to(tokens)], 1), values] for tokens, values in sources.negative]


def _strength(entries: Conditioning, strength: float) -> Conditioning:
    return [
        [t, {"set_area_to_bounds": False, **values, "mask_strength": strength * values.get("mask_strength", 1.0)}]
        for t, values in entries
    ]


def _with_lora(clip: Any, lora: Lora) -> Any:
    """A CLIP as :func:`core.with_lora` makes it.

    Raises:
        Told: there is no such file; the text says where it was looked for.
    """
    path = model_file("loras", lora.file)
    if path is None:
        searched = ", ".join(map(str, model_folders("loras")))
        raise Told(
            f"There is no LoRA {lora.file!r} in {searched}: put the file there, or take it out of the region. "
            f"{nearest(lora.file, folder_paths.get_filename_list('loras'))}"
        )
    return core.with_lora(clip, comfy.utils.load_torch_file(path, safe_load=True), lora.strength)


def _check_one_pass(canvas: Canvas | None, parts: Sequence[Part]) -> None:
    loras = [part.name for part in parts if part.lora and part.weight > 0]
    if canvas and canvas.whole.lora:
        loras.insert(0, canvas.label(0))
    if loras:
        raise Told(
            f"The LoRA of {', '.join(loras)} cannot act in one region where all regions share one pass of the model: "
            "take area overlay or area average, or load it for the whole picture."
        )
    for part in parts:
        for _, values in (*part.positive, *(part.negative or [])):
            if foreign := [key for key, value in values.items() if key not in BINDABLE and value is not None]:
                raise Told(
                    f"The conditioning of {part.name} carries {', '.join(foreign)}, which cannot act in one region where all "
                    "regions share one pass of the model: put it on positive, or take area overlay or area average."
                )

"""What a region is once its words are encoded, and how several become one conditioning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from ..canvas.canvas import GRID, Lora
from ..reference.picture import PICTURES, Picture, guarded, with_pictures
from ..told import Told
from .heat import Heat
from .lora import RegionLora
from .method import AttentionMethod

Conditioning = list[Any]
"""ComfyUI's CONDITIONING: a list of [tokens [B, T, C], dict]."""

REPEATED = "resonance_repeated"
"""Where a conditioning with rows for several pictures says that the words of some are repeated, to be as long as those of the others.
That changes nothing as long as nobody reads other words together with them."""

KEY = "resonance_regions"
"""Where a conditioning carries its :class:`Binding`."""


@dataclass(frozen=True, eq=False)
class Part:
    """A place and its conditioning. What travels on a RESONANCE_REGIONS link is a tuple of them, far to near.

    Attributes:
        name: what a person calls it.
        positive: its words, encoded.
        mask: ``[H, W]`` over the whole picture, 0 to 1.
        weight: how strongly it acts; 0 takes it out.
        start, end: share of the sampling during which it acts, 0 to 1.
        negative: what shall not be there; None: nothing of its own.
        loras: what acts there only, in a method that needs several passes of the model.
        acting: the same where all parts share one pass.
    """

    name: str
    positive: Conditioning
    mask: torch.Tensor
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    negative: Conditioning | None = None
    loras: tuple[Lora, ...] = ()
    acting: tuple[RegionLora, ...] = ()


class PartWords(NamedTuple):
    """The words of a part.

    Attributes:
        tokens: ``[1, T, C]``; None: those of the conditioning that it is bound to, once more, for its LoRAs to act on.
        values: what else its conditioning says.
    """

    name: str
    tokens: torch.Tensor | None
    values: Mapping[str, Any]
    loras: tuple[RegionLora, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Binding:
    """Words that act in parts of a picture, beside those of the conditioning in which it travels: whatever is done to that
    (ControlNet, time ranges, combining) keeps it. They are put behind its own when sampling begins.

    Attributes:
        base: the tokens ``[B, T, C]`` that it was bound to; None: those of any.
        parts: all but the base.
        masks: ``[R, H, W]``, the base (all ones) first.
        weights, starts, ends: of the base and each part.
        loras: those of the base.
        heat: where to note where the words acted; None: nowhere.
        negative: for a negative that carries no binding of its own.
    """

    method: AttentionMethod
    base: torch.Tensor | None
    parts: tuple[PartWords, ...]
    masks: torch.Tensor
    weights: tuple[float, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]
    loras: tuple[RegionLora, ...] = ()
    heat: Heat | None = field(default=None, repr=False)
    negative: "Binding | None" = field(default=None, repr=False)

    def stands(self, tokens: torch.Tensor) -> bool:
        """Whether its parts act beside these tokens.

        They do where another node has put words behind those that it was bound to; such words act everywhere. They do not where a
        node has made nothing (all zeros) of them, as ConditioningZeroOut does.

        Raises:
            Told: they are other tokens.
        """
        if self.base is None:
            return True
        if tokens.shape[1] >= self.base.shape[1] and tokens.shape[2] == self.base.shape[2]:
            first = tokens[:, : self.base.shape[1]]
            if torch.equal(first, self.base.to(first)):
                return True
        if not tokens.any():
            return False
        raise Told(
            "Another node has changed the words that come from Regions, as Conditioning (Average) does, and nothing tells any more "
            "which word belongs to which region: change the words before they go into Regions."
        )


UNOWNED = (
    "The model of this sampler does not come from Regions, so its regions could not act: connect the model output of the node that the"
    " conditioning comes from, such as Regions, to this sampler."
)


def bind(
    base: Conditioning,
    parts: Sequence[Part],
    method: AttentionMethod,
    weight: float = 1.0,
    negative: bool = False,
    heat: Heat | None = None,
    loras: tuple[RegionLora, ...] = (),
) -> Conditioning:
    """The conditioning ``base`` with the binding that lets all parts act beside it.

    Args:
        base: acts everywhere. Each of its entries is bound; nothing of it is changed.
        parts: those with weight 0 are left out.
        weight: of the base.
        negative: bind what shall not be there; parts without any are left out, unless they have LoRAs. For these it is the words of
            ``base`` once more: at high CFG scales, a LoRA that does not act on the negative lacks a third of its effect.
        loras: of the base.

    Raises:
        Told: a part's conditioning has several entries, is of another text encoder, or for another number of pictures; or the base is
            bound already.
    """
    acting = [p for p in parts if p.weight > 0 and (p.negative or p.acting if negative else p.positive)]
    if not acting and not loras:
        return base
    texts = tuple(_words(part, negative) for part in acting)
    refusing = [] if negative else [part for part in parts if part.weight > 0 and (part.negative or part.acting)]
    refused = None
    if refusing:
        refused = _binding(refusing, tuple(_words(part, True) for part in refusing), method, None, 1.0)
    bound: Conditioning = []
    for tokens, values in base:
        if KEY in values:
            raise Told(
                f"What is connected to {'negative' if negative else 'positive'} has regions of its own: give all regions to "
                "one Regions, or join what two of them give by Conditioning (Combine)."
            )
        for text in texts:
            if text.tokens is not None:
                check_width(text.name, text.tokens, tokens)
        common_rows(tokens, texts)
        binding = _binding(acting, texts, method, tokens, weight, loras, heat, refused)
        pictures = [picture for part in acting for picture in _pictures(part, negative)]
        bound.append([tokens, carrying(with_pictures(values, pictures), binding)])
    return bound


def _pictures(part: Part, negative: bool) -> list[Picture]:
    """The pictures of a part's conditioning, where and when it acts."""
    entries = (part.negative if negative else part.positive) or []
    found: list[Picture] = [picture for _, values in entries for picture in values.get(PICTURES, ())]
    return [picture.within(part.mask, part.weight, part.start, part.end) for picture in found]


def joined(bindings: Sequence[Binding]) -> Binding | None:
    """The parts of several bindings to any words, each once; None: there are none."""
    each = list(dict.fromkeys(bindings))
    if len(each) < 2:
        return each[0] if each else None
    first = each[0]
    return replace(
        first,
        parts=tuple(part for binding in each for part in binding.parts),
        masks=stack([first.masks[0], *(mask for binding in each for mask in binding.masks[1:])]),
        weights=(first.weights[0], *(weight for binding in each for weight in binding.weights[1:])),
        starts=(0.0, *(start for binding in each for start in binding.starts[1:])),
        ends=(1.0, *(end for binding in each for end in binding.ends[1:])),
    )


def unprompted(binding: Binding) -> Binding | None:
    """The same for the empty prompt, which says nothing in any part, so that only LoRAs are left; None: there are none."""
    kept = [0, *(number for number, part in enumerate(binding.parts, 1) if part.loras)]
    if len(kept) == 1:
        return None
    return replace(
        binding,
        base=None,
        parts=tuple(binding.parts[n - 1]._replace(tokens=None, values={}) for n in kept[1:]),
        masks=binding.masks[kept],
        weights=tuple(binding.weights[n] for n in kept),
        starts=tuple(binding.starts[n] for n in kept),
        ends=tuple(binding.ends[n] for n in kept),
        heat=None,
        negative=None,
    )


def carrying(values: Mapping[str, Any], binding: Binding) -> dict[str, Any]:
    """What a conditioning says, with a binding."""
    return guarded({**values, KEY: binding}, KEY, UNOWNED)


def _binding(
    parts: Sequence[Part],
    texts: tuple[PartWords, ...],
    method: AttentionMethod,
    base: torch.Tensor | None,
    weight: float,
    loras: tuple[RegionLora, ...] = (),
    heat: Heat | None = None,
    negative: Binding | None = None,
) -> Binding:
    return Binding(
        method=method,
        base=base,
        parts=texts,
        masks=stack([torch.ones(GRID, GRID), *(part.mask for part in parts)]),
        weights=(weight, *(part.weight for part in parts)),
        starts=(0.0, *(part.start for part in parts)),
        ends=(1.0, *(part.end for part in parts)),
        loras=loras,
        heat=heat,
        negative=negative,
    )


def check_width(name: str, tokens: torch.Tensor, base: torch.Tensor) -> None:
    """
    Raises:
        Told: the tokens ``[B, T, C]`` are of another text encoder than those of the base.
    """
    if tokens.shape[-1] != base.shape[-1]:
        raise Told(
            f"{name} has an embedding width of {tokens.shape[-1]}, the global words have one of {base.shape[-1]}: both "
            "must come from the text encoder of one model."
        )


def common_rows(base: torch.Tensor, texts: Sequence[PartWords]) -> int:
    """For how many pictures words ``[B, T, C]`` are that are put side by side; those with one row are for all of them.

    Raises:
        Told: they are for different numbers of pictures.
    """
    each = [("what acts everywhere", base), *((text.name, text.tokens) for text in texts if text.tokens is not None)]
    found = {len(tokens): name for name, tokens in each if len(tokens) > 1}
    if len(found) > 1:
        (one, name), (other, another), *_ = found.items()
        raise Told(
            f"The words of {name} are for {one} pictures, those of {another} for {other}: encode both for the same pictures, or one of"
            " them for all."
        )
    return next(iter(found), 1)


def _words(part: Part, negative: bool) -> PartWords:
    entries = part.negative if negative else part.positive
    if not entries:
        return PartWords(part.name, None, {}, part.acting)
    if len(entries) > 1:
        raise Told(
            f"{part.name} is a combination of {len(entries)} conditionings; this method takes one per region. "
            "Make a region of each, or use an area method."
        )
    tokens, values = entries[0]
    return PartWords(part.name, tokens, values, part.acting)


def stack(masks: Sequence[torch.Tensor]) -> torch.Tensor:
    """``[R, H, W]`` of masks ``[H, W]``, at the largest of their sizes."""
    size = (max(m.shape[0] for m in masks), max(m.shape[1] for m in masks))
    return torch.stack([resize(m[None].float(), *size)[0] for m in masks])


def resize(masks: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Masks ``[R, H, W]`` at another size, nearest-exact as in Omost."""
    if masks.shape[1:] == (height, width):
        return masks
    return F.interpolate(masks[None], (height, width), mode="nearest-exact")[0]


def feather(masks: torch.Tensor, cells: float) -> torch.Tensor:
    """Masks ``[R, H, W]`` with soft edges that reach ``cells`` of the 90 to either side."""
    radius = [round(cells * side / GRID) for side in masks.shape[1:]]
    if not any(radius):
        return masks
    down, across = (2 * r + 1 for r in radius)
    padded = F.pad(masks[None], (radius[1], radius[1], radius[0], radius[0]), mode="replicate")
    # One direction after the other: on a large mask both at once would take minutes.
    return F.avg_pool2d(F.avg_pool2d(padded, (1, across), 1), (down, 1), 1)[0]

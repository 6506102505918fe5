"""Colour that does not drift: pictures are matched to a reference in CIELAB."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..images import check
from ..told import Told
from .lab import to_lab, to_rgb

PLACE = 2**28 - 1
"""Bits of a float64 that a float32 leaves zero, but for the highest of them: so they change nothing when it is rounded back."""


@dataclass(frozen=True)
class Correction:
    """How much lighter a picture becomes, and how far its channels go to those of the reference."""

    l_boost: float = 0.0
    """Added to L."""
    per_transform: bool = False
    """The boost counts once for each transform since the last correction."""
    l_blend: float = 1.0
    """What L keeps of its own: 1 = it is not matched, 0 = fully."""
    blend: float | None = 0.0
    """What a* and b* keep of their own. None: as much as the strength of the last transform."""
    repeats: int = 1
    """How often in a row: a blend of 0.4 keeps 0.4 x 0.4 when it is done twice."""
    copies_only: bool = False
    """Only what is saved is corrected; a chain goes on from the picture as it was."""


STATES = {
    "S": Correction(l_boost=10, copies_only=True),
    "85deaf5": Correction(l_boost=1, per_transform=True, blend=0.05),
    "20ed20c": Correction(l_boost=1, per_transform=True, blend=0.4, repeats=4),
    "adaptive": Correction(l_boost=1, per_transform=True, blend=None, repeats=2),
}
"""What the batch CLI did, by the commit that brought it; S is its first state, adaptive its last."""


@dataclass(frozen=True)
class Anchored:
    """The reference is made of the first picture of a chain and of the mean of those that followed.

    If every step shifts a channel by c, its mean settles at w c / ((1 - w) anchor) from the first picture's,
    w = blend ** repeats.
    """

    anchor: float = 0.3
    """Weight of the first picture; the rest is the exponential mean of the kept ones."""
    smoothing: float = 0.8
    """Share of the mean that stays with each new picture."""
    blend: float = 0.35
    repeats: int = 2


@dataclass(frozen=True)
class Reference:
    """What pictures are matched to, prepared once: the values of L, a* and b*, each in ascending order."""

    values: Tensor
    """``[3, N]``: the quantile function of each channel, at N places."""

    @classmethod
    def of(cls, image: Tensor, mask: Tensor | None = None) -> "Reference":
        """The colours of a picture ``[H, W, C]`` or ``[1, H, W, C]`` where the mask ``[H, W]`` is above 0.

        Raises:
            Told: it is no picture, or there is NaN in it.
        """
        [picture] = _pictures(image)
        pixels = _clean(picture)
        if mask is not None:
            pixels = pixels[_fitted(mask, picture) > 0]
        lab = to_lab(pixels)
        if lab.device.type != "cpu":
            return cls(lab.sort().values)
        with ThreadPoolExecutor() as pool:
            list(pool.map(np.ndarray.sort, lab.numpy()))
        return cls(lab)

    @cached_property
    def inverse(self) -> Tensor:
        """The inverse of the cumulative distribution at 1/N, 2/N, ... 1, linear between different values, ``[3, N]``."""
        return torch.stack([_ramps(values) for values in self.values])

    def mixed(self, other: "Reference", share: float) -> "Reference":
        """This one with a share of another: the mean of quantile functions, which is the barycentre of distributions
        (Agueh and Carlier, Barycenters in the Wasserstein Space, 2011).
        """
        values = other.values.to(self.values)
        if values.shape != self.values.shape:
            [values] = F.interpolate(values[None], self.values.shape[1], mode="linear")
        return Reference(self.values.lerp(values, share))


def match(
    image: Tensor,
    reference: Reference,
    how: Correction,
    transforms: int = 1,
    strength: float = 0.5,
    mask: Tensor | None = None,
) -> Tensor:
    """Matches pictures to a reference; each channel exactly, as scikit-image's ``match_histograms`` defines it.

    Args:
        image: IMAGE ``[B, H, W, C]``. Alpha is kept, grey pictures become RGB, infinity becomes 0.
        transforms: made since the last correction.
        strength: of the last transform.
        mask: ``[H, W]``, fitted to the picture; only pixels above 0 count, and change by as much as it says.

    Raises:
        Told: it is no batch of pictures, there is NaN in it, or the reference has no pixel.
    """
    return _changed(image, reference, mask, lambda lab: match_lab(lab, reference, how, transforms, strength))


def match_lab(lab: Tensor, reference: Reference, how: Correction, transforms: int = 1, strength: float = 0.5) -> None:
    """Changes CIELAB ``[3, N]`` in place as :func:`match` does."""
    lab[0].add_(how.l_boost * (transforms if how.per_transform else 1)).clamp_(0, 100)
    l_kept = how.l_blend**how.repeats
    kept = (strength if how.blend is None else how.blend) ** how.repeats
    # Blending changes no rank, so that a channel has the same target however often it is matched.
    if l_kept < 1:
        _approach(lab[:1], reference.inverse[:1], l_kept)
    if kept < 1:
        _approach(lab[1:], reference.inverse[1:], kept)


def match_all(
    images: Tensor,
    references: Tensor,
    how: Correction | Anchored,
    transforms: int = 1,
    strength: float = 0.5,
    masks: Tensor | None = None,
    reference_masks: Tensor | None = None,
) -> Tensor:
    """Matches each picture of a batch to its reference, or all to the one. With :class:`Anchored` the batch is one chain.

    Args:
        images, references: IMAGE ``[B, H, W, C]``.
        masks, reference_masks: MASK ``[B, H, W]``, one or as many as there are pictures, of any size.

    Raises:
        Told: as :func:`match`; or the numbers do not fit.
    """
    images, references = _pictures(images), _pictures(references)
    if isinstance(how, Anchored) and len(references) > 1:
        raise Told(f"An anchored chain has one reference, its first picture; got {len(references)}.")
    if len(references) not in (1, len(images)):
        raise Told(f"Expected one reference or as many as pictures, {len(images)}; got {len(references)}.")
    chosen = _each(masks, len(images), "pictures")
    parts = _each(reference_masks, len(references), "references")
    prepared = [Reference.of(picture, part) for picture, part in zip(references, parts, strict=True)]
    chain = Chain(prepared[0], how)
    results: list[Tensor] = []
    for number, (image, mask) in enumerate(zip(images, chosen, strict=True)):
        if isinstance(how, Correction):
            result = match(image[None], prepared[number % len(prepared)], how, transforms, strength, mask)
        else:
            result = chain.correct(image[None], transforms, strength, mask)
            chain.kept(result, mask)
        results.append(result)
    return torch.cat(results)


class Chain:
    """One chain of results, each made from the one before.

    Args:
        first: the picture ``[1, H, W, C]`` that the chain starts from, or what stands for it.
        mask: ``[H, W]``, where pictures are changed; the first picture counts there, too.
    """

    def __init__(self, first: Tensor | Reference, how: Correction | Anchored, mask: Tensor | None = None):
        self._first = first if isinstance(first, Reference) else Reference.of(first, mask)
        self._mean = self._first
        self._how, self._mask = how, mask

    def correct(self, image: Tensor, transforms: int, strength: float, mask: Tensor | None = None) -> Tensor:
        """The picture ``[1, H, W, C]`` corrected, see :func:`match`. A mask given here goes before the chain's."""
        mask = self._mask if mask is None else mask
        if isinstance(self._how, Correction):
            return match(image, self._first, self._how, transforms, strength, mask)
        reference = self._mean.mixed(self._first, self._how.anchor)
        kept = self._how.blend**self._how.repeats
        return _changed(image, reference, mask, lambda lab: _follow(lab, reference, kept))

    def kept(self, image: Tensor, mask: Tensor | None = None) -> None:
        """Tells what was saved: an anchored reference moves towards it."""
        if isinstance(self._how, Anchored):
            seen = Reference.of(image, self._mask if mask is None else mask)
            if seen.values.shape[1]:
                self._mean = self._mean.mixed(seen, 1 - self._how.smoothing)


def _follow(lab: Tensor, reference: Reference, kept: float) -> None:
    """L only moves as a whole, for matched it bands."""
    way = reference.values[0].mean(dtype=torch.float64) - lab[0].mean(dtype=torch.float64)
    lab[0].add_(way.to(lab) * (1 - kept)).clamp_(0, 100)
    _approach(lab[1:], reference.values[1:], kept, fair=True)


def _approach(channels: Tensor, inverse: Tensor, kept: float, fair: bool = False) -> None:
    """Moves each of the channels ``[C, N]`` towards what has the same rank in the reference ``[C, M]``.

    Args:
        fair: equal values get the mean of their ranks' targets, which keeps the mean of the whole; otherwise the last one's.
    """
    goals = _resampled(inverse.to(channels), channels.shape[1])
    if channels.device.type != "cpu":
        for channel, goal in zip(channels, goals, strict=True):
            _move(torch, channel, goal, *channel.sort(), kept, fair)
        return

    def move(channel: Any, goal: Any) -> None:
        _move(np, channel, goal, *_sorted(channel), kept, fair)

    with ThreadPoolExecutor() as pool:
        list(pool.map(move, channels.numpy(), goals.numpy()))


def _move(xp: Any, channel: Any, goal: Any, values: Any, places: Any, kept: float, fair: bool) -> None:
    """One channel ``[N]`` in place, in NumPy or torch.

    Args:
        goal: where each rank goes.
        values, places: of the channel, sorted.
    """
    last = _last(xp, values)
    if fair:
        ends = xp.where(last)[0]
        sums = xp.cumsum(goal, 0, dtype=xp.float64)[ends]
        sizes = xp.diff(ends, prepend=ends[:1] * 0 - 1)
        means = xp.asarray(xp.diff(sums, prepend=sums[:1] * 0) / sizes, dtype=xp.float32)
        goal = means.repeat_interleave(sizes) if xp is torch else means.repeat(sizes)
    elif not last.all():
        goal = _least_ahead(xp.where(last, goal, xp.inf))  # goals ascend: it is the next last one's
    channel[places] = values * kept + goal * (1 - kept) if kept else goal


def _sorted(channel: Any) -> tuple[Any, Any]:
    """The values of a channel ``[N]`` in ascending order, and where they stood.

    NumPy sorts float64 with vector instructions ten times as fast as torch sorts, but does not tell places: they travel in the
    bits that are empty when a float32 becomes a float64.
    """
    keys = channel.astype(np.float64)
    bits = keys.view(np.int64)
    bits |= np.arange(len(keys), dtype=np.int32)
    keys.sort()
    values = keys.astype(np.float32)
    bits &= PLACE
    return values, bits


def _last(xp: Any, values: Any) -> Any:
    """Which of the values of an ascending row are the last of their group of equals."""
    last = xp.ones_like(values, dtype=bool)
    xp.not_equal(values[1:], values[:-1], out=last[:-1])
    return last


def _least_ahead(row: Any) -> Any:
    """For each place the least of the values there and behind."""
    if isinstance(row, Tensor):
        return row.flip(0).cummin(0).values.flip(0)
    return np.minimum.accumulate(row[::-1])[::-1]


def _ramps(values: Tensor) -> Tensor:
    """Ascending values to a line that reaches each at the end of its group and starts where the group before ended."""
    [ends] = torch.where(_last(torch, values))
    sizes = ends.diff(prepend=ends[:1] * 0 - 1)
    here = values[ends]
    before = torch.cat([here[:1], here[:-1]])
    first, size, start, end = (each.repeat_interleave(sizes) for each in (ends - sizes, sizes, before, here))
    steps = torch.arange(len(values), device=values.device) - first
    return start.lerp(end, (steps / size).to(values))


def _resampled(inverse: Tensor, count: int) -> Tensor:
    """The inverse at 1/count, 2/count, ... 1 instead of 1/M ... 1; below 1/M it is flat."""
    if inverse.shape[1] == count:
        return inverse
    at = torch.arange(1, count + 1, device=inverse.device, dtype=torch.float64) * (inverse.shape[1] / count) - 1
    at.clamp_(min=0)
    low = at.long().clamp_(max=inverse.shape[1] - 1)
    high = (low + 1).clamp_(max=inverse.shape[1] - 1)
    return inverse[:, low].lerp(inverse[:, high], (at - low).to(inverse))


def _changed(image: Tensor, reference: Reference, mask: Tensor | None, change: Callable[[Tensor], None]) -> Tensor:
    """Lets ``change`` have the CIELAB pixels of each picture that the mask lets it have."""
    if not reference.values.shape[1] and (mask is None or mask.any()):
        raise Told("The mask of the reference is empty: paint where its colours count, or disconnect it.")
    changed: list[Tensor] = []
    for picture in _pictures(image):
        pixels = _clean(picture)
        if mask is None:
            lab = to_lab(pixels)
            change(lab)
            pixels = to_rgb(lab)
        else:
            weights = _fitted(mask, picture)
            chosen = weights > 0
            if chosen.any():
                lab = to_lab(pixels[chosen])
                change(lab)
                pixels[chosen] = pixels[chosen].lerp(to_rgb(lab), weights[chosen, None])
        pixels = pixels.view(*picture.shape[:2], 3)
        if picture.shape[2] == 4:
            pixels = torch.cat([pixels, picture[..., 3:]], 2)
        changed.append(pixels)
    return torch.stack(changed).to(image.dtype)


def _pictures(image: Tensor) -> Tensor:
    """A picture or a batch, checked, as ``[B, H, W, C]``."""
    pictures = image[None] if image.ndim == 3 else image
    check(pictures)
    return pictures


def _clean(picture: Tensor) -> Tensor:
    """RGB ``[N, 3]`` of a picture ``[H, W, C]``, in 0..1, infinity as 0; never the picture itself."""
    rgb = picture[..., :3].reshape(-1, min(picture.shape[2], 3)).float()
    return rgb.nan_to_num(0, 0, 0).clamp_(0, 1).expand(-1, 3).contiguous()


def _each(masks: Tensor | None, count: int, what: str) -> Sequence[Tensor | None]:
    """One mask ``[h, w]`` for each."""
    if masks is None:
        return [None] * count
    if 0 in masks.shape:
        raise Told(f"Expected masks for the {what}, got empty ones: their sizes are {list(masks.shape)}.")
    masks = masks.reshape(-1, *masks.shape[-2:])
    if len(masks) not in (1, count):
        raise Told(f"Expected one mask or as many as {what}, {count}; got {len(masks)}.")
    return masks.expand(count, -1, -1).unbind()


def _fitted(mask: Tensor, picture: Tensor) -> Tensor:
    """Weights ``[N]`` in 0..1 of a picture's pixels from a mask ``[h, w]``."""
    weights = mask.to(picture.device, torch.float32).reshape(1, 1, *mask.shape[-2:])
    if weights.shape[2:] != picture.shape[:2]:
        weights = F.interpolate(weights, picture.shape[:2], mode="bilinear", align_corners=False)
    return weights.flatten().nan_to_num(0).clamp(0, 1)

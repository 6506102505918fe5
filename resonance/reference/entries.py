"""Entries of a conditioning that have a picture only in a part of the sampling, or of the picture that is made, by core's own means."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from .picture import shrunk

Values = dict[str, Any]
Entry = tuple[torch.Tensor, Values]
"""Tokens ``[B, T, C]``, and what else is said."""

START, END = "start_percent", "end_percent"


def ranged(
    conditioning: list[Any], show: Callable[[torch.Tensor, Values], Entry], start: float = 0.0, end: float = 1.0
) -> list[Any]:
    """Each entry with a picture in a range of the sampling, and the same without in the rest of it.

    A step that lies at the border belongs to both, which core then averages.

    Args:
        show: an entry with the picture. What it is given may be changed.
        start, end: shares of the sampling, 0 to 1.
    """
    made: list[Any] = []
    for tokens, values in conditioning:
        first, last = values.get(START, 0.0), values.get(END, 1.0)
        begin, stop = max(start, first), min(end, last)
        if begin >= stop:
            made.append([tokens, values])
            continue
        if begin > first:
            made.append([tokens, _between(values, first, begin)])
        made.append([*show(tokens, _between(values, begin, stop))])
        if stop < last:
            made.append([tokens, _between(values, stop, last)])
    return made


def placed(conditioning: list[Any], show: Callable[[list[Any]], list[Any]], mask: torch.Tensor | None) -> list[Any]:
    """A conditioning with a picture where a mask is, and the same without where it is not: twice as many entries, and calls of the model.

    Args:
        show: a conditioning with the picture.
        mask: ``[h, w]`` over the whole picture, 0 to 1; None: everywhere.
    """
    if mask is None:
        return show(conditioning)
    return [*show(_masked(conditioning, mask)), *_masked(conditioning, 1 - mask)]


def _between(values: Mapping[str, Any], start: float, end: float) -> Values:
    """What an entry says, in a range. One that it has anyway is not written."""
    own = {START: start, END: end}
    usual = {START: 0.0, END: 1.0}
    return {**values, **{key: each for key, each in own.items() if key in values or each != usual[key]}}


def _masked(conditioning: list[Any], mask: torch.Tensor) -> list[Any]:
    def own(values: Mapping[str, Any]) -> torch.Tensor:
        there: torch.Tensor | None = values.get("mask")
        return mask[None] if there is None else there * shrunk(mask, *there.shape[-2:]).to(there)

    return [
        [tokens, {"set_area_to_bounds": False, "mask_strength": 1.0, **values, "mask": own(values)}]
        for tokens, values in conditioning
    ]

"""Words of a canvas through ComfyUI's text encoders."""

import logging
from collections.abc import Sequence
from typing import Any

import torch

from ..attention.parts import Conditioning
from ..canvas import bags
from ..canvas.bags import BagText, words
from ..canvas.canvas import Canvas
from ..told import Told

_log = logging.getLogger(__name__)

CLIP = frozenset("lgh")
"""Keys of the encoders that read 77 tokens at a time. Texts for any other are encoded in one piece."""

Sections = dict[str, list[list[Any]]]


def encode_together(clip: Any, texts: Sequence[BagText]) -> tuple[list[torch.Tensor], dict[str, Any]]:
    """All texts in one call of the encoder, for methods that use one pooled vector.

    Returns:
        tokens ``[1, T, C]`` of each text, and what else the encoder says of the first, such as ``pooled_output``.
    """
    if not _in_bags(clip):
        said = [
            clip.encode_from_tokens(clip.tokenize(str(text)), return_pooled=True, return_dict=True) for text in texts
        ]
        return [answer["cond"] for answer in said], {k: v for k, v in said[0].items() if k != "cond"}
    tokens: Sections = {}
    places: dict[tuple[Any, ...], int] = {}
    spans: list[list[int]] = []
    for text in texts:
        found = sections(clip, text)
        spans.append([])
        for bag in zip(*found.values(), strict=True):
            key = tuple((t if isinstance(t, int) else id(t), weight) for part in bag for t, weight, *_ in part)
            if key not in places:
                places[key] = len(places)
                for name, part in zip(found, bag, strict=True):
                    tokens.setdefault(name, []).append(part)
            spans[-1].append(places[key])
    said = clip.encode_from_tokens(tokens, return_pooled=True, return_dict=True)
    each = said.pop("cond").chunk(len(places), dim=1)
    return [torch.cat([each[i] for i in span], 1) for span in spans], said


def encode_all(clip: Any, canvas: Canvas) -> Conditioning:
    """All words of a canvas as one conditioning, wherever its regions are.

    Raises:
        Told: no region has a weight.
    """
    texts = [words(region) for region in canvas.regions if region.weight > 0]
    if not texts:
        raise Told("No words act: every region of this canvas, the global one too, has weight 0.")
    tokens, said = encode_together(clip, texts)
    return [[torch.cat(tokens, 1), said]]


def encode(clip: Any, text: BagText) -> Conditioning:
    """One text in one call, pooled vector and all."""
    tokens = sections(clip, text) if _in_bags(clip) else clip.tokenize(str(text))
    return clip.encode_from_tokens_scheduled(tokens)


def sections(clip: Any, text: BagText) -> Sections:
    """The text as bags of 77 tokens, begin, end and padding included, for each of the encoders."""
    empty = clip.tokenize("", return_word_ids=True)
    found: Sections = {}
    for name, parts in _pieces(clip, text).items():
        if left_out := bags.overflow(*parts):
            _log.warning("%d tokens do not fit behind %r and are left out.", left_out, " ".join(text.prefixes)[:60])
        begin, end, *padding = empty[name][0]
        found[name] = [[begin, *bag, end, *padding[: bags.ROOM - len(bag)]] for bag in bags.bags(*parts)]
    return found


def counts(clip: Any, text: BagText) -> tuple[list[int], int]:
    """Tokens of each bag, without begin, end and padding, and how many are left out, for a clip with one encoder."""
    [parts] = _pieces(clip, text).values()
    return [len(bag) for bag in bags.bags(*parts)], bags.overflow(*parts)


def _pieces(clip: Any, text: BagText) -> dict[str, tuple[list[list[Any]], list[list[Any]]]]:
    """Tokens of the prefixes and of the suffixes for each of the encoders."""
    prefixes, suffixes = ([_words(clip, piece) for piece in pieces] for pieces in (text.prefixes, text.suffixes))
    return {name: ([p[name] for p in prefixes], [s[name] for s in suffixes]) for name in clip.tokenize("")}


def _words(clip: Any, text: str) -> dict[str, list[Any]]:
    """Tokens without begin, end and padding, which are those of no word."""
    found = clip.tokenize(text, return_word_ids=True)
    return {name: [t for part in parts for t in part if t[2] > 0] for name, parts in found.items()}


def _in_bags(clip: Any) -> bool:
    return clip.tokenize("").keys() <= CLIP

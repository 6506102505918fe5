"""Words of a canvas through ComfyUI's text encoders."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import folder_paths
import torch

from ..attention.parts import Conditioning
from ..canvas import bags
from ..canvas.bags import BagText, words
from ..canvas.canvas import Canvas
from ..told import Told
from . import core
from .core import Token, Tokens

_log = logging.getLogger(__name__)


def encode_together(clip: Any, texts: Sequence[BagText]) -> tuple[list[torch.Tensor], dict[str, Any]]:
    """All texts in one call of the encoder, for methods that use one pooled vector.

    Returns:
        tokens ``[1, T, C]`` of each text, and what else the encoder says of the first, such as ``pooled_output``.
    """
    if not core.reads_bags(clip):
        said = [core.encode(clip, clip.tokenize(str(text))) for text in texts]
        return [answer.vectors for answer in said], said[0].values
    tokens: Tokens = {}
    places: dict[tuple[Any, ...], int] = {}
    spans: list[list[int]] = []
    for text in texts:
        found = sections(clip, text)
        spans.append([])
        for bag in zip(*found.values(), strict=True):
            key = tuple((t.id if isinstance(t.id, int) else id(t.id), t.weight) for part in bag for t in part)
            if key not in places:
                places[key] = len(places)
                for name, part in zip(found, bag, strict=True):
                    tokens.setdefault(name, []).append(part)
            spans[-1].append(places[key])
    vectors, said = core.encode(clip, tokens)
    each = vectors.chunk(len(places), dim=1)
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
    tokens = sections(clip, text) if core.reads_bags(clip) else clip.tokenize(str(text))
    return clip.encode_from_tokens_scheduled(tokens)


def sections(clip: Any, text: BagText) -> Tokens:
    """The text as bags of 77 tokens, begin, end and padding included, for each of the encoders."""
    empty = core.tokens(clip, "")
    found: Tokens = {}
    for name, parts in _pieces(clip, text).items():
        if left_out := bags.overflow(*parts):
            _log.warning("%d tokens do not fit behind %r and are left out.", left_out, " ".join(text.prefixes)[:60])
        begin, end, *padding = empty[name][0]
        found[name] = [[begin, *bag, end, *padding[: bags.ROOM - len(bag)]] for bag in bags.bags(*parts)]
    return found


@lru_cache(1)
def clip_l() -> core.ClipL:
    """With the embeddings that prompts may name; all encoders that read 77 tokens count alike."""
    return core.ClipL(folder_paths.get_folder_paths("embeddings"))


def counts(clip: Any, text: BagText) -> tuple[list[int], int]:
    """Tokens of each bag, without begin, end and padding, and how many are left out, for a clip with one encoder."""
    [parts] = _pieces(clip, text).values()
    return [len(bag) for bag in bags.bags(*parts)], bags.overflow(*parts)


def _pieces(clip: Any, text: BagText) -> dict[str, tuple[list[list[Token]], list[list[Token]]]]:
    """Tokens of the prefixes and of the suffixes for each of the encoders."""
    prefixes, suffixes = ([_words(clip, piece) for piece in pieces] for pieces in (text.prefixes, text.suffixes))
    return {name: ([p[name] for p in prefixes], [s[name] for s in suffixes]) for name in clip.tokenize("")}


def _words(clip: Any, text: str) -> dict[str, list[Token]]:
    """Tokens without begin, end and padding."""
    return {name: [t for bag in bags for t in bag if t.word] for name, bags in core.tokens(clip, text).items()}

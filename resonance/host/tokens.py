"""Prompts as chunks of 75 tokens for CLIP-L, G and H, and what these encoders make of them. Among the tokens may be those of XTI, which are
others for each cross-attention: then every text is encoded once for each, all in one batch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from ..attention.parts import REPEATED, Conditioning
from ..attention.xti import MIDDLE, NAMES, Learned, OwnWords, XtiWord, with_own_words
from ..paint.weights import ROOM, Piece, standing
from . import core

Weighted = tuple[Any, float]
"""A token and its weight."""
Words = dict[str, list[list[Weighted] | None]]
"""For each of the encoders; None where a chunk is to begin."""


def words_of(clip: Any, pieces: Iterable[Piece | None], xti: Mapping[str, XtiWord]) -> Words:
    """
    Args:
        xti: by the word at which it acts. Only CLIP-L reads it.
    """
    found: Words = {name: [] for name in clip.tokenize("")}
    for piece in pieces:
        if piece is None:
            for words in found.values():
                words.append(None)
            continue
        for number, text in enumerate(standing(xti).split(piece.text) if xti else [piece.text]):
            if number % 2:
                found["l"].append([(token, piece.weight) for token in xti[text].tokens])
                continue
            literal = text.replace("(", r"\(").replace(")", r"\)")  # ComfyUI reads weights, too
            for name, bags in core.tokens(clip, literal).items():
                words = dict[int, list[Weighted]]()
                for token in (each for bag in bags for each in bag if each.word):
                    words.setdefault(token.word, []).append((token.id, piece.weight))
                found[name] += words.values()
    return found


def encoded(clip: Any, chunks: Mapping[str, list[list[Weighted]]], count: int) -> Conditioning:
    """Chunks through all encoders of a CLIP, filled up to a number of them. ComfyUI lays on the weights.

    Returns:
        ``[L, T, C]`` for each entry: L is 1, or as many as there are cross-attentions where XTI is among the tokens.
    """
    empty, sections = core.tokens(clip, ""), dict[str, list[list[Weighted]]]()
    for name, rows in chunks.items():
        begin, end, *padding = ((token.id, 1.0) for token in empty[name][0])
        whole = [*rows, *[[]] * (count - len(rows))]
        sections[name] = [[begin, *row, end, *padding[: ROOM - len(row)]] for row in whole]
    if not has_xti(chunks):
        return clip.encode_from_tokens_scheduled(sections)
    # The middle block first: what is said beside the vectors is what the encoder says of the first text.
    order = sorted(range(len(NAMES)), key=lambda number: number != MIDDLE)
    of_each = [[_of(row, number) for row in sections["l"]] for number in order]
    said = clip.encode_from_tokens_scheduled({"l": [row for rows in of_each for row in rows]})
    back = [order.index(number) for number in range(len(NAMES))]
    return [[vectors.unflatten(1, (len(NAMES), -1))[0, back], values] for vectors, values in said]


def has_xti(chunks: Mapping[str, Sequence[Sequence[Weighted]]]) -> bool:
    return any(isinstance(token, Learned) for rows in chunks.values() for row in rows for token, _ in row)


def _of(row: Sequence[Weighted], number: int) -> list[Weighted]:
    return [(token.each[number] if isinstance(token, Learned) else token, weight) for token, weight in row]


def in_rows(each: Sequence[Conditioning], total: int) -> Conditioning:
    """One conditioning of those of several pictures, as :func:`encoded` gives them, each repeated to so many chunks. Where LoRA hooks give
    an encoder several entries, every prompt has as many."""
    length = total * (ROOM + 2)
    joined: Conditioning = []
    for entries in zip(*each, strict=True):
        uneven = {REPEATED: True} if any(vectors.shape[1] < length for vectors, _ in entries) else {}
        pooled = {"pooled_output": torch.cat([values["pooled_output"] for _, values in entries])}
        values = {**entries[0][1], **pooled, **uneven}
        layers = max(len(vectors) for vectors, _ in entries)
        rows = [vectors.repeat(1, length // vectors.shape[1], 1).expand(layers, -1, -1) for vectors, _ in entries]
        words = torch.stack(rows, 1)
        if layers == 1:
            joined.append([words[0], values])
        else:
            joined.append([words[MIDDLE], with_own_words(values, OwnWords(tuple(words)))])
    return joined

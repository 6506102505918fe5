"""Prompts through CLIP-L, G and H as sd-scripts encodes them: weights act on what comes out, a prompt and its negative one have the same
number of chunks, and each picture of a run has a row of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, NamedTuple

import folder_paths
import torch

from ..attention.parts import Conditioning
from ..attention.xti import XtiWord
from ..files.lookup import nearest
from ..paint.dynamic import Misread
from ..paint.emphasis import Mode, emphasized
from ..paint.encoding import Prompts, Sizes, prompts_of
from ..paint.weights import ROOM, check_one, chunks, embedded, pieces, shared
from ..session.item import Item
from ..told import Told
from ..typed import between_commas
from . import core
from .encode import clip_l
from .folders import model_folders
from .tokens import Weighted, encoded, has_xti, in_rows, words_of
from .xti import check_clip, words_in

_CLIP_L = 768
"""Channels of CLIP-L, which come before those of CLIP-G where there are both."""
_QUOTED = 120
"""Longest quotation of what found no room, in characters."""


class EncodedPrompts(NamedTuple):
    """Conditionings with a row for each picture.

    Attributes:
        notes: what is to be said of them.
        xti: a word of XTI is in any of them.
    """

    positive: Conditioning
    negative: Conditioning
    notes: tuple[str, ...]
    xti: bool


def encode_prompts(
    clip: Any, each: Sequence[Prompts], mode: Mode, most: int, skip: int, embeddings: str, sizes: Sizes, xti: str
) -> EncodedPrompts:
    """Encodes the prompts of the pictures of a run.

    A prompt and its negative one are padded to the same number of chunks of 75 tokens. Pictures of which these numbers differ are
    repeated to the least common multiple, which changes nothing in them.

    Args:
        most: chunks; what does not fit is left out.
        skip: the layer of the text encoder that is taken, from the last one on; 0: the one that the CLIP says.
        embeddings: names of embeddings, between commas, that are words of the prompts.
        sizes: what SDXL is told.
        xti: names of XTI, between commas, that are words of the prompts.

    Raises:
        Told: the text encoder is another one, a prompt cannot be read, or the pictures cannot share a batch.
    """
    if not core.reads_bags(clip):
        raise Told(
            "Encode Line is for the text encoders of SD1.5, SD2 and SDXL, which read 77 tokens at a time. Use CLIP Text Encode for this"
            " model."
        )
    clip = core.skipping(clip, skip) if skip else clip
    names, learned = embedding_names(embeddings), words_in(xti)
    if learned:
        check_clip(clip)
    texts = [
        tuple(
            _text(clip, side, prompt, most, names, learned) for side, prompt in zip(Prompts._fields, both, strict=True)
        )
        for both in each
    ]
    counts = [max(text.count for text in both) for both in texts]
    total = shared(counts)
    if total is None:
        raise Told(
            f"The prompts of this batch have {min(counts)} to {max(counts)} chunks of {ROOM} tokens, and ComfyUI repeats a shorter one at"
            " most 4 times. Lower batch_size, or chunks."
        )
    known: dict[tuple[str, int], Conditioning] = {}

    def once(text: _Text, count: int) -> Conditioning:
        """Most lines have the same negative prompt."""
        key = text.prompt, count
        if key not in known:
            known[key] = _encode(clip, text, count, mode)
        return known[key]

    positive, negative = (
        in_rows([once(both[side], count) for both, count in zip(texts, counts, strict=True)], total) for side in (0, 1)
    )
    if "g" in texts[0][0].chunks:
        positive, negative = _with_sizes(positive, negative, sizes)
    acts = any(has_xti(text.chunks) for both in texts for text in both)
    notes = _notes(clip, texts, total, most)
    if learned and not acts:
        notes.append(f"No prompt has the word {' or '.join(learned)}, so XTI does nothing.")
    return EncodedPrompts(positive, negative, tuple(notes), acts)


def chunks_of(both: Prompts, most: int, embeddings: str, xti: str = "") -> int:
    """How many chunks a prompt and its negative one have, as :func:`encode_prompts` has it. Whoever puts together a batch looks by
    :func:`~resonance.paint.weights.shared` whether its pictures can share one.

    Raises:
        Told: as :func:`encode_prompts`.
    """
    names, learned = embedding_names(embeddings), words_in(xti)
    texts = [
        _text(clip_l(), side, prompt, most, names, learned) for side, prompt in zip(Prompts._fields, both, strict=True)
    ]
    return max(text.count for text in texts)


def share_a_batch(items: Sequence[Item], inputs: Mapping[str, Any]) -> bool:
    """Whether the prompts of some lines can be encoded together by an Encode Line with these inputs. Those that cannot be read cannot."""
    item = replace(items[0], beside=tuple(items[1:]))
    try:
        counts = [
            chunks_of(both, inputs["chunks"], inputs.get("embeddings", ""), inputs.get("xti", ""))
            for both in prompts_of(item, Prompts("", inputs["negative"]))
        ]
    except Told:
        return False
    return shared(counts) is not None


def embedding_names(text: str) -> list[str]:
    """
    Raises:
        Told: there is no embedding of such a name.
    """
    if not (names := between_commas(text, "\n")):
        return []
    files = [PurePath(file.replace("\\", "/")).with_suffix("") for file in folder_paths.get_filename_list("embeddings")]
    there = [str(file) for file in files]
    # ComfyUI looks in subfolders, too.
    if unknown := [name for name in names if name not in (*there, *(file.name for file in files))]:
        searched = ", ".join(map(str, model_folders("embeddings")))
        raise Told(
            f"There is no embedding {unknown[0]!r} in {searched}: put its file there, or take it out of embeddings."
            f" {nearest(unknown[0], there)}"
        )
    return names


# Inside


@dataclass(frozen=True, eq=False)
class _Text:
    """A prompt.

    Attributes:
        chunks: its tokens, for each of the encoders.
        left: those that found no room.
    """

    prompt: str
    chunks: Mapping[str, list[list[Weighted]]]
    left: Mapping[str, list[Weighted]]

    @property
    def count(self) -> int:
        # The encoders differ where an embedding has more vectors for one than for the other.
        return max(map(len, self.chunks.values()))


def _text(clip: Any, side: str, prompt: str, most: int, embeddings: Sequence[str], xti: Mapping[str, XtiWord]) -> _Text:
    try:
        if side == "positive":
            check_one(prompt)
        words = words_of(clip, pieces(embedded(prompt, embeddings)), xti)
    except Misread as error:
        raise Told(f"The {side} prompt, character {error.at + 1}: {error}") from None
    found = {name: chunks(runs, most) for name, runs in words.items()}
    return _Text(
        prompt, {name: rows for name, (rows, _) in found.items()}, {name: left for name, (_, left) in found.items()}
    )


def _encode(clip: Any, text: _Text, count: int, mode: Mode) -> Conditioning:
    weights = dict[str, torch.Tensor]()
    for name, rows in text.chunks.items():
        whole = [*rows, *[[]] * (count - len(rows))]
        weights[name] = torch.tensor(
            [
                weight
                for row in whole
                for weight in (1.0, *(weight for _, weight in row), *[1.0] * (ROOM + 1 - len(row)))
            ]
        )
        _check_widths(clip, name, text)
    # Each token goes in with the weight 1, for otherwise ComfyUI would lay it on.
    light = {name: [[(token, 1.0) for token, _ in row] for row in rows] for name, rows in text.chunks.items()}
    return [[_emphasized(vectors, weights, mode), values] for vectors, values in encoded(clip, light, count)]


def _check_widths(clip: Any, name: str, text: _Text) -> None:
    """
    Raises:
        Told: an embedding is none for this encoder. ComfyUI leaves it out, and says so in the log.
    """
    wanted = core.embedding_width(clip, name)
    found = {token.shape[-1] for row in text.chunks[name] for token, _ in row if isinstance(token, torch.Tensor)}
    if wrong := found - {wanted}:
        raise Told(
            f"An embedding in {text.prompt[:_QUOTED]!r} has vectors of {wrong.pop()} numbers, and the text encoder {name.upper()} of this"
            f" model reads {wanted}: it was made for another kind of model. Take it out."
        )


def _emphasized(vectors: torch.Tensor, weights: Mapping[str, torch.Tensor], mode: Mode) -> torch.Tensor:
    """Each encoder's channels by themselves."""
    order = [weights[name] for name in ("l", "g", "h") if name in weights]
    widths = [_CLIP_L, vectors.shape[-1] - _CLIP_L] if len(order) == 2 else [vectors.shape[-1]]
    parts = zip(torch.split(vectors, widths, -1), order, strict=True)
    # Those of each cross-attention by themselves, too.
    return torch.cat(
        [torch.cat([emphasized(own, each, mode) for own in torch.split(part, 1)]) for part, each in parts], -1
    )


def _with_sizes(positive: Conditioning, negative: Conditioning, sizes: Sizes) -> tuple[Conditioning, Conditioning]:
    """As CLIP Text Encode (SDXL) says them."""
    crop = {"crop_w": sizes.crop_left, "crop_h": sizes.crop_top}
    told = {**crop, "target_width": sizes.width, "target_height": sizes.height}
    one = {"width": sizes.original_width, "height": sizes.original_height, **told}
    other = {"width": sizes.original_width_negative, "height": sizes.original_height_negative, **told}
    return [[t, {**v, **one}] for t, v in positive], [[t, {**v, **other}] for t, v in negative]


def _notes(clip: Any, texts: Sequence[Sequence[_Text]], total: int, most: int) -> list[str]:
    size = f"{total} {'chunk' if total == 1 else 'chunks'} of {ROOM} tokens"
    notes = [size if len(texts) == 1 else f"{len(texts)} pictures, {size}"]
    for number, both in enumerate(texts, 1):
        for side, text in zip(Prompts._fields, both, strict=True):
            name, left = max(text.left.items(), key=lambda each: len(each[1]))
            if left:
                whose = side if len(texts) == 1 else f"{side} of picture {number}"
                words = core.spelled(clip, name, [token for token, _ in left if isinstance(token, int)])
                quoted = words if len(words) <= _QUOTED else words[:_QUOTED] + "…"
                tokens = f"{len(left)} {'token' if len(left) == 1 else 'tokens'}"
                notes.append(f"{whose}: {tokens} left out, as chunks is {most}: {quoted}")
    return notes

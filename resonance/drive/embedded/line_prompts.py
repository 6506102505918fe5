"""Prompts of lines: with weights and BREAK as :mod:`resonance.paint.weights` reads them, a row for each picture of a batch.

For the families of :mod:`.long_prompts`, whose text encoders read one chunk of tokens at a time. As in ComfyUI's Encode Line, a prompt
and its negative one have the same number of chunks, and prompts of fewer chunks than others of their batch are repeated, by which
cross-attention gives the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...paint.dynamic import Misread
from ...paint.emphasis import emphasized
from ...paint.weights import chunks, pieces, shared
from ...told import Told

MOST = 32
"""Chunks of a prompt."""

Chunk = list[tuple[int, float]]
"""Tokens and their weights."""


@dataclass(frozen=True)
class Pair:
    """A prompt and its negative one in chunks, for each of a pipeline's tokenizers.

    Attributes:
        zeros: nothing stands in the negative one, and the pipeline has zeros for that.
    """

    prompt: Sequence[list[Chunk]]
    negative: Sequence[list[Chunk]]
    zeros: bool

    @property
    def count(self) -> int:
        return max(len(each) for each in (*self.prompt, *self.negative))


def read_pair(pipeline: Any, prompt: str, negative: str) -> Pair:
    """
    Raises:
        Told: it cannot be read, or is too long.
    """
    zeros = not negative and pipeline.config.get("force_zeros_for_empty_prompt", False)
    return Pair(_chunks(pipeline, "positive", prompt), _chunks(pipeline, "negative", negative), zeros)


def bare(prompt: str) -> str:
    """The words of a prompt without weights and BREAK."""
    return "".join(" " if piece is None else piece.text for piece in pieces(prompt))


def sharing(pairs: Sequence[Pair]) -> int:
    """How many of the first ones can share a batch; one always can."""
    counts = [pair.count for pair in pairs]
    return next(end for end in range(len(pairs), 0, -1) if end == 1 or shared(counts[:end]))


def encode(pipeline: Any, pairs: Sequence[Pair], guided: bool) -> dict[str, Any]:
    """What a pipeline is to be called with for prompts that share a batch.

    Args:
        guided: whether the negative prompts count.
    """
    total = shared(pair.count for pair in pairs)
    assert total
    with torch.no_grad():
        words = _rows("", [_encoded(pipeline, pair.prompt, pair.count, total) for pair in pairs])
        if guided:
            unsaid = [_encoded(pipeline, pair.negative, pair.count, total) for pair in pairs]
            words |= _rows(
                "negative_",
                [
                    tuple(map(torch.zeros_like, each)) if pair.zeros else each
                    for pair, each in zip(pairs, unsaid, strict=True)
                ],
            )
    return words


def _chunks(pipeline: Any, side: str, prompt: str) -> list[list[Chunk]]:
    try:
        read = pieces(prompt)
    except Misread as error:
        raise Told(f"The {side} prompt, character {error.at + 1}: {error}") from None
    found = list[list[Chunk]]()
    for tokenizer, _ in _readers(pipeline):
        runs: list[Chunk | None] = []
        for piece in read:
            if piece is None:
                runs.append(None)
                continue
            words = (tokenizer(word, add_special_tokens=False).input_ids for word in piece.text.split())
            runs += [[(token, piece.weight) for token in word] for word in words]
        size = tokenizer.model_max_length - 2  # less start and end
        rows, left = chunks(runs, MOST, size)
        if left:
            raise Told(f"The {side} prompt has more than {MOST * size} tokens, the most that are encoded: shorten it.")
        found.append(rows)
    return found


def _encoded(pipeline: Any, each: Sequence[list[Chunk]], count: int, total: int) -> tuple[torch.Tensor, ...]:
    """The vectors of a prompt of ``count`` chunks, repeated to ``total``, and what XL pools of its first chunk."""
    found, pooled = list[torch.Tensor](), list[torch.Tensor]()
    for (tokenizer, encoder), rows in zip(_readers(pipeline), each, strict=True):
        begin, end, padding = ((token, 1.0) for token in _signs(tokenizer))
        length = tokenizer.model_max_length
        whole = [[begin, *row, end, *[padding] * length][:length] for row in (*rows, *[[]] * (count - len(rows)))]
        ids = torch.tensor([[token for token, _ in row] for row in whole], device=encoder.device)
        weights = torch.tensor([weight for row in whole for _, weight in row])
        said = encoder(ids, output_hidden_states=True)
        vectors = said.hidden_states[-2] if _is_xl(pipeline) else said[0]
        if said[0].ndim == 2:
            pooled.append(said[0][:1])
        found.append(emphasized(vectors.reshape(1, -1, vectors.shape[-1]), weights, "original"))
    return torch.cat(found, -1).repeat(1, total // count, 1), *pooled


def _rows(name: str, each: Sequence[tuple[torch.Tensor, ...]]) -> dict[str, torch.Tensor]:
    names = (f"{name}prompt_embeds", f"{name}pooled_prompt_embeds")
    return dict(zip(names, map(torch.cat, zip(*each, strict=True)), strict=False))


def _readers(pipeline: Any) -> list[tuple[Any, Any]]:
    """Tokenizers, and the text encoders that read their tokens."""
    readers = [(pipeline.tokenizer, pipeline.text_encoder)]
    if _is_xl(pipeline):
        readers.append((pipeline.tokenizer_2, pipeline.text_encoder_2))
    return [(tokenizer, encoder) for tokenizer, encoder in readers if encoder is not None]  # XL's refiner has one


def _is_xl(pipeline: Any) -> bool:
    return hasattr(pipeline, "text_encoder_2")


def _signs(tokenizer: Any) -> tuple[int, int, int]:
    """The tokens of begin, end and padding."""
    return tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id

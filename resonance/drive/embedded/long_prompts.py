"""Prompts of any length for Stable Diffusion 1.x, 2.x and XL, whose text encoders read 75 tokens at a time.

diffusers cuts off what is longer. As ComfyUI and A1111 do, the words are read in pieces and what comes of these is put one
after the other. Other families read long prompts themselves.
"""

from itertools import zip_longest
from typing import Any

import torch

FAMILIES = (
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusionXLImg2ImgPipeline",
)


def reads(pipeline: Any) -> bool:
    """Whether its text encoders read so."""
    return type(pipeline).__name__ in FAMILIES


def encode_prompts(pipeline: Any, prompt: str, negative: str, guided: bool) -> dict[str, Any]:
    """What a pipeline is to be called with for these words: the words themselves, or the long ones as embeddings.

    Args:
        guided: whether the negative prompt counts.
    """
    words = {"prompt": prompt, "negative_prompt": negative or None}
    if not reads(pipeline):
        return words
    said, unsaid = pieces(pipeline.tokenizer, prompt), pieces(pipeline.tokenizer, negative if guided else "")
    if len(said) == len(unsaid) == 1:
        return words
    encoded: list[tuple[Any, ...]] = []
    with torch.no_grad():
        for one, other in zip_longest(said, unsaid, fillvalue=""):
            encoded.append(
                pipeline.encode_prompt(
                    prompt=one,
                    device=pipeline._execution_device,
                    num_images_per_prompt=1,
                    do_classifier_free_guidance=guided,
                    negative_prompt=other if negative else None,
                )
            )
    # What XL pools of a prompt is taken from the first piece.
    _, _, *pooled = encoded[0]
    names = ("pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    return {
        "prompt_embeds": torch.cat([each[0] for each in encoded], dim=1),
        "negative_prompt_embeds": torch.cat([each[1] for each in encoded], dim=1) if guided else None,
        **dict(zip(names, pooled, strict=False)),
    }


def pieces(tokenizer: Any, text: str) -> list[str]:
    """The text in pieces that the tokenizer does not cut off: as many whole entries as fit, or else whole words."""
    room = tokenizer.model_max_length - 2  # less start and end
    done: list[str] = []
    piece: list[tuple[str, int]] = []
    for word in text.split():
        piece.append((word, len(tokenizer(word, add_special_tokens=False).input_ids)))
        while len(piece) > 1 and sum(count for _, count in piece) > room:
            ends = [number for number, (each, _) in enumerate(piece[:-1], 1) if each.endswith(",")]
            cut = ends[-1] if ends else len(piece) - 1
            done.append(" ".join(each for each, _ in piece[:cut]))
            piece = piece[cut:]
    return [*done, " ".join(each for each, _ in piece)]

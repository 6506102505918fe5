"""XTI in ComfyUI: its files lie among the embeddings, and the name of each is the word at which it acts. See :mod:`resonance.attention.xti`."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import comfy.utils

from ..attention.parts import Conditioning
from ..attention.xti import XTI, XtiWord, check_places, read_xti
from ..files.lookup import nearest
from ..paint.weights import Piece, chunks, shared
from ..told import Told
from ..typed import between_commas
from . import core
from .families import known, name_of, sd15
from .folders import model_file, model_folders, xti_files
from .kept_models import KeptModels
from .memory import Kept
from .sampling.owner import owned
from .tokens import Weighted, encoded, has_xti, in_rows, words_of

WIDTH = 768
"""Numbers of a vector that CLIP-L reads."""
MANY = 10**6
"""Chunks: ComfyUI takes any number."""

_files: Kept[XtiWord] = Kept(limit=8)
_models = KeptModels()


# Files


def find(file: str) -> str:
    """The path of a file.

    Raises:
        Told: there is none of that name.
    """
    path = model_file("embeddings", file)
    if path is None:
        searched = ", ".join(map(str, model_folders("embeddings")))
        raise Told(f"There is no XTI {file!r} in {searched}: put its file there. {nearest(file, xti_files())}")
    return path


def xti_word(file: str) -> XtiWord:
    """
    Raises:
        Told: there is no such file, or it is no XTI.
    """
    path = find(file)
    return _files.get((path, Path(path).stat().st_mtime_ns), lambda: _read(file, path))


def _read(file: str, path: str) -> XtiWord:
    try:
        state = comfy.utils.load_torch_file(path, safe_load=True)
    except Exception as error:  # safetensors, pickle and torch each have their own
        if "weights_only" in str(error):
            # torch advises to switch the check off.
            raise Told(
                f"{file} holds more than numbers, and nothing else of it is read. Get it as safetensors."
            ) from None
        raise Told(f"{file} cannot be read as XTI, perhaps because it is cut off: {error}") from error
    return read_xti(file, state, WIDTH)


def word_of(file: str) -> str:
    """The word at which a file acts: its name, without folder and suffix."""
    return PurePath(file.replace("\\", "/")).stem


def words_in(names: str) -> dict[str, XtiWord]:
    """By their words, what some names stand for.

    Args:
        names: with commas between them; each the word of a file, or what ComfyUI calls it.

    Raises:
        Told: there is no such file, or it is no XTI.
    """
    if not (asked := between_commas(names, "\n")):
        return {}
    there = xti_files()[::-1]
    known = {str(PurePath(file.replace("\\", "/")).with_suffix("")): file for file in there}
    known |= {word_of(file): file for file in there}
    files = [known.get(name, name) for name in asked]
    return {word_of(file): xti_word(file) for file in files}


def stamp(files: Iterable[str]) -> str:
    """Of files as they are now. It goes into the pictures that ComfyUI saves, hence no paths."""
    found = [os.stat(path) for file in files if (path := model_file("embeddings", file))]
    return hashlib.sha256(repr([(at.st_mtime_ns, at.st_size) for at in found]).encode()).hexdigest()


# What it works with


def check_clip(clip: Any) -> None:
    """
    Raises:
        Told: it is not the text encoder of Stable Diffusion 1.5.
    """
    if clip.tokenize("").keys() != {"l"}:
        raise Told("XTI is for the text encoder of Stable Diffusion 1.5, and this clip is another one.")


def with_xti(model: Any) -> Any:
    """A clone of a MODEL in which XTI acts; the very same one as long as that MODEL comes.

    Raises:
        Told: it is not Stable Diffusion 1.5.
    """
    if known(model) is not sd15.FAMILY:
        raise Told(
            f"XTI is for {sd15.FAMILY.name}, for whose 16 cross-attentions it has vectors, and this model is {name_of(model)}."
        )
    check_places([slot[:2] for slot in sd15.FAMILY.slots(model.model.diffusion_model)])
    return _models.get(model, XTI, _owned)


def _owned(base: Any) -> Any:
    model = owned(base)
    model.set_attachments(XTI, True)
    return model


# Prompts


class Encoded(NamedTuple):
    """
    Attributes:
        conditioning: with a row for each prompt.
        acting: in how many of them the word is.
    """

    conditioning: Conditioning
    acting: int


def encode(clip: Any, prompts: Sequence[str], xti: Mapping[str, XtiWord]) -> Encoded:
    """Prompts as CLIP Text Encode reads them, with words of XTI.

    Raises:
        Told: the text encoder is another one, or the prompts cannot share a batch.
    """
    check_clip(clip)
    rows = {prompt: _chunks(clip, prompt, xti) for prompt in prompts}
    counts = [len(rows[prompt]) for prompt in prompts]
    total = shared(counts)
    if total is None:
        raise Told(
            f"The prompts of this batch have {min(counts)} to {max(counts)} chunks of 75 tokens, and ComfyUI repeats a shorter one at"
            " most 4 times. Lower batch_size."
        )
    made = {prompt: encoded(clip, {"l": its}, len(its)) for prompt, its in rows.items()}
    acting = sum(has_xti({"l": rows[prompt]}) for prompt in prompts)
    return Encoded(in_rows([made[prompt] for prompt in prompts], total), acting)


def _chunks(clip: Any, prompt: str, xti: Mapping[str, XtiWord]) -> list[list[Weighted]]:
    words = words_of(clip, (Piece(*piece) for piece in core.weighed(prompt)), xti)
    return chunks(words["l"], MANY)[0]

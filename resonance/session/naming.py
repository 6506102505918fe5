"""Folders and names of saved pictures: by round and lineage, or as the batch CLI or gen_img had them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal, get_args

from ..files.settings import ASKED, CAPTIONS, FORMAT, MODEL_HASH, NAME_PATTERN, PARAMETERS, QUALITY, SUFFIXES, Format
from ..told import Told
from .item import Item
from .payloads import Payload

FolderRule = Literal["round", "prompt hash", "scratch"]
NameRule = Literal["lineage", "variation", "variation (strenght)", "gen_img", "sequential", "original"]
FOLDER_RULES: tuple[FolderRule, ...] = get_args(FolderRule)
NAME_RULES: tuple[NameRule, ...] = get_args(NameRule)

PATTERNS: Mapping[NameRule, str] = {
    "gen_img": "im_{timestamp}_{stage}{i:03}_{seed}",
    "sequential": "im_{stage}{n:06}",
    "original": "{source}",
}
"""The name rules that are nothing but a name pattern."""

PROMPT = "prompt.txt"


@dataclass(frozen=True)
class Naming:
    """Where a session's pictures go, and as what.

    Attributes:
        folder: ``round``: ``round-0001``; ``prompt hash``: see :func:`prompt_hash`; ``scratch``: one folder for tries.
        name: ``lineage``: see :attr:`Item.stem`; ``variation``: see :func:`variation`, or with the batch CLI's misspelling; the others
            are :data:`PATTERNS`.
        pattern: takes the place of ``name``, see :mod:`.pattern`; empty: there is none.
        format, quality: see :func:`resonance.files.formats.encode`.
        parameters: how they were made is written into them as A1111's web UI and gen_img do.
        captions: what they were made from lies beside them as ``.txt``.
        model_hash: with ``parameters`` the checkpoint's hash, too.
        metadata: there are texts in them at all; no node asks otherwise, a driver may.
    """

    folder: FolderRule = "round"
    name: NameRule = "lineage"
    pattern: str = NAME_PATTERN.default
    format: Format = FORMAT.default
    quality: int = QUALITY.default
    parameters: bool = PARAMETERS.default
    captions: bool = CAPTIONS.default
    model_hash: bool = MODEL_HASH.default
    metadata: bool = True

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> "Naming":
        """What is known of one, as :func:`vars` gives it; another version may know less, or more."""
        return cls(**{field.name: known[field.name] for field in fields(cls) if field.name in known})

    def for_file(self, suffix: str) -> "Naming":
        """The same for a file with this suffix, which says its format; another suffix says none.

        WebP is saved at quality 100, as gen_img saves it, unless WebP was chosen already.
        """
        asked = ASKED.get(suffix.lower(), self.format)
        if SUFFIXES[asked] == SUFFIXES[self.format]:
            return self
        return replace(self, format=asked, quality=100 if asked == "webp lossy" else self.quality)


BY_ROUND = Naming()


def prompt_hash(prompt: str) -> str:
    """Folder of a prompt: MD5 of the prompt, its blanks joined, and a newline, in hex.

    The batch CLI's shell let ``echo`` print the unquoted prompt; this is the same without its expansion of ``*`` and ``?``.
    """
    text = " ".join(prompt.split()) + "\n"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def folder_of(item: Item, prompt: str, rule: FolderRule) -> str:
    """Folder of an item's results, inside the session's.

    Raises:
        Told: no prompt, and the rule needs one.
    """
    if rule == "round":
        return item.folder
    if rule == "scratch":
        return "scratch"
    if not prompt.strip():
        raise Told(
            "The folder rule 'prompt hash' needs the prompt that made the pictures: connect it to words, or use the folder"
            " rule 'round'."
        )
    return prompt_hash(prompt)


def stem_of(item: Item, rule: NameRule, begun: float, taken: Callable[[str], bool]) -> str:
    """Name of an item's results without number and suffix.

    Args:
        begun: Unix time at which the item was first claimed, so that a redo replaces what a crash left.
        taken: whether a name in the folder is another item's file: then a number is appended.
    """
    if rule == "lineage":
        return item.stem
    stem = variation(item.payload, item.seed, begun, "strength" if rule == "variation" else "strenght")
    number, found = 1, stem
    while taken(f"{found}.png") or taken(f"{found}_01.png"):
        number += 1
        found = f"{stem}_{number}"
    return found


def variation(facts: Payload, seed: int, begun: float, strength: str = "strength") -> str:
    """The batch CLI's names: ``2022-10-16T12-30-59_scale-6.0_steps-50_strength-0.35_seed-1``, local time.

    Args:
        facts: what is not known of them is left out.
        strength: the word for it.
    """
    parts = [datetime.fromtimestamp(begun).strftime("%Y-%m-%dT%H-%M-%S")]
    for key, word, kind in (("scale", "scale", float), ("steps", "steps", int), ("strength", strength, float)):
        if (fact := getattr(facts, key)) is not None:
            parts.append(f"{word}-{kind(fact)}")
    return "_".join([*parts, f"seed-{seed}"])

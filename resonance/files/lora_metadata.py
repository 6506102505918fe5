"""What trainers write into the header of a LoRA. No tensor is read.

A safetensors file begins with the length of its header, eight bytes, and the header, which is JSON. Under ``__metadata__`` it holds
texts, some of which are JSON again. kohya's sd-scripts and what follows them (``ss_...``) name there the folders of the pictures that were
trained, and how often each tag stood in their captions; Stability's ModelSpec (``modelspec....``) has a field for trigger words.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..told import Told
from ..typed import is_number

LONGEST = 16
"""Megabytes of a header. A LoRA lists some hundred kB of tensors; tags of large sets of pictures take a few MB."""
VALUES = 500_000
"""Most values in one piece of JSON: each takes many times its letters in memory."""

_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_FOLDER = re.compile(r"\d+_(.+)", re.DOTALL)
"""How sd-scripts wants a folder of pictures to be called: how often each is shown, then the words it stands for."""


@dataclass(frozen=True)
class Metadata:
    """What a file says of itself.

    Attributes:
        texts: all of it, as it is there.
    """

    texts: dict[str, str]

    @property
    def json(self) -> str:
        """As JSON; texts that are JSON themselves are part of it."""
        known = {key: _inner(text, text) for key, text in self.texts.items()}
        return _whole(json.dumps(known, indent=2, ensure_ascii=False))

    def tags(self, count: int | None = None) -> list[str]:
        """Tags of the captions, the most frequent first."""
        counted: Counter[str] = Counter()
        for tags in _dict(self._read("ss_tag_frequency")).values():
            for tag, times in _dict(tags).items():
                if tag.strip() and is_number(times) and times > 0:
                    counted[tag.strip()] += times  # pyright: ignore[reportArgumentType]
        return [_whole(tag) for tag, _ in sorted(counted.items(), key=lambda each: (-each[1], each[0]))[:count]]

    @property
    def triggers(self) -> list[str]:
        """The trigger words that it names; else what the folders of its pictures stand for, but those of regularization."""
        if phrase := self.texts.get("modelspec.trigger_phrase", "").strip():
            return [phrase]
        words = [
            subset.get("class_tokens")
            for dataset in _list(self._read("ss_datasets"))
            for subset in map(_dict, _list(_dict(dataset).get("subsets")))
            if not subset.get("is_reg")
        ]
        others = _dict(self._read("ss_reg_dataset_dirs"))
        folders = {**_dict(self._read("ss_dataset_dirs")), **_dict(self._read("ss_tag_frequency"))}
        found = (_FOLDER.fullmatch(folder.strip()) for folder in folders if folder not in others)
        words += [folder[1] for folder in found if folder]
        return list(dict.fromkeys(_whole(word.strip()) for word in words if isinstance(word, str) and word.strip()))

    def _read(self, key: str) -> Any:
        return _inner(self.texts.get(key, ""), None)


def read_metadata(path: Path) -> Metadata:
    """The metadata of a file: empty, if it has none.

    Raises:
        Told: it is no safetensors file, or its header is too large or damaged.
    """
    name = path.name
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= size - 8 or file.peek(1)[:1] != b"{":
                raise Told(
                    f"{name} is no safetensors file, or a damaged one: other forms have no metadata that can be read alone."
                )
            if length > LONGEST * 10**6:
                raise Told(f"The header of {name} has {length / 1e6:,.0f} MB; no more than {LONGEST} MB are read.")
            header = file.read(length)
    except OSError as error:
        raise Told(f"{name} cannot be read: {error.strerror}.") from error
    try:
        texts = _dict(_parse(header.decode())).get("__metadata__", {})
    except (ValueError, RecursionError) as error:
        raise Told(f"The header of {name} cannot be read: {error}.") from None
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in cast(dict[str, Any], texts).values()):
        raise Told(f"The metadata of {name} is not what a safetensors file has: a text for each key.")
    return Metadata({_whole(key): _whole(text) for key, text in cast(dict[str, str], texts).items()})


def _inner(text: str, otherwise: Any) -> Any:
    """A text's value where it is JSON of several."""
    if text[:1] not in ("{", "["):
        return otherwise
    try:
        return _parse(text)
    except (ValueError, RecursionError):
        return otherwise


def _parse(text: str) -> Any:
    # Whoever has so many texts needs no closer look.
    if text.count('"') > 4 * VALUES or sum(map(_TEXT.sub("", text).count, ",[{")) > VALUES:
        raise ValueError(f"it holds more than {VALUES:,} values")
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON's")


def _whole(text: str) -> str:
    """A text without halves of letters: nothing could show them."""
    return text.encode(errors="replace").decode()


def _dict(value: Any) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []

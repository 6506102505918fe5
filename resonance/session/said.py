"""What the saved pictures of a session say about how they were made. Nothing of it is trusted."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast, get_args

from PIL import Image

from ..files.names import inside
from ..roulette import Draw
from ..told import Told
from . import prompts
from .item import Item
from .made import Takes
from .naming import PROMPT
from .payloads import Exploration, Variation
from .status import Kind

LONGEST = 1_000_000
"""Characters of an item's text."""
_LONGEST_SOURCE = 1000
_LIMITS = {"round": (1, 1_000_000), "index": (1, 2**31), "seed": (0, 2**64 - 1)}
_VARIATION = re.compile(r"(.*_seed-\d+(?:_[1-9]\d*)?)(.*)")
_REST = re.compile(r"(_before)?(?:_(\d{2,4}))?\.png")


@dataclass(frozen=True)
class Said:
    """One picture file.

    Attributes:
        file: its name inside the session's folder, with its folder.
        stem: what the results of one run have in common; empty where a name follows none of the rules.
        before: it was saved beside the results.
        number: of the result, from 1; 0 where there is only one.
        takes, seed: what its graph asked for: which results the next round takes, and the session's seed.
        time: Unix time at which the file was written.
    """

    file: str
    item: Item
    kind: Kind
    stem: str
    before: bool
    number: int
    takes: Takes | None
    seed: int | None
    prompt: str
    time: float

    @property
    def standing(self) -> tuple[bool, bool, float]:
        """Of two files that carry the same item, the higher one is the item's: by name, then folder, then time."""
        return self.stem == self.item.stem, self.file.startswith(f"{self.item.folder}/"), self.time


def scan(folder: Path) -> Iterator[Said | tuple[str, str]]:
    """Every PNG in the folders of a session; of one that tells nothing its name and why."""
    for place in sorted(Path(each) for each in os.scandir(folder) if each.is_dir(follow_symlinks=False)):
        if place.name.startswith("."):
            continue
        prompt = ""
        if (place / PROMPT).is_file():
            with suppress(Told):  # then the prompts of its pictures are not known
                prompt = prompts.prompt_of(f"{folder.name}/{place.name} [output]", {"output": folder.parent})
        for name in sorted(each.name for each in os.scandir(place) if each.name.endswith(".png")):
            if name.startswith("."):
                continue
            file = f"{place.name}/{name}"
            try:
                yield _read(folder, file, prompt)
            except (Told, UnicodeEncodeError) as error:
                yield file, str(error)


def _read(folder: Path, file: str, prompt: str) -> Said:
    """What one picture says. Its pixels are not read.

    Raises:
        Told: it belongs to no item of the session; the text says why.
    """
    path = inside(folder, file)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            text, graph, parameters = (str(image.info.get(key, "")) for key in ("resonance", "prompt", "parameters"))
            time = path.stat().st_mtime
    except Exception as error:  # a damaged file makes Pillow's readers raise all kinds
        raise Told(f"is not a PNG that can be read ({type(error).__name__})") from None
    if not text:
        raise Told("has no `resonance` text")
    if len(text) > LONGEST:
        raise Told(f"has a `resonance` text of more than {LONGEST:,} characters")
    item = _checked(Item.from_json(text), folder.name)
    stem, rest = item.stem, path.name.removeprefix(item.stem)
    if rest == path.name:
        found = _VARIATION.fullmatch(path.name)
        stem, rest = (found[1], found[2]) if found else ("", "")
    parts = _REST.fullmatch(rest)
    seed, takes = _asked(graph) if len(graph) <= LONGEST else (None, None)
    known = item.payload.words or re.split(r"\n(?:Negative prompt|Steps): ", parameters)[0] or prompt
    return Said(
        file=file,
        item=item,
        kind=_kind(item),
        stem=stem if parts else "",
        before=bool(parts and parts[1]),
        number=int(parts[2] or 0) if parts else 0,
        takes=takes,
        seed=seed,
        prompt=str(known),
        time=time,
    )


def _checked(item: Item, session: str) -> Item:
    """The item, if a ledger can hold it. Raises Told."""
    if item.session != session:
        raise Told(f"belongs to session {item.session!r}")
    for name, (low, high) in _LIMITS.items():
        if not low <= getattr(item, name) <= high:
            raise Told(f"has the {name} {getattr(item, name)}, which must be from {low} to {high}")
    if item.source is not None and len(item.source.encode()) > _LONGEST_SOURCE:
        raise Told(f"names a source of more than {_LONGEST_SOURCE} bytes")
    for text in vars(item.words).values() if item.words else ():
        text.encode()  # raises UnicodeEncodeError for halves of characters
    return replace(item, draw=Draw.from_dict(item.draw).to_dict()) if item.draw else item


def _kind(item: Item) -> Kind:
    """Whose item it is. Raises Told if its payload is not of that kind."""
    if isinstance(item.payload, Variation):
        return "vary"
    if isinstance(item.payload, Exploration):
        _ = item.payload.combination  # its size is one
        return "explore"
    if item.source is None:
        raise Told("starts from no picture, and its payload is not one of Explore")
    return "rounds"


@lru_cache(4)
def _asked(graph: str) -> tuple[int | None, Takes | None]:
    """What a graph in ComfyUI's API form asks for: the session's seed, and which results the next round takes."""
    try:
        nodes: Any = json.loads(graph)
    except (ValueError, RecursionError):
        return None, None
    seed: int | None = None
    takes: Takes | None = None
    for node in cast(dict[str, Any], nodes).values() if isinstance(nodes, dict) else ():
        match node:
            case {"class_type": "ResonanceRoundInput", "inputs": {"seed": int(value)}}:
                seed = value
            case {"class_type": "ResonanceRoundOutput", "inputs": {"next_round_takes": str(value)}}:
                takes = next((each for each in get_args(Takes) if each == value), None)
            case _:
                pass
    return seed, takes

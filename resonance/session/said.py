"""What the saved pictures of a session say about how they were made. Nothing of it is trusted."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast, get_args

from ..files import formats
from ..files.names import folders, inside
from ..roulette import Draw
from ..told import Told
from . import prompts
from .item import Item
from .ledger import BEYOND
from .made import Takes
from .naming import PROMPT
from .payloads import Exploration, PromptLine, Variation
from .saving import FILE
from .status import Kind

LONGEST = 1_000_000
"""Characters of an item's text."""
_LONGEST_SOURCE = 1000
_LONGEST_NAME = 10_000
"""Characters of what a picture says of its name."""
_LIMITS = {"round": (1, 1_000_000), "index": (1, 2**31), "seed": (0, 2**64 - 1)}
_VARIATION = re.compile(r"(.*_seed-\d+(?:_[1-9]\d*)?)(.*)")
_REST = re.compile(r"(_before)?(?:_(\d{2,4}))?")
_FACTS = re.compile(r"\n(?:Negative prompt|Steps|Sampler|Schedule type|CFG scale|Seed|Size): ")
"""What comes behind the prompt in A1111's text."""
_MANY = 10_000
"""Results of one run."""


@dataclass(frozen=True)
class Said:
    """One picture file.

    Attributes:
        file: its name inside the session's folder, with its folder.
        stem: what the results of one run have in common; empty where a name follows none of the rules.
        before: it was saved beside the results.
        number: of the result, from 1; 0 where there is only one.
        n: its number among the session's pictures; None: it does not say.
        takes, seed: what its graph asked for: which results the next round takes, and the session's seed.
        time: Unix time at which the file was written.
        own: it has the name under which it was saved, as far as that can be known.
    """

    file: str
    item: Item
    kind: Kind
    stem: str
    before: bool
    number: int
    n: int | None
    takes: Takes | None
    seed: int | None
    prompt: str
    time: float
    own: bool

    @property
    def standing(self) -> tuple[bool, bool, float]:
        """Of two files that carry the same item, the higher one is the item's: by name, then folder, then time."""
        return self.own, self.file.startswith(f"{self.item.folder}/"), self.time


def scan(folder: Path) -> Iterator[Said | tuple[str, str]]:
    """Every picture of a format that is saved, in the folders of a session; of one that tells nothing its name and why."""
    for place in folders(folder):
        prompt, below = "", place.relative_to(folder)
        if (folder / below.parts[0] / PROMPT).is_file():
            with suppress(Told):  # then the prompts of its pictures are not known
                prompt = prompts.prompt_of(f"{folder.name}/{below.parts[0]} [output]", {"output": folder.parent})
        for name in sorted(each.name for each in os.scandir(place) if Path(each.name).suffix in formats.PILLOW):
            if name.startswith("."):
                continue
            file = f"{below.as_posix()}/{name}"
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
        texts = formats.texts(path, [formats.PILLOW[path.suffix]])
        text, graph, parameters = (texts.get(key, "") for key in ("resonance", "prompt", "parameters"))
        time = path.stat().st_mtime
    except Exception as error:  # a damaged file makes Pillow's readers raise all kinds
        kind = formats.PILLOW[path.suffix]
        raise Told(f"is not a {kind} that can be read ({type(error).__name__})") from None
    if not text:
        raise Told("has no `resonance` text")
    if len(text) > LONGEST:
        raise Told(f"has a `resonance` text of more than {LONGEST:,} characters")
    item = _checked(Item.from_json(text), folder.name)
    run = _run_of(texts.get(FILE, ""), path) or _run_by_name(item, path.stem)
    seed, takes = _asked(graph) if len(graph) <= LONGEST else (None, None)
    known = item.payload.words or texts.get("kohya-prompt") or _FACTS.split(parameters)[0] or prompt
    return Said(
        file=file,
        item=item,
        kind=_kind(item),
        stem=run.stem,
        before=run.before,
        number=run.number,
        n=run.n,
        takes=takes,
        seed=seed,
        prompt=str(known),
        time=time,
        own=run.stem == item.stem or run.name == file,
    )


class _Run(NamedTuple):
    """Which picture of which run a file is; ``name``: under which it was saved, where it says so."""

    stem: str
    before: bool
    number: int
    name: str = ""
    n: int | None = None


def _run_of(text: str, path: Path) -> _Run | None:
    """As a picture says it of which the name does not, see :mod:`.saving`."""
    try:
        known: Any = json.loads(text) if len(text) <= _LONGEST_NAME else None
    except (ValueError, RecursionError):
        return None
    match known:
        case {"name": str(name), "number": int(number), "before": bool(before)} if 0 <= number <= _MANY:
            tail = "_before" * before + (f"_{number:02d}" if number else "")
            stem = path.stem.removesuffix(tail)
            if PurePosixPath(name).name == path.name and isinstance(known.get("stem"), str):
                stem = known["stem"]  # of names that have no beginning in common
            n = known.get("n")
            return _Run(stem, before, number, name, n if type(n) is int and 0 < n < BEYOND else None)
        case _:
            return None


def _run_by_name(item: Item, name: str) -> _Run:
    """As the name rules have it."""
    stem, rest = item.stem, name.removeprefix(item.stem)
    if rest == name:
        found = _VARIATION.fullmatch(name)
        stem, rest = (found[1], found[2]) if found else ("", " ")
    if (parts := _REST.fullmatch(rest)) is None:
        return _Run("", False, 0)
    return _Run(stem, bool(parts[1]), int(parts[2] or 0))


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
    if isinstance(item.payload, PromptLine):
        return "lines"
    if item.source is None:
        raise Told("starts from no picture, and its payload is not one of Explore or Prompt Lines")
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
            case {"class_type": "ResonanceRoundInput" | "ResonancePromptLines", "inputs": {"seed": int(value)}}:
                seed = value
            case {"class_type": "ResonanceRoundOutput", "inputs": {"next_round_takes": str(value)}}:
                takes = next((each for each in get_args(Takes) if each == value), None)
            case _:
                pass
    return seed, takes

"""The pictures of a folder into words: tags, captions, and both composed."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from .. import images
from ..files.pictures import natural
from ..llm import chat
from ..llm.caption import caption_request, caption_text
from ..told import Told
from .descriptions import Description
from .taggers.select import Choice, Text, choose, rating, write

if TYPE_CHECKING:  # it imports torch, which captions do not need
    from .taggers.engine import TaggerEngine

SUFFIXES = ", ".join(sorted(images.SUFFIXES))

PATIENCE = 3
"""So many pictures in a row that a language model fails on are not the pictures' fault."""

Tag = Callable[[Sequence[Image.Image]], list[tuple[str, str]]]
"""The line of tags and the rating of each picture."""

Caption = Callable[[Image.Image], str]

Compose = Callable[[str, str], str]
"""Tags and caption to one text."""


@dataclass(frozen=True)
class Failed:
    """A picture that could not be described."""

    file_name: str
    why: str


@dataclass(frozen=True)
class Noted:
    """What a person is to know of a picture that is described all the same."""

    file_name: str
    text: str


def pictures_below(folder: Path) -> list[str]:
    """The pictures in a folder and its subfolders, hidden ones left out: their paths inside it, with ``/``, in natural order."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in images.SUFFIXES)
    shown = (path for path in found if not any(part.startswith(".") for part in path.parts))
    return sorted((path.as_posix() for path in shown if (folder / path).is_file()), key=natural)


def describe_all(
    folder: Path, names: Sequence[str], batch: int, tag: Tag | None, caption: Caption | None, compose: Compose
) -> Generator[Description | Failed | Noted]:
    """Describes pictures in turn. While the models work, a thread reads the next ones.

    Args:
        names: paths inside ``folder``.
        batch: how many pictures the tagger gets at once.

    Raises:
        LLMError: the language model failed :data:`PATIENCE` times in a row.
    """
    failures = 0
    for read in _read_ahead(folder, names, batch):
        good = [picture for _, picture, _ in read if isinstance(picture, Image.Image)]
        tagged = iter(tag(good) if tag and good else [("", "")] * len(good))
        for name, picture, notes in read:
            yield from (Noted(name, note) for note in notes)
            if isinstance(picture, Told):
                yield Failed(name, str(picture))
                continue
            tags, rated = next(tagged)
            try:
                said = caption(picture) if caption else ""
            except chat.LLMError as error:
                failures += 1
                if failures == PATIENCE:
                    raise
                yield Failed(name, str(error))
                continue
            failures = 0
            yield Description(name, compose(tags, said), tags, said, rated)


_Read = tuple[str, Image.Image | Told, list[str]]


def _read_ahead(folder: Path, names: Sequence[str], batch: int) -> Generator[list[_Read]]:
    def read(start: int) -> list[_Read]:
        return [_read(folder, name) for name in names[start : start + batch]]

    with ThreadPoolExecutor(1, "pictures") as thread:
        coming = thread.submit(read, 0)
        for start in range(batch, len(names) + batch, batch):
            ready, coming = coming.result(), thread.submit(read, start)
            yield ready


def _read(folder: Path, name: str) -> _Read:
    notes: list[str] = []
    try:
        return name, images.read(folder / name, note=notes.append), notes
    except Told as error:
        return name, error, notes


def tag_with(engine: "TaggerEngine", choice: Choice, text: Text) -> Tag:
    """What a loaded tagger says, as Tag Images writes it."""

    def tag(pictures: Sequence[Image.Image]) -> list[tuple[str, str]]:
        kept = [choose(row, engine.labels, choice) for row in engine.scores(pictures)]
        return [(write(tags, text), rating(tags)) for tags in kept]

    return tag


def caption_with(
    engine: chat.LLMEngine,
    instruction: str,
    system: str,
    sampling: chat.Sampling,
    longest_side: int,
    note: Callable[[str], None],
    on_wait: chat.OnWait,
) -> Caption:
    """What a language model says, as Caption Images has it, on one line.

    Args:
        note: called with each note of an answer.
    """

    def caption(picture: Image.Image) -> str:
        request = caption_request(picture, instruction, system, sampling, (), longest_side)
        answer = chat.ask(engine, request, on_wait=on_wait)
        for text in answer.notes:
            note(text)
        return caption_text(answer, one_line=True, sentences=True)

    return caption

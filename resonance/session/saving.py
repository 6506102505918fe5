"""Saving what was made of an item, and committing it."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import count
from pathlib import PurePosixPath

from PIL import Image, UnidentifiedImageError

from .. import images
from ..files import formats, store
from ..files.names import check_name, writable
from ..files.settings import SUFFIXES
from ..files.sidecar import sidecar
from ..llm.chat import sound
from ..told import Told
from ..vary.grid import split
from . import lineage
from .item import Item
from .ledger import Ledger, Result
from .made import Made
from .naming import PROMPT, folder_of, stem_of
from .pattern import folded, path_by, values_of
from .payloads import Exploration, PromptLine, written

log = logging.getLogger(__name__)

FILE = "resonance_file"
"""The text in a picture that says which of a run's it is, where its name does not."""


def keep(ledger: Ledger, item: Item, made: Made, note: Callable[[str], None] = log.warning) -> list[str]:
    """Writes the pictures of a claimed item into the session's folder and commits the item.

    Args:
        note: told what the name pattern gave that no name can be, and which texts did not fit into a picture.

    Returns:
        Their names inside the session's folder.

    Raises:
        Lost: the item's claim has passed to another run.
        Told: the naming needs words, or the files or the ledger cannot be written.
    """
    formats.check_format(made.naming.format)
    prompt = sound(made.prompt)
    spoken, as_written = item.payload.words or prompt, written(item.payload) or prompt
    folder = folder_of(item, as_written, made.naming.folder)
    names, by_rule = _names(ledger, item, made, folder, spoken, note)
    files, besides = list[tuple[str, bytes]](), list[tuple[str, bytes]]()
    for place, (name, picture) in enumerate(zip(names, (*made.pictures, *made.before), strict=True)):
        encoded = _encoded(picture, _texts(item, made, place, "" if by_rule else name), made)
        files.append((PurePosixPath(name).name, encoded.data))
        if encoded.left:
            besides.append((PurePosixPath(name).with_suffix(formats.BESIDE).name, formats.beside(encoded.left)))
            note(f"{name}: {', '.join(encoded.left)} did not fit into it and is in {besides[-1][0]} beside it.")
        if made.naming.captions and spoken and place < len(made.pictures):
            said = split(spoken)[0] if isinstance(item.payload, Exploration) else spoken
            besides.append((PurePosixPath(sidecar(name)).name, f"{said}\n".encode()))
    below = str(PurePosixPath(names[0]).parent) if names else folder
    ledger.check_place()
    target = writable(ledger.folder, below)
    try:  # the session's own folder is not made again: somebody may have moved it
        if made.naming.folder == "prompt hash" and not (ledger.folder / folder / PROMPT).exists():
            store.write(ledger.folder / folder, [(PROMPT, f"{as_written}\n".encode())], parents=False)
        for above in target.relative_to(ledger.folder).parents[-2::-1]:
            store.write(ledger.folder / above, [], parents=False)
        store.write(target, [*besides, *files], parents=False)
    except Told:
        ledger.check_place()
        raise
    takes = "none" if item.source is None else made.takes
    results = len(made.pictures)
    following = lineage.children(item.lineage, results) if takes == "all" else [item.lineage] * (takes == "first")
    entries: list[str | None] = [*following, *[None] * (len(files) - len(following))]
    ledger.commit(item, [Result(*each) for each in zip(names, entries, strict=True)], prompt or spoken)
    return names


def named(stem: str, pictures: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The only picture has the stem as its name, of several each has a number behind it."""
    return [(f"{stem}{number}.png", data) for number, data in zip(_numbers(len(pictures)), pictures, strict=True)]


def _numbers(results: int) -> list[str]:
    return [""] if results == 1 else [f"_{number:02d}" for number in range(1, results + 1)]


def _names(
    ledger: Ledger, item: Item, made: Made, folder: str, spoken: str, note: Callable[[str], None]
) -> tuple[list[str], bool]:
    """The names of an item's files inside the session's folder, first its results, then those beside them; and whether they are
    the name rule's own."""
    naming, begun = made.naming, ledger.begun(item)

    def files(stem: str) -> list[str]:
        sets = ((stem, made.pictures), (f"{stem}_before", made.before))
        return [
            f"{folder}/{each}{number}{SUFFIXES[naming.format]}" for each, some in sets for number in _numbers(len(some))
        ]

    def taken(name: str) -> bool:
        """Whether another item has it in any format."""
        path = PurePosixPath(folder, name)
        return any(ledger.taken(str(path.with_suffix(suffix)), item) for suffix in formats.PILLOW)

    def numbered(stem: str) -> Iterator[list[str]]:
        for number in count(1):
            found = files(stem if number == 1 else f"{stem}_{number}")
            if folded(f"{folder}/{PROMPT}") not in map(folded, found):
                yield found

    if isinstance(item.payload, PromptLine) and item.payload.file:
        file = PurePosixPath(check_name(item.payload.file, "file"))  # a ledger may hold anything
        stem = file.stem if file.suffix.lower() in images.SUFFIXES else file.name
    elif naming.pattern:
        stem, said = path_by(naming.pattern, values_of(item, begun, spoken, made.model))
        for sentence in said:
            note(sentence)
    else:
        stem = stem_of(item, naming.name, begun, taken)
        if not any(taken(PurePosixPath(file).name) for file in files(stem)):
            return files(stem), True
    return ledger.reserve(item, folder, numbered(stem), folded), False


def _texts(item: Item, made: Made, place: int, name: str) -> dict[str, str] | None:
    """What is written into a file, beside how it was made; None: it stays as it is.

    Args:
        place: among the results and what is saved beside them.
        name: of the file, if that does not say which it is.
    """
    if not made.naming.metadata:
        return {}
    if made.texts is None:
        return None
    texts = {**made.texts, "resonance": item.to_json()}
    if name:
        before = place >= len(made.pictures)
        some, index = (made.before, place - len(made.pictures)) if before else (made.pictures, place)
        texts[FILE] = json.dumps({"name": name, "number": index + 1 if len(some) > 1 else 0, "before": before})
    return texts


def _encoded(picture: bytes | Image.Image, texts: Mapping[str, str] | None, made: Made) -> formats.Encoded:
    """A picture in the format that is wanted. Raises Told if it is none that can be read, or cannot be saved so."""

    def encode(image: Image.Image) -> formats.Encoded:
        how = made.how.texts(image.size, graph="prompt" in texts) if made.how and texts else {}
        return formats.encode(image, {**(texts or {}), **how}, made.naming.format, made.naming.quality)

    if isinstance(picture, Image.Image):
        return encode(picture)
    if texts is None:
        return formats.Encoded(picture, {})
    try:
        with Image.open(BytesIO(picture)) as image:
            return encode(image)
    except Told:
        raise
    except UnidentifiedImageError as error:
        raise Told("What was made is not a picture that can be read.") from error
    except Exception as error:  # such as Pillow's DecompressionBombError, which is no ValueError
        raise Told(f"What was made is not a picture that can be read ({error}).") from error

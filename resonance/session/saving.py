"""Saving what was made of an item, and committing it."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from PIL import Image, UnidentifiedImageError

from ..files import formats, store
from ..files.names import writable
from ..files.sidecar import sidecar
from ..llm.chat import sound
from ..told import Told
from ..vary.grid import split
from . import lineage
from .item import Item
from .ledger import Ledger, Result
from .made import Made
from .names import Way, endings, names
from .naming import PROMPT, folder_of
from .payloads import Exploration, written

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
    way = Way.of(item, made.naming)
    made = replace(made, naming=way.naming)
    formats.check_format(way.naming.format)
    if not way.numbered:
        return _keep(ledger, item, made, way, [], note)
    with ledger.numbered(item, len(made.pictures)) as numbers:
        return _keep(ledger, item, made, way, numbers, note)


def _keep(
    ledger: Ledger, item: Item, made: Made, way: Way, numbers: Sequence[int], note: Callable[[str], None]
) -> list[str]:
    prompt = sound(made.prompt)
    spoken, as_written = item.payload.words or prompt, written(item.payload) or prompt
    folder = folder_of(item, as_written, made.naming.folder)
    found = names(ledger, item, made, way, folder, spoken, numbers, note)
    files, besides = list[tuple[str, bytes]](), list[tuple[str, bytes]]()
    for place, ((name, mark), picture) in enumerate(zip(found, (*made.pictures, *made.before), strict=True)):
        encoded = _encoded(picture, _texts(item, made, mark), made)
        files.append((PurePosixPath(name).name, encoded.data))
        if encoded.left:
            besides.append((PurePosixPath(name).with_suffix(formats.BESIDE).name, formats.beside(encoded.left)))
            note(f"{name}: {', '.join(encoded.left)} did not fit into it and is in {besides[-1][0]} beside it.")
        if made.naming.captions and spoken and place < len(made.pictures):
            said = split(spoken)[0] if isinstance(item.payload, Exploration) else spoken
            besides.append((PurePosixPath(sidecar(name)).name, f"{said}\n".encode()))
    below = str(PurePosixPath(found[0].file).parent) if found else folder
    ledger.check_place()
    target = writable(ledger.folder, below)
    if way.numbered:
        ledger.intend([f"{below}/{name}" for name, _ in (*besides, *files)])
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
    saved = [
        Result(name.file, entry, counted=place < results)
        for place, (name, entry) in enumerate(zip(found, entries, strict=True))
    ]
    ledger.commit(item, saved, prompt or spoken)
    return [name.file for name in found]


def named(stem: str, pictures: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The only picture has the stem as its name, of several each has a number behind it."""
    return [(f"{stem}{ending}.png", data) for ending, data in zip(endings(len(pictures)), pictures, strict=True)]


def _texts(item: Item, made: Made, mark: Mapping[str, Any] | None) -> dict[str, str] | None:
    """What is written into a file, beside how it was made; None: it stays as it is."""
    if not made.naming.metadata:
        return {}
    if made.texts is None:
        return None
    texts = {**made.texts, "resonance": item.to_json()}
    return texts if mark is None else {**texts, FILE: json.dumps(mark)}


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

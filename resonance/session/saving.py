"""Saving what was made of an item, and committing it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from ..files import store
from ..files.names import writable
from ..llm.chat import sound
from ..told import Told
from . import lineage
from .item import Item
from .ledger import Ledger, Result
from .made import Made
from .naming import PROMPT, folder_of, stem_of


def keep(ledger: Ledger, item: Item, made: Made) -> list[str]:
    """Writes the pictures of a claimed item into the session's folder and commits the item.

    Returns:
        Their names inside the session's folder.

    Raises:
        Lost: the item's claim has passed to another run.
        Told: the naming needs words, or the files or the ledger cannot be written.
    """
    if made.texts is not None:
        texts = {**made.texts, "resonance": item.to_json()}
        results, before = (tuple(_stamped(each, texts) for each in some) for some in (made.pictures, made.before))
        made = replace(made, pictures=results, before=before)
    prompt = sound(made.prompt)
    spoken = item.payload.words or prompt
    folder = folder_of(item, spoken, made.naming.folder)
    begun = ledger.begun(item)
    stem = stem_of(item, made.naming.name, begun, lambda name: ledger.taken(f"{folder}/{name}", item))
    files = [*named(stem, made.pictures), *named(f"{stem}_before", made.before)]
    ledger.check_place()
    target = writable(ledger.folder, folder)
    try:  # the session's own folder is not made again: somebody may have moved it
        if made.naming.folder == "prompt hash" and not (target / PROMPT).exists():
            store.write(target, [(PROMPT, f"{spoken}\n".encode())], parents=False)
        store.write(target, files, parents=False)
    except Told:
        ledger.check_place()
        raise
    takes = "none" if item.source is None else made.takes
    count = len(made.pictures)
    following = lineage.children(item.lineage, count) if takes == "all" else [item.lineage] * (takes == "first")
    entries: list[str | None] = [*following, *[None] * (len(files) - len(following))]
    names = [f"{folder}/{name}" for name, _ in files]
    results = [Result(*each) for each in zip(names, entries, strict=True)]
    ledger.commit(item, results, prompt or spoken)
    return names


def named(stem: str, pictures: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The only picture has the stem as its name, of several each has a number behind it."""
    numbers = [""] if len(pictures) == 1 else [f"_{number:02d}" for number in range(1, len(pictures) + 1)]
    return [(f"{stem}{number}.png", data) for number, data in zip(numbers, pictures, strict=True)]


def _stamped(picture: bytes, texts: Mapping[str, str]) -> bytes:
    """The same pixels as a PNG with these texts. Raises Told if it is not a picture that can be read."""
    try:
        with Image.open(BytesIO(picture)) as image:
            return store.encode_png(image, texts)
    except UnidentifiedImageError as error:
        raise Told("What was made is not a picture that can be read.") from error
    except Exception as error:  # such as Pillow's DecompressionBombError, which is no ValueError
        raise Told(f"What was made is not a picture that can be read ({error}).") from error

"""Saving what was made of an item, and committing it."""

from collections.abc import Sequence
from typing import Literal

from ..files import store
from . import lineage
from .item import Item
from .ledger import Ledger, Result
from .naming import PROMPT, Naming, folder_of, stem_of

Takes = Literal["first", "all", "none"]
"""Which of an item's results the next round takes."""


def keep(
    ledger: Ledger,
    item: Item,
    results: Sequence[bytes],
    before: Sequence[bytes],
    words: str,
    takes: Takes,
    naming: Naming,
) -> list[str]:
    """Writes the pictures of a claimed item into the session's folder and commits the item.

    Args:
        results: PNG files, the first one first.
        before: PNG files to be saved beside them, which no round takes.
        words: the prompt that made them.
        takes: which of the results the next round takes. Of an item without source it takes none.
        naming: where they go. ``prompt hash`` goes by the payload's ``prompt``, or else by ``words``.

    Returns:
        Their names inside the session's folder.

    Raises:
        Lost: the item's claim has passed to another run.
        Told: the naming needs words.
    """
    spoken = item.payload.get("prompt") or words
    folder = folder_of(item, spoken, naming.folder)
    stem = stem_of(item, naming.name, ledger.begun(item), lambda name: ledger.taken(f"{folder}/{name}", item))
    files = [*named(stem, results), *named(f"{stem}_before", before)]
    if naming.folder == "prompt hash" and not (ledger.folder / folder / PROMPT).exists():
        store.write(ledger.folder / folder, [(PROMPT, f"{spoken}\n".encode())])
    store.write(ledger.folder / folder, files)
    if item.source is None:
        takes = "none"
    following = lineage.children(item.lineage, len(results)) if takes == "all" else [item.lineage] * (takes == "first")
    entries: list[str | None] = [*following, *[None] * (len(files) - len(following))]
    names = [f"{folder}/{name}" for name, _ in files]
    ledger.commit(item, [Result(*each) for each in zip(names, entries, strict=True)], words or spoken)
    return names


def named(stem: str, pictures: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The only picture has the stem as its name, of several each has a number behind it."""
    numbers = [""] if len(pictures) == 1 else [f"_{number:02d}" for number in range(1, len(pictures) + 1)]
    return [(f"{stem}{number}.png", data) for number, data in zip(numbers, pictures, strict=True)]

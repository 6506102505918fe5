"""Saving what a run made, and committing it."""

import uuid
from dataclasses import replace
from typing import Any, Literal

import torch
from comfy.cli_args import args

from .. import images
from ..rounds import lineage, store
from ..rounds.item import Item
from ..rounds.ledger import Result
from ..rounds.naming import BY_ROUND, PROMPT, Naming, folder_of, stem_of
from . import folders, queue, sessions

Takes = Literal["first", "all", "none"]


def save(
    item: Item,
    results: torch.Tensor,
    before: torch.Tensor | None,
    words: str,
    takes: Takes,
    prompt: dict[str, Any],
    extra: dict[str, Any] | None,
    naming: Naming = BY_ROUND,
) -> list[dict[str, str]]:
    """Saves a run's pictures and commits the item.

    An item that was pasted, not claimed, is saved to the temporary folder and committed by whoever pasted it.

    Args:
        results: IMAGE ``[B, H, W, C]``.
        before: IMAGE saved beside them, which no round takes.
        words: the prompt that made them.
        takes: which of the results the next round takes. Of an item without source it takes none.
        naming: where they go. ``prompt hash`` goes by the payload's ``prompt``, or else by ``words``.

    Returns:
        Entries as ComfyUI's ``ui["images"]`` has them.

    Raises:
        Lost: the item's claim has passed to another run; nothing is saved.
        ValueError: the naming needs words.
    """
    if not item.token:
        return _preview(item, results, before, prompt, extra)
    ledger = sessions.open_(item.session)
    item = replace(item, words=ledger.own(item))
    texts = _texts(item, prompt, extra)
    spoken = item.payload.get("prompt") or words
    folder = folder_of(item, spoken, naming.folder)
    stem = stem_of(item, naming.name, ledger.begun(item), lambda name: ledger.taken(f"{folder}/{name}", item))
    files = _encode(stem, results, before, texts)
    if naming.folder == "prompt hash" and not (ledger.folder / folder / PROMPT).exists():
        store.write(ledger.folder / folder, [(PROMPT, f"{spoken}\n".encode())])
    store.write(ledger.folder / folder, files)
    count = len(results)
    if item.source is None:
        takes = "none"
    following = lineage.children(item.lineage, count) if takes == "all" else [item.lineage] * (takes == "first")
    entries: list[str | None] = [*following, *[None] * (len(files) - len(following))]
    found = [Result(f"{folder}/{name}", child) for (name, _), child in zip(files, entries, strict=True)]
    ledger.commit(item, found, words or spoken)
    sessions.announce(ledger, item)
    if ledger.session().run is None:
        sessions.close_when_idle(ledger)
    return [{"filename": name, "subfolder": f"{item.session}/{folder}", "type": "output"} for name, _ in files]


def _preview(
    item: Item, results: torch.Tensor, before: torch.Tensor | None, prompt: dict[str, Any], extra: dict[str, Any] | None
) -> list[dict[str, str]]:
    texts = _texts(item, prompt, extra)
    stem = f"{item.stem}_{uuid.uuid4().hex[:8]}"
    files = _encode(stem, results, before, texts)
    store.write(folders.temp_folder() / "resonance", files)
    return [{"filename": name, "subfolder": "resonance", "type": "temp"} for name, _ in files]


def _encode(
    stem: str, results: torch.Tensor, before: torch.Tensor | None, texts: dict[str, str]
) -> list[tuple[str, bytes]]:
    files: list[tuple[str, bytes]] = []
    for name, pictures in ((stem, results), (f"{stem}_before", before)):
        if pictures is not None:
            numbers = [""] if len(pictures) == 1 else [f"_{number:02d}" for number in range(1, len(pictures) + 1)]
            for number, picture in zip(numbers, images.from_tensor(pictures), strict=True):
                files.append((f"{name}{number}.png", store.encode_png(picture, texts)))
    return files


def _texts(item: Item, prompt: dict[str, Any], extra: dict[str, Any] | None) -> dict[str, str]:
    """ComfyUI's own chunks ``prompt`` and ``workflow``, and the item as ``resonance``."""
    if args.disable_metadata:
        return {}
    prompt = queue.reduced(prompt)
    known = sessions.recorded.get(item.session)
    texts = known.texts if known and known.prompt == prompt else queue.texts(prompt, extra)
    return {**texts, "resonance": item.to_json()}

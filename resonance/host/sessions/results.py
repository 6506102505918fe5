"""Saving what a run made, and committing it."""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from comfy.cli_args import args
from PIL import Image

from ... import graph, images
from ...files import store
from ...paint.how import how
from ...session import saving
from ...session.item import Item
from ...session.made import Made, Takes
from ...session.naming import BY_ROUND, Naming
from ...session.status import Moved
from ...told import Told
from .. import folders
from ..hashes import hashes_of
from . import owned as sessions
from . import queue

log = logging.getLogger(__name__)

KEPT = 500
"""As many files stay in the temporary folder when another item was pasted: a driver pastes them for days."""


def save(
    item: Item,
    results: Sequence[torch.Tensor],
    before: Sequence[torch.Tensor],
    words: str,
    takes: Takes,
    prompt: dict[str, Any],
    extra: dict[str, Any] | None,
    naming: Naming = BY_ROUND,
    note: Callable[[str], None] = log.warning,
) -> list[dict[str, str]]:
    """Saves a run's pictures and commits the item. Of several that the run works on each gets one picture, and is committed by itself.

    An item that was pasted, not claimed, is saved to the temporary folder and committed by whoever pasted it.

    Args:
        results: IMAGEs ``[B, H, W, C]``, one batch together, of whatever sizes.
        before: IMAGEs saved beside them, which no round takes.
        words: the prompt that made them.
        takes: which of the results the next round takes. Of an item without source it takes none.
        naming: where they go. ``prompt hash`` goes by the payload's ``prompt``, or else by ``words``.
        note: see :func:`resonance.session.saving.keep`.

    Returns:
        Entries as ComfyUI's ``ui["images"]`` has them.

    Raises:
        Lost: the item's claim has passed to another run; nothing is saved.
        Told: the naming needs words, or there are more or fewer pictures than items.
    """
    pictures, beside = (
        tuple(each for batch in batches for each in images.from_tensor(batch)) for batches in (results, before)
    )
    shares = _shares(item, pictures, beside)
    if not item.token:
        return [entry for share in shares for entry in _preview(*share, prompt, extra)]
    owned = sessions.open_(item.session)
    ledger, reduced = owned.ledger, graph.reduced(prompt)
    model = graph.model_of(reduced)
    files = list[str]()
    for place, (one, its, its_before) in enumerate(shares):
        one = replace(one, words=ledger.own(one))
        made = Made(
            pictures=its,
            before=its_before,
            prompt=words,
            takes=takes,
            naming=naming,
            how=how(reduced, one, words, hashes(one, reduced, naming)) if naming.parameters else None,
            model=model,
            place=place,
            stages=graph.has_stages(reduced),
            texts=_texts(one, prompt, extra) or None,
        )
        try:
            files += saving.keep(ledger, one, made, note)
        except Moved as error:
            sessions.lose(owned, error)
            raise
        sessions.announce(ledger, one)
    if ledger.session().run is None:
        sessions.close_when_idle(ledger)
    return [
        {"filename": name, "subfolder": f"{item.session}/{folder}", "type": "output"}
        for folder, _, name in (file.rpartition("/") for file in files)
    ]


def writes_metadata() -> bool:
    """Whether pictures get texts at all."""
    return not args.disable_metadata


def hashes(item: Item, prompt: graph.Graph, naming: Naming) -> dict[str, str]:
    """Those of an item's files, as far as they are to be written."""
    if not (naming.parameters and writes_metadata()):
        return {}
    return hashes_of(prompt, item, naming.model_hash)


Pictures = tuple[Image.Image, ...]


def _shares(item: Item, pictures: Pictures, before: Pictures) -> list[tuple[Item, Pictures, Pictures]]:
    """Which pictures are whose."""
    if not item.beside:
        return [(item, pictures, before)]
    for some, name in ((pictures, "images"), (before, "before")):
        if len(some) != len(item.batch) and (some or name == "images"):
            raise Told(
                f"{name}: this run works on {len(item.batch)} prompt lines, so {len(item.batch)} pictures must come, but there are"
                f" {len(some)}. Set batch_size of Prompt Lines to 1, or look at what changes the number on the way."
            )
    rows = [(each,) for each in before] or [()] * len(pictures)
    return [(replace(one, beside=()), (its,), row) for one, its, row in zip(item.batch, pictures, rows, strict=True)]


def _preview(
    item: Item, pictures: Pictures, before: Pictures, prompt: dict[str, Any], extra: dict[str, Any] | None
) -> list[dict[str, str]]:
    texts = _texts(item, prompt, extra)
    stem = f"{item.stem}_{uuid.uuid4().hex[:8]}"
    return show(
        [*saving.named(stem, _encode(pictures, texts)), *saving.named(f"{stem}_before", _encode(before, texts))]
    )


def show(files: list[tuple[str, bytes]]) -> list[dict[str, str]]:
    """Writes files into the temporary folder, where the oldest ones go, and returns their entries as :func:`save` does."""
    folder = folders.temp_folder() / "resonance"
    now = time.time()

    def age(path: Path) -> tuple[bool, float]:
        """What is yet to come was written by a clock that has been set back since: it goes first."""
        written = path.stat().st_mtime
        return written <= now, written

    for path in sorted(folder.glob("*"), key=age)[:-KEPT]:
        path.unlink(missing_ok=True)
    store.write(folder, files)
    return [{"filename": name, "subfolder": "resonance", "type": "temp"} for name, _ in files]


def _encode(pictures: Pictures, texts: dict[str, str]) -> list[bytes]:
    return [store.encode_png(each, texts) for each in pictures]


def _texts(item: Item, prompt: dict[str, Any], extra: dict[str, Any] | None) -> dict[str, str]:
    """ComfyUI's own chunks ``prompt`` and ``workflow``, and the item as ``resonance``."""
    if not writes_metadata():
        return {}
    prompt = graph.reduced(prompt)
    known = sessions.recorded(item.session)
    texts = known.texts if known and known.prompt == prompt else queue.texts(prompt, extra)
    return {**texts, "resonance": item.to_json()}

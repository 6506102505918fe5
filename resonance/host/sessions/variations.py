"""A session of variations: each picture is saved and committed as it is made, and found again by the next run."""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import torch

from ... import images
from ...files import store
from ...session import status
from ...session.item import Item
from ...session.ledger import Ledger
from ...session.naming import Naming, folder_of
from ...told import Told
from ...vary.transform import SCHEDULE, Call
from ...vary.walk import Kept, Picture
from .. import progress
from . import owned as sessions
from . import queue, results
from .queue import Run

START = "start"
"""Folder of the pictures that variations start from, inside the session's."""

MAKERS = ("model", "vae", "positive", "negative")
"""Inputs of Vary that count by the nodes above them; all others count by what they bring."""


@dataclass(frozen=True)
class SaveAs:
    """Where pictures go, and the prompt that makes them."""

    session: str
    naming: Naming
    words: str = ""


@dataclass(frozen=True)
class Around:
    """What surrounds the node: its id, the graph as it runs (core's DynamicPrompt), and what is written into pictures."""

    node_id: str
    graph: Any
    prompt: dict[str, Any]
    extra: dict[str, Any] | None

    def signature(self) -> str:
        """The nodes above this one: equal for graphs that make the same of the same pictures, transform and seeds.

        Files count by their content, where nodes tell ComfyUI of it (IS_CHANGED, as text).
        """
        known: dict[str, str] = {}

        def of(id_: str) -> str:
            if id_ not in known:
                node = self.graph.get_node(id_)
                inputs = [
                    (name, of(value[0]), value[1]) if self._is_link(value) else (name, value)
                    for name, value in sorted(node["inputs"].items())
                    if id_ != self.node_id or (self._is_link(value) and name in MAKERS)
                ]
                told = node.get("is_changed")  # NaN and times are new in each run
                marks = [mark for mark in told if isinstance(mark, str)] if isinstance(told, list) else []
                known[id_] = _hash(repr((node["class_type"], inputs, marks)).encode())
            return known[id_]

        return of(self.node_id)

    def _is_link(self, value: Any) -> bool:
        return (
            isinstance(value, list)
            and len(value) == 2
            and isinstance(value[0], str)
            and isinstance(value[1], int)
            and self.graph.has_node(value[0])
        )


@dataclass(frozen=True)
class Variations:
    """An open session."""

    ledger: Ledger
    run: Run
    save: SaveAs
    around: Around
    files: list[dict[str, str]]
    """The pictures that are there, as ComfyUI's ``ui["images"]`` has them."""

    def job(self, start: Picture, mask: torch.Tensor | None, settings: str, rows: int) -> "Job":
        """What is to be made of one picture; the same as before where everything that counts is the same.

        Args:
            settings: all that counts and is neither a picture, nor words, nor above the node.
            rows: how many chains of pictures there will be.
        """
        [picture] = images.from_tensor(start)
        content = _hash(f"{picture.size}".encode() + picture.tobytes())
        name = f"{content[:16]}.png"
        folder = self.ledger.folder / START
        if not (folder / name).exists():
            store.write(folder, [(name, store.encode_png(picture, {}))])
        place = b"" if mask is None else mask.cpu().numpy().tobytes()
        parts = (content, _hash(place), settings, self.save.words, self.around.signature())
        return Job(self, _hash(repr(parts).encode()), f"{self.ledger.name}/{START}/{name} [output]", rows)


@contextmanager
def opened(save: SaveAs, seed: int, around: Around) -> Generator[Variations]:
    """Opens the session, and closes it when all is made: then it is finished.

    Raises:
        Told: the session belongs to another node or program, it cannot have that name, or the folder rule needs words.
    """
    folder_of(Item(save.session, 1, 1, "", 0), save.words, save.naming.folder)  # says at once if words are missing
    run = queue.current()
    with sessions.mutex:
        ledger = sessions.open_(save.session, seed, "vary")
        with ledger.transaction():
            for claim in ledger.claims():
                ledger.settle(claim, "gone")
            ledger.update(state="open", reason="", graph=run.graph(), run=run.id)
        texts = queue.texts(run.prompt, run.extra.get("extra_pnginfo"))
        sessions.recorded[ledger.name] = sessions.Recorded(run.prompt, texts)
    sessions.announce(ledger)
    try:
        yield Variations(ledger, run, save, around, [])
        with ledger.transaction():
            ledger.update(state="finished")
    finally:
        with sessions.mutex:
            with ledger.transaction():
                ledger.update(run=None)
            sessions.announce(ledger)
            sessions.close(ledger.name)


class Job:
    """The variations of one picture: their items, in rows of the session that no other job has."""

    def __init__(self, session: Variations, id_: str, start: str, rows: int) -> None:
        self._session, self._id, self._start, self._rows = session, id_, start, rows
        self._entries: dict[tuple[int, int], dict[str, str]] = {}
        number = "CAST(substr(i.lineage, 2) AS INTEGER) - json_extract(i.payload, '$.row')"
        with status.reading(session.ledger.folder) as db:
            mine = db.execute(
                f"SELECT {number} AS base, i.round, json_extract(i.payload, '$.row') AS row, r.file FROM item i"
                " LEFT JOIN result r ON r.item = i.id AND i.state = 'done' WHERE json_extract(i.payload, '$.job') = ?",
                (id_,),
            ).fetchall()
            [after] = db.execute(f"SELECT max({number} + json_extract(i.payload, '$.rows')) FROM item i").fetchone()
        self._base: int = mine[0]["base"] if mine else after or 0
        for row in mine:
            if row["file"]:
                folder, name = row["file"].rsplit("/", 1)
                entry = {"filename": name, "subfolder": f"{session.ledger.name}/{folder}", "type": "output"}
                self._entries[row["round"], row["row"]] = entry

    def recall(self, call: Call) -> Picture | None:
        """The picture that a call has kept; None: it is still to be made, or its file is gone.

        Raises ComfyUI's interrupt where the session was paused.
        """
        if self._session.ledger.session().state == "paused":
            progress.say("Paused. Press Run to go on, or Resume in the gallery.", self._session.around.node_id)
            raise comfy.model_management.InterruptProcessingException()
        entry = self._entries.get((call.round, call.row))
        if entry is None:
            return None
        path = self._session.ledger.folder.parent / entry["subfolder"] / entry["filename"]
        try:
            picture = images.to_tensor(images.read(path))
        except Told:
            return None
        return picture.to(comfy.model_management.intermediate_device())

    def keep(self, kept: Kept) -> None:
        """Saves and commits a picture, unless it is there already."""
        call = kept.call
        if kept.new:
            self._entries[call.round, call.row] = self._save(kept)
        self._session.files.append(self._entries[call.round, call.row])

    def _save(self, kept: Kept) -> dict[str, str]:
        session, ledger, call = self._session, self._session.ledger, kept.call
        lineage = f"X{self._base + call.row:04d}"
        with ledger.transaction():
            item = ledger.find(call.round, lineage)
            if item is None:
                ledger.add(call.round, [(self._source(kept.parent), lineage)], [self._payload(call)])
                item = ledger.find(call.round, lineage)
            assert item
            item = ledger.claim(item, session.run.id)
        try:
            [entry] = results.save(
                item,
                kept.picture,
                None,
                session.save.words,
                "none",
                session.around.prompt,
                session.around.extra,
                session.save.naming,
            )
        except BaseException:
            with ledger.transaction():
                ledger.release(item)
            raise
        return entry

    def _source(self, parent: Call | None) -> str:
        if parent is None:
            return self._start
        entry = self._entries[parent.round, parent.row]
        return f"{entry['subfolder']}/{entry['filename']} [output]"

    def _payload(self, call: Call) -> dict[str, Any]:
        return {
            "job": self._id,
            "loop": call.loop,
            "number": call.number,
            "row": call.row,
            "rows": self._rows,
            "scale": call.pair.scale,
            "strength": call.pair.strength,
            "steps": SCHEDULE,
            "seed": call.seed,
        }


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

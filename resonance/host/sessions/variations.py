"""A session of variations: each picture is saved and committed as it is made, and found again by the next run."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ... import images
from ...files import store
from ...files.names import writable
from ...session import query
from ...session.chain import Chain
from ...session.fill import transforms
from ...session.fill.variations import START
from ...session.fill.variations import Variations as Fill
from ...session.item import Item
from ...session.naming import Naming, folder_of
from ...session.payloads import Variation
from ...session.reason import Outcome, Reason
from ...session.status import Moved
from ...told import Told
from ...vary.transform import Call
from ...vary.walk import KeptPicture, Picture
from .. import core, folders, progress
from . import owned as sessions
from . import queue, results
from .queue import Run

MAKERS = ("model", "vae", "positive", "negative")
"""Inputs of Vary that count by the nodes above them; all others count by what they bring."""


@dataclass(frozen=True)
class SaveAs:
    """Where pictures go, and the prompt that makes them."""

    session: str
    naming: Naming
    words: str = ""

    def job_id(self, content: str, mask: torch.Tensor | None, settings: str, around: "Around") -> str:
        """Names what is made of one picture, see :func:`resonance.session.fill.transforms.job_id`."""
        values = b"" if mask is None else mask.cpu().numpy().tobytes()
        return transforms.job_id(content, values, settings, self.words, around.signature())


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
        nodes, known = core.live_graph(self.graph), dict[str, str]()

        def is_link(value: Any) -> bool:
            match value:
                case [str(id_), int()]:
                    return id_ in nodes
                case _:
                    return False

        def of(id_: str) -> str:
            if id_ not in known:
                node = nodes[id_]
                inputs = [
                    (name, of(value[0]), value[1]) if is_link(value) else (name, value)
                    for name, value in sorted(node["inputs"].items())
                    if id_ != self.node_id or (is_link(value) and name in MAKERS)
                ]
                marks = [mark for mark in core.changes(node) if isinstance(mark, str)]  # times are new in each run
                known[id_] = transforms.digest(repr((node["class_type"], inputs, marks)).encode())
            return known[id_]

        return of(self.node_id)


@dataclass(frozen=True, kw_only=True)
class Variations:
    """An open session."""

    chain: Chain
    run: Run
    save: SaveAs
    around: Around
    files: list[dict[str, str]]
    """The pictures that are there, as ComfyUI's ``ui["images"]`` has them."""

    @property
    def folder(self) -> Path:
        """The session's."""
        return self.chain.ledger.folder

    def job(self, start: Picture, mask: torch.Tensor | None, settings: str, rows: int) -> "Job":
        """What is to be made of one picture; the same as before where everything that counts is the same.

        Args:
            settings: see :func:`resonance.session.fill.transforms.settings_of`.
            rows: how many chains of pictures there will be.
        """
        [picture] = images.from_tensor(start)
        content = transforms.content_of(picture)
        name = transforms.start_of(content)
        folder = writable(self.folder, START)
        if not (folder / name).exists():
            store.write(folder, [(name, store.encode_png(picture, {}))])
        id_ = self.save.job_id(content, mask, settings, self.around)
        return Job(self, id_, f"{self.folder.name}/{START}/{name} [output]", rows)


@contextmanager
def opened(save: SaveAs, seed: int, around: Around) -> Generator[Variations]:
    """Opens the session, and closes it when all is made: then it is finished.

    Raises:
        Told: the session belongs to another node or program, it cannot have that name, or the folder rule needs words.
    """
    nobody = Item(session=save.session, round=1, index=1, lineage="", seed=0)
    folder_of(nobody, save.words, save.naming.folder)  # says at once if words are missing
    run = queue.current()
    with sessions.mutex:
        owned = sessions.open_(save.session, seed, "vary")
        ledger, chain = owned.ledger, Chain(owned.ledger, Fill())
        with ledger.transaction():
            chain.settle_all(lambda run, process: Outcome(Reason.GONE))
            chain.begin(graph=run.graph(), secret=folders.secret(), run=run.id)
        texts = queue.texts(run.prompt, run.extra.get("extra_pnginfo"))
        owned.recorded = sessions.Recorded(run.prompt, texts)
    sessions.announce(ledger)
    try:
        yield Variations(chain=chain, run=run, save=save, around=around, files=[])
        with ledger.transaction():
            ledger.update(state="finished")
    except Moved as error:
        with ledger.transaction():
            ledger.update(state="paused", reason=str(error))
        raise
    finally:
        with sessions.mutex:
            try:
                with ledger.transaction():
                    ledger.update(run=None)
                sessions.announce(ledger)
            finally:
                sessions.close(ledger.name)


class Job:
    """The variations of one picture: their items, in rows of the session that no other job has."""

    def __init__(self, session: Variations, id_: str, start: str, rows: int) -> None:
        self._session, self._id, self._start, self._rows = session, id_, start, rows
        self._entries: dict[tuple[int, int], dict[str, str]] = {}
        with query.reading(session.folder) as ledger:
            mine, taken = ledger.steps(id_), ledger.rows_taken()
        self._base = int(mine[0].lineage[1:]) - mine[0].row if mine else taken
        for step in mine:
            if step.file:
                folder, name = step.file.rsplit("/", 1)
                entry = {"filename": name, "subfolder": f"{session.folder.name}/{folder}", "type": "output"}
                self._entries[step.round, step.row] = entry

    def recall(self, call: Call) -> Picture | None:
        """The picture that a call has kept; None: it is still to be made, or its file is gone or damaged.

        Raises ComfyUI's interrupt where the session was paused.
        """
        if self._session.chain.ledger.session().state == "paused":
            progress.say("Paused. Press Run to go on, or Resume in the gallery.", self._session.around.node_id)
            raise comfy.model_management.InterruptProcessingException()
        entry = self._entries.get((call.round, call.row))
        if entry is None:
            return None
        path = self._session.folder.parent / entry["subfolder"] / entry["filename"]
        damaged: list[str] = []
        try:
            picture = images.read(path, check=progress.stop_if_interrupted, note=damaged.append)
        except Told:
            return None
        return None if damaged else images.to_tensor(picture).to(comfy.model_management.intermediate_device())

    def keep(self, kept: KeptPicture) -> None:
        """Saves and commits a picture, unless it is there already."""
        call = kept.call
        if kept.new:
            self._entries[call.round, call.row] = self._save(kept)
        self._session.files.append(self._entries[call.round, call.row])

    def _save(self, kept: KeptPicture) -> dict[str, str]:
        session, call = self._session, kept.call
        wanted = Item(
            session=session.save.session,
            round=call.round,
            index=0,
            lineage=f"X{self._base + call.row:04d}",
            seed=call.seed,
            source=self._source(kept.parent),
            payload=Variation.of(call, self._id, self._rows),
        )
        item = session.chain.take(wanted, session.run.id)
        around, save = session.around, session.save
        try:
            [entry] = results.save(
                item, [kept.picture], (), save.words, "none", around.prompt, around.extra, save.naming
            )
        except BaseException:
            session.chain.give_back([item])
            raise
        return entry

    def _source(self, parent: Call | None) -> str:
        if parent is None:
            return self._start
        entry = self._entries[parent.round, parent.row]
        return f"{entry['subfolder']}/{entry['filename']} [output]"

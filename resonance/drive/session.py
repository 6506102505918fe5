"""A session of rounds as the driver sees it: the same ledger and the same folders that Round Input works with."""

import json
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from .. import images
from ..files import pictures, store
from ..files.names import check_name
from ..roulette import Plan, draw
from ..session import descent, saving
from ..session.fill.pictures import Pictures
from ..session.item import Item, derive
from ..session.ledger import Busy, Ledger
from ..session.schema import NoLedger
from ..session.status import kind_of, reading
from ..told import Told
from .driver import Unreadable
from .job import Job, Made

PROCESS = uuid.uuid4().hex
"""Names this process in the ledgers."""


@dataclass(frozen=True)
class Known:
    """What a session's ledger says before anybody owns it: its first folder, how many rounds, and the request of its last run."""

    first: str
    rounds: int
    graph: dict[str, Any] | None


def known(folder: Path) -> Known | None:
    """What is known of the session in ``folder``; None where there is none.

    Raises:
        Told: it is not one of rounds.
    """
    try:
        with reading(folder) as db:
            kind = kind_of(db)
            first, count, graph = db.execute("SELECT coalesce(first, ''), rounds, graph FROM session").fetchone()
    except NoLedger:
        return None
    if kind != "rounds":
        raise Told(
            f"Session {folder.name!r} is not one of rounds but of {kind!r}: go on with it in ComfyUI, or choose another name."
        )
    return Known(first, count, json.loads(graph) if graph else None)


class SessionChain:
    """A session of rounds, owned until :meth:`close`.

    Args:
        folder: the session's folder, in the output folder.
        fill: what the session is to hold.
        seed: of a new session.
        plan: what is drawn for each item; expanded.

    Attributes:
        wants_first: whether jobs carry the first picture of their lineage.

    Raises:
        Told: another program owns the session, the name cannot be a folder, the session is not one of rounds, or the first
            folder holds no pictures.
    """

    def __init__(self, folder: Path, fill: Pictures, seed: int, plan: Plan | None = None) -> None:
        self.fill, self.plan = fill, plan
        self.wants_first = False
        check_name(folder.name)
        if known(folder) is None:
            fill.first(folder.name, seed)  # no session is made of what would leave it empty
        self.ledger = _own(folder, seed)
        try:
            self.seed = self.ledger.session().seed
            store.sweep(folder)
            with self.ledger.transaction():
                self.ledger.update(state="open", reason="", run=None, plan=None)
                fill.begin(self.ledger)
        except BaseException:
            self.ledger.close()
            raise
        self._ordered: int | None = None

    def close(self) -> None:
        self.ledger.close()

    def open_round(self) -> int | None:
        round_ = self.fill.open_round(self.ledger)
        if round_ and self.plan and round_ != self._ordered:
            plan = self.plan
            self.ledger.order(round_, lambda lineage: draw(plan, self._seed(round_, lineage)).key)
            self._ordered = round_
        return round_

    def draw(self, item: Item) -> Item:
        if self.plan is None:
            return item
        return replace(item, draw=draw(self.plan, self._seed(item.round, item.lineage)).to_dict())

    def job(self, item: Item) -> Job:
        if item.source is None:
            raise Unreadable("this item starts from no picture")
        try:
            path = pictures.locate(item.source, self.fill.roots)[1]
            images.read(path)
            return Job(item, path.read_bytes(), path.name, first=self._first(item))
        except (OSError, Told) as error:
            raise Unreadable(str(error)) from None

    def keep(self, job: Job, made: Made) -> list[str]:
        item = job.item
        if made.words and item.words is None:
            self.ledger.store_words(item, made.words)
            item = replace(item, words=made.words)
        item = replace(item, payload={**item.payload, **made.facts})
        texts = {**made.texts, "resonance": item.to_json()}
        results, before = ([_stamped(each, texts) for each in each_of] for each_of in (made.pictures, made.before))
        return saving.keep(self.ledger, item, results, before, made.prompt, made.takes, made.naming)

    def _first(self, item: Item) -> bytes | None:
        """The picture with which the item's lineage began, if the workflow asks for it."""
        if not self.wants_first or item.round == 1 or item.source is None:
            return None
        with reading(self.ledger.folder) as db:
            source = descent.origin(db, item.session, item.round, item.source)
        return pictures.locate(source, self.fill.roots)[1].read_bytes()

    def _seed(self, round_: int, lineage: str) -> int:
        return derive(self.seed, round_, lineage, "models")


def _own(folder: Path, seed: int) -> Ledger:
    """The ledger in ``folder``, made if need be, and owned by this process. Raises Told if another one owns it."""
    try:
        ledger = Ledger(folder, seed, PROCESS)
    except Busy as error:
        raise Told(
            f"Session {folder.name!r} is open in another program ({error}). Pause it there, or pass --take with the --server"
            " that has it."
        ) from None
    with ledger.transaction():
        ledger.update(owner=f"resonance on {socket.gethostname()}, process {os.getpid()}")
    return ledger


def _stamped(picture: bytes, texts: Mapping[str, str]) -> bytes:
    """The same pixels as a PNG with these texts. Raises Told if it is no picture that can be read."""
    try:
        with Image.open(BytesIO(picture)) as image:
            return store.encode_png(image, texts)
    except Exception as error:  # such as Pillow's DecompressionBombError, which is no ValueError
        raise Told(f"What was made is not a picture that can be read ({error}).") from error

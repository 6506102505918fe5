"""A session of rounds as the driver sees it: the same ledger and the same folders that Round Input works with."""

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from .. import images
from ..roulette import Plan, draw
from ..rounds import pictures, saving, store
from ..rounds.fill import Pictures
from ..rounds.item import Item, derive
from ..rounds.ledger import Busy, Ledger
from ..rounds.names import check_name
from .driver import Unreadable
from .job import Job, Made

PROCESS = uuid.uuid4().hex
"""Names this process in the ledgers."""


class SessionChain:
    """A session of rounds, owned until :meth:`close`.

    Args:
        folder: the session's folder, in the output folder.
        fill: what the session is to hold.
        seed: of a new session.
        plan: what is drawn for each item; expanded.

    Raises:
        RuntimeError: another program owns the session, or it is not one of rounds.
        ValueError: the name cannot be a folder, or the first folder holds no pictures.
    """

    def __init__(self, folder: Path, fill: Pictures, seed: int, plan: Plan | None = None) -> None:
        self.fill, self.plan = fill, plan
        check_name(folder.name)
        if not (folder / "ledger.sqlite3").exists():
            fill.first(folder.name, seed)  # no session is made of what would leave it empty
        self.ledger = own(folder, seed)
        try:
            session = self.ledger.session()
            if session.kind != "rounds":
                raise RuntimeError(
                    f"Session {folder.name!r} is not one of rounds but of {session.kind!r}: go on with it in ComfyUI, or"
                    " choose another name."
                )
            self.seed = session.seed
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
            return Job(item, path.read_bytes(), path.name)
        except (OSError, ValueError) as error:
            raise Unreadable(str(error)) from None

    def keep(self, job: Job, made: Made) -> list[str]:
        item = job.item
        if made.words and item.words is None:
            self.ledger.store_words(item, made.words)
            item = replace(item, words=made.words)
        texts = {**made.texts, "resonance": item.to_json()}
        results, before = ([_stamped(each, texts) for each in each_of] for each_of in (made.pictures, made.before))
        item = replace(item, payload={**item.payload, **made.facts})
        return saving.keep(self.ledger, item, results, before, made.prompt, made.takes, made.naming)

    def _seed(self, round_: int, lineage: str) -> int:
        return derive(self.seed, round_, lineage, "models")


def own(folder: Path, seed: int) -> Ledger:
    """The ledger in ``folder``, made if need be, and owned by this process. Raises RuntimeError if another one owns it."""
    try:
        ledger = Ledger(folder, seed, PROCESS)
    except Busy as error:
        raise RuntimeError(
            f"Session {folder.name!r} is open in another program ({error}). Pause it there, or pass --take with the --server"
            " that has it."
        ) from None
    with ledger.transaction():
        ledger.update(owner=f"resonance on {socket.gethostname()}, process {os.getpid()}")
    return ledger


def _stamped(picture: bytes, texts: Mapping[str, str]) -> bytes:
    """The same pixels as a PNG with these texts."""
    with Image.open(BytesIO(picture)) as image:
        return store.encode_png(image, texts)

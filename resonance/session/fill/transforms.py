"""The variations of pictures by transforms that are known as a whole: for those who make any picture that can be made."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from PIL import Image

from ...files.settings import Format
from ...told import Told
from ...vary.leg import Leg, legs
from ...vary.modes import colors
from ...vary.transform import Call, Pair, Transform, rows
from ...vary.walk import Colors
from .. import query, saving
from ..item import Item
from ..ledger import Ledger
from ..made import Made
from ..naming import BY_ROUND, FolderRule, NameRule, Naming
from ..payloads import Variation
from ..status import Kind
from .fill import Change
from .variations import MORE, START

Place = tuple[int, int]
"""Of a kept picture in its job: round and row."""


def content_of(picture: Image.Image) -> str:
    """Equal for pictures of equal pixels."""
    return digest(f"{picture.size}".encode() + picture.tobytes())


def start_of(content: str) -> str:
    """The file of a picture that is varied, in :data:`START`."""
    return f"{content[:16]}.png"


def job_id(content: str, mask: bytes, settings: str, words: str, makers: str) -> str:
    """Equal for jobs that make the same pictures.

    Args:
        content: of the picture, see :func:`content_of`.
        mask: its values; empty where there is none.
        settings: see :func:`settings_of`.
        makers: what samples.
    """
    return digest(repr((content, digest(mask), settings, words, makers)).encode())


def settings_of(
    *,
    transform: Transform,
    seed: int,
    colors: Colors | None,
    through_vae: bool,
    sampler: str,
    scheduler: str,
    scale_as: str,
) -> str:
    """All that counts for the pictures of a job and is neither a model, nor words, nor a picture."""
    if transform.loop_to_loop:
        transform = replace(transform, iterations=0)  # a longer chain begins like a shorter one
    parts = (transform, seed, colors and (colors.how, colors.each), through_vae)
    return repr((*parts, sampler, scheduler, scale_as))


@dataclass(frozen=True, kw_only=True)
class VaryJob:
    """What is made of one picture. Can be pickled.

    Attributes:
        id: see :func:`job_id`.
        start: the picture's file in :data:`START`.
        color: as :func:`resonance.vary.modes.colors` takes it.
        through_vae: the reference of colours takes the VAE's round trip.
        words: the prompt; behind ``--n`` stands the negative one.
        pattern, format, quality: see :class:`resonance.session.naming.Naming`. Only who keeps the pictures knows them.
        node: id of Vary in the workflow that makes it; empty where none does.
        number: which of the node's ``of`` pictures it is, from 1.
    """

    id: str
    start: str
    transform: Transform
    seed: int
    color: Mapping[str, Any] = field(default_factory=lambda: {"color": "none"})
    through_vae: bool = False
    words: str = ""
    folder: FolderRule = "round"
    name: NameRule = "lineage"
    node: str = ""
    number: int = 1
    of: int = 1
    pattern: str = BY_ROUND.pattern
    format: Format = BY_ROUND.format
    quality: int = BY_ROUND.quality

    @property
    def naming(self) -> Naming:
        return Naming(self.folder, self.name, self.pattern, self.format, self.quality)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, for those who make the pictures."""
        known = asdict(self)
        for name in ("pattern", "format", "quality"):
            del known[name]
        return known

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads :meth:`to_dict`'s form."""
        transform = dict(data["transform"])
        pairs = tuple(Pair(**pair) for pair in transform.pop("pairs"))
        known: dict[str, Any] = {**data, "transform": Transform(pairs, **transform)}
        return cls(**known)

    @cached_property
    def legs(self) -> dict[Place, Leg]:
        """The way to each kept picture."""
        found = legs(self.transform, self.seed, colors(self.color))
        return {_place(leg.call): leg for leg in found}

    def payload(self, call: Call) -> Variation:
        return Variation.of(call, self.id, rows(self.transform))

    def leg_of(self, item: Item) -> Leg:
        assert isinstance(item.payload, Variation)
        return self.legs[item.round, item.payload.row]


class Transforms:
    """Items come round by round: those whose pictures to start from, and to compare colours with, are there.

    Args:
        folder: the session's.
        jobs: all pictures that are to be varied, in order.
        texts: what is written into each picture beside its item.
    """

    kind: ClassVar[Kind] = "vary"
    more: ClassVar[str] = MORE

    def __init__(self, folder: Path, jobs: Sequence[VaryJob], texts: Mapping[str, str] | None = None) -> None:
        self.folder, self.texts = folder, texts or {}
        self.jobs = {job.id: job for job in jobs}
        self._bases: dict[str, int] = {}

    def first(self, session: str, seed: int) -> Item:
        if not self.jobs:
            raise Told(f"There is nothing to vary in session {session!r}.")
        job = next(iter(self.jobs.values()))
        [call, *_] = (leg.call for leg in job.legs.values())
        return Item(session=session, round=1, index=1, lineage="X0001", seed=call.seed, payload=job.payload(call))

    def begin(self, ledger: Ledger) -> Change:
        """What other jobs left unmade goes; what lost its file waits again."""
        with query.reading(self.folder) as found:
            there, taken = found.jobs(), found.rows_taken()
        for job in self.jobs.values():
            steps = there.get(job.id)
            if steps:
                step = steps[0]
                self._bases[job.id] = int(step.lineage[1:]) - step.row
            else:
                self._bases[job.id] = taken
                taken += rows(job.transform)
            for step in steps or ():
                if step.file and not (self.folder / step.file).is_file():
                    ledger.reopen(step.round, step.lineage)
        mine = {(round_, self._lineage(job, row)) for job in self.jobs.values() for round_, row in job.legs}
        return Change(0, ledger.withdraw(lambda round_, lineage: (round_, lineage) in mine, claimed=True))

    def open_round(self, ledger: Ledger) -> int | None:
        if pending := ledger.pending_round():
            return pending
        with query.reading(self.folder) as found:
            there = {id_: {(step.round, step.row): step.file for step in steps} for id_, steps in found.jobs().items()}
        waiting: dict[int, list[tuple[VaryJob, Leg]]] = {}
        for job in self.jobs.values():
            files = there.get(job.id, {})
            for place, leg in job.legs.items():
                needed = (leg.begin, leg.parent, leg.reference, *leg.heard)
                if place not in files and all(files.get(_place(call)) for call in needed if call):
                    waiting.setdefault(leg.call.round, []).append((job, leg))
        if not waiting:
            return None
        round_ = min(waiting)
        sources = [
            (self._source(ledger, job, leg, there), self._lineage(job, leg.call.row)) for job, leg in waiting[round_]
        ]
        ledger.add(round_, sources, [job.payload(leg.call) for job, leg in waiting[round_]])
        return round_

    def locate(self, item: Item) -> Path | None:
        [path] = self.paths(item, [self.job_of(item).leg_of(item).begin])
        return path

    def keep(self, ledger: Ledger, item: Item, made: Made) -> list[str]:
        job = self.job_of(item)
        texts = {**self.texts, **(made.texts or {})}
        made = replace(made, prompt=job.words, takes="none", naming=job.naming, texts=texts)
        return saving.keep(ledger, item, made)

    def job_of(self, item: Item) -> VaryJob:
        assert isinstance(item.payload, Variation)
        return self.jobs[item.payload.job]

    def paths(self, item: Item, calls: Iterable[Call | None]) -> list[Path]:
        """The files of the pictures that these calls of the item's job have kept; None: of the picture that is varied."""
        job = self.job_of(item)
        with query.reading(self.folder) as ledger:
            files = {(step.round, step.row): step.file for step in ledger.steps(job.id)}
        return [self.folder / ((call and files[_place(call)]) or f"{START}/{job.start}") for call in calls]

    def _lineage(self, job: VaryJob, row: int) -> str:
        return f"X{self._bases[job.id] + row:04d}"

    def _source(self, ledger: Ledger, job: VaryJob, leg: Leg, files: Mapping[str, Mapping[Place, str | None]]) -> str:
        file = files[job.id][_place(leg.parent)] if leg.parent else f"{START}/{job.start}"
        return f"{ledger.name}/{file} [output]"


def _place(call: Call) -> Place:
    return call.round, call.row


def digest(data: bytes) -> str:
    """SHA-256 in hex, by which all of these are named."""
    return hashlib.sha256(data).hexdigest()

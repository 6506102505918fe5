"""The chain of folders: which pictures each round starts from, and what is asked for each of them."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..files import pictures
from ..files.names import check_name, inside
from ..session.item import derive
from ..session.lineage import assign, distinct
from ..session.query import ARCHIVED, known, reading
from ..session.status import FILE, NoLedger
from ..told import Told
from . import models
from .config import Config
from .graph import Graph, build
from .models import Models
from .picture import Picture
from .template import Template

ROOT = "archive"
"""Root of the pictures' names in a ledger: ``holiday/a.png [archive]``."""

_SAVED = re.compile(r"([^_]+)_.*_(\d{1,16})(?:_\d\d)?\.\w+")
"""A saved file's name: its item's lineage and seed, and its number in a batch."""


@dataclass(frozen=True)
class Folders:
    """A workflow, a configuration, and the folders that pictures go through.

    Attributes:
        names: folders below the archive; round k goes from the k-th to the one after it.
    """

    template: Template
    config: Config
    names: tuple[str, ...]

    @property
    def rounds(self) -> int:
        return len(self.names) - 1

    @property
    def archive(self) -> Path:
        return Path(self.config.paths_archive)

    @property
    def session(self) -> Path:
        """Folder of the ledger."""
        return self.archive / ARCHIVED / session_name(self.names)

    def seed(self, given: int) -> int:
        """The session's seed: the ledger's, or that of a new one.

        It follows from the folders' names too. Two chains may pass the same folder, and lineage and seed are to name a picture
        there.
        """
        before = known(self.session)
        return before.seed if before else derive(given, 0, self.session.name, "session")

    def locate(self, source: str) -> Path:
        return pictures.locate(source, {ROOT: self.archive})[1]

    def path(self, destination: str, name: str) -> Path:
        """A file in a folder of the archive. Raises Told if it would lie elsewhere."""
        return inside(self.archive, f"{destination}/{name}")

    def sources(self, round_: int) -> list[tuple[str, str]]:
        """The pictures of a round, each with its lineage: all that lie in its folder and those below.

        Left out is what the session made in this round or a later one, for folders may contain one another or come twice,
        pictures before face repair, and what a server saved late, when its item had been given to another. Lineages that the
        ledger knows stay.

        Raises:
            Told: there is no such folder, or no picture in it.
        """
        past = _past(self.session, round_)
        listed = pictures.listing(f"{self.names[round_ - 1]} [{ROOT}]", {ROOT: self.archive})
        found = [source for source in listed if file_of(source) not in past.left_out]
        known = {source: past.items[source] for source in found if source in past.items}
        used = set(past.items.values())
        for source in found:
            if source not in known and (lineage := past.results.get(file_of(source))):
                used.add(lineage := distinct(lineage, used))
                known[source] = lineage
        new = [source for source in found if source not in known and not self._own(file_of(source), past.seed)]
        names = [file_of(source).rsplit("/", 1)[-1] for source in new]
        known |= zip(new, assign(names, used, past.lineages), strict=True)
        return [(source, known[source]) for source in found if source in known]

    def _own(self, file: str, seed: int | None) -> bool:
        """Whether the session asked for a file: lineage and seed in its name are an item's of a round that goes there."""
        folder, _, name = file.rpartition("/")
        said = _SAVED.fullmatch(name)
        if seed is None or not said:
            return False
        into = [round_ for round_ in range(1, self.rounds + 1) if self.names[round_] == folder]
        return any(derive(seed, round_, said[1], "sampler") == int(said[2]) for round_ in into)

    def models(self, seed: int, round_: int, lineage: str) -> Models:
        """What is loaded for an item. ``seed`` is the session's."""
        return models.draw(self.config.plan, partial(derive, seed, round_, lineage))

    def graph(self, seed: int, round_: int, lineage: str, source: Picture) -> Graph:
        """The request for an item. ``seed`` is the session's.

        Raises:
            Told: the workflow lacks what the configuration needs.
        """
        choose = partial(derive, seed, round_, lineage)
        return build(self.template, self.config, source, self.names[round_], lineage, choose)


def prepare(template: Template, config: Config, names: Sequence[str]) -> Folders:
    """Checks what can be checked before anything is made.

    Raises:
        Told: a folder's name cannot be used, there is no first folder or no picture in it, or the workflow lacks what
            the configuration needs.
    """
    if len(names) < 2:
        raise Told(f"A chain needs two folders or more, the first one and where to go from it; got {len(names)}.")
    archive = Path(config.paths_archive)
    if not archive.is_dir():
        raise Told(f"paths.archive (archive_path in INI files): there is no folder {archive}.")
    for name in names:
        inside(archive, name)
    folders = Folders(template, config, tuple("/".join(filter(None, re.split(r"[/\\]", name))) for name in names))
    folders.graph(0, 1, "X0001", Picture("", "square"))
    if not (folders.session / FILE).exists():
        folders.sources(1)
    return folders


def file_of(source: str) -> str:
    """A picture's path below the archive."""
    return source.removesuffix(f" [{ROOT}]")


def session_name(names: Sequence[str]) -> str:
    """Name of the session that goes through these folders: theirs, with a hash where they cannot be told from it."""
    name = "-".join(names)
    if name.count("-") == len(names) - 1:
        try:
            return check_name(name)
        except Told:
            pass
    plain = re.sub(r"[^\w.-]+", "_", "-".join(names), flags=re.ASCII).strip("._-") or "chain"
    return f"{plain[:50]}-{hashlib.sha256(json.dumps(names).encode()).hexdigest()[:12]}"


class _Past(NamedTuple):
    """What a ledger knows of a round.

    Attributes:
        items: lineages of its items, by source.
        results: lineages of pictures that earlier rounds made, by file.
        left_out: files that it does not take.
        lineages: those of all rounds.
        seed: the session's; None: there is no ledger.
    """

    items: dict[str, str]
    results: dict[str, str]
    left_out: set[str]
    lineages: set[str]
    seed: int | None


def _past(session: Path, round_: int) -> _Past:
    try:
        with reading(session) as ledger:
            results, seed = ledger.results(round_), ledger.known().seed
            return _Past(
                ledger.sources(round_),
                {file: lineage for file, lineage in results.items() if lineage},
                {file for file, lineage in results.items() if not lineage},
                ledger.lineages(),
                seed,
            )
    except NoLedger:
        return _Past({}, {}, set(), set(), None)

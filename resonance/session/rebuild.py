"""A lost or broken ledger, made anew from what the session's pictures say."""

import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from ..files import store
from ..paint.lines import gives_seeds
from ..told import Told
from .item import Item, derive, seed_of
from .ledger import Ledger, Result
from .made import Takes
from .opening import UnreadableLedger
from .owning import own
from .payloads import PromptLine, Variation
from .query import reading
from .said import Said, scan
from .status import FILE, Kind, NoLedger

SMALL = 100_000
"""Seeds below this are tried where nothing names the session's."""


@dataclass(frozen=True)
class Rebuilt:
    """What was found.

    Attributes:
        seed: the session's; None: it could not be found.
        left: pictures that are not in the ledger, and why.
        kept: the old ledger's new name.
    """

    rounds: int
    items: int
    pictures: int
    seed: int | None
    left: tuple[tuple[str, str], ...]
    kept: Path | None


def rebuild(folder: Path, force: bool = False, told: Callable[[int], None] = lambda _: None) -> Rebuilt:
    """Makes the ledger of the session in ``folder`` anew. One that is there is kept beside it as ``ledger.sqlite3.old``.

    An item's number, seed, source, words, draw and payload are those that its picture carries; it counts as done at the
    time of the file. The session's seed is not in the pictures, and cannot be computed from the items' own. It is guessed,
    from the old ledger, the graphs in the pictures and small numbers, and a guess counts when an item's seed follows from it.
    An item whose seed does not follow from the session's keeps it in its payload, where it takes the other's place. What has
    no picture (failed or waiting items, pictures that were deleted) is not known and is made again by a session that goes on.

    Args:
        force: also when the ledger is in order.
        told: is called with the number of pictures that were read.

    Raises:
        Busy: another process owns the session.
        Told: the ledger is in order, or there is nothing to make one from.
    """
    lock = own(folder)
    try:
        items, seed = _look(folder)
        if items is not None and not force:
            raise Told(
                f"{folder / FILE} is in order ({items} items). To make it anew all the same, add --force: the ledger is then"
                f" kept as {FILE}.old; what has no picture, such as errors, is only there."
            )
        runs, left = _read(folder, told)
        if not runs:
            why = f" {len(left)} were looked at; {left[0][0]} {left[0][1]}." if left else ""
            raise Told(f"No picture in the folders of {folder} carries an item of this session.{why}")
        counts = Counter[Kind](run[0].kind for run in runs)
        kind = max(counts, key=lambda each: counts[each])
        left += [(said.file, f"is of kind {said.kind}") for run in runs for said in run if said.kind != kind]
        runs = [run for run in runs if run[0].kind == kind]
        hints = (said.seed for run in runs for said in run)
        seed = _seed(kind, [run[0].item for run in runs], chain([seed], hints, range(SMALL)))
        with TemporaryDirectory(prefix=".rebuild-", dir=folder) as place:
            _write(Path(place), runs, kind, seed)
            kept = _put_aside(folder / FILE)
            os.replace(Path(place, FILE), folder / FILE)
            store.flush_folder(folder)
    finally:
        lock.release()
    rounds = max(run[0].item.round for run in runs)
    return Rebuilt(rounds, len(runs), sum(map(len, runs)), seed, tuple(left), kept)


def _look(folder: Path) -> tuple[int | None, int | None]:
    """How many items a ledger has that is in order; and the seed of any that can still be read."""
    seed = None
    try:
        with reading(folder) as ledger:
            seed = ledger.known().seed
            items = sum(ledger.counts().states.values())
            return items if ledger.sound() else None, seed
    except (NoLedger, UnreadableLedger):
        return None, seed


def _read(folder: Path, told: Callable[[int], None]) -> tuple[list[list[Said]], list[tuple[str, str]]]:
    """The pictures of each item, by round and number, and the ones that belong to none."""
    found: dict[tuple[int, str], dict[tuple[str, str, str], list[Said]]] = defaultdict(lambda: defaultdict(list))
    left: list[tuple[str, str]] = []
    for count, said in enumerate(scan(folder), 1):
        told(count)
        if isinstance(said, Said):
            path = PurePosixPath(said.file)
            found[said.item.round, said.item.lineage][str(path.parent), said.stem, path.suffix].append(said)
        else:
            left.append(said)
    runs: list[list[Said]] = []
    for tries in found.values():
        best, *others = sorted(tries.values(), key=lambda run: max(said.standing for said in run), reverse=True)
        runs.append(sorted(best, key=lambda said: (said.before, said.number, said.file)))
        left += [(said.file, f"is a copy: {best[0].file} is there") for run in others for said in run]
    return sorted(runs, key=lambda run: (run[0].item.round, run[0].item.index)), left


def _seed(kind: Kind, items: Sequence[Item], guesses: Iterable[int | None]) -> int | None:
    """The session's seed, if it can be known."""
    if kind == "explore":
        return next((item.seed for item in items if item.round == 1 and item.seed < 2**63), None)
    if kind == "vary":
        return next(
            (
                item.seed
                for item in items
                if isinstance(item.payload, Variation) and item.payload.loop == 1 and item.seed < 2**63
            ),
            None,
        )
    derived = [(item, name) for item in items if (name := _derived_by(item))]
    samples = derived[:: max(1, len(derived) // 5)]
    for guess in guesses:
        if guess is not None and any(derive(guess, s.round, name, "sampler") == s.seed for s, name in samples):
            return guess
    return None


def _derived_by(item: Item) -> str:
    """The name by which an item's seed follows from the session's; empty: it does not."""
    if isinstance(item.payload, PromptLine):
        return "" if gives_seeds(item.payload.line) else item.payload.key
    return item.lineage if item.payload.seed is None else ""


def _write(place: Path, runs: Sequence[Sequence[Said]], kind: Kind, seed: int | None) -> None:
    known = seed or 0
    taken = {(run[0].item.round, run[0].item.source): run[0].item.lineage for run in runs}

    def heir(said: Said) -> str | None:
        """The lineage under which the next round has taken a picture."""
        return taken.get((said.item.round + 1, f"{said.item.session}/{said.file} [output]"))

    used = set[int | None]()
    habit: Takes = "all" if any(heir(said) for run in runs for said in run if said.number > 1) else "first"
    ledger = Ledger(place, known, kind=kind)
    try:
        with ledger.transaction():
            for run in runs:
                item = run[0].item
                if seed_of(known, item.round, item.lineage, item.payload) != item.seed:
                    item = replace(item, payload=replace(item.payload, seed=item.seed))
                going_on = kind == "rounds"  # the others' results are no source of what comes after them
                results = [Result(s.file, (_wanted(s, habit) or heir(s)) if going_on else None) for s in run]
                numbers = [None if s.n in used else s.n for s in run]
                used.update(filter(None, numbers))
                ledger.restore(item, results, numbers, run[0].prompt, max(said.time for said in run))
            begun = [run[0].item.source for run in runs if run[0].item.round == 1 and kind == "rounds"]
            ledger.update(first=_folder(begun), created=min(said.time for run in runs for said in run))
    finally:
        ledger.close()


def _wanted(said: Said, habit: Takes) -> str | None:
    """The lineage under which the next round is to take a picture, see :func:`resonance.session.saving.keep`."""
    takes = said.takes or habit
    if said.before or takes == "none" or (takes == "first" and said.number > 1):
        return None
    return f"{said.item.lineage}.{said.number}" if takes == "all" and said.number else said.item.lineage


def _folder(sources: Sequence[str | None]) -> str:
    """The folder that holds all sources of the first round, as :func:`resonance.files.pictures.listing` takes it."""
    names = [source.rpartition(" [") for source in sources if source and source.endswith("]")]
    roots = {root for _, _, root in names}
    if len(roots) != 1:
        return ""
    common = posixpath.commonpath([posixpath.dirname(f"/{name}") for name, _, _ in names]).lstrip("/")
    return common if roots == {"input]"} else f"{common} [{roots.pop()}".strip()


def _put_aside(path: Path) -> Path | None:
    """Renames a ledger and what SQLite keeps beside it."""
    if not path.exists():
        path.with_name(f"{path.name}-wal").unlink(missing_ok=True)  # of a ledger that is gone
        return None
    aside, number = path.with_name(f"{path.name}.old"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.old{number}")
    for suffix in ("", "-wal", "-shm"):
        if (old := path.with_name(path.name + suffix)).exists():
            os.replace(old, aside.with_name(aside.name + suffix))
    return aside

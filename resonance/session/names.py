"""The names of an item's files: as its prompt line says, by a pattern, or by a rule."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from .. import images
from ..files import formats
from ..files.names import check_name
from ..files.settings import SUFFIXES
from .item import Item
from .ledger import Ledger
from .made import Made
from .naming import PATTERNS, PROMPT, Naming, stem_of
from .pattern import OWN, folded, path_by, tokens_of, values_of
from .payloads import PromptLine


class Name(NamedTuple):
    """Of one file.

    Attributes:
        file: inside the session's folder.
        mark: which of the item's it is, to be written into it; None: the name says so.
    """

    file: str
    mark: dict[str, Any] | None


@dataclass(frozen=True)
class Way:
    """How the files of an item are named.

    Attributes:
        naming: with the format that the item's prompt line asks for.
        line: the name that it gives; empty: none.
        pattern: empty where they are named by something else.
    """

    naming: Naming
    line: str = ""
    pattern: str = ""

    @classmethod
    def of(cls, item: Item, naming: Naming) -> "Way":
        if not isinstance(item.payload, PromptLine) or not item.payload.file:
            return cls(naming, pattern=naming.pattern or PATTERNS.get(naming.name, ""))
        file = PurePosixPath(check_name(item.payload.file, "file"))  # a ledger may hold anything
        if file.suffix.lower() not in images.SUFFIXES:
            return cls(naming, file.name)
        return cls(naming.for_file(file.suffix), file.stem)

    @property
    def numbered(self) -> bool:
        """Whether there are numbers in the names, so that another try may give others."""
        return bool(OWN & tokens_of(self.pattern))


def names(
    ledger: Ledger,
    item: Item,
    made: Made,
    way: Way,
    folder: str,
    spoken: str,
    numbers: Sequence[int],
    note: Callable[[str], None],
) -> list[Name]:
    """The names of an item's files, first its results, then those beside them. No other item gets them.

    Args:
        folder: inside the session's, see :func:`.naming.folder_of`.
        spoken: what made the pictures.
        numbers: of the results, see :meth:`.ledger.Ledger.numbered`; none unless there are numbers in the names.
        note: told what the pattern gave that no name can be.
    """
    begun, suffix = ledger.begun(item), SUFFIXES[way.naming.format]

    def same(stem: str) -> str:
        return folded(f"{stem}{suffix}")

    def taken(name: str) -> bool:
        """Whether another item has it in any format."""
        path = PurePosixPath(folder, name)
        return any(ledger.taken(str(path.with_suffix(each)), item) for each in formats.PILLOW)

    if way.pattern:
        common, said = values_of(item, begun, spoken, made.model), dict[str, None]()

        def by_pattern(stage: str, place: int) -> str:
            n = numbers[min(place, len(numbers) - 1)] if numbers else 0
            own = {"stage": stage if made.stages else "", "i": str(made.place + place), "n": str(n)}
            path, sentences = path_by(way.pattern, {**common, **own})
            said.update(dict.fromkeys(sentences))
            return path

        results = [by_pattern("1", place) for place in range(len(made.pictures))]
        before = [by_pattern("0", place) for place in range(len(made.before))]
        for sentence in said:
            note(sentence)
    else:
        stem = way.line or stem_of(item, way.naming.name, begun, taken)
        results, before = [stem] * len(made.pictures), [stem] * len(made.before)
    apart = set(map(same, results)).isdisjoint(map(same, before))
    tails = [*_tails(results, same), *(f"{'' if apart else '_before'}{tail}" for tail in _tails(before, same))]
    stems = [*results, *before]

    def candidates() -> Iterator[list[str]]:
        for number in count(1):
            again = "" if number == 1 else f"_{number}"
            found = [f"{folder}/{stem}{again}{tail}{suffix}" for stem, tail in zip(stems, tails, strict=True)]
            if folded(f"{folder}/{PROMPT}") not in map(folded, found):
                yield found

    files = ledger.reserve(item, folder, candidates())
    if not (way.line or way.pattern) and files == next(candidates()):
        return [Name(file, None) for file in files]
    marks = [*_marks(files[: len(results)], before=False), *_marks(files[len(results) :], before=True)]
    for mark, n in zip(marks, numbers, strict=False):
        mark["n"] = n
    if len(set(stems)) > 1:
        for mark in marks:
            mark["stem"] = PurePosixPath(files[0]).stem
    return [Name(file, mark) for file, mark in zip(files, marks, strict=True)]


def endings(count: int) -> list[str]:
    """What stands behind the name of each of so many results: of several a number."""
    return [""] if count == 1 else [f"_{number:02d}" for number in range(1, count + 1)]


def _tails(stems: Sequence[str], same: Callable[[str], str]) -> list[str]:
    """:func:`endings`, unless the names are different without."""
    return [""] * len(stems) if len(set(map(same, stems))) == len(stems) else endings(len(stems))


def _marks(files: Sequence[str], before: bool) -> list[dict[str, Any]]:
    return [
        {"name": file, "number": number if len(files) > 1 else 0, "before": before}
        for number, file in enumerate(files, 1)
    ]

"""A session as the gallery shows it: all items at a glance, and one of them closely."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..files.names import existing
from ..files.pictures import locate, natural
from ..session.query import base_of, reading
from ..told import Told
from . import changes

FIRST = 4000
"""About how many items the first answer on a session has."""
ROWS = 20, 200
"""How many rows it has, at least and at most."""


def grid(folder: Path, first: bool = False) -> dict[str, Any]:
    """The items of the session in ``folder``.

    Args:
        first: only those of the first rows, which takes no longer where the session has 100,000.

    Returns:
        ``status``; ``rounds``: their numbers; ``sources``: whether items start from pictures; ``lineages``: one for each
        row; ``told``: of an exploration, what each row combines: aspect, scale and prompt; ``items``: ``[id, round, row,
        state, time of the commit or None, number of results]``, a list and not a dict because there may be 100,000 of them;
        ``more``: whether these are not all.

    Raises:
        NoLedger: there is no ledger.
    """
    with reading(folder) as ledger:
        status, rounds, some = ledger.status(), ledger.rounds(), None
        if first:
            least, most = ROWS
            count = min(max(FIRST // max(len(rounds), 1), least), most)
            some = ledger.first_lineages(count + 1)
            some = some[:count] if len(some) > count else None
        cells = list(ledger.cells(some))
        lineages = ordered({cell.lineage for cell in cells})
        sources, told = ledger.starts_from_pictures(), ledger.combinations(lineages)
    rows = {lineage: row for row, lineage in enumerate(lineages)}
    return {
        "status": vars(status),
        "rounds": rounds,
        "more": some is not None,
        "sources": sources,
        "lineages": lineages,
        "told": [told.get(lineage) for lineage in lineages] if told else [],
        "items": [[cell.id, cell.round, rows[cell.lineage], *cell[3:]] for cell in cells],
    }


def ordered(lineages: Iterable[str]) -> list[str]:
    """Lineages in natural order: numbers as numbers, children after their parent."""
    return sorted(lineages, key=lambda lineage: (natural(lineage), lineage))


def item(folder: Path, id_: int, output: Path | None = None) -> dict[str, Any]:
    """One item of the session in ``folder``: what it was made from, what was said about it, what became of it.

    Args:
        output: ComfyUI's output folder, if it is not the one that holds the session's.

    Raises:
        NoLedger: there is no ledger.
        NoItem: it has no such item.
    """
    with reading(folder) as ledger:
        row = ledger.item(id_)
        above, below = ledger.parent(row), ledger.children(row)
        files, pasted = ledger.files(id_), ledger.pasted(row)
    told = ("id", "round", "number", "lineage", "state", "attempts", "error", "source")
    return {
        **{key: getattr(row, key) for key in told},
        "draw": row.draw,
        "words": row.words,
        "prompt": row.prompt,
        "committed": row.committed,
        "files": files,
        "pictures": [_view(base_of(folder) / file, output or folder.parent) for file in files],
        "json": pasted.to_json(),
        "parent": above.id if above else None,
        "children": [child.id for child in below],
        "change": changes.change(changes.tags_in(above), changes.tags_in(row)) if above else None,
    }


def source(folder: Path, id_: int, roots: Mapping[str, Path]) -> Path:
    """The picture that an item starts from. Raises like :func:`item`, and Told when there can be none."""
    with reading(folder) as ledger:
        name = ledger.item(id_).source
    if name is None:
        raise Told(f"Item {id_} starts from no picture.")
    return locate(name, roots)[1]


def result(folder: Path, id_: int, number: int) -> Path:
    """The ``number``-th picture (from 1) that was made of an item. Raises like :func:`source`."""
    with reading(folder) as ledger:
        ledger.item(id_)
        files = ledger.files(id_)
    if not 0 < number <= len(files):
        raise Told(f"Item {id_} has {len(files)} results, and no result {number}.")
    return existing(base_of(folder), files[number - 1])


def _view(file: Path, output: Path) -> dict[str, str]:
    """A result as ComfyUI's ``/view`` takes it."""
    return {"filename": file.name, "subfolder": file.parent.relative_to(output).as_posix(), "type": "output"}

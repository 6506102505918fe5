"""A session as the gallery shows it: all items at a glance, and one of them closely."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..files.names import inside
from ..files.pictures import locate, natural
from ..session import descent
from ..session.item import Item, Words, seed_of
from ..session.status import reading, status_of
from ..told import Told
from . import changes


def grid(folder: Path) -> dict[str, Any]:
    """All items of the session in ``folder``.

    Returns:
        ``status``; ``rounds``: their numbers; ``sources``: whether items start from pictures; ``lineages``: one for each
        row; ``told``: of an exploration, what each row combines: aspect, scale and prompt; ``items``: ``[id, round, row,
        state, time of the commit or None, number of results]``, a list and not a dict because there may be 100,000 of them.

    Raises:
        NoLedger: there is none.
    """
    with reading(folder) as db:
        status = status_of(db, folder.name)
        counts: dict[int, int] = dict(db.execute("SELECT item, count(*) FROM result GROUP BY item").fetchall())
        sql = "SELECT id, round, lineage, state, committed FROM item ORDER BY round, number"
        found = [tuple(row) for row in db.execute(sql)]
        (sources,) = db.execute("SELECT EXISTS (SELECT 1 FROM item WHERE source IS NOT NULL)").fetchone()
        facts = ", ".join(f"json_extract(payload, '$.{fact}')" for fact in ("aspect", "scale", "prompt"))
        sql = f"SELECT lineage, {facts} FROM item WHERE round = 1 AND json_extract(payload, '$.aspect') IS NOT NULL"
        told = {lineage: facts for lineage, *facts in db.execute(sql)}
    lineages = ordered({lineage for _, _, lineage, _, _ in found})
    rows = {lineage: row for row, lineage in enumerate(lineages)}
    return {
        "status": vars(status),
        "rounds": sorted({round_ for _, round_, _, _, _ in found}),
        "sources": bool(sources),
        "lineages": lineages,
        "told": [told.get(lineage) for lineage in lineages] if told else [],
        "items": [
            [id_, round_, rows[lineage], state, committed, counts.get(id_, 0)]
            for id_, round_, lineage, state, committed in found
        ],
    }


def ordered(lineages: Iterable[str]) -> list[str]:
    """Lineages in natural order: numbers as numbers, children after their parent."""
    return sorted(lineages, key=lambda lineage: (natural(lineage), lineage))


def item(folder: Path, id_: int) -> dict[str, Any]:
    """One item of the session in ``folder``: what it was made from, what was said about it, what became of it.

    Raises:
        NoLedger: there is none.
        NoItem: it has no such item.
    """
    session = folder.name
    with reading(folder) as db:
        row = descent.item(db, id_)
        above = descent.parent(db, session, row)
        below = descent.children(db, session, row)
        files = descent.files(db, id_)
        (seed,) = db.execute("SELECT seed FROM session").fetchone()
        (total,) = db.execute("SELECT count(*) FROM item WHERE round = ?", (row["round"],)).fetchone()
    draw, words, payload = (json.loads(row[key]) if row[key] else None for key in ("draw", "words", "payload"))
    round_, lineage = row["round"], row["lineage"]
    pasted = Item(
        session=session,
        round=round_,
        index=row["number"],
        total=total,
        lineage=lineage,
        seed=seed_of(seed, round_, lineage, payload or {}),
        source=row["source"],
        draw=draw,
        words=Words(**words) if words else None,
        payload=payload or {},
    )
    return {
        **{key: row[key] for key in ("id", "round", "number", "lineage", "state", "attempts", "error", "source")},
        "draw": draw,
        "words": words,
        "prompt": row["prompt"],
        "committed": row["committed"],
        "files": files,
        "pictures": [_view(session, file) for file in files],
        "json": pasted.to_json(),
        "parent": above["id"] if above else None,
        "children": [child["id"] for child in below],
        "change": changes.change(changes.tags_in(above), changes.tags_in(row)) if above else None,
    }


def source(folder: Path, id_: int, roots: Mapping[str, Path]) -> Path:
    """The picture that an item starts from. Raises like :func:`item`, and Told when there can be none."""
    with reading(folder) as db:
        name = descent.item(db, id_)["source"]
    if name is None:
        raise Told(f"Item {id_} starts from no picture.")
    return locate(name, roots)[1]


def result(folder: Path, id_: int, number: int) -> Path:
    """The ``number``-th picture (from 1) that was made of an item. Raises like :func:`source`."""
    with reading(folder) as db:
        descent.item(db, id_)
        files = descent.files(db, id_)
    if not 0 < number <= len(files):
        raise Told(f"Item {id_} has {len(files)} results, and no result {number}.")
    return inside(folder, files[number - 1])


def _view(session: str, file: str) -> dict[str, str]:
    """A result as ComfyUI's ``/view`` takes it."""
    subfolder, _, name = f"{session}/{file}".rpartition("/")
    return {"filename": name, "subfolder": subfolder, "type": "output"}

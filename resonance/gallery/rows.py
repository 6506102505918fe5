"""What a report tells of a session: its rows, each a line of descent, and what happened in each round of one."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.pictures import natural
from ..session import descent
from ..session.item import seed_of
from ..session.status import Kind, Status, kind_of, reading, status_of
from . import changes

MOST = 50
"""Rounds that are told of a row; of a longer one every n-th."""


@dataclass(frozen=True)
class Session:
    """A session at a glance.

    Attributes:
        created: Unix time.
        rounds: the highest round that has an item.
        states: how many items stand how.
        pictures: how many were saved.
        rows: name of each row, and the id of the item at its end.
    """

    status: Status
    kind: Kind
    first: str
    created: float
    rounds: int
    states: Mapping[str, int]
    pictures: int
    rows: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Step:
    """One round of a row.

    Attributes:
        picture: what was painted, as ``name [root]``; None where there is nothing yet.
        files: how many were saved.
        change: tags since the step before, see :func:`resonance.gallery.changes.change`.
        kept: share of the first tags in what was said about ``picture``, which is known one round later.
        loaded: the checkpoint and LoRAs that were drawn.
        settings: scale and strength, where a transform gave them.
    """

    round: int
    state: str
    picture: str | None
    files: int
    tags: str
    caption: str
    prompt: str
    change: dict[str, list[str]] | None
    kept: float | None
    seed: int
    loaded: str
    settings: str
    error: str


@dataclass(frozen=True)
class Row:
    """A line of descent.

    Attributes:
        about: of an exploration, what the row combines.
        first: the picture that it began with; None in an exploration.
        kept: share of the first tags in what was said about it: 1, or None.
        every: 1, or n where only every n-th round and the last are told.
    """

    name: str
    about: str
    first: str | None
    kept: float | None
    steps: tuple[Step, ...]
    every: int


def session(folder: Path) -> Session:
    """The session in ``folder``. Raises NoLedger if there is none."""
    with reading(folder) as db:
        kind = kind_of(db)
        first, created = db.execute("SELECT coalesce(first, ''), created FROM session").fetchone()
        (rounds,) = db.execute("SELECT coalesce(max(round), 0) FROM item").fetchone()
        (pictures,) = db.execute("SELECT count(*) FROM result").fetchone()
        states = dict(db.execute("SELECT state, count(*) FROM item GROUP BY state").fetchall())
        if kind == "rounds":
            # A batch goes on in several lineages: there is a row for each item that no other has come from.
            sql = (
                "SELECT lineage, id FROM item i WHERE NOT EXISTS (SELECT 1 FROM result r JOIN item n ON"
                " n.round = i.round + 1 AND n.source = ? || r.file || ' [output]' WHERE r.item = i.id)"
            )
            found = db.execute(sql, (f"{folder.name}/",)).fetchall()
        else:
            found = db.execute("SELECT lineage, max(id) FROM item GROUP BY lineage").fetchall()
        rows = sorted((tuple(row) for row in found), key=lambda row: (natural(row[0]), row))
        status = status_of(db, folder.name)
    return Session(status, kind, first, created, rounds, states, pictures, tuple(rows))


def read(folder: Path, kind: Kind, name: str, id_: int) -> Row:
    """One row of the session.

    Raises:
        NoLedger: there is none.
        NoItem: it has no such row any more.
    """
    with reading(folder) as db:
        if kind == "rounds":
            items = descent.line(db, folder.name, id_)
        else:
            items = db.execute("SELECT * FROM item WHERE lineage = ? ORDER BY round", (name,)).fetchall()
            if not items:
                raise descent.NoItem(f"The session has no row {name}.")
        (seed,) = db.execute("SELECT seed FROM session").fetchone()
        every = -(-len(items) // MOST)
        shown = [n for n in range(len(items)) if n % every == 0 or n == len(items) - 1]
        files = {n: descent.files(db, items[n]["id"]) for n in shown}
    tags = [changes.tags_in(item) for item in items]
    shares = [*changes.kept(tags), None]
    steps: list[Step] = []
    for before, n in zip([None, *shown], shown, strict=False):
        follower = items[n + 1]["source"] if kind == "rounds" and n + 1 < len(items) else None
        made = follower or (f"{folder.name}/{files[n][0]} [output]" if files[n] else None)
        change = None if before is None else changes.change(tags[before], tags[n])
        steps.append(_step(items[n], seed, made, len(files[n]), change, shares[n + 1]))
    about = _about(_json(items[0], "payload")) if kind == "explore" else ""
    return Row(name, about, items[0]["source"], shares[0], tuple(steps), every)


def _step(
    item: sqlite3.Row,
    seed: int,
    picture: str | None,
    files: int,
    change: dict[str, list[str]] | None,
    kept: float | None,
) -> Step:
    words, draw, payload = (_json(item, name) for name in ("words", "draw", "payload"))
    loras: Sequence[dict[str, Any]] = draw.get("loras", ())
    loaded = [draw.get("checkpoint", ""), *(f"{lora['name']} × {lora['model_strength']}" for lora in loras)]
    settings = [f"{name} {payload[name]}" for name in ("scale", "strength") if payload.get(name) is not None]
    return Step(
        round=item["round"],
        state=item["state"],
        picture=picture,
        files=files,
        tags=words.get("tags", ""),
        caption=words.get("caption", ""),
        prompt=item["prompt"] or "",
        change=change,
        kept=kept,
        seed=seed_of(seed, item["round"], item["lineage"], payload),
        loaded=", ".join(filter(None, loaded)),
        settings=", ".join(settings),
        error=item["error"] or "",
    )


def _about(payload: Mapping[str, Any]) -> str:
    size = f"{payload.get('width')} × {payload.get('height')}"
    return f"{payload.get('aspect')}, {size}, scale {payload.get('scale')}: {payload.get('prompt')}"


def _json(item: sqlite3.Row, name: str) -> dict[str, Any]:
    return json.loads(item[name]) if item[name] else {}

"""What a report tells of a session: its rows, each a line of descent, and what happened in each round of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.pictures import natural
from ..session import query
from ..session.query import reading
from ..session.status import Kind, Status
from . import changes

MOST = 50
"""Rounds that are told of a row; of a longer one every n-th."""


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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
    """The session in ``folder``. Raises NoLedger if there is no ledger."""
    with reading(folder) as ledger:
        known, counts, status = ledger.known(), ledger.counts(), ledger.status()
        rows = sorted(ledger.ends(known.kind), key=lambda row: (natural(row[0]), row))
    return Session(
        status=status,
        kind=known.kind,
        first=known.first,
        created=known.created,
        rounds=counts.rounds,
        states=counts.states,
        pictures=counts.pictures,
        rows=tuple(rows),
    )


def read_rows(folder: Path, kind: Kind, name: str, id_: int) -> Row:
    """One row of the session.

    Raises:
        NoLedger: there is no ledger.
        NoItem: it has no such row any more.
    """
    descends = kind in ("rounds", "folders")
    with reading(folder) as ledger:
        items = ledger.line(id_) if descends else ledger.row(name)
        every = -(-len(items) // MOST)
        shown = [n for n in range(len(items)) if n % every == 0 or n == len(items) - 1]
        files = {n: [ledger.source_of(file) for file in ledger.files(items[n].id)] for n in shown}
        seeds = {n: ledger.seed(items[n]) for n in shown}
    tags = [changes.tags_in(item) for item in items]
    shares = [*changes.kept(tags), None]
    steps: list[Step] = []
    for before, n in zip([None, *shown], shown, strict=False):
        follower = items[n + 1].source if descends and n + 1 < len(items) else None
        made = follower or (files[n][0] if files[n] else None)
        change = None if before is None else changes.change(tags[before], tags[n])
        steps.append(_step(items[n], seeds[n], made, len(files[n]), change, shares[n + 1]))
    about = _about(kind, items[0].payload)
    return Row(name, about, items[0].source, shares[0], tuple(steps), every)


def _step(
    item: query.Row,
    seed: int,
    picture: str | None,
    files: int,
    change: dict[str, list[str]] | None,
    kept: float | None,
) -> Step:
    words, draw, payload = item.words or {}, item.draw or {}, item.payload
    loras: Sequence[dict[str, Any]] = draw.get("loras", ())
    loaded = [draw.get("checkpoint", ""), *(f"{lora['name']} × {lora['model_strength']}" for lora in loras)]
    settings = [f"{name} {payload[name]}" for name in ("scale", "strength") if payload.get(name) is not None]
    return Step(
        round=item.round,
        state=item.state,
        picture=picture,
        files=files,
        tags=words.get("tags", ""),
        caption=words.get("caption", ""),
        prompt=item.prompt or "",
        change=change,
        kept=kept,
        seed=seed,
        loaded=", ".join(filter(None, loaded)),
        settings=", ".join(settings),
        error=item.error or "",
    )


def _about(kind: Kind, payload: Mapping[str, Any]) -> str:
    """What is painted in a row, where that is known before."""
    if kind == "lines":
        return str(payload.get("line"))
    if kind != "explore":
        return ""
    size = f"{payload.get('width')} × {payload.get('height')}"
    return f"{payload.get('aspect')}, {size}, scale {payload.get('scale')}: {payload.get('prompt')}"

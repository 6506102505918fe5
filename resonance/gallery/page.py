"""The page of a session: one file that needs nothing else, written row by row."""

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import escape
from io import BytesIO
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import NamedTuple

from PIL import Image

from ..files.pictures import locate
from ..session.opening import UnreadableLedger
from ..session.query import NoItem
from ..session.status import FILE, Kind, NoLedger
from ..told import Told
from . import changes, drift, rows, thumbnails
from .plot import Line, Spread, bounds, panel
from .rows import Row, Session, Step
from .style import CSS

LIMIT = 100
"""Rows that are told, where nothing else is asked for."""
FEW = 12
"""So many kept tags stand open; more are folded."""
SHORT = 240
"""So long may a caption be that stands open, in characters."""

KINDS: dict[Kind, str] = {
    "rounds": "Rounds",
    "explore": "Exploration",
    "vary": "Variations",
    "lines": "Prompt lines",
    "folders": "Folders of img2tag2img",
}
ROUNDS: dict[Kind, str] = {"explore": "Seeds", "lines": "Iterations"}
"""What rounds are where none starts from another."""
ROWS: dict[Kind, str] = {"explore": "Combinations", "lines": "Pictures of an iteration"}
_WAITS = {
    "pending": "waits",
    "claimed": "is being painted",
    "failed": "failed",
    "parked": "was given up: the program ended with it again and again",
    "skipped": "was skipped",
    "removed": "was removed",
}
# Should markup ever get through, it can load and run nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Shown:
    """A picture as the page has it; or ``why`` there is none."""

    data: bytes = b""
    lab: tuple[float, float, float] | None = None
    why: str = ""


class Point(NamedTuple):
    """Where a row has drifted to in a round: percent of tags kept, and mean color."""

    round: int
    kept: float | None
    lab: tuple[float, float, float] | None


@dataclass
class Spreads:
    """How all rows that were told have drifted, by round: tags kept in percent, and color against the first picture."""

    kept: dict[int, Spread] = field(default_factory=dict[int, Spread])
    lab: tuple[dict[int, Spread], ...] = field(default_factory=lambda: ({}, {}, {}))

    def add(self, points: Sequence[Point]) -> None:
        """Takes in a row."""
        start = points[0].lab
        for point in points:
            if point.kept is not None:
                self.kept.setdefault(point.round, Spread()).add(point.kept)
            if point.lab and start:
                for known, value, first in zip(self.lab, point.lab, start, strict=True):
                    known.setdefault(point.round, Spread()).add(value - first)


def write(
    folder: Path,
    out: Path,
    roots: Mapping[str, Path],
    limit: int = LIMIT,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Session:
    """Writes the page of the session in ``folder``, which any program may own meanwhile.

    Args:
        out: the file. It is there whole, or as it was.
        roots: folders from which pictures are read, by the name that stands in a source.
        limit: how many rows are told.
        told: is called with the number of rows that are done, and of all that will be.

    Raises:
        Told: there is no ledger, it cannot be read, or the file cannot be written.
    """
    try:
        session = rows.session(folder)
        chosen = session.rows[:limit]
        spreads = Spreads()
        with TemporaryFile("w+", encoding="utf-8", errors="replace") as body, ThreadPoolExecutor(4) as pool:
            for done, (name, id_) in enumerate(chosen):
                told(done, len(chosen))
                try:
                    row = rows.read_rows(folder, session.kind, name, id_)
                except NoItem:  # it has been withdrawn meanwhile
                    continue
                names = [row.first, *(step.picture for step in row.steps)]
                shown = list(pool.map(partial(_picture, folder, roots), names))
                body.write(_row(session.kind, row, shown, spreads))
            body.seek(0)
            half = out.with_name(f".{out.name}.tmp")
            try:
                with half.open("w", encoding="utf-8", errors="replace") as page:
                    page.write(_head(session, spreads))
                    copyfileobj(body, page)
                    page.write(_foot(len(chosen), len(session.rows)))
                os.replace(half, out)
            except OSError as error:
                raise Told(f"{out} cannot be written ({error.strerror}): name another file with --out.") from error
            finally:
                half.unlink(missing_ok=True)
        told(len(chosen), len(chosen))
        return session
    except NoLedger:
        raise Told(
            f"There is no ledger in {folder} ({FILE}). If it was lost, --rebuild makes it anew from the pictures."
        ) from None
    except UnreadableLedger as error:
        raise Told(f"{error} If it is broken, --rebuild makes it anew from the pictures.") from error


def _picture(folder: Path, roots: Mapping[str, Path], source: str | None) -> Shown:
    if source is None:
        return Shown()
    try:
        data = thumbnails.make(folder, locate(source, roots)[1])
        with Image.open(BytesIO(data), formats=["WEBP"]) as image:
            return Shown(data, drift.lab(image))
    except (OSError, Told) as error:
        return Shown(why=str(error))


def _head(session: Session, spreads: Spreads) -> str:
    status, states = session.status, session.states
    waiting = states.get("pending", 0) + states.get("claimed", 0)
    facts: dict[str, object] = {
        "Kind": KINDS[session.kind],
        "State": f"{status.state}, {status.reason}" if status.reason else status.state,
        ROUNDS.get(session.kind, "Rounds"): session.rounds,
        ROWS.get(session.kind, "Lineages"): f"{len(session.rows):,}",
        "Pictures": f"{session.pictures:,}",
        "Waiting": waiting or None,
        "Failed": status.failed or None,
        "Skipped": status.skipped or None,
        "Removed": status.removed or None,
        "First pictures": session.first or None,
        "Seed": status.seed,
        "Begun": _time(session.created),
        "Last picture": _time(status.changed),
    }
    told = "".join(
        f"<div><dt>{key}</dt><dd>{_text(fact)}</dd></div>" for key, fact in facts.items() if fact is not None
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(status.session)} · Resonance</title>\n<style>{CSS}</style>\n"
        f"<header><h1>{_text(status.session)}</h1><dl>{told}</dl></header>\n<main>\n"
        f"{_spread(session.kind, spreads)}"
    )


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"


def _spread(kind: Kind, spreads: Spreads) -> str:
    rounds = sorted({*spreads.kept, *spreads.lab[0]})
    if kind in ROUNDS or not rounds:
        return ""
    ends = rounds[0], rounds[-1]
    lines = [_mean(known) for known in spreads.lab]
    # One range for the three, so that they can be compared.
    reach = [
        value + sign * spread
        for line in lines
        for (_, value), spread in zip(line.points, line.spreads, strict=True)
        for sign in (-1, 1)
    ]
    panels = panel("Tags kept, %", [_mean(spreads.kept)], ends, (0, 100))
    for title, line in zip(("Lightness L", "Green to red, a", "Blue to yellow, b"), lines, strict=True):
        panels += panel(title, [line], ends, bounds(reach, 10))
    if not panels:
        return ""
    note = (
        "Line: mean of the lineages on this page; band: one standard deviation. L, a, b: mean color against the picture"
        " that a lineage began with."
    )
    return (
        f'<section aria-label="Drift of the session"><div class="plots">{panels}</div>'
        f'<p class="quiet">{note}</p></section>\n'
    )


def _mean(known: Mapping[int, Spread]) -> Line:
    at = sorted(known)
    return Line("", [(round_, known[round_].mean) for round_ in at], [known[round_].deviation for round_ in at])


def _row(kind: Kind, row: Row, shown: list[Shown], spreads: Spreads) -> str:
    places = [(row.steps[0].round - 1, row.kept), *((step.round, step.kept) for step in row.steps)]
    points = [
        Point(round_, None if kept is None else 100 * kept, each.lab)
        for (round_, kept), each in zip(places, shown, strict=True)
    ]
    spreads.add(points)
    figures = [_first(row, shown[0])] if row.first else []
    figures += [_step(row, step, each) for step, each in zip(row.steps, shown[1:], strict=True)]
    name = _text(row.name)
    about = f"<p>{_text(row.about)}</p>" if row.about else ""
    about += f'<p class="quiet">One round in {row.every} is shown, and the last.</p>' if row.every > 1 else ""
    plots = f'<div class="plots">{_plots(points)}</div>'
    return (
        f'<section class="row" aria-label="{name}"><header><h2>{name}</h2>{about}</header>'
        f'<ol class="strip" tabindex="0" aria-label="Pictures of {name}, from left to right">{"".join(figures)}</ol>'
        f"{plots if kind not in ROUNDS else ''}</section>\n"
    )


def _plots(points: Sequence[Point]) -> str:
    ends = points[0].round, points[-1].round
    plots = panel("Tags kept, %", [Line("", [(p.round, p.kept) for p in points if p.kept is not None])], ends, (0, 100))
    lab = [(point.round, point.lab) for point in points if point.lab]
    lines = [Line(axis, [(round_, color[n]) for round_, color in lab]) for n, axis in enumerate("Lab")]
    return plots + panel("Mean L, a, b", lines, ends, bounds(value for _, color in lab for value in color))


def _first(row: Row, shown: Shown) -> str:
    source = (row.first or "").rpartition(" [")[0].rpartition("/")[2] or row.first
    caption = f'<p class="round">Start</p><p class="quiet">{_text(source)}</p>'
    return _figure(f"{row.name}, the picture it began with: {source}", shown, caption)


def _step(row: Row, step: Step, shown: Shown) -> str:
    said = _clip(step.prompt or step.tags or step.caption or row.about)
    why = shown.why if step.state != "removed" else ""
    why = why or _WAITS.get(step.state, "no picture was saved")
    parts = [f'<p class="round">Round {step.round}</p>']
    if step.error:
        parts.append(f'<p class="error">{_text(step.error)}</p>')
    parts.append(_tags(step))
    parts.append(_folded("Caption", step.caption))
    if not row.about and step.prompt not in ("", step.tags, step.caption):
        parts.append(f"<details><summary>Prompt</summary><p>{_text(step.prompt)}</p></details>")
    if step.loaded:
        parts.append(f'<p class="quiet">{_text(step.loaded)}</p>')
    count = f", 1 of {step.files} files" if step.files > 1 else ""
    settings = f"{step.settings}, " if step.settings and not row.about else ""
    parts.append(f'<p class="quiet">{_text(f"{settings}seed {step.seed}{count}")}</p>')
    alt = f"{row.name}, round {step.round}, painted from: {said}" if said else f"{row.name}, round {step.round}"
    return _figure(alt, Shown(shown.data, shown.lab, why), "".join(parts))


def _figure(alt: str, shown: Shown, caption: str) -> str:
    if shown.data:
        address = f"data:image/webp;base64,{base64.b64encode(shown.data).decode()}"
        inner = f'<img src="{address}" alt="{_text(alt)}" decoding="async">'
    else:
        inner = f"<p>{_text(shown.why)}</p>"
    return f'<li><figure><div class="picture">{inner}</div><figcaption>{caption}</figcaption></figure></li>'


def _tags(step: Step) -> str:
    """The tags of a step: what is new and what is gone since the one before, then what was kept, folded where it is long."""
    if step.change is None:
        return _folded("tags", ", ".join(changes.split(step.tags).values()))
    marked = [f"<li>+ <ins>{_text(tag)}</ins></li>" for tag in step.change["added"]]
    marked += [f"<li>− <del>{_text(tag)}</del></li>" for tag in step.change["dropped"]]
    kept = step.change["kept"]
    text = f"<p>{_text(', '.join(kept))}</p>" if kept else ""
    if len(kept) > FEW:
        text = f"<details><summary>{len(kept)} tags kept</summary>{text}</details>"
    return (f'<ul class="tags">{"".join(marked)}</ul>' if marked else "") + text


def _folded(what: str, text: str) -> str:
    if len(text) <= SHORT:
        return f"<p>{_text(text)}</p>" if text else ""
    return f"<details><summary>{what}: {_text(_clip(text))}</summary><p>{_text(text)}</p></details>"


def _foot(told: int, total: int) -> str:
    left = f"{total - told:,} of {total:,} rows are left out; --limit {total} tells them all. " if told < total else ""
    return f"</main>\n<footer><p>{left}Written by Resonance.</p></footer>\n</html>\n"


def _clip(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"


def _text(value: object) -> str:
    """Text for a page. Whatever markup it holds is shown, not obeyed."""
    return escape(str(value))

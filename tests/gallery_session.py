"""Sessions for the gallery's tests, written without running anything: thousands of results in seconds."""

import colorsys
import json
import time
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from resonance.files import formats, store
from resonance.files.settings import SUFFIXES, Format
from resonance.session.item import Item, derive
from resonance.session.ledger import Ledger

WORDS = (
    "sky sea sand rock tree leaf moss fern snow rain wind storm cloud sun moon star dawn dusk river lake bridge road"
    " house door window lamp chair table cup book bird cat dog horse fish boat sail rope net tower wall gate field"
)
TAGS = 12
MARKUP = "<img src=x onerror=alert(1)>"
ESCAPED = " &lt;b&gt; %3Cb%3E #;'"
PACE = 2.0
"""Seconds between two commits."""


def tags(row: int, round_: int) -> list[str]:
    """An item's tags, ``row`` from 0: from round to round one is dropped and one is added."""
    words = WORDS.split()
    return [words[(row * 5 + round_ + n) % len(words)] for n in range(TAGS)]


def color(row: int, round_: int) -> tuple[int, int, int]:
    """Color of an item's source (0..255): a hue for each lineage, grayer with each round."""
    red, green, blue = colorsys.hsv_to_rgb(row * 0.618 % 1, max(0.2, 1 - 0.1 * (round_ - 1)), 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)


def make_session(
    output: Path,
    name: str,
    rounds: int,
    lineages: int,
    size: int = 64,
    failed: int = 0,
    pending: int = 0,
    hostile: bool = False,
    texts: Mapping[str, str] | None = None,
    format: Format = "png",
) -> Path:
    """Writes a session's ledger and pictures. The first pictures go to the input folder beside ``output``.

    Args:
        failed: that many lineages, counted from the last, failed in the last round.
        pending: that many lineages before these wait in the last round.
        hostile: markup in tags, captions, prompts and errors, in the last lineage, and in the names of sources.
        texts: what stands in the results, such as ``workflow``.
        format: of the results.

    Returns:
        The session's folder.
    """
    folder = output / name
    first = output.parent / "input" / name
    first.mkdir(parents=True, exist_ok=True)
    names = [f"X{row:04d}" for row in range(1, lineages)] + [MARKUP if hostile else f"X{lineages:04d}"]
    markup = f" {MARKUP}" if hostile else ""
    made: dict[tuple[int, ...], formats.Encoded] = {}

    def picture(row: int, round_: int) -> formats.Encoded:
        shade = color(row, round_)
        if shade not in made:
            image = Image.new("RGB", (size * 3 // 2, size), shade)
            fast = formats.Encoded(store.encode_png(image, texts or {}, 1), {}) if format == "png" else None
            made[shade] = fast or formats.encode(image, texts or {}, format)
        return made[shade]

    ledger = Ledger(folder, seed=1, process="made")
    sources: list[str] = []
    for row in range(lineages):
        file = f"{row + 1}{(ESCAPED, markup)[row % 2] if hostile else ''}.png"
        (first / file).write_bytes(picture(row, 1).data)
        sources.append(f"{name}/{file} [input]")
    start = time.time() - PACE * rounds * lineages
    draw = json.dumps({"checkpoint": "a.safetensors", "loras": [], "triggers": "", "neg_triggers": ""})
    with ledger.transaction():
        ledger.update(first=name, rounds=rounds, state="open" if failed + pending else "finished")
        for round_ in range(1, rounds + 1):
            ledger.add(round_, list(zip(sources, names, strict=True)))
            (folder / f"round-{round_:04d}").mkdir(parents=True, exist_ok=True)
            for row, lineage in enumerate(names):
                fails = round_ == rounds and row >= lineages - failed
                if round_ == rounds and not fails and row >= lineages - failed - pending:
                    continue
                said = tags(row, round_) + ([MARKUP] if hostile else [])
                words = {"tags": ", ".join(said), "caption": f"A picture of {said[0]} and {said[1]}.{markup}"}
                fields: dict[str, object] = {"words": json.dumps(words), "prompt": words["tags"], "draw": draw}
                if fails:
                    fields |= {"state": "failed", "attempts": 3, "error": f"KSampler: out of paint{markup}"}
                else:
                    fields |= {"state": "done", "committed": start + PACE * ((round_ - 1) * lineages + row)}
                _update(ledger, round_, lineage, fields)
                if not fails:
                    item = Item(
                        session=name,
                        round=round_,
                        index=row + 1,
                        lineage=lineage,
                        seed=derive(1, round_, lineage, "sampler"),
                    )
                    file = f"{item.folder}/{item.stem}{SUFFIXES[format]}"
                    data, left = picture(row, round_ + 1)
                    (folder / file).write_bytes(data)
                    if left:
                        (folder / file).with_suffix(formats.BESIDE).write_bytes(formats.beside(left))
                    sources[row] = f"{name}/{file} [output]"
                    _execute(
                        ledger,
                        "INSERT INTO result (item, number, file, lineage) SELECT id, 1, ?, lineage FROM item WHERE round = ? AND lineage = ?",
                        (file, round_, lineage),
                    )
    ledger.close()
    return folder


def _update(ledger: Ledger, round_: int, lineage: str, fields: Mapping[str, object]) -> None:
    names = ", ".join(f"{field} = ?" for field in fields)
    _execute(ledger, f"UPDATE item SET {names} WHERE round = ? AND lineage = ?", (*fields.values(), round_, lineage))


def _execute(ledger: Ledger, sql: str, values: tuple[object, ...]) -> None:
    ledger._db.execute(sql, values)  # one transaction for all, where Ledger.commit makes one for each

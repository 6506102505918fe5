import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from PIL import Image
from raw_ledger import raw
from typer.testing import CliRunner

from resonance.cli.app import app
from resonance.files import store
from resonance.session import saving
from resonance.session.fill.grid import Grid
from resonance.session.fill.pictures import Pictures
from resonance.session.item import Item, Words
from resonance.session.ledger import Ledger
from resonance.session.made import Made, Takes
from resonance.session.naming import BY_ROUND, Naming
from resonance.session.owning import Busy
from resonance.session.reason import Outcome, Reason
from resonance.session.rebuild import SMALL, Rebuilt, rebuild
from resonance.session.status import FILE
from resonance.told import Told
from resonance.vary.grid import combine

SEED = 7
DRAW = {
    "checkpoint": "a.safetensors",
    "loras": [{"name": "b", "model_strength": 0.5, "clip_strength": 1.0}],
    "triggers": "t",
    "neg_triggers": "",
}


def picture(*texts: tuple[str, str]) -> bytes:
    return store.encode_png(Image.new("RGB", (8, 8), "red"), dict(texts), 1)


def fill(base: Path, rounds: int = 3, pictures: int = 4) -> Pictures:
    folder = base / "input" / "first" / "p"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, pictures + 1):
        (folder / f"{number}.png").write_bytes(picture())
    return Pictures("first/p", rounds, {"input": base / "input", "output": base / "output"})


def paint(
    folder: Path,
    filled: Pictures | Grid,
    takes: Takes = "first",
    batch: int = 1,
    before: int = 0,
    fails: Sequence[tuple[int, str]] = (),
    naming: Naming = BY_ROUND,
    graph: dict[str, Any] | None = None,
    seed: int = SEED,
) -> list[tuple[int, str]]:
    """Goes on with a session until nothing is left to do, and returns what was made."""
    ledger = Ledger(folder, seed=seed, kind=filled.kind)
    made: list[tuple[int, str]] = []
    with ledger.transaction():
        filled.begin(ledger)
    while True:
        with ledger.transaction():
            round_ = filled.open_round(ledger)
            item = ledger.next(round_) if round_ else None
            if item is None:
                break
            item = ledger.claim(replace(item, draw=DRAW), "run")
            if (item.round, item.lineage) in fails:
                for claim in ledger.claims():
                    ledger.settle([claim], Outcome(Reason.ERROR, f"no paint for {item.lineage}"))
                continue
        words = Words(f"sky, {item.lineage}", f"Round {item.round}, “quoted” <b>")
        ledger.store_words(item, words)
        texts = [
            ("resonance", replace(item, words=words).to_json()),
            *([("prompt", json.dumps(graph))] if graph else []),
        ]
        results, beside = [picture(*texts)] * batch, [picture(*texts)] * before
        result = Made(
            pictures=tuple(results),
            before=tuple(beside),
            prompt=f"{words.tags}, good",
            takes=takes,
            naming=naming,
            texts=None,
        )
        saving.keep(ledger, item, result)
        made.append((item.round, item.lineage))
    ledger.close()
    return made


def told(folder: Path) -> list[dict[str, Any]]:
    """What a ledger knows of all that is done."""
    columns = "id, round, number, lineage, source, payload, draw, words, state"
    with raw(folder) as db:
        rows = [
            dict(row) for row in db.execute(f"SELECT {columns} FROM item WHERE state = 'done' ORDER BY round, number")
        ]
        for row in rows:
            sql = "SELECT number, file, lineage FROM result WHERE item = ? ORDER BY number"
            row["results"] = [tuple(result) for result in db.execute(sql, (row.pop("id"),))]
        return rows


def session_of(folder: Path) -> dict[str, Any]:
    with raw(folder) as db:
        return dict(db.execute("SELECT seed, first, kind, state FROM session").fetchone())


def with_payload(item: Item, payload: dict[str, Any]) -> str:
    """An item's JSON with a payload that no fill writes."""
    return json.dumps({**json.loads(item.to_json()), "payload": payload})


def lose(folder: Path) -> None:
    for path in folder.glob(f"{FILE}*"):
        path.unlink()


GRAPH = {
    "1": {"class_type": "ResonanceRoundInput", "inputs": {"seed": 2**45, "first_folder": "first/p"}},
    "2": {"class_type": "ResonanceRoundOutput", "inputs": {"next_round_takes": "none", "words": ["1", 2]}},
    "3": {"class_type": "Other", "inputs": {"seed": 5}},
}


@pytest.mark.parametrize(
    ("takes", "batch", "before", "naming"),
    [
        ("first", 1, 0, BY_ROUND),
        ("first", 3, 1, BY_ROUND),
        ("all", 2, 2, BY_ROUND),
        ("all", 1, 1, Naming("scratch", "lineage")),
        ("first", 2, 1, Naming("prompt hash", "variation (strenght)")),
    ],
)
def test_a_rebuilt_ledger_knows_what_the_lost_one_knew(
    tmp_path: Path, takes: Takes, batch: int, before: int, naming: Naming
) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path), takes, batch, before, [(2, "X0002")], naming)
    known, session = told(folder), session_of(folder)
    assert len(known) >= 3 * 4 - 2
    lose(folder)
    made = rebuild(folder)
    assert made == Rebuilt(3, len(known), len(known) * (batch + before), SEED, (), None)
    assert told(folder) == known
    assert session_of(folder) == session | {"state": "open"}


def test_a_session_goes_on_after_a_rebuild_and_makes_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path), fails=[(2, "X0003"), (1, "X0002")])
    before = {path: path.stat().st_mtime_ns for path in folder.glob("round-*/*")}
    known = told(folder)
    lose(folder)
    rebuild(folder)
    made = paint(folder, fill(tmp_path, rounds=4))
    assert sorted(made) == [
        *((1, "X0002"), (2, "X0002"), (2, "X0003"), (3, "X0002"), (3, "X0003")),
        *((4, f"X000{n}") for n in (1, 2, 3, 4)),
    ]
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert all(row in told(folder) for row in known)


def test_times_and_prompts_come_from_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path, 1, 2), naming=Naming("prompt hash", "lineage"))
    for number, path in enumerate(sorted(folder.glob("*/*.png"))):
        os.utime(path, (1000 + number, 1000 + number))
    lose(folder)
    rebuild(folder)
    with raw(folder) as db:
        rows = db.execute("SELECT committed, prompt FROM item ORDER BY committed").fetchall()
        assert [row["committed"] for row in rows] == [1000, 1001]
        assert {row["prompt"] for row in rows} == {"sky, X0001, good", "sky, X0002, good"}
        assert db.execute("SELECT created FROM session").fetchone()[0] == 1000


def test_the_seed_and_what_the_next_round_takes_are_found_in_the_graph(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    graph = json.loads(json.dumps(GRAPH).replace("none", "all"))
    paint(folder, fill(tmp_path, rounds=1), "all", batch=2, graph=graph, seed=2**45)
    known = told(folder)
    lose(folder)
    assert rebuild(folder).seed == 2**45
    assert told(folder) == known
    assert {row["payload"] for row in known} == {None}


def test_where_the_seed_is_not_known_every_item_keeps_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path, rounds=2), seed=SMALL + 1, graph=GRAPH)
    ledger = Ledger(folder)
    seeds = {(r, n): item.seed for r in (1, 2) for n in ledger.lineages(r) if (item := ledger.find(r, n))}
    ledger.close()
    lose(folder)
    assert rebuild(folder).seed is None
    ledger = Ledger(folder)
    assert {(r, n): item.seed for r in (1, 2) for n in ledger.lineages(r) if (item := ledger.find(r, n))} == seeds
    ledger.close()
    assert len(seeds) == 8 and told(folder)[0]["payload"] == json.dumps({"seed": seeds[1, "X0001"]})


def test_an_exploration_goes_on_with_the_same_rows_and_seeds(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "e"
    combinations = combine(["a sky", "a sea"], [("square", (512, 512))], [6.0, 7.5], lambda _: 20)
    paint(folder, Grid(combinations, 2), "first", batch=2)
    known = told(folder)
    lose(folder)
    made = rebuild(folder)
    assert (made.rounds, made.items, made.seed) == (2, 8, SEED)
    assert told(folder) == known and session_of(folder)["kind"] == "explore"
    more = paint(folder, Grid(combinations, 3))
    assert more == [(3, f"X000{n}") for n in (1, 2, 3, 4)]


def test_a_good_ledger_is_replaced_only_by_force_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path, 1, 2), fails=[(1, "X0002")])
    with pytest.raises(Told, match=r"ledger\.sqlite3 is in order \(2 items\).*--force"):
        rebuild(folder)
    assert not list(folder.glob("*.old*"))
    for name in ("ledger.sqlite3.old", "ledger.sqlite3.old2"):
        made = rebuild(folder, force=True)
        assert made.kept == folder / name and made.items == 1
    with sqlite3.connect(folder / "ledger.sqlite3.old") as db:
        assert db.execute("SELECT error FROM item WHERE state = 'failed'").fetchone() == ("no paint for X0002",)
    db.close()
    assert not [path for path in folder.iterdir() if path.name.startswith(".rebuild")]


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty"])
def test_a_broken_ledger_needs_no_force(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path), seed=SMALL + 5)
    known = told(folder)
    path = folder / FILE
    data = path.read_bytes()
    path.write_bytes({"garbage": b"x" * len(data), "cut": data[: len(data) // 2], "empty": b""}[damage])
    made = rebuild(folder)
    assert made.kept == folder / f"{FILE}.old"
    assert [row | {"payload": None} for row in told(folder)] == known


def test_a_ledger_that_another_process_owns_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path, 1, 1))
    before = (folder / FILE).read_bytes()
    lock = FileLock(folder / "ledger.lock")
    with lock, pytest.raises(Busy):
        rebuild(folder, force=True)
    assert (folder / FILE).read_bytes() == before
    rebuild(folder, force=True)


def test_pictures_of_strangers_are_left_out_and_said_why(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path, 1, 1))
    known = told(folder)
    lose(folder)
    good = Item(session="s", round=1, index=9, lineage="X0009", seed=1, source="a.png [input]")
    strange: dict[str, bytes] = {
        "a": picture(),
        "b": b"no picture",
        "c": picture(("resonance", "[" * 100_000)),
        "d": picture(("resonance", replace(good, session="t").to_json())),
        "e": picture(("resonance", json.dumps({**json.loads(good.to_json()), "lineage": "../../x"}))),
        "f": picture(("resonance", replace(good, round=10**30).to_json())),
        "g": picture(("resonance", replace(good, seed=-1).to_json())),
        "h": picture(("resonance", replace(good, source="x" * 2000).to_json())),
        "i": picture(("resonance", replace(good, draw={"checkpoint": 5}).to_json())),
        "j": picture(("resonance", replace(good, source=None).to_json())),
        "k": picture(("resonance", with_payload(good, {"job": "x"}))),
        "l": picture(("resonance", replace(good, words=Words("\ud800", "")).to_json())),
        "m": picture(("resonance", with_payload(good, {"x": "y" * 1_000_000}))),
        "n": picture(("resonance", replace(good, lineage="X" * 200).to_json())),
    }
    for name, data in strange.items():
        (folder / "round-0001" / f"{name}.png").write_bytes(data)
    copy = known[0]["results"][0][1]
    (folder / "round-0001" / "copy.png").write_bytes((folder / copy).read_bytes())
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.png").write_bytes((folder / copy).read_bytes())
    os.symlink(tmp_path, folder / "link")
    made = rebuild(folder)
    assert told(folder) == known
    left = dict(made.left)
    assert set(left) == {f"round-0001/{name}.png" for name in (*strange, "copy")}
    assert left["round-0001/a.png"] == "has no `resonance` text"
    assert left["round-0001/d.png"] == "belongs to session 't'"
    assert "copy" in left["round-0001/copy.png"]


def test_what_a_stranger_wrote_into_a_source_stays_text_and_a_seed_that_is_none_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    item = Item(session="s", round=1, index=1, lineage="X0001", seed=5, source="../../../etc/passwd [input]")
    (folder / "round-0001").mkdir(parents=True)
    (folder / "round-0001" / f"{item.stem}.png").write_bytes(picture(("resonance", item.to_json())))
    planted = with_payload(item, {"seed": "'; DROP TABLE item; --"})
    (folder / "round-0001" / "planted.png").write_bytes(picture(("resonance", planted)))
    made = rebuild(folder)
    [row] = told(folder)
    assert row["source"] == "../../../etc/passwd [input]" and json.loads(row["payload"]) == {"seed": 5}
    [(file, why)] = made.left
    assert file == "round-0001/planted.png" and "'seed', which must be a whole number" in why


def test_a_folder_without_items_gets_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "s" / "round-0001").mkdir(parents=True)
    (tmp_path / "s" / "round-0001" / "a.png").write_bytes(picture())
    with pytest.raises(Told, match="a.png has no `resonance` text"):
        rebuild(tmp_path / "s")
    assert not (tmp_path / "s" / FILE).exists()


def test_the_command_rebuilds_and_writes_the_page(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    paint(folder, fill(tmp_path, 2, 2))
    lose(folder)
    (folder / "round-0001" / "other.png").write_bytes(picture())
    runner = CliRunner()
    command = ["report", "s", "--output", str(tmp_path / "output")]
    lost = runner.invoke(app, command)
    assert lost.exit_code == 1 and "--rebuild makes it anew" in lost.output
    done = runner.invoke(app, [*command, "--rebuild", "--json"])
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events == [
        {"event": "rebuilt", "rounds": 2, "items": 4, "pictures": 4, "seed": SEED, "left": 1},
        {"event": "report", "file": str(folder / "report.html")},
    ]
    assert "round-0001/other.png has no `resonance` text" in done.stderr
    again = runner.invoke(app, [*command, "--rebuild"])
    assert again.exit_code == 1 and "is in order" in again.output

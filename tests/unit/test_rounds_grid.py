import json
import time
from pathlib import Path

import pytest
from gallery_session import MARKUP, PACE, make_session, tags

from resonance.files import pictures
from resonance.gallery import grid
from resonance.session import query, status
from resonance.session.item import Item, Words
from resonance.session.ledger import Ledger, Result
from resonance.session.payloads import Plain
from resonance.told import Told


def test_lineages_stand_in_natural_order_children_after_their_parent():
    right = [
        "7",
        "X0001",
        "X0001.1",
        "X0001.2",
        "X0001.2.1",
        "X0001.10",
        "X0001b",
        "X0001b.1",
        "X0002",
        "X0010",
        "X1000",
    ]
    assert grid.ordered(sorted(right)) == grid.ordered(reversed(right)) == right


def test_every_item_stands_in_the_grid_once(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=3, lineages=12, failed=2, pending=1)
    found = grid.grid(folder)
    assert found["rounds"] == [1, 2, 3]
    assert found["lineages"] == [f"X{n:04d}" for n in range(1, 13)]
    assert found["status"] == vars(query.read_round(folder)[0])
    assert sorted(item[1:3] for item in found["items"]) == [[r, row] for r in (1, 2, 3) for row in range(12)]
    last = [item[3:] for item in found["items"] if item[1] == 3]
    assert [state for state, _, _ in last] == ["done"] * 9 + ["pending"] + ["failed"] * 2
    assert all((committed is not None) == (files == 1) == (state == "done") for state, committed, files in last)


def test_pace_and_time_of_the_last_change(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=2, lineages=30, pending=5)
    now = query.read_round(folder)[0]
    assert now.pace == pytest.approx(PACE) and now.eta == pytest.approx(5 * PACE)
    assert now.changed == max(committed for *_, committed, _ in grid.grid(folder)["items"] if committed)
    started = time.time()
    Ledger(tmp_path / "output" / "new", seed=1).close()
    new, old = query.overview(tmp_path / "output")
    assert (new.session, new.pace, new.eta) == ("new", None, None) and started <= new.changed <= time.time()
    assert old == now


def test_a_night_between_two_pictures_does_not_change_the_pace(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=1, lineages=40, pending=10)
    ledger = Ledger(folder)
    ledger._db.execute("UPDATE item SET committed = committed + 36000 WHERE committed IS NOT NULL AND id > 27")
    ledger.close()
    now = query.read_round(folder)[0]
    assert now.pace == pytest.approx(PACE) and now.eta == pytest.approx(10 * PACE)


def test_a_broken_ledger_is_named_in_the_overview(tmp_path: Path):
    make_session(tmp_path, "whole", rounds=1, lineages=1)
    for name, data in (("being made", b""), ("broken", b"not a ledger" * 100)):
        (tmp_path / name).mkdir()
        (tmp_path / name / status.FILE).write_bytes(data)
    whole, broken = query.overview(tmp_path)
    assert whole.session == "whole"
    assert broken == ("broken", "The ledger in broken cannot be read: file is not a database.")


def test_an_item_is_told_with_all_that_is_known(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=3, lineages=4, failed=1)
    ids = {tuple(item[1:3]): item[0] for item in grid.grid(folder)["items"]}
    item = grid.item(folder, ids[2, 1])
    assert (item["round"], item["number"], item["lineage"], item["state"]) == (2, 2, "X0002", "done")
    assert (item["parent"], item["children"]) == (ids[1, 1], [ids[3, 1]])
    before, now = tags(1, 1), tags(1, 2)
    assert item["change"] == {"kept": now[:-1], "added": now[-1:], "dropped": before[:1]}
    assert item["words"]["tags"] == item["prompt"] == ", ".join(now)
    (picture,) = item["pictures"]
    assert (tmp_path / picture["type"] / picture["subfolder"] / picture["filename"]).samefile(folder / item["files"][0])
    pasted = Item.from_json(item["json"])
    assert pasted.words == Words(**item["words"]) and pasted.draw == item["draw"] and pasted.source == item["source"]
    assert (pasted.index, pasted.total) == (2, 4) and pasted.stem == Path(item["files"][0]).stem

    first, last = grid.item(folder, ids[1, 1]), grid.item(folder, ids[3, 3])
    assert (first["parent"], first["change"], first["source"]) == (None, None, "s/2.png [input]")
    assert (last["state"], last["attempts"], last["children"], last["files"]) == ("failed", 3, [], [])
    assert last["error"] == "KSampler: out of paint"


def test_the_json_is_what_a_run_writes_into_the_picture(tmp_path: Path):
    ledger = Ledger(tmp_path / "s", seed=7)
    with ledger.transaction():
        ledger.add(1, [("a.png [input]", "X0001")], [Plain(scale=6.5, steps=20)])
        item = ledger.next(1, False)
        assert item
        item = ledger.claim(item, "run")
    assert grid.item(ledger.folder, 1)["json"] == item.to_json()
    ledger.close()


def test_all_results_of_a_batch_may_have_children(tmp_path: Path):
    ledger = Ledger(tmp_path / "s", seed=7)
    with ledger.transaction():
        ledger.add(1, [("a.png [input]", "X0001")])
        item = ledger.next(1, False)
        assert item
        item = ledger.claim(item, "run")
    names = [f"{item.folder}/{n}.png" for n in range(11)]
    ledger.commit(item, [Result(name, f"X0001.{n}" if n else None) for n, name in enumerate(names)])
    with ledger.transaction():
        assert ledger.open_round(lambda _: True) == 2
    found = grid.grid(ledger.folder)
    assert found["lineages"] == ["X0001", *[f"X0001.{n}" for n in range(1, 11)]]
    assert found["items"][0][-1] == 11
    children = grid.item(ledger.folder, 1)["children"]
    assert [grid.item(ledger.folder, child)["lineage"] for child in children] == found["lineages"][1:]
    assert {grid.item(ledger.folder, child)["parent"] for child in children} == {1}
    assert grid.item(ledger.folder, children[0])["change"] is None, "nothing was said about either"
    ledger.close()


def test_markup_is_told_as_it_was_written(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=2, lineages=4, failed=1, hostile=True)
    found = grid.grid(folder)
    assert MARKUP in found["lineages"]
    texts = [grid.item(folder, item[0]) for item in found["items"]]
    assert all(MARKUP in item["words"]["tags"] and MARKUP in item["words"]["caption"] for item in texts)
    assert MARKUP in texts[-1]["error"] and any(MARKUP in item["source"] for item in texts)


def test_pictures_are_found_by_the_ledger_and_inside_their_folders_only(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=1, lineages=3)
    roots = {"input": tmp_path / "input", "output": tmp_path / "output"}
    assert grid.source(folder, 1, roots) == tmp_path / "input" / "s" / "1.png"
    assert grid.result(folder, 1, 1).parent == folder / "round-0001"
    for number in (0, 2):
        with pytest.raises(Told, match=f"has 1 results, and no result {number}"):
            grid.result(folder, 1, number)
    with pytest.raises(query.NoItem, match="no item 99"):
        grid.source(folder, 99, roots)
    with pytest.raises(Told):
        grid.result(tmp_path / "nothing", 1, 1)
    ledger = Ledger(folder)
    (tmp_path / "secret.png").write_bytes(b"")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    for wrong in ("../secret.png", "/etc/passwd", "link.png", "a/../../x.png", f"{tmp_path}/secret.png", "x\0.png"):
        ledger._db.execute("UPDATE item SET source = ? WHERE id = 1", (f"s/{wrong} [output]",))
        ledger._db.execute("UPDATE result SET file = ? WHERE item = 1", (wrong,))
        if not wrong.startswith("/"):
            with pytest.raises(Told, match="is not a path below|leads out"):
                grid.source(folder, 1, roots)
        with pytest.raises(Told, match="is not a path below|leads out"):
            grid.result(folder, 1, 1)
    for wrong in (None, "a.png [disk]"):
        ledger._db.execute("UPDATE item SET source = ? WHERE id = 1", (wrong,))
        with pytest.raises(Told, match="no picture|no root"):
            grid.source(folder, 1, roots)
    ledger.close()


def test_five_thousand_items_are_read_at_once(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=50, lineages=100)
    started = time.perf_counter()
    text = json.dumps(grid.grid(folder), separators=(",", ":"))
    taken = time.perf_counter() - started
    assert taken < 1
    assert len(text) < 5000 * 50
    assert len(pictures.listing("s/round-0001 [output]", {"output": tmp_path / "output"})) == 100

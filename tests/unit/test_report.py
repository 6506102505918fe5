import base64
import contextlib
import json
import os
import re
import threading
import time
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from gallery_session import MARKUP, make_session, tags
from PIL import Image
from typer.testing import CliRunner

from resonance.cli.app import app
from resonance.files import store
from resonance.gallery import page, rows
from resonance.gallery.plot import Line, Spread, bounds, panel
from resonance.session import saving
from resonance.session.fill.grid import Grid
from resonance.session.item import Words
from resonance.session.ledger import Ledger, Result
from resonance.session.made import Made
from resonance.session.payloads import Variation
from resonance.told import Told
from resonance.vary.grid import combine

VOID = {"meta", "img", "path", "circle", "polyline", "polygon"}


class Read(HTMLParser):
    """A page as a browser sees it: texts and attributes of elements by their tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"] and data.strip():
            self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def pictures(self) -> list[str]:
        return [image["alt"] or "" for image in self.of("img")]


def report(folder: Path, **options: int) -> str:
    out = folder / "report.html"
    page.write(folder, out, {"input": folder.parent.parent / "input", "output": folder.parent}, **options)
    return out.read_text(encoding="utf-8")


def test_a_picture_that_was_removed_is_told_as_such(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=1, lineages=3)
    gone = sorted(folder.glob("round-0001/*.png"))[1]
    gone.unlink()
    with contextlib.closing(Ledger(folder)) as ledger, ledger.transaction():
        ledger.update(rounds=2)
        ledger.open_round(lambda file: (folder / file).exists())
    found = Read(report(folder))
    assert found.texts[found.texts.index("Removed") + 1] == "1"
    assert "was removed" in found.texts and gone.name not in "".join(found.texts)


def test_each_lineage_is_a_row_from_its_first_picture_to_the_last(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=3, lineages=3, failed=1, pending=1)
    read = Read(report(folder))
    assert [each["aria-label"] for each in read.of("section")] == [
        "Drift of the session",
        "X0001",
        "X0002",
        "X0003",
    ]
    said = ", ".join(tags(0, 3))
    assert read.pictures[:4] == [
        "X0001, the picture it began with: 1.png",
        *(f"X0001, round {n}, painted from: {', '.join(tags(0, n))[:99]}" for n in (1, 2)),
        f"X0001, round 3, painted from: {said}",
    ]
    assert len(read.pictures) == 3 * 4 - 2
    assert read.texts.count("waits") == 1 and read.texts.count("KSampler: out of paint") == 1
    assert "1.png" in read.texts and "a.safetensors" in read.texts


def test_words_show_what_was_added_and_dropped(tmp_path: Path) -> None:
    text = report(make_session(tmp_path / "output", "s", rounds=2, lineages=1))
    before, now = tags(0, 1), tags(0, 2)
    assert re.findall("<ins>(.*?)</ins>", text) == [tag for tag in now if tag not in before]
    assert re.findall("<del>(.*?)</del>", text) == [tag for tag in before if tag not in now]
    assert f"<p>{', '.join(tag for tag in now if tag in before)}</p>" in text


def test_many_tags_and_long_captions_are_folded(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=2, lineages=1)
    ledger = Ledger(folder)
    words = {"tags": ", ".join(f"tag {n}" for n in range(40)), "caption": "long " * 100}
    ledger._db.execute("UPDATE item SET words = ?", (json.dumps(words),))
    ledger.close()
    read = Read(report(folder))
    assert "40 tags kept" in read.texts and words["caption"] in read.texts
    assert len(read.of("summary")) == 2 * len(("tags", "caption", "prompt"))


def test_pictures_are_small_ones_in_the_page_and_nothing_is_loaded(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=1, lineages=2, size=400)
    text = report(folder)
    addresses = [image["src"] or "" for image in Read(text).of("img")]
    for address in addresses:
        head, data = address.split(",")
        assert head == "data:image/webp;base64"
        with Image.open(BytesIO(base64.b64decode(data))) as image:
            assert image.size == (192, 128)
    assert len(addresses) == 4
    assert not re.findall(r"https?:|url\(|@import|<script|<link|\son\w+=|srcset|href", text)


def test_whatever_a_session_holds_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "output", "a&b", rounds=2, lineages=3, failed=1, hostile=True)
    ledger = Ledger(folder)
    ledger.update(state="paused", reason=f"because {MARKUP}", first=f"{MARKUP}\"'")
    draw = {"checkpoint": MARKUP, "loras": [{"name": MARKUP, "model_strength": 1, "clip_strength": 1}]}
    ledger._db.execute("UPDATE item SET draw = ?, payload = ?", (json.dumps(draw), json.dumps({"scale": MARKUP})))
    ledger._db.execute("UPDATE item SET words = ? WHERE id = 1", (json.dumps({"tags": "\ud800", "caption": ""}),))
    ledger.close()
    read = Read(report(folder))
    assert {tag for tag, _ in read.tags} <= {
        *("html", "meta", "title", "style", "header", "main", "footer", "section", "h1", "h2", "dl", "div", "dt", "dd"),
        *("p", "ol", "ul", "li", "figure", "figcaption", "img", "ins", "del", "details", "summary"),
        *("svg", "path", "text", "circle", "polyline", "polygon"),
    }
    assert all((image["src"] or "").startswith("data:") and "onerror" not in image for image in read.of("img"))
    assert "a&b" in read.texts and f"paused, because {MARKUP}" in read.texts and MARKUP in read.texts
    assert f"{MARKUP}, {MARKUP} × 1" in read.texts
    assert "?" in read.texts


def test_a_picture_that_cannot_be_read_is_a_gap_with_its_reason(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=2, lineages=3)
    first, second, third = sorted((folder / "round-0001").iterdir())
    first.unlink()
    second.write_bytes(b"x")
    ledger = Ledger(folder)
    ledger._db.execute("UPDATE item SET source = 'p/x.png [elsewhere]' WHERE id = 3")
    ledger.close()
    read = Read(report(folder))
    assert f"{first.name}: the file is gone" in read.texts
    assert any(text.startswith(f"{second.name} is not a picture that can be read") for text in read.texts)
    assert any("there is no root [elsewhere]" in text for text in read.texts)
    assert len(read.pictures) == 3 * 3 - 3


def test_a_batch_that_goes_on_in_several_lineages_has_a_row_for_each_end(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "s"
    ledger = Ledger(folder, seed=1)
    files = [f"round-0001/X0001_r0001_1_0{n}.png" for n in (1, 2, 3)]
    with ledger.transaction():
        ledger.add(1, [("a.png [input]", "X0001")])
        item = ledger.next(1)
        assert item
        item = ledger.claim(item, "run")
    ledger.commit(item, [Result(file, f"X0001.{n}") for n, file in enumerate(files, 1)], "red")
    with ledger.transaction():
        assert ledger.open_round(lambda file: file != files[1]) == 2
    ledger.close()
    session = rows.session(folder)
    assert [name for name, _ in session.rows] == ["X0001.1", "X0001.3"]
    found = [rows.read_rows(folder, "rounds", *row) for row in session.rows]
    assert [[step.picture for step in row.steps] for row in found] == [
        [f"s/{files[0]} [output]", None],
        [f"s/{files[2]} [output]", None],
    ]
    assert {row.first for row in found} == {"a.png [input]"}


def test_an_exploration_has_a_row_for_each_combination(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "e"
    grid = Grid(combine(["a <b> sky"], [("square", (512, 512))], [6.0, 7.5], lambda _: 20), 2)
    ledger = Ledger(folder, seed=5, kind="explore")
    with ledger.transaction():
        grid.begin(ledger)
    while True:
        with ledger.transaction():
            round_ = grid.open_round(ledger)
            item = ledger.next(round_) if round_ else None
            if not item:
                break
            item = ledger.claim(item, "run")
        data = store.encode_png(Image.new("RGB", (64, 64), "red"), {})
        saving.keep(ledger, item, Made(pictures=(data,)))
    ledger.close()
    read = Read(report(folder))
    assert "square, 512 × 512, scale 7.5: a <b> sky" in read.texts
    assert read.pictures == [f"X000{n}, round {k}, painted from: a <b> sky" for n in (1, 2) for k in (1, 2)]
    assert "seed 5" in read.texts and "Exploration" in read.texts and not read.of("svg")


def test_variations_have_a_row_for_each_chain_with_scale_and_strength(tmp_path: Path) -> None:
    folder = tmp_path / "output" / "v"
    ledger = Ledger(folder, seed=5, kind="vary")
    store.write(folder / "start", [("a.png", store.encode_png(Image.new("RGB", (64, 64), "blue"), {}))])
    for round_ in (1, 2):
        for row in (1, 2):
            payload = Variation(
                job="j", loop=1, number=1, row=row, rows=2, scale=6.0 + row, strength=0.35, steps=50, seed=9
            )
            with ledger.transaction():
                ledger.add(round_, [("v/start/a.png [output]", f"X000{row}")], [payload])
                item = ledger.find(round_, f"X000{row}")
                assert item
                item = ledger.claim(item, "run")
            data = store.encode_png(Image.new("RGB", (64, 64), "red"), {})
            saving.keep(ledger, item, Made(pictures=(data,), prompt="a red sky", takes="none"))
    ledger.close()
    read = Read(report(folder))
    assert [alt.split(",")[1] for alt in read.pictures] == [
        " the picture it began with: a.png",
        " round 1",
        " round 2",
    ] * 2
    assert "scale 8.0, strength 0.35, seed 9" in read.texts and "Variations" in read.texts
    assert len(read.of("svg")) == 3 + 2


def test_of_a_long_chain_every_nth_round_is_told(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=120, lineages=1, size=8)
    [row] = [rows.read_rows(folder, "rounds", *row) for row in rows.session(folder).rows]
    assert row.every == 3 and [step.round for step in row.steps] == [*range(1, 120, 3), 120]
    assert row.steps[1].change == {
        "kept": [tag for tag in tags(0, 4) if tag in tags(0, 1)],
        "added": [tag for tag in tags(0, 4) if tag not in tags(0, 1)],
        "dropped": [tag for tag in tags(0, 1) if tag not in tags(0, 4)],
    }
    assert row.kept == 1 and row.steps[0].kept == pytest.approx(11 / 12) and row.steps[-1].kept is None
    read = Read(report(folder))
    assert "One round in 3 is shown, and the last." in read.texts and len(read.pictures) == 42


def test_thousands_of_items_take_seconds_and_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=5, lineages=1000)
    started = time.monotonic()
    read = Read(report(folder))
    assert time.monotonic() - started < 10
    assert "900 of 1,000 rows are left out; --limit 1000 tells them all. Written by Resonance." in read.texts
    assert len(read.pictures) == 100 * 6 and len(list((folder / ".thumbnails").iterdir())) == 600
    monkeypatch.setattr(page, "_picture", lambda *_: page.Shown(os.urandom(30_000), (50.0, 0.0, 0.0)))
    tracemalloc.start()
    page.write(folder, tmp_path / "large.html", {}, 200)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "large.html").stat().st_size > 40e6 and peak < 8e6


def test_a_session_that_is_owned_and_goes_on_is_reported(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=2, lineages=30, pending=10)
    ledger = Ledger(folder, process="me")
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            with ledger.transaction():
                item = ledger.next(2)
                item = ledger.claim(item, "run") if item else None
            if item is None:
                return
            ledger.store_words(item, Words("red"))
            ledger.commit(replace(item), [Result(f"round-0002/{item.stem}.png", item.lineage)])
            time.sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert len(Read(report(folder)).of("section")) == 31
    finally:
        stop.set()
        thread.join()
        ledger.close()


def test_the_page_is_there_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=1, lineages=2)
    report(folder)
    before = (folder / "report.html").read_bytes()
    monkeypatch.setattr(page, "_foot", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report(folder)
    assert (folder / "report.html").read_bytes() == before
    assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]


@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_a_ledger_that_cannot_be_read_points_to_the_rebuild(tmp_path: Path, damage: str) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=1, lineages=1)
    path = folder / "ledger.sqlite3"
    path.unlink() if damage == "gone" else path.write_bytes(b"x" * 9999)
    with pytest.raises(Told, match=r"ledger.*--rebuild makes it anew"):
        report(folder)


def test_the_command_finds_a_session_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=1, lineages=2)
    make_session(tmp_path / "output", "t", rounds=1, lineages=1)
    (tmp_path / "comfy").mkdir()
    (tmp_path / "main.py").touch()  # what a ComfyUI is known by
    runner = CliRunner(env={"COMFYUI_PATH": str(tmp_path)})
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    for arguments in ((str(folder),), ("s",), ("output/s", "--open")):
        done = runner.invoke(app, ["report", *arguments])
        assert done.exit_code == 0, done.output
        assert len(Read((folder / "report.html").read_text()).pictures) == 4
        os.remove(folder / "report.html")
    assert opened == [str(folder / "report.html")]
    wrong = runner.invoke(app, ["report", "x"])
    assert wrong.exit_code == 1 and "Sessions there: s, t." in wrong.stderr
    monkeypatch.chdir(folder)
    done = runner.invoke(
        app, ["report", ".", "--input", "nowhere", "--out", str(tmp_path / "p.html"), "--limit", "1", "--json"]
    )
    assert json.loads(done.stdout) == {"event": "report", "file": str(tmp_path / "p.html")}
    assert "1.png: the file is gone" in (tmp_path / "p.html").read_text()


def test_first_pictures_are_found_in_a_folder_of_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_session(tmp_path / "output", "s", rounds=1, lineages=1)
    ledger = Ledger(folder)
    ledger._db.execute("UPDATE item SET source = replace(source, '[input]', '[pictures]')")
    ledger.close()
    runner = CliRunner()
    (tmp_path / "input").rename(tmp_path / "shots")  # ./input is ComfyUI's where none is found
    monkeypatch.chdir(tmp_path / "shots")
    done = runner.invoke(app, ["report", str(folder)])
    assert done.exit_code == 0, done.output
    assert len(Read((folder / "report.html").read_text()).pictures) == 2
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(app, ["report", str(folder)]).exit_code == 0
    assert len(Read((folder / "report.html").read_text()).pictures) == 1
    assert runner.invoke(app, ["report", str(folder), "--first", "shots/s"]).exit_code == 0
    assert len(Read((folder / "report.html").read_text()).pictures) == 2


def test_plots_show_lines_and_say_their_ends() -> None:
    text = panel("Mean <L>", [Line("L", [(0, 10.0), (4, 30.0)], [1.0, 5.0]), Line("a", [(2, 0.0)])], (0, 4), (0, 40))
    read = Read(text)
    assert read.of("svg")[0]["aria-label"] == "Mean <L>: L 10 at the start, 30 at round 4"
    assert len(read.of("polyline")) == len(read.of("polygon")) == 1 and len(read.of("circle")) == 2
    assert read.of("polyline")[0]["points"] == "30.0,74.5 224.0,31.5"
    assert panel("t", [Line("a", [(2, 0.0)])], (0, 4), (0, 1)) == ""


def test_an_axis_holds_all_values() -> None:
    assert (
        bounds([-3, 47]) == (-20, 60)
        and bounds([0, 0]) == (0, 20)
        and bounds([20.0]) == (20, 40)
        and bounds([]) == (0, 20)
    )


def test_mean_and_deviation_are_those_of_the_numbers() -> None:
    spread = Spread()
    for value in (2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0):
        spread.add(value)
    assert (spread.count, spread.mean, spread.deviation) == (8, 5.0, pytest.approx(2.0))

"""Names with numbers in them, gen_img's names, and those that prompt lines give: no hole, nothing twice, nothing replaced."""

import json
import random
import re
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from raw_ledger import raw

from resonance import plugins
from resonance.drive.driver import Ended
from resonance.drive.exploration import Paced
from resonance.drive.job import EngineLost, Job
from resonance.files import formats, store
from resonance.paint.lines import read_lines
from resonance.paint.options import read_options
from resonance.paint.shots import Widgets
from resonance.paint.wildcards import WildcardFiles
from resonance.session import query, schema
from resonance.session.chain import Chain, Stop, own
from resonance.session.fill.lines import Lines
from resonance.session.fill.pictures import Pictures
from resonance.session.item import Item
from resonance.session.ledger import Ledger
from resonance.session.made import Made
from resonance.session.naming import NameRule, Naming
from resonance.session.opening import UnreadableLedger
from resonance.session.pattern import folded
from resonance.session.reason import Outcome, Reason
from resonance.session.rebuild import rebuild
from resonance.session.status import FILE, Status
from resonance.told import NotNow, Told
from resonance.vary.waits import NO_WAITS

from .test_driver import Fake, run
from .test_driver import chain as driven_chain

PICTURE = Image.new("RGB", (4, 4), "red")
SEQUENTIAL = Naming(name="sequential")
WIDGETS = Widgets(width=512, height=512, steps=20, scale=7.0)


class Session:
    """A session that one process after another works on."""

    def __init__(self, base: Path, sources: Sequence[str] = (), lines: str = "") -> None:
        self.folder, self.notes = base / "output" / "s", list[str]()
        self.folder.parent.mkdir()
        first = base / "input" / "p"
        for name in sources:
            (first / name).parent.mkdir(parents=True, exist_ok=True)
            PICTURE.save(first / name, "PNG")
        roots = {"input": base / "input", "output": base / "output"}
        wildcards = WildcardFiles([])
        self.fill = (
            Lines(text=read_lines(lines, wildcards), widgets=WIDGETS, wildcards=wildcards)
            if lines
            else Pictures("p", 1, roots)
        )
        self.open()

    def open(self) -> None:
        self.chain = Chain(own(self.folder, 7, self.fill.kind, ""), self.fill)
        self.chain.begin()
        self.chain.settle_all(lambda run, process: Outcome(Reason.INTERRUPTED))

    @property
    def ledger(self) -> Ledger:
        return self.chain.ledger

    def claim(self, count: int = 1) -> list[Item]:
        got = [self.chain.claim(f"run {number}") for number in range(count)]
        return [item for items in got if not isinstance(items, Stop) for item in items]

    def keep(self, item: Item, naming: Naming = SEQUENTIAL, count: int = 1, before: int = 0, **more: Any) -> list[str]:
        pictures, beside = (
            [PICTURE.copy() for _ in range(number)] for number in (count, before)
        )  # for Pillow's sake, in threads
        made = Made(pictures=tuple(pictures), before=tuple(beside), naming=naming, texts={}, **more)
        return [file.removeprefix(f"{item.folder}/") for file in self.chain.keep(item, made)]

    def numbers(self) -> dict[str, int | None]:
        """The number of each picture, by file."""
        with raw(self.folder) as db:
            rows = db.execute("SELECT file, n FROM result JOIN item ON id = item AND state = 'done'").fetchall()
        assert {row["file"] for row in rows} == {
            path.relative_to(self.folder).as_posix() for path in self.folder.glob("round-*/**/*.*")
        }
        return {row["file"].removeprefix("round-0001/"): row["n"] for row in rows}


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    sessions = list[Session]()

    def begin(*sources: str, lines: str = "", count: int = 0) -> Session:
        sessions.append(Session(tmp_path, sources or [f"{n:02}.png" for n in range(count)], lines))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.chain.close()


Begin = Callable[..., Session]


def im(n: int) -> str:
    return f"im_{n:06}.png"


# Numbers


def test_of_two_workers_one_dies_in_the_middle_and_every_picture_has_its_number(tmp_path: Path) -> None:
    def die(job: Job) -> None:
        if len(dying.made) == 2:
            raise EngineLost("gone")

    async def ready() -> None:
        dying.waits += 1
        if len(dying.made) == 2 and dying.waits > 3:
            raise EngineLost("gone for good")

    dying, other = Fake("dying", 0.02, die), Fake("other", 0.005)
    dying.ready = ready  # type: ignore[method-assign]
    engines: list[Any] = [Paced(engine, NO_WAITS, SEQUENTIAL) for engine in (dying, other)]
    assert run(driven_chain(tmp_path, 7), *engines) == Ended("finished", "", 14)
    assert len(dying.made) == 2 and len(other.made) == 12
    rows = [item for round_ in (1, 2) for item in query.read_round(tmp_path / "output" / "s", round_)[1]]
    assert [item["state"] for item in rows] == ["done"] * 14 and Counter(len(item["files"]) for item in rows) == {1: 14}
    names = [Path(item["files"][0]).name for item in sorted(rows, key=lambda item: item["committed"])]
    assert names == [im(n) for n in range(1, 15)], "in the order in which they were committed"
    assert sorted(path.name for path in (tmp_path / "output" / "s").glob("round-*/*")) == names


def test_whatever_is_committed_at_the_same_time_nothing_is_counted_twice(begun: Begin):
    session = begun(count=24)
    items = session.claim(24)
    random.Random(1).shuffle(items)
    namings = (SEQUENTIAL, Naming(), Naming(pattern="{seed}_{n:03}"), Naming(pattern="{seed}"))

    def work(mine: list[Item]) -> None:
        for item in mine:
            session.keep(item, namings[item.index % 4])

    threads = [threading.Thread(target=work, args=(items[part::3],)) for part in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = session.numbers()
    assert sorted(n for n in numbers.values() if n) == list(range(1, 25))
    for file, n in numbers.items():
        if file.startswith("im_"):
            assert file == f"im_{n:06}.png"
        elif found := re.fullmatch(r"\d+_(\d{3})\.png", file):
            assert int(found[1]) == n


def test_what_is_not_committed_has_no_number_and_leaves_nothing_behind(begun: Begin, monkeypatch: pytest.MonkeyPatch):
    session = begun(count=3)
    first, second, third = session.claim(3)

    def fail(*_: object) -> None:
        raise Told("the item is somebody else's now")

    with monkeypatch.context() as patch, pytest.raises(Told, match="somebody else"):
        patch.setattr(Ledger, "commit", fail)
        session.keep(first, count=3)
    assert not list(session.folder.glob("round-0001/*"))
    assert session.keep(second, Naming(name="sequential", format="webp")) == ["im_000001.webp"]
    assert session.keep(third, count=2) == [im(2), im(3)]
    assert session.keep(first) == [im(4)]
    assert session.numbers() == {"im_000001.webp": 1, im(2): 2, im(3): 3, im(4): 4}


def test_a_picture_that_is_made_again_keeps_its_number(begun: Begin):
    session = begun(count=3)
    items = session.claim(3)
    for item in items:
        session.keep(item)
    assert isinstance(session.chain.claim("run"), Stop)
    (session.folder / "round-0001" / im(2)).unlink()
    assert isinstance(session.chain.claim("run"), Stop)
    with session.ledger.transaction():
        assert session.ledger.remake() == 1
    [again] = session.claim()
    assert again.lineage == items[1].lineage
    assert session.keep(again, count=2) == [im(2), im(4)], "and one that comes with it gets the next"
    assert [session.numbers()[im(n)] for n in (1, 2, 3, 4)] == [1, 2, 3, 4]


@pytest.mark.parametrize("stages", [False, True])
def test_what_lies_beside_a_picture_has_its_number_and_is_not_counted(begun: Begin, stages: bool):
    session = begun(count=2)
    one, two = session.claim(2)
    kept = [session.keep(one, count=2, before=2, stages=stages), session.keep(two, before=1, stages=stages)]
    if stages:
        assert kept == [
            ["im_1000001.png", "im_1000002.png", "im_0000001.png", "im_0000002.png"],
            ["im_1000003.png", "im_0000003.png"],
        ]
    else:
        assert kept == [
            [im(1), im(2), "im_000001_before.png", "im_000002_before.png"],
            [im(3), "im_000003_before.png"],
        ]
    numbers = session.numbers()
    assert [numbers[file] for files in kept for file in files] == [1, 2, None, None, 3, None]


def test_gen_imgs_names_say_time_stage_place_in_the_batch_and_seed(begun: Begin):
    session = begun(count=3)
    one, two, three = session.claim(3)
    rule = Naming(name="gen_img")
    assert re.fullmatch(rf"im_\d{{14}}_000_{one.seed}\.png", session.keep(one, rule)[0])
    assert re.fullmatch(rf"im_\d{{14}}_003_{two.seed}\.png", session.keep(two, rule, place=3)[0])
    files = session.keep(three, rule, count=2, before=1, place=10, stages=True)
    begun_at = files[0][3:17]
    assert files == [f"im_{begun_at}_{what}_{three.seed}.png" for what in ("1010", "1011", "0010")]


def test_a_picture_that_was_painted_in_another_place_of_a_batch_does_not_stay_beside_what_is_made_again(begun: Begin):
    session = begun(count=1)
    [item] = session.claim()
    session.ledger.intend(["round-0001/im_002.png"])
    place = session.folder / "round-0001"
    place.mkdir()
    (place / "im_002.png").write_bytes(b"written by a run that was killed")
    session.chain.close()
    session.open()
    [item] = session.claim()
    assert session.keep(item, Naming(pattern="im_{i:03}")) == ["im_000.png"]
    assert [path.name for path in place.iterdir()] == ["im_000.png"]


@pytest.mark.parametrize("pattern", ["{i:03}", "x{n}", "{prompt}{prompt}{prompt} {i}", "{seed}.{i}", "{i}.{seed}"])
def test_several_pictures_of_an_item_never_replace_each_other(begun: Begin, pattern: str):
    session = begun(count=1)
    [item] = session.claim()
    files = session.keep(item, Naming(pattern=pattern), count=3, before=2, prompt="long words " * 30)
    assert len(set(map(folded, files))) == 5 and len(session.numbers()) == 5
    session.chain.close()
    found = rebuild(session.folder, force=True)
    assert (found.items, found.pictures, found.left) == (1, 5, ())
    session.open()


# Names that are there already


@pytest.mark.parametrize("rule", ["original", "{source}"])
def test_the_names_of_sources_are_compared_as_every_file_system_may(begun: Begin, rule: NameRule):
    session = begun("a/Sea.png", "b/sea.jpg", "c/SEA.webp", "d/se\u0301a.png", "e/SÉA.png", "f/sea_2.png")
    naming = Naming(name="original") if rule == "original" else Naming(pattern=rule)
    files = [file for item in session.claim(6) for file in session.keep(item, naming)]
    assert files == ["Sea.png", "sea_2.png", "SEA_3.png", "séa.png", "SÉA_2.png", "sea_2_2.png"]
    assert len(set(map(folded, files))) == len(session.numbers()) == 6


def test_rules_patterns_and_lines_do_not_replace_one_another(begun: Begin):
    session = begun(lines="a --f IM_000002.webp\nb\nc --f x0004_R0001_5.png\nd --d 5\ne --f Im_000007.PNG\nf")
    rules = (SEQUENTIAL, SEQUENTIAL, Naming(), Naming(), SEQUENTIAL, SEQUENTIAL)
    files = [session.keep(item, rule)[0] for item, rule in zip(session.claim(6), rules, strict=True)]
    assert files == [
        "IM_000002.webp",
        "im_000002_2.png",
        "x0004_R0001_5.png",
        "X0004_r0001_5_2.png",
        "Im_000007.png",
        "im_000006.png",
    ]
    assert list(session.numbers().values()) == [1, 2, 3, 4, 5, 6], "pictures with names of their own count"


def test_names_are_remembered_as_the_ledger_has_them(begun: Begin):
    """What is known of a folder without reading it anew is what it holds, whatever happened between."""
    session, r = begun(count=30), random.Random(3)
    items = session.claim(30)
    for item in items:
        session.keep(item, Naming(pattern=r.choice("aAbB"), folder=r.choice(("round", "scratch"))))
        if r.random() < 0.2:
            with pytest.raises(ZeroDivisionError), session.ledger.transaction():
                session.ledger.add(1, [(None, f"X9{item.index:03}")])
                raise ZeroDivisionError
    files = [path for folder in ("round-0001", "scratch") for path in (session.folder / folder).iterdir()]
    assert len(files) == len({(path.parent, folded(path.name)) for path in files}) == 30


# What a line says


@pytest.mark.parametrize(
    ("file", "chosen", "saved", "kind"),
    [
        ("x.webp", Naming(), "x.webp", ("WEBP", "lossy", 100)),
        ("X.WEBP", Naming(quality=5), "X.webp", ("WEBP", "lossy", 100)),
        ("x.webp", Naming(format="webp lossy", quality=5), "x.webp", ("WEBP", "lossy", 5)),
        ("x.webp", Naming(format="webp"), "x.webp", ("WEBP", "lossless", 0)),
        ("x.png", Naming(format="webp"), "x.png", ("PNG", "", 0)),
        ("x.jpeg", Naming(quality=70), "x.jpg", ("JPEG", "", 70)),
        ("x.avif", Naming(), "x.avif", ("AVIF", "", 90)),
        ("x", Naming(format="webp"), "x.webp", ("WEBP", "lossless", 0)),
        ("v1.5", Naming(), "v1.5.png", ("PNG", "", 0)),
    ],
)
def test_a_lines_file_is_saved_in_the_format_of_its_suffix(
    begun: Begin, file: str, chosen: Naming, saved: str, kind: tuple[str, str, int]
):
    session = begun(lines=f"a --f {file}")
    [item] = session.claim()
    assert session.keep(item, chosen) == [saved]
    data = (session.folder / item.folder / saved).read_bytes()
    name, how, quality = kind
    with Image.open(session.folder / item.folder / saved) as image:
        assert image.format == name
    if name == "WEBP":
        assert (b"VP8L" if how == "lossless" else b"VP8 ") in data
    texts = formats.texts(session.folder / item.folder / saved)
    format_: Any = {"WEBP": "webp" if how == "lossless" else "webp lossy", "JPEG": "jpeg"}.get(name, name.lower())
    assert data == formats.encode(PICTURE, texts, format_, quality or 90).data


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("../x.png", "_x.png"),
        ("a/b", "a_b"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x.webp", "C__x.webp"),
        (".hidden", "hidden"),
        ("..", "_"),
        ("dots.png...", "dots.png"),
        ("con.png", "_con.png"),
        ("a\x1bb.png", "a_b.png"),
        ("é" * 100 + ".webp", "é" * 37 + ".webp"),
        ("x.gif", "x"),
        ("x\u3000.tiff", "x"),
    ],
)
def test_a_name_that_is_not_safe_is_made_so_and_that_is_said_when_the_line_is_read(
    begun: Begin, written: str, read: str
):
    said = read_options(f"a --f {written}")
    assert said.options.file == read and said.notes == ((6, f"--f {written[:60]!r} is read as {read}."),)
    assert read_options(f"a --f {read}").notes == ()
    session = begun(lines=f"a --f {written}")
    [file] = session.keep(*session.claim())
    assert (session.folder / "round-0001" / file).is_file() and list(session.numbers()) == [file]


def test_a_suffix_that_cannot_be_written_here_is_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(plugins.NEEDED, "jxl", "no_such_module")
    assert read_options("a --f x.jxl").options.file == "x"
    monkeypatch.setitem(plugins.NEEDED, "jxl", "json")
    assert read_options("a --f x.jxl").options.file == "x.jxl"


# Ledgers


def test_an_older_ledger_goes_on_and_its_pictures_are_not_counted(begun: Begin):
    session = begun(count=3)
    session.keep(*session.claim(), Naming())
    session.chain.close()
    with sqlite3.connect(session.folder / FILE) as db:
        db.execute("DROP INDEX result_n")
        db.execute("ALTER TABLE result DROP COLUMN n")
        db.execute("ALTER TABLE session DROP COLUMN writing")
    db.close()
    session.open()
    assert [session.keep(item) for item in session.claim(2)] == [[im(1)], [im(2)]]
    assert sorted(session.numbers().values(), key=str) == [1, 2, None]


def test_an_older_version_goes_on_with_a_session_until_names_have_numbers(
    begun: Begin, monkeypatch: pytest.MonkeyPatch
):
    session = begun(count=3)
    session.keep(*session.claim(), Naming())
    session.chain.close()
    monkeypatch.setattr(schema, "VERSION", schema.PLAIN)
    session.open()
    session.keep(*session.claim())
    session.chain.close()
    with pytest.raises(NotNow, match="newer Resonance"):
        session.open()
    with query.reading(session.folder) as ledger:
        assert isinstance(ledger.status(), Status)


@pytest.mark.parametrize(
    "writing",
    [
        "[",
        "{}",
        "5",
        '["../mine.png"]',
        '["/tmp/mine.png"]',
        '["ledger.sqlite3"]',
        "[5, null]",
        '["round-0001/kept.png"]',
        '["folder.png"]',
    ],
)
def test_a_strangers_ledger_has_no_file_removed_but_pictures_of_its_own_folder(begun: Begin, writing: str):
    session = begun(count=2)
    [item] = session.claim()
    session.keep(item, Naming(pattern="kept"))
    session.chain.close()
    with sqlite3.connect(session.folder / FILE) as db:
        db.execute("UPDATE session SET writing = ?", (writing,))
    db.close()
    mine = session.folder.parent / "mine.png"
    mine.write_bytes(b"mine")
    (session.folder / "folder.png").mkdir()
    before = {path for path in session.folder.parent.rglob("*") if path.is_file()}
    try:
        session.open()
    except Told as error:
        assert isinstance(error, UnreadableLedger) or "is not a path" in str(error)
        with sqlite3.connect(session.folder / FILE) as db:
            db.execute("UPDATE session SET writing = NULL")
        db.close()
        session.open()
    assert before <= {path for path in session.folder.parent.rglob("*") if path.is_file()}


def lose(session: Session) -> None:
    session.chain.close()
    for path in session.folder.glob(f"{FILE}*"):
        path.unlink()


@pytest.mark.parametrize("rule", ["gen_img", "sequential", "original"])
@pytest.mark.parametrize(("count", "before"), [(1, 0), (3, 1)])
def test_a_rebuilt_ledger_knows_the_pictures_and_goes_on_above_the_highest_number(
    begun: Begin, rule: NameRule, count: int, before: int
):
    session = begun(count=4)
    for item in session.claim(3):
        session.keep(item, Naming(name=rule), count=count, before=before)
    numbers = session.numbers()
    lose(session)
    found = rebuild(session.folder)
    assert (found.items, found.pictures, found.left) == (3, 3 * (count + before), ())
    if rule == "original":
        assert set(session.numbers()) == set(numbers), "names without a number do not say which it was"
    else:
        assert session.numbers() == numbers
    session.open()
    [last] = session.claim()
    expected = 1 if rule == "original" else 3 * count + 1
    assert session.keep(last) == [im(expected)]


def test_a_copy_of_a_numbered_picture_is_one_and_a_number_that_is_said_twice_counts_once(begun: Begin):
    session = begun(count=3)
    files = [session.keep(item, count=2)[0] for item in session.claim(2)]
    place = session.folder / "round-0001"
    shutil.copy(place / files[0], place / "copy.png")
    texts = formats.texts(place / files[1])
    mark = json.loads(texts["resonance_file"]) | {"n": 1}
    (place / files[1]).write_bytes(store.encode_png(PICTURE, {**texts, "resonance_file": json.dumps(mark)}))
    lose(session)
    found = rebuild(session.folder)
    assert found.left == (("round-0001/copy.png", "is a copy: round-0001/im_000001.png is there"),)
    (place / "copy.png").unlink()
    assert session.numbers() == {im(1): 1, im(2): 2, im(3): None, im(4): 4}
    session.open()


@pytest.mark.parametrize("n", ["1", 0, -1, True, 1.5, None, 2**80])
def test_a_number_that_is_none_is_not_believed(begun: Begin, n: object):
    session = begun(count=2)
    [file] = session.keep(*session.claim())
    path = session.folder / "round-0001" / file
    texts = formats.texts(path)
    mark = json.loads(texts["resonance_file"]) | {"n": n}
    path.write_bytes(store.encode_png(PICTURE, {**texts, "resonance_file": json.dumps(mark)}))
    lose(session)
    assert rebuild(session.folder).items == 1
    assert session.numbers() == {file: None}
    session.open()


def test_what_a_ledger_of_bytes_has_as_numbers_makes_names_all_the_same(begun: Begin):
    session = begun(count=2)
    [item] = session.claim()
    session.keep(item)
    session.chain.close()
    with sqlite3.connect(session.folder / FILE) as db:
        db.execute("UPDATE result SET n = '../x'")
    db.close()
    session.open()
    with session.ledger.transaction():
        session.ledger.reopen(1, item.lineage)
    assert [session.keep(replace(item)) for item in session.claim(2)] == [["im_00.._x.png"], [im(1)]]

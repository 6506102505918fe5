"""Names of pictures by a pattern: what is refused when it is queued, and that whatever comes is one safe name of its own."""

import json
import threading
import time
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from raw_ledger import raw

from resonance.files import formats
from resonance.files.names import FORBIDDEN, is_reserved
from resonance.session import saving
from resonance.session.fill.pictures import Pictures
from resonance.session.item import Item
from resonance.session.ledger import Ledger
from resonance.session.made import Made
from resonance.session.naming import Naming
from resonance.session.pattern import DEEPEST, LONGEST, ROOM, TOKENS, check_pattern, folded, path_by, values_of
from resonance.session.payloads import Plain
from resonance.session.rebuild import rebuild
from resonance.session.status import FILE
from resonance.told import Told

BEGUN = time.mktime((2026, 11, 30, 12, 30, 59, 0, 0, -1))
ITEM = Item(session="s", round=2, index=3, lineage="X0001", seed=42, source="holiday/sea.view.png [input]")
VALUES = values_of(ITEM, BEGUN, "a red\nboat, sea", "sdxl/base.safetensors") | {"stage": "", "i": "3", "n": "1234567"}
DEFAULT = "{lineage}_r{round}_{seed}"


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (DEFAULT, ITEM.stem),
        ("{model}/{lineage}_{seed}", "base/X0001_42"),
        ("{source} {date} {time}", "sea.view 2026-11-30 12-30-59"),
        ("{prompt}", "a red boat, sea"),
        ("{round}/{round}/x", "0002/0002/x"),
        ("fixed", "fixed"),
        ("日本 {seed}", "日本 42"),
        ("im_{timestamp}_{stage}{i:03}_{seed}", "im_20261130123059_003_42"),
        ("im_{stage}{n:06} {n:09} {n}", "im_1234567 001234567 1234567"),
        ("{round:01} {seed:020} {i}", "0002 00000000000000000042 3"),
    ],
)
def test_tokens_stand_for_what_is_known(pattern: str, path: str):
    assert path_by(check_pattern(pattern), VALUES) == (path, [])


def test_what_is_not_known_says_so():
    unknown = values_of(replace(ITEM, source=None), BEGUN, "", "")
    assert path_by("{source}_{model}_{prompt}", unknown) == ("no-source_no-model_no-prompt", [])
    assert values_of(ITEM, BEGUN, "", "hub/model-1.5")["model"] == "model-1.5"
    drawn = values_of(replace(ITEM, draw={"checkpoint": "a\\drawn.ckpt"}), BEGUN, "", "other")
    assert drawn["model"] == "drawn", "what was drawn for the item goes before what the graph names"


REFUSED = {
    **dict.fromkeys(("{nope}", "{}", "{Seed}", "{seed }", "{prompt.__class__}", "{0}"), "in braces, which is no token"),
    **dict.fromkeys(
        ("{n:}", "{n:6}", "{i:x}", "{n:00}", "{n:021}", "{n:06 }", "{prompt:03}", "{date:04}", "{n:06:06}"),
        "in braces: behind {round}, {seed}, {i}, {n} may stand",
    ),
    **dict.fromkeys(("{n:06}/x", "{stage}/{i}", "a/{i}b/{seed}"), "in the name of a folder"),
    **dict.fromkeys(("{", "}", "{seed", "a}b", "{{seed}}", "{see{d}"), "brace|no token"),
    **dict.fromkeys(
        ("a\\b", "C:/x", "a:b", "a*", "a?", '"a"', "<a>", "a|b", "a\0", "a\nb", "a\x7f", "\ud800"), "holds"
    ),
    **dict.fromkeys(("/a", "a/", "a//b", "/", " /a", "//server/share", " "), "empty name"),
    **dict.fromkeys(("..", "../a", "a/../../b", "./a", "a/ .. /b"), "leads elsewhere"),
    "/".join("abcdefghi"): "9 names",
    "x" * 91: "more than 90 bytes",
    "é" * 46: "more than 90 bytes",
}


@pytest.mark.parametrize("pattern", REFUSED, ids=ascii)
def test_a_pattern_that_makes_no_names_is_refused_with_what_can_be_written(pattern: str):
    with pytest.raises(Told, match=f"({REFUSED[pattern]}).*Tokens: {{lineage}} .*Example"):
        check_pattern(pattern)


HOSTILE = (
    *("con", "CON", "nul.txt", "Com1", "lpt9.a.b", "aux .x", "conin$", "prn", "COM¹"),
    *(".", "..", "...", ".hidden", "dots...", "blank ", " ", "\t", ". . ."),
    *("../../etc/passwd", "/etc/passwd", "C:\\Windows\\x", "\\\\host\\share", "a/b", "a\\b", "~/x", "$HOME", "%TEMP%"),
    *("a\0b", "a\nb\r", "a\x1b[31m", "\x7f", "\ud800", "\u202egnp.exe", "\u200b", "\ufeff"),
    *('<>:"/\\|?*', "{seed}", "{lineage}", "{", "%s", "'; rm -rf *", "-rf"),
    *("x" * 5000, "é" * 500, "日" * 500, "👩‍👩‍👧" * 100, "e\u0301" * 200, "\u0958" * 100, "." * 300, "a" + "." * 300),
    *("prompt", "prompt.txt", "ledger.sqlite3", "a.json", "x_before", "x_01"),
)


@pytest.mark.parametrize(
    "pattern", ["{prompt}", "{source}/{prompt}", "{model}", "a{prompt}.{model}", "{prompt}{prompt}{seed}"]
)
@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_whatever_a_value_holds_the_name_is_safe_on_every_system(value: str, pattern: str):
    path, said = path_by(pattern, dict.fromkeys(TOKENS, value))
    names = path.split("/")
    assert len(names) == pattern.count("/") + 1
    for name in names:
        assert name and not FORBIDDEN.search(name)
        assert name == name.strip(" ") and not name.startswith(".") and not name.endswith(".")
        assert not is_reserved(name.partition(".")[0].rstrip())
        assert len(name.encode()) <= LONGEST - ROOM
        assert name == unicodedata.normalize("NFC", name)
    assert all("not every system takes" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("value", "name"),
    [("con", "_con"), ("Aux.txt", "_Aux.txt"), ("dots..", "dots"), (".hidden", "hidden"), ("..", "_")],
)
def test_what_no_name_can_be_is_replaced_and_said(value: str, name: str):
    path, [sentence] = path_by("{source}/{seed}", VALUES | {"source": value})
    assert path == f"{name}/42"
    assert repr(value) in sentence and repr(name) in sentence


def test_a_long_prompt_leaves_the_other_tokens_whole():
    path, _ = path_by("{prompt}_{lineage}_{seed}", VALUES | {"prompt": "ab, " * 100})
    assert path.startswith("ab, ab") and path.endswith("_X0001_42")
    assert len(path) <= LONGEST - ROOM


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/b.png", "A/B.webp"),
        ("é.png", "e\u0301.png"),
        ("STRASSE.png", "straße.png"),
        ("İ.png", "i\u0307.png"),
        ("ﬁ.png", "fi.jpg"),
    ],
)
def test_names_that_some_system_takes_for_one_are_one(one: str, other: str):
    assert folded(one) == folded(other)
    assert folded("a.png") != folded("a_2.png") != folded("b/a_2.png")


class Session:
    """A session over so many pictures, of which each item is kept under names by a pattern."""

    def __init__(self, base: Path, sources: list[str]) -> None:
        self.folder = base / "output" / "s"
        first = base / "input" / "p"
        first.mkdir(parents=True, exist_ok=True)
        for name in sources:
            (first / name).write_bytes(formats.encode(Image.new("RGB", (4, 4)), {}).data)
        self.fill = Pictures("p", 1, {"input": first.parent, "output": self.folder.parent})
        self.ledger = Ledger(self.folder, seed=7)
        with self.ledger.transaction():
            self.fill.begin(self.ledger)

    def claim(self) -> Item:
        with self.ledger.transaction():
            item = self.ledger.next(1)
            assert item
            return self.ledger.claim(item, "run")

    def keep(self, item: Item, pattern: str, prompt: str = "a boat", count: int = 1, **more: Any) -> list[str]:
        notes: list[str] = []
        made = Made(
            pictures=(Image.new("RGB", (4, 4)),) * count,
            before=(Image.new("RGB", (4, 4)),) * more.pop("before", 0),
            prompt=prompt,
            naming=Naming(pattern=pattern, **more),
            texts={},
        )
        try:
            return saving.keep(self.ledger, item, made, notes.append)
        finally:
            self.notes = notes


def test_two_pictures_never_share_a_name_whatever_their_case_accents_format_or_number(tmp_path: Path):
    session = Session(tmp_path, [f"{n}.png" for n in range(7)])
    kept = [
        session.keep(session.claim(), "{prompt}", "boat"),
        session.keep(session.claim(), "{prompt}", "BOAT", format="webp"),
        session.keep(session.claim(), "{prompt}", "boat", count=2),
        session.keep(session.claim(), "{prompt}", "boat_01", format="jpeg"),
        session.keep(session.claim(), "{prompt}", "bo\u0301at"),
        session.keep(session.claim(), "{prompt}", "BÓAT", before=1),
        session.keep(session.claim(), "{prompt}", "bóat_2_before"),
    ]
    assert kept == [
        ["round-0001/boat.png"],
        ["round-0001/BOAT_2.webp"],
        ["round-0001/boat_01.png", "round-0001/boat_02.png"],
        ["round-0001/boat_01_2.jpg"],
        ["round-0001/bóat.png"],
        ["round-0001/BÓAT_2.png", "round-0001/BÓAT_2_before.png"],
        ["round-0001/bóat_2_before_2.png"],
    ]
    files = [file for some in kept for file in some]
    assert len(set(map(folded, files))) == len(files)
    assert all((session.folder / file).is_file() for file in files)


SAME = [
    *(("a", "A"), ("straße", "STRASSE"), ("ſ", "s"), ("İ", "i\u0307"), ("é", "e\u0301"), ("Å", "\u212b"), ("ﬁ", "FI")),
    *(
        ("x" * 5000, "X" * 4000),
        ("日" * 200, "日" * 300),
        ("a.", "a"),
        (" a ", "a"),
        ("a\0b", "a?b"),
        ("con", "_CON"),
        ("..", "_"),
    ),
]


@pytest.mark.parametrize("names", SAME, ids=ascii)
def test_what_some_system_takes_for_one_name_never_replaces_a_picture(names: tuple[str, str], tmp_path: Path):
    session = Session(tmp_path, ["1.png", "2.png"])
    files = [
        file
        for name, format in zip(names, ("webp", "png"), strict=True)
        for file in session.keep(session.claim(), "{prompt}/{prompt}", name, format=format, count=2)
    ]
    assert len(set(map(folded, files))) == 4
    assert len({(session.folder / file).stat().st_ino for file in files}) == 4
    assert max(len(part.encode()) for file in files for part in file.split("/")) <= LONGEST


def test_a_name_is_cut_between_characters():
    for letter in ("é", "日", "😀"):
        path, _ = path_by("{model}", VALUES | {"model": letter * 500})
        assert set(path) == {letter} and LONGEST - ROOM - 4 < len(path.encode()) <= LONGEST - ROOM


def test_a_name_by_the_rule_does_not_replace_one_by_a_pattern(tmp_path: Path):
    session = Session(tmp_path, ["1.png", "2.png"])
    first, second = session.claim(), session.claim()
    [file] = session.keep(first, second.stem, format="webp")
    assert file == f"round-0001/{second.stem}.webp"
    [other] = session.keep(second, "")
    assert other == f"round-0001/{second.stem}_2.png"


def test_items_that_are_named_at_the_same_time_get_names_of_their_own(tmp_path: Path):
    session = Session(tmp_path, [f"{n}.png" for n in range(8)])
    items = [session.claim() for _ in range(8)]
    found: list[str] = []
    threads = [threading.Thread(target=lambda item=item: found.extend(session.keep(item, "same"))) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(["round-0001/same.png", *(f"round-0001/same_{n}.png" for n in range(2, 9))])
    assert len({json.loads(formats.texts(session.folder / file)["resonance"])["lineage"] for file in found}) == 8


def test_a_prompt_file_keeps_its_name(tmp_path: Path):
    session = Session(tmp_path, ["1.png"])
    [file] = session.keep(session.claim(), "prompt", folder="prompt hash")
    assert file.endswith("/prompt_2.png")


def test_a_redo_after_a_crash_replaces_what_was_written(tmp_path: Path):
    session = Session(tmp_path, ["1.png"])
    item = session.claim()
    place = session.folder / "round-0001"
    place.mkdir()
    (place / "a.png").write_bytes(b"written, not committed")
    assert session.keep(item, "a") == ["round-0001/a.png"]


def test_what_was_replaced_in_a_name_is_noted(tmp_path: Path):
    session = Session(tmp_path, ["con.png"])
    assert session.keep(session.claim(), "{source}/x.") == ["round-0001/_con/x.png"]
    assert len(session.notes) == 2


def test_a_folder_that_is_a_link_is_not_written_through(tmp_path: Path):
    session = Session(tmp_path, ["1.png"])
    (session.folder / "round-0001").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (session.folder / "round-0001" / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Told, match="is a link"):
        session.keep(session.claim(), "out/x")
    assert not list((tmp_path / "elsewhere").iterdir())


PATTERNS = ("{model}/{prompt}", "x", "a/b/c/{seed}", "{date}_{time}", DEFAULT)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("count", "before"), [(1, 0), (1, 1), (2, 2)])
def test_a_rebuilt_ledger_knows_pictures_by_what_they_say_whatever_they_are_called(
    pattern: str, count: int, before: int, tmp_path: Path
):
    session = Session(tmp_path, ["1.png", "2.png", "3.png"])
    for _ in range(3):
        session.keep(session.claim(), pattern, count=count, before=before)
    session.ledger.close()
    known = results(session.folder)
    for path in session.folder.glob(f"{FILE}*"):
        path.unlink()
    found = rebuild(session.folder)
    assert (found.items, found.pictures, found.left) == (3, 3 * (count + before), ())
    assert results(session.folder) == known


def test_a_copy_does_not_take_the_place_of_a_picture_named_by_a_pattern(tmp_path: Path):
    session = Session(tmp_path, ["1.png"])
    [file] = session.keep(session.claim(), "sea/{prompt}")
    session.ledger.close()
    copy = session.folder / "round-0001" / "sea" / "copy.png"
    copy.write_bytes((session.folder / file).read_bytes())
    found = rebuild(session.folder, force=True)
    assert found.left == (("round-0001/sea/copy.png", f"is a copy: {file} is there"),)


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"name": 1, "number": 1, "before": true}', "[" * 1000])
def test_a_stranger_cannot_say_anything_else_of_a_picture(text: str, tmp_path: Path):
    session = Session(tmp_path, ["1.png"])
    item = session.claim()
    [file] = session.keep(item, DEFAULT)
    session.ledger.close()
    texts = formats.texts(session.folder / file) | {saving.FILE: text}
    (session.folder / file).write_bytes(formats.encode(Image.new("RGB", (4, 4)), texts).data)
    known = results(session.folder)
    rebuild(session.folder, force=True)
    assert results(session.folder) == known


def results(folder: Path) -> list[tuple[Any, ...]]:
    """What a ledger knows of each item's results."""
    with raw(folder) as db:
        sql = "SELECT round, item.number, item.lineage, file, result.lineage FROM item JOIN result ON item = id ORDER BY 1, 2, result.number"
        return [tuple(row) for row in db.execute(sql)]


def test_the_name_of_an_item_needs_no_source(tmp_path: Path):
    item = Item(session="s", round=1, index=1, lineage="X0001", seed=1, payload=Plain())
    assert path_by("{source}_{lineage}", values_of(item, BEGUN, "", ""))[0] == "no-source_X0001"


def test_the_longest_names_in_the_widest_letters_are_found_again(tmp_path: Path):
    session = Session(tmp_path, ["1.png"])
    [file] = session.keep(session.claim(), "/".join(["{prompt}"] * DEEPEST), "日本語" * 100)
    assert len(f"{'s' * 80}/{file} [output]".encode()) < 1000
    session.ledger.close()
    known = results(session.folder)
    rebuild(session.folder, force=True)
    assert results(session.folder) == known

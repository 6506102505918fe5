"""Which pictures of the first folder a session begins with, and which folders there are to choose from."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from resonance import images
from resonance.files import pictures
from resonance.session.fill.pictures import Pictures, Which
from resonance.session.ledger import Ledger
from resonance.session.opening import UnreadableLedger
from resonance.told import Told

NAMES = ["1.png", "2.png", "3.png", "10.png", "11.png"]
AGES = {"1.png": 5, "2.png": 4, "3.png": 3, "10.png": 2, "11.png": 1}


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "input" / "p"
    folder.mkdir(parents=True)
    (tmp_path / "output").mkdir()
    for name in NAMES:
        add(folder, name, 1_000_000 - AGES[name])
    return {"input": tmp_path / "input", "output": tmp_path / "output"}


def add(folder: Path, name: str, time: float = 2_000_000) -> None:
    (folder / name).write_bytes(b"x")
    os.utime(folder / name, (time, time))


def ledger(roots: dict[str, Path], seed: int = 1) -> Ledger:
    (roots["output"] / "s").mkdir(exist_ok=True)
    return Ledger(roots["output"] / "s", seed)


def begun(roots: dict[str, Path], *runs: Which, seed: int = 1) -> list[str]:
    """Names of the items of round 1, in their order, after each of these has begun the session once more."""
    opened = ledger(roots, seed)
    try:
        for which in runs:
            with opened.transaction():
                Pictures("p", 1, roots, which).begin(opened)
        return named(opened)
    finally:
        opened.close()


def named(opened: Ledger) -> list[str]:
    found = list[str]()
    with opened.transaction():
        while item := opened.next(1):
            assert item.source
            opened.skip(item, "")
            found.append(item.source.removeprefix("p/").removesuffix(" [input]"))
    return found


@pytest.mark.parametrize(
    ("which", "wanted"),
    [
        (Which(), NAMES),
        (Which("date"), ["1.png", "2.png", "3.png", "10.png", "11.png"]),
        (Which("name", 1, 2), ["2.png", "3.png"]),
        (Which("name", 3), ["10.png", "11.png"]),
        (Which("name", 3, 9), ["10.png", "11.png"]),
        (Which("date", 0, 1), ["1.png"]),
    ],
)
def test_order_start_and_count(roots: dict[str, Path], which: Which, wanted: Sequence[str]):
    assert begun(roots, which) == wanted


def test_by_date_the_oldest_comes_first(roots: dict[str, Path]):
    for name in NAMES:
        os.utime(roots["input"] / "p" / name, (AGES[name], AGES[name]))
    assert begun(roots, Which("date")) == list(reversed(NAMES))


def test_shuffled_is_a_function_of_the_seed_and_of_each_picture(roots: dict[str, Path]):
    sources = pictures.listing("p", roots)
    orders = {seed: Which("shuffled").of(sources, roots, seed) for seed in range(20)}
    assert all(sorted(order) == sorted(sources) for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) > 10
    assert begun(roots, Which("shuffled"), seed=7) == [name.removeprefix("p/").split(" ")[0] for name in orders[7]]
    fewer = [source for source in sources if source != "p/3.png [input]"]
    assert Which("shuffled").of(fewer, roots, 7) == [source for source in orders[7] if source in fewer]


def test_a_session_keeps_what_it_has_begun_with(roots: dict[str, Path]):
    assert begun(roots, Which("name", 1, 2), Which("name"), Which("shuffled", 0, 4)) == ["2.png", "3.png"]


def test_with_a_start_or_a_count_no_picture_joins_later_else_it_does(roots: dict[str, Path]):
    for which, later in ((Which("name", 0, 4), 0), (Which("name", 1), 0), (Which(), 2), (Which("shuffled"), 2)):
        opened = ledger(roots)
        with opened.transaction():
            Pictures("p", 1, roots, which).begin(opened)
        add(roots["input"] / "p", "0.png")
        add(roots["input"] / "p", "99.png")
        with opened.transaction():
            change = Pictures("p", 1, roots, which).begin(opened)
        assert change.came == later, which
        opened.close()
        for name in ("0.png", "99.png"):
            (roots["input"] / "p" / name).unlink()
        for path in (roots["output"] / "s").iterdir():
            path.unlink()


def test_a_session_of_a_version_without_these_goes_on_with_all(roots: dict[str, Path]):
    opened = ledger(roots)
    with opened.transaction():
        opened.add(1, [("p/2.png [input]", "X0001")])
    opened.close()
    assert begun(roots, Which()) == ["2.png", "1.png", "3.png", "10.png", "11.png"]


def test_a_start_behind_the_last_picture_is_refused_and_nothing_is_begun(roots: dict[str, Path]):
    with pytest.raises(Told, match="start skips 5 pictures, and the first folder holds 5: lower it"):
        Pictures("p", 1, roots, Which("name", 5)).first("s", 1)
    assert Pictures("p", 1, roots, Which("name", 4)).first("s", 1).source == "p/11.png [input]"


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"order": "size", "start": 0, "count": 0}', '{"order": "name"}', '{"order": 1}']
)
def test_what_no_version_has_written_is_refused(roots: dict[str, Path], text: str):
    opened = ledger(roots)
    with opened.transaction(), pytest.raises(UnreadableLedger, match="which pictures it begins with|the pictures"):
        opened.update(which=text)
        Pictures("p", 1, roots).begin(opened)
    opened.close()


def test_the_ledger_says_what_was_asked_for(roots: dict[str, Path]):
    opened = ledger(roots)
    with opened.transaction():
        Pictures("p", 1, roots, Which("shuffled", 2, 2)).begin(opened)
    assert json.loads(opened.session().which or "") == {"order": "shuffled", "start": 2, "count": 2}
    opened.close()


# Folders


def test_folders_with_pictures_by_the_names_that_first_folder_takes(tmp_path: Path):
    roots = {"input": tmp_path / "in", "output": tmp_path / "out", "pictures": tmp_path / "more"}
    for name in (
        "in/a10/1.png",
        "in/a2/1.png",
        "in/a2/sub/2.jpg",
        "in/odd [output]/1.png",
        "in/.hidden/1.png",
        "more/1.gif",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    for name in ("in/empty", "in/texts", "out/trip/round-0001"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "in" / "texts" / "a.txt").write_text("")
    (tmp_path / "out" / "trip" / "round-0001" / "1.png").write_bytes(b"x")
    found, whole = pictures.folders(roots)
    assert whole and found == [
        ("[input]", 4),
        ("a2", 2),
        ("a2/sub", 1),
        ("a10", 1),
        ("odd [output] [input]", 1),
        ("[output]", 1),
        ("trip [output]", 1),
        ("trip/round-0001 [output]", 1),
        ("[pictures]", 1),
    ]
    for name, count in found:
        assert len(pictures.listing(name, roots)) == count, name


def test_so_many_folders_that_it_takes_too_long_are_not_all(tmp_path: Path):
    for number in range(20):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "a.png").write_bytes(b"x")
    found, whole = pictures.folders({"input": tmp_path}, seconds=0)
    assert not whole and len(found) < 20


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "round").symlink_to(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")
    assert pictures.folders({"input": tmp_path / "in"}) == ([], True)


def test_a_new_folder_is_never_one_that_is_there(tmp_path: Path):
    (tmp_path / "pictures").mkdir()
    assert pictures.new_folder(tmp_path, "holiday") == ("holiday", "holiday")
    assert pictures.new_folder(tmp_path, "holiday") == ("holiday 2", "holiday 2")
    assert pictures.new_folder(tmp_path, " raw [2024]") == ("raw [2024]", "raw [2024] [input]")
    for hostile in ("", "..", "a/b", "/etc", "x" * 300, "con", ".git", "a\x00"):
        name, text = pictures.new_folder(tmp_path, hostile)
        assert name == text and name.startswith("pictures ") and (tmp_path / name).is_dir()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path):
    (tmp_path / "input").write_text("a file")
    with pytest.raises(Told, match="No folder can be made in"):
        pictures.new_folder(tmp_path / "input", "holiday")


# Formats that need a plugin


def test_a_folder_of_heic_says_what_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(images, "SUFFIXES", images.SUFFIXES - {".heic", ".heif", ".jxl"})
    for name in ("1.HEIC", "2.heic", "3.jxl"):
        (tmp_path / name).write_bytes(b"x")
    wanted = r"can be read here: 2 \.heic \(pip install pillow-heif\), 1 \.jxl \(pip install pillow-jxl-plugin\)"
    with pytest.raises(Told, match=rf"None of the pictures in '\[input\]' {wanted}"):
        pictures.listing("[input]", {"input": tmp_path})
    Image.new("RGB", (4, 4)).save(tmp_path / "4.png")
    assert pictures.listing("[input]", {"input": tmp_path}) == ["4.png [input]"]
    assert "are left out: 2 .heic (pip install pillow-heif)" in caplog.text

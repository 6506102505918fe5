import json
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from resonance.files import pictures
from resonance.files.names import check_name, existing, inside
from resonance.session import lineage
from resonance.session.item import Item, Words, derive
from resonance.told import Told


@pytest.mark.parametrize("name", ["holiday", "Holiday 2", "日本", "a.b", "x" * 80])
def test_plain_session_names_are_taken(name: str):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", " a", "a ", ".", "..", ".hidden", "a.", "../a", "/a", "a/b", "a\\b", "C:", "a\x00b", "a\nb", "x" * 81]
    + ["é" * 41, "CON", "nul", "com1.txt", "LPT9", "a*", "a?", "<a>", "a|b", 'a"b'],
)
def test_names_that_are_no_folder_everywhere_are_refused(name: str):
    with pytest.raises(Told, match="session name"):
        check_name(name)


@pytest.mark.parametrize(
    "path", ["..", "../x", "a/../../x", "/etc", "\\\\host\\share", "C:/x", "a\x00", "a/./b", "x" * 256]
)
def test_paths_that_leave_the_root_are_refused(path: str, tmp_path: Path):
    with pytest.raises(Told):
        inside(tmp_path, path)


def test_links_that_lead_out_are_refused(tmp_path: Path):
    root, out = tmp_path / "input", tmp_path / "secret"
    root.mkdir(), out.mkdir()
    (root / "link").symlink_to(out)
    with pytest.raises(Told, match="link"):
        inside(root, "link/a.png")
    assert inside(root, "sub/a.png") == root / "sub" / "a.png"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("X0001_a.png", "X0001"),
        ("12_a.png", "12"),
        ("2024_x.png", "2024"),
        ("2024-05-01.png", None),
        ("X12.png", None),
        ("x0001_a.png", None),
        ("a_1.png", None),
        ("X0001.2_r0001_5.png", "X0001.2"),
        ("X0001b_r0001_5.png", "X0001b"),
    ],
)
def test_lineage_is_what_stands_before_the_first_underscore(name: str, expected: str | None):
    assert lineage.prefix(name) == expected


def test_new_lineages_never_meet_those_in_the_folder():
    names = ["a.png", "X0001_b.png", "c.png", "X0003_d.png", "7_e.png", "f.png"]
    assert list(lineage.assign(names, taken={"X0002"})) == ["X0004", "X0001", "X0005", "X0003", "7", "X0006"]


def test_two_files_of_one_lineage_get_a_letter():
    assert list(lineage.assign(["X1_a.png", "X1_b.png", "X1_c.png"])) == ["X1", "X1b", "X1c"]
    assert list(lineage.assign(["X1_d.png"], taken={"X1", "X1b"})) == ["X1c"]


def test_children_get_numbers_only_when_there_are_several():
    assert lineage.children("X0001", 1) == ["X0001"]
    assert lineage.children("X0001", 3) == ["X0001.1", "X0001.2", "X0001.3"]


def test_draws_depend_on_who_they_are_for_and_stay_the_same_for_ever():
    assert derive(1, 1, "X0001", "sampler") == 1000297778528908
    assert len({derive(1, r, x, p) for r in (1, 2) for x in ("X1", "X2") for p in ("sampler", "models")}) == 8
    assert all(0 <= derive(s, 1, "a", "b") < 2**50 for s in range(100))


def test_pictures_of_a_folder_in_natural_order(tmp_path: Path):
    root = tmp_path / "input"
    for name in ("p/a10.png", "p/a2.JPG", "p/sub/b.webp", "p/.hidden.png", "p/.git/c.png", "p/note.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    (tmp_path / "outside.png").write_bytes(b"x")
    (root / "p" / "link.png").symlink_to(tmp_path / "outside.png")
    assert pictures.listing("p", {"input": root}) == ["p/a2.JPG [input]", "p/a10.png [input]", "p/sub/b.webp [input]"]


ODD_NAMES = (
    *(
        "shot 12:30.png",
        "what?.png",
        'say "hi".png',
        "a<b>c.png",
        "a|b.png",
        "star*.png",
        "tab\there.png",
        "line\nfeed.png",
    ),
    *(
        "back\\slash.png",
        " blank before.png",
        "blank after .png",
        "a.png [output].png",
        "[input].png",
        "日本.png",
        "é.png",
        "e\u0301.png",
    ),
    *("a [b] [c].png", "%2e%2e.png", "~.png", "-rf.png", "$HOME.png", "#.png", "x" * 251 + ".png"),
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_every_name_that_is_handed_out_is_opened_again(tmp_path: Path):
    for name in ODD_NAMES:
        (tmp_path / "p").mkdir(exist_ok=True)
        (tmp_path / "p" / name).write_bytes(name.encode())
    for folder in ("p", "p [input]", "[input]"):
        found = pictures.listing(folder, {"input": tmp_path, "output": tmp_path / "out"})
        assert {
            pictures.locate(each, {"input": tmp_path, "output": tmp_path / "out"})[1].name for each in found
        } == set(ODD_NAMES)
        for each in found:
            path = pictures.locate(each, {"input": tmp_path})[1]
            assert path.read_bytes() == path.name.encode()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_left_out_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "p").mkdir()
    for name in (b"caf\xe9.png", b"a.png"):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path / "p"), name))).write_bytes(b"x")
    assert pictures.listing("p", {"input": tmp_path}) == ["p/a.png [input]"]
    assert r"caf\xe9.png" in caplog.text and "not UTF-8" in caplog.text


def test_a_folder_that_ends_in_brackets_is_that_folder(tmp_path: Path):
    roots = {"input": tmp_path / "in", "output": tmp_path / "out"}
    for folder in ("in/holiday [2024]", "in/shots[raw]", "in/both [output]", "out/there"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.png").write_bytes(b"x")
    assert pictures.listing("holiday [2024]", roots) == ["holiday [2024]/a.png [input]"]
    assert pictures.listing("shots[raw]", roots) == ["shots[raw]/a.png [input]"]
    assert pictures.listing("both [output]", roots) == ["both [output]/a.png [input]"]
    assert pictures.listing("there [output]", roots) == ["there/a.png [output]"]
    with pytest.raises(Told, match=r"no root \[2023\]"):
        pictures.listing("holiday [2023]", roots)


@pytest.mark.parametrize("folder", ["", " ", "\t"])
def test_no_folder_is_not_all_of_them(tmp_path: Path, folder: str):
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(Told, match="No folder is named"):
        pictures.listing(folder, {"input": tmp_path})
    assert pictures.listing("[input]", {"input": tmp_path}) == ["a.png [input]"]


@pytest.mark.parametrize(
    "path", ["..", "../x", "a/../../x", "/etc", "\\\\host\\share\\..\\..", "a\x00", "a/./b", "x" * 256, "C:\\x"]
)
def test_what_is_there_already_is_looked_for_below_the_root_only(tmp_path: Path, path: str):
    with pytest.raises(Told):
        existing(tmp_path, path)


def test_a_path_of_windows_finds_its_file(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").write_bytes(b"x")
    assert existing(tmp_path, "sub\\a.png") == tmp_path / "sub" / "a.png"


def test_a_root_that_is_not_there_is_named(tmp_path: Path):
    for name in ("a.png", "a.png [input]", "a.png [disk]"):
        with pytest.raises(Told, match=r"there is no root \[(input|disk)\]. Roots: \[temp\]"):
            pictures.locate(name, {"temp": tmp_path})


def test_a_link_that_leads_out_or_to_itself_is_no_picture(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "out").symlink_to(tmp_path)
    (tmp_path / "in" / "self").symlink_to(tmp_path / "in" / "self")
    for name in ("out/x.png", "self/x.png"):
        with pytest.raises(Told, match="through a link"):
            existing(tmp_path / "in", name)


def test_a_missing_folder_is_answered_with_those_there_are(tmp_path: Path):
    (tmp_path / "holiday").mkdir()
    with pytest.raises(Told, match=r"no folder 'holday'.*holiday"):
        pictures.listing("holday", {"input": tmp_path})
    with pytest.raises(Told, match="no pictures"):
        pictures.listing("holiday", {"input": tmp_path})
    with pytest.raises(Told, match=r"no root \[disk\].*\[input\]"):
        pictures.listing("a [disk]", {"input": tmp_path})


def pasted(**more: object) -> str:
    return json.dumps({"session": "s", "round": 1, "index": 1, "lineage": "X1", "seed": 1, **more})


def test_an_item_survives_the_way_through_a_picture():
    item = Item(
        session="s",
        round=2,
        index=3,
        lineage="X0001",
        seed=42,
        total=9,
        source="a b.png [input]",
        draw={"checkpoint": "a"},
        words=Words("red", "a red door"),
    )
    assert Item.from_json(item.to_json()) == item


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "lacks session, round"),
        ('{"session": 1}', "must be str"),
        ('{"sesion": "a"}', "no field 'sesion'"),
        ('{"round": true}', "must be int"),
        ("[" * 100_000, "not JSON"),
        ('{"session": "../x", "round": 1, "index": 1, "lineage": "X1", "seed": 1}', "session name '../x'"),
        ('{"session": "s", "round": 1, "index": 1, "lineage": "../../x", "seed": 1}', "lineage name '../../x'"),
        ('{"session": "s", "round": 1, "index": 1, "lineage": "/x", "seed": 1}', "lineage name '/x'"),
        (pasted(seed=2**64), "'seed' is too large a number"),
        (pasted(words={"tags": ["red"]}), "words have 'tags', which this version does not know"),
        (pasted(words={"tags": "red", "lang": "en"}), "words have 'lang', which this version does not know"),
        (pasted(words={"caption": "half \ud83d"}), "half a character"),
        (pasted(source="half \ud83d.png [input]"), "half a character"),
        (pasted(payload={"scale": float("nan")}), "NaN"),
        (pasted(payload={"scale": 10**400}), "'scale', which must be a number"),
        (pasted(payload={"seed": 2**64}), "'seed', which must be a whole number"),
    ],
)
def test_what_is_no_item_is_refused_in_words(text: str, says: str):
    with pytest.raises(Told, match=says):
        Item.from_json(text)


@pytest.mark.parametrize("around", ["{}", " {} ", '"{}"', "'{}'", "{}/"])
def test_a_whole_path_below_a_root_is_taken(tmp_path: Path, around: str) -> None:
    roots = {"input": tmp_path / "in", "output": tmp_path / "out"}
    for folder in (roots["input"] / "few", roots["output"] / "old" / "round-0001"):
        folder.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(folder / "a.jfif", "JPEG")
    pasted = around.format
    assert pictures.listing(pasted(roots["input"] / "few"), roots) == ["few/a.jfif [input]"]
    assert pictures.listing(pasted(roots["output"] / "old"), roots) == ["old/round-0001/a.jfif [output]"]
    assert pictures.listing(pasted(roots["input"]), roots) == ["few/a.jfif [input]"]
    assert pictures.listing(pasted(f"{roots['input']}/x/../few"), roots) == ["few/a.jfif [input]"]
    for outside in (tmp_path, f"{roots['input']}/../other", roots["input"].with_name("in2"), "/etc"):
        with pytest.raises(Told):
            pictures.listing(pasted(outside), roots)


def test_a_whole_path_through_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "secret" / "a.png")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(Told, match="leads out of in/ through a link"):
        pictures.listing(str(tmp_path / "in" / "link"), {"input": tmp_path / "in"})

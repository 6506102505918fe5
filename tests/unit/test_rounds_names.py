from pathlib import Path

import pytest

from resonance.files import pictures
from resonance.files.names import check_name, inside
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


def test_a_missing_folder_is_answered_with_those_there_are(tmp_path: Path):
    (tmp_path / "holiday").mkdir()
    with pytest.raises(Told, match=r"no folder 'holday'.*holiday"):
        pictures.listing("holday", {"input": tmp_path})
    with pytest.raises(Told, match="no pictures"):
        pictures.listing("holiday", {"input": tmp_path})
    with pytest.raises(Told, match=r"no root \[disk\].*\[input\]"):
        pictures.listing("a [disk]", {"input": tmp_path})


def test_an_item_survives_the_way_through_a_picture():
    item = Item("s", 2, 3, "X0001", 42, 9, "a b.png [input]", {"checkpoint": "a"}, Words("red", "a red door"))
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
    ],
)
def test_what_is_no_item_is_refused_in_words(text: str, says: str):
    with pytest.raises(Told, match=says):
        Item.from_json(text)

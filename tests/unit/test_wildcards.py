"""Wildcards: which files a name means, what their entries are, and that no name reaches anything else."""

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from resonance.paint import wildcards
from resonance.paint.dynamic import Chosen, choose, parse
from resonance.paint.lines import read_lines
from resonance.paint.shots import randoms_of
from resonance.paint.wildcards import LARGEST, MOST, WildcardFiles
from resonance.told import Told


def write(root: Path, **files: str) -> Path:
    """Files by their names, in which __ stands for / and _ for the dot before the suffix."""
    for name, text in files.items():
        place, _, suffix = name.replace("__", "/").rpartition("_")
        path = root / f"{place}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")
    return root


def drawn(text: str, *roots: Path) -> set[str]:
    """All that a text becomes in a thousand draws."""
    files, found = WildcardFiles(roots), Counter[str]()
    nodes = parse(text)
    for seed in range(1000):
        choose(nodes, randoms_of(seed), files, chosen := Chosen())
        found[chosen.text] += 1
    return set(found)


def fault(name: str, *roots: Path) -> str:
    with pytest.raises(Told) as raised:
        WildcardFiles(roots).check(name)
    return str(raised.value)


def test_a_line_is_an_entry(tmp_path: Path):
    root = write(tmp_path, sky_txt="\ufeffclear\r\n\r\n # a note\r\n  grey  \n0::green\n2::red {dusk|dawn}\rwhite")
    assert drawn("__sky__!", root) == {"clear!", "grey!", "red dusk!", "red dawn!", "white!"}


def test_names_lead_through_folders_and_keys(tmp_path: Path):
    root = write(
        tmp_path,
        animals__cats_txt="tabby",
        animals__big__cats_txt="lion",
        colours_yaml="colours:\n  warm: [red, orange]\n  cold:\n  - blue\n  grey: pale\n",
        shapes_yml="- round\n- 'square: 4'\n-\n",
        mixed_yaml="a:\n  b: {c: [x], d: [y]}\n",
        hidden_md="no",
    )
    assert drawn("__animals/cats__", root) == {"tabby"}
    assert drawn("__animals/big/cats__", root) == {"lion"}
    assert drawn("__colours/warm__", root) == {"red", "orange"}
    assert drawn("__colours/grey__", root) == {"pale"}
    assert drawn("__shapes__", root) == {"round", "square: 4"}
    assert drawn("__mixed/a/b/c__", root) == {"x"}
    for name in (
        "animals",
        "colours",
        "mixed/a/b",
        "hidden",
        "colours/colours/warm",
        "animals/cats/tabby",
        "Animals/cats",
    ):
        assert "There is no wildcard" in fault(name, root)


def test_asterisks_stand_for_names_and_not_for_folders(tmp_path: Path):
    root = write(
        tmp_path, a__x1_txt="1", a__x2_txt="2", a__y_txt="3", b__x1_txt="4", x1_txt="5", c_yaml="x1: [6]\nx2: {x1: [7]}"
    )
    assert drawn("__a/*__", root) == {"1", "2", "3"}
    assert drawn("__a/x?__", root) == {"1", "2"}
    assert drawn("__*/x1__", root) == {"1", "4", "6"}
    assert drawn("__*__", root) == {"5"}
    assert drawn("__*/*__", root) == {"1", "2", "3", "4", "6"}
    assert drawn("__?/x2/*__", root) == {"7"}
    assert "There is no wildcard 'z*'" in fault("z*", root)


def test_of_two_folders_the_first_counts(tmp_path: Path):
    first, second = write(tmp_path / "1", a_txt="1"), write(tmp_path / "2", a_txt="2", b_txt="3", a_yaml="c: [4]")
    assert drawn("__a__ __b__ __a/c__", first, second, tmp_path / "none") == {"1 3 4"}
    assert drawn("__?__", first, second) == {"1", "3"}


def test_entries_lead_to_other_wildcards(tmp_path: Path):
    root = write(tmp_path, a_txt="{__b__|x} y\nz", b_txt="__c__ __c__", c_txt="1\n2")
    assert drawn("__a__", root) == {"z", "x y", *(f"{one} {two} y" for one in "12" for two in "12")}


def test_a_circle_is_named_wherever_it_is(tmp_path: Path):
    root = write(tmp_path, a_txt="1\n{__b__|x}", b_txt="__c__", c_txt="{2|3 __b__}", d_txt="__d__")
    assert fault("a", root) == "The wildcard 'b' leads to itself: its entries lead to c, which leads to b."
    assert fault("d", root) == "The wildcard 'd' leads to itself: its entries lead to d."


def test_they_lead_through_twenty_of_them_and_no_more(tmp_path: Path):
    root = write(tmp_path, **{f"n{n:02}_txt": f"__n{n + 1:02}__" for n in range(30)}, n30_txt="end")
    assert drawn("__n11__", root) == {"end"}
    assert "'n10' leads through more than 20" in fault("n10", root)
    files = WildcardFiles([root])
    files.check("n20")  # what is known of one already does not change that
    with pytest.raises(Told, match="'n08' leads through more than 20"):
        files.check("n08")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../secret", "leads out of its folder"),
        ("a/../../secret", "leads out of its folder"),
        ("./a", "leads out of its folder"),
        ("/etc/passwd", "begins or ends with /"),
        ("a/", "begins or ends with /"),
        ("a//b", "begins or ends with /"),
        ("..\\secret", "holds a backslash or a colon"),
        ("C:/secret", "holds a backslash or a colon"),
        ("link", "leads out of wildcards/ through a link"),
        ("folder/secret", "There is no wildcard"),
        ("*/secret", "There is no wildcard"),
        ("ring", "There is no wildcard"),
    ],
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str, said: str):
    write(tmp_path, secret_txt="secret", elsewhere__secret_txt="secret")
    root = write(tmp_path / "wildcards", a_txt="1")
    os.symlink(tmp_path / "secret.txt", root / "link.txt")
    os.symlink(tmp_path / "elsewhere", root / "folder")
    os.symlink(root / "ring.txt", root / "ring.txt")
    assert said in fault(name, root)
    with pytest.raises(Told, match=r"^Line 1, column 3: "):
        read_lines(f"a __{name}__", WildcardFiles([root]))


def test_a_link_within_the_folder_is_followed(tmp_path: Path):
    root = write(tmp_path, a_txt="1")
    os.symlink(root / "a.txt", root / "b.txt")
    assert drawn("__b__", root) == {"1"}


def test_an_unknown_one_is_an_error_with_the_nearest(tmp_path: Path):
    root = write(tmp_path, animals__cats_txt="1", animals__dogs_txt="2", colours_yaml="warm: [red]")
    assert fault("animal/cat", root).endswith("Nearest: animals/cats, animals/dogs.") and str(root) in fault("x", root)
    files = WildcardFiles([root])
    files.check("colours/warm")
    with pytest.raises(Told, match=r"Nearest: colours/warm"):
        files.check("colours/wram")
    assert fault("x").endswith("Searched: no folder. There are none at all.")
    assert "Searched" in fault("empty", write(tmp_path, empty_txt="# nothing\n\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x", "a.yaml, line 2: & and * are not supported"),
        ("a: [[1]]", "line 1: a list must hold texts only"),
        ("a:\n- b: 1", "line 2: a list must hold texts only"),
        ("[1]: 2", "line 1: a name must be a text"),
        ("a: 1\nb: 2\na: 3", "line 3: the name 'a' is given twice"),
        ("a: 1\n---\nb: 2", "line 2: a wildcard file must hold one document only"),
        ("a: [1", "a.yaml is no valid YAML: "),
        ("a: !!python/object/apply:os.system ['x']\n\t", "a.yaml is no valid YAML: "),
        ("a: " + "{b: " * 30 + "1" + "}" * 30, "20 deep"),
        ("{" * 100_000, "a.yaml"),
        ("a: [" + "1," * 100 + "1]", "can have 100 entries at most"),
        ("a:\n- '{b'\n", "wildcards/a, line 2: this { is not closed"),
        ("", "There is no wildcard"),
    ],
)
def test_a_yaml_file_holds_names_and_lists_of_texts_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
):
    monkeypatch.setattr(wildcards, "MOST", 100)
    begun = time.thread_time()
    assert said in fault("a", write(tmp_path, a_yaml=text))
    assert time.thread_time() - begun < 2


def test_what_yaml_would_make_objects_of_stays_text(tmp_path: Path):
    root = write(tmp_path, a_yaml="a: [yes, 2001-99-99, 1e3, null, !!python/name:os.system x, 'two\n\n  lines']")
    assert drawn("__a__", root) == {"yes", "2001-99-99", "1e3", "null", "x", "two lines"}


def test_what_is_too_large_or_no_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert MOST == 200_000
    monkeypatch.setattr(wildcards, "MOST", 100)
    root = write(tmp_path, lines_txt="\n" * 101, many1_txt="a\n" * 99, many2_txt="a\nb", nul_txt="a\0")
    (root / "large.txt").write_bytes(b"a" * (LARGEST + 1))
    (root / "latin.txt").write_bytes(b"caf\xe9")
    os.mkfifo(root / "pipe.txt")
    assert "more than 100 lines" in fault("lines", root)
    assert "'many?' has more than 100 entries" in fault("many?", root)
    assert "more than 8 MB" in fault("large", root)
    assert "is not UTF-8" in fault("latin", root)
    assert "holds a NUL" in fault("nul", root)
    assert "There is no wildcard" in fault("pipe", root)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{e$$a|b}", "e$$ cannot be in a wildcard"),
        ("{a|b", "wildcards/a, line 2: this { is not closed"),
        ("-1::a", "wildcards/a, line 2: the weight -1"),
        ("__none__", "There is no wildcard 'none'"),
        ("${x}", "a variable of sd-dynamic-prompts"),
    ],
)
def test_what_is_wrong_in_an_entry_is_said_before_it_is_drawn(tmp_path: Path, entry: str, said: str):
    assert said in fault("a", write(tmp_path, a_txt=f"fine\n{entry}\n"))


def test_all_weights_of_nothing(tmp_path: Path):
    assert "All entries of the wildcard 'a' have weight 0" in fault("a", write(tmp_path, a_txt="0::b\n0::c"))


def test_a_prompt_that_grows_without_end_is_refused(tmp_path: Path):
    root = write(tmp_path, **{f"n{n:02}_txt": f"__n{n + 1:02}__ __n{n + 1:02}__" for n in range(18)}, n18_txt="word")
    files = WildcardFiles([root])
    [line] = read_lines("a __n00__", files).lines
    with pytest.raises(
        Told, match=r"Line 1, column 3: the choices made here give a prompt of more than 65,536 characters"
    ):
        line.choose(line.nodes, randoms_of(1), files)


def test_a_stamp_changes_with_any_file(tmp_path: Path):
    def stamp() -> str:
        return WildcardFiles([tmp_path]).stamp()

    stamps = [stamp()]
    (tmp_path / "a").mkdir()
    for change in ("one\n", "two two\n"):
        (tmp_path / "a" / "b.txt").write_text(change)
        stamps.append(stamp())
        assert stamp() == stamps[-1]
    (tmp_path / "a" / "b.txt").unlink()
    assert len(set(stamps)) == 3 and stamp() == stamps[0]


def test_a_file_is_read_once(tmp_path: Path):
    root = write(tmp_path, a_txt="1")
    files = WildcardFiles([root])
    files.check("a")
    write(tmp_path, a_txt="2")
    assert len(files("a").entries) == 1 and drawn("__a__", root) == {"2"}

"""Words in a file beside their picture."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from resonance.files.sidecar import beside, save
from resonance.graph import loaded_pictures
from resonance.told import Told


@pytest.fixture
def roots(tmp_path: Path) -> Mapping[str, Path]:
    found = {name: tmp_path / name for name in ("input", "output", "samples")}
    for folder in found.values():
        (folder / "holiday").mkdir(parents=True)
        for name in ("a.png", "b.JPG"):
            (folder / "holiday" / name).touch()
    return found


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("holiday/a.png", "holiday/a.txt [input]"),
        ("holiday/b.JPG [output]", "holiday/b.txt [output]"),
        (r"holiday\a.png", "holiday/a.txt [input]"),
        ("{input}/holiday/a.png", "holiday/a.txt [input]"),
    ],
)
def test_words_stand_beside_their_picture_as_trainers_read_them(
    roots: Mapping[str, Path], picture: str, name: str
) -> None:
    [place] = beside([picture.format(**roots)], roots)
    assert place.name == name
    assert save(place, "ein Bär, 赤", replace=False)
    assert (roots[place.root] / place.file).read_bytes() == "ein Bär, 赤\n".encode()


def test_a_file_that_is_there_stays_until_somebody_says_replace(roots: Mapping[str, Path]) -> None:
    [place] = beside(["holiday/a.png"], roots)
    file = roots["input"] / "holiday" / "a.txt"
    file.write_text("mine\n")
    assert not save(place, "tags", replace=False) and file.read_text() == "mine\n"
    assert save(place, "tags", replace=True) and file.read_text() == "tags\n"
    before = file.stat().st_mtime_ns
    assert save(place, "tags", replace=False) and file.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("pictures", "says"),
    [
        (["holiday/c.png"], "There is no picture 'holiday/c.png'"),
        (["holiday"], "There is no picture 'holiday'"),
        (["holiday/a.txt"], "There is no picture 'holiday/a.txt'"),
        (["holiday/a.png [samples]"], r"lies in \[samples\]: words are saved only beside pictures in"),
        (["../a.png"], "not a path below input/"),
        (["/etc/a.png"], "not a path below input/"),
        (["holiday/a.png [moon]"], r"no root \[moon\]"),
        (["holiday/a.png", "holiday/a.jpg"], "would share holiday/a.txt: rename one of them"),
        (["holiday/a.png", r"holiday\a.png"], "would share holiday/a.txt"),
    ],
)
def test_what_has_no_place_for_words_is_said(roots: Mapping[str, Path], pictures: list[str], says: str) -> None:
    for name in ("a.txt", "a.jpg"):
        (roots["input"] / "holiday" / name).write_text("mine")
    with pytest.raises(Told, match=says):
        beside(pictures, roots)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_nothing_is_written_through_a_link(roots: Mapping[str, Path], tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    [place] = beside(["holiday/a.png"], roots)
    (roots["input"] / "holiday" / "a.txt").symlink_to(mine)
    with pytest.raises(Told, match="is a link: nothing is written through one"):
        save(place, "tags", replace=True)
    assert mine.read_text() == "mine"


def test_a_folder_of_that_name_is_no_place_for_words(roots: Mapping[str, Path]) -> None:
    [place] = beside(["holiday/a.png"], roots)
    (roots["input"] / "holiday" / "a.txt").mkdir()
    assert not save(place, "tags", replace=False)
    with pytest.raises(Told, match="cannot be written"):
        save(place, "tags", replace=True)


def test_the_picture_is_that_of_the_load_image_behind_the_words() -> None:
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "ResonanceTagImages", "inputs": {"images": ["2", 0]}},
        "4": {"class_type": "LoadImage", "inputs": {"image": "elsewhere.png"}},
        "5": {"class_type": "ResonanceSaveWords", "inputs": {"words": ["3", 0]}},
    }
    assert loaded_pictures(graph, "5") == ["a.png"]
    graph["3"]["inputs"]["images"] = ["6", 0]
    painted = {"6": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0]}}}
    assert loaded_pictures({**graph, **painted}, "5") == []

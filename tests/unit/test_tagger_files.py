"""Finding taggers, and what a person reads when files or libraries are missing or wrong."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from models import tagger as tiny
from PIL import Image

from resonance.interpret.taggers import engine, install
from resonance.interpret.taggers.labels import read_labels
from resonance.interpret.taggers.models import MODELS, recognise
from resonance.interpret.taggers.onnx_engine import onnxruntime
from resonance.told import NoLibrary, Told

RED = Image.new("RGB", (32, 32), (255, 0, 0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tiny.build(tmp_path)
    return tmp_path / "taggers"


def red(tagger: engine.Tagger) -> float:
    loaded = engine.load(tagger)
    return loaded.scores([RED])[0][loaded.labels.names.index("red")]


def test_any_folder_with_a_model_and_its_list_is_found(root: Path) -> None:
    assert engine.names([root])[-2:] == ["tiny-onnx", "tiny-torch"]
    assert red(engine.find("tiny-onnx", [root])) > 0.9
    assert red(engine.find("tiny-torch", [root])) > 0.9


def test_all_folders_are_searched(root: Path, tmp_path: Path) -> None:
    tagger = engine.find("tiny-onnx", [tmp_path / "nowhere", root])
    assert tagger.folder == root / "tiny-onnx"
    assert not tagger.missing


def test_an_unknown_folder_is_recognised_by_its_list(tmp_path: Path) -> None:
    for name, expected in {
        "tag_mapping.json": "cl_tagger_1_02",
        "camie-tagger-v2-metadata.json": "camie-tagger-v2",
        "top_tags.txt": "joytag",
        "selected_tags.csv": "wd-vit-tagger-v3",
    }.items():
        folder = tmp_path / expected / "mine"
        folder.mkdir(parents=True)
        (folder / name).write_text("x")
        (folder / "net_int8.onnx").write_text("x")
        row = recognise(folder)
        assert row
        assert (row.onnx, row.graph, row.repo) == (MODELS[expected].onnx, "net_int8.onnx", "")
    tiny.write_csv(folder / "selected_tags.csv", ips=True)
    row = recognise(folder)
    assert row and row.onnx == MODELS["pixai-tagger-v0.9"].onnx
    assert recognise(tmp_path) is None


def test_auto_takes_torch_if_its_files_are_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine.find("tiny-torch", [root]).engine == "torch"
    assert engine.find("tiny-onnx", [root]).engine == "onnx"
    assert engine.find("wd-vit-tagger-v3", [root]).engine == "torch", "nothing there: what would be fetched"
    tiny.onnx_tagger(root / "wd-vit-tagger-v3")
    assert engine.find("wd-vit-tagger-v3", [root]).engine == "onnx"

    (root / "tiny-torch" / "model.onnx").write_bytes((root / "tiny-onnx" / "model.onnx").read_bytes())
    assert engine.find("tiny-torch", [root]).engine == "torch"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert engine.find("tiny-torch", [root]).engine == "onnx", "without timm"


@pytest.mark.parametrize(
    "name", ["..", "../taggers/tiny-onnx", "/etc", "tiny-onnx/../tiny-torch", "", ".", "nobody", "a\0b"]
)
def test_a_name_that_is_no_folder_of_ours_is_refused(root: Path, name: str) -> None:
    with pytest.raises(Told, match="There is no tagger") as error:
        engine.find(name, [root])
    assert str(root) in str(error.value) and "tiny-onnx" in str(error.value)


def test_what_is_missing_is_named_with_folders_page_and_switch(root: Path, tmp_path: Path) -> None:
    roots = [root, tmp_path / "more"]
    text = engine.explain_missing(engine.find("camie-tagger-v2", roots), roots)
    for part in (
        *(str(folder / "camie-tagger-v2") for folder in roots),
        *("camie-tagger-v2.onnx", "camie-tagger-v2-metadata.json"),
        *("https://huggingface.co/Camais03/camie-tagger-v2", "download"),
    ):
        assert part in text

    (root / "tiny-torch" / "config.json").unlink()
    text = engine.explain_missing(engine.find("tiny-torch", [root]), [root])
    assert "lacks config.json in" in text and "huggingface" not in text


def test_automatic_is_what_is_there_whole_and_else_what_would_be_fetched(root: Path, tmp_path: Path) -> None:
    (root / "joytag").mkdir()
    (root / "joytag" / "top_tags.txt").write_text("red")
    assert engine.find(engine.AUTOMATIC, [tmp_path / "nowhere", root]).folder == root / "tiny-onnx"
    empty = [tmp_path / "empty"]
    found = engine.find(engine.AUTOMATIC, empty)
    assert found.missing and found == engine.find("wd-vit-tagger-v3", empty)
    assert engine.explain_missing(found, empty, engine.AUTOMATIC) == (
        f"No tagger is in {empty[0]} yet: switch on 'download' to fetch wd-vit-tagger-v3 (0.4 GB from"
        " https://huggingface.co/SmilingWolf/wd-vit-tagger-v3), or put a tagger's folder there."
    )


def test_a_model_without_torch_form_says_so(root: Path) -> None:
    with pytest.raises(Told, match="no form for torch"):
        engine.find("joytag", [root], "torch")


def test_label_files_of_all_kinds(tmp_path: Path) -> None:
    csv, txt, cl, camie = (
        tmp_path / n for n in ("selected_tags.csv", "top_tags.txt", "tag_mapping.json", "x-metadata.json")
    )
    csv.write_text('\ufefftag_id,name,category,count\n1,safe,9,0\n2,"a,b",0,3\n3,miku,4,1\n4,fate,3,1\n')
    txt.write_text("red\n\n^_^ \n")
    cl.write_text(json.dumps({"1": {"tag": "b", "category": "Character"}, "0": {"tag": "a", "category": "Rating"}}))
    camie.write_text(
        json.dumps(
            {"dataset_info": {"tag_mapping": {"idx_to_tag": {"1": "b", "0": "a"}, "tag_to_category": {"b": "Year"}}}}
        )
    )
    assert list(zip(*vars(read_labels(csv)).values(), strict=True)) == [
        ("safe", "rating"),
        ("a,b", "general"),
        ("miku", "character"),
        ("fate", "copyright"),
    ]
    assert read_labels(txt).names == ("red", "^_^")
    assert read_labels(cl).categories == ("rating", "character")
    assert (read_labels(camie).names, read_labels(camie).categories) == (("a", "b"), ("general", "year"))


def listed(folder: Path, *numbers: int) -> Path:
    path = folder / "selected_tags.csv"
    rows = (f"{at},tag{at},{number},0" for at, number in enumerate(numbers))
    path.write_text("\n".join(("tag_id,name,category,count", *rows)))
    return path


@pytest.mark.parametrize(
    ("numbers", "board", "categories"),
    [
        ((0, 5, 7), None, "general species meta"),
        ((0, 2, 5, 6, 8), None, "general contributor species invalid lore"),
        ((0, 4, 5, 9), None, "general character meta rating"),
        ((0, 1, 3, 4), None, "general artist copyright character"),
        ((0, 5), "danbooru", "general meta"),
        ((0, 5), "e621", "general species"),
    ],
)
def test_a_list_says_its_board_by_its_numbers_or_beside_it(
    tmp_path: Path, numbers: tuple[int, ...], board: str | None, categories: str
) -> None:
    if board:
        (tmp_path / "board.txt").write_text(f"{board}\n")
    assert " ".join(read_labels(listed(tmp_path, *numbers)).categories) == categories


@pytest.mark.parametrize(
    ("numbers", "board", "says"),
    [
        (
            (0, 5),
            None,
            "does not say which board its tags are from: category 5 is meta on danbooru and species on e621",
        ),
        ((0, 7, 9), None, "the categories 0, 7, 9 are not those of danbooru or of e621"),
        ((0, 11), None, "the categories 0, 11 are not those of danbooru or of e621"),
        ((0, 7), "danbooru", "the categories 0, 7 are not those of danbooru"),
        ((0, 5), "gelbooru", "board.txt must hold danbooru or e621"),
    ],
)
def test_a_list_of_no_known_board_is_refused(
    tmp_path: Path, numbers: tuple[int, ...], board: str | None, says: str
) -> None:
    if board:
        (tmp_path / "board.txt").write_text(board)
    with pytest.raises(Told, match=says):
        read_labels(listed(tmp_path, *numbers))


def test_the_board_of_a_known_tagger_is_known_and_that_of_another_folder_is_not(tmp_path: Path) -> None:
    assert read_labels(listed(tmp_path, 0, 5), MODELS["wd-v1-4-moat-tagger-v2"].board).categories == ("general", "meta")
    row = recognise(tmp_path)
    assert row and row.board is None


def test_categories_by_name_are_known_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "tag_mapping.json"
    path.write_text(json.dumps({"0": {"tag": "wolf", "category": "Species"}}))
    assert read_labels(path).categories == ("species",)
    path.write_text(json.dumps({"0": {"tag": "wolf", "category": "Kind"}}))
    with pytest.raises(Told, match="categories of tags that are not known: kind"):
        read_labels(path)


@pytest.mark.parametrize("content", [b"", b"name\nx", b"\x00\xff\xfe", b"tag_id,name,category\n1,a,none"])
def test_a_broken_list_is_an_error_that_names_it(root: Path, content: bytes) -> None:
    (root / "tiny-onnx" / "selected_tags.csv").write_bytes(content)
    with pytest.raises(Told, match="selected_tags.csv|list of tags has 0"):
        engine.load(engine.find("tiny-onnx", [root]))


@pytest.mark.parametrize(
    "mapping",
    ['{"0": 5}', '{"0": null}', '{"0": ""}', r'{"0": "\ud800"}', "[" * 100_000],
    ids=["a number", "nothing", "no name", "half a character", "too deep"],
)
def test_a_tag_is_a_text(tmp_path: Path, mapping: str) -> None:
    path = tmp_path / "tag_mapping.json"
    path.write_text(f'{{"idx_to_tag": {mapping}, "tag_to_category": {{}}}}')
    with pytest.raises(Told, match=r"tag_mapping\.json is not a list of tags"):
        read_labels(path)


def test_a_description_of_a_model_that_is_nested_too_deeply_is_refused(root: Path) -> None:
    (root / "tiny-torch" / "config.json").write_text("[" * 100_000)
    with pytest.raises(Told, match=r"config\.json does not describe a timm model"):
        engine.load(engine.find("tiny-torch", [root]))


@pytest.mark.parametrize("name", ["tiny-onnx", "tiny-torch"])
def test_model_and_list_that_do_not_belong_together(root: Path, name: str) -> None:
    path = root / name / "selected_tags.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(Told, match=r"scores 13 tags but the list of tags has 12"):
        engine.load(engine.find(name, [root]))


@pytest.mark.parametrize("content", [b"", b"not a model at all", None])
@pytest.mark.parametrize(
    ("name", "file"), [("tiny-onnx", "model.onnx"), ("tiny-torch", "model.safetensors"), ("tiny-torch", "config.json")]
)
def test_a_broken_file_is_named(root: Path, name: str, file: str, content: bytes | None) -> None:
    path = root / name / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    with pytest.raises(Told, match=f"{file}.*Fetch") as error:
        engine.load(engine.find(name, [root]))
    assert "\n" not in str(error.value)


def test_weights_of_another_architecture_are_refused(root: Path) -> None:
    path = root / "tiny-torch" / "config.json"
    config = json.loads(path.read_text())
    for args in ({"depth": 2}, {"embed_dim": 8}, {"depth": 0}):
        path.write_text(json.dumps({**config, "model_args": {**config["model_args"], **args}}))
        with pytest.raises(Told, match="model.safetensors .*Fetch both"):
            engine.load(engine.find("tiny-torch", [root]))


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "hf-hub:someone/something"},
        {"architecture": "local-dir:/tmp"},
        {"architecture": "no_such_net"},
        {"model_args": {"checkpoint_path": "evil.pth"}},
        {"model_args": {"pretrained": True}},
    ],
)
def test_a_config_cannot_make_timm_fetch_or_open_anything(root: Path, change: dict[str, object]) -> None:
    path = root / "tiny-torch" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(Told, match=r"config.json: timm .* (knows no|cannot build)"):
        engine.load(engine.find("tiny-torch", [root]))


def test_a_graph_that_is_fed_otherwise_is_refused(root: Path) -> None:
    tiny.onnx_graph(root / "tiny-onnx" / "model.onnx", np.zeros((3, 13)), np.zeros(13), channels_first=True)
    with pytest.raises(Told, match="wants input of shape .*give its folder the name"):
        engine.load(engine.find("tiny-onnx", [root]))


def test_a_graph_without_the_output_of_its_recipe_is_refused(root: Path) -> None:
    folder = root / "pixai-tagger-v0.9"
    tiny.onnx_tagger(folder)
    with pytest.raises(Told, match="no output 'prediction', only output"):
        engine.load(engine.find(folder.name, [root]))


def test_without_timm_the_error_says_what_to_type(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(NoLibrary, match="needs timm. Install it with: .* -m pip install timm") as error:
        engine.load(engine.find("tiny-torch", [root]))
    assert sys.executable in str(error.value)
    assert red(engine.find("tiny-onnx", [root])) > 0.9


def test_without_onnxruntime_the_error_says_what_to_type(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(NoLibrary, match="needs onnxruntime. Install it with: .* -m pip install onnxruntime"):
        engine.load(engine.find("tiny-onnx", [root]))
    assert red(engine.find("tiny-torch", [root])) > 0.9


def test_a_damaged_onnxruntime_is_told_from_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", type(sys)("onnxruntime"))
    with pytest.raises(NoLibrary, match="damaged. Reinstall"):
        onnxruntime()


@pytest.mark.parametrize(
    ("system", "machine", "cuda", "package"),
    [
        ("linux", "x86_64", True, "onnxruntime-gpu"),
        ("win32", "AMD64", True, "onnxruntime-gpu"),
        ("linux", "aarch64", True, "onnxruntime"),
        ("linux", "x86_64", False, "onnxruntime"),
        ("win32", "AMD64", False, "onnxruntime"),
        ("darwin", "arm64", False, "onnxruntime"),
    ],
)
def test_the_flavour_of_onnxruntime_fits_the_machine(system: str, machine: str, cuda: bool, package: str) -> None:
    assert install.onnxruntime_flavour(system, machine, cuda) == package

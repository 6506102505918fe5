"""Formats of saved pictures: what is written into each is read back, by whoever reads it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resonance import images
from resonance.drive.workflow import load
from resonance.files import formats
from resonance.files.settings import FORMAT, SUFFIXES, Format
from resonance.gallery import thumbnails
from resonance.session import saving
from resonance.session.fill.pictures import Pictures
from resonance.session.item import Item, Words
from resonance.session.ledger import Ledger
from resonance.session.made import Made
from resonance.session.naming import Naming
from resonance.session.payloads import Exploration
from resonance.session.prompts import prompt_of
from resonance.session.rebuild import rebuild
from resonance.session.status import FILE
from resonance.told import Told

LOSSY = ("webp lossy", "jpeg", "jxl lossy", "avif")
GRAPH = {
    "1": {"class_type": "ResonanceRoundInput", "inputs": {"session": "s", "seed": 7}},
    "2": {"class_type": "ResonanceRoundOutput", "inputs": {"images": ["1", 0], "item": ["1", 1]}},
}
WORKFLOW: dict[str, Any] = {"nodes": [{"title": "日本 ü"}], "links": []}
TEXTS = {
    "prompt": json.dumps(GRAPH),
    "workflow": json.dumps(WORKFLOW),
    "other": '{"a": 1}',
    "resonance": '{"seed": 5}',
    "parameters": "a boat, “quoted”: 日本\nSteps: 3",
}
LARGE = json.dumps({"nodes": ["x" * 1000] * 70})
OFFERED = pytest.mark.parametrize("format", FORMAT.choices)


def picture(side: int = 24, mode: str = "RGB") -> Image.Image:
    noise = np.random.default_rng(1).integers(0, 256, (side, side, len(mode)), np.uint8)
    return Image.fromarray(noise, mode)


def written(path: Path, format: Format, texts: dict[str, str] = TEXTS, mode: str = "RGB") -> Path:
    file = path / f"a{SUFFIXES[format]}"
    file.write_bytes(formats.encode(picture(mode=mode), texts, format).data)
    return file


@OFFERED
def test_every_text_is_read_back(format: Format, tmp_path: Path):
    assert formats.texts(written(tmp_path, format)) == TEXTS
    assert formats.texts(written(tmp_path, format, {})) == {}


@OFFERED
def test_only_the_formats_that_say_so_lose_anything(format: Format, tmp_path: Path):
    kept = images.read(written(tmp_path, format))
    assert kept.size == (24, 24)
    assert np.array_equal(np.asarray(kept), np.asarray(picture())) == (format not in LOSSY)
    assert FORMAT.default not in LOSSY


@OFFERED
def test_transparency_is_kept_where_the_format_has_it(format: Format, tmp_path: Path):
    with Image.open(written(tmp_path, format, mode="RGBA")) as image:
        assert (image.mode == "RGBA") == (format != "jpeg")


@OFFERED
def test_a_workflow_is_found_in_every_format(format: Format, tmp_path: Path):
    read = load(written(tmp_path, format))
    assert read.graph == GRAPH
    assert read.request(session="s")["extra_data"] == {"extra_pnginfo": {"workflow": WORKFLOW}}


@pytest.mark.parametrize("format", [each for each in FORMAT.choices if each in ("webp", "avif")])
def test_exif_has_the_tags_of_comfyuis_own_savers(format: Format, tmp_path: Path):
    with Image.open(written(tmp_path, format)) as image:
        exif = image.getexif()
    assert exif[0x0110] == f"prompt:{TEXTS['prompt']}"
    assert exif[0x010F] == f"workflow:{TEXTS['workflow']}"


def test_what_does_not_fit_into_a_jpeg_is_handed_back_and_read_beside_it(tmp_path: Path):
    texts = TEXTS | {"workflow": LARGE}
    encoded = formats.encode(picture(), texts, "jpeg")
    assert encoded.left == {"workflow": LARGE}
    file = tmp_path / "a.jpg"
    file.write_bytes(encoded.data)
    assert formats.texts(file) == {key: text for key, text in TEXTS.items() if key != "workflow"}
    (tmp_path / "a.json").write_bytes(formats.beside(encoded.left))
    assert json.loads((tmp_path / "a.json").read_bytes()) == json.loads(LARGE), "ComfyUI's page opens it as it is"
    assert formats.texts(file) == texts


def test_several_texts_stand_beside_a_jpeg_by_name(tmp_path: Path):
    texts = TEXTS | {"workflow": LARGE, "prompt": LARGE}
    encoded = formats.encode(picture(), texts, "jpeg")
    assert set(encoded.left) == {"workflow", "prompt"}
    (tmp_path / "a.jpg").write_bytes(encoded.data)
    (tmp_path / "a.json").write_bytes(formats.beside(encoded.left))
    assert formats.texts(tmp_path / "a.jpg") == texts


@pytest.mark.parametrize("beside", ["", "no json", "[1]", "[" * 100_000, '"x"', "null"])
def test_a_strangers_file_beside_a_jpeg_says_nothing(beside: str, tmp_path: Path):
    file = written(tmp_path, "jpeg", {"resonance": "{}"})
    file.with_suffix(".json").write_text(beside)
    assert formats.texts(file) == {"resonance": "{}"}


def test_nothing_is_read_beside_other_formats(tmp_path: Path):
    file = written(tmp_path, "webp", {"resonance": "{}"})
    file.with_suffix(".json").write_text('{"workflow": {}}')
    assert formats.texts(file) == {"resonance": "{}"}


def test_what_a_format_cannot_hold_is_told_with_a_way_out():
    with pytest.raises(Told, match=r"20000 x 1 cannot be saved as webp \(.*Choose png"):
        formats.encode(Image.new("RGB", (20_000, 1)), {}, "webp")


def test_a_format_without_its_module_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(formats, "is_there", lambda format: False)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    with pytest.raises(Told, match="jxl lossy cannot be written here. .*pip install pillow-jxl-plugin"):
        formats.encode(picture(), {}, "jxl lossy")


def kept(folder: Path, naming: Naming, made: int = 1, before: int = 0, workflow: str = TEXTS["workflow"]) -> list[str]:
    """One round over two pictures; returns the names of the files, and which notes there were."""
    first = folder.parent.parent / "input" / "p"
    first.mkdir(parents=True, exist_ok=True)
    for number in (1, 2):
        (first / f"{number}.png").write_bytes(formats.encode(picture(), {}).data)
    fill = Pictures("p", 3, {"input": first.parent, "output": folder.parent})
    ledger, files = Ledger(folder, seed=7), list[str]()
    try:
        with ledger.transaction():
            fill.begin(ledger)
        while True:
            with ledger.transaction():
                round_ = fill.open_round(ledger)
                item = ledger.next(round_) if round_ else None
                if item is None:
                    return files
                item = ledger.claim(item, "run")
            source = fill.locate(item)
            assert source
            images.read(source)
            texts = {"prompt": TEXTS["prompt"], "workflow": workflow}
            pictures = (picture(),) * made
            files += saving.keep(
                ledger,
                item,
                Made(pictures=pictures, before=pictures[:1] * before, prompt="a boat", naming=naming, texts=texts),
            )
    finally:
        ledger.close()


@OFFERED
def test_rounds_go_on_from_every_format_and_its_ledger_is_made_anew(format: Format, tmp_path: Path):
    folder = tmp_path / "output" / "s"
    files = kept(folder, Naming(format=format), made=2, before=1)
    assert len(files) == 2 * 3 * 3
    assert {Path(file).suffix for file in files} == {SUFFIXES[format]}
    for path in folder.glob(f"{FILE}*"):
        path.unlink()
    found = rebuild(folder)
    assert (found.rounds, found.items, found.pictures, found.seed, found.left) == (3, 6, 18, 7, ())
    assert kept(folder, Naming(format=format), made=2, before=1) == [], "nothing is made twice"


@OFFERED
def test_the_gallery_shows_every_format(format: Format, tmp_path: Path):
    session = tmp_path / "s"
    session.mkdir()
    file = written(session, format)
    assert thumbnails.make(session, file)[8:12] == b"WEBP"
    shown = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif"}
    assert thumbnails.kind(file) == shown.get(file.suffix)


@OFFERED
def test_the_prompt_of_an_exploration_is_found_in_every_format(format: Format, tmp_path: Path):
    payload = Exploration(prompt="a boat", aspect="square", width=64, height=64, scale=6, steps=3, seed=1)
    item = Item(session="s", round=1, index=1, lineage="X0001", seed=1, words=Words(), payload=payload)
    file = written(tmp_path, format, {"resonance": item.to_json()})
    assert prompt_of(f"{file.name} [output]", {"output": tmp_path}) == "a boat"


def test_a_workflow_that_does_not_fit_is_noted_and_lies_beside_the_picture(tmp_path: Path, caplog: Any):
    folder = tmp_path / "output" / "s"
    [file, *_] = kept(folder, Naming(format="jpeg"), workflow=LARGE)
    assert f"{file}: workflow did not fit into it and is in {Path(file).stem}.json beside it" in caplog.text
    assert formats.texts(folder / file)["workflow"] == LARGE
    assert load(folder / file).graph == GRAPH

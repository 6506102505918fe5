"""What a LoRA says of itself is read from its header alone, whoever has written it."""

import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from resonance.files.lora_metadata import LONGEST, read_metadata
from resonance.told import Told

TENSOR = {"lora_unet.alpha": {"dtype": "F16", "shape": [], "data_offsets": [0, 2]}}
KOHYA = {
    "ss_output_name": "dogs",
    "ss_learning_rate": "0.0001",
    "ss_tag_frequency": json.dumps(
        {
            "10_sks dog": {"dog": 20, " grass": 12, "sks": 20},
            "5_cats": {"cat 😀": 30, "grass": 1},
            "1_plain dog": {"dog": 3},
        }
    ),
    "ss_dataset_dirs": json.dumps({"10_sks dog": {"n_repeats": 10, "img_count": 20}, "5_cats": {}, "photos": {}}),
    "ss_reg_dataset_dirs": json.dumps({"1_plain dog": {"n_repeats": 1, "img_count": 3}}),
}


def written(folder: Path, header: Any, more: bytes = b"\0\0") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + more)
    return path


def saying(folder: Path, **texts: str) -> Path:
    return written(folder, {"__metadata__": texts, **TENSOR})


def test_tags_are_counted_over_all_folders(tmp_path: Path) -> None:
    found = read_metadata(saying(tmp_path, **KOHYA))
    assert found.tags() == ["cat 😀", "dog", "sks", "grass"]
    assert found.tags(2) == ["cat 😀", "dog"]


def test_trigger_words_are_named_or_what_the_folders_stand_for(tmp_path: Path) -> None:
    assert read_metadata(saying(tmp_path, **KOHYA)).triggers == ["sks dog", "cats"]
    named = {**KOHYA, "modelspec.trigger_phrase": " a sks dog "}
    assert read_metadata(saying(tmp_path, **named)).triggers == ["a sks dog"]
    subsets = [{"class_tokens": "sks dog"}, {"class_tokens": "dog", "is_reg": True}, {"class_tokens": None}]
    datasets = json.dumps([{"subsets": subsets}, {"subsets": [{"class_tokens": "sks dog"}]}])
    assert read_metadata(saying(tmp_path, ss_datasets=datasets)).triggers == ["sks dog"]


def test_texts_that_are_json_are_part_of_the_json(tmp_path: Path) -> None:
    found = json.loads(read_metadata(saying(tmp_path, **KOHYA, odd="{not json", nan='{"a": NaN}')).json)
    assert found["ss_tag_frequency"]["5_cats"] == {"cat 😀": 30, "grass": 1}
    assert (found["ss_learning_rate"], found["odd"], found["nan"]) == ("0.0001", "{not json", '{"a": NaN}')


@pytest.mark.parametrize("header", [TENSOR, {"__metadata__": {}}, {"__metadata__": {"format": "pt"}}])
def test_a_file_may_say_nothing(tmp_path: Path, header: Any) -> None:
    found = read_metadata(written(tmp_path, header))
    assert (found.tags(), found.triggers) == ([], []) and json.loads(found.json) == found.texts


@pytest.mark.parametrize(
    "texts",
    [
        {"ss_tag_frequency": "[1, 2]"},
        {"ss_tag_frequency": '{"a": [1], "b": {"c": "x", "d": true, "e": -1, "": 3, " ": 3}, "c": 1}'},
        {"ss_datasets": '[1, {"subsets": {"a": 1}}, {"subsets": [1, {"class_tokens": ["x"]}]}]'},
        {"ss_dataset_dirs": '["10_a"]', "ss_reg_dataset_dirs": "null"},
        {"ss_tag_frequency": "{" * 100_000},
    ],
)
def test_what_has_another_form_than_trainers_write_is_left_alone(tmp_path: Path, texts: dict[str, str]) -> None:
    found = read_metadata(saying(tmp_path, **texts))
    assert (found.tags(), found.triggers) == ([], []) and found.json


def test_halves_of_letters_do_no_harm(tmp_path: Path) -> None:
    path = saying(tmp_path, title="\ud83d", ss_tag_frequency=r'{"1_\ud83d": {"\ude00": 1}}')
    found = read_metadata(path)
    assert "".join([found.json, *found.tags(), *found.triggers]).encode()


REFUSED = {
    "nothing": (b"", "no safetensors file"),
    "a pickled file": (b"PK\x03\x04\x14\0\x08\x08\0\0archive/data.pkl" + bytes(99), "no safetensors file"),
    "10 GB that are not there": ((10**10).to_bytes(8, "little") + b"{}", "no safetensors file"),
    "a length below zero": (b"\xff" * 8 + b"{}", "no safetensors file"),
    "text": (b"This is no file of tensors at all.", "no safetensors file"),
    "no JSON": (b"\x02" + bytes(7) + b"{,", "The header of a.safetensors cannot be read"),
    "no UTF-8": (b"\x04" + bytes(7) + b'{"\xff"', "The header of a.safetensors cannot be read"),
}


@pytest.mark.parametrize(("content", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(Told, match=says):
        read_metadata(path)


@pytest.mark.parametrize(
    "header", [b"[1]", b'{"__metadata__": [1]}', b'{"__metadata__": {"a": 1}}', b'{"__metadata__": {"a": {"b": "c"}}}']
)
def test_metadata_that_are_no_texts_are_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(Told, match=r"no safetensors file|is not what a safetensors file has"):
        read_metadata(written(tmp_path, header))


def test_a_header_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.write((10**10).to_bytes(8, "little") + b"{")
        file.truncate(10**10 + 8)  # a hole: it takes no room
    with pytest.raises(Told, match=r"has 10,000 MB; no more than 16 MB are read"):
        read_metadata(path)


@pytest.mark.parametrize(
    "text",
    [
        b'{"__metadata__": {"a": "b"}, "c": [' + b"[]," * 5_000_000 + b"0]}",
        b'{"__metadata__": {"a": "b"}, "c": ' + b"[" * 15_000_000,
        b'{"__metadata__": {"a": "b"}, ' + b'"c":"",' * 2_000_000 + b'"d":""}',
    ],
    ids=["lists", "a deep list", "entries"],
)
def test_a_hostile_header_costs_little(tmp_path: Path, text: bytes) -> None:
    path = written(tmp_path, text)
    begun = time.thread_time()
    with pytest.raises(Told, match=r"holds more than 500,000 values"):
        read_metadata(path)
    assert time.thread_time() - begun < 2


def test_only_the_header_is_read(tmp_path: Path) -> None:
    path = saying(tmp_path, **KOHYA)
    with path.open("r+b") as file:
        file.truncate(10**10)
    tracemalloc.start()
    try:
        assert read_metadata(path).triggers
        assert tracemalloc.get_traced_memory()[1] < LONGEST * 10**5
    finally:
        tracemalloc.stop()

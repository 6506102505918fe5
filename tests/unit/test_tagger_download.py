"""Downloads from a hub on this machine: whole or not at all, and resumable."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_hub import Hub

from resonance.interpret.taggers.download import CHUNK, fetch
from resonance.told import NoLibrary, Told

BIG = np.random.default_rng(0).bytes(1_000_000)
FILES = {"/me/tagger/resolve/main/v1/model.onnx": BIG, "/me/tagger/resolve/main/v1/tags.csv": b"tag_id,name\n"}
WANTED = {"v1/model.onnx": "model.onnx", "v1/tags.csv": "tags.csv"}


class Stop(BaseException):
    """Like ComfyUI's interrupt."""


class Watch:
    def __init__(self, stop_at: int | None = None) -> None:
        self.seen: list[tuple[str, int, int]] = []
        self.stop_at = stop_at

    def __call__(self, name: str, done: int, total: int) -> None:
        self.seen.append((name, done, total))
        if self.stop_at is not None and done >= self.stop_at:
            raise Stop


def start(hub: Hub, folder: Path, watch: Watch | None = None) -> None:
    fetch("me/tagger", WANTED, folder, watch or Watch(), endpoint=hub.url)


def whole(folder: Path) -> bool:
    return {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "model.onnx": BIG,
        "tags.csv": b"tag_id,name\n",
    }


def test_files_arrive_whole_and_progress_is_told(tmp_path: Path) -> None:
    watch = Watch()
    with Hub(dict(FILES)) as hub:
        start(hub, tmp_path / "new", watch)
    assert whole(tmp_path / "new")
    steps = [done for name, done, total in watch.seen if name == "model.onnx" and total == len(BIG)]
    assert steps == sorted(steps) and steps[-1] == len(BIG) and len(steps) >= len(BIG) // CHUNK


def test_an_interrupt_leaves_nothing_under_the_final_name_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with Hub(dict(FILES)) as hub:
        with pytest.raises(Stop):
            start(hub, tmp_path, Watch(stop_at=300_000))
        (part,) = tmp_path.iterdir()
        assert re.fullmatch(r"model\.onnx\.[0-9a-f]{16}\.incomplete", part.name)
        had = part.stat().st_size
        assert 300_000 <= had < len(BIG)
        start(hub, tmp_path)
        assert hub.asked[:2] == ["bytes=0-", f"bytes={had}-"]
    assert whole(tmp_path)


def test_files_that_are_there_are_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"mine")
    with Hub(dict(FILES)) as hub:
        start(hub, tmp_path)
        assert len(hub.asked) == 1
    assert (tmp_path / "model.onnx").read_bytes() == b"mine"


def test_a_connection_that_breaks_again_and_again_still_gets_there(tmp_path: Path) -> None:
    with Hub(dict(FILES), drop_after=300_000) as hub:
        start(hub, tmp_path)
        assert len(hub.asked) == 5
    assert whole(tmp_path)


def test_a_server_that_ignores_ranges_does_not_spoil_the_file(tmp_path: Path) -> None:
    with Hub(dict(FILES), ranges=False) as hub:
        with pytest.raises(Stop):
            start(hub, tmp_path, Watch(stop_at=300_000))
        start(hub, tmp_path)
    assert whole(tmp_path)


def test_a_file_that_changed_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    with Hub({**FILES, "/me/tagger/resolve/main/v1/model.onnx": BIG[::-1]}) as hub, pytest.raises(Stop):
        start(hub, tmp_path, Watch(stop_at=300_000))
    with Hub(dict(FILES)) as hub:
        start(hub, tmp_path)
        assert hub.asked[0] == "bytes=0-"
    assert whole(tmp_path)


def test_wrong_bytes_are_thrown_away(tmp_path: Path) -> None:
    with Hub(dict(FILES)) as hub:
        with pytest.raises(Stop):
            start(hub, tmp_path, Watch(stop_at=300_000))
        (part,) = tmp_path.iterdir()
        part.write_bytes(bytes(part.stat().st_size))
        with pytest.raises(Told, match="not what the hub has"):
            start(hub, tmp_path)
        assert not list(tmp_path.iterdir())
        start(hub, tmp_path)
    assert whole(tmp_path)


def test_what_goes_wrong_is_one_sentence_with_file_and_folder(tmp_path: Path) -> None:
    with (
        Hub({}) as hub,
        pytest.raises(Told, match=r"v1/model.onnx could not be fetched: .*404.*put model.onnx into ") as error,
    ):
        start(hub, tmp_path)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(Told, match="could not be fetched"):
        start(hub, tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_huggingface_hub_the_error_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(NoLibrary, match="pip install huggingface-hub"):
        fetch("me/tagger", WANTED, tmp_path, Watch())

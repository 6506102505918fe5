from pathlib import Path

import pytest

from resonance.files import store


def test_a_new_folder_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flushed: list[Path] = []
    monkeypatch.setattr(store, "flush_folder", flushed.append)
    for _ in range(2):
        store.write(tmp_path / "hash", [("a.png", b"")])
    assert flushed == [tmp_path, tmp_path / "hash", tmp_path / "hash"]

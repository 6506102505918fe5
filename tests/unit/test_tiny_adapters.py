"""The adapters that are refused are what they are said to be."""

from pathlib import Path

import pytest
import torch
from models.refused import RAN, build_refused
from safetensors import SafetensorError
from safetensors.torch import load_file


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    build_refused(tmp_path)
    return tmp_path / "ipadapter"


def test_the_hostile_file_runs_code_in_all_but_the_careful_reader(adapters: Path) -> None:
    ran = adapters.parent / RAN
    with pytest.raises(Exception, match="weights_only"):
        torch.load(adapters / "hostile.bin", weights_only=True)
    assert not ran.exists()
    torch.load(adapters / "hostile.bin", weights_only=False)
    assert ran.exists()


def test_the_broken_files_cannot_be_read(adapters: Path) -> None:
    with pytest.raises(SafetensorError):
        load_file(adapters / "truncated.safetensors")
    with pytest.raises(RuntimeError):
        torch.load(adapters / "truncated.bin", weights_only=True)


def test_the_files_of_other_kinds_are_read(adapters: Path) -> None:
    for file in adapters.glob("*_*.bin"):
        held = torch.load(file, weights_only=True)
        assert isinstance(held, str) or sorted(held) == ["image_proj", "ip_adapter"]

"""`resonance paint` with a real ComfyUI: gen_img's own command lines, models replaced."""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from resonance.cli.app import app

from .comfy import Comfy
from .conftest import server
from .test_encode_line import embeddings as words

SMALL = "--W 64 --H 64 --steps 2"


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, families: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("paint"), families, "probe") as comfy:
        yield comfy


def paint(comfy: Comfy | None, line: str, *more: str | Path, typed: str | None = None, status: int = 0) -> Result:
    """Runs a command line of gen_img's in this process."""
    where = ["--server", comfy.url] if comfy else []
    asked = ["paint", *shlex.split(line), *map(str, more), *where]
    result = CliRunner().invoke(app, asked, input=typed)
    assert result.exit_code == status, (result.output, result.exception)
    return result


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.rglob("im_*.png"))


def test_readme_lines(comfy: Comfy, tmp_path: Path):
    out = tmp_path / "one"
    r = paint(
        comfy,
        f"--ckpt tiny_sd15.safetensors --xformers --fp16 {SMALL} --images_per_prompt 4 --batch_size 4 --prompt 'red --n blue'",
        "--outdir",
        out,
    )
    print(r.stderr)
    print(pictures(out), Image.open(pictures(out)[0]).info)

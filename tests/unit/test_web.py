"""What the browser loads is what its sources make."""

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from places import PACK

JS = PACK / "js"
WEB = PACK / "web" / "js"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("npm") or not (JS / "node_modules").is_dir():
        assert os.environ.get("RESONANCE_REQUIRE_BROWSER") != "1", "no npm, or nothing installed in js/"
        pytest.skip("no npm, or nothing installed in js/")
    folder = tmp_path_factory.mktemp("web")
    command = ["npx", "vite", "build", "--outDir", str(folder), "--logLevel", "error"]
    subprocess.run(command, cwd=JS, check=True)
    return folder


def test_the_committed_files_are_built_from_the_sources(built: Path) -> None:
    assert files(WEB) == files(built), "run `nox -s web`"


def test_one_entry_and_chunks_that_comfyui_does_not_load_by_itself() -> None:
    assert [name for name in files(WEB) if not name.endswith(".mjs")] == ["resonance.js"]


def test_entry_and_editor_are_small() -> None:
    sizes = {name.split("-")[0]: len(gzip.compress(data)) for name, data in files(WEB).items()}
    assert sizes["resonance.js"] < 12_000
    assert sizes["editor"] < 25_000

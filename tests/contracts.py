"""Checks the import contracts of pyproject.toml over the pack as ComfyUI sees it, one package: a copy called `pack`."""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from places import PACK


def copy_pack(folder: Path) -> Path:
    """Copies what Python there is of the pack into a folder of that name."""
    copy = folder / "pack"
    for package in ("nodes", "resonance"):
        shutil.copytree(PACK / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("__init__.py", "pyproject.toml"):
        shutil.copy(PACK / file, copy)
    return copy


def lint(copy: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", copy / "pyproject.toml"]
    return subprocess.run(command, cwd=copy.parent, capture_output=True, text=True)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        found = lint(copy_pack(Path(folder)))
    print(found.stdout, found.stderr)
    sys.exit(found.returncode)

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from .comfy import PACK, Comfy


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny models, made once: a ``models`` folder as ComfyUI has it."""
    from models import build

    folder = tmp_path_factory.mktemp("tiny")
    build(folder)
    return folder


@pytest.fixture(scope="session")
def families(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``models`` folder, with the larger checkpoints too. One worker makes them for all."""
    from models.checkpoint import build_families

    base = tmp_path_factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "families"
    with FileLock(made.with_suffix(".lock")):
        if not made.exists():
            build_families(made)
    shutil.copytree(made, models, copy_function=os.link, dirs_exist_ok=True)
    return models


@pytest.fixture(scope="session")
def references(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``models`` folder, with what looks at pictures too. One worker makes it for all."""
    from models.checkpoint import build_reference

    base = tmp_path_factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "references"
    with FileLock(made.with_suffix(".lock")):
        if not made.exists():
            build_reference(made)
    shutil.copytree(made, families, copy_function=os.link, dirs_exist_ok=True)
    return families


def server(
    base: Path, models: Path, *packs: str, args: tuple[str, ...] = (), env: dict[str, str] | None = None
) -> Comfy:
    """A server (not started) with the tiny models and the named packs of tests/host/packs."""
    base.mkdir(parents=True, exist_ok=True)
    if not (base / "models").exists():
        (base / "models").symlink_to(models)
    return Comfy(base, tuple(PACK / "tests" / "host" / "packs" / p for p in packs), args, env)


@pytest.fixture(scope="session")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    """One server for all tests that need nothing special."""
    with server(tmp_path_factory.mktemp("comfy"), models, "probe", "patches", "links", "llama") as comfy:
        yield comfy

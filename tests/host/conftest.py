import os
import shutil
from collections.abc import Callable, Iterator
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

    add(models, tmp_path_factory, "families", build_families)
    return models


@pytest.fixture(scope="session")
def reference(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``models`` folder, with what looks at reference pictures and what is refused, too."""
    from models.checkpoint import build_edit, build_listening, build_redux, build_reference, build_style
    from models.refused import build_refused

    for build in (build_reference, build_style, build_edit, build_redux, build_listening):
        add(families, tmp_path_factory, build.__name__, build)
    build_refused(families)  # each worker its own: the hostile file knows where it lies
    return families


@pytest.fixture(scope="session")
def guides(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``models`` folder, with what Gradient Guidance guides by, too."""
    from models.guides import build_guides

    add(families, tmp_path_factory, "guides", build_guides)
    return families


@pytest.fixture(scope="session")
def lllites(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``models`` folder, with ControlNet-LLLites, too."""
    from models.checkpoint import build_lllite

    add(families, tmp_path_factory, "lllites", build_lllite)
    return families


def add(models: Path, tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> None:
    """Adds to a ``models`` folder what ``build`` writes, which one worker does for all."""
    base = tmp_path_factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(made.with_suffix(".lock")):
        if not made.exists():
            build(made)
    shutil.copytree(made, models, copy_function=os.link, dirs_exist_ok=True)


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

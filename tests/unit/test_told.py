"""What a person is told, and what keeps its traceback."""

import ast
import asyncio
import errno
import importlib
import logging
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from places import PACK
from typer.testing import CliRunner

import resonance
from resonance.canvas import read
from resonance.cli.app import app
from resonance.cli.output import Output
from resonance.drive.embedded.engine import Embedded, Setup
from resonance.drive.embedded.painter import Painter, Painting
from resonance.drive.job import EngineLost, JobFailed
from resonance.files import store
from resonance.session.item import Words
from resonance.session.payloads import Plain
from resonance.told import Told

from .test_driver import Fake, chain, items, run

BARE = {"Exception", "ValueError", "RuntimeError", "OSError", "LookupError", "KeyError"}
BOUNDARIES = [
    *sorted((PACK / "nodes").rglob("*.py")),
    *sorted((PACK / "resonance" / "host" / "routes").glob("*.py")),
    *sorted((PACK / "resonance" / "cli").glob("*.py")),
    PACK / "resonance" / "drive" / "embedded" / "engine.py",
]
CONTROL = {"Stopped", "Interrupted", "_BrokenCall", "_WrongError", "_NotHereError"}
"""They never leave the module, or the function, that expects them."""


def sentences_of_faults(source: str) -> Iterator[int]:
    """Lines of a module that catch what Python itself raises around a call of the library."""
    tree = ast.parse(source)
    ours = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for name in node.names
    }
    ours |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)} | {"self", "cls"}
    for attempt in (node for node in ast.walk(tree) if isinstance(node, ast.Try)):
        called = {name.id for part in attempt.body for name in _called(part)}
        for handler in attempt.handlers:
            caught = (
                {each.id for each in ast.walk(handler.type) if isinstance(each, ast.Name)} if handler.type else BARE
            )
            if caught & BARE and called & ours:
                yield handler.lineno


def _called(part: ast.AST) -> Iterator[ast.Name]:
    """The names with which calls begin: ``a`` of ``a.b(c)``."""
    for node in ast.walk(part):
        if isinstance(node, ast.Call):
            begin = node.func
            while isinstance(begin, ast.Attribute):
                begin = begin.value
            if isinstance(begin, ast.Name):
                yield begin


@pytest.mark.parametrize("file", BOUNDARIES, ids=lambda file: str(file.relative_to(PACK)))
def test_no_boundary_makes_a_sentence_of_a_fault(file: Path) -> None:
    assert list(sentences_of_faults(file.read_text())) == []


def test_one_that_does_is_found() -> None:
    planted = """
from ..canvas import read

def execute(text):
    try:
        return read.read(text)
    except {caught} as error:
        return str(error)
"""
    for caught in ("ValueError", "(OSError, RuntimeError)", "Exception"):
        assert list(sentences_of_faults(planted.format(caught=caught))) == [7]
    assert list(sentences_of_faults(planted.format(caught="Told"))) == []


def test_every_error_of_ours_that_people_see_is_told() -> None:
    ours = set[type[Exception]]()
    for module in pkgutil.walk_packages(resonance.__path__, "resonance."):
        if module.name.startswith(("resonance.host", "resonance.cli.__main__")):
            continue
        names = vars(importlib.import_module(module.name)).values()
        ours |= {each for each in names if isinstance(each, type) and issubclass(each, Exception)}
    ours = {each for each in ours if each.__module__.startswith("resonance.")}
    assert {each.__name__ for each in ours if not issubclass(each, Told)} == CONTROL
    for each in ours:
        assert not issubclass(each, ValueError | RuntimeError | OSError | LookupError | ImportError), each


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("kind", [KeyError, ValueError])
def test_the_command_logs_a_fault_and_says_that_it_is_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type[Exception],
    debug: bool,
) -> None:
    def fail(text: str) -> str:
        raise kind("planted")

    monkeypatch.setattr(read, "sound", fail)
    (tmp_path / "a.json").write_text("some words")
    result = CliRunner().invoke(app, ["canvas", str(tmp_path / "a.json"), *["--debug"] * debug])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    said = " ".join(result.stderr.split())
    assert "This is a fault of Resonance" in said and f"{kind.__name__}: " in said and "planted" in said
    assert _logged(caplog) == [kind]


def test_a_traceback_of_what_was_told_is_shown_only_with_debug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for debug, logged in ((False, []), (True, [Told])):
        caplog.clear()
        result = CliRunner().invoke(app, ["canvas", str(tmp_path / "absent"), *["--debug"] * debug])
        assert result.exit_code == 1 and "There is no file" in " ".join(result.stderr.split())
        assert _logged(caplog) == logged
        assert "Error: There is no file" in " ".join(result.stderr.split())


def test_what_the_system_says_of_a_file_is_a_sentence(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def said(error: Exception) -> str:
        caplog.clear()
        with pytest.raises(Exception), Output(False).errors():  # noqa: B017 - Typer's Exit
            raise error
        return " ".join(capsys.readouterr().err.split())

    assert said(PermissionError(errno.EACCES, "Permission denied", "/x")) == "Error: /x: Permission denied."
    assert said(OSError(errno.ENOSPC, "No space left on device")) == "Error: No space left on device."
    assert not _logged(caplog)
    assert "a fault of Resonance" in said(OSError(errno.EBADF, "Bad file descriptor"))
    assert _logged(caplog) == [OSError]


def test_files_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Told, match=r"file/folder cannot be written: .*Not a directory"):
        store.write(tmp_path / "file" / "folder", [("a", b"")])


@pytest.mark.parametrize("kind", [KeyError, ValueError])
def test_the_driver_logs_a_fault_of_an_engine_or_of_keeping_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: type[Exception]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise kind("planted")

    run(chain(tmp_path, count=1, rounds=1), Fake(act=fail))
    monkeypatch.setattr(store, "encode_png", fail)
    run(chain(tmp_path, count=1, rounds=1, name="t"), Fake())
    assert set(_logged(caplog)) >= {kind}
    assert [item["state"] for name in "st" for item in items(tmp_path, 1, name)] == ["failed", "failed"]


@pytest.mark.parametrize("kind", [KeyError, ValueError])
def test_the_embedded_engine_passes_a_fault_on(monkeypatch: pytest.MonkeyPatch, kind: type[Exception]) -> None:
    def fail(*_: Any, **more: Any) -> None:
        raise kind("planted")

    def told(*_: Any, **more: Any) -> None:
        raise Told("There is no such model.")

    engine = Embedded(Setup(painting=Painting(model="toyworld")))
    loaded: Any = SimpleNamespace(paint=fail, device="cpu", close=lambda: None)
    job: Any = SimpleNamespace(
        graph=None, picture=b"", item=SimpleNamespace(draw=None, words=Words(), seed=0, phase="paint", payload=Plain())
    )
    with monkeypatch.context() as patched:
        patched.setattr(Painter, "load", fail)
        with pytest.raises(kind):
            asyncio.run(engine.ready())
        patched.setattr(Painter, "load", told)
        with pytest.raises(EngineLost, match="There is no such model"):
            asyncio.run(engine.ready())
    engine._painter = engine._describer = loaded  # type: ignore[assignment]
    with pytest.raises(kind):
        asyncio.run(engine.make(job, "run"))
    loaded.paint = told
    with pytest.raises(JobFailed, match="There is no such model"):
        asyncio.run(engine.make(job, "run"))


def test_a_sentence_that_quotes_half_a_character_can_be_printed():
    assert str(Told("There is no file 'half \ud83d.png'.")).encode() == b"There is no file 'half ?.png'."


def _logged(caplog: pytest.LogCaptureFixture) -> list[type[BaseException]]:
    """The kinds of error whose traceback is in the log."""
    return [each.exc_info[0] for each in caplog.records if each.exc_info and each.exc_info[0]]


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """--debug sets the library's level."""
    logger = logging.getLogger("resonance")
    before = logger.level
    yield
    logger.setLevel(before)

"""The command as a shell runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import Any

from places import PACK

from . import forks

TRAPPED = Path(__file__).with_name("trapped.py")


def command(*words: str | Path, point: str = "", passes: int = 0, sent: Sequence[int] = (SIGKILL,)) -> list[str]:
    """`resonance …`, which kills itself at a named point of trapped.py, or sends itself these signals there."""
    program = [TRAPPED, point, str(passes), ",".join(map(str, map(int, sent)))] if point else ["-m", "resonance.cli"]
    return [sys.executable, *map(str, program), *map(str, words)]


def started(
    *words: str | Path, cwd: Path = PACK, env: Mapping[str, str] | None = None, stdin: int | None = None, **trap: Any
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*words, **trap),
        cwd=cwd,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(env),
    )


def run(
    *words: str | Path,
    status: int | tuple[int, ...] = 0,
    timeout: float = 120,
    cwd: Path = PACK,
    env: Mapping[str, str] | None = None,
    **trap: Any,
) -> tuple[list[dict[str, Any]], str]:
    """Runs the command to its end and returns its events (with ``--json``) and what it said to a person."""
    if forks.POSSIBLE and all(name.startswith(forks.OURS) for name in env or {}):
        returned, out, err = _forked(command(*words, **trap)[1:], cwd, _environment(env), timeout)
    else:
        process = started(*words, cwd=cwd, env=env, **trap)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
            process.wait()
        returned = process.returncode
    assert returned in (status if isinstance(status, tuple) else (status,)), (returned, out[-2000:], err[-4000:])
    return [json.loads(line) for line in out.splitlines()] if "--json" in words else [], err


def _forked(arguments: list[str], cwd: Path, env: Mapping[str, str], timeout: float) -> tuple[int, str, str]:
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = forks.Fork(arguments, cwd, env, out, err, kind="command")
        try:
            return process.wait(timeout), out.read_text("utf-8"), err.read_text("utf-8")
        finally:
            process.kill()


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACK), "OMP_NUM_THREADS": "1", **(more or {})}

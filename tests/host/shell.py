"""The command as a shell runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from places import PACK

TRAPPED = Path(__file__).with_name("trapped.py")


def command(*words: str | Path, point: str = "", passes: int = 0) -> list[str]:
    """`resonance …`, which kills itself at a named point of trapped.py."""
    program = [TRAPPED, point, str(passes)] if point else ["-m", "resonance.cli"]
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
        env={**os.environ, "PYTHONPATH": str(PACK), "OMP_NUM_THREADS": "1", **(env or {})},
    )


def run(*words: str | Path, status: int = 0, timeout: float = 120, **options: Any) -> tuple[list[dict[str, Any]], str]:
    """Runs the command to its end and returns its events (with ``--json``) and what it said to a person."""
    process = started(*words, **options)
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == status, (process.returncode, out[-2000:], err[-4000:])
    return [json.loads(line) for line in out.splitlines()] if "--json" in words else [], err

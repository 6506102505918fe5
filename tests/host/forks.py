"""ComfyUI servers that need not import torch and its like: forks of a process that has. Linux only.

Run as a program it is that process. Each request is a line of JSON on its standard input: what to run, answered by the
number of the new process, or such a number, answered by the exit code or by null while it runs. It ends when its
standard input does, and so do its forks: whatever becomes of the tests, nothing stays behind.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

POSSIBLE = sys.platform == "linux"
IMPORTS = (
    *("torch", "torchvision", "torchaudio", "torchsde", "comfy_kitchen", "transformers", "kornia", "spandrel", "av"),
    *("scipy.stats", "scipy.ndimage", "scipy.integrate", "scipy.signal", "einops", "safetensors.torch", "PIL.Image"),
    *("aiohttp.web", "alembic.context", "sqlalchemy.orm", "requests", "pydantic_settings", "tokenizers", "yaml"),
)
"""What ComfyUI imports when it starts: nothing else, or a server would not miss what is not installed."""

OURS = "RESONANCE_"
"""How variables begin that only our own packs read; what others read may be too late after an import."""

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG"""


class Fork:
    """A running server, with what tests use of subprocess.Popen."""

    def __init__(self, arguments: list[str], cwd: Path, env: Mapping[str, str], log: Path) -> None:
        self.returncode: int | None = None
        self.pid: int = _ask({"argv": arguments, "cwd": str(cwd), "env": dict(env), "log": str(log)})

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = _ask(self.pid)
        return self.returncode

    def wait(self, timeout: float = float("inf")) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a forked ComfyUI", timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def _parent() -> tuple["subprocess.Popen[str]", threading.Lock]:
    """The process that forks, started with the first server and ended with this process."""
    return subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ), threading.Lock()


def _ask(request: Any) -> Any:
    parent, lock = _parent()
    assert parent.stdin and parent.stdout
    with lock:
        print(json.dumps(request), file=parent.stdin, flush=True)
        answer = parent.stdout.readline()
    if not answer:
        raise RuntimeError(f"the process that forks servers has ended with {parent.wait()}")
    return json.loads(answer)


def _serve() -> dict[str, Any] | None:
    """Answers requests. Returns in a fork, with what it is to run, and at the end, with nothing."""
    for line in sys.stdin:
        request = json.loads(line)
        if isinstance(request, int):
            done, status = os.waitpid(request, os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if done else None
        else:
            answer = os.fork()
            if answer == 0:
                return request
        print(json.dumps(answer), flush=True)
    return None


def _run(argv: list[str], cwd: str, env: dict[str, str], log: str) -> None:
    """What `python main.py` would have done in this folder, with this environment."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if parent != _server:
        return  # it died before we said so
    for path, flags, targets in ((os.devnull, os.O_RDONLY, (0,)), (log, os.O_WRONLY | os.O_APPEND, (1, 2))):
        handle = os.open(path, flags)
        for target in targets:
            os.dup2(handle, target)
        os.close(handle)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = argv
    sys.path.insert(0, cwd)
    importlib.import_module("numpy").random.seed()  # else all would draw the same numbers
    runpy.run_path(argv[0], run_name="__main__")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C: the tests stop their servers, and then this ends
    del sys.path[0]
    for name in IMPORTS:
        importlib.import_module(name)
    gc.freeze()  # its forks need not look through all of this again and again
    _server = os.getpid()
    if request := _serve():
        _run(**request)

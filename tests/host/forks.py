"""ComfyUI servers and commands that need not import torch and its like: forks of a process that has. Linux only.

Run as a program it is that process, with the name of what it imports. Each request is a line of JSON on its standard input: what to run, answered by the
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
SERVER = (
    *("torch", "torchvision", "torchaudio", "torchsde", "comfy_kitchen", "transformers", "kornia", "spandrel", "av"),
    *("scipy.stats", "scipy.ndimage", "scipy.integrate", "scipy.signal", "einops", "safetensors.torch", "PIL.Image"),
    *(f"transformers.models.{name}.tokenization_{name}" for name in ("clip", "qwen2", "t5", "byt5", "bert")),
    *("aiohttp.web", "alembic.context", "sqlalchemy.orm", "requests", "pydantic_settings", "tokenizers", "yaml"),
)
"""What ComfyUI imports when it starts: nothing else, or a server would not miss what is not installed."""
COMMAND = (
    *(
        "torch",
        "numpy",
        "scipy.ndimage",
        "safetensors.torch",
        "PIL.Image",
        "requests",
        "aiohttp",
        "typer",
        "rich.console",
    ),
    *("diffusers", "transformers", "filelock", "rich.progress", "rich.traceback"),
    *("diffusers.pipelines.auto_pipeline", "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img"),
)
"""What the command and its engines import."""
IMPORTS = {"server": SERVER, "command": COMMAND}

OURS = "RESONANCE_"
"""How variables begin that only our own packs read; what others read may be too late after an import."""

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG"""


class Fork:
    """A running server or command, with what tests use of subprocess.Popen.

    Args:
        arguments: behind ``python``.
        out, err: what it says goes behind what these files hold.
        kind: of which process it is a fork.
    """

    def __init__(
        self,
        arguments: list[str],
        cwd: Path,
        env: Mapping[str, str],
        out: Path,
        err: Path | None = None,
        kind: str = "server",
    ) -> None:
        self.returncode: int | None = None
        self._kind = kind
        said = {"out": str(out), "err": str(err or out)}
        self.pid: int = _ask(kind, {"argv": arguments, "cwd": str(cwd), "env": dict(env), **said})

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = _ask(self._kind, self.pid)
        return self.returncode

    def wait(self, timeout: float = float("inf")) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"a forked {self._kind}", timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


_one_parent = threading.Lock()


@cache
def _parent(kind: str) -> tuple["subprocess.Popen[str]", threading.Lock]:
    """The process that forks, started with the first of a kind and ended with this process."""
    return subprocess.Popen(
        [sys.executable, __file__, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ), threading.Lock()


def _ask(kind: str, request: Any) -> Any:
    with _one_parent:
        parent, lock = _parent(kind)
    assert parent.stdin and parent.stdout
    with lock:
        print(json.dumps(request), file=parent.stdin, flush=True)
        answer = parent.stdout.readline()
    if not answer:
        raise RuntimeError(f"the process that forks has ended with {parent.wait()}")
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


def _run(argv: list[str], cwd: str, env: dict[str, str], out: str, err: str) -> None:
    """What `python …` would have done in this folder, with this environment."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if parent != _server:
        return  # it died before we said so
    append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    for target, (path, flags) in enumerate(((os.devnull, os.O_RDONLY), (out, append), (err, append))):
        handle = os.open(path, flags)
        os.dup2(handle, target)
        os.close(handle)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    importlib.import_module("numpy").random.seed()  # else all would draw the same numbers
    module = argv[1] if argv[0] == "-m" else None
    first = cwd if module else str(Path(argv[0]).resolve().parent)
    sys.path[:0] = [first, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = argv[1:] if module else argv
    if module:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(argv[0], run_name="__main__")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C: the tests stop their servers, and then this ends
    del sys.path[0]
    for name in IMPORTS[sys.argv[1]]:
        importlib.import_module(name)
    gc.freeze()  # its forks need not look through all of this again and again
    _server = os.getpid()
    if request := _serve():
        _run(**request)

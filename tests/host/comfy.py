"""A real ComfyUI server with the pack, driven over HTTP as a client would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from places import PACK, find_comfyui

from . import forks


class RunFailed(Exception):
    """A prompt that ComfyUI refused or that ended in an error; the text is what the user reads."""


class Comfy:
    """One server on 127.0.0.1 with its own base directory.

    Args:
        base: directory for models, input, output, user, temp; reused when it exists.
        packs: further custom node packs (folders) to load beside ours.
        args: further command line arguments.
        env: further environment variables.
        before: a command in front of the server's, such as a tracer.
    """

    forked = False
    """Whether to fork a server where that is possible: it starts in half the time. The tests do; see ``forks.py``."""

    def __init__(
        self,
        base: Path,
        packs: tuple[Path, ...] = (),
        args: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        before: tuple[str, ...] = (),
    ):
        self.base, self.packs, self.args, self.env, self.before = base, packs, args, env or {}, before
        self.process: subprocess.Popen[bytes] | forks.Fork | None = None
        self.log = base / "comfyui.log"
        self._connections = requests.Session()
        for folder in ("custom_nodes", "models", "input", "output", "user"):
            (base / folder).mkdir(parents=True, exist_ok=True)
        for name, folder in {"resonance": PACK, **{p.name: p for p in packs}}.items():
            link = base / "custom_nodes" / name
            if not link.exists():
                link.symlink_to(folder)

    def start(self, timeout: float = 120, port: int = 0) -> "Comfy":
        comfyui = find_comfyui()
        assert comfyui, "no ComfyUI"
        self.stop()
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        arguments = [
            *("main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(self.port)),
            *("--base-directory", str(self.base), "--database-url", "sqlite:///:memory:", "--disable-api-nodes"),
            *("--disable-all-custom-nodes", "--whitelist-custom-nodes", "resonance", *(p.name for p in self.packs)),
            *self.args,
        ]
        env = {**os.environ, "OMP_NUM_THREADS": "1", **self.env}
        self.log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            if self.forked and not self.before and all(name.startswith(forks.OURS) for name in self.env):
                self.process = forks.Fork(arguments, comfyui, env, self.log)
            else:
                command = [*self.before, sys.executable, *arguments]
                self.process = subprocess.Popen(command, cwd=comfyui, stdout=log, stderr=subprocess.STDOUT, env=env)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"ComfyUI ended with {self.process.returncode}:\n{self.read_log()[-3000:]}")
            try:
                requests.get(self.url + "/system_stats", timeout=5)
                return self
            except requests.ConnectionError:
                time.sleep(0.1)
        raise RuntimeError(f"ComfyUI did not start in {timeout} s:\n{self.read_log()[-3000:]}")

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> "Comfy":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def read_log(self) -> str:
        """What the server printed since it was last started."""
        return self.log.read_bytes()[self.log_start :].decode(errors="replace")

    def get(self, path: str, **kwargs: Any) -> Any:
        answer = self._connections.get(self.url + path, timeout=60, **kwargs)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None) -> requests.Response:
        return self._connections.post(self.url + path, json=body if body is not None else {}, timeout=60)

    def complete(self, prompt: dict[str, Any], optional: bool = False) -> dict[str, Any]:
        """The prompt with the default of every widget that it leaves out, as the browser would send it: of those that a node needs,
        or of all."""
        for part in prompt.values():
            info = self.get(f"/object_info/{part['class_type']}")[part["class_type"]]["input"]
            _fill(part["inputs"], info.get("required", {}))
            if optional:
                given = info.get("optional", {}).items()
                _fill(part["inputs"], {key: is_ for key, is_ in given if not (is_[1:] and is_[1].get("forceInput"))})
        return prompt

    def queue(self, prompt: dict[str, Any], workflow: Any = None, client_id: str | None = None, **more: Any) -> str:
        """Posts a prompt, returns its id. Raises RunFailed with everything validation said."""
        body: dict[str, Any] = {"prompt": prompt, "prompt_id": str(uuid.uuid4()), **more}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        if client_id:
            body["client_id"] = client_id
        answer = self.post("/prompt", body)
        said = answer.json()
        if answer.status_code != 200 or said.get("node_errors"):
            raise RunFailed(json.dumps(said, indent=1))
        return said["prompt_id"]

    def wait(self, prompt_id: str, timeout: float = 120) -> dict[str, Any]:
        """Waits for one prompt and returns its history entry. Raises RunFailed with the error's text."""
        for pause in pauses(timeout):
            if entry := self.get(f"/history/{prompt_id}").get(prompt_id):
                for event, data in entry["status"]["messages"]:
                    if event == "execution_error":
                        raise RunFailed(data["exception_message"])
                    if event == "execution_interrupted":
                        raise RunFailed("interrupted")
                return entry
            time.sleep(pause)
        raise TimeoutError(f"{prompt_id} did not end in {timeout} s:\n{self.read_log()[-3000:]}")

    def run(self, prompt: dict[str, Any], timeout: float = 120, **kwargs: Any) -> dict[str, Any]:
        """Posts a prompt, waits for it, returns its outputs by node id."""
        return self.wait(self.queue(prompt, **kwargs), timeout)["outputs"]

    def idle(self, timeout: float = 300) -> None:
        """Waits until nothing is queued or running."""
        for pause in pauses(timeout):
            if self.get("/prompt")["exec_info"]["queue_remaining"] == 0:
                return
            time.sleep(pause)
        raise TimeoutError(f"the queue did not empty in {timeout} s:\n{self.read_log()[-3000:]}")


def pauses(timeout: float) -> Iterator[float]:
    """Seconds until one asks again, a tenth of those gone by: who is asked all the time has less for the work."""
    start = time.monotonic()
    while (gone := time.monotonic() - start) < timeout:
        yield min(max(gone / 10, 0.01), 0.25)


def _fill(inputs: dict[str, Any], wanted: dict[str, Any], prefix: str = "") -> None:
    for key, (kind, *rest) in wanted.items():
        name, options = f"{prefix}{key}", rest[0] if rest else {}
        choices = kind if isinstance(kind, list) else options.get("options")
        if kind == "COMFY_DYNAMICCOMBO_V3":
            chosen = inputs.setdefault(name, choices[0]["key"])
            [below] = [option["inputs"] for option in choices if option["key"] == chosen]
            _fill(inputs, below.get("required", {}), f"{name}.")
        elif choices or kind in ("INT", "FLOAT", "STRING", "BOOLEAN"):
            inputs.setdefault(name, options.get("default", choices[0] if choices else ""))


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """One node of an API prompt; a link is ``["id", output]``."""
    return {"class_type": class_type, "inputs": inputs}

"""ComfyUI started by the command itself. The published archive leaves this file out: what ships starts no programs."""

import asyncio
import logging
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ..drive.comfyui import ComfyUI, Progress, Recipe, Server
from ..drive.job import EngineLost, Job
from ..session.made import Made
from ..session.owning import Busy, own

log = logging.getLogger(__name__)

START_SECONDS = 300.0
"""ComfyUI with many packs takes minutes to start."""
STOP_SECONDS = 20.0
COLORS = re.compile(r"\x1b\[[\d;]*m")
"""With which ComfyUI marks the lines of its log."""


@dataclass(frozen=True)
class Launch:
    """What to start.

    Attributes:
        comfyui: folder of ``main.py``.
        folder: for its log, ``comfyui.log``, and its temporary files. ComfyUI empties its usual temporary folder when
            it starts, and another one may be using that.
        args: further arguments, such as ``--cpu``, ``--cuda-device 1`` or ``--base-directory``.
        python: what runs it.
    """

    comfyui: Path
    folder: Path
    args: tuple[str, ...] = ()
    python: str = sys.executable

    def command(self, port: int) -> list[str]:
        """The database is one in memory, because ComfyUI's own is locked where another one runs."""
        return [
            *(self.python, "main.py", "--listen", "127.0.0.1", "--port", str(port), "--disable-auto-launch"),
            *("--temp-directory", str(self.folder.absolute()), "--database-url", "sqlite:///:memory:"),
            *self.args,
        ]


class Started:
    """A running child. On Linux it ends with the thread that started it. Its folder is no other's: it empties that when it starts.

    Ctrl-C in the terminal does not reach it, because the command finishes its item first. When the command is killed it
    ends too, where there is ``setpriv`` (util-linux); elsewhere it goes on until somebody ends it.
    """

    def __init__(self, launch: Launch, port: int) -> None:
        self.log = launch.folder / "comfyui.log"
        self._lock = own(launch.folder)
        bound = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*bound, *launch.command(port)],
                cwd=launch.comfyui,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """Its status, when it has ended."""
        return self._process.poll()

    def last_words(self) -> str:
        """Where its log is, and how it ends, on one line."""
        text = COLORS.sub("", self.log.read_text(errors="replace"))
        return f"Its log, {self.log}, ends: {' '.join(text.split())[-600:]}."

    def stop(self) -> None:
        if self.ended is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._lock.release()


class StartedComfyUI:
    """An :class:`.job.Engine` with a ComfyUI of its own, which :meth:`ready` starts, and again when it has died."""

    def __init__(self, launch: Launch, recipe: Recipe, progress: Progress | None = None) -> None:
        self.launch, self.recipe, self.progress = launch, recipe, progress
        self.child: Started | None = None
        self._place()

    @property
    def name(self) -> str:
        return f"ComfyUI in {self.launch.comfyui}"

    @property
    def server(self) -> Server:
        """Another one after a new start."""
        return self._engine.server

    async def ready(self) -> None:
        begun: Started | None = None
        end = time.monotonic() + START_SECONDS
        while True:
            child = self.child
            if child is None or (child is not begun and child.ended is not None):
                await self.close()
                self._place()
                try:
                    self.child = child = begun = Started(self.launch, self._port)
                except Busy:
                    raise EngineLost(
                        f"Another command has a ComfyUI at work in {self.launch.folder}. Stop it there, or wait until it ends."
                    ) from None
                log.warning("Starting %s. Its log: %s", self.name, child.log)
            try:
                return await self.server.ready(patience=1)
            except EngineLost as error:
                if child is begun and (status := child.ended) is not None:
                    raise EngineLost(
                        f"ComfyUI ended with status {status} when it started. {child.last_words()}"
                    ) from None
                if time.monotonic() > end:
                    raise EngineLost(
                        f"ComfyUI did not start in {START_SECONDS:.0f} s: {error} {child.last_words()}"
                    ) from None

    async def make(self, job: Job, run: str) -> Made:
        return await self._engine.make(job, run)

    async def forget(self, run: str) -> None:
        if self.child:  # what another command left behind has ended with that command's ComfyUI
            await self._engine.forget(run)

    async def close(self) -> None:
        await self._engine.close()
        if self.child:
            await asyncio.to_thread(self.child.stop)
        self.child = None

    def _place(self) -> None:
        """A free port for the next start: the one before may be taken meanwhile."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self._port: int = found.getsockname()[1]
        self._engine = ComfyUI(Server(f"http://127.0.0.1:{self._port}", self.progress), self.recipe)

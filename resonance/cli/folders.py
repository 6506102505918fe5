"""img2tag2img's own job, driven from a shell."""

import asyncio
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from ..drive.comfyui import OwnGraph, Server
from ..img2tag2img.fill import FolderJobs, opened
from . import img2tag2img
from .driving import drive_and_show
from .engines import Engines
from .output import Output


@dataclass(frozen=True)
class Asked:
    """What is to be done, as the options say."""

    workflow: Path
    words: list[str]
    config_file: Path | None
    seed: int | None
    dump: bool
    sort: bool
    retry: bool


def run(asked: Asked, engines: Engines, out: Output) -> None:
    """Drives a chain of folders to its end, or writes its requests.

    Raises:
        Told: something is wrong with what was asked for, or another program has the folders.
    """
    folders = img2tag2img.prepare(out, asked.workflow, asked.words, asked.config_file)
    seed = secrets.randbelow(2**50) if asked.seed is None else asked.seed
    if asked.dump:
        img2tag2img.dump(out, folders, seed, asked.sort)
        return
    engines = replace(engines, servers=engines.servers or (folders.config.url,), embedding=None)
    several = len(engines.servers) > 1 or bool(engines.cluster)
    chain = opened(folders, seed, asked.sort or several)  # sorted, each engine stays with its checkpoint

    async def work() -> None:
        async with engines.opened(engines.builds(OwnGraph(), folders.session)) as ready:
            await drive_and_show(chain, FolderJobs(chain, folders), ready, out)

    try:
        if asked.retry:
            with chain.ledger.transaction():
                chain.ledger.retry()
        asyncio.run(work())
    finally:
        chain.close()


def rehydrate(capture: Path, engines: Engines, out: Output) -> None:
    """Runs the requests of a captured queue on the first server."""

    async def work() -> int:
        server = Server(engines.servers[0] if engines.servers else "http://127.0.0.1:8188")
        try:
            return await img2tag2img.rehydrate(out, capture, server)
        finally:
            await server.close()

    if asyncio.run(work()):
        raise typer.Exit(1)

"""`resonance rehydrate`: a saved queue of ComfyUI, run again."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import AsJSON, Debug, Output, interruptible

if TYPE_CHECKING:
    from ..img2tag2img.queue import CapturingServer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("rehydrate", no_args_is_help=True)(rehydrate)


def rehydrate(
    file: Annotated[Path, typer.Argument(help="What GET /queue of a ComfyUI answered.")],
    server: Annotated[
        str, typer.Option("--server", help="Address of the ComfyUI that runs it.")
    ] = "http://127.0.0.1:8188",
    as_json: AsJSON = False,
    debug: Debug = False,
) -> None:
    """Runs the requests of a saved queue again, one after another.

    curl http://127.0.0.1:8188/queue > queue.json

    resonance rehydrate queue.json --server http://127.0.0.1:8188
    """
    from ..drive import comfyui

    out = Output(as_json, debug)

    async def work() -> int:
        queue = comfyui.Server(server)
        try:
            return await run(out, file, queue)
        finally:
            await queue.close()

    with out.errors(), interruptible():
        if asyncio.run(work()):
            raise typer.Exit(1)


async def run(output: Output, capture: Path, server: "CapturingServer") -> int:
    """Runs the requests of a captured queue and returns how many failed."""
    from ..img2tag2img import queue

    failed = 0
    async for run in queue.rehydrate(queue.captured(capture), server):
        failed += bool(run.error)
        output.say(f"{run.number} of {run.total}" + (f" failed: {run.error}" if run.error else " done"))
        output.event("rehydrated", **run._asdict())
    return failed

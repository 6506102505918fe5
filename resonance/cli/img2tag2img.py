"""`resonance img2tag2img`: that program's chain of folders, with its own workflows and configurations."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..told import Told
from .engines import ComfyServers
from .options import Retry, grouped
from .output import AsJSON, Debug, Output, interruptible

if TYPE_CHECKING:
    from ..img2tag2img.folders import Folders

DEFAULTS = ("default.toml", "default.ini")


def register(app: typer.Typer) -> None:
    """Adds the command. What is no option of it is a key of the configuration."""
    settings = {"ignore_unknown_options": True}
    app.command("img2tag2img", no_args_is_help=True, context_settings=settings)(grouped(img2tag2img))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be done, as the options say."""

    workflow: Annotated[Path, typer.Argument(metavar="WORKFLOW.json", help="One of img2tag2img's, exported as API.")]
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="FIRST NEXT ... [--KEY VALUE ...]",
            help="The folders of the chain, below paths.archive, then any key of the configuration.",
        ),
    ]
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config_file",
            "--config-file",
            metavar="FILE",
            help="TOML or INI. Default: default.toml or default.ini in the current folder.",
        ),
    ] = None
    dump: Annotated[
        bool, typer.Option("--dump", help="Write the requests into the current folder and queue nothing.")
    ] = False
    sort: Annotated[bool, typer.Option("--sort", help="Order each round by checkpoint and LoRAs.")] = False
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, max=2**50 - 1, help="All that is drawn follows from it. Default: a random one."),
    ] = None
    retry: Retry = False


def img2tag2img(*, asked: Asked, servers: ComfyServers, as_json: AsJSON = False, debug: Debug = False) -> None:
    """Walks a chain of folders: each picture of one is put into words, and a new one made of them goes into the next.

    After a stop or a crash the same command goes on where it was.

    resonance img2tag2img sdxl.json holiday holiday-2 holiday-3 --config_file mine.toml

    resonance img2tag2img sdxl.json holiday holiday-2 --server http://127.0.0.1:8188 --model.steps 30
    """
    out = Output(as_json, debug)
    with out.errors():
        folders = prepare(out, asked.workflow, asked.words, asked.config_file)
        seed = secrets.randbelow(2**50) if asked.seed is None else asked.seed
        if asked.dump:
            dump(out, folders, seed, asked.sort)
        else:
            _run(asked, folders, seed, servers, out)


def prepare(output: Output, workflow: Path, words: Sequence[str], config_file: Path | None = None) -> "Folders":
    """Reads workflow and configuration, and says what the workflow's author and the configuration's notes say.

    Args:
        words: the folders, then overrides of keys.
        config_file: None: ``default.toml`` or ``default.ini`` of the current folder.

    Raises:
        Told: something is wrong; the text says what.
    """
    from ..img2tag2img import config, template
    from ..img2tag2img.folders import prepare

    names = list(takewhile(lambda word: not word.startswith("--"), words))
    read = template.load(workflow)
    folders = prepare(read, config.load(config_file or _default(), words[len(names) :]), names)
    for note in (read.comment, *folders.config.notes):
        if note:
            output.say(note)
    return folders


def dump(output: Output, folders: "Folders", seed: int, sort: bool = False) -> int:
    """Writes the requests into the current folder and returns how many."""
    from ..img2tag2img import queue

    count = 0
    for source, path, error in queue.dump(folders, Path(), seed, sort):
        if path is None:
            output.say(f"Skipped: {error}.")
            output.event("skipped", source=source, error=error)
        else:
            count += 1
            output.event("dumped", source=source, file=str(path))
    output.say(f"{count} requests written.")
    return count


def _run(asked: Asked, folders: "Folders", seed: int, servers: ComfyServers, out: Output) -> None:
    """Drives the chain to its end, or until Ctrl-C. Raises like :func:`.session.run`."""
    from ..drive.comfyui import OwnGraph
    from ..img2tag2img.fill import FolderJobs, opened
    from .driving import drive_and_show

    engines = replace(servers, servers=servers.servers or [folders.config.url])
    builds = engines.connecting(OwnGraph())
    several = len(builds) > 1 or bool(engines.cluster)
    chain = opened(folders, seed, asked.sort or several)  # sorted, each engine stays with its checkpoint

    async def work() -> None:
        async with engines.opened(builds) as ready:
            await drive_and_show(chain, FolderJobs(chain, folders), ready, out)

    try:
        if asked.retry:
            with chain.ledger.transaction():
                chain.ledger.retry()
        with interruptible():
            asyncio.run(work())
    finally:
        chain.close()


def _default() -> Path:
    for name in DEFAULTS:
        if Path(name).is_file():
            return Path(name)
    raise Told(f"There is no {' or '.join(DEFAULTS)} in {Path.cwd()}. Name a configuration with --config_file FILE.")

"""What `resonance rounds` does when it is given a workflow of img2tag2img."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from ..img2tag2img import config, queue, template
from ..img2tag2img.folders import Folders
from ..img2tag2img.folders import prepare as check
from ..told import Told
from .output import Output

DEFAULTS = ("default.toml", "default.ini")


def prepare(output: Output, workflow: Path, words: Sequence[str], config_file: Path | None = None) -> Folders:
    """Reads workflow and configuration, and says what the workflow's author says.

    Args:
        words: the folders, then overrides of keys.
        config_file: None: ``default.toml`` or ``default.ini`` of the current folder.

    Raises:
        Told: something is wrong; the text says what.
    """
    names = list(takewhile(lambda word: not word.startswith("--"), words))
    read = template.load(workflow)
    folders = check(read, config.load(config_file or _default(), words[len(names) :]), names)
    if read.comment:
        output.say(read.comment)
    return folders


def dump(output: Output, folders: Folders, seed: int, sort: bool = False) -> int:
    """Writes the requests into the current folder and returns how many."""
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


async def rehydrate(output: Output, capture: Path, server: queue.Server) -> int:
    """Runs the requests of a captured queue and returns how many failed."""
    failed = 0
    async for run in queue.rehydrate(queue.captured(capture), server):
        failed += bool(run.error)
        output.say(f"{run.number} of {run.total}" + (f" failed: {run.error}" if run.error else " done"))
        output.event("rehydrated", **run._asdict())
    return failed


def _default() -> Path:
    for name in DEFAULTS:
        if Path(name).is_file():
            return Path(name)
    raise Told(f"There is no {' or '.join(DEFAULTS)} in {Path.cwd()}. Name a configuration with --config_file FILE.")

"""Requests that go around the ledger: written into files, or taken from a captured queue."""

import json
import re
import secrets
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..drive.job import JobFailed
from ..told import Told
from . import picture
from .folders import Folders
from .graph import Graph


class Dumped(NamedTuple):
    """A picture's request as a file; None and an error where the picture cannot be read."""

    source: str
    path: Path | None
    error: str = ""


def dump(folders: Folders, into: Path, seed: int, sort: bool = False) -> Iterator[Dumped]:
    """Writes the requests of all pictures that lie in the folders now. Neither server nor ledger is needed.

    Args:
        seed: of the session, if there is none yet, as :meth:`.folders.Folders.seed` has it.
        sort: those of a round are ordered by what must be loaded for them.
    """
    seed = folders.seed(seed)
    for round_ in range(1, folders.rounds + 1):
        try:
            items = folders.sources(round_)
        except Told:  # nothing lies there
            continue
        if sort:
            items.sort(key=lambda item: folders.models(seed, round_, item[1]).key)
        for source, lineage in items:
            try:
                read = picture.read_picture(folders.locate(source))
            except Told as error:
                yield Dumped(source, None, str(error))
                continue
            graph = folders.graph(seed, round_, lineage, read)
            yield Dumped(source, write(graph, into, f"{folders.names[round_]}_{lineage}"))


def write(graph: Graph, into: Path, name: str) -> Path:
    """Writes a request under a name that no file has yet."""
    plain = re.sub(r'[\\/*?:"<>|]', "_", f"{name}_workflow_")
    path = into / f"{plain}{secrets.token_hex(4)}.json"
    with path.open("x", encoding="utf-8") as file:
        json.dump(graph, file, indent=4)
    return path


class CapturingServer(Protocol):
    """What runs a request: :class:`resonance.drive.comfyui.Server`."""

    async def run(self, graph: Mapping[str, Any], run: str, extra: Mapping[str, Any] | None = None) -> Any: ...


class Captured(NamedTuple):
    """A request of a captured queue, and what savers write into pictures beside it (``extra_pnginfo``)."""

    graph: Graph
    extra: dict[str, Any]


class CapturedRun(NamedTuple):
    """A request of a captured queue that was run; ``error`` is empty if it came to a good end."""

    number: int
    total: int
    error: str


def captured(path: Path) -> list[Captured]:
    """The requests in a capture of ``GET /queue``: those that ran, then those that waited.

    Raises:
        Told: it is none.
    """
    try:
        read: Any = json.loads(path.read_text("utf-8-sig"))
        entries = [*read["queue_running"], *read["queue_pending"]]
        return [Captured(dict(entry[2]), _texts(entry[3])) for entry in entries]
    except OSError as error:
        raise Told(f"{path} cannot be read ({error.strerror}).") from None
    except (LookupError, RecursionError, TypeError, ValueError):
        raise Told(
            f"{path} is not a captured queue. Expected what ComfyUI answers to GET /queue, saved as it is."
        ) from None


def _texts(extra: Any) -> dict[str, Any]:
    """What of a request's extra data may be passed on: not whose it was, nor keys for services."""
    return {key: extra[key] for key in ("extra_pnginfo",) if key in extra}


async def rehydrate(requests: list[Captured], server: CapturingServer) -> AsyncIterator[CapturedRun]:
    """Runs the requests of a captured queue, one after the other. One that fails does not stop the others.

    Raises:
        EngineLost: the server does not answer any more.
    """
    for number, request in enumerate(requests, 1):
        try:
            await server.run(request.graph, str(uuid.uuid4()), request.extra)
            error = ""
        except JobFailed as failed:
            error = str(failed)
        yield CapturedRun(number, len(requests), error)

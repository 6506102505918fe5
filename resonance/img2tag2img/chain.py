"""A chain of folders as the driver sees it."""

import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from .. import images
from ..drive.driver import Unreadable
from ..drive.job import Job, JobFailed, Made
from ..drive.session import PROCESS
from ..files import store
from ..session.item import Item
from ..session.ledger import Busy, Ledger, Result
from ..session.lineage import children
from ..session.saving import named
from ..told import Told
from . import picture
from .folders import Folders

SLACK = 60.0
"""Seconds by which the clocks of client and server may differ."""


class FolderChain:
    """Folder after folder, as a ledger in the archive knows it; owned until :meth:`close`.

    The files of results are named below the archive, not below the ledger's folder.

    Args:
        seed: of a new session.
        sort: items of a round are ordered by what must be loaded for them.

    Raises:
        Told: another program owns the session.
    """

    def __init__(self, folders: Folders, seed: int, sort: bool = False) -> None:
        self.folders, self.sort = folders, sort
        try:
            self.ledger = Ledger(folders.session, folders.seed(seed), PROCESS)
        except Busy as error:
            raise Told(f"Another program works on these folders ({error}). Stop it first.") from None
        owner = f"resonance on {socket.gethostname()}, process {os.getpid()}"
        with self.ledger.transaction():
            self.ledger.update(state="open", reason="", owner=owner, first=folders.names[0], rounds=folders.rounds)
        self.seed = self.ledger.session().seed

    def close(self) -> None:
        self.ledger.close()

    def open_round(self) -> int | None:
        """The lowest round with something to do. What has come into the folders meanwhile is taken too."""
        round_ = self.ledger.pending_round() or self._fill()
        if round_ and self.sort:
            self.ledger.order(round_, lambda lineage: self.folders.models(self.seed, round_, lineage).key)
        return round_

    def draw(self, item: Item) -> Item:
        return replace(item, draw=self.folders.models(self.seed, item.round, item.lineage).draw().to_dict())

    def job(self, item: Item) -> Job:
        assert item.source is not None
        try:
            path = self.folders.locate(item.source)
            source = picture.read(path)
            data = path.read_bytes()
        except (OSError, Told) as error:
            raise Unreadable(str(error)) from None
        try:
            graph = self.folders.graph(self.seed, item.round, item.lineage, source)
        except Told as error:
            raise JobFailed(str(error)) from None
        return Job(item, data, path.name, graph)

    def keep(self, job: Job, made: Made) -> list[str]:
        """Puts the pictures into the destination under the names that the workflow's saver gave them."""
        item, graph = job.item, job.graph
        assert graph is not None
        destination = self.folders.names[item.round]
        names = [_plain(name) for name in made.names] or [name for name, _ in named(item.stem, made.pictures)]
        if not names:
            raise JobFailed("The run saved no picture: nothing reached the node save_image.")
        paths = [self._path(destination, name) for name in names]
        self._clear(item, paths, graph["seed"]["inputs"].get("seed"))
        new = [(path, data) for path, data in zip(paths, made.pictures, strict=True) if not _there(path, data)]
        if new:
            store.write(new[0][0].parent, [(path.name, data) for path, data in new])
        first = len(names) // 2 if _with_before(graph) else 0
        final = zip(names[first:], children(item.lineage, len(names) - first), strict=True)
        results = [Result(f"{destination}/{name}", lineage) for name, lineage in final]
        results += [Result(f"{destination}/{name}", None) for name in names[:first]]
        self.ledger.commit(item, results, made.prompt or _prompt(paths[-1].read_bytes()))
        return [result.file for result in results]

    def _fill(self) -> int | None:
        """Takes what lies in the folders into the ledger: the first round for which there is something new."""
        for round_ in range(1, self.folders.rounds + 1):
            try:
                found = self.folders.sources(round_)
            except Told:  # nothing has come there
                continue
            known = self.ledger.sources(round_)
            if self.ledger.add(round_, [each for each in found if each[0] not in known]):
                return round_
        return None

    def _path(self, destination: str, name: str) -> Path:
        path = self.folders.path(destination, name)
        if path.suffix.lower() not in images.SUFFIXES:
            raise JobFailed(f"The server saved {name!r}, which is no picture ({', '.join(sorted(images.SUFFIXES))}).")
        return path

    def _clear(self, item: Item, paths: list[Path], seed: object) -> None:
        """Removes what an earlier try of the item left behind: the saver's names have the time in them, so that another try
        does not replace them. Lineage and seed name the item."""
        name = re.compile(rf"\.?{re.escape(item.lineage)}_.*_{re.escape(str(seed))}(_\d+)?\.\w+(\.tmp)?")
        begun = self.ledger.begun(item) - SLACK
        for path in _files(paths[0].parent):
            if name.fullmatch(path.name) and path not in paths and path.stat().st_mtime >= begun:
                file = path.relative_to(self.folders.archive).as_posix()
                if not self.ledger.taken(file, item):
                    path.unlink()


def _plain(name: str) -> str:
    """A saved file's name without folders, with what not every system takes replaced."""
    return re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", PurePosixPath(name.replace("\\", "/")).name)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (folder / entry.name for entry in entries)


def _there(path: Path, data: bytes) -> bool:
    """Whether the server has written the very same file there. Raises JobFailed if that is the only place it can be."""
    if data:
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    if not path.is_file():
        raise JobFailed(
            f"The server saved {path.name} in a folder that it does not hand out over HTTP, and there is no {path}. Either set"
            " paths.output (output_path) to the name by which the server knows the archive's folder, on a disk that both see,"
            ' or set it to "": then the server saves in its output folder and the pictures come over HTTP.'
        )
    return True


def _with_before(graph: Mapping[str, Any]) -> bool:
    """Whether the first half of what is saved is the pictures before face repair."""
    return graph["batch_images"]["inputs"].get("images_b") == ["face_detailer", 0]


def _prompt(data: bytes) -> str:
    """The positive prompt in the text that the saver writes into a PNG, as AUTOMATIC1111's web UI has it."""
    try:
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            text = image.info.get("parameters")
    except Exception:  # a damaged file makes Pillow's reader raise all kinds; it is kept all the same
        return ""
    return text.split("\nNegative prompt:")[0].split("\nSteps:")[0].strip() if isinstance(text, str) else ""

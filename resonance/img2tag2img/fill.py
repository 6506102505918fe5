"""A chain of folders as what fills a session."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from PIL import Image

from .. import images
from ..drive.job import Job, JobFailed
from ..drive.session import PROGRAM
from ..files import store
from ..session.chain import Chain, Unreadable, own
from ..session.fill.fill import Change
from ..session.item import Item
from ..session.ledger import Ledger, Result
from ..session.lineage import children
from ..session.made import Made
from ..session.saving import named
from ..session.status import Kind
from ..told import Told
from . import picture
from .folders import Folders

SLACK = 60.0
"""Seconds by which the clocks of client and server may differ."""


@dataclass(frozen=True)
class FolderFill:
    """Folder after folder, as a ledger in the archive knows it.

    The files of results are named below the archive, not below the ledger's folder.
    """

    folders: Folders
    kind: ClassVar[Kind] = "folders"
    more: ClassVar[str] = "Add pictures to the first folder, or another folder to the chain."

    def first(self, session: str, seed: int) -> Item:
        source, lineage = self.folders.sources(1)[0]
        return Item(session=session, round=1, index=1, lineage=lineage, seed=0, source=source)

    def begin(self, ledger: Ledger) -> Change:
        ledger.update(first=self.folders.names[0], rounds=self.folders.rounds)
        return Change()

    def open_round(self, ledger: Ledger) -> int | None:
        """The lowest round with something to do. What has come into the folders meanwhile is taken too."""
        return ledger.pending_round() or self._fill(ledger)

    def locate(self, item: Item) -> Path | None:
        assert item.source is not None
        return self.folders.locate(item.source)

    def keep(self, ledger: Ledger, item: Item, made: Made) -> list[str]:
        """Puts the pictures into the destination under the names that the workflow's saver gave them."""
        # Where the saver is and what seed it writes into names does not depend on the picture.
        graph = self.folders.graph(ledger.session().seed, item.round, item.lineage, picture.Picture("", "square"))
        destination = self.folders.names[item.round]
        names = [_plain(name) for name in made.names] or [name for name, _ in named(item.stem, made.files)]
        if not names:
            raise Told("The run saved no picture: nothing reached the node save_image.")
        paths = [self._path(destination, name) for name in names]
        self._clear(ledger, item, paths, graph["seed"]["inputs"].get("seed"))
        new = [(path, data) for path, data in zip(paths, made.files, strict=True) if not _there(path, data)]
        if new:
            store.write(new[0][0].parent, [(path.name, data) for path, data in new])
        first = len(names) // 2 if _with_before(graph) else 0
        final = zip(names[first:], children(item.lineage, len(names) - first), strict=True)
        results = [Result(f"{destination}/{name}", lineage) for name, lineage in final]
        results += [Result(f"{destination}/{name}", None) for name in names[:first]]
        ledger.commit(item, results, made.prompt or _prompt(paths[-1].read_bytes()))
        return [result.file for result in results]

    def _fill(self, ledger: Ledger) -> int | None:
        """Takes what lies in the folders into the ledger: the first round for which there is something new."""
        for round_ in range(1, self.folders.rounds + 1):
            try:
                found = self.folders.sources(round_)
            except Told:  # nothing has come there
                continue
            known = ledger.sources(round_)
            if ledger.add(round_, [each for each in found if each[0] not in known]):
                return round_
        return None

    def _path(self, destination: str, name: str) -> Path:
        path = self.folders.path(destination, name)
        if path.suffix.lower() not in images.SUFFIXES:
            raise Told(f"The server saved {name!r}, which is not a picture ({', '.join(sorted(images.SUFFIXES))}).")
        return path

    def _clear(self, ledger: Ledger, item: Item, paths: list[Path], seed: object) -> None:
        """Removes what an earlier try of the item left behind: the saver's names have the time in them, so that another try
        does not replace them. Lineage and seed name the item."""
        name = re.compile(rf"\.?{re.escape(item.lineage)}_.*_{re.escape(str(seed))}(_\d+)?\.\w+(\.tmp)?")
        begun = ledger.begun(item) - SLACK
        for path in _files(paths[0].parent):
            if name.fullmatch(path.name) and path not in paths and path.stat().st_mtime >= begun:
                file = path.relative_to(self.folders.archive).as_posix()
                if not ledger.taken(file, item):
                    path.unlink()


@dataclass(frozen=True)
class FolderDraws:
    """What is loaded for each picture.

    Attributes:
        sort: items of a round are ordered by it.
    """

    folders: Folders
    sort: bool = False

    @property
    def mark(self) -> str:
        return "folders" if self.sort else ""

    def key(self, seed: int, round_: int, lineage: str) -> tuple[str, Any]:
        return self.folders.models(seed, round_, lineage).key

    def draw(self, seed: int, round_: int, lineage: str) -> dict[str, Any]:
        return self.folders.models(seed, round_, lineage).draw().to_dict()


@dataclass(frozen=True)
class FolderJobs:
    """Makes the jobs of a chain of folders: the whole request for each picture."""

    chain: Chain
    folders: Folders

    def __call__(self, item: Item) -> Job:
        """Raises Unreadable if the item's picture cannot be read, JobFailed if nothing can be asked for it."""
        path = self.chain.locate(item)
        assert path
        try:
            source, data = picture.read_picture(path), path.read_bytes()
        except (OSError, Told) as error:
            raise Unreadable(str(error)) from error
        seed = self.chain.ledger.session().seed
        try:
            graph = self.folders.graph(seed, item.round, item.lineage, source)
        except Told as error:
            raise JobFailed(str(error)) from error
        return Job(item=item, picture=data, name=path.name, graph=graph)


def opened(folders: Folders, seed: int, sort: bool = False) -> Chain:
    """The session of a chain of folders, begun and owned until :meth:`Chain.close`.

    Args:
        seed: of a new session.
        sort: items of a round are ordered by what must be loaded for them.

    Raises:
        Busy: another program works on the folders.
    """
    fill = FolderFill(folders)
    chain = Chain(own(folders.session, folders.seed(seed), fill.kind, PROGRAM), fill, FolderDraws(folders, sort))
    chain.begin()
    return chain


def _plain(name: str) -> str:
    """A saved file's name without folders, with what not every system takes replaced."""
    return re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", PurePosixPath(name.replace("\\", "/")).name)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (folder / entry.name for entry in entries)


def _there(path: Path, data: bytes) -> bool:
    """Whether the server has written the very same file there. Raises Told if that is the only place it can be."""
    if data:
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    if not path.is_file():
        raise Told(
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

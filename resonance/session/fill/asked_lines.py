"""Prompt lines as somebody asks for them, yet to be read."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from ...files import pictures, store, texts
from ...files.names import writable
from ...paint.lines import PromptText, read_lines
from ...paint.options import untaken
from ...paint.shots import Widgets
from ...paint.weights import ONLY_COMFYUI
from ...paint.wildcards import WildcardFiles
from ...told import Told
from .. import saving
from ..item import Item
from ..ledger import Ledger
from ..made import Made
from ..prompts import lines_of
from ..status import Kind
from .fill import Change
from .lines import Lines

LARGEST_TEXT = 64 << 10
"""Bytes of a text that stands in a workflow: it travels in every run and picture."""
LARGEST_FILE = 16 << 20
COPIES = "lines"
"""Folder of a session in which the files that it was made from are kept."""


@dataclass(frozen=True, kw_only=True)
class AskedLines:
    """A fill that reads its lines when it is asked what they hold: a run that only goes on with a session never does.

    Attributes:
        text: the lines, unless there is a ``file``. Where both are empty, ``pictures`` say them.
        file: name of a text file, see :func:`resonance.files.texts.find`. Where it is gone, the session's copy of it is read.
        folder: of the session.
        pictures, masks, guides: folders, as :func:`resonance.files.pictures.listing` takes them, or single files; empty: none.
        roots: folders from which pictures may be read.
        text_roots: those that files of lines may lie in; ``wildcard_roots``: those of wildcards.
        nodes: names of the nodes that take the items; None: there are none, diffusers paints.
        own_sizes, follow: as :class:`.lines.Lines` has them.
        note: told what a person may not expect of the lines, and ``remark`` before, each time they are read.
    """

    text: str
    file: str = ""
    folder: Path
    widgets: Widgets
    per_line: int = 1
    iterations: int = 1
    same_seed: bool = False
    shuffle: bool = False
    pictures: str = ""
    masks: str = ""
    guides: str = ""
    roots: Mapping[str, Path]
    text_roots: Mapping[str, Path]
    wildcard_roots: Sequence[Path]
    nodes: Collection[str] | None = ()
    remark: str = ""
    own_sizes: bool = False
    follow: bool = False
    note: Callable[[str], None]
    kind: ClassVar[Kind] = "lines"
    more: ClassVar[str] = Lines.more

    def first(self, session: str, seed: int) -> Item:
        return self._lines.first(session, seed)

    def begin(self, ledger: Ledger) -> Change:
        change = self._lines.begin(ledger)
        if self.file.strip():
            self._keep_copy(ledger.folder)
        return change

    def open_round(self, ledger: Ledger) -> int | None:
        return ledger.pending_round()

    def locate(self, item: Item) -> Path | None:
        return None if item.source is None else pictures.locate(item.source, self.roots)[1]

    def keep(self, ledger: Ledger, item: Item, made: Made) -> list[str]:
        return saving.keep(ledger, item, made)

    # Inside

    @cached_property
    def _lines(self) -> Lines:
        starts, masks, guides = (_listing(named, self.roots) for named in (self.pictures, self.masks, self.guides))
        wildcards = WildcardFiles(self.wildcard_roots)
        if starts and not self.file.strip() and not self.text.strip():
            text = lines_of(starts, self.roots, self.note)
        else:
            text = read_lines(self._written, wildcards) if self.file.strip() else read_box(self.text, wildcards)
        given = {field for line in text.lines for field in line.given}
        if starts and self.own_sizes and not given.isdisjoint(("width", "height")):
            raise Told(
                "Pictures have the sizes of those that they start from: take --w and --h out of the lines, or give a size for all."
            )
        if self.nodes is None:
            text.check_each_one(ONLY_COMFYUI)
            if masks and not starts:
                raise Told(
                    "Masks say where a start picture may change, and there is none: name a folder of start pictures too."
                )
        said = [self.remark, *text.notes(self.per_line), *untaken(given, self.nodes)]
        if self.nodes is None and guides:
            said.append("Guide pictures do nothing without ComfyUI.")
        for sentence in filter(None, said):
            self.note(sentence)
        return Lines(
            text=text,
            widgets=self.widgets,
            wildcards=wildcards,
            per_line=self.per_line,
            iterations=self.iterations,
            same_seed=self.same_seed,
            shuffle=self.shuffle,
            pictures=starts,
            masks=masks,
            guides=guides,
            roots=self.roots,
            own_sizes=self.own_sizes,
            follow=self.follow,
        )

    @cached_property
    def _written(self) -> str:
        """What stands in the file."""
        if path := texts.find(self.file, self.text_roots):
            return texts.read_text(path, LARGEST_FILE)
        if (copy := self.folder / COPIES / self._name).is_file():
            self.note(f"{self.file} is gone: the session goes on with its own copy.")
            return texts.read_text(copy, LARGEST_FILE)
        searched = ", ".join(map(str, self.text_roots.values()))
        raise Told(f"There is no file {self.file!r}. Searched: {searched}.")

    @property
    def _name(self) -> str:
        """The file's name without folders."""
        return re.split(r"[/\\]", re.sub(r" ?\[\w+\]$", "", self.file.strip()))[-1]

    def _keep_copy(self, folder: Path) -> None:
        data, target = self._written.encode(), writable(folder, COPIES)
        copy = target / self._name
        if not (copy.is_file() and copy.stat().st_size == len(data) and copy.read_bytes() == data):
            store.write(target, [(self._name, data)], parents=False)


def _listing(named: str, roots: Mapping[str, Path]) -> list[str]:
    if not named.strip():
        return []
    root, path = pictures.locate(named, roots)
    if path.is_file():
        return [f"{path.relative_to(roots[root]).as_posix()} [{root}]"]
    return pictures.listing(named, roots)


def read_box(text: str, wildcards: WildcardFiles) -> PromptText:
    """Reads lines that stand in a workflow.

    Raises:
        Told: they are too many to stand there, or see :func:`resonance.paint.lines.read_lines`.
    """
    size = len(text.encode(errors="surrogatepass"))
    if size > LARGEST_TEXT:
        raise Told(
            f"The lines have {size >> 10} kB, and {LARGEST_TEXT >> 10} kB fit into a workflow, which travels in every run and"
            " picture. Save them as a text file in the input folder, and write its name into file."
        )
    return read_lines(text, wildcards)

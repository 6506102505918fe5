"""Wildcards: files of entries, of which a prompt draws one by the file's name.

``animals/cats`` is ``animals/cats.txt`` below one of the root folders, an entry a line; lines that begin with ``#`` are passed over.
Or it is the list ``cats`` in ``animals.yaml``, and so on further down; where all of a YAML file lies below one key that has the
file's name, that is not written twice. ``*`` and ``?`` stand for any characters within one name, and mean all that they fit. Entries
may hold choices, weights and other wildcards.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from ..files.lookup import nearest
from ..files.names import existing, folders
from ..files.texts import read_text
from ..told import Told
from .dynamic import NESTED, Choices, Lot, Misread, Nodes, Text, Wild, parse_entry, walk

LARGEST = 8 << 20
"""Bytes of a file."""
MOST = 200_000
"""Lines of a file, and entries of a wildcard."""
FOLDER = "wildcards"
COMPARED = 5000
"""Names that are looked at for the nearest ones."""
_SUFFIXES = (".txt", ".yaml", ".yml")
_PLAIN = re.compile(r"[^{}|$_\\:]*")


class Entry(NamedTuple):
    """A line of a wildcard."""

    text: str
    line: int


Tree = dict[str, "Tree | list[Entry]"]
"""What a YAML file holds."""


class File(NamedTuple):
    """A file of wildcards.

    Attributes:
        place: its path below the root, without suffix, with forward slashes.
    """

    place: str
    path: Path
    root: Path


class WildcardFiles:
    """The wildcards below some folders. Each file is read once: what changes meanwhile is not seen.

    Args:
        roots: where two have the same wildcard, that of the first counts.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [*roots]
        self._files: dict[str, list[File]] | None = None
        self._trees: dict[Path, Tree | list[Entry]] = {}
        self._choices: dict[str, Choices] = {}
        self._depths: dict[str, int] = {}

    def __call__(self, name: str) -> Choices:
        """The entries of a wildcard.

        Raises:
            Told: there is none of that name, or it cannot be read.
        """
        if name not in self._choices:
            self._choices[name] = self._read(name)
        return self._choices[name]

    def check(self, name: str) -> None:
        """Reads a wildcard and all that its entries lead to.

        Raises:
            Told: one cannot be read, they lead in a circle, or through more than :data:`NESTED` of them.
        """
        self._depth(name, ())

    def stamp(self) -> str:
        """Another text as soon as a file was changed, has come or has gone."""
        known = hashlib.sha256()
        for files in self._indexed().values():
            for file in files:
                there = file.path.stat()
                known.update(f"{file.path}/{there.st_size}/{there.st_mtime_ns}\n".encode(errors="replace"))
        return known.hexdigest()

    # Inside

    def _depth(self, name: str, above: tuple[str, ...]) -> int:
        """Through how many wildcards one leads, with itself."""
        if name in above:
            circle = ", which leads to ".join((*above[above.index(name) + 1 :], name))
            raise Told(f"The wildcard {name!r} leads to itself: its entries lead to {circle}.")
        if name not in self._depths:
            if len(above) == NESTED:
                raise Told(f"The wildcard {above[0]!r} leads through more than {NESTED} others, down to {name!r}.")
            inner = dict.fromkeys(
                each.name for entry in self(name).entries for each in walk(entry) if isinstance(each, Wild)
            )
            self._depths[name] = 1 + max((self._depth(each, (*above, name)) for each in inner), default=0)
        if len(above) + self._depths[name] > NESTED:
            raise Told(
                f"The wildcard {(*above, name)[0]!r} leads through more than {NESTED} others, by way of {name!r}."
            )
        return self._depths[name]

    def _read(self, name: str) -> Choices:
        names = name.split("/")
        if wrong := _wrong(names):
            raise Told(
                f"The wildcard {name!r} {wrong}. Write names below {FOLDER}/ with / between them, such as animals/cats."
            )
        nodes, weights = list[Nodes](), list[float]()
        for place, entries in self._found(names):
            if len(nodes) + len(entries) > MOST:
                raise Told(f"The wildcard {name!r} has more than {MOST:,} entries.")
            for entry in entries:
                held, weight = _held(entry, place)
                nodes.append(held)
                weights.append(weight)
        if not nodes:
            searched = ", ".join(map(str, self._roots)) or "no folder"
            near = nearest(name, self._names()[:COMPARED])
            raise Told(f"There is no wildcard {name!r} with any entries. Searched: {searched}. {near}")
        if not any(weights):
            raise Told(f"All entries of the wildcard {name!r} have weight 0, so none can be drawn.")
        return Choices(nodes, Lot(weights))

    def _found(self, names: Sequence[str]) -> Iterator[tuple[str, list[Entry]]]:
        """The lists that are meant, each with the place of its file and the keys in it, by these names."""
        found: dict[str, list[Entry]] = {}
        for depth in range(1, len(names) + 1):
            for file in self._matching(names[:depth]):
                if file.path.suffix != ".txt":
                    for keys, entries in _lists(self._tree(file), names[depth:]):
                        found.setdefault("/".join((file.place, *keys)), entries)
                elif depth == len(names) and file.place not in found:
                    found[file.place] = _lines(file)
        return iter(sorted(found.items()))

    def _matching(self, names: Sequence[str]) -> list[File]:
        place = "/".join(names)
        if not set("*?") & set(place):
            return self._indexed().get(place, [])
        return [
            file
            for place, files in self._indexed().items()
            if place.count("/") == len(names) - 1 and all(map(fnmatchcase, place.split("/"), names))
            for file in files
        ]

    def _indexed(self) -> dict[str, list[File]]:
        """All files by their places, texts first, in the order of the roots."""
        if self._files is None:
            self._files = {}
            for root in self._roots:
                for path in (each for folder in (root, *folders(root)) for each in _listed(folder)):
                    place = path.relative_to(root).with_suffix("").as_posix()
                    self._files.setdefault(place, []).append(File(place, path, root))
        return self._files

    def _names(self) -> list[str]:
        names = {*self._indexed()}
        for file in (file for files in self._indexed().values() for file in files if file.path in self._trees):
            names |= {"/".join((file.place, *keys)) for keys, _ in _all_lists(self._trees[file.path])}
        return sorted(names)

    def _tree(self, file: File) -> "Tree | list[Entry]":
        if file.path not in self._trees:
            tree = read_yaml(_text(file), file.path.name)
            name = file.path.stem
            self._trees[file.path] = tree[name] if isinstance(tree, dict) and [*tree] == [name] else tree
        return self._trees[file.path]


def _wrong(names: Sequence[str]) -> str:
    """What is wrong with the names of a path; empty: nothing."""
    if "" in names:
        return "begins or ends with /, or has two of them together"
    if "." in names or ".." in names:
        return "leads out of its folder"
    if any(sign in name for name in names for sign in "\\:"):
        return "holds a backslash or a colon"
    return ""


def _held(entry: Entry, place: str) -> tuple[Nodes, float]:
    """What an entry holds, and its weight."""
    if _PLAIN.fullmatch(entry.text):
        return (Text(entry.text, 0),), 1.0
    try:
        return parse_entry(entry.text)
    except Misread as error:
        raise Told(f"{FOLDER}/{place}, line {entry.line}: {error}") from None


# Files


def _listed(folder: Path) -> list[Path]:
    """The files of wildcards in a folder, texts first."""
    try:
        there = [
            path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.name[0] != "." and path.is_file()
        ]
    except OSError:
        return []
    return sorted(there, key=lambda path: (_SUFFIXES.index(path.suffix), path.name))


def _text(file: File) -> str:
    """The text of a file, with line feeds only.

    Raises:
        Told: it lies elsewhere, is too large, or is no text.
    """
    name = file.path.relative_to(file.root).as_posix()
    text = read_text(existing(file.root, name), LARGEST, f"The wildcard file {file.path}")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MOST:
        raise Told(f"The wildcard file {file.path} has more than {MOST:,} lines. Split it.")
    if "\0" in text:
        raise Told(f"The wildcard file {file.path} is no text: it holds a NUL character.")
    return text


def _lines(file: File) -> list[Entry]:
    found = ((text.strip(), number) for number, text in enumerate(_text(file).split("\n"), 1))
    return [Entry(text, number) for text, number in found if text and text[0] != "#"]


def read_yaml(text: str, name: str) -> "Tree | list[Entry]":
    """The lists of entries in a YAML file. Only its events are read: nothing is made of them, and nothing is followed.

    Args:
        name: of the file, to be named.

    Raises:
        Told: it is no YAML, holds something else than names and lists of texts, or nests them too deep.
    """
    import yaml

    def wrong(event: Any, what: str) -> Told:
        return Told(f"{name}, line {event.start_mark.line + 1}: {what}")

    top: Tree = {}
    inside: list[Tree | list[Entry]] = [top]
    keys: list[str | None] = [""]
    number = 0
    events: Callable[..., Iterator[Any]] = yaml.parse  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    try:
        for event in events(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            into, key = inside[-1], keys[-1]
            if isinstance(event, yaml.ScalarEvent):
                value = " ".join(event.value.split("\n")).strip()
                if isinstance(into, list):
                    into += [Entry(value, event.start_mark.line + 1)] if value else []
                    number += 1
                elif key is None:
                    if value in into:
                        raise wrong(event, f"the name {value!r} is given twice.")
                    keys[-1] = value
                    number += 1
                else:
                    into[key] = [Entry(value, event.start_mark.line + 1)] if value else []
                    keys[-1] = None
                if number > MOST:
                    raise wrong(event, f"a file can have {MOST:,} entries at most.")
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                if isinstance(into, list):
                    raise wrong(event, "a list must hold texts only, not lists or names.")
                if key is None:
                    raise wrong(event, "a name must be a text.")
                if len(inside) > NESTED:
                    raise wrong(event, f"names can be nested {NESTED} deep at most.")
                below: Tree | list[Entry] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
                into[key] = below
                keys[-1] = None
                inside.append(below)
                keys.append(None)
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                inside.pop()
                keys.pop()
            elif isinstance(event, yaml.AliasEvent):
                raise wrong(
                    event,
                    "& and * are not supported in wildcard files: write the entries out, or put the text in quotes.",
                )
            elif isinstance(event, yaml.DocumentStartEvent) and top:
                raise wrong(event, "a wildcard file must hold one document only.")
    except yaml.YAMLError as error:
        raise Told(f"{name} is no valid YAML: {' '.join(str(error).split())}") from None
    return top.get("", [])


def _all_lists(tree: "Tree | list[Entry]") -> Iterator[tuple[tuple[str, ...], list[Entry]]]:
    if isinstance(tree, list):
        yield (), tree
    else:
        for key, below in tree.items():
            yield from (((key, *keys), entries) for keys, entries in _all_lists(below))


def _lists(tree: "Tree | list[Entry]", names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], list[Entry]]]:
    """The lists below these names, each with its keys."""
    if isinstance(tree, list):
        if not names:
            yield (), tree
    elif names:
        for key, below in tree.items():
            if fnmatchcase(key, names[0]):
                yield from (((key, *keys), entries) for keys, entries in _lists(below, names[1:]))

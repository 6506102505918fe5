"""Where descriptions of pictures are kept: a text file beside each picture, or one JSONL or CSV file for all.

A kill at any moment loses no description that was finished, and leaves none that is half written and counts.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from ..files import store
from ..files.sidecar import sidecar
from ..told import Told


@dataclass(frozen=True)
class Description:
    """What a picture shows. The first two have the names that Hugging Face's folders of pictures go by.

    Attributes:
        file_name: the picture's path inside the folder, with ``/``.
        text: tags, caption and the user's own words, composed.
    """

    file_name: str
    text: str
    tags: str = ""
    caption: str = ""
    rating: str = ""


COLUMNS = [field.name for field in fields(Description)]


class Descriptions(Protocol):
    """The descriptions of the pictures of a folder."""

    def done(self, name: str) -> bool:
        """Whether there was a description of that picture to begin with."""
        ...

    def add(self, description: Description) -> None:
        """Keeps a description, in place of an earlier one of that picture."""
        ...

    def finish(self) -> None:
        """Call it after the last :meth:`add`."""
        ...


class Sidecars:
    """``a.txt`` beside ``a.png``, as trainers read them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def done(self, name: str) -> bool:
        return (self._folder / sidecar(name)).exists()

    def add(self, description: Description) -> None:
        path = self._folder / sidecar(description.file_name)
        store.write(path.parent, [(path.name, _bytes(f"{description.text}\n"))])

    def finish(self) -> None:
        """Nothing is left to do."""


def twins(names: Iterable[str]) -> dict[str, str]:
    """The pictures that would share the text file of an earlier one (``a.png`` after ``a.jpg``), and that earlier one."""
    owners: dict[str, str] = {}
    return {name: owner for name in names if (owner := owners.setdefault(sidecar(name), name)) != name}


class Form(Protocol):
    """How a file of descriptions is written."""

    head: bytes

    def line(self, description: Description) -> bytes: ...

    def lines(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The whole lines of a file behind its head, each with the name of its picture.

        Raises:
            Told: it is a file of another kind; the text says what was expected.
        """
        ...


class JSONL:
    """An object a line."""

    head = b""
    _begin = b'{"file_name": "'

    def line(self, description: Description) -> bytes:
        return _bytes(json.dumps(asdict(description), ensure_ascii=False) + "\n")

    def lines(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        *whole, rest = data.split(b"\n")
        for number, line in enumerate(whole, 1):
            try:
                value: Any = json.loads(_text(line))
                yield str(value["file_name"]), line + b"\n"
            except (ValueError, TypeError, KeyError, RecursionError):
                raise Told(f'line {number} is not like {{"file_name": "a.png", "text": "..."}}') from None
        if not rest.startswith(self._begin[: len(rest)]):
            raise Told("its last line was not written by this command and has no end")


class CSV:
    """A record a picture, under a line of column names.

    Args:
        quote_formulas: an apostrophe goes before what a spreadsheet would take for a formula, which is what OWASP advises.
    """

    head: bytes

    def __init__(self, quote_formulas: bool = False) -> None:
        self._quote_formulas = quote_formulas
        self.head = self._record(COLUMNS)

    def line(self, description: Description) -> bytes:
        values: tuple[str, ...] = astuple(description)
        return self._record(f"'{value}" if self._is_formula(value) else value for value in values)

    def lines(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        records = self._split(data)
        columns = self._values(next(records, data))
        if data and columns != COLUMNS:
            raise Told(f"expected the columns {', '.join(COLUMNS)}, got {', '.join(columns)[:200]}")
        for record in records:
            name = "".join(self._values(record)[:1])
            yield name[1:] if name.startswith("'") and self._is_formula(name) else name, record

    def _is_formula(self, text: str) -> bool:
        # What begins with apostrophes and a formula gets one more, so that one can be taken off again.
        return self._quote_formulas and text.lstrip("'")[:1] in tuple("=+-@\t\r\n")

    def _split(self, data: bytes) -> Iterator[bytes]:
        record = b""
        for line in io.BytesIO(data):
            record += line
            # In the middle of a quoted text there is an odd number of quotation marks before the end of a line.
            if line.endswith(b"\n") and record.count(b'"') % 2 == 0:
                yield record
                record = b""

    def _values(self, record: bytes) -> list[str]:
        return [value for row in csv.reader(io.StringIO(_text(record).lstrip("\ufeff"), newline="")) for value in row]

    def _record(self, values: Iterable[str]) -> bytes:
        text, values = io.StringIO(newline=""), tuple(values)
        # Python's readers end a record at a carriage return, and its writer does not see that one needs quotation marks.
        quoting = csv.QUOTE_ALL if any("\r" in value for value in values) else csv.QUOTE_MINIMAL
        csv.writer(text, lineterminator="\n", quoting=quoting).writerow(values)
        return _bytes(text.getvalue())


class Lines:
    """One file for all pictures, which grows line by line.

    A last line without its end was being written when a run was killed: it goes. Of several lines on one picture the last
    counts; the others go at the end, so that describing all of them anew can be stopped and loses nothing.
    """

    def __init__(self, path: Path, form: Form) -> None:
        """
        Raises:
            Told: the file is there and holds something else.
        """
        self._path, self._form = path, form
        self._names = self._tidy()
        self._again = False

    def done(self, name: str) -> bool:
        return name in self._names

    def add(self, description: Description) -> None:
        if not self._path.exists():
            store.write(self._path.parent, [(self._path.name, self._form.head)])
        with self._path.open("ab") as file:
            file.write(self._form.line(description))
            file.flush()
            os.fsync(file.fileno())
        self._again |= description.file_name in self._names

    def finish(self) -> None:
        if self._again:
            self._tidy()

    def _tidy(self) -> set[str]:
        """Drops what is cut off or outdated. The names that are left."""
        old = self._path.read_bytes() if self._path.exists() else b""
        try:
            lines = dict(self._form.lines(old))
        except Told as error:
            raise Told(f"{self._path} holds something else: {error}. Name another file with --out.") from None
        new = self._form.head + b"".join(lines.values())
        if old and new != old:
            store.write(self._path.parent, [(self._path.name, new)])
        return set(lines)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    # File names may be no UTF-8.
    return data.decode("utf-8", "surrogateescape")

"""Words in a file beside their picture: ``a.txt`` beside ``a.png``, as trainers read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .. import images
from ..told import Told
from . import store
from .names import writable
from .pictures import locate

WRITABLE = ("input", "output")
"""The roots of pictures beside which something may be written."""


def sidecar(name: str) -> str:
    """The name of a picture's text file."""
    return str(PurePosixPath(name).with_suffix(".txt"))


@dataclass(frozen=True)
class Beside:
    """Where the words of a picture go: ``file`` below the folder ``base``, which is the root of that name."""

    root: str
    base: Path
    file: str

    @property
    def name(self) -> str:
        return f"{self.file} [{self.root}]"


def beside(pictures: Sequence[str], roots: Mapping[str, Path]) -> list[Beside]:
    """Where the words of these pictures go.

    Args:
        pictures: ``holiday/a.png [input]``, or what else :func:`locate` takes.

    Raises:
        Told: one is no picture that is there, lies elsewhere than in the input or the output folder, or would share its file.
    """
    found: dict[Beside, str] = {}
    for picture in pictures:
        root, path = locate(picture, roots)
        if not path.is_file() or path.suffix.lower() not in images.SUFFIXES:
            raise Told(f"There is no picture {picture!r}. Write its name in the input folder, such as holiday/a.png.")
        if root not in WRITABLE:
            raise Told(f"{picture!r} lies in [{root}]: words are saved only beside pictures in [input] and [output].")
        place = Beside(root, roots[root], sidecar(path.relative_to(roots[root]).as_posix()))
        if place in found:
            raise Told(f"{found[place]!r} and {picture!r} would share {place.file}: rename one of them.")
        found[place] = picture
    return list(found)


def save(place: Beside, words: str, replace: bool) -> bool:
    """Writes words beside a picture. Returns False where another text is there and stays.

    Raises:
        Told: it cannot be written, or a link stands there.
    """
    path, data = writable(place.base, place.file), f"{words}\n".encode()
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return True
    if path.exists() and not replace:
        return False
    store.write(path.parent, [(path.name, data)], parents=False)
    return True

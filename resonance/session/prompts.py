"""Finding the prompt again by which pictures were explored."""

from collections.abc import Mapping
from pathlib import Path

from ..files import formats
from ..files.names import inside
from ..files.pictures import locate
from ..told import Told
from .item import Item
from .naming import PROMPT
from .payloads import written

LONGEST = 100_000
"""Bytes of a prompt."""


def prompt_of(name: str, roots: Mapping[str, Path]) -> str:
    """The prompt of the exploration that a picture is from.

    Args:
        name: ``explore/<hash>/x.png [output]``: a picture, ``prompt.txt``, or the folder itself. What lies in a folder with a
            ``prompt.txt`` has that prompt; any other picture is asked for the one in its ``resonance`` text.
        roots: folders from which may be read, by name.

    Raises:
        Told: there is no such folder, or no prompt; the text says where was looked.
    """
    if not name.strip():
        raise Told("Name a picture of an exploration, such as explore/<hash>/x.png [output].")
    root, path = locate(name, roots)
    folder = path if path.is_dir() or path == roots[root] else path.parent
    if not folder.is_dir():
        other = (
            "" if name.rstrip().endswith("]") else f" For a folder of the output folder write {name.strip()} [output]."
        )
        raise Told(f"There is no folder {folder.relative_to(roots[root])} in [{root}].{other}")
    file = inside(roots[root], str((folder / PROMPT).relative_to(roots[root])))
    prompt = _in_file(file) if file.is_file() else _in_picture(path)
    if not prompt.strip():
        raise Told(f"The prompt in {file.name if file.is_file() else path.name} of {folder.name} is empty.")
    return prompt.strip()


def _in_file(file: Path) -> str:
    with file.open("rb") as opened:
        data = opened.read(LONGEST + 1)
    try:
        if len(data) > LONGEST:
            raise ValueError
        return data.decode("utf-8-sig")
    except ValueError:
        raise Told(f"{file.parent.name}/{file.name} is not text of at most {LONGEST:,} bytes in UTF-8.") from None


def _in_picture(picture: Path) -> str:
    """The prompt in the ``resonance`` text of a picture. Its pixels are not read."""
    where = f"There is no {PROMPT} in {picture.parent.name}/, and {picture.name}"
    if not picture.is_file():
        raise Told(f"{where} is not there. Choose a picture of an exploration.")
    try:
        text = formats.texts(picture).get("resonance")
    except Exception as error:  # a damaged file makes Pillow's readers raise all kinds
        raise Told(f"{where} is not a picture that can be read ({type(error).__name__}).") from None
    prompt = written(Item.from_json(text).payload) if text else None
    if not prompt:
        raise Told(f"{where} carries no prompt of an exploration. Choose a picture that was explored.")
    return prompt

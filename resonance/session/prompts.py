"""The prompts of pictures: of those that were explored, and of any that says what it was made from."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..files import formats
from ..files.names import inside
from ..files.pictures import locate
from ..paint.dynamic import escaped
from ..paint.lines import Line, PromptText, picture_line
from ..paint.read_back import LONGEST_ITEM, read_back, read_texts
from ..told import Told
from ..vary.grid import split
from .item import Item
from .naming import PROMPT
from .payloads import Exploration, written

log = logging.getLogger(__name__)

LONGEST = 100_000
"""Bytes of a prompt."""
NAMED = 5
"""As many pictures are named."""


def prompt_of(name: str, roots: Mapping[str, Path], choices: bool = False) -> str:
    """The prompt of the exploration that a picture is from, or of any picture that says it: ``positive --n negative``.

    Args:
        name: ``explore/<hash>/x.png [output]``: a picture, ``prompt.txt``, or the folder itself. What lies in a folder with a
            ``prompt.txt`` has that prompt; any other picture is asked for its own, see :mod:`resonance.paint.read_back`.
        roots: folders from which may be read, by name.
        choices: those in the prompt will be made. Where it is of no exploration, braces and underscores are then words.

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
    prompt = _in_file(file) if file.is_file() else _in_picture(path, choices)
    if not prompt.strip():
        raise Told(f"The prompt in {file.name if file.is_file() else path.name} of {folder.name} is empty.")
    return prompt.strip()


def lines_of(sources: Sequence[str], roots: Mapping[str, Path], note: Callable[[str], None]) -> PromptText:
    """A prompt line for each picture: its own prompt and negative prompt. Those that carry none have no line, which is noted; the others
    keep their numbers.

    Args:
        sources: names, as :func:`resonance.files.pictures.locate` takes them.

    Raises:
        Told: none of them carries a prompt.
    """
    lines, without = list[Line](), list[str]()
    for number, source in enumerate(sources, 1):
        try:
            said = read_back(locate(source, roots)[1])
        except Told:
            without.append(source)
        else:
            lines.append(picture_line(number, source, said.prompt, said.negative))
    names = ", ".join(without[:NAMED]) + (f" and {len(without) - NAMED:,} more" if len(without) > NAMED else "")
    if not lines:
        raise Told(
            f"There are no prompt lines, and no start picture carries a prompt in their place ({names}). Write lines, or take pictures that"
            " were saved with what they were made from."
        )
    if without:
        text = f"Not painted, as they carry no prompt: {names}. The others keep their masks and guides."
        log.warning(text)
        note(text)
    return PromptText(tuple(lines))


def _in_file(file: Path) -> str:
    with file.open("rb") as opened:
        data = opened.read(LONGEST + 1)
    try:
        if len(data) > LONGEST:
            raise ValueError
        return data.decode("utf-8-sig")
    except ValueError:
        raise Told(f"{file.parent.name}/{file.name} is not text of at most {LONGEST:,} bytes in UTF-8.") from None


def _in_picture(picture: Path, choices: bool) -> str:
    """The prompt that a picture carries. Its pixels are not read."""
    where = f"There is no {PROMPT} in {picture.parent.name}/, and {picture.name}"
    if not picture.is_file():
        raise Told(f"{where} is not there. Choose a picture of an exploration.")
    try:
        texts = formats.texts(picture)
    except Exception as error:  # a damaged file makes Pillow's readers raise all kinds
        raise Told(f"{where} is not a picture that can be read ({type(error).__name__}).") from None
    wrong: Told | None = None
    try:
        text = texts.get("resonance", "")
        payload = Item.from_json(text).payload if 0 < len(text) <= LONGEST_ITEM else None
    except Told as error:
        payload, wrong = None, error
    if isinstance(payload, Exploration):
        return written(payload)
    if found := read_texts(texts):
        prompt, negative = (" ".join(words.split()) for words in (found.prompt, found.negative))
        # A bar in the words would else be taken for what parts an older prompt from its negative.
        text = prompt if not negative and split(prompt) == (prompt, "") else f"{prompt} --n {negative}"
        return escaped(text) if choices else text
    raise wrong or Told(f"{where} carries no prompt. Choose a picture that was saved with what it was made from.")

"""Choices in one prompt, for those who have no lines: the same groups and wildcards, none that enumerates."""

import random

from ..session.item import derive
from ..told import Told
from .dynamic import Chosen, Group, Misread, Wild, choose, parse, walk
from .wildcards import WildcardFiles


def choose_prompt(text: str, seed: int, wildcards: WildcardFiles, what: str) -> str:
    """A prompt with all of its choices made.

    Args:
        seed: of the picture.
        what: the prompt's name, such as ``preamble``. What has another name chooses otherwise for the same seed.

    Raises:
        Told: it cannot be read; names line and column.
    """
    try:
        nodes = parse(text)
        for node in walk(nodes):
            if isinstance(node, Group) and node.enumerates:
                raise Misread(node.at, "e$$ stands for several pictures, which only Prompt Lines can make.")
            if isinstance(node, Wild):
                try:
                    wildcards.check(node.name)
                except Told as error:
                    raise Misread(node.at, str(error)) from None
        choose(nodes, random.Random(derive(seed, 0, what, "choices")), wildcards, chosen := Chosen())
    except Misread as error:
        before = text[: error.at]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise Told(f"The {what} cannot be read. Line {line}, column {column}: {error}") from None
    return chosen.text

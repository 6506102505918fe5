"""What became of a picture's tags."""

import re

from ..session.query import Row
from ..typed import between_commas


def split(text: str) -> dict[str, str]:
    """Tags of a text, as written, by the form under which two are the same tag.

    Commas part them; case, surrounding blanks and the backslash before a bracket make no difference.
    """
    tags: dict[str, str] = {}
    for tag in between_commas(text):
        tags.setdefault(re.sub(r"\\([()\[\]{}])", r"\1", tag).casefold(), tag)
    return tags


def change(before: str, now: str) -> dict[str, list[str]] | None:
    """Which tags of a text were ``kept``, ``added`` and ``dropped`` since the one before; None if either has no tags."""
    old, new = split(before), split(now)
    if not old or not new:
        return None
    return {
        "kept": [tag for key, tag in new.items() if key in old],
        "added": [tag for key, tag in new.items() if key not in old],
        "dropped": [tag for key, tag in old.items() if key not in new],
    }


def kept(texts: list[str]) -> list[float | None]:
    """For each text the share (0 to 1) of the first one's tags that it still has. Texts without tags have none and are
    never the first one."""
    tags = [split(text).keys() for text in texts]
    first = next(filter(None, tags), frozenset[str]())
    return [len(first & each) / len(first) if each else None for each in tags]


def tags_in(row: Row) -> str:
    """The tags in the stored words of an item's row; an item may have none."""
    return row.words["tags"] if row.words else ""

"""A shot: one picture that prompt lines ask for. What it is, its seed, and what is chosen for it.

A shot is known by its line as written, by what that leaves open, and by which copy it is; not by where its line stands. So lines can be
added, taken away and moved, and what was painted stays painted. Equal lines count up: the second begins where the first ends. The line of
a picture is known by that, too.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..session.item import derive
from .dynamic import Randoms
from .lines import Line, PromptText


@dataclass(frozen=True, kw_only=True)
class Widgets:
    """What counts for a line that does not say it, by the names of :class:`.options.Options`; None: nothing does."""

    width: int
    height: int
    steps: int
    scale: float
    strength: float | None = None


class Shot(NamedTuple):
    """One picture of each iteration.

    Attributes:
        picture: which of its line, from 0; of one that enumerates, which of its texts.
        first: which copy the first picture of its line is, from 0.
        key: what it is, see :func:`key_of`.
    """

    line: Line
    picture: int
    first: int
    key: str


def shots(text: PromptText, widgets: Widgets, per_line: int) -> Iterator[Shot]:
    """The shots of an iteration, in order."""
    copies = Counter[tuple[str, str]]()
    for line in text.lines:
        same = line.text, line.source
        first = copies[same]
        pictures = line.pictures(per_line)
        copies[same] += pictures
        for picture in range(pictures):
            yield Shot(line, picture, first, key_of(line, widgets, first + picture))


def key_of(line: Line, widgets: Widgets, copy: int) -> str:
    """Equal for the same line with the same values open, and the same copy of it."""
    open_ = {
        name: float(value) for name, value in vars(widgets).items() if name not in line.given and value is not None
    }
    text = json.dumps([line.text, open_, copy, *filter(None, [line.source])], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def seed_of(shot: Shot, widgets: Widgets, session: int, iteration: int, same: bool) -> int:
    """A shot's seed in an iteration (from 1): the one of ``--d``, of which the last counts on, or a drawn one. All that one line
    enumerates have its first.

    Args:
        session: the session's seed.
        same: lines without ``--d`` share theirs, copy by copy.
    """
    picture = 0 if shot.line.enumerates else shot.picture
    if seeds := shot.line.seeds:
        return seeds[min(picture, len(seeds) - 1)]
    copy = shot.first + picture
    return derive(session, iteration, str(copy) if same else key_of(shot.line, widgets, copy), "sampler")


def randoms_of(seed: int) -> Randoms:
    """What chooses for a shot with this seed."""
    return random.Random(derive(seed, 0, "", "choices"))

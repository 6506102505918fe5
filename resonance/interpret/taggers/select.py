"""From scores to the tags that are kept, and to a line of text."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...prompt import is_listed, normal
from ...told import Told
from ...typed import between_commas, narrow
from .labels import Labels

Order = Literal["by category", "by category, best first", "best first"]
ORDERS: tuple[Order, ...] = ("by category", "by category, best first", "best first")

# These categories have exactly one true tag.
ONE_OF = ("rating", "quality")
CHARACTER_FLOOR = 0.15

# fmt: off
KAOMOJI = frozenset({
    "0_0", "(o)_(o)", "+_+", "+_-", "._.", "<o>_<o>", "<|>_<|>", "=_=", ">_<", "3_3", "6_9", ">_o", "@_@", "^_^",
    "o_o", "u_u", "x_x", "|_|", "||_||",
})
# fmt: on

Scores = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Choice:
    """Which tags of a picture are kept.

    Attributes:
        thresholds: score that a tag must pass, by category; other categories go by ``general``.
        mcut: categories whose threshold is found per picture, see :func:`mcut`.
        exclude: tags to leave out, as :func:`resonance.prompt.is_listed` has it.
    """

    thresholds: Mapping[str, float]
    mcut: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Text:
    """How kept tags are written.

    Attributes:
        categories: which categories are written, and in which order; species with ``general`` unless they are named.
        order: ``by category`` keeps the order of the model's list within each category, ``by category, best first``
            sorts each by score, ``best first`` sorts all together.
        maximum: keep only so many, the best; 0 keeps all.
        replace: what is written for tags, see :func:`replacements`.
    """

    categories: tuple[str, ...] = ("character", "general")
    order: Order = "by category"
    maximum: int = 0
    spaces: bool = True
    escape: bool = True
    separator: str = ", "
    replace: tuple[tuple[str, str], ...] = ()


def mcut(scores: NDArray[np.float32]) -> float:
    """The middle of the widest gap between neighbouring scores (maximum cut, Largeron et al., 2012).

    Args:
        scores: ``[tags]``, two or more.
    """
    falling = np.sort(scores)[::-1]
    widest = int((falling[:-1] - falling[1:]).argmax())
    return float(falling[widest] + falling[widest + 1]) / 2


def choose(scores: NDArray[np.float32], labels: Labels, choice: Choice) -> Scores:
    """The kept tags of one picture: category -> tag as in the model's list -> score, in the list's order.

    Ratings are never dropped: all of them are given. Of ``quality`` the best is kept.

    Args:
        scores: probabilities ``[tags]``.
    """
    kept: Scores = {}
    for category, positions in labels.groups.items():
        row = scores[positions]
        if category == "rating":
            chosen = positions
        elif category in ONE_OF:
            chosen = positions[row.argmax()][None]
        else:
            chosen = positions[row > _threshold(category, row, choice)]
        tags = {labels.names[i]: float(scores[i]) for i in map(int, chosen)}
        excluded = () if category == "rating" else choice.exclude
        kept[category] = {name: score for name, score in tags.items() if not is_listed(normal(name), excluded)}
    return kept


def rating(kept: Scores) -> str:
    """The likeliest rating, or nothing for a model without ratings."""
    return max(kept.get("rating", {"": 0.0}).items(), key=lambda tag: tag[1])[0]


def write(kept: Scores, text: Text) -> str:
    """The kept tags as one line."""
    tags = [tag for category in _categories(text) for tag in _written(category, kept, text)]
    by_score = sorted(tags, key=lambda tag: -tag[1])
    if text.maximum:
        by_score = by_score[: text.maximum]
        best = set(by_score)
        tags = [tag for tag in tags if tag in best]
    names = [name for name, _ in (by_score if text.order == "best first" else tags)]
    words = [_spelled(name, text) for name in names]
    return text.separator.join(dict.fromkeys(words) if text.replace else words)


def _spelled(name: str, text: Text) -> str:
    instead = (new for old, new in text.replace if is_listed(normal(name), (old,)))
    return next(instead, None) or spelled(name, text.spaces, text.escape)


def spelled(name: str, spaces: bool = True, escape: bool = True) -> str:
    """A tag as it stands in a prompt. Kaomoji keep their underscores.

    ComfyUI gives brackets a meaning and knows only ``\\(`` and ``\\)`` as escapes: a backslash itself is left alone.
    """
    if spaces and name not in KAOMOJI:
        name = name.replace("_", " ")
    return re.sub(r"([()])", r"\\\1", name) if escape else name


def plain_list(text: str) -> frozenset[str]:
    """A list of tags as a person types it: separated by commas or line ends, in any spelling."""
    return frozenset(map(normal, between_commas(text, "\n")))


def replacements(text: str) -> tuple[tuple[str, str], ...]:
    """What is to be written for which tags: ``old -> new``, separated by commas or line ends.

    Returns:
        Each old tag or pattern, as :func:`resonance.prompt.is_listed` takes it, with the text for it.

    Raises:
        Told: a part has another form.
    """
    pairs = [[side.strip() for side in re.split("->|→", part)] for part in between_commas(text, "\n")]
    for pair in pairs:
        if len(pair) != 2 or not all(pair):
            raise Told(
                f"{' -> '.join(pair)!r} is no replacement. Write old -> new, such as grey_hair -> silver hair, several with commas or"
                " lines between them. Tags to leave out go into exclude."
            )
    return tuple((normal(old), new) for old, new in pairs)


def category_list(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Names of categories as a person types them.

    Raises:
        Told: one is not known, or there is none.
    """
    names = tuple(name.lower() for name in re.split(r"[,\s]+", narrow(text)) if name)
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        what = f"{', '.join(wrong)}: no such category of tags" if wrong else "no category of tags is named"
        raise Told(f"{what}. Write one or more of {', '.join(known)}, separated by commas.")
    return names


def _threshold(category: str, row: NDArray[np.float32], choice: Choice) -> float:
    if category in choice.mcut and len(row) > 1:
        return max(CHARACTER_FLOOR, mcut(row)) if category == "character" else mcut(row)
    return choice.thresholds.get(category, choice.thresholds["general"])


def _categories(text: Text) -> Iterator[str]:
    for category in text.categories:
        yield category
        if category == "general" and "species" not in text.categories:  # e621's, which are general tags elsewhere
            yield "species"


def _written(category: str, kept: Scores, text: Text) -> list[tuple[str, float]]:
    tags = list(kept.get(category, {}).items())
    if category in ONE_OF:
        return sorted(tags, key=lambda tag: -tag[1])[:1]
    return tags if text.order == "by category" else sorted(tags, key=lambda tag: -tag[1])

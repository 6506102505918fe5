"""The list of tags that belongs to a model."""

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...told import Told

CATEGORIES = (
    *("rating", "general", "character", "copyright", "artist", "meta", "quality", "model", "year"),
    *("species", "lore", "contributor", "invalid"),
)
Board = Literal["danbooru", "e621"]
BOARDS: dict[Board, dict[int, str]] = {
    # 9 is SmilingWolf's for ratings.
    "danbooru": {0: "general", 1: "artist", 3: "copyright", 4: "character", 5: "meta", 9: "rating"},
    "e621": {
        **{0: "general", 1: "artist", 2: "contributor", 3: "copyright", 4: "character", 5: "species"},
        **{6: "invalid", 7: "meta", 8: "lore"},
    },
}
"""What the numbers of categories mean."""
SAYS_BOARD = "board.txt"
"""File beside a list that names its board, where the numbers do not tell."""


@dataclass(frozen=True)
class Labels:
    """Names and categories of a model's outputs, in their order."""

    names: tuple[str, ...]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def groups(self) -> dict[str, NDArray[np.intp]]:
        """Category -> positions of its tags, ascending."""
        categories = np.array(self.categories)
        return {str(category): np.flatnonzero(categories == category) for category in dict.fromkeys(self.categories)}


def read_labels(path: Path, board: Board | None = None) -> Labels:
    """Reads ``selected_tags.csv``, ``top_tags.txt``, ``tag_mapping.json`` and camie's ``…-metadata.json``.

    Args:
        board: whose numbers a CSV has; None: what the list itself says.

    Raises:
        Told: the file is not such a list, or it is not known what its categories mean.
    """
    try:
        pairs = (
            _csv(path, board) if path.suffix == ".csv" else _lines(path) if path.suffix == ".txt" else _mapping(path)
        )
        if not all(
            str.encode(name).strip() for name, _ in pairs
        ):  # raises for what is no text, or holds half a character
            raise ValueError("a tag has no name")
    except (csv.Error, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Told(f"{path} is not a list of tags that a tagger comes with ({error!r}). Fetch it again.") from error
    if unknown := sorted({category for _, category in pairs} - {*CATEGORIES}):
        raise Told(
            f"{path} has categories of tags that are not known: {', '.join(unknown)}. Known: {', '.join(CATEGORIES)}."
        )
    return Labels(tuple(name for name, _ in pairs), tuple(category for _, category in pairs))


def _csv(path: Path, board: Board | None) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["name"], int(row["category"])) for row in csv.DictReader(file)]
    meanings = _meanings(path, {number for _, number in rows}, board)
    return [(name, meanings[number]) for name, number in rows]


def _meanings(path: Path, numbers: set[int], board: str | None) -> dict[int, str]:
    """What the numbers of a list mean: on the board that it says it is from, or on the only one that has them all."""
    beside = path.with_name(SAYS_BOARD)
    said = beside.read_text("utf-8-sig").strip().lower() if beside.is_file() else board
    if said and said not in BOARDS:
        raise Told(
            f"{beside} must hold {' or '.join(BOARDS)}, the board that the list of tags is from, got {said[:40]!r}."
        )
    boards = {name: known for name, known in BOARDS.items() if name == (said or name) and numbers <= known.keys()}
    found = [{number: known[number] for number in numbers} for known in boards.values()]
    if not found:
        listed = ", ".join(map(str, sorted(numbers)))
        raise Told(f"{path}: the categories {listed} are not those of {said or ' or of '.join(BOARDS)}.")
    if any(other != found[0] for other in found):
        raise Told(
            f"{path} does not say which board its tags are from: category 5 is meta on danbooru and species on e621. Write"
            f" danbooru or e621 into a file {SAYS_BOARD} beside it."
        )
    return found[0]


def _lines(path: Path) -> list[tuple[str, str]]:
    return [(line.strip(), "general") for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _mapping(path: Path) -> list[tuple[str, str]]:
    data: Any = json.loads(path.read_text(encoding="utf-8"))
    data = data.get("dataset_info", {}).get("tag_mapping", data)
    if "idx_to_tag" not in data:
        rows = [data[str(i)] for i in range(len(data))]
        return [(row["tag"], row["category"].lower()) for row in rows]
    names = [data["idx_to_tag"][str(i)] for i in range(len(data["idx_to_tag"]))]
    return [(name, data["tag_to_category"].get(name, "general").lower()) for name in names]

"""The list of tags that belongs to a model."""

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...told import Told

CATEGORIES = ("rating", "general", "character", "copyright", "artist", "meta", "quality", "model", "year")
# Danbooru's numbers; 9 is SmilingWolf's for ratings.
_NUMBERS = {0: "general", 1: "artist", 3: "copyright", 4: "character", 5: "meta", 9: "rating"}


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


def read_labels(path: Path) -> Labels:
    """Reads ``selected_tags.csv``, ``top_tags.txt``, ``tag_mapping.json`` and camie's ``…-metadata.json``.

    Raises:
        Told: the file is not such a list.
    """
    try:
        pairs = {".csv": _csv, ".txt": _lines}.get(path.suffix, _mapping)(path)
    except (csv.Error, KeyError, TypeError, AttributeError, ValueError) as error:
        raise Told(f"{path} is not a list of tags that a tagger comes with ({error!r}). Fetch it again.") from error
    return Labels(tuple(name for name, _ in pairs), tuple(category for _, category in pairs))


def _csv(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["name"], _NUMBERS.get(int(row["category"]), "general")) for row in csv.DictReader(file)]


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

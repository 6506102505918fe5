"""Names of model files as workflows have them, which come from other machines."""

from collections.abc import Sequence
from difflib import get_close_matches


def meant(name: str, names: Sequence[str]) -> str | None:
    """Which of the names is meant: itself, or the one that has other slashes, as on another system."""
    if name in names:
        return name
    return next((each for each in names if each.replace("\\", "/") == name.replace("\\", "/")), None)


def nearest(name: str, names: Sequence[str]) -> str:
    """A sentence on what there is instead."""
    close = get_close_matches(name, names, 3, 0.4) or names[:3]
    return f"Nearest: {', '.join(close)}." if close else "There are none at all."

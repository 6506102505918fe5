"""The modes of colour correction by name, as nodes and the command are told them."""

from collections.abc import Mapping
from typing import Any

from ..told import Told
from ..typed import narrow
from .color import STATES, Anchored, Correction
from .settings import ANCHORED, MODES, NONE, OWN
from .walk import Colors

TIMELESS = ("S", ANCHORED)
"""Modes that say themselves when they correct."""
EVERY, KEPT = "after every transform", "when kept"
WHEN = (EVERY, KEPT)


def read_mode(values: Mapping[str, Any], key: str = "mode") -> Correction | Anchored:
    """How colours are corrected.

    Args:
        values: under ``key`` one of :data:`MODES`; with :data:`ANCHORED` and :data:`OWN` the fields of their types.
    """
    name = values[key]
    if name in STATES:
        return STATES[name]
    numbers = {name: value for name, value in values.items() if name != key}
    return Anchored(**numbers) if name == ANCHORED else Correction(**numbers)


def colors(values: Mapping[str, Any]) -> Colors | None:
    """What Vary's ``color`` says: a mode, and under ``correct`` one of :data:`WHEN`. None: colours are left alone."""
    if values["color"] == NONE:
        return None
    mode = {name: value for name, value in values.items() if name != "correct"}
    return Colors(read_mode(mode, "color"), values.get("correct") != KEPT)


def read_color(text: str, correct: str | None = None) -> dict[str, Any]:
    """What :func:`colors` takes from ``adaptive``, or with numbers from ``anchored:anchor=0.5,smoothing=0.9``.

    Args:
        correct: one of :data:`WHEN`.

    Raises:
        Told: there is no such mode or number; the text says which there are.
    """
    name, _, numbers = narrow(text).partition(":")
    if name not in (NONE, *MODES):
        raise Told(f"The colour mode must be one of {', '.join((NONE, *MODES))}, got {name!r}.")
    known = vars(Anchored()) if name == ANCHORED else {}
    if name == OWN:
        known = {key: getattr(Correction, key) for key in ("l_boost", "l_blend", "blend", "repeats")}
    values: dict[str, Any] = {"color": name, **known}
    for part in filter(None, numbers.split(",")):
        key, _, number = part.partition("=")
        if key not in known:
            raise Told(
                f"The colour mode {name} has no number {key!r}. "
                + (f"It has {', '.join(known)}." if known else "It has none.")
            )
        try:
            values[key] = type(known[key])(number)
        except ValueError:
            raise Told(f"{key} of the colour mode {name} must be a number, got {number!r}.") from None
    if name not in (NONE, *TIMELESS):
        values["correct"] = correct or EVERY
    elif correct:
        raise Told(f"The colour mode {name} says itself when colours are corrected.")
    return values

"""How people type what is split, and numbers: full-width commas, colons and numbers count like narrow ones."""

import math
import re
from typing import TypeGuard

COMMAS = ",，、"
_NARROW = {0xFF01 + n: 0x21 + n for n in range(94)} | {ord("、"): ",", 0x3000: " "}


def is_number(value: object) -> TypeGuard[float]:
    """Whether something that was read is a number to work with: no flag, finite, and if it is whole, of 64 bits as a seed is."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 2**64
    return isinstance(value, float) and math.isfinite(value)


def written(number: float) -> str:
    """A number with all its digits, and without an exponent: ``0.0000001``, ``6``."""
    from decimal import Decimal

    return f"{Decimal(repr(number)).normalize():f}"


def narrow(text: str) -> str:
    """A text whose full-width signs are ASCII's."""
    return text.translate(_NARROW)


def between_commas(text: str, more: str = "") -> list[str]:
    """What stands between commas, as it was typed, stripped; nothing empty.

    Args:
        more: further separators.
    """
    return [part for each in re.split(f"[{COMMAS}{more}]", text) if (part := each.strip())]

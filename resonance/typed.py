"""How people type what is split: full-width commas, colons and numbers count like narrow ones."""

import re

COMMAS = ",，、"
_NARROW = {0xFF01 + n: 0x21 + n for n in range(94)} | {ord("、"): ",", 0x3000: " "}


def narrow(text: str) -> str:
    """A text whose full-width signs are ASCII's."""
    return text.translate(_NARROW)


def between_commas(text: str, more: str = "") -> list[str]:
    """What stands between commas, as it was typed, stripped; nothing empty.

    Args:
        more: further separators.
    """
    return [part for each in re.split(f"[{COMMAS}{more}]", text) if (part := each.strip())]

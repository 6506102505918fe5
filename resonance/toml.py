"""TOML, read in a time that nobody notices whatever it holds."""

import re
import tomllib
from typing import Any

DEEPEST = 32
"""Parts of a key: ``tomllib`` takes the cube of them."""
_BEFORE = r"(?:^[ \t]*\[*[ \t]*|[{,][ \t]*)"
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_DEEP = re.compile(f"{_BEFORE}(?:{_PART}){{{DEEPEST}}}", re.MULTILINE)

TomlError = tomllib.TOMLDecodeError


def read_toml(text: str) -> dict[str, Any]:
    """
    Raises:
        TomlError: it is no TOML, or nested too deeply; the text says where, as ``tomllib``'s does.
    """
    if deep := _DEEP.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise TomlError(f"A key has more than {DEEPEST} parts (at line {line}, column 1)")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TomlError("It is nested too deeply (at line 1, column 1)") from None

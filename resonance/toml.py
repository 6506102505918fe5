"""TOML, read in a time that nobody notices whatever it holds."""

import re
import tomllib
from typing import Any

DEEPEST = 32
"""Parts of a key: ``tomllib`` takes the cube of them."""
_BEFORE = r"(?:^[ \t]*\[*[ \t]*|[{,][ \t]*)"
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_LONG = re.compile(r"[\d_]{4300,}")
_DEEP = re.compile(f"{_BEFORE}(?:{_PART}){{{DEEPEST}}}", re.MULTILINE)

TomlError = tomllib.TOMLDecodeError


def read_toml(text: str) -> dict[str, Any]:
    """
    Raises:
        TomlError: it is no TOML, or nested too deeply; the text says where, as ``tomllib``'s does.
    """
    if deep := _DEEP.search(text):
        raise TomlError(f"A key has more than {DEEPEST} parts {_at(text, deep)}")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TomlError("It is nested too deeply (at line 1, column 1)") from None
    except TomlError:
        raise
    except ValueError:  # Python reads whole numbers of 4,300 digits at most
        raise TomlError(f"A number is too long {_at(text, _LONG.search(text))}") from None


def _at(text: str, found: re.Match[str] | None) -> str:
    return f"(at line {text.count(chr(10), 0, found.start() if found else 0) + 1}, column 1)"

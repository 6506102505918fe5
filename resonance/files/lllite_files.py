"""Which files are ControlNet-LLLite, told by a look at their headers."""

from pathlib import Path

PREFIX = "lllite_unet_"
"""How its tensors' names begin."""
SAFE = (".safetensors", ".sft")

_BEGIN = 65536
"""Bytes in which one of them stands."""


def holds_lllite(path: Path) -> bool:
    if path.suffix.lower() not in SAFE:
        return False
    try:
        with path.open("rb") as file:
            return f'"{PREFIX}'.encode() in file.read(_BEGIN)
    except OSError:
        return False

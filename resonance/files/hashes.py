"""Hashes by which Civitai and A1111 know the files of models. Each file is read once, as long as it stays what it is."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..told import Told
from .lora_metadata import read_metadata

PIECE = 1 << 20
"""Bytes that are read at a time."""

_known: dict[tuple[str, int, int, bool], str] = {}
"""SHA-256 by path, time and size of a file, and whether its header is left out."""


def model_hash(path: Path, check: Callable[[], None]) -> str:
    """AutoV2: the first ten digits of the file's SHA-256; empty: it cannot be read.

    Args:
        check: called again and again; may raise.
    """
    return _sha256(path, False, check)[:10]


def lora_hash(path: Path, check: Callable[[], None]) -> str:
    """What A1111 writes as the hash of a LoRA, Civitai's AutoV3: the first twelve digits of SHA-256, of a safetensors file without its
    header, which trainers write into that themselves. Empty: it cannot be read. Like :func:`model_hash`."""
    try:
        texts = read_metadata(path).texts
    except Told:  # of another form
        return _sha256(path, False, check)[:12]
    return (texts.get("sshs_model_hash") or _sha256(path, True, check))[:12]


def _sha256(path: Path, beheaded: bool, check: Callable[[], None]) -> str:
    with suppress(OSError):
        there = path.stat()
        key = str(path), there.st_mtime_ns, there.st_size, beheaded
        if key not in _known:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                if beheaded:
                    file.seek(8 + int.from_bytes(file.read(8), "little"))
                while piece := file.read(PIECE):
                    check()
                    digest.update(piece)
            _known[key] = digest.hexdigest()
        return _known[key]
    return ""

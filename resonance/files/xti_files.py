"""Which files hold XTI, told by a look into them. No tensor is read, and nothing of a pickle is run."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

PLACES: Mapping[str, tuple[str, int]] = {
    **{f"IN{block:02}": ("input", block) for block in (1, 2, 4, 5, 7, 8)},
    "MID": ("middle", 0),
    **{f"OUT{block:02}": ("output", block) for block in range(3, 12)},
}
"""By the names that sd-scripts gives them, the blocks of Stable Diffusion 1.5 that have a cross-attention, as ComfyUI goes through them."""

_BEGIN = 65536
"""Bytes in which all names of such a file stand."""
_NAMES = re.compile("|".join(PLACES).encode())
_QUOTED = re.compile(f'"({"|".join(PLACES)})":'.encode())


def holds_xti(path: Path) -> bool:
    """Whether any of the names stands in a file's header."""
    try:
        if path.suffix.lower() in (".safetensors", ".sft"):
            with path.open("rb") as file:
                return bool(_QUOTED.search(file.read(_BEGIN)))
        with zipfile.ZipFile(path) as parts:
            [pickled] = [name for name in parts.namelist() if name.endswith("/data.pkl")]
            with parts.open(pickled) as file:
                return bool(_NAMES.search(file.read(_BEGIN)))
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return False

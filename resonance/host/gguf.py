"""GGUF files in the ``llm`` folders."""

from pathlib import Path

import folder_paths

from ..files.lookup import meant, nearest
from ..llm.chat import LLMError
from . import folders

PAGE = "https://huggingface.co/models?library=gguf&pipeline_tag=image-text-to-text"


def names() -> list[str]:
    """Names of the GGUF files in the ``llm`` folders; of a file in parts only the first."""
    files = (n for n in folder_paths.get_filename_list("llm") if n.lower().endswith(".gguf"))
    return [n for n in files if "-of-" not in n or "-00001-of-" in n]


def projectors() -> list[str]:
    """Names of the GGUF files that turn pictures into tokens: by their name, else by the architecture they begin with."""
    return [n for n in names() if "mmproj" in n.lower() or _is_projector(find(n))]


def _is_projector(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"general.architecture\x08\0\0\0\x04\0\0\0\0\0\0\0clip" in file.read(256)
    except OSError:
        return False


def find(name: str) -> Path:
    """The file of that name; see :func:`meant` for what else is found.

    Raises:
        LLMError: there is none; the text says where it was looked for and what is there.
    """
    found = meant(name, files := names())
    path = folder_paths.get_full_path("llm", found) if found else None
    if path is None:
        searched = ", ".join(map(str, folders.model_folders("llm")))
        raise LLMError(
            f"There is no {name!r} in {searched}: put the GGUF file there (models: {PAGE}) and press R. {nearest(name, files)}"
        )
    return Path(path)

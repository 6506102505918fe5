"""ComfyUI's folders: where models lie, where pictures come from and go."""

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import folder_paths

from ..files.lllite_files import holds_lllite
from ..files.lookup import meant
from ..files.samples import SAMPLES
from ..files.xti_files import holds_xti
from ..guidance import files
from ..session import installation

PICTURES = "resonance_pictures"
"""Key of ``extra_model_paths.yaml`` under which further folders of pictures may be listed."""
EXTENSIONS = {
    "ipadapter": {".bin", ".safetensors"},
    files.CLIP: {".bin", ".safetensors"},
    files.VGG: {".pth", ".safetensors"},
}
"""What is listed of folders of models. Without extensions ComfyUI lists every file."""


def register() -> None:
    """Makes the pack's own folders of models known, beside what the user's yaml already lists under these keys."""
    for kind in ("taggers", "llm", *EXTENSIONS):
        folder_paths.add_model_folder_path(kind, os.path.join(folder_paths.models_dir, kind))
    for kind, own in EXTENSIONS.items():
        folders, extensions = folder_paths.folder_names_and_paths[kind]
        folder_paths.folder_names_and_paths[kind] = folders, extensions or own


def model_folders(kind: str) -> list[Path]:
    """The folders that are searched for models of ``kind``, the one to put new files into first."""
    own = Path(folder_paths.models_dir, kind)
    return [own, *(p for p in map(Path, folder_paths.get_folder_paths(kind)) if p != own)]


def model_file(kind: str, name: str) -> str | None:
    """The path of a model's file; see :func:`meant` for names that are not quite right."""
    if path := folder_paths.get_full_path(kind, name):
        return path
    other = meant(name, folder_paths.get_filename_list(kind))
    return folder_paths.get_full_path(kind, other) if other else None


def xti_files() -> list[str]:
    """Those embeddings that are XTI, as far as a look into them tells."""
    return _those("embeddings", holds_xti)


def lllite_files() -> list[str]:
    """Those ControlNets that are ControlNet-LLLite, as far as their headers tell."""
    return _those("controlnet", holds_lllite)


def _those(kind: str, holds: Callable[[Path], bool]) -> list[str]:
    found = ((name, folder_paths.get_full_path(kind, name)) for name in folder_paths.get_filename_list(kind))
    return [name for name, path in found if path and _look(holds, path, os.stat(path).st_mtime_ns)]


@lru_cache(4096)
def _look(holds: Callable[[Path], bool], path: str, changed: int) -> bool:
    """
    Args:
        changed: when the file was, as it may hold something else tomorrow.
    """
    return holds(Path(path))


def input_folder() -> Path:
    return Path(folder_paths.get_input_directory())


def output_folder() -> Path:
    return Path(folder_paths.get_output_directory())


def temp_folder() -> Path:
    return Path(folder_paths.get_temp_directory())


def private_folder() -> Path:
    """ComfyUI's user folder for this pack that no HTTP route serves. Not created here."""
    return Path(folder_paths.get_system_user_directory("resonance"))


def lines_roots() -> dict[str, Path]:
    """Folders from which files of prompt lines may be read."""
    return {"input": input_folder(), "lines": private_folder() / "lines"}


def wildcard_roots() -> list[Path]:
    """Folders of wildcards: the user's own, ``models/wildcards``, and what the user's yaml lists under that key."""
    key = "wildcards"
    listed = folder_paths.get_folder_paths(key) if key in folder_paths.folder_names_and_paths else []
    found = [private_folder() / key, Path(folder_paths.models_dir, key), *map(Path, listed)]
    return list(dict.fromkeys(found))


def secret() -> str:
    """This installation's, see :mod:`resonance.session.installation`; those that share a user folder share it."""
    return installation.secret(private_folder())


def picture_roots() -> dict[str, Path]:
    """Folders from which pictures may be read, by the name that stands in a source: ``input``, ``output``,
    ``samples``, and further roots as ``pictures``, ``pictures2``, ..."""
    roots = {"input": input_folder(), "output": output_folder(), "samples": SAMPLES}
    extra = folder_paths.get_folder_paths(PICTURES) if PICTURES in folder_paths.folder_names_and_paths else []
    for number, root in enumerate(extra, 1):
        roots["pictures" if number == 1 else f"pictures{number}"] = Path(root)
    return roots

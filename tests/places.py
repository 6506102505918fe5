"""Where things are. Standard library only: the noxfile asks too."""

import os
import subprocess
import tomllib
from pathlib import Path

PACK = Path(__file__).resolve().parents[1]


def find_comfyui() -> Path | None:
    """``COMFYUI_PATH``, the folder above (``custom_nodes/..``), ``~/comfy/ComfyUI``."""
    places = [os.environ.get("COMFYUI_PATH"), PACK.parent.parent, Path.home() / "comfy" / "ComfyUI"]
    return next(
        (Path(p) for p in places if p and (Path(p) / "main.py").is_file() and (Path(p) / "comfy").is_dir()), None
    )


def shipped_files() -> list[str]:
    """What the published archive holds: the files git knows or would add, less what ``.comfyignore`` lists, and with what
    ``includes`` of pyproject.toml does."""
    includes = tomllib.loads((PACK / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["comfy"]["includes"]

    def files(*options: str) -> set[str]:
        command = ["git", "ls-files", "-z", "--exclude-from=.comfyignore", *options]
        return set(subprocess.run(command, cwd=PACK, capture_output=True, text=True, check=True).stdout.split("\0"))

    known, left_out, new = files("--cached"), files("--cached", "--ignored"), files("--others", "--exclude-standard")
    back = {name for name in includes if (PACK / name).is_file()}
    return sorted(name for name in (known - left_out) | new | back if name and (PACK / name).is_file())

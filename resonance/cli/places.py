"""Where ComfyUI is, and which of its folders a command works in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..files.samples import SAMPLES
from ..session import installation
from ..told import Told

PACK = Path(__file__).parents[2]

ComfyUIOption = Annotated[
    Path | None,
    typer.Option(
        "--comfyui",
        envvar="COMFYUI_PATH",
        help="ComfyUI's folder. Default: the one above custom_nodes/, or ~/comfy/ComfyUI.",
    ),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", help="Folder of sessions. Default: ComfyUI's output folder, else ./output.")
]
InputOption = Annotated[
    Path | None, typer.Option("--input", help="ComfyUI's input folder. Default: that of the ComfyUI that was found.")
]


def find_comfyui(given: Path | None) -> Path | None:
    """ComfyUI's folder: the given one, the one above ``custom_nodes``, or comfy-cli's default.

    Raises:
        Told: there is none in the given folder.
    """
    places = [given] if given else [PACK.parent.parent, Path.home() / "comfy" / "ComfyUI"]
    found = next((p for p in places if (p / "main.py").is_file() and (p / "comfy").is_dir()), None)
    if given and not found:
        raise Told(f"There is no ComfyUI in {given}: name the folder that holds its main.py.")
    return found


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """What the options say of the folders."""

    comfyui: ComfyUIOption = None
    input_: InputOption = None
    output: OutputOption = None

    def places(self) -> "Places":
        """Fills in what was not given. Raises like :func:`find_comfyui`."""
        found = find_comfyui(self.comfyui)
        base = found or Path.cwd()
        return Places(found, (self.input_ or base / "input").absolute(), (self.output or base / "output").absolute())


@dataclass(frozen=True)
class Places:
    """The folders that a session's names stand for.

    Attributes:
        comfyui: None where there is no ComfyUI.
        output: holds the sessions' folders.
    """

    comfyui: Path | None
    input: Path
    output: Path

    def secret(self) -> str:
        """This installation's: that of the ComfyUI to which the output folder belongs, or that was found; else the user's own."""
        above = self.output.parent
        base = above if all((above / name).is_dir() for name in ("input", "output", "user")) else self.comfyui
        return installation.secret(base / "user" / "__resonance" if base else Path(typer.get_app_dir("resonance")))

    @property
    def roots(self) -> dict[str, Path]:
        return {"input": self.input, "output": self.output, "samples": SAMPLES}

    def first(self, folder: str) -> tuple[str, dict[str, Path]]:
        """The name under which a ledger remembers the first folder, and the roots that it needs.

        A folder on disk that lies in neither of ComfyUI's is below the root ``pictures``, which ComfyUI knows if
        extra_model_paths.yaml lists it under ``resonance_pictures``. Links are followed.

        Raises:
            Told: there is no such folder.
        """
        path = Path(folder).expanduser().resolve()
        if not Path(folder).is_absolute() and self._known(folder):
            return folder, self.roots
        if not path.is_dir():
            raise Told(
                f"There is no folder {folder!r}: neither {path} nor one in {self.input}. One of the output folder is named"
                f" 'NAME [output]'."
            )
        for root, base in self.roots.items():
            if path.is_relative_to(base.resolve()):
                below = path.relative_to(base.resolve()).as_posix()
                return f"{below} [{root}]".removeprefix(". "), self.roots
        return f"{path.name} [pictures]", {**self.roots, "pictures": path.parent}

    def _known(self, folder: str) -> bool:
        from ..files.pictures import locate

        try:
            return locate(folder, self.roots)[1].is_dir()
        except Told:
            return False

"""The pictures of regions: from a file of ComfyUI's input folder to what acts beside their words."""

import hashlib
from pathlib import Path
from typing import Any

from .. import images
from ..attention.parts import Conditioning
from ..canvas.canvas import Canvas, CanvasError, RegionPicture
from ..canvas.read import read_canvas
from ..files.lookup import nearest
from ..files.names import existing
from ..files.pictures import listing
from ..reference.reference import Reference
from ..told import Told
from . import progress
from .folders import input_folder


def find(picture: RegionPicture) -> Path:
    """The file of a picture.

    Raises:
        Told: there is no such file, or it lies elsewhere; the text says where it was looked for.
    """
    folder = input_folder()
    path = existing(folder, picture.file)
    if path.is_file():
        return path
    try:
        there = [name.removesuffix(" [input]") for name in listing("[input]", {"input": folder})]
    except Told:  # there are none
        there = []
    raise Told(
        f"There is no picture {picture.file!r} in {folder}: put the file there, or take it out of the region. "
        f"{nearest(picture.file, there)}"
    )


class RegionPictures:
    """The pictures of the regions of a canvas. Before anything is encoded they are found, or told to be missing.

    Attributes:
        model: with which they act.
        notes: what was done with them, for the user.

    Raises:
        Told: a picture is missing, or nothing is given to look at them with.
    """

    def __init__(self, model: Any, canvas: Canvas | None, reference: Reference | None) -> None:
        self.model, self._canvas, self._reference = model, canvas, reference
        self._named = canvas.pictured if canvas else {}
        self._files = {picture.file: find(picture) for picture in self._named.values()}
        self.notes: list[str] = []
        if canvas and self._named and not reference:
            names = ", ".join(map(canvas.label, self._named))
            raise Told(
                f"The canvas has a picture in {names}, and nothing to look at it with: connect reference of Regions to Reference"
                " Picture, or take the picture out of the region."
            )

    def seen(self, number: int, positive: Conditioning) -> Conditioning:
        """The words of a region with its picture, if it has one.

        Raises:
            Told: the picture cannot be read, or the model cannot look at it.
        """
        if number not in self._named:
            return positive
        from .reference import look  # loading the pack must not wait for it

        assert self._canvas and self._reference
        picture = self._named[number]
        read = images.read(self._files[picture.file], check=progress.stop_if_interrupted, note=self.notes.append)
        looked = look(self._reference, self.model, positive, images.to_tensor(read), strength=picture.strength)
        self.model = looked.model
        self.notes.append(f"{self._canvas.label(number)}, {picture.file}: {looked.said}")
        return looked.conditioning


def stamp(text: str) -> str:
    """Of the pictures that the text of a canvas names, as they are now; empty if it names none. It goes into the pictures that ComfyUI
    saves, hence no paths."""
    if "picture" not in text:
        return ""
    try:
        named = read_canvas(text).canvas.pictured.values()
    except CanvasError:
        return ""
    return hashlib.sha256(repr([_state(picture) for picture in named]).encode()).hexdigest() if named else ""


def _state(picture: RegionPicture) -> tuple[int, int] | None:
    try:
        known = existing(input_folder(), picture.file).stat()
    except (Told, OSError):
        return None
    return known.st_mtime_ns, known.st_size


def say_unseen(canvas: Canvas, node_id: str | None) -> None:
    """Shows on a node that takes the words alone that the pictures are left out."""
    if names := ", ".join(map(canvas.label, canvas.pictured)):
        progress.say(f"The words alone are encoded. Left out: the picture of {names}. Regions looks at it.", node_id)

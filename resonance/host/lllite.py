"""ControlNet-LLLite in ComfyUI, see :mod:`resonance.lllite`: nothing of the model is changed but what comes into its attentions."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.utils
import torch

from ..attention.method import kept
from ..attention.site import PICTURE
from ..files.lllite_files import SAFE
from ..files.lookup import nearest
from ..lllite import Layer, Net, Nets, read_lllite
from ..told import Told
from . import progress
from .core_attention import Inputs, Slot, changed_inputs, grid, pixel_widths, place
from .core_sampling import Options, percent_to_sigma
from .families import family
from .folders import lllite_files, model_file, model_folders
from .memory import Kept

KIND = "controlnet"
KEY = "resonance_lllite"
OF_TEXT = "attn2"
"""The attention that reads text."""
REASON = "ControlNet-LLLite works in the UNets of {families}. This model is another one: {model}."

_files: Kept[Nets] = Kept(limit=2)


@dataclass(frozen=True, eq=False)
class Control:
    """One file with its picture.

    Attributes:
        pictures: ``[B, 3, H, W]`` from 0 to 1, which the pictures of a batch take in turn.
        begin, end: the noise between which it acts, the higher first.
    """

    nets: Nets
    pictures: torch.Tensor
    strength: float
    begin: float
    end: float


def load(file: str) -> Nets:
    """
    Raises:
        Told: there is no such file, or it is something else.
    """
    path = model_file(KIND, file)
    if path is None:
        searched = ", ".join(map(str, model_folders(KIND)))
        raise Told(
            f"There is no ControlNet-LLLite {file!r} in {searched}: put its file there. {nearest(file, lllite_files())}"
        )
    if not path.lower().endswith(SAFE):
        raise Told(f"{file} is no .safetensors, and ControlNet-LLLite is read from nothing else.")
    return _files.get((path, Path(path).stat().st_mtime_ns), lambda: _read(file, path))


def _read(file: str, path: str) -> Nets:
    try:
        tensors = comfy.utils.load_torch_file(path, safe_load=True)
    except Exception as error:  # safetensors has its own
        raise Told(f"{file} cannot be read, perhaps because it is cut off: {error}") from error
    return read_lllite(file, tensors)


def stamp(file: str) -> str:
    """Of a file as it is now."""
    path = model_file(KIND, file)
    return str(os.stat(path).st_mtime_ns) if path else ""


def controlled(model: Any, file: str, image: torch.Tensor, *, strength: float, start: float, end: float) -> Any:
    """A clone of a MODEL; itself where nothing would act.

    Args:
        image: ``[B, H, W, 3]``, in any size.
        start, end: shares of the sampling between which it acts.

    Raises:
        Told: the model is of another family, or the file is for another one.
    """
    if not strength or start >= end:
        return model
    name = family(model, REASON).name
    nets = load(file)
    _check_layers(file, name, nets, pixel_widths(model.model.diffusion_model))
    noise = percent_to_sigma(model)
    control = Control(nets, image[..., :3].movedim(-1, 1).clone(), strength, noise(start), noise(end))
    made = changed_inputs(model, KEY, Beside(controls := (*(model.get_attachment(KEY) or ()), control)))
    made.set_attachments(KEY, controls)
    return made


def _check_layers(file: str, model: str, nets: Nets, widths: Mapping[Slot, int]) -> None:
    for layer, net in nets.items():
        where = f"{layer.block} block {layer.number}, transformer {layer.depth}"
        width = widths.get(layer[:3])
        if width is None:
            raise Told(
                f"{file} has a network for {where}, which this model ({model}) does not have: it is for another model."
            )
        if net.width != width:
            raise Told(
                f"{file} expects {net.width} numbers of a pixel in {where}, and this model ({model}) has {width} there: it is for another"
                " model."
            )


class Beside:
    """What several files add to the inputs of attention. All of them see what the model gives, so that their order does not matter."""

    def __init__(self, controls: Sequence[Control]) -> None:
        self._controls = controls
        self._seen: dict[tuple[object, ...], tuple[Net, torch.Tensor]] = {}
        self._left_out = False

    def forget(self) -> None:
        self._seen.clear()
        self._left_out = False

    def __call__(self, attention: str, inputs: Inputs, options: Options) -> Inputs:
        sigma = options["sigmas"][0].item()
        acting = [each for each in self._controls if each.end <= sigma <= each.begin]
        if not acting:
            return inputs
        slot, changed = place(options), list(inputs)
        # There only queries come from pixels.
        for number, role in enumerate("q" if attention == OF_TEXT else "qkv"):
            layer = Layer(*slot, attention, role)
            for control in acting:
                if net := control.nets.get(layer):
                    changed[number] = changed[number] + self._added(control, layer, net, inputs[number], options)
        return changed[0], changed[1], changed[2]

    def _added(
        self, control: Control, layer: Layer, net: Net, x: torch.Tensor, options: Options
    ) -> torch.Tensor | float:
        height, width = grid(options)
        if x.shape[1] != height * width:
            if not self._left_out:
                self._left_out = True
                progress.warn(
                    "HyperTile or token merging cuts up attention in some layers: ControlNet-LLLite does not act there."
                )
            return 0.0
        net, seen = self._look(control, layer, net, (height, width), x)
        pictures = len(x) // len(options["uuids"])
        first = options.get(PICTURE, 0)
        turn = (torch.arange(len(x), device=x.device) % pictures + first) % len(seen)
        return control.strength * net(x, seen[turn])

    def _look(
        self, control: Control, layer: Layer, net: Net, size: tuple[int, int], x: torch.Tensor
    ) -> tuple[Net, torch.Tensor]:
        key = id(control), layer, size, x.dtype, x.device
        if key not in self._seen:
            with kept(), torch.no_grad():
                here = net.to(x)
                self._seen[key] = here, here.see(control.pictures.clone().to(x), size)
        return self._seen[key]

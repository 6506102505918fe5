"""ControlNet-LLLite: small networks beside the inputs of a UNet's attentions, which see a picture there.

kohya-ss/sd-scripts trains them (networks/control_net_lllite.py, Apache-2.0) for SDXL; the form is told by the names and sizes of the tensors
and holds for SD1.5's blocks as well.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F

from .files.lllite_files import PREFIX
from .told import Told

_NAME = re.compile(rf"{PREFIX}(.+?)_transformer_blocks_(\d+)_(attn[12])_to_([qkv])\.(.+)")
_ENDS = ("down.0", "mid.0", "up.0")
OTHERS = (
    (re.compile(r"lllite_"), "is an LLLite for another kind of model, such as Anima: ComfyUI's own nodes take it"),
    (re.compile(r"lora_|.*\.lora_"), "is a LoRA: take LoraLoader"),
    (
        re.compile(r"(control_model|input_hint_block|zero_convs|controlnet_|adapter\.|body\.)"),
        "is another kind of ControlNet: take Load ControlNet Model and Apply ControlNet",
    ),
)
"""What other files are, by the names of their tensors."""


class Layer(NamedTuple):
    """One input of one attention: block, its number, the number of the transformer in it, attn1 or attn2, and q, k or v."""

    block: str
    number: int
    depth: int
    attention: str
    role: str


@dataclass(frozen=True, eq=False)
class Net:
    """The network of one layer.

    Attributes:
        weights: by their names behind the layer's.
        convolutions: names of those that see the picture, in order. The stride of each is its size.
    """

    weights: Mapping[str, torch.Tensor]
    convolutions: tuple[str, ...]

    @property
    def width(self) -> int:
        """Numbers of a pixel in the layer."""
        return self.weights["down.0.weight"].shape[1]

    @property
    def cell(self) -> int:
        """Side of what it sees of the picture at one pixel of the layer."""
        step = 1
        for name in self.convolutions:
            step *= self.weights[f"{name}.weight"].shape[-1]
        return step

    def to(self, like: torch.Tensor) -> "Net":
        """On its device, in its precision."""
        return Net({name: t.clone().to(like) for name, t in self.weights.items()}, self.convolutions)

    def see(self, pictures: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        """What it keeps of pictures ``[B, 3, H, W]`` from 0 to 1 for a layer of so many pixels, ``[B, h * w, C]``."""
        size = [side * self.cell for side in grid]
        x = F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1) * 2 - 1
        for number, name in enumerate(self.convolutions):
            weight = self.weights[f"{name}.weight"]
            x = F.conv2d(F.relu(x) if number else x, weight, self.weights[f"{name}.bias"], stride=weight.shape[-1])
        return x.flatten(2).transpose(1, 2)

    def __call__(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """What is added to the input ``[B, N, width]``.

        Args:
            seen: ``[B, N, C]``.
        """
        down = F.relu(self._linear("down.0", x))
        middle = F.relu(self._linear("mid.0", torch.cat([seen, down], 2)))
        return self._linear("up.0", middle)

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])


Nets = Mapping[Layer, Net]


def read_lllite(file: str, tensors: Mapping[str, torch.Tensor]) -> Nets:
    """
    Raises:
        Told: it is something else, or not whole.
    """
    _check(file, tensors)
    found: defaultdict[Layer, dict[str, torch.Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        matched = _NAME.fullmatch(key)
        place = matched and _place(matched[1])
        if not matched or place is None:
            raise Told(f"{file} has {key}, which is no layer of SD1.5 or SDXL that ControlNet-LLLite is known to have.")
        found[Layer(*place, int(matched[2]), matched[3], matched[4])][matched[5]] = tensor
    return {layer: _net(file, layer, weights) for layer, weights in found.items()}


def _check(file: str, names: Iterable[str]) -> None:
    names = list(names)
    if any(name.startswith(PREFIX) for name in names):
        return
    for kind, what in OTHERS:
        if any(kind.match(name) for name in names):
            raise Told(f"{file} {what}.")
    raise Told(f"{file} is no ControlNet-LLLite: the tensors of one are called {PREFIX}...")


def _net(file: str, layer: Layer, weights: Mapping[str, torch.Tensor]) -> Net:
    named = {key.removesuffix(".weight") for key in weights if re.fullmatch(r"conditioning1\.\d+\.weight", key)}
    convolutions = tuple(sorted(named, key=lambda name: int(name.rpartition(".")[2])))
    wanted = [f"{name}.{part}" for name in (*convolutions, *_ENDS) for part in ("weight", "bias")]
    missing = [name for name in wanted if name not in weights] or ([] if convolutions else ["conditioning1.0.weight"])
    if missing:
        raise Told(f"{file} is not whole: at {'_'.join(map(str, layer))} it has no {missing[0]}.")
    return Net({name: weights[name] for name in wanted}, convolutions)


def _place(block: str) -> tuple[str, int] | None:
    """A block as ComfyUI counts it, from the two ways in which files spell them."""
    if found := re.fullmatch(r"(input|output)_blocks_(\d+)_1", block):
        return found[1], int(found[2])
    if block in ("middle_block_1", "mid_block_attentions_0"):
        return "middle", 0
    if found := re.fullmatch(r"(down|up)_blocks_(\d+)_attentions_(\d+)", block):
        level, number = int(found[2]), int(found[3])
        return ("input", 1 + 3 * level + number) if found[1] == "down" else ("output", 3 * level + number)
    return None

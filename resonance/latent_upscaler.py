"""The latent upscaler of kohya's sd-scripts (tools/latent_upscaler.py): a network that refines latents of SD1.5 and SD2.

A picture that was scaled up by Lanczos is encoded, and the network adds to its latents what scaling has lost. They have the size that they
shall have already, whatever that is. Latents are meant as the VAE gives them, before they are multiplied for the model.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn

from .told import Told

CHANNELS, WIDTH, NARROW = 4, 128, 64
BLOCKS, GROUP = 20, 4
"""Residual blocks, and how many of them a further skip leads around."""


def _conv(of: int, to: int) -> nn.Conv2d:
    return nn.Conv2d(of, to, 3, padding=1, bias=False)


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(WIDTH, WIDTH), nn.BatchNorm2d(WIDTH)
        self.conv2, self.bn2 = _conv(WIDTH, WIDTH), nn.BatchNorm2d(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())) + x).relu()


class LatentUpscaler(nn.Module):
    """Latents ``[B, 4, H, W]`` in, the same refined out. The modules have the names that they have in files."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(CHANNELS, WIDTH), nn.BatchNorm2d(WIDTH)
        for number in range(1, BLOCKS + 1):
            self.add_module(f"resblock{number}", _Block())
        self.conv2, self.bn2 = _conv(WIDTH, NARROW), nn.BatchNorm2d(NARROW)
        self.conv3, self.bn3 = _conv(NARROW, NARROW), nn.BatchNorm2d(NARROW)
        self.conv_final = nn.Conv2d(NARROW, CHANNELS, 1)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        x = self.bn1(self.conv1(latents)).relu()
        for first in range(1, BLOCKS + 1, GROUP):
            before = x
            for number in range(first, first + GROUP):
                x = self.get_submodule(f"resblock{number}")(x)
            x = x + before
        x = self.bn3(self.conv3(self.bn2(self.conv2(x)).relu()))
        return latents + self.conv_final(x)


def check(file: str, shapes: Mapping[str, Sequence[int]]) -> None:
    """
    Args:
        shapes: of the tensors in the file, by their keys.

    Raises:
        Told: these are not the tensors of a latent upscaler, all of them and no others.
    """
    with torch.device("meta"):
        wanted = {key: tuple(tensor.shape) for key, tensor in LatentUpscaler().state_dict().items()}
    odd = (
        *(f"lacks {key}" for key in wanted if key not in shapes),
        *(f"has {key}, which that has not" for key in shapes if key not in wanted),
        *(
            f"has {key} of the shape {list(shapes[key])}, not {list(shape)}"
            for key, shape in wanted.items()
            if tuple(shapes.get(key, shape)) != shape
        ),
    )
    if odd:
        raise Told(
            f"{file} is no latent upscaler of sd-scripts (tools.latent_upscaler): it {odd[0]}. Choose another file, or another method."
        )


def network_of(file: str, held: object) -> LatentUpscaler:
    """The network of a file, ready to be used: with the statistics that it was trained to, not those of the picture at hand.

    Args:
        held: what is in the file. One of torch's may hold anything.

    Raises:
        Told: see :func:`check`.
    """
    tensors = cast(dict[str, Any], held) if isinstance(held, dict) else dict[str, Any]()
    check(file, {key: getattr(tensor, "shape", ()) for key, tensor in tensors.items()})
    network = LatentUpscaler()
    network.load_state_dict(tensors)
    return network.eval()

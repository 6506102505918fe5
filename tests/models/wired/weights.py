"""Named weights with seeded constructors, and the file they are written to."""

import json
import math
import os
import struct
from pathlib import Path
from typing import BinaryIO

import torch

HALF = torch.float16
DTYPES = {torch.float16: "F16", torch.float32: "F32"}
PAGE = 1 << 14


class Weights(dict[str, torch.Tensor]):
    """A state dict.

    Args:
        seed: the same seed gives the same weights.
        chaos: share of an ordinary random initialisation that every live weight gets, so that what is not wired (self
            attention, time step, pooled text) acts a little too. 0.3 makes self attention visible, 1.0 drowns words.
    """

    def __init__(self, seed: int = 0, chaos: float = 0.1) -> None:
        super().__init__()
        self.generator, self.chaos = torch.Generator().manual_seed(seed), chaos

    def hole(self, key: str, *shape: int) -> None:
        """Zeros that cost neither memory nor disk: one number seen ``shape`` times."""
        self[key] = torch.zeros((), dtype=HALF).expand(shape)

    def constant(self, key: str, value: float, *shape: int) -> torch.Tensor:
        self[key] = torch.full(shape, value, dtype=HALF)
        return self[key]

    def random(self, key: str, *shape: int, gain: float | None = None) -> torch.Tensor:
        """Normal, deviation ``gain / sqrt(fan in)``. ``gain`` is ``chaos`` unless given; 0 gives zeros to fill."""
        deviation = (self.chaos if gain is None else gain) / math.sqrt(math.prod(shape[1:]))
        if deviation:
            self[key] = (torch.randn(shape, generator=self.generator) * deviation).to(HALF)
            return self[key]
        return self.constant(key, 0, *shape)

    def layer(
        self, key: str, out: int, into: int, *kernel: int, gain: float | None = None, bias: bool = True
    ) -> torch.Tensor:
        """A linear layer or convolution with bias 0; returns its weight to write into."""
        if bias:
            self.constant(f"{key}.bias", 0, out)
        return self.random(f"{key}.weight", out, into, *kernel, gain=gain)

    def norm(self, key: str, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A LayerNorm or GroupNorm that leaves its weight 1 and bias 0; returns both."""
        return self.constant(f"{key}.weight", 1, width), self.constant(f"{key}.bias", 0, width)


def save(path: Path, weights: Weights) -> None:
    """Writes a safetensors file in which pages of zeros are holes."""
    header, end = {}, 0
    for key, tensor in weights.items():
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[key] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)

    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in weights.values():
            after = file.tell() + tensor.numel() * tensor.element_size()
            if tensor.dim() == 0 or any(tensor.stride()):
                write_sparse(file, memoryview(tensor.contiguous().numpy().reshape(-1).view("u1")))
            file.seek(after)
        file.truncate()
    os.replace(unfinished, path)


def write_sparse(file: BinaryIO, data: memoryview) -> None:
    zeros = bytes(PAGE)
    for start in range(0, len(data), PAGE):
        page = data[start : start + PAGE].tobytes()
        if page == zeros[: len(page)]:
            file.seek(len(page), os.SEEK_CUR)
        else:
            file.write(page)


def signs(n: int) -> torch.Tensor:
    """``[2n, n]``: maps every x to the pair +x, -x. Its transpose brings x back behind ReLU or SiLU, since
    ReLU(x) - ReLU(-x) = SiLU(x) - SiLU(-x) = x."""
    return torch.kron(torch.eye(n), torch.tensor([[1.0], [-1.0]]))

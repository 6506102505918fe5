"""ComfyUI's insides of UNets: the maps that go from block to block (comfy/ldm/modules/diffusionmodules/openaimodel.py). See
:mod:`.core`."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from comfy.patcher_extension import WrappersMP

from .core_sampling import Options

Size = tuple[int, int]
"""Height and width."""
Control = dict[str, list[torch.Tensor | None]]
"""What ControlNets add behind the blocks: each list is taken from its end on, and that of the output blocks before they get the skips."""
LEVELS = 4


def blocks_down(unet: Any) -> Sequence[Any]:
    """The input blocks of a UNet (comfy/ldm/modules/diffusionmodules/openaimodel.py)."""
    return unet.input_blocks


def middle_of(unet: Any) -> Any:
    """The middle block of a UNet; None: it has none, as KOALA's has not."""
    return unet.middle_block


def depth_of(model: Any) -> int:
    """How many input blocks the UNet of a MODEL has."""
    return len(blocks_down(model.model.diffusion_model))


@dataclass(frozen=True, eq=False)
class _Call:
    """A call of the UNet in which maps shrink.

    Attributes:
        block: the input block before which they do, of ``blocks``.
        ratio: of the sides.
    """

    block: int
    blocks: int
    ratio: float
    control: Control | None

    def shrunk(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps that are smaller, as is what ControlNets add from here on."""
        height, width = (max(round(side * self.ratio), 1) for side in _size(maps))
        small = resized(maps, (height, width))
        self._fit(maps, small)
        return small

    def _fit(self, before: torch.Tensor, after: torch.Tensor) -> None:
        # The lists are this call's own.
        sizes = dict(zip(_levels(before), _levels(after), strict=True))
        small = self.blocks - self.block
        for name, maps in (self.control or {}).items():
            # Those of the input blocks before this one are gone from their list.
            first = max(len(maps) - small, 0) if name == "output" else 0
            maps[first:] = [each if each is None else resized(each, sizes.get(_size(each))) for each in maps[first:]]


def shrinking(model: Any, key: str, phases: Sequence[tuple[int, float]], ratio: float) -> Any:
    """A clone of a MODEL whose UNet works on smaller maps from an input block on, and grows them where it joins them with larger ones.
    The last one of a key counts.

    Args:
        phases: the block, and down to which noise; the first of which the noise is reached counts.
        ratio: of the sides.
    """
    blocks = depth_of(model)

    def around(
        executor: Any,
        x: torch.Tensor,
        timesteps: Any,
        context: Any,
        y: Any,
        control: Any,
        options: Options,
        **more: Any,
    ) -> Any:
        sigma = options["sigmas"][0].item()
        block = next((block for block, noise in phases if sigma >= noise), None)
        if block is None:
            return executor(x, timesteps, context, y, control, options, **more)
        call = _Call(block, blocks, ratio, control)
        if block:
            return executor(x, timesteps, context, y, control, {**options, key: call}, **more)
        with _growing(executor.class_obj.out, _size(x)):
            return executor(call.shrunk(x), timesteps, context, y, control, options, **more)

    def shrink(h: torch.Tensor, options: Options) -> torch.Tensor:
        call: _Call | None = options.get(key)
        if call is None or options["block"][1] + 1 != call.block:
            return h
        del options[key]  # an earlier one's patches are still there
        return call.shrunk(h)

    def grow(h: torch.Tensor, skip: torch.Tensor, options: Options) -> tuple[torch.Tensor, torch.Tensor]:
        return resized(h, _size(skip)), skip

    model = model.clone()
    model.remove_wrappers_with_key(WrappersMP.DIFFUSION_MODEL, key)
    model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, key, around)
    model.set_model_input_block_patch_after_skip(shrink)
    model.set_model_output_block_patch(grow)
    return model


@contextmanager
def _growing(layer: torch.nn.Module, size: Size) -> Generator[None]:
    """What comes to a layer is grown before."""
    hook = layer.register_forward_pre_hook(lambda _, args: (resized(args[0], size),))
    try:
        yield
    finally:
        hook.remove()


def resized(maps: torch.Tensor, size: Size | None) -> torch.Tensor:
    """Maps ``[B, C, h, w]`` in another size; None: as they are."""
    if size is None or size == _size(maps):
        return maps
    return F.interpolate(maps.float(), size, mode="bicubic").to(maps.dtype)


def _size(maps: torch.Tensor) -> Size:
    return maps.shape[2], maps.shape[3]


def _levels(maps: torch.Tensor) -> Iterator[Size]:
    """The sizes of such maps and of those behind each further downsampling."""
    height, width = _size(maps)
    for _ in range(LEVELS):
        yield height, width
        height, width = (height + 1) // 2, (width + 1) // 2

"""ComfyUI's insides of CLIP_VISION: the model that is called so that a gradient goes through it. See :mod:`.core`."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from comfy import ops
from comfy.clip_model import CLIPLayer
from comfy.model_patcher import ModelPatcher

from .core_gradient import wanders

CLIP = "clip_vision_model"


class Tower(NamedTuple):
    """What ComfyUI knows of a CLIP_VISION (comfy/clip_vision.py, ``ClipVisionModel``).

    Attributes:
        kind: :data:`CLIP`, or ComfyUI's name for another one.
        size: sides in pixels of what it is shown.
        mean, deviation: of the pictures that it learned from.
        network: comfy/clip_model.py, ``CLIPVisionModelProjection``
        patcher: that loads the network.
    """

    kind: str
    size: int
    mean: Sequence[float]
    deviation: Sequence[float]
    network: Any
    patcher: Any


def tower(vision: Any) -> Tower:
    """Of a CLIP_VISION. Under dynamic VRAM, in which no gradient goes through weights, and from which ComfyUI does not know how to load this
    kind of model again, with a second copy of its network."""
    network, patcher = vision.model, vision.patcher
    if wanders(patcher):
        network = type(network)(vision.config, vision.dtype, patcher.offload_device, ops.manual_cast).eval()
        network.load_state_dict(vision.get_sd(), strict=False)
        patcher = ModelPatcher(network, vision.load_device, patcher.offload_device)
    return Tower(vision.model_type, vision.image_size, vision.image_mean, vision.image_std, network, patcher)


def embeds(network: Any, pictures: torch.Tensor) -> torch.Tensor:
    """What it sees in pictures as it is shown them, ``[B, N]``, so that a gradient goes through."""
    with _out_of_place(network):
        return network.visual_projection(network.vision_model(pictures)[2])


@contextmanager
def _out_of_place(network: torch.nn.Module) -> Generator[None]:
    """Inside, its layers add to copies. ComfyUI's add to what autograd has kept."""

    def adding(layer: Any) -> Any:
        def forward(x: torch.Tensor, mask: Any = None, attention: Any = None) -> torch.Tensor:
            x = x + layer.self_attn(layer.layer_norm1(x), mask, attention)
            return x + layer.mlp(layer.layer_norm2(x))

        return forward

    layers = [module for module in network.modules() if isinstance(module, CLIPLayer)]
    try:
        for layer in layers:
            layer.forward = adding(layer)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)

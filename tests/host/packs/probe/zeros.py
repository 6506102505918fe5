"""The tiny models have as many layers as ComfyUI insists on, and most of them hold nothing but zeros."""

from typing import Any

import comfy.utils
import torch
from comfy.clip_model import CLIPLayer

KNOWN = "is_known_to_be_zero"


def skip_what_is_zero() -> None:
    """Layers of zeros are not computed: what comes out is their bias. They would be four fifths of a picture's time."""
    whole, linear, convolve = CLIPLayer.forward, torch.nn.Linear.forward, torch.nn.Conv2d._conv_forward
    write = comfy.utils.copy_to_param

    def text_layer(layer: Any, x: Any, *args: Any) -> Any:
        if not hasattr(layer, "of_zeros"):
            out, last = layer.self_attn.out_proj, layer.mlp.fc2
            layer.of_zeros = not (out.weight.any() or out.bias.any() or last.weight.any())
        return x + layer.mlp.fc2.bias.to(x.dtype) if layer.of_zeros else whole(layer, x, *args)

    def forward(layer: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        if not is_zero(layer.weight, x):
            return linear(layer, x)
        return bias_alone(x.new_zeros(*x.shape[:-1], layer.out_features), layer.bias)

    def convolution(layer: torch.nn.Conv2d, x: torch.Tensor, weight: torch.Tensor, bias: Any) -> torch.Tensor:
        if not is_zero(weight, x) or isinstance(layer.padding, str):
            return convolve(layer, x, weight, bias)
        sides = zip(x.shape[-2:], layer.padding, layer.kernel_size, layer.stride, strict=True)
        height, width = ((side + 2 * padding - kernel) // stride + 1 for side, padding, kernel, stride in sides)
        return bias_alone(x.new_zeros(len(x), len(weight), height, width), bias, 1, 1)

    def written(model: Any, name: str, value: torch.Tensor) -> None:
        """The one way in which ComfyUI writes into a weight: hooks do."""
        write(model, name, value)
        vars(comfy.utils.get_attr(model, name)).pop(KNOWN, None)

    comfy.utils.copy_to_param = written
    CLIPLayer.forward, torch.nn.Linear.forward, torch.nn.Conv2d._conv_forward = text_layer, forward, convolution


def is_zero(weight: torch.Tensor, x: torch.Tensor) -> bool:
    """Whether what goes through this layer need not be computed. Gradients and compiled models go through all of them."""
    if torch.compiler.is_compiling() or torch.is_grad_enabled() and x.requires_grad:
        return False
    if not isinstance(weight, torch.nn.Parameter):  # made for this call, such as one with a LoRA
        return not weight.any()
    if not hasattr(weight, KNOWN):
        setattr(weight, KNOWN, not weight.any())
    return getattr(weight, KNOWN)


def bias_alone(out: torch.Tensor, bias: torch.Tensor | None, *ones: int) -> torch.Tensor:
    return out if bias is None else out.add_(bias.view(-1, *ones))

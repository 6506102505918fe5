"""Gradients through models while ComfyUI samples in inference mode: nothing is copied or loaded anew.

Tensors that were made in inference mode have no gradient. For the time of a call, ordinary ones on the same memory stand in for them.
"""

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ...told import Told
from .. import core_gradient as core
from .. import progress

KEY = "resonance_gradient"
PLAIN = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)

PER_CELL = 330_000
"""Numbers that the UNet of SDXL keeps for a gradient, for each cell of the latent; that of SD1.5 keeps 265,000 (counted with
``torch.autograd.graph.saved_tensors_hooks``, plain attention)."""
VAE_MEMORY = 3
"""What the VAE of both keeps, in units of what ComfyUI reserves for decoding; counted were 2.73."""


@contextmanager
def differentiable(*modules: torch.nn.Module) -> Generator[None]:
    """Inside, their weights and buffers are ordinary tensors on the same memory, which ask for no gradient of their own."""
    swapped: list[tuple[dict[str, Any], str, torch.Tensor]] = []
    try:
        for module in modules:
            for part in module.modules():
                tables: tuple[Any, ...] = part._parameters, part._buffers  # pyright: ignore[reportPrivateUsage]
                for table in tables:
                    for name, t in table.items():
                        if t is not None and (t.is_inference() or t.requires_grad):
                            swapped.append((table, name, t))
                            table[name] = _ordinary(t)
        yield
    finally:
        for table, name, t in swapped:
            table[name] = t


def _ordinary(t: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode(False):
        same = torch.empty(0, dtype=t.dtype, device=t.device)
        same.set_(t.untyped_storage(), t.storage_offset(), t.size(), t.stride())
        return torch.nn.Parameter(same, requires_grad=False) if isinstance(t, torch.nn.Parameter) else same


def with_gradients(model: Any, vae: Any, guides: Sequence[Any]) -> tuple[Any, core.Decoder]:
    """A clone of a MODEL in whose runs gradients may be taken, and what decodes in them.

    Args:
        guides: patchers of what judges the picture.

    Raises:
        Told: one of them cannot be loaded so that it stays where it is.
    """
    model, *others = (undynamic(patcher) for patcher in (model, vae.patcher, *guides))
    decoder = core.Decoder(vae, others[0].model)

    def check(loaded: core.Loaded) -> None:
        if loaded.split:
            raise Told("Gradients do not go through a model that is split over several graphics cards: take that off.")
        if any(type(module).__name__ == "OptimizedModule" for module in loaded.model.modules()):
            raise Told(
                "This model was compiled, and gradients do not go through what was made of it: connect one that is not compiled."
            )
        for name, module in (("model", loaded.model), ("VAE", decoder.network)):
            if kinds := {type(t).__name__ for t in core.stored(module) if type(t) not in PLAIN}:
                raise Told(
                    f"The weights of this {name} are quantised ({', '.join(sorted(kinds))}), and gradients do not go through those: "
                    "load it in another precision."
                )
        if loaded.away:
            raise Told(
                "Gradients need the whole model and the VAE on the graphics card, and there is no room for them: take a smaller picture "
                "or a smaller model, or start ComfyUI without --lowvram and --novram."
            )

    def needed(shape: torch.Size, size: int) -> float:
        # The VAE's are gone before the UNet's come.
        return max(math.prod(shape[2:]) * PER_CELL * size, decoder.memory(shape) * VAE_MEMORY)

    return core.prepared(model, KEY, others, needed, check), decoder


def undynamic(patcher: Any) -> Any:
    """A clone of a MODEL, or of another model's patcher, whose weights stay where they are while it samples.

    Raises:
        Told: ComfyUI cannot load it so.
    """
    try:
        made, more = core.undynamic(patcher)
    except RuntimeError as error:
        raise Told(
            "Gradients need models whose weights stay where they are, and ComfyUI cannot load this one again in that way: start it with "
            "--disable-dynamic-vram."
        ) from error
    if more:
        progress.warn(
            f"Gradients do not go through dynamic VRAM: the model is loaded a second time, {more / 1e9:.1f} GB."
        )
    return made

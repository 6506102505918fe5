"""ComfyUI's insides of ControlNets (comfy/controlnet.py). See :mod:`.core`."""

from collections.abc import Sequence
from typing import Any

import torch
from comfy.controlnet import ControlBase

from ..told import Told
from .core_sampling import Options

CONTROL = "control"
"""Where a conditioning carries its ControlNet, which holds those of before."""
NEARLY = 1 - 1e-4
"""Some samplers ask at a noise that is rounded."""


class Turns(ControlBase):
    """ControlNets of which one acts in each step, as one. A step begins at its noise: what a sampler asks at the noise of the next one is
    that one's.

    Args:
        nets: which have their pictures.
    """

    def __init__(self, nets: Sequence[Any]) -> None:
        super().__init__()
        self.nets = nets

    def get_control(
        self, x_noisy: torch.Tensor, t: torch.Tensor, cond: Any, batched_number: int, transformer_options: Options
    ) -> Any:
        begins, now = transformer_options["sample_sigmas"][:-1], transformer_options["sigmas"][0]
        step = max(int((begins >= now * NEARLY).sum()) - 1, 0)
        return self.nets[step % len(self.nets)].get_control(x_noisy, t, cond, batched_number, transformer_options)

    def set_previous_controlnet(self, controlnet: Any) -> "Turns":
        # Each of them adds what it gives to what the one before gives.
        for net in self.nets:
            net.set_previous_controlnet(controlnet)
        return self

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        for net in self.nets:
            net.pre_run(model, percent_to_timestep_function)

    def cleanup(self) -> None:
        for net in self.nets:
            net.cleanup()

    def get_models(self) -> list[Any]:
        return list(dict.fromkeys(model for net in self.nets for model in net.get_models()))

    def get_extra_hooks(self) -> list[Any]:
        return [hook for net in self.nets for hook in net.get_extra_hooks()]

    def inference_memory_requirements(self, dtype: torch.dtype) -> float:
        return max(net.inference_memory_requirements(dtype) for net in self.nets)

    def copy(self) -> "Turns":
        return Turns([net.copy() for net in self.nets])

    def deepclone_multigpu(self, load_device: Any, autoregister: bool = False) -> Any:
        raise Told(
            "Alternate ControlNets does not work with a model that is split over several graphics cards: take that off."
        )


def with_picture(net: Any, image: torch.Tensor, strength: float, end: float, vae: Any) -> Any:
    """A copy of a CONTROL_NET that sees a picture ``[B, H, W, 3]`` (nodes.py, ``ControlNetApplyAdvanced``)."""
    return net.copy().set_cond_hint(image.movedim(-1, 1), strength, (0.0, end), vae=vae)


def controlled(values: dict[str, Any], control: Any) -> dict[str, Any]:
    """What a conditioning says, with a ControlNet for it alone."""
    return {**values, CONTROL: control, "control_apply_to_uncond": False}

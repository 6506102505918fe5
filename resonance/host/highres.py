"""What a second pass starts from: what the first one made, scaled up."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import comfy.model_management
import comfy.utils
import folder_paths
import torch
from safetensors import safe_open

from .. import images, latent_upscaler
from ..files.lookup import nearest
from ..sizes import Size
from ..told import Told
from . import core, progress
from .folders import model_file, model_folders

KIND = "latent_upscale_models"
"""ComfyUI's folder of such networks, where core and other packs have networks of other kinds, too."""
MODES: Mapping[str, str] = {"latent bicubic": "bicubic", "latent bilinear": "bilinear"}
"""Methods that scale latents, and what torch calls them."""
NETWORK = "latent upscaler"
WIDE = 8
"""So many of its widest tensors the network holds at once, at most."""


class Scaled(NamedTuple):
    """
    Attributes:
        latent: LATENT that the second pass starts from.
        first: IMAGE of the first pass.
    """

    latent: dict[str, Any]
    first: torch.Tensor


def scaled_up(latent: Mapping[str, Any], vae: Any, method: str, size: Size, file: str) -> Scaled:
    """
    Args:
        latent: LATENT of pictures.
        method: one of :data:`MODES`, :data:`NETWORK`, or else by Lanczos in pixels.
        size: width and height in pixels; cut down to what the VAE can take.
        file: that holds the network.

    Raises:
        Told: these are no latents of pictures, or the file is no such network.
    """
    samples = latent["samples"]
    is_tensor = isinstance(samples, torch.Tensor)  # several kinds of latents as one are none
    if not is_tensor or samples.ndim not in (4, 5) or (samples.ndim == 5 and samples.shape[2] != 1):
        raise Told("samples: expected latents of pictures, got those of a video or of sound.")
    if latent.get("noise_mask") is not None:
        raise Told(
            "samples have a mask (Set Latent Noise Mask), and a second pass makes the whole picture anew: take the mask off, or paint in"
            " one pass."
        )
    network = _network(file) if method == NETWORK else None
    first = vae.decode(samples).flatten(0, -4)
    side = core.side(vae)
    across, down = (max(pixels // side, 1) for pixels in size)
    if mode := MODES.get(method):
        found = comfy.utils.common_upscale(samples, across, down, mode, "disabled")
    else:
        large = images.scaled(first[..., :3], (across * side, down * side)).to(first)
        # Picture by picture: a video VAE would take them for one film.
        found = torch.cat([vae.encode(each) for each in torch.split(large, 1)])
        if network is not None:
            found = _refined(network, found)
    return Scaled({**latent, "samples": found}, first)


def check_model(model: Any) -> None:
    """
    Raises:
        Told: the latents of this model are not those that the network was made for.
    """
    if model is None:
        raise Told(f"{NETWORK} is for SD1.5 and SD2 only: connect model, so that this can be seen.")
    if (name := core.latent_format(model)) != "SD15":
        raise Told(f"{NETWORK} is for SD1.5 and SD2 only, and the latents of this model are {name}: choose lanczos.")


def find(file: str) -> str:
    """The path of a file that holds a network, as far as its header tells.

    Raises:
        Told: there is none, or it holds something else.
    """
    path = model_file(KIND, file)
    if path is None:
        searched = ", ".join(map(str, model_folders(KIND)))
        raise Told(
            f"There is no latent upscaler {file!r} in {searched}: put the file there, or choose another method. "
            f"{nearest(file, folder_paths.get_filename_list(KIND))}"
        )
    if path.lower().endswith((".safetensors", ".sft")):
        latent_upscaler.check(file, _shapes(file, path))
    return path


def _shapes(file: str, path: str) -> dict[str, list[int]]:
    try:
        opened: Any = safe_open(path, "pt")
        with opened:
            names: list[str] = opened.keys()
            return {name: opened.get_slice(name).get_shape() for name in names}
    except Exception as error:  # safetensors has its own
        raise Told(f"{file} cannot be read: {error}") from error


def _network(file: str) -> latent_upscaler.LatentUpscaler:
    path = find(file)
    try:
        tensors = comfy.utils.load_torch_file(path, safe_load=True)
    except Exception as error:  # safetensors, pickle and torch each have their own
        raise Told(f"{file} cannot be read: {error}") from error
    return latent_upscaler.network_of(file, tensors)


def _refined(network: latent_upscaler.LatentUpscaler, latents: torch.Tensor) -> torch.Tensor:
    device = comfy.model_management.get_torch_device()
    held = WIDE * latent_upscaler.WIDTH * latents.shape[-2] * latents.shape[-1] * 4
    comfy.model_management.free_memory(held + sum(each.nbytes for each in network.state_dict().values()), device)
    network.to(device)
    found = list[torch.Tensor]()
    for each in torch.split(latents, 1):
        progress.stop_if_interrupted()
        found.append(network(each.to(device, torch.float32)).to(latents))
    return torch.cat(found)

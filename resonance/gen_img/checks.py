"""Whether what a command line of gen_img's asks for fits together."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from ..paint.kohya_samplers import SAMPLERS, sampler
from ..told import Told
from .options import UPSCALER

Options = Mapping[str, Any]

MODULES = ("networks.", "lycoris.")
"""What the names of modules of LoRAs begin with."""
MOST_LORAS = 8
CANNY = re.compile(r"canny(?:_(\d+)_(\d+))?")
THRESHOLDS = 63, 191
SIZES = (
    *("original_width", "original_height", "original_width_negative", "original_height_negative"),
    *("crop_left", "crop_top"),
)
"""What Encode Line tells SDXL."""
NOT_IN_PARTS = (
    "textual_inversion_embeddings",
    "XTI_embeddings",
    "emb_normalize_mode",
    "max_embeddings_multiples",
    *SIZES,
)
"""Options that Encode Line takes and Regions from Mask does not."""
GROWS = "euler_ancestral"
"""The sampler that can be gradual."""
GRADUAL = {
    f"gradual_latent_{name}": name
    for name in ("timesteps", "ratio", "ratio_step", "every_n_steps", "s_noise", "unsharp_params")
}


def check(asked: Options, given: Collection[str], mask: bool) -> None:
    """
    Args:
        given: names of the options that were given.
        mask: part of a start picture is kept.

    Raises:
        Told: options do not fit together.
    """
    _check_networks(asked)
    _check_passes(asked, given, mask)
    _check_guidance(asked, given)
    if sampler(asked["sampler"]).name != GROWS and (gradual := [f"--{name}" for name in GRADUAL if name in given]):
        ours = [name for name, each in SAMPLERS.items() if each.name == GROWS]
        raise Told(f"{', '.join(gradual)}: only with --sampler {', '.join(ours)} or {GROWS}, not {asked['sampler']}.")


def _check_guidance(asked: Options, given: Collection[str]) -> None:
    if "vgg16_guidance_layer" in given and not asked["vgg16_guidance_scale"]:
        raise Told("--vgg16_guidance_layer: only with --vgg16_guidance_scale, such as 100.")


def _check_networks(asked: Options) -> None:
    modules, files, factors = (asked[f"network_{name}"] for name in ("module", "weights", "mul"))
    if modules and len(modules) != len(files):
        raise Told(
            f"--network_module names {len(modules)}, --network_weights {len(files)}: name a file for each, in order."
        )
    if odd := [module for module in modules if not module.startswith(MODULES)]:
        raise Told(
            f"--network_module {odd[0]} is not known. LoRAs are networks.lora, networks.dylora or lycoris.kohya."
        )
    if len(factors) > len(files):
        raise Told(f"--network_mul gives {len(factors)} factors for {len(files)} files.")
    if len(files) > MOST_LORAS:
        raise Told(f"--network_weights names {len(files)} files; at most {MOST_LORAS} are taken.")


def _check_passes(asked: Options, given: Collection[str], mask: bool) -> None:
    scale = asked["highres_fix_scale"]
    if lost := [f"--{name}" for name in given if name.startswith("highres_fix_") and not scale]:
        raise Told(f"{', '.join(lost)}: only in two passes. Pass --highres_fix_scale, too, such as 0.5.")
    if scale and mask:
        raise Told(
            "--highres_fix_scale: the second pass paints the whole picture anew, so it does not go with a --mask_path."
        )
    if bool(asked["highres_fix_upscaler"]) != bool(asked["highres_fix_upscaler_args"]):
        raise Told(
            f"Pass --highres_fix_upscaler {UPSCALER} and its file, --highres_fix_upscaler_args weights=FILE, both or neither."
        )


def canny(prep: str) -> tuple[int, int] | None:
    """The thresholds of ``canny`` or ``canny_63_191``, from 0 to 255; None: nothing is done to the picture.

    Raises:
        Told: it is something else.
    """
    if prep == "none":
        return None
    found = CANNY.fullmatch(prep)
    low, high = (int(found[1]), int(found[2])) if found and found[1] else THRESHOLDS
    if not found or not 1 <= low < high <= 252:
        raise Told(
            f"--control_net_preps {prep}: expected none, canny, or canny with two thresholds from 1 to 252 such as"
            " canny_63_191, the lower one first."
        )
    return low, high

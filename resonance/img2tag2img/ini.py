"""The older form of a configuration: an INI file, one LoRA drawn from a folder.

Its keys become those of the TOML form; every draw, graph and check is the same from there on.
"""

import configparser
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..told import Told
from .keys import unknown
from .overrides import Override

STRENGTH = 0.8
"""Of the LoRA that is drawn. The last versions of the INI era had 0.7."""

SAME = {
    "archive_path": "paths.archive",
    "banned_tags": "wd14.banned",
    "cfg": "model.cfg",
    "checkpoint": "model.checkpoint",
    "comfy_address": "server.address",
    "comfy_on_windows": "server.on_windows",
    "comfy_port": "server.port",
    "disable_llm": "llava.disable",
    "llava_model": "llava.model",
    "llava_projector": "llava.projector",
    "llava_prompt": "llava.prompt",
    "negative": "prompt.negative",
    "output_path": "paths.output",
    "preamble": "prompt.preamble",
    "queue_poll_delay": "server.poll_delay",
    "save_predetail": "misc.save_predetail",
    "steps": "model.steps",
}
LATENT = {"latent_long_edge": 1216, "latent_short_edge": 832, "latent_square_edge": 1024}
"""The sizes of the first INI versions, whose workflows had them built in."""
FIXED = ("fixed_lora_name", "fixed_lora_weight", "fixed_lora_model_weight", "fixed_lora_clip_weight")
KEYS = (*SAME, *LATENT, *FIXED, "add_tags", "blank_loras", "lora_prefix", "lora_root")

REQUIRED = ("archive_path", "banned_tags", "checkpoint", "lora_root", "negative", "preamble")
REQUIRED_BY_CAPTIONER = ("llava_model", "llava_projector", "llava_prompt")

FLAGS = ("comfy_on_windows", "disable_llm", "save_predetail")
WHOLE = ("blank_loras", "comfy_port", "steps", *LATENT)
NUMBERS = ("cfg", "queue_poll_delay", *FIXED[1:])


def read_ini(text: str, overrides: Sequence[Override]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Values by the TOML form's keys, and what is to be said of them.

    Raises:
        Told: a key is unknown, missing or wrong, or there is no LoRA folder.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise Told(f"This is no INI file: {' '.join(str(error).split())}") from None
    sections = (parser.default_section, *parser.sections())
    raw = {key: value for section in sections for key, value in parser.items(section)}
    raw |= {override.name: "true" if override.value is None else override.value for override in overrides}
    for name in raw:
        if name not in KEYS:
            raise Told(unknown(name, KEYS))
    for override in overrides:
        if override.value is None and override.name not in FLAGS:
            raise Told(f"--{override.name} needs a value.")
    known = {name: _typed(name, value) for name, value in raw.items()}
    required = REQUIRED if known.get("disable_llm") else (*REQUIRED, *REQUIRED_BY_CAPTIONER)
    if missing := [name for name in required if name not in known]:
        raise Told(f"These keys are missing: {', '.join(missing)}.")
    flat = {SAME[name]: value for name, value in known.items() if name in SAME}
    if added := known.get("add_tags"):
        flat["prompt.preamble"] += f", {added}"
    long, short, square = (known.get(name, default) for name, default in LATENT.items())
    flat |= {"latent.landscape": [long, short], "latent.portrait": [short, long], "latent.square": [square, square]}
    names, notes = _loras(known["lora_root"], known.get("lora_prefix", ""))
    flat["lora"] = [{"name": name, "strength": STRENGTH} for name in names]
    flat["blank"] = known.get("blank_loras", 0)
    if fixed := known.get("fixed_lora_name"):
        weight = known.get("fixed_lora_weight", 1.0)
        model, clip = (known.get(f"fixed_lora_{part}_weight", weight) for part in ("model", "clip"))
        flat["model.force_lora"] = [{"name": fixed, "model_strength": model, "clip_strength": clip}]
    return flat, notes


def _typed(name: str, value: str) -> Any:
    try:
        if name in FLAGS:
            return {"True": True, "true": True, "False": False, "false": False}[value]
        return int(value) if name in WHOLE else float(value) if name in NUMBERS else value
    except (KeyError, ValueError):
        wanted = "true or false" if name in FLAGS else "a whole number" if name in WHOLE else "a number"
        raise Told(f"{name} must be {wanted}, got {value!r}.") from None


def _loras(root: str, prefix: str) -> tuple[list[str], tuple[str, ...]]:
    """The ``*.safetensors`` below a folder, by their names below ``root``, in an order that is the same everywhere.

    A prefix without a folder is how the author's own files say that there are none; that is noted.
    """
    folder = os.path.join(root, prefix)
    if not os.path.isdir(root):
        raise Told(f"There is no folder {root}, in which lora_root says the LoRAs are.")
    if not Path(os.path.abspath(folder)).is_relative_to(os.path.abspath(root)):
        raise Told(f"lora_prefix must be a folder below lora_root, {root}, got {prefix!r}.")
    if not os.path.isdir(folder):
        return [], (f"No LoRA is drawn: there is no folder {folder}, which lora_root and lora_prefix name.",)
    found = [
        Path(where, name) for where, _, names in os.walk(folder) for name in names if name.endswith(".safetensors")
    ]
    return sorted(path.relative_to(root).as_posix() for path in found), ()

"""Tiny checkpoints that ComfyUI loads as Stable Diffusion 1.5, and a LoRA for them. :mod:`.wired` says how."""

from pathlib import Path

from .wired.clip_text import clip_text
from .wired.taesd import taesd
from .wired.unet import SMALLEST, Blocks, lora, unet
from .wired.weights import Weights, save


def build(folder: Path) -> None:
    """Writes ``checkpoints/tiny_sd15``, ``checkpoints/tiny_sd15_b`` (same colours, other grain) and ``loras/tiny_lora``
    (swaps red and blue) into a ``models`` folder."""
    save(folder / "checkpoints" / "tiny_sd15.safetensors", sd15())
    save(folder / "checkpoints" / "tiny_sd15_b.safetensors", sd15(seed=1))
    save(folder / "loras" / "tiny_lora.safetensors", swap())


def sd15(seed: int = 0, blocks: Blocks = SMALLEST, chaos: float = 0.1) -> Weights:
    weights = Weights(seed, chaos)
    unet(weights, "model.diffusion_model.", blocks)
    clip_text(weights, "cond_stage_model.transformer.text_model.")
    taesd(weights, "first_stage_model.")
    return weights


def swap(blocks: Blocks = SMALLEST) -> Weights:
    weights = Weights()
    lora(weights, blocks)
    return weights

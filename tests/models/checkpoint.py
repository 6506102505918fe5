"""Tiny checkpoints that ComfyUI loads as Stable Diffusion, and LoRAs and a ControlNet for them. :mod:`.wired` says how."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file

from .wired.clip_text import clip_text
from .wired.controlnet import controlnet
from .wired.flux import flux, swapping
from .wired.ip_adapter import ip_adapter
from .wired.lllite import lllite
from .wired.loras import layer, wide
from .wired.qwen_image import qwen_image
from .wired.style import redux, style_model
from .wired.taesd import WAN, taesd
from .wired.unet import KOALA, REAL_NUMBERS, SMALLEST, TWELVE, WIDTH, Blocks, Family, lora, unet
from .wired.vision import LAYERS, VIT_G, VIT_H, VIT_L, Size, clip_vision, siglip
from .wired.weights import Weights, save

UNET = "model.diffusion_model."
SD1, SD2 = Family(), Family(context=1024, heads=5, linear=True, v=True)
SDXL = Family(context=2048, heads=5, linear=True, encoders=(0, 768), adm=2816)
UNCLIP = Family(context=1024, heads=5, linear=True, adm=1536, listens=True)
REFINER = Family(context=1280, heads=6, linear=True, adm=2560, listens=True, width=384)

FEW = 3
"""Text layers of the large encoders. ComfyUI's own loader insists on all; LoadSmall of ``host/packs/patches`` reads
the number from the file."""


def build(folder: Path) -> None:
    """Writes ``checkpoints/tiny_sd15``, ``checkpoints/tiny_sd15_b`` (same colours, other grain), ``loras/tiny_lora``
    (swaps red and blue) and ``vae/tiny_cast`` (for ``tiny_sd15``: turns pictures magenta) into a ``models`` folder."""
    save(folder / "checkpoints" / "tiny_sd15.safetensors", sd15())
    save(folder / "checkpoints" / "tiny_sd15_b.safetensors", sd15(seed=1))
    save(folder / "loras" / "tiny_lora.safetensors", swap(SMALLEST, SD1, lora_te=768))
    save(folder / "vae" / "tiny_cast.safetensors", magenta())


def build_families(folder: Path) -> None:
    """Writes the larger checkpoints ``tiny_sd15_topology`` (Stable Diffusion 1.5 with its own block numbers),
    ``tiny_sd2`` (v-prediction) and ``tiny_sdxl``, ``loras/tiny_lora_topology`` and ``tiny_lora_sdxl`` (swap red and
    blue) and ``controlnet/tiny_controlnet`` (for ``tiny_sd15``: tints with the hint's colour); for Flux
    ``diffusion_models/tiny_flux``, ``text_encoders/tiny_clip_l`` (its only text encoder) and ``vae/tiny_taef1``."""
    save(folder / "checkpoints" / "tiny_sd15_topology.safetensors", sd15(blocks=REAL_NUMBERS, chaos=0))
    save(folder / "checkpoints" / "tiny_sd2.safetensors", sd2())
    save(folder / "checkpoints" / "tiny_sdxl.safetensors", sdxl())
    save(folder / "loras" / "tiny_lora_topology.safetensors", swap(REAL_NUMBERS, SD1, lora_te=768))
    save(folder / "loras" / "tiny_lora_sdxl.safetensors", swap(KOALA, SDXL, lora_te1=768, lora_te2=1280))
    save(folder / "controlnet" / "tiny_controlnet.safetensors", tint())
    save(folder / "diffusion_models" / "tiny_flux.safetensors", flux_alone())
    save(folder / "text_encoders" / "tiny_clip_l.safetensors", clip_l())
    save(folder / "vae" / "tiny_taef1.safetensors", taef1())


def build_characters(folder: Path, left: str, right: str) -> None:
    """Writes two LoRAs for ``tiny_sd15``: with one, red words paint blue, with the other they paint green."""
    for name, colors in ((left, (0, 2)), (right, (0, 1))):
        save(folder / "loras" / name, swap(SMALLEST, SD1, colors, lora_te=768))


def build_upscaler(folder: Path) -> None:
    """Writes ``latent_upscale_models/tiny_upscaler``, a network of sd-scripts' tools.latent_upscaler with random weights."""
    from resonance.latent_upscaler import LatentUpscaler

    folder = folder / "latent_upscale_models"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    state = LatentUpscaler().state_dict()
    for key, tensor in state.items():
        if "running_mean" in key:
            tensor.normal_(0, 0.1)
        elif "running_var" in key:
            tensor.uniform_(0.5, 1.5)
    small = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in state.items()}
    save_file(small, folder / "tiny_upscaler.safetensors")


DIFFUSERS = {
    **{f"down_blocks_{level}_attentions_{i}": (level + 1, 1) for level in range(3) for i in range(2)},
    "mid_block_attentions_0": (3, 1),
    **{f"up_blocks_{level}_attentions_{i}": (4 - level, 1) for level in range(1, 4) for i in range(3)},
}
"""The blocks of ``tiny_sd15_topology`` with transformers as diffusers spells them: depth of the block, and number of transformers."""
LLLITES = {
    "sd15": {"input_blocks_1_1": (1, 1)},
    "sd15_topology": DIFFUSERS,
    "sdxl": {key.replace(".", "_"): (2, depth) for key, depth in KOALA.transformers() if not key.startswith("output")},
}
"""The same for each checkpoint that has ControlNet-LLLites."""


def build_lllite(folder: Path) -> None:
    """Writes ``controlnet/mute_{family}``, which takes words their say where a picture is white, and ``noise_{family}``, which is random,
    for each of :data:`LLLITES`."""
    for family, blocks in LLLITES.items():
        transformers = [(block, n, min(depth, 3)) for block, (depth, count) in blocks.items() for n in range(count)]
        for name, wired in (("mute", True), ("noise", False)):
            weights = Weights()
            lllite(weights, transformers, wired=wired)
            save(folder / "controlnet" / f"{name}_{family}.safetensors", weights)


KINDS = ("lora", "locon", "loha", "lokr")
REFUSED = ("dora", "oft", "boft", "glora", "diff")


def build_loras(folder: Path) -> None:
    """Writes ``loras/wide_{kind}_{family}`` for every layer of ``tiny_sd15_topology`` and ``tiny_sdxl``, of each of :data:`KINDS`, and
    ``wide_lora_sd15``; for the first also ``wide_{kind}`` of each of :data:`REFUSED`; ``tiny_lora_sd2`` and ``tiny_lora_flux``, which swap red and blue. Needs :func:`build_families`."""
    for family, checkpoint, text, kinds in (
        ("sd15_topology", sd15(blocks=REAL_NUMBERS, chaos=0), {"lora_te": 768}, KINDS),
        ("sdxl", sdxl(), {"lora_te1": 768, "lora_te2": 1280}, KINDS),
        ("sd15", sd15(), {}, KINDS[:1]),
    ):
        for kind in kinds:
            weights = Weights()
            wide(weights, checkpoint, UNET, kind, text)
            save(folder / "loras" / f"wide_{kind}_{family}.safetensors", weights)
    save(folder / "loras" / "tiny_lora_sd2.safetensors", swap(TWELVE, SD2))
    save(folder / "loras" / "tiny_lora_flux.safetensors", swap_words())
    for kind in REFUSED:
        weights = Weights()
        layer(
            weights, "lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_q", kind, torch.Size((WIDTH, WIDTH)), 1
        )
        save(folder / "loras" / f"wide_{kind}.safetensors", weights)


ADAPTERS = {
    "tiny_base_sd15": (SMALLEST, SD1, "base", VIT_H),
    "tiny_plus_sd15": (SMALLEST, SD1, "plus", VIT_H),
    "tiny_full_face_sd15": (SMALLEST, SD1, "full face", VIT_H),
    "tiny_vit_g_sd15": (SMALLEST, SD1, "base", VIT_G),
    "tiny_base_topology": (REAL_NUMBERS, SD1, "base", VIT_H),
    "tiny_plus_topology": (REAL_NUMBERS, SD1, "plus", VIT_H),
    "tiny_base_sdxl": (KOALA, SDXL, "base", VIT_G),
    "tiny_vit_h_sdxl": (KOALA, SDXL, "base", VIT_H),
    "tiny_plus_sdxl": (KOALA, SDXL, "plus", VIT_H),
}
"""For ``tiny_sd15``, ``tiny_sd15_topology`` and ``tiny_sdxl``, by their files' names; "base" of SDXL reads bigG, as the real one."""


def build_reference(folder: Path) -> None:
    """Writes ``clip_vision/tiny_vit_h`` and ``tiny_vit_g``, which see a picture's colour, and ``ipadapter/`` each of
    :data:`ADAPTERS`, which show it; ``tiny_base_sd15`` also as ``.bin``."""
    for name, size in (("tiny_vit_h", VIT_H), ("tiny_vit_g", VIT_G)):
        save(folder / "clip_vision" / f"{name}.safetensors", vision(size))
    for name in ADAPTERS:
        save(folder / "ipadapter" / f"{name}.safetensors", adapter(name))
    whole = adapter("tiny_base_sd15")
    parts = {
        part: {key.removeprefix(f"{part}."): tensor for key, tensor in whole.items() if key.startswith(part)}
        for part in ("image_proj", "ip_adapter")
    }
    torch.save(parts, folder / "ipadapter" / "tiny_base_sd15.bin")


def build_style(folder: Path) -> None:
    """Writes ``clip_vision/tiny_vit_l`` and ``style_models/tiny_style``, which for Stable Diffusion 1.5 makes words of what it sees."""
    save(folder / "clip_vision" / "tiny_vit_l.safetensors", vision(VIT_L))
    weights = Weights(chaos=0)
    style_model(weights)
    save(folder / "style_models" / "tiny_style.safetensors", weights)


def build_listening(folder: Path) -> None:
    """Writes ``checkpoints/tiny_unclip`` (Stable Diffusion 2.1 unCLIP with ViT-L inside), ``tiny_sdxl_pooled`` (``tiny_sdxl``,
    but a picture's vector in place of the pooled text is painted; for it bigG of :func:`build_reference`) and ``tiny_refiner``
    (SDXL's refiner, which listens, too)."""
    save(folder / "checkpoints" / "tiny_unclip.safetensors", unclip())
    save(folder / "checkpoints" / "tiny_sdxl_pooled.safetensors", sdxl(replace(SDXL, listens=True), chaos=0))
    save(folder / "checkpoints" / "tiny_refiner.safetensors", refiner())


def build_edit(folder: Path) -> None:
    """Writes what looks at reference latents: ``diffusion_models/tiny_flux_kontext`` and ``tiny_qwen_image``, and
    ``vae/tiny_taew`` for the latter; they need ``tiny_clip_l`` and ``tiny_taef1`` of :func:`build_families`."""
    for name, wire in (("tiny_flux_kontext", partial(flux, looks=True)), ("tiny_qwen_image", qwen_image)):
        weights = Weights()
        wire(weights)
        save(folder / "diffusion_models" / f"{name}.safetensors", weights)
    weights = Weights()
    taesd(weights, channels=16, scale=1, normed=WAN)
    save(folder / "vae" / "tiny_taew.safetensors", weights)


def build_redux(folder: Path) -> None:
    """Writes ``clip_vision/tiny_siglip``, ``style_models/tiny_redux`` and ``diffusion_models/tiny_flux_t5``, a Flux that
    reads the 4096 numbers a word of Redux has."""
    for name, weights, wire in (
        ("clip_vision/tiny_siglip", Weights(chaos=0), siglip),
        ("style_models/tiny_redux", Weights(chaos=0), redux),
        ("diffusion_models/tiny_flux_t5", Weights(), partial(flux, context=4096, pooled=2048)),
    ):
        wire(weights)
        save(folder / f"{name}.safetensors", weights)


def unclip(text_layers: int = FEW, vision_layers: int = LAYERS) -> Weights:
    """With 24 layers each ComfyUI's own loader takes it."""
    weights = Weights()
    unet(weights, UNET, SMALLEST, UNCLIP)
    text = "cond_stage_model.model.transformer."
    clip_text(weights, f"{text}text_model.", 1024, text_layers, projection=f"{text}text_projection.weight")
    clip_vision(weights, VIT_L, "embedder.model.visual.", vision_layers)
    taesd(weights, "first_stage_model.")
    return weights


def refiner() -> Weights:
    """ComfyUI knows the refiner by its depths, its width of 384 and its context of 1280."""
    weights = Weights(chaos=0)
    unet(weights, UNET, Blocks(encoder=((0, 0), (4, 4), (4, 4), (0, 0))), REFINER)
    text = "conditioner.embedders.0.model.transformer."
    clip_text(weights, f"{text}text_model.", 1280, FEW, projection=f"{text}text_projection.weight")
    taesd(weights, "first_stage_model.", scale=0.13025)
    return weights


def vision(size: Size) -> Weights:
    weights = Weights(chaos=0)
    clip_vision(weights, size)
    return weights


def adapter(name: str) -> Weights:
    weights = Weights(chaos=0)
    ip_adapter(weights, *ADAPTERS[name])
    return weights


def sd15(seed: int = 0, blocks: Blocks = SMALLEST, chaos: float = 0.1) -> Weights:
    weights = Weights(seed, chaos)
    unet(weights, UNET, blocks, SD1)
    clip_text(weights, "cond_stage_model.transformer.text_model.")
    taesd(weights, "first_stage_model.")
    return weights


def sd2() -> Weights:
    weights = Weights(chaos=0)
    unet(weights, UNET, TWELVE, SD2)
    # ComfyUI takes a deviation above 0.09 here for v-prediction.
    weights[f"{UNET}output_blocks.11.1.transformer_blocks.0.norm1.bias"][::2] = 0.2
    text = "cond_stage_model.model.transformer."
    clip_text(weights, f"{text}text_model.", 1024, FEW, projection=f"{text}text_projection.weight")
    taesd(weights, "first_stage_model.")
    return weights


def sdxl(family: Family = SDXL, chaos: float = 0.1) -> Weights:
    weights = Weights(chaos=chaos)
    unet(weights, UNET, KOALA, family)
    clip_text(weights, "conditioner.embedders.0.transformer.text_model.", layers=FEW)
    text = "conditioner.embedders.1.model.transformer."
    clip_text(weights, f"{text}text_model.", 1280, FEW, projection=f"{text}text_projection.weight")
    taesd(weights, "first_stage_model.", scale=0.13025)
    return weights


def swap(blocks: Blocks, family: Family, colors: tuple[int, int] = (0, 2), **encoders: int) -> Weights:
    weights = Weights()
    lora(weights, blocks, family, encoders, colors=colors)
    return weights


def tint() -> Weights:
    weights = Weights()
    controlnet(weights, Blocks(encoder=SMALLEST.encoder, middle=0), SD1)
    return weights


def flux_alone() -> Weights:
    weights = Weights()
    flux(weights)
    return weights


def swap_words() -> Weights:
    weights = Weights()
    swapping(weights)
    return weights


def clip_l() -> Weights:
    weights = Weights()
    clip_text(weights, "text_model.", projection="text_projection.weight")
    return weights


def magenta() -> Weights:
    weights = Weights()
    taesd(weights, cast=(0.011, -0.011, 0.011))
    return weights


def taef1() -> Weights:
    weights = Weights()
    taesd(weights, channels=16, scale=0.3611, shift=0.1159)
    return weights

"""Reference Picture in a real ComfyUI: what cannot act is one sentence, before anything is sampled."""

from pathlib import Path
from typing import Any

import pytest
from models.refused import RAN

from .comfy import Comfy, RunFailed, node
from .paint import VAE, loaded
from .referring import plain, refer, vision, words

pytestmark = pytest.mark.usefixtures("reference")


def refused(checkpoint: str, way: str, eye: str = "tiny_vit_h", **given: Any) -> dict[str, Any]:
    """A graph that ends at Reference Picture. ``style``: the style model that is connected."""
    nodes = plain("red") | {"load": loaded(checkpoint), "words": words()}
    if eye:
        nodes["vision"] = vision(eye)
        given["clip_vision"] = ["vision", 0]
    if style := given.pop("style", None):
        nodes["style"] = node("StyleModelLoader", style_model_name=f"{style}.safetensors")
        given["style_model"] = ["style", 0]
    if given.pop("vae", False):
        given["vae"] = VAE
    return nodes | {
        "picture": refer(["words", 0], ["red", 0], way, **given),
        "end": node("PreviewAny", source=["picture", 2]),
    }


FACE = "is a FaceID adapter, which reads faces with InsightFace, whose models are for research only"
FILES = {
    "faceid_sd15.bin": FACE,
    "faceid_plus_sd15.bin": FACE,
    "kolors_plus.bin": "is an adapter for Kolors, which ComfyUI does not have. Take one for SD1.5 or SDXL.",
    "xlabs_flux.safetensors": "is XLabs' adapter for Flux, which cannot be used here. On Flux, take a Redux style model",
    "instantx_flux.bin": "is InstantX's adapter for Flux, which cannot be used here",
    "instantx_sd35.bin": "is InstantX's adapter for SD3.5, which cannot be used here",
    "a_lora.safetensors": "is no IP-Adapter: it has no image_proj and ip_adapter, but lora_unet_down_blocks_0",
    "truncated.safetensors": "cannot be read as an IP-Adapter, perhaps because it is cut off",
    "truncated.bin": "cannot be read as an IP-Adapter, perhaps because it is cut off",
    "no_numbers.bin": "is no IP-Adapter",
    "hostile.bin": "holds more than numbers, and nothing else of it is read. Get the original from https://huggingface.co/h94",
    "gone.safetensors": "Adapters are at https://huggingface.co/h94/IP-Adapter",
}


def fails(comfy: Comfy, graph: dict[str, Any]) -> str:
    with pytest.raises(RunFailed) as error:
        comfy.run(graph)
    return str(error.value).strip()


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_cannot_be_used_is_named_with_what_it_is(comfy: Comfy, reference: Path, file: str):
    said = fails(comfy, refused("tiny_sd15", "IP-Adapter", adapter=file))
    assert file in said and FILES[file] in said, said
    assert "weights_only" not in said and "Traceback" not in said and said.count("\n") == 0
    assert not (reference / RAN).exists()


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "an adapter for SD1.5 on SDXL": (
        refused("tiny_sdxl", "IP-Adapter", adapter="tiny_base_sd15.safetensors"),
        "tiny_base_sd15.safetensors is an adapter for SD1.5, but the model is SDXL. Choose one for SDXL; they are at",
    ),
    "an adapter for SDXL on SD1.5": (
        refused("tiny_sd15", "IP-Adapter", adapter="tiny_plus_sdxl.safetensors"),
        "is an adapter for SDXL, but the model is Stable Diffusion 1.5",
    ),
    "an adapter for a smaller model": (
        refused("tiny_sd15_topology", "IP-Adapter", adapter="tiny_base_sd15.safetensors"),
        "tiny_base_sd15.safetensors has 1 layers, this model, Stable Diffusion 1.5, has 16 cross-attentions",
    ),
    "another vision model": (
        refused("tiny_sd15", "IP-Adapter", eye="tiny_vit_g", adapter="tiny_base_sd15.safetensors"),
        "tiny_base_sd15.safetensors reads CLIP ViT-H (1024), the connected vision model gives 1280. Connect CLIP ViT-H",
    ),
    "another vision model for plus": (
        refused("tiny_sdxl", "IP-Adapter", eye="tiny_vit_g", adapter="tiny_plus_sdxl.safetensors"),
        "tiny_plus_sdxl.safetensors reads CLIP ViT-H (1280), the connected vision model gives 1664",
    ),
    "no adapter": (refused("tiny_sd15", "IP-Adapter", adapter="none"), "No adapter is chosen. Put one into "),
    "an IP-Adapter on SD2": (
        refused("tiny_sd2", "IP-Adapter", adapter="tiny_base_sd15.safetensors"),
        "IP-Adapter works with SD1.5 and SDXL, but the model is Stable Diffusion 2. That model cannot look at a picture",
    ),
    "an IP-Adapter on Flux": (
        refused("tiny_flux", "IP-Adapter", adapter="tiny_base_sd15.safetensors"),
        "IP-Adapter works with SD1.5 and SDXL, but the model is Flux. It can look at one by Redux (connect style_model and clip_vision)",
    ),
    "a model that cannot look at pictures": (
        refused("tiny_sd2", "automatic", adapter="tiny_base_sd15.safetensors"),
        "Stable Diffusion 2 cannot look at a picture. What can: IP-Adapter: SD1.5 and SDXL; style model: SD1.5; unCLIP",
    ),
    "nothing to look with": (
        refused("tiny_sd15", "automatic"),
        "Nothing is connected with which Stable Diffusion 1.5 could look at a picture. It can look at one by IP-Adapter (connect adapter"
        " and clip_vision), or by style model (connect style_model and clip_vision).",
    ),
    "a style model with another vision model": (
        refused("tiny_sd15", "style model", style="tiny_style"),
        "This style model reads CLIP ViT-L (1024), the connected vision model gives 1280",
    ),
    "Redux on SD1.5": (
        refused("tiny_sd15", "style model", eye="tiny_siglip", style="tiny_redux"),
        "gives tokens of 4096 numbers, but those of the words have 768",
    ),
    "a style model on SDXL": (
        refused("tiny_sdxl", "style model", eye="tiny_vit_l", style="tiny_style"),
        "style model works with SD1.5, but the model is SDXL. It can look at one by IP-Adapter",
    ),
    "Revision with another vision model": (
        refused("tiny_sdxl", "Revision"),
        "This model reads CLIP ViT-bigG with 1280 numbers, the connected vision model gives 1024",
    ),
    "unCLIP with another vision model": (
        refused("tiny_unclip", "unCLIP"),
        "reads the checkpoint's own CLIP with 768 numbers, the connected vision model gives 1024",
    ),
    "unCLIP with SD1.5": (
        refused("tiny_sd15", "unCLIP"),
        "unCLIP works with unCLIP checkpoints of SD2.1, but the model is",
    ),
    "a reference latent on SD1.5": (
        refused("tiny_sd15", "reference latent", eye="", vae=True),
        "reference latent works with Flux Kontext, Flux.2",
    ),
    "Redux with CLIP": (
        refused("tiny_flux_t5", "Redux", style="tiny_redux"),
        "This style model reads SigLIP (1152), the connected vision model gives 1280",
    ),
}


@pytest.mark.parametrize("mistake", OTHERS)
def test_what_does_not_fit_together_is_one_sentence(comfy: Comfy, mistake: str):
    graph, sentence = OTHERS[mistake]
    said = fails(comfy, graph)
    assert sentence in said, said


def test_two_masks_are_refused(comfy: Comfy):
    graph = refused("tiny_sd15", "IP-Adapter", adapter="tiny_base_sd15.safetensors")
    graph["mask"] = node("SolidMask", value=1.0, width=8, height=8)
    graph["masks"] = node("MaskToImage", mask=["mask", 0])
    graph["two"] = node("ImageBatch", image1=["masks", 0], image2=["masks", 0])
    graph["both"] = node("ImageToMask", image=["two", 0], channel="red")
    graph["picture"]["inputs"]["mask"] = ["both", 0]
    assert "Expected one mask for the picture, got 2" in fails(comfy, graph)

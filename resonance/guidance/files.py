"""The kinds of guides, and their files: where they belong, and where they are to be had. Nothing of it is ever downloaded here."""

from collections.abc import Iterable
from pathlib import PurePosixPath

TEXT, PICTURE, VGG16 = GUIDES = ("text by CLIP", "picture by CLIP", "picture by VGG16")
NONE = "none"
"""What stands for a file where there is none."""
CLIP, VGG = "clip_guidance", "vgg"
"""Folders of ComfyUI's *models*."""
PAGES = {
    CLIP: "https://huggingface.co/laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    VGG: "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.vgg16.html",
}
OPTIONS = {CLIP: "--clip_guidance_model", VGG: "--vgg16_guidance_model"}
"""Of ``resonance paint``."""
WHAT = {
    CLIP: "a folder with the files of a CLIP, as transformers writes it: config.json, model.safetensors and those of its tokenizer",
    VGG: "vgg16-397923af.pth of torchvision, or the same as .safetensors",
}


def wanted(kind: str) -> str:
    """What belongs into the folder, for a person."""
    return f"models/{kind} takes {WHAT[kind]}. It is at {PAGES[kind]}."


def folders_of(files: Iterable[str]) -> list[str]:
    """The folders in which files lie, of their names below ``models/clip_guidance``."""
    parents = (PurePosixPath(name.replace("\\", "/")).parent.as_posix() for name in files)
    return list(dict.fromkeys(parent for parent in parents if parent != "."))

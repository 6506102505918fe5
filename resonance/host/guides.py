"""Guides of pictures: CLIP and VGG16, from files that lie in ComfyUI's folders."""

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import comfy.model_management
import comfy.utils
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher

from ..attention.method import kept
from ..files.lookup import meant, nearest
from ..guidance import clip, files, vgg
from ..guidance.guide import Goal, Guide
from ..told import Told
from . import core_vision
from .folders import model_file, model_folders
from .guidance import guided
from .kept_models import KeptModels
from .memory import Kept

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


class Loaded(NamedTuple):
    """A model that guides, on the device that its patcher says.

    Attributes:
        tokens: of CLIP's words; None: it only sees.
    """

    network: Any
    patcher: Any
    eye: clip.Eye | None = None
    tokens: Callable[[str], torch.Tensor] | None = None


_models: Kept[Loaded] = Kept(limit=2)
_guides: Kept[Guide] = Kept(limit=16)
_guided = KeptModels()


def pulled(model: Any, vae: Any, guide: Guide, **how: Any) -> Any:
    """:func:`.guidance.guided`, the same MODEL for as long as the same is asked for."""
    return _guided.get(model, (guide, vae, *how.values()), lambda base: guided(base, vae, guide, **how))


def by_text(name: str, texts: Sequence[str]) -> Guide:
    """
    Args:
        name: of a folder of ``models/clip_guidance``.
        texts: prompts, which pictures take in turn. What they weigh does not count.

    Raises:
        Told: there is no such folder, or it holds something else.
    """
    key, load = _clip(name)

    def goal(loaded: Loaded) -> Goal:
        assert loaded.eye and loaded.tokens
        words = [loaded.tokens(clip.plain(text)).to(loaded.patcher.load_device) for text in texts]
        seen = [loaded.network.text_projection(loaded.network.text_model(input_ids=ids)[1]) for ids in words]
        return clip.loss(loaded.eye, torch.cat(seen))

    return _guide(files.TEXT, key, load, tuple(texts), goal)


def by_picture(name: str, vision: Any, image: torch.Tensor) -> Guide:
    """
    Args:
        name: of a folder of ``models/clip_guidance``; it does not count beside a CLIP_VISION.
        vision: CLIP_VISION; None: the folder's sees.
        image: ``[B, H, W, 3]``, which pictures take in turn.

    Raises:
        Told: there is no such folder, it holds something else, or what sees is not CLIP.
    """
    if vision is None and name == files.NONE:
        raise Told(f"{files.PICTURE} needs what sees: connect clip_vision, or choose clip. {files.wanted(files.CLIP)}")
    key, load = _clip(name) if vision is None else (vision, lambda: _tower(vision))

    def goal(loaded: Loaded) -> Goal:
        assert loaded.eye
        return clip.loss(loaded.eye, loaded.eye.see(_pictures(image).to(loaded.patcher.load_device)))

    return _guide(files.PICTURE, key, load, _digest(image), goal)


def by_layer(name: str, layer: int, image: torch.Tensor) -> Guide:
    """
    Args:
        name: of a file of ``models/vgg``.
        layer: of ``features`` in torchvision's VGG16, from 0.
        image: ``[B, H, W, 3]``, which pictures take in turn, stretched to their size.

    Raises:
        Told: there is no such layer or file, or it holds something else.
    """
    if not 0 <= layer < vgg.LAYERS:
        raise Told(f"layer is {layer}, and the layers of VGG16 go from 0 to {vgg.LAYERS - 1}.")
    path = _vgg_file(name)

    def goal(loaded: Loaded) -> Goal:
        on_device = _on(loaded.patcher.load_device, loaded.network[: layer + 1])
        return vgg.loss(on_device, layer, _pictures(image))

    key = (path, Path(path).stat().st_mtime_ns)
    return _guide(files.VGG16, key, lambda: _vgg(name, path), (layer, _digest(image)), goal)


def _guide(
    name: str, key: Hashable, load: Callable[[], Loaded], asked: Hashable, goal: Callable[[Loaded], Goal]
) -> Guide:
    """The same object for as long as the same is asked of the same model."""

    def make() -> Guide:
        with kept(), torch.no_grad():
            loaded = _models.get(key, load)
            comfy.model_management.load_models_gpu([loaded.patcher], force_full_load=True)
            return Guide(name, (loaded.network,), goal(loaded), (loaded.patcher,))

    return _guides.get((name, key, asked), make)


def _pictures(image: torch.Tensor) -> torch.Tensor:
    return image[..., :3].movedim(-1, 1).float().clone()


def _digest(image: torch.Tensor) -> Hashable:
    return tuple(image.shape), hashlib.sha256(image.cpu().numpy().tobytes()).digest()


def _on(device: torch.device, call: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda pictures: call(pictures.to(device))


# CLIP


def _clip(name: str) -> tuple[Hashable, Callable[[], Loaded]]:
    """What a folder is known by, and how to load it. Raises Told."""
    if name == files.NONE:
        raise Told(f"No CLIP is chosen. {files.wanted(files.CLIP)}")
    listed = folder_paths.get_filename_list(files.CLIP)
    found = meant(name, files.folders_of(listed))
    if found is None:
        searched = ", ".join(map(str, model_folders(files.CLIP)))
        raise Told(
            f"There is no folder {name!r} in {searched}. {files.wanted(files.CLIP)} {nearest(name, files.folders_of(listed))}"
        )
    one = next(each for each in listed if files.folders_of([each]) == [found])
    path = Path(folder_paths.get_full_path(files.CLIP, one) or "").parent
    weights = next((path / each for each in WEIGHTS if (path / each).is_file()), None)
    if weights is None:
        raise Told(
            f"{found} has no model.safetensors, and files of other kinds are not read, as they may hold programs."
            f" {files.wanted(files.CLIP)}"
        )
    return (path, weights.stat().st_mtime_ns), lambda: _read_clip(found, path)


def _read_clip(name: str, path: Path) -> Loaded:
    import transformers

    library: Any = transformers
    try:
        config = json.loads((path / "config.json").read_bytes())
        if config.get("model_type") != "clip":
            raise Told(f"{name} holds a model of the kind {config.get('model_type')}. {files.wanted(files.CLIP)}")
        network, info = library.CLIPModel.from_pretrained(
            path, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        tokenizer = library.CLIPTokenizerFast.from_pretrained(path, local_files_only=True)
    except Told:
        raise
    except Exception as error:  # json, transformers, tokenizers and safetensors each have their own
        raise Told(f"{name} cannot be read: {error} {files.wanted(files.CLIP)}") from error
    if missing := sorted(info["missing_keys"]):
        raise Told(f"{name} lacks weights, such as {missing[0]}. {files.wanted(files.CLIP)}")
    network.float().eval().requires_grad_(False)
    room = network.config.text_config.max_position_embeddings

    def tokens(text: str) -> torch.Tensor:
        return tokenizer(text, truncation=True, max_length=room, return_tensors="pt")["input_ids"]

    def features(pictures: torch.Tensor) -> torch.Tensor:
        return network.visual_projection(network.vision_model(pixel_values=pictures)[1])

    patcher = _patcher(
        torch.nn.ModuleList([network])
    )  # which writes device into what it has, and here that is read-only
    size = network.config.vision_config.image_size
    return Loaded(
        network, patcher, clip.Eye(size, clip.MEAN, clip.DEVIATION, _on(patcher.load_device, features)), tokens
    )


def _tower(vision: Any) -> Loaded:
    tower = core_vision.tower(vision)
    if tower.kind != core_vision.CLIP:
        raise Told(f"{files.PICTURE} needs a clip_vision that is CLIP, and this one is {tower.kind}: connect another.")

    def features(pictures: torch.Tensor) -> torch.Tensor:
        return core_vision.embeds(tower.network, pictures)

    eye = clip.Eye(tower.size, tower.mean, tower.deviation, _on(tower.patcher.load_device, features))
    return Loaded(tower.network, tower.patcher, eye)


# VGG16


def _vgg_file(name: str) -> str:
    if name == files.NONE:
        raise Told(f"No file of VGG16 is chosen. {files.wanted(files.VGG)}")
    if path := model_file(files.VGG, name):
        return path
    searched = ", ".join(map(str, model_folders(files.VGG)))
    listed = folder_paths.get_filename_list(files.VGG)
    raise Told(f"There is no file {name!r} in {searched}. {files.wanted(files.VGG)} {nearest(name, listed)}")


def _vgg(name: str, path: str) -> Loaded:
    from torchvision.models import vgg16

    try:
        state: dict[str, torch.Tensor] = comfy.utils.load_torch_file(path, safe_load=True)
    except Exception as error:  # safetensors, pickle and torch each have their own
        if "weights_only" in str(error):
            # torch advises to switch the check off.
            raise Told(
                f"{name} holds more than numbers, and nothing else of it is read. {files.wanted(files.VGG)}"
            ) from None
        raise Told(f"{name} cannot be read: {error} {files.wanted(files.VGG)}") from error
    with torch.device("meta"):
        network = vgg16(weights=None).features
    own: dict[str, torch.Tensor] = {}
    for key, each in network.state_dict().items():
        found = state.get(f"features.{key}")
        if found is None or found.shape != each.shape:
            raise Told(
                f"{name} is not VGG16: its features.{key} is missing or has another size. {files.wanted(files.VGG)}"
            )
        own[key] = found.float()
    network.load_state_dict(own, assign=True)
    network.eval().requires_grad_(False)
    return Loaded(network, _patcher(network))


def _patcher(network: torch.nn.Module) -> Any:
    device, offload = comfy.model_management.get_torch_device(), comfy.model_management.unet_offload_device()
    return ModelPatcher(network, load_device=device, offload_device=offload)

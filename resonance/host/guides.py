"""What pictures are pulled towards by a gradient: words and pictures by CLIP, pictures by VGG16."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import comfy.model_management as management
import comfy.utils
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher

from ..attention.method import kept
from ..files.lookup import nearest
from ..guidance.guide import Guide
from ..guidance.losses import ClipLoss, FeatureLoss, seen_by
from ..paint.weights import pieces
from ..told import Told
from . import core_gradient as core
from .folders import clips, model_file, model_folders
from .memory import Kept
from .sampling.gradient import undynamic

CLIP, VGG = "clip_guidance", "vgg"
"""Folders of models."""
CLIP_PAGE = "https://huggingface.co/laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
VGG_PAGE = "https://download.pytorch.org/models/vgg16-397923af.pth"
TOKENS = 75
LAST_LAYER = 30
"""Of VGG16's features, as torchvision counts them."""
TEXT, PICTURE, FEATURES = "text by CLIP", "picture by CLIP", "picture by VGG16"

Colours = tuple[tuple[float, ...], tuple[float, ...]]
"""Means and deviations of the pictures that a model was trained on."""
COLOURS: Colours = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""OpenAI's CLIP, and LAION's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Eye:
    """What sees a picture as a vector.

    Attributes:
        side: of the pictures that it is shown.
        see: pictures ``[B, 3, side, side]`` to vectors ``[B, D]``.
    """

    network: Any
    patcher: Any
    side: int
    colours: Colours
    see: Callable[[torch.Tensor], torch.Tensor]

    def towards(self, name: str, target: torch.Tensor) -> Guide:
        loss = ClipLoss(self.see, target.cpu(), self.side, *self.colours)
        return Guide(name, (self.network,), loss, (self.patcher,))

    def picture(self, image: torch.Tensor) -> Guide:
        """Towards a picture ``[1, H, W, 3]``."""
        with looking(self.patcher):
            shown = image.clone().movedim(-1, 1).to(self.patcher.load_device)
            return self.towards(PICTURE, seen_by(self.see, shown, self.side, *self.colours))


@dataclass(frozen=True, eq=False)
class Clip:
    """CLIP as transformers writes it: its eye, and what reads words into the same space.

    Attributes:
        tokenizer: None: the folder has none.
    """

    name: str
    eye: Eye
    tokenizer: Any

    def words(self, text: str) -> Guide:
        """Towards the first 75 tokens of a prompt, without its weights.

        Raises:
            Told: it says nothing, or there is no tokenizer.
        """
        if not text.strip():
            raise Told("There are no words to guide by: write some in text, or connect an item of Prompt Lines.")
        if self.tokenizer is None:
            raise Told(
                f"{self.name} has no tokenizer: put its tokenizer.json, or vocab.json and merges.txt, beside config.json."
            )
        said = "".join(piece.text for piece in pieces(text) if piece)
        own = self.tokenizer(said, add_special_tokens=False)["input_ids"][:TOKENS]
        ids = [self.tokenizer.bos_token_id, *own, self.tokenizer.eos_token_id]
        network, patcher = self.eye.network, self.eye.patcher
        with looking(patcher):
            read = network.text_model(input_ids=torch.tensor([ids], device=patcher.load_device))
            return self.eye.towards(TEXT, network.text_projection(read.pooler_output))


_clips: Kept[Clip] = Kept()
_features: Kept[tuple[Any, Any]] = Kept()


@contextmanager
def looking(patcher: Any) -> Generator[None]:
    """While a target is made, which is kept."""
    management.load_models_gpu([patcher])
    with kept(), torch.no_grad():
        yield


def clip(name: str) -> Clip:
    """
    Raises:
        Told: there is none of that name, or it is no CLIP.
    """
    folder = next((each / name for each in model_folders(CLIP) if (each / name / "config.json").is_file()), None)
    if folder is None or name in ("", ".", ".."):
        raise Told(
            f"There is no CLIP {name!r} in {model_folders(CLIP)[0]}. Put a folder with config.json, model.safetensors and a tokenizer there,"
            f" such as {CLIP_PAGE}. {nearest(name, clips())}"
        )
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return _clips.get((folder, *(path.stat().st_mtime_ns for path in files)), lambda: _read(folder))


def _read(folder: Path) -> Clip:
    import transformers

    name, library = folder.name, cast(Any, transformers)
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (ValueError, AttributeError) as error:
        raise Told(f"{name}/config.json is no configuration of transformers: {error}") from error
    if kind != "clip":
        raise Told(f"{name} is a model of the kind {kind!r}, and Gradient Guidance takes CLIP, such as {CLIP_PAGE}.")
    if not any(folder.glob("*.safetensors")):
        raise Told(
            f"{name} has no model.safetensors. Other forms of weights may run a stranger's code and are not read: {CLIP_PAGE}."
        )
    try:
        network, found = library.CLIPModel.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, local_files_only=True
        )
    except Exception as error:  # safetensors and transformers each have their own
        raise Told(f"{name} cannot be read as a CLIP: {error}") from error
    if missing := found["missing_keys"]:
        raise Told(f"{name} is no whole CLIP: {len(missing)} of its weights are missing, such as {min(missing)}.")
    try:
        tokenizer = (
            library.CLIPTokenizer.from_pretrained(folder, local_files_only=True) if _has_tokenizer(folder) else None
        )
    except Exception as error:
        raise Told(f"The tokenizer of {name} cannot be read: {error}") from error
    network = network.eval().float().requires_grad_(False)

    def see(pictures: torch.Tensor) -> torch.Tensor:
        return network.visual_projection(network.vision_model(pixel_values=pictures).pooler_output)

    side = network.config.vision_config.image_size
    eye = Eye(network=network, patcher=_patcher(network), side=side, colours=_colours(folder), see=see)
    return Clip(name, eye, tokenizer)


def _has_tokenizer(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file() or (folder / "vocab.json").is_file()


def _colours(folder: Path) -> Colours:
    try:
        said = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
        return tuple(said["image_mean"]), tuple(said["image_std"])
    except (OSError, ValueError, KeyError):
        return COLOURS


def vision(clip_vision: Any) -> Eye:
    """Of a CLIP_VISION, whatever kind of picture encoder it is."""
    patcher = undynamic(clip_vision.patcher)
    network = patcher.model

    def see(pictures: torch.Tensor) -> torch.Tensor:
        with core.out_of_place(network):
            return core.embedding(network, pictures)

    colours = tuple(clip_vision.image_mean), tuple(clip_vision.image_std)
    return Eye(network=network, patcher=patcher, side=clip_vision.image_size, colours=colours, see=see)


def features(file: str, layer: int, image: torch.Tensor) -> Guide:
    """Towards what VGG16 sees in a picture ``[1, H, W, 3]``, after one of its layers.

    Raises:
        Told: there is no such file, or it is no VGG16.
    """
    if not 0 <= layer <= LAST_LAYER:
        raise Told(f"Expected a layer of VGG16 from 0 to {LAST_LAYER}, got {layer}.")
    path = model_file(VGG, file)
    if path is None:
        raise Told(
            f"There is no VGG16 {file!r} in {model_folders(VGG)[0]}. torchvision's weights are at {VGG_PAGE}."
            f" {nearest(file, folder_paths.get_filename_list(VGG))}"
        )
    network, patcher = _features.get((path, Path(path).stat().st_mtime_ns), lambda: _vgg(file, path))
    management.load_models_gpu([patcher])
    layers = network[: layer + 1]
    pools = sum(isinstance(each, torch.nn.MaxPool2d) for each in layers)
    guide = image.clone().movedim(-1, 1)
    return Guide(FEATURES, (layers,), FeatureLoss(layers, guide, 2**pools), (patcher,))


def _vgg(file: str, path: str) -> tuple[Any, Any]:
    from torchvision.models.vgg import cfgs, make_layers

    try:
        state = comfy.utils.load_torch_file(path, safe_load=True)
    except Exception as error:  # safetensors, pickle and torch each have their own
        if "weights_only" in str(error):
            # torch advises to switch the check off.
            raise Told(
                f"{file} holds more than numbers, and nothing else of it is read. Get the original: {VGG_PAGE}."
            ) from None
        raise Told(f"{file} cannot be read as VGG16, perhaps because it is cut off: {error}") from error
    network = make_layers(cfgs["D"], batch_norm=False)
    begin = "features."
    given = {key.removeprefix(begin): value for key, value in state.items() if key.startswith(begin)}
    wanted = network.state_dict()
    if {key: value.shape for key, value in given.items()} != {key: value.shape for key, value in wanted.items()}:
        raise Told(
            f"{file} is no VGG16 as torchvision has it (without batch normalisation). Its weights are at {VGG_PAGE}."
        )
    network.load_state_dict(given)
    network = network.eval().float().requires_grad_(False)
    return network, _patcher(network)


def _patcher(network: torch.nn.Module) -> Any:
    return ModelPatcher(network, management.get_torch_device(), management.unet_offload_device())

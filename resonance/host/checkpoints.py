"""The models of a draw, loaded once for as long as the draw stays the same.

ComfyUI's cache cannot keep them: its key is the ancestry of a node, and that changes with every item of a round.
"""

from typing import Any, NamedTuple

import comfy.sd
import comfy.utils
import folder_paths

from ..files.lookup import nearest
from ..roulette import Draw, DrawnLora, Plan, parse
from ..told import Told
from .folders import model_file
from .memory import Kept


class Models(NamedTuple):
    model: Any
    clip: Any
    vae: Any


_checkpoint: Kept[Models] = Kept()
_patched: Kept[tuple[Any, Any]] = Kept()
_vae: Kept[Any] = Kept()


def read_plan(text: str) -> Plan:
    """A plan whose every file is there, folders replaced by what is below them.

    Raises:
        PlanError: see :func:`resonance.roulette.parse` and :meth:`resonance.roulette.Plan.expand`.
    """
    kinds = ("checkpoints", "loras")
    return parse(text).expand(
        *(folder_paths.get_filename_list(kind) for kind in kinds),
        searched={kind: folder_paths.get_folder_paths(kind) for kind in kinds},
    )


def load(draw: Draw, vae: str | None = None) -> Models:
    """The checkpoint of a draw with its LoRAs, and the file ``vae`` in place of the checkpoint's own.

    Equal draws get the same objects until another draw has been loaded or memory is freed.
    """
    base = _checkpoint.get(draw.checkpoint, lambda: _load_checkpoint(draw.checkpoint))
    model, clip = _patched.get(draw.key, lambda: _patch(base, draw.loras))
    return Models(model, clip, _vae.get(vae, lambda: _load_vae(vae)) if vae else base.vae)


def _load_checkpoint(name: str) -> Models:
    _patched.drop()  # it holds the weights of the checkpoint before
    embeddings = folder_paths.get_folder_paths("embeddings")
    return Models(
        *comfy.sd.load_checkpoint_guess_config(_path("checkpoints", name), embedding_directory=embeddings)[:3]
    )


def _patch(base: Models, loras: tuple[DrawnLora, ...]) -> tuple[Any, Any]:
    from .loras import note_whole  # loading the pack must not wait for what acts in models

    model, clip = base.model, base.clip
    for lora in loras:
        if not lora.model_strength and not lora.clip_strength:
            continue
        path = _path("loras", lora.name)
        weights, metadata = comfy.utils.load_torch_file(path, safe_load=True, return_metadata=True)
        model, clip = comfy.sd.load_lora_for_models(
            model, clip, weights, lora.model_strength, lora.clip_strength, lora_metadata=metadata
        )
        if lora.model_strength:
            note_whole(model, [path])
    return model, clip


def _load_vae(name: str) -> Any:
    weights, metadata = comfy.utils.load_torch_file(_path("vae", name), safe_load=True, return_metadata=True)
    vae = comfy.sd.VAE(sd=weights, metadata=metadata)
    vae.throw_exception_if_invalid()
    return vae


def _path(kind: str, name: str) -> str:
    path = model_file(kind, name)
    if path is None:
        raise Told(
            f"There is no {name!r} in models/{kind}. Searched: {', '.join(folder_paths.get_folder_paths(kind))}. "
            f"Put the file back, or choose another one. {nearest(name, folder_paths.get_filename_list(kind))}"
        )
    return path

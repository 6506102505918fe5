"""Files of models: what a command line names, among the names that a ComfyUI lists."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import PurePosixPath
from typing import Any

from ..files.lookup import nearest
from ..graph import ENCODE_LINE, GRADIENT_GUIDANCE, HIGHRES_FIX, LLLITE, LORA_STACK
from ..guidance import files
from ..told import Told

Graph = dict[str, dict[str, Any]]

INPUTS: Mapping[str, Mapping[str, str]] = {
    "CheckpointLoaderSimple": {"ckpt_name": "checkpoints"},
    "VAELoader": {"vae_name": "vae"},
    "DiffControlNetLoader": {"control_net_name": "controlnet"},
    "CLIPVisionLoader": {"clip_name": "clip_vision"},
    LORA_STACK: {"lora_": "loras"},
    HIGHRES_FIX: {"upscaler": "latent_upscale_models"},
    LLLITE: {"lllite": "controlnet"},
    GRADIENT_GUIDANCE: {"guide.clip": files.CLIP, "guide.vgg": files.VGG},
}
"""Of nodes that load a model: the inputs that name it, or with which the names of those begin, and the folder in which it lies."""


def find(asked: str, names: Sequence[str], kind: str) -> str:
    """The one of ``names`` that shares the longest ending with what was asked for: at least the file's name, which may lack its
    suffix, then folder by folder. Either slash will do.

    Args:
        kind: the folder of ComfyUI's ``models`` that they lie in.

    Raises:
        Told: there is none, or two are alike.
    """
    wanted = _parts(asked)
    shared = {name: _shared(wanted, _parts(name)) for name in names}
    most = max(shared.values(), default=0)
    found = [name for name in names if most and shared[name] == most]
    if len(found) == 1:
        return found[0]
    if found:
        several = " and ".join(found) if len(found) == 2 else f"{', '.join(found[:-1])} and {found[-1]}"
        raise Told(f"{asked} could be {several} in {kind}: write more of its path.")
    raise Told(f"There is no {asked} in ComfyUI's models/{kind}. {nearest(PurePosixPath(*wanted).name, names)}")


async def looked_up(graph: Graph, listed: Callable[[str], Awaitable[Sequence[str]]]) -> Graph:
    """The graph with the names that a ComfyUI has for its models; of embeddings and XTI the words, which are their names without
    folder and suffix.

    Args:
        listed: the names in one of the folders.

    Raises:
        Told: see :func:`find`.
    """
    made, known = deepcopy(graph), dict[str, Sequence[str]]()
    for node in made.values():
        inputs, kinds = node["inputs"], INPUTS.get(node["class_type"], {})
        for key, kind in [(key, kind) for name, kind in kinds.items() for key in inputs if key.startswith(name)]:
            if kind not in known:
                names = await listed(kind)
                known[kind] = files.folders_of(names) if kind == files.CLIP else names
            asked = _big_g(known[kind]) or inputs[key] if kind == "clip_vision" else inputs[key]
            inputs[key] = (
                find(asked, known[kind], kind) if asked or kind not in files.PAGES else _only(known[kind], kind)
            )
        for key in ("embeddings", "xti") if node["class_type"] == ENCODE_LINE else ():
            if asked := inputs.get(key):
                found = [find(file, await listed("embeddings"), "embeddings") for file in asked.split("\n")]
                inputs[key] = "\n".join(PurePosixPath(*_parts(file)).stem for file in found)
    return made


def _only(names: Sequence[str], kind: str) -> str:
    """Raises Told where there is none, or several."""
    if len(names) == 1:
        return names[0]
    if names:
        raise Told(
            f"There are {len(names)} in ComfyUI's models/{kind}: say which with {files.OPTIONS[kind]}. {nearest('', names)}"
        )
    raise Told(f"There is nothing in ComfyUI's models/{kind}. {files.wanted(kind)}")


def _big_g(names: Sequence[str]) -> str | None:
    """The vision part of SDXL's larger text encoder, by the names under which people have it."""
    return next((name for name in names if "clip_vision_g" in name.lower() or "bigg" in name.lower()), None)


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.strip().replace("\\", "/")).parts


def _shared(asked: tuple[str, ...], name: tuple[str, ...]) -> int:
    """How many parts agree from the end on."""
    if not (asked and name):
        return 0
    if asked[-1] not in (name[-1], PurePosixPath(name[-1]).stem):
        return 0
    count = 1
    for one, other in zip(asked[-2::-1], name[-2::-1], strict=False):
        if one != other:
            break
        count += 1
    return count

"""The hashes of the files that made a picture."""

from pathlib import Path

from ..files.hashes import lora_hash, model_hash
from ..graph import Graph
from ..paint.how import loras_of, model_for
from ..paint.request import model_name
from ..session.item import Item
from . import folders, progress

MODELS = ("checkpoints", "diffusion_models")


def hashes_of(graph: Graph, item: Item, of_model: bool) -> dict[str, str]:
    """By A1111's names, as far as the files are there.

    Args:
        of_model: the checkpoint's, too; it is large.
    """
    found, model = dict[str, str](), model_for(graph, item)
    if of_model and model and (path := _file(model, *MODELS)):
        found["Model hash"] = model_hash(path, progress.stop_if_interrupted)
    loras = {
        model_name(lora.name).replace(":", "").replace(",", ""): lora_hash(path, progress.stop_if_interrupted)
        for lora in loras_of(graph, item)
        if (path := _file(lora.name, "loras"))
    }
    found["Lora hashes"] = ", ".join(f"{name}: {known}" for name, known in loras.items() if known)
    return {name: known for name, known in found.items() if known}


def _file(name: str, *kinds: str) -> Path | None:
    paths = (folders.model_file(kind, name) for kind in kinds)
    return next((Path(path) for path in paths if path), None)

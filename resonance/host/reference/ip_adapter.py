"""IP-Adapter on UNets: every cross-attention reads the picture beside the words."""

from pathlib import Path

import comfy.utils
import folder_paths
import torch

from ...attention.pictures import by_adapters
from ...files.lookup import nearest
from ...reference import adapter
from ...reference.adapter import Adapter
from ...reference.picture import Picture, with_pictures
from ...reference.settings import EACH, FIT, WHAT
from ...told import Told
from ..core_attention import text_widths
from ..families import family, known, sd15, sdxl
from ..folders import model_file, model_folders
from ..memory import Kept
from ..sampling.owner import owned
from . import vision
from .way import Asked, Looked, Way

_adapters: Kept[Adapter] = Kept(limit=2)


def load(file: str | None) -> Adapter:
    """
    Raises:
        Told: none is chosen, there is no such adapter, or it cannot be used.
    """
    if file is None:
        folder, *_ = model_folders("ipadapter")
        raise Told(f"No adapter is chosen. Put one into {folder} and choose it; they are at {adapter.PAGE}.")
    path = model_file("ipadapter", file)
    if path is None:
        searched = ", ".join(map(str, model_folders("ipadapter")))
        raise Told(
            f"There is no adapter {file!r} in {searched}. Adapters are at {adapter.PAGE}."
            f" {nearest(file, folder_paths.get_filename_list('ipadapter'))}".rstrip()
        )
    return _adapters.get((path, Path(path).stat().st_mtime_ns), lambda: _read(file, path))


def _read(file: str, path: str) -> Adapter:
    try:
        state = comfy.utils.load_torch_file(path, safe_load=True)
    except Exception as error:  # safetensors, pickle and torch each have their own
        if "weights_only" in str(error):
            # torch advises to switch the check off.
            raise Told(
                f"{file} holds more than numbers, and nothing else of it is read. Get the original from {adapter.PAGE}."
            ) from None
        raise Told(f"{file} cannot be read as an IP-Adapter, perhaps because it is cut off: {error}") from error
    return adapter.read_adapter(file, state)


def apply(asked: Asked) -> Looked:
    """Puts the picture into the conditioning; its keys and values are computed here, once."""
    kind = family(asked.model)
    reference = asked.reference
    eye, loaded = reference.of("clip_vision"), load(reference.given.get("adapter"))
    slots = list(kind.slots(asked.model.model.diffusion_model))
    order = by_adapters(slots)
    widths = sorted(zip(order, text_widths(asked.model.model.diffusion_model), strict=True))
    loaded.check_model(kind.name, [width for _, width in widths])
    what, fit = reference.value(WHAT), reference.value(FIT)
    field = loaded.projection.sees
    seen = vision.see(eye, asked.image, fit, field)
    loaded.check_vision(seen)
    none = torch.zeros_like(seen[:1, :1]) if loaded.projection.zeros else vision.see_nothing(eye, field)
    picture = Picture(
        shown=loaded.shown(seen, reference.value(EACH)),
        blank=loaded.shown(none),
        strength=asked.strength,
        start=asked.start,
        end=asked.end,
        masks=() if asked.mask is None else (asked.mask,),
        blocks={"all": None, "style": kind.style, "layout": kind.layout}[what],
    )
    conditioning = [[tokens, with_pictures(values, [picture])] for tokens, values in asked.conditioning]
    reading = sum(picture.blocks is None or slot[:2] in picture.blocks for slot in slots)
    said = f"IP-Adapter {loaded.projection.name} on {kind.name}, strength {asked.strength:g}{asked.when}: {what if what != 'all' else 'everything'}"
    return Looked(
        owned(asked.model),
        conditioning,
        f"{said}, {picture.shown.keys[0].shape[1]} tokens in {reading} of {len(slots)} layers.",
    )


WAY = Way(
    name="IP-Adapter",
    models="SD1.5 and SDXL",
    needs=("adapter", "clip_vision"),
    fits=lambda model: known(model) in (sd15.FAMILY, sdxl.FAMILY),
    apply=apply,
)

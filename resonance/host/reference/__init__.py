"""Reference pictures: the ways in which models look at one, and which of them a model has."""

from typing import Any

import torch

from ...attention.parts import Conditioning
from ...reference.reference import Reference
from ...reference.settings import ALL, OF_WAY
from ...settings import Setting
from ...told import Told
from ..families import name_of
from . import ip_adapter, redux, reference_latent, style_model, unclip
from .way import Asked, Looked, Way

AUTOMATIC = "automatic"

WAYS: dict[str, Way] = {
    way.name: way
    for way in (ip_adapter.WAY, style_model.WAY, unclip.UNCLIP, unclip.REVISION, redux.WAY, reference_latent.WAY)
}
"""By name, in the order in which ``automatic`` asks for them."""


def look(
    reference: Reference,
    model: Any,
    conditioning: Conditioning,
    image: torch.Tensor,
    *,
    strength: float = 1.0,
    start: float = 0.0,
    end: float = 1.0,
    mask: torch.Tensor | None = None,
) -> Looked:
    """A model and a conditioning with which a picture acts; the very same ones where it does not act anywhere.

    Args:
        image: ``[B, H, W, 3]``, 0 to 1.
        strength: 0 is without the picture, 1 what the way is made for.
        start, end: share of the sampling during which it acts.
        mask: ``[h, w]`` over the whole picture, 0 to 1: where it acts; None: everywhere.

    Raises:
        Told: the model cannot look at a picture so, or what is given does not fit it.
    """
    if strength == 0:
        return Looked(model, conditioning, "Strength 0: as without the picture.")
    if start >= end:
        return Looked(model, conditioning, "It ends before it begins: as without the picture.")
    if mask is not None:
        mask = mask.nan_to_num().clamp(0, 1)
        if not mask.any():
            return Looked(model, conditioning, "The mask is empty: as without the picture.")
        mask = None if bool((mask == 1).all()) else mask
    way = _way(reference, model)
    idle = [setting.name for setting in ALL if not _acts(reference.value(setting), setting, way)]
    looked = way.apply(
        Asked(
            model=model,
            conditioning=conditioning,
            image=image[..., :3],
            strength=strength,
            start=start,
            end=end,
            mask=mask,
            reference=Reference(
                way=way.name, given={name: value for name, value in reference.given.items() if name not in idle}
            ),
        )
    )
    if idle:
        said = f"{looked.said} Without effect in this way: {', '.join(idle)}."
        return looked._replace(said=said)
    return looked


def _acts(value: Any, setting: Setting[Any], way: Way) -> bool:
    """Whether a way takes what is set, where that is not what is usual."""
    own = next((each for each in OF_WAY[way.name] if each.name == setting.name), None)
    return value == setting.default or own is not None and (not own.choices or value in own.choices)


def _way(reference: Reference, model: Any) -> Way:
    name, given = name_of(model), reference.given
    fitting = [way for way in WAYS.values() if way.fits(model)]
    if reference.way != AUTOMATIC:
        way = WAYS[reference.way]
        if way not in fitting:
            raise Told(f"{way.name} works with {way.models}, but the model is {name}. {_instead(fitting)}")
        return way
    for way in fitting:
        if all(given.get(need) is not None for need in way.needs):
            return way
    if not fitting:
        everything = "; ".join(f"{way.name}: {way.models}" for way in WAYS.values())
        raise Told(f"{name} cannot look at a picture. What can: {everything}.")
    raise Told(f"Nothing is connected with which {name} could look at a picture. {_instead(fitting)}")


def _instead(fitting: list[Way]) -> str:
    if not fitting:
        return "That model cannot look at a picture at all."
    return (
        "It can look at one by "
        + ", or by ".join(f"{way.name} (connect {' and '.join(way.needs)})" for way in fitting)
        + "."
    )

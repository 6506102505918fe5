"""MODELs whose UNet computes its first steps on smaller maps, see :mod:`resonance.paint.deep_shrink`."""

from typing import Any

from ..paint.deep_shrink import Shrink
from ..told import Told
from .core_sampling import percent_to_sigma
from .core_unet import depth_of, shrinking
from .families import family
from .kept_models import KeptModels

KEY = "resonance_deep_shrink"
DEEPEST = 8
LAST_TIMESTEP = 999
REASON = "Deep Shrink works in the UNets of {families}. This model is another one: {model}."

_kept = KeptModels()


def shrunk(model: Any, shrink: Shrink) -> Any:
    """The MODEL itself where nothing shrinks.

    Raises:
        Told: it is of another family, or has no such depth.
    """
    if not shrink.phases:
        return model
    its = family(model, REASON)
    last = max(depth for depth in range(DEEPEST + 1) if its.shrinks(depth) < depth_of(model))
    for name in ("depth_1", "depth_2"):
        if (depth := getattr(shrink, name)) > last:
            raise Told(f"{name} is {depth}, and the depths of this model ({its.name}) go from 0 to {last}.")
    # Not every kind of sampling has time steps to 1000.
    noise = percent_to_sigma(model)
    phases = [(its.shrinks(depth), noise(1 - timestep / LAST_TIMESTEP)) for depth, timestep in shrink.phases]
    return _kept.get(model, shrink, lambda base: shrinking(base, KEY, phases, shrink.ratio))

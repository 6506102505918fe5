"""Model families whose attention can be bound to places: one file each, one line here."""

from typing import Any

from ...told import Told
from . import sd2, sd15, sdxl
from .family import Family

FAMILIES: tuple[Family, ...] = (sd15.FAMILY, sd2.FAMILY, sdxl.FAMILY)


def family(model: Any) -> Family:
    """The family of a MODEL.

    Raises:
        Told: none that is known; the text says which are.
    """
    config = model.model.model_config
    for known in FAMILIES:
        if known.is_it(config):
            return known
    raise Told(
        f"This method works inside the attention of {', '.join(f.name for f in FAMILIES)}, but the model is "
        f"{type(config).__name__}. The methods area overlay and area average work with every model."
    )

"""Model families whose attention can be bound to places: one file each, one line here."""

from typing import Any

from ...attention.method import INSIDE
from ...attention.methods import METHODS
from ...told import Told
from ..core_sampling import config
from . import sd2, sd15, sdxl
from .family import Family

FAMILIES: tuple[Family, ...] = (sd15.FAMILY, sd2.FAMILY, sdxl.FAMILY)


def family(model: Any, reason: str = INSIDE) -> Family:
    """The family of a MODEL.

    Args:
        reason: why it must be one that is known, see :class:`resonance.attention.method.RegionMethod`.

    Raises:
        Told: none that is known; the text says which are.
    """
    found = config(model)
    for known in FAMILIES:
        if known.is_it(found):
            return known
    families = ", ".join(each.name for each in FAMILIES)
    others = " and ".join(method.name for method in METHODS.values() if not method.reason)
    raise Told(reason.format(families=families, model=type(found).__name__, others=others))

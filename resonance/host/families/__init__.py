"""Model families whose attention can be bound to places: one file each, one line here."""

from typing import Any

from ...attention.method import INSIDE
from ...attention.methods import METHODS
from ...told import Told
from ..core_sampling import config
from . import sd2, sd15, sdxl
from .family import Family

FAMILIES: tuple[Family, ...] = (sd15.FAMILY, sd2.FAMILY, sdxl.FAMILY)


def known(model: Any) -> Family | None:
    """The family of a MODEL, if it is one of these."""
    found = config(model)
    return next((each for each in FAMILIES if each.is_it(found)), None)


def name_of(model: Any) -> str:
    """What people call a MODEL's family, or ComfyUI does."""
    found = known(model)
    return found.name if found else type(config(model)).__name__


def family(model: Any, reason: str = INSIDE) -> Family:
    """The family of a MODEL.

    Args:
        reason: why it must be one that is known, see :class:`resonance.attention.method.RegionMethod`.

    Raises:
        Told: none that is known; the text says which are.
    """
    if found := known(model):
        return found
    families = ", ".join(each.name for each in FAMILIES)
    others = " and ".join(method.name for method in METHODS.values() if not method.reason)
    raise Told(reason.format(families=families, model=name_of(model), others=others))

"""kohya's negative scale: how strongly the negative words act, whatever the CFG scale.

With the predictions p (positive), n (negative) and u (of the empty prompt), gen_img guides by ``u + s (p - u) - ns (n - u)``. That is
ordinary guidance, ``m + s (p - m)``, away from ``m = u + k (n - u)`` with ``k = ns / (s - 1)``.
"""

from ..session.item import Item
from ..session.payloads import PromptLine
from .options import read_options

OFF = -1.0
"""The negative words are guided like the others."""


def of_line(item: Item | None) -> float | None:
    """What the line of an item gives with ``--nl``, OFF for ``none``; None: it gives nothing, or the item is no prompt line's."""
    if item is None or not isinstance(item.payload, PromptLine):
        return None
    given = read_options(item.payload.options).options.negative_scale
    return OFF if given == "none" else given


def share(negative_scale: float, scale: float) -> float:
    """How much of the negative stands in for it beside the empty prompt: k.

    Args:
        scale: of classifier-free guidance, above 1.
    """
    return negative_scale / (scale - 1)

"""The multipliers of LoRAs, as gen_img's ``--am`` has them: one for each, in order, and the last for all further ones."""

from ..session.item import Item
from ..session.payloads import PromptLine
from ..told import Told
from .options import OPTIONS, read_options

AM = OPTIONS["am"]


def read_multipliers(text: str) -> tuple[float, ...]:
    """Numbers between commas; none: an empty text.

    Raises:
        Told: it holds anything else.
    """
    if not text.strip():
        return ()
    try:
        return AM.kind.read(text)
    except ValueError:
        raise Told(f"multipliers takes {AM.kind.wants}, such as 0.8,-0.5, not {text.strip()[:60]!r}.") from None


def of_line(item: Item | None) -> tuple[float, ...] | None:
    """What the line of an item gives with ``--am``; None: it gives none, or the item is no prompt line's."""
    if item is None or not isinstance(item.payload, PromptLine):
        return None
    return read_options(item.payload.options).options.multipliers


def padded(multipliers: tuple[float, ...], count: int) -> tuple[float, ...]:
    """One for each of so many LoRAs."""
    known = multipliers or (1.0,)
    return (known + known[-1:] * count)[:count]

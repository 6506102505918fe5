"""The words by which a prompt line guides its picture."""

from ..paint.options import read_options
from ..session.item import Item
from ..session.payloads import PromptLine


def words(item: Item | None, text: str) -> str:
    """What the line of an item gives with ``--c``, else the text, else the line's prompt."""
    if item is None or not isinstance(item.payload, PromptLine):
        return text
    return read_options(item.payload.options).options.guide or text.strip() or item.payload.words

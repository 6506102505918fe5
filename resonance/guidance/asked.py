"""What the lines of an item say of guidance."""

from ..paint.options import read_options
from ..session.item import Item
from ..session.payloads import PromptLine


def texts(item: Item | None, text: str) -> list[str]:
    """What each picture of an item is pulled towards: the words of ``--c``, else the widget's, else the line's own prompt. Without an item
    of prompt lines: the widget's, for all."""
    if item is None:
        return [text]
    lines = [each.payload for each in item.batch if isinstance(each.payload, PromptLine)]
    return [read_options(line.options).options.guide or text.strip() or line.prompt for line in lines] or [text]

"""What is encoded for the pictures of a run: their prompts, and what SDXL is told of their size."""

from typing import NamedTuple

from ..session.item import Item
from ..session.payloads import PromptLine
from .options import Options, read_options
from .passes import first_size, share


class Prompts(NamedTuple):
    """What a picture is to show, and what it is not."""

    positive: str
    negative: str


class Sizes(NamedTuple):
    """What SDXL is told of a picture, in pixels.

    Attributes:
        width, height: of the picture itself.
        original_width ... original_height_negative: that it is to look as if it had been scaled from.
        crop_left, crop_top: that it is to look as if cropped by.
    """

    width: int
    height: int
    original_width: int
    original_height: int
    original_width_negative: int
    original_height_negative: int
    crop_left: int
    crop_top: int


def prompts_of(item: Item | None, otherwise: Prompts) -> list[Prompts]:
    """The prompts of each picture of a run; one pair for all of them, where its items are no prompt lines.

    Args:
        otherwise: what counts for what no line says.
    """
    lines = [each.payload for each in item.batch if isinstance(each.payload, PromptLine)] if item else []
    return [Prompts(line.prompt, otherwise.negative if line.negative is None else line.negative) for line in lines] or [
        otherwise
    ]


def sizes_of(item: Item | None, otherwise: Sizes, highres_scale: float = 0.0) -> Sizes:
    """What is told of each picture of a run: those of a batch agree in it.

    Args:
        otherwise: what counts for what no line says. Of its original sizes 0 is that of the picture, in the negative that of the
            positive.
        highres_scale: above 0: it is told of the first of two passes, see :func:`.passes.passes`.
    """
    width, height = otherwise.width, otherwise.height
    options = Options()
    if item and isinstance(line := item.payload, PromptLine):
        width, height = line.width, line.height
        options = read_options(line.options).options
    if highres_scale:
        width, height = first_size((width, height), highres_scale)

    def told(given: int | None, widget: int, unless: int) -> int:
        pixels = widget or None if given is None else given
        if pixels is None:
            return unless
        return share(pixels, highres_scale) if highres_scale else pixels

    original_width = told(options.original_width, otherwise.original_width, width)
    original_height = told(options.original_height, otherwise.original_height, height)
    return Sizes(
        width=width,
        height=height,
        original_width=original_width,
        original_height=original_height,
        original_width_negative=told(
            options.original_width_negative, otherwise.original_width_negative, original_width
        ),
        original_height_negative=told(
            options.original_height_negative, otherwise.original_height_negative, original_height
        ),
        crop_left=told(options.crop_left, otherwise.crop_left, 0),
        crop_top=told(options.crop_top, otherwise.crop_top, 0),
    )

"""What can be set of the ways to look at a picture."""

from dataclasses import replace
from typing import Any

from ..settings import Setting

FIT = Setting(
    name="fit",
    default="middle",
    choices=("middle", "cover", "squash"),
    tip="What the vision model sees of a picture that is no square: its middle; several squares that cover all of it; or all of it squashed"
    " into one.",
    advanced=True,
)
ONE_SQUARE = replace(FIT, choices=("middle", "squash"))
"""For ways in which what is seen in several squares would add up."""
WHAT = Setting(
    name="what",
    default="all",
    choices=("all", "style", "layout"),
    tip="What of the picture acts: all of it, or by the blocks of the model that read it its style or its layout (InstantStyle).",
)
EACH = Setting(
    name="each",
    default=False,
    tip="Picture 1 of the batch is for picture 1 that is made, and so on. Off: every picture that is made looks at all of them.",
    advanced=True,
)
NOISE = Setting(
    name="noise",
    default=0.0,
    low=0.0,
    high=1.0,
    step=0.01,
    tip="How much noise is laid on what is seen: 0 is closest to the picture, 0.1 to 0.3 leave more to the words.",
)
SIZE = Setting(
    name="size",
    default=1.0,
    low=0.1,
    high=4.0,
    step=0.1,
    tip="To how many megapixels the picture is scaled before the VAE encodes it: edit models were trained with 1.",
    advanced=True,
)

ALL: tuple[Setting[Any], ...] = (WHAT, FIT, EACH, NOISE, SIZE)

OF_WAY: dict[str, tuple[Setting[Any], ...]] = {
    "IP-Adapter": (WHAT, FIT, EACH),
    "style model": (FIT, EACH),
    "unCLIP": (ONE_SQUARE, NOISE),
    "Revision": (ONE_SQUARE, NOISE),
    "Redux": (FIT, EACH),
    "reference latent": (EACH, SIZE),
}
"""By the names of ways."""

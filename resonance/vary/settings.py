"""What can be set about transforms, on nodes and by the command."""

from typing import Literal

from ..settings import Setting

ScaleAs = Literal["cfg", "guidance"]
Returns = Literal["all", "last"]
RETURNS: tuple[Returns, ...] = ("all", "last")
NONE, ANCHORED, OWN = "none", "anchored", "own"
MODES = ("adaptive", ANCHORED, "S", "85deaf5", "20ed20c", OWN)
"""Modes of colour correction, see :mod:`.modes`."""

ERA = Setting(
    name="era",
    default="S",
    choices=("S", "H"),
    tip="Which state of the batch CLI: S of 16 October 2022, H of 12 November 2022. The others are the same in both.",
)
SAVE_MIDDLE = Setting(
    name="save_middle",
    default=False,
    tip="With >: keep every result, not only the last. Without > every result is kept anyway.",
)
LOOP_TO_LOOP = Setting(
    name="loop_to_loop",
    default=False,
    tip="On: a loop starts from the last result of the loop before. Off: every loop starts from the picture.",
)
ITERATIONS = Setting(
    name="iterations",
    default=0,
    low=0,
    high=1000,
    tip="How many loops, each with a seed of its own. 0: the transform's own number, mostly 3.",
)
SCALE_AS = Setting(
    name="scale_as",
    default="cfg",
    choices=("cfg", "guidance"),
    tip="What a transform's scale is: cfg, or the guidance that distilled models such as Flux dev take (cfg is then 1 and the"
    " negative is not used).",
)
THROUGH_VAE = Setting(
    name="reference_through_vae",
    default=False,
    tip="On: colours are compared with what the VAE makes of the reference, so that its own colour cast does not count.",
)
